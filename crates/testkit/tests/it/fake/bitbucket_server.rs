//! The fake of Bitbucket Data Center against its description.

use super::{Client, sample_records};
use packhorse_core::{GitRemote, RepoKind};
use packhorse_testkit::{
    description::Description,
    fake::{Access, BitbucketServer, Fake, Options, Token, misfits},
    git,
};
use serde_json::{Value, json};

const REPO: &str = "/rest/api/latest/projects/acme/repos/app";

/// Where the description is known to say other than the product.
///
/// An error without a field has a null there; the path of an anchor is a text in both directions;
/// one restriction is taken as plain JSON, beside the list that the description has.
const FAULTS: &[&str] = &[
    "/context: null",
    "/anchor/path: ",
    "`application/json` is none of application/vnd.atl.bitbucket.bulk+json",
];

async fn filled(options: Options) -> Fake {
    let fake = Fake::start(BitbucketServer, options).await.unwrap();
    fake.fill(sample_records(4));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.git");
    git::repository(&path, &git::Shape::default()).await;
    fake.fill_repository("acme/app", RepoKind::Code, &GitRemote::local(&path)).await.unwrap();
    fake
}

fn check(fake: &Fake) {
    let Some(description) = Description::published("bitbucket-dc-9.2.trim.json") else { return };
    let log = fake.take_log();
    let mut found = misfits(&description.at("/rest"), &log, &[]);
    found.retain(|it| !FAULTS.iter().any(|fault| it.contains(fault)));
    assert_eq!(found, Vec::<String>::new());
}

#[tokio::test]
async fn every_answer_fits_the_description() {
    let fake = filled(Options::default()).await;
    let client = Client::of(&fake);
    let at = "projects/acme/repos/app";

    for path in [
        "/rest/api/latest/application-properties",
        "/rest/api/latest/users/user-1",
        "/rest/api/latest/admin/users",
        "/rest/api/latest/projects",
        "/rest/api/latest/projects/acme",
        "/rest/api/latest/projects/acme/repos",
        "/rest/api/latest/repos",
        "{}",
        "{}/branches",
        "{}/tags",
        "{}/default-branch",
        "{}/labels",
        "{}/webhooks",
        "{}/permissions/users",
        "{}/permissions/groups",
        "{}/pull-requests?state=ALL",
        "{}/pull-requests/2",
        "{}/pull-requests/2/activities",
        "{}/pull-requests/5/activities",
        "{}/pull-requests/2/blocker-comments",
        "{}/pull-requests/2/participants",
        "{}/pull-requests/2/comments?path=README.md",
        "{}/commits/0123456789/comments",
        &format!("/rest/keys/latest/{at}/ssh"),
        &format!("/rest/branch-permissions/latest/{at}/restrictions"),
        &format!("/rest/default-reviewers/latest/{at}/conditions"),
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

#[tokio::test]
async fn pull_requests_are_written_as_described() {
    let fake = filled(Options::default()).await;

    let branch = |name: &str| json!({ "id": format!("refs/heads/{name}") });
    let pull = json!({ "title": "Mend", "fromRef": branch("topic/0"), "toRef": branch("main"),
        "reviewers": [{ "user": { "name": "user-1" } }] });
    let pull_sent = pull.clone();
    let pull = send(&fake, "POST {}/pull-requests", pull, 201).await;
    send(&fake, "POST {}/pull-requests", pull_sent, 409).await;
    let at = format!("{{}}/pull-requests/{}", pull["id"]);
    let anchor = json!({ "path": "README.md", "line": 1, "lineType": "ADDED", "fileType": "TO" });
    let comments = format!("POST {at}/comments");
    let first = send(&fake, &comments, json!({ "text": "why?", "anchor": anchor }), 201).await;
    let reply = json!({ "text": "because", "parent": { "id": first["id"] } });
    send(&fake, &comments, reply, 201).await;
    let task = json!({ "text": "do it", "severity": "BLOCKER" });
    let task = send(&fake, &comments, task, 201).await;
    let one = format!("PUT {at}/comments/{}", task["id"]);
    let done = json!({ "state": "RESOLVED", "version": task["version"] });
    let done_again = done.clone();
    let done = send(&fake, &one, done, 200).await;
    send(&fake, &one, done_again, 409).await;
    send(&fake, &format!("POST {at}/approve"), Value::Null, 200).await;
    let declined =
        send(&fake, &format!("POST {at}/decline"), json!({ "version": pull["version"] }), 200)
            .await;
    let (_, _, told) =
        Client::of(&fake).get(&format!("{at}/activities").replacen("{}", REPO, 1)).await;

    assert_eq!((&done["state"], &declined["state"]), (&json!("RESOLVED"), &json!("DECLINED")));
    assert_eq!(pull["reviewers"][0]["user"]["name"], "user-1");
    let actions: Vec<_> = told["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["action"].as_str().unwrap())
        .collect();
    for action in ["OPENED", "COMMENTED", "APPROVED", "DECLINED"] {
        assert!(actions.contains(&action), "{actions:?}");
    }
    let refs = fake.store(|store| store.refs("acme/app", RepoKind::Code));
    let own = format!("refs/pull-requests/{}/from", pull["id"]);
    assert_eq!(refs[&own], pull["fromRef"]["latestCommit"].as_str().unwrap());
    check(&fake);
}

#[tokio::test]
async fn settings_are_written_as_described() {
    let fake = filled(Options::default()).await;
    let at = "latest/projects/acme/repos/app";

    let project = json!({ "key": "new", "name": "New" });
    let project = send(&fake, "POST /rest/api/latest/projects", project, 201).await;
    let repository = json!({ "name": "My Tools", "scmId": "git" });
    let repository = send(&fake, "POST /rest/api/latest/projects/NEW/repos", repository, 201).await;
    let hook = json!({ "name": "ci", "url": "https://h.example/", "active": false,
        "events": ["repo:refs_changed"], "configuration": { "secret": "secret-token" } });
    let hook = send(&fake, "POST {}/webhooks", hook, 200).await;
    let key = json!({ "key": { "text": "ssh-ed25519 AAAA me" }, "permission": "REPO_READ" });
    send(&fake, &format!("POST /rest/keys/{at}/ssh"), key.clone(), 201).await;
    send(&fake, &format!("POST /rest/keys/{at}/ssh"), key, 409).await;
    let rule = json!({ "type": "no-deletes", "users": ["user-1"],
        "matcher": { "id": "release/*", "type": { "id": "PATTERN" } } });
    let rule =
        send(&fake, &format!("POST /rest/branch-permissions/{at}/restrictions"), rule, 200).await;
    let grant = "PUT {}/permissions/users?name=user-1&permission=REPO_WRITE";
    send(&fake, grant, Value::Null, 204).await;
    send(&fake, "PUT {}", json!({ "archived": true }), 201).await;

    assert_eq!((&project["key"], &repository["slug"]), (&json!("NEW"), &json!("my-tools")));
    assert!(!hook.to_string().contains("secret-token"));
    assert_eq!(
        (&rule["type"], &rule["matcher"]["type"]["id"]),
        (&json!("no-deletes"), &json!("PATTERN"))
    );
    check(&fake);
}

#[tokio::test]
async fn listings_go_on_by_offset_and_tokens_open_what_they_may() {
    let options = Options {
        tokens: vec![
            Token::new("reads", "bob", Access::Read),
            Token::new("gone", "bob", Access::Revoked),
        ],
        ..Options::default()
    };
    let fake = filled(options).await;
    let ask = |token| Client::of(&fake).with_token(token);
    let branches = |start: u64| format!("{REPO}/branches?limit=1&start={start}");

    let (_, _, first) = ask("reads").get(&branches(0)).await;
    let next = first["nextPageStart"].as_u64().unwrap();
    let (_, _, second) = ask("reads").get(&branches(next)).await;

    assert_eq!((&first["isLastPage"], &first["size"]), (&json!(false), &json!(1)));
    assert_ne!(first["values"][0]["id"], second["values"][0]["id"]);
    assert_eq!(ask("gone").get(REPO).await.0, 401);
    assert_eq!(ask("").get(REPO).await.0, 200);
    assert_eq!(ask("reads").get(&format!("{REPO}/webhooks")).await.0, 401);
    assert_eq!(ask("reads").get("/rest/api/latest/projects/acme/repos/none").await.0, 404);
}
