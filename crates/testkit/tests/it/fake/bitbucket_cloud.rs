//! The fake of Bitbucket Cloud against its descriptions.

use super::{Client, sample_records};
use packhorse_core::{GitRemote, RepoKind};
use packhorse_testkit::{
    description::Description,
    fake::{Access, BitbucketCloud, Fake, Limit, Limits, Options, Token, misfits},
    git,
};
use serde_json::{Value, json};
use std::time::Duration;

const REPO: &str = "/2.0/repositories/acme/app";

/// Where the description is known to say other than the product, as recordings of it show.
///
/// Values that are not there are null; tasks have the fields that their description forbids and
/// demands at once; hooks, keys and branches are made of something.
const FAULTS: &[&str] = &[
    ": null",
    "/tasks answer 201: Additional properties",
    "/tasks/{task_id} answer 200: Additional properties",
    "/hooks body: the operation takes none",
    "/deploy-keys body: the operation takes none",
    "/refs/branches body: the operation takes none",
];

/// What the description leaves out: that names of branches have slashes, and what a branch is
/// made of.
const OUTSIDE: &[&str] = &["/refs/branches/", "/storage/"];

async fn filled(product: BitbucketCloud, options: Options) -> Fake {
    let fake = Fake::start(product, options).await.unwrap();
    fake.fill(sample_records(4));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.git");
    git::repository(&path, &git::Shape::default()).await;
    fake.fill_repository("acme/app", RepoKind::Code, &GitRemote::local(&path)).await.unwrap();
    fake
}

async fn todays() -> Fake {
    filled(BitbucketCloud::default(), Options::default()).await
}

fn check_against(fake: &Fake, file: &str) {
    let Some(description) = Description::published(file) else { return };
    // Said of listings in general, and not of each.
    let general = ["page", "pagelen", "fields", "sort", "q", "ctx"];
    let description = general.into_iter().fold(description, Description::allow);
    let mut found = misfits(&description.at("/2.0"), &fake.take_log(), OUTSIDE);
    found.retain(|it| !FAULTS.iter().any(|fault| it.contains(fault)));
    assert_eq!(found, Vec::<String>::new());
}

fn check(fake: &Fake) {
    check_against(fake, "bitbucket-cloud.trim.json");
}

#[tokio::test]
async fn every_answer_fits_the_description() {
    let fake = todays().await;
    let client = Client::of(&fake);
    let tip = fake.store(|store| store.branch("acme/app", "main")).unwrap();

    for path in [
        "/2.0/user",
        "/2.0/users/user-1",
        "/2.0/workspaces",
        "/2.0/workspaces/acme",
        "/2.0/workspaces/acme/members",
        "/2.0/workspaces/acme/permissions",
        "/2.0/repositories/acme?sort=created_on",
        "{}",
        "{}/refs/branches?q=name+~+%22topic%22",
        "{}/refs/branches/topic/0",
        "{}/pullrequests?state=OPEN&state=MERGED&sort=id&fields=%2Bvalues.reviewers",
        "{}/pullrequests/2",
        "{}/pullrequests/2/activity",
        "{}/pullrequests/2/comments",
        "{}/pullrequests/2/tasks",
        "{}/pullrequests/2/statuses",
        "{}/hooks",
        "{}/deploy-keys",
        "{}/permissions-config/users",
        "{}/permissions-config/groups",
        "{}/branch-restrictions",
        "{}/effective-branching-model",
        "{}/downloads",
        &format!("{{}}/commit/{}", &tip[..12]),
        &format!("{{}}/commit/{tip}/statuses"),
    ] {
        let path = path.replacen("{}", REPO, 1);
        let (status, _, body) = client.get(&path).await;
        assert_eq!(status, 200, "{path}: {body}");
    }

    check(&fake);
}

/// Sends one request and wants one status.
async fn send(fake: &Fake, line: &str, body: Value, expected: u16) -> Value {
    let (method, path) = line.split_once(' ').unwrap();
    let path = path.replacen("{}", REPO, 1);
    let body = Some(body).filter(|it| !it.is_null());
    let ask = Client::of(fake).ask(method.parse().unwrap(), &path, body).await;
    assert_eq!(ask.0, expected, "{line}: {}", ask.2);
    ask.2
}

fn said(text: &str) -> Value {
    json!({ "type": "pullrequest_comment", "content": { "raw": text } })
}

fn between(title: &str, from: &str, to: &str) -> Value {
    let end = |name: &str| json!({ "branch": { "name": name } });
    json!({ "type": "pullrequest", "title": title, "source": end(from), "destination": end(to) })
}

#[tokio::test]
async fn pull_requests_are_made_and_end_for_good() {
    let fake = todays().await;
    let asked = |name: &str| {
        let mut pull = between("Mend", "topic/0", "main");
        pull["reviewers"] = json!([{ "type": "user", "account_id": name }]);
        pull
    };

    send(&fake, "POST {}/pullrequests", asked("nobody"), 400).await;
    let pull = send(&fake, "POST {}/pullrequests", asked("user-1"), 201).await;
    send(&fake, "POST {}/pullrequests", between("Same", "main", "main"), 400).await;
    let at = format!("{{}}/pullrequests/{}", pull["id"]);
    let renamed = json!({ "type": "pullrequest", "title": "Mend it" });
    send(&fake, &format!("PUT {at}"), renamed, 200).await;
    let judged = send(&fake, &format!("POST {at}/request-changes"), Value::Null, 200).await;
    let merge = json!({ "type": "pullrequest", "close_source_branch": true });
    let merged = send(&fake, &format!("POST {at}/merge"), merge, 200).await;
    send(&fake, &format!("POST {at}/decline"), Value::Null, 400).await;
    let told = send(&fake, &format!("GET {at}/activity"), Value::Null, 200).await;

    assert_eq!(pull["source"]["commit"]["hash"].as_str().unwrap().len(), 12);
    assert_eq!(pull["reviewers"][0]["account_id"], "user-1");
    assert_eq!(judged["state"], "changes_requested");
    let told: Vec<_> = told["values"].as_array().unwrap().iter().rev().collect();
    let states: Vec<_> = told.iter().filter_map(|it| it["update"]["state"].as_str()).collect();
    assert_eq!(states, ["OPEN", "OPEN", "MERGED"]);
    let refs = fake.store(|store| store.refs("acme/app", RepoKind::Code));
    assert!(!refs.contains_key("refs/heads/topic/0"));
    assert!(refs["refs/heads/main"].starts_with(merged["merge_commit"]["hash"].as_str().unwrap()));
    check(&fake);
}

#[tokio::test]
async fn what_is_said_is_answered_settled_and_deleted() {
    let fake = todays().await;
    let pull = send(&fake, "POST {}/pullrequests", between("Mend", "topic/0", "main"), 201).await;
    let at = format!("{{}}/pullrequests/{}", pull["id"]);
    let comments = format!("POST {at}/comments");

    let mut question = said("why?");
    question["inline"] = json!({ "path": "README.md", "to": 3, "start_to": 2 });
    let first = send(&fake, &comments, question, 201).await;
    let mut answer = said("because");
    answer["parent"] = json!({ "type": "pullrequest_comment", "id": first["id"] });
    let second = send(&fake, &comments, answer, 201).await;
    let plain = send(&fake, &comments, said("fine"), 201).await;
    send(&fake, &comments, said(" "), 400).await;
    let one = |id: &Value| format!("{at}/comments/{id}");
    send(&fake, &format!("POST {}/resolve", one(&first["id"])), Value::Null, 200).await;
    send(&fake, &format!("POST {}/resolve", one(&first["id"])), Value::Null, 409).await;
    send(&fake, &format!("PUT {}", one(&plain["id"])), said("good"), 200).await;
    send(&fake, &format!("DELETE {}", one(&first["id"])), Value::Null, 204).await;
    send(&fake, &format!("DELETE {}", one(&plain["id"])), Value::Null, 204).await;
    let task = json!({ "content": { "raw": "do it" } });
    let task = send(&fake, &format!("POST {at}/tasks"), task, 201).await;
    let done = json!({ "state": "RESOLVED" });
    let done = send(&fake, &format!("PUT {at}/tasks/{}", task["id"]), done, 200).await;
    let left = send(&fake, &format!("GET {at}/comments"), Value::Null, 200).await;

    assert_eq!(done["state"], "RESOLVED");
    assert_eq!((&left["size"], &left["values"][0]["deleted"]), (&json!(2), &json!(true)));
    assert_eq!(left["values"][0]["resolution"]["user"]["account_id"], "alice");
    assert_eq!(left["values"][1]["parent"]["id"], first["id"]);
    assert_eq!(left["values"][1]["id"], second["id"]);
    check(&fake);
}

#[tokio::test]
async fn settings_are_written_as_described() {
    let fake = todays().await;
    let tip = fake.store(|store| store.branch("acme/app", "main")).unwrap();

    let made = json!({ "type": "repository", "scm": "git", "is_private": true });
    let made = send(&fake, "POST /2.0/repositories/acme/tools", made, 200).await;
    let hook = json!({ "description": "ci", "url": "https://h.example/", "active": false,
        "events": ["repo:push"], "secret": "secret-token" });
    let hook = send(&fake, "POST {}/hooks", hook, 201).await;
    let key = json!({ "key": "ssh-ed25519 AAAA me", "label": "pad" });
    let made_key = send(&fake, "POST {}/deploy-keys", key.clone(), 200).await;
    send(&fake, "POST {}/deploy-keys", key, 400).await;
    let rule = json!({ "type": "branchrestriction", "kind": "push", "branch_match_kind": "glob",
        "pattern": "v/*", "users": [{ "type": "user", "account_id": "user-1" }] });
    let made_rule = send(&fake, "POST {}/branch-restrictions", rule.clone(), 201).await;
    send(&fake, "POST {}/branch-restrictions", rule, 400).await;
    let found = send(&fake, "GET {}/branch-restrictions?pattern=v%2F%2A", Value::Null, 200).await;
    let grant = json!({ "permission": "write" });
    send(&fake, "PUT {}/permissions-config/users/user-1", grant.clone(), 200).await;
    send(&fake, "PUT {}/permissions-config/users/nobody", grant, 404).await;
    let status = json!({ "type": "build", "key": "ci", "state": "STOPPED",
        "url": "https://ci.example/1" });
    send(&fake, &format!("POST {{}}/commit/{tip}/statuses/build"), status, 201).await;
    let branch = json!({ "name": "new/one", "target": { "hash": tip[..12] } });
    send(&fake, "POST {}/refs/branches", branch, 201).await;
    let main =
        json!({ "type": "repository", "mainbranch": { "type": "branch", "name": "new/one" } });
    let changed = send(&fake, "PUT {}", main, 200).await;

    assert_eq!((&made["slug"], &made["mainbranch"]), (&json!("tools"), &Value::Null));
    assert!(!hook.to_string().contains("secret-token") && hook["secret_set"] == true);
    assert_eq!(
        (&made_key["key"], &made_key["comment"]),
        (&json!("ssh-ed25519 AAAA"), &json!("me"))
    );
    assert_eq!((&found["size"], &found["values"][0]), (&json!(1), &made_rule));
    assert_eq!(changed["mainbranch"]["name"], "new/one");
    check(&fake);
}

#[tokio::test]
async fn listings_lead_on_and_tokens_open_what_they_may() {
    let window = Duration::from_secs(3600);
    let limit = Limit { name: "api-request", allowance: 8, window, toll: |_, _| 1 };
    let options = Options {
        tokens: vec![
            Token::new("reads", "bob", Access::Read),
            Token::new("gone", "bob", Access::Revoked),
        ],
        limits: Limits::Own(vec![limit]),
        ..Options::default()
    };
    let fake = filled(BitbucketCloud::default(), options).await;
    let ask = |token| Client::of(&fake).with_token(token);

    let (_, headers, first) = ask("reads").get(&format!("{REPO}/refs/branches?pagelen=1")).await;
    let next = first["next"].as_str().unwrap().strip_prefix(fake.url()).unwrap();
    let (_, _, second) = ask("reads").get(next).await;

    assert_eq!((&first["pagelen"], &first["size"]), (&json!(1), &json!(3)));
    assert_ne!(first["values"][0]["name"], second["values"][0]["name"]);
    assert_eq!(headers["x-ratelimit-nearlimit"], "false");
    assert_eq!(ask("reads").get(&format!("{REPO}/pullrequests?pagelen=100")).await.0, 400);
    assert_eq!(ask("gone").get(REPO).await.0, 401);
    assert_eq!(ask("").get(REPO).await.0, 200);
    assert_eq!(ask("reads").get(&format!("{REPO}/hooks")).await.0, 403);
    assert_eq!(ask("reads").get("/2.0/repositories/acme/none").await.0, 404);
    for _ in 0..4 {
        ask("reads").get(REPO).await;
    }
    let (status, headers, _) = ask("reads").get(REPO).await;
    assert_eq!((status, headers.contains_key("retry-after")), (429, true));
}

#[tokio::test]
async fn issues_are_there_where_the_product_had_them_and_nowhere_else() {
    let old = filled(BitbucketCloud { has_issues: true }, Options::default()).await;
    let client = Client::of(&old);

    let (_, _, issues) = client.get(&format!("{REPO}/issues?sort=id")).await;
    let number = &issues["values"][0]["id"];
    for path in ["{}/milestones", "{}/issues/@", "{}/issues/@/comments", "{}/issues/@/attachments"]
    {
        let path = path.replace("{}", REPO).replace('@', &number.to_string());
        assert_eq!(client.get(&path).await.0, 200, "{path}");
    }

    assert_eq!(issues["size"], 4);
    check_against(&old, "bitbucket-cloud.2023-apisguru.issues-only.json");
    assert_eq!(Client::of(&todays().await).get(&format!("{REPO}/issues")).await.0, 404);
}
