//! The fake of GitLab against GitLab's descriptions.

use super::{Client, sample_records};
use http::Method;
use packhorse_core::{GitRemote, RepoKind};
use packhorse_testkit::{
    description::Description,
    fake::{Access, Exchange, Fake, Gitlab, Limits, Options, Token, misfits},
    git,
};
use serde_json::{Value, json};

/// What GitLab documents and neither description has.
const OUTSIDE: &[&str] = &["/api/v4/user", "/api/v4/personal_access_tokens/self", "/archive"];

/// Where GitLab's own description is known to say other than its documentation and the product.
///
/// It is generated: a field whose type nobody wrote down is called a string (`upvotes`, `draft`,
/// `labels`), a list of entities one entity (`assignees`, the list of issues), and a path that
/// may stand for an id is called an integer. Two types are no types of JSON Schema. What it says
/// of numbers, flags, lists, and times is held against the answers.
const OWN_FAULTS: &[&str] = &[
    r#"is not of types "null", "string""#,
    r#"is not of type "object""#,
    // The same, of a list so long that the words are cut off before the reason.
    r#": [{""#,
    r#"unusable schema: ["text","null"]"#,
    r#"unusable schema: ["symbol","null"]"#,
    "path id:",
    "path branch:",
    "body /labels:",
];

/// The same of the description that was made of the documentation's examples: where no example
/// has a null, it says that there is none, and it knows no 201.
const DOCUMENTED_FAULTS: &[&str] = &[
    "null is not of type",
    "answer 201: the operation does not answer with this status",
    "/noteable_iid:",
    r#"body: "position["#,
    r#"body: "note_id""#,
    "path discussion_id:",
];

async fn filled(options: Options) -> Fake {
    let fake = Fake::start(Gitlab, options).await.unwrap();
    fake.fill(sample_records(4));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.git");
    git::repository(&path, &git::Shape::default()).await;
    fake.fill_repository("acme/app", RepoKind::Code, &GitRemote::local(&path)).await.unwrap();
    fake
}

/// Holds exchanges against GitLab's own description, and what that leaves out against the one
/// that was made of its documentation.
fn check(log: Vec<Exchange>) {
    let Some(own) = Description::published("gitlab-openapi_v2.2026-07.trim.json") else { return };
    let Some(documented) = Description::published("gitlab-15.2.crawled-docs.trim.json") else {
        return;
    };
    let documented = documented.at("/api/v4");
    let knows = |it: &Exchange| own.knows(&it.method, &it.target);
    let (first, second): (Vec<_>, Vec<_>) = log.into_iter().partition(knows);
    let mut found = misfits(&own, &first, OUTSIDE);
    found.retain(|it| !OWN_FAULTS.iter().any(|fault| it.contains(fault)));
    let mut more = misfits(&documented, &second, OUTSIDE);
    more.retain(|it| !DOCUMENTED_FAULTS.iter().any(|fault| it.contains(fault)));
    found.extend(more);
    assert_eq!(found, Vec::<String>::new());
}

#[tokio::test]
async fn every_answer_fits_the_descriptions() {
    let fake = filled(Options::default()).await;
    let client = Client::of(&fake);

    let project = "/api/v4/projects/acme%2Fapp";
    for path in [
        "/api/v4/version",
        "/api/v4/metadata",
        "/api/v4/user",
        "/api/v4/users?username=user-1",
        "/api/v4/groups",
        "/api/v4/groups/acme",
        "/api/v4/groups/acme/projects",
        "/api/v4/groups/acme/subgroups",
        "/api/v4/groups/acme/members",
        "/api/v4/projects?order_by=id&sort=asc",
        "{}",
        "{}/users",
        "{}/repository/branches",
        "{}/repository/branches/main",
        "{}/repository/tags",
        "{}/repository/commits/main",
        "{}/repository/commits/main/statuses",
        "{}/repository/commits/main/comments",
        "{}/labels",
        "{}/milestones",
        "{}/issues?state=all",
        "{}/issues/1",
        "{}/issues/1/notes?sort=asc",
        "{}/issues/1/discussions",
        "{}/issues/1/award_emoji",
        "{}/merge_requests?state=all",
        "{}/merge_requests/2",
        "{}/merge_requests/2/approvals",
        "{}/merge_requests/2/notes",
        "{}/merge_requests/2/discussions",
        "{}/releases",
        "{}/members",
        "{}/members/all",
        "{}/hooks",
        "{}/deploy_keys",
        "{}/variables",
        "{}/protected_branches",
        "{}/protected_tags",
    ] {
        let path = path.replacen("{}", project, 1);
        let (status, _, body) = client.get(&path).await;
        assert_eq!(status, 200, "{path}: {body}");
    }

    check(fake.take_log());
}

/// Sends one request and wants one status.
struct Writer {
    fake: Fake,
    client: Client,
}

impl Writer {
    async fn start() -> Self {
        let fake = filled(Options::default()).await;
        let client = Client::of(&fake);
        Self { fake, client }
    }

    async fn send(&self, line: &str, body: Value, expected: u16) -> Value {
        let (method, path) = line.split_once(' ').unwrap();
        let path = path.replacen("{}", "/api/v4/projects/acme%2Fapp", 1);
        let (status, _, answer) = self.client.ask(method.parse().unwrap(), &path, Some(body)).await;
        assert_eq!(status, expected, "{line}: {answer}");
        answer
    }
}

#[tokio::test]
async fn issues_are_written_as_documented() {
    let to = Writer::start().await;

    let label = json!({ "name": "bug", "color": "#ff0000" });
    to.send("POST {}/labels", label.clone(), 201).await;
    to.send("POST {}/labels", label, 409).await;
    let milestone = to.send("POST {}/milestones", json!({ "title": "1.0" }), 201).await;
    let issue = json!({ "title": "It breaks", "description": "x", "labels": "bug",
        "milestone_id": milestone["id"], "created_at": "2019-03-04T05:06:07Z", "iid": 77 });
    let issue = to.send("POST {}/issues", issue, 201).await;
    let note = to.send("POST {}/issues/77/notes", json!({ "body": "me too" }), 201).await;
    let award = format!("POST {{}}/issues/77/notes/{}/award_emoji", note["id"]);
    to.send(&award, json!({ "name": "thumbsup" }), 201).await;
    to.send(&award, json!({ "name": "thumbsup" }), 404).await;
    let closed = json!({ "state_event": "close", "discussion_locked": true });
    let closed = to.send("PUT {}/issues/77", closed, 200).await;
    to.send("POST {}/issues", json!({ "title": " " }), 400).await;

    assert_eq!((&issue["iid"], &issue["milestone"]["title"]), (&json!(77), &json!("1.0")));
    assert_eq!(issue["created_at"], "2019-03-04T05:06:07.000Z");
    assert_eq!((&closed["state"], &closed["discussion_locked"]), (&json!("closed"), &json!(true)));
    assert_eq!(closed["labels"], json!(["bug"]));
    check(to.fake.take_log());
}

#[tokio::test]
async fn merge_requests_are_written_as_documented() {
    let to = Writer::start().await;

    let merge =
        json!({ "title": "Draft: Mend", "source_branch": "topic/0", "target_branch": "main" });
    let merge = to.send("POST {}/merge_requests", merge.clone(), 201).await;
    let at = format!("{{}}/merge_requests/{}", merge["iid"]);
    let sha = merge["sha"].as_str().unwrap();
    let position = json!({ "base_sha": sha, "start_sha": sha, "head_sha": sha,
        "position_type": "text", "new_path": "README.md", "old_path": "README.md", "new_line": 1 });
    let thread = json!({ "body": "why?", "position": position });
    let thread = to.send(&format!("POST {at}/discussions"), thread, 201).await;
    let one = format!("{at}/discussions/{}", thread["id"].as_str().unwrap());
    to.send(&format!("POST {one}/notes"), json!({ "body": "because" }), 201).await;
    let resolved = to.send(&format!("PUT {one}"), json!({ "resolved": true }), 200).await;
    to.send(&format!("POST {at}/approve"), json!({}), 201).await;
    let closed = to.send(&format!("PUT {at}"), json!({ "state_event": "close" }), 200).await;

    assert_eq!((&merge["draft"], &closed["state"]), (&json!(true), &json!("closed")));
    assert_eq!(resolved["notes"].as_array().unwrap().len(), 2);
    assert_eq!(resolved["notes"][0]["resolved"], true);
    let refs = to.fake.store(|store| store.refs("acme/app", RepoKind::Code));
    assert_eq!(refs[&format!("refs/merge-requests/{}/head", merge["iid"])], sha);
    check(to.fake.take_log());
}

#[tokio::test]
async fn settings_are_written_as_documented() {
    let to = Writer::start().await;

    let group = to.client.get("/api/v4/groups/acme").await.2["id"].clone();
    let new = json!({ "name": "new", "namespace_id": group, "visibility": "private" });
    let project = to.send("POST /api/v4/projects", new, 201).await;
    let link = json!({ "name": "a.zip", "url": "https://h.example/a.zip" });
    let release = json!({ "tag_name": "v9", "ref": "main", "assets": { "links": [link] } });
    let release = to.send("POST {}/releases", release, 201).await;
    let hook =
        json!({ "url": "https://h.example/", "issues_events": true, "token": "secret-token" });
    let hook = to.send("POST {}/hooks", hook, 201).await;
    let key = json!({ "title": "k", "key": "ssh-ed25519 AAAA me" });
    to.send("POST {}/deploy_keys", key.clone(), 201).await;
    to.send("POST {}/deploy_keys", key, 400).await;
    let rule = json!({ "name": "release/*", "push_access_level": 0, "merge_access_level": 30 });
    let rule = to.send("POST {}/protected_branches", rule, 201).await;
    to.send("POST {}/variables", json!({ "key": "A", "value": "b" }), 201).await;
    to.send("POST {}/archive", json!({}), 201).await;
    to.send("POST {}/issues", json!({ "title": "late" }), 403).await;

    assert_eq!(project["path_with_namespace"], "acme/new");
    assert_eq!(release["assets"]["links"][0]["name"], "a.zip");
    assert!(!hook.to_string().contains("secret-token"));
    assert_eq!(rule["push_access_levels"][0]["access_level"], 0);
    check(to.fake.take_log());
}

#[tokio::test]
async fn projects_go_on_by_the_last_id() {
    let fake = filled(Options::default()).await;
    let client = Client::of(&fake);
    for n in 0..3 {
        client.post("/api/v4/projects", json!({ "name": format!("p{n}") })).await;
    }

    let mut at = "/api/v4/projects?pagination=keyset&order_by=id&sort=asc&per_page=2".to_owned();
    let mut ids = Vec::new();
    loop {
        let (_, headers, page) = client.get(&at).await;
        ids.extend(page.as_array().unwrap().iter().map(|it| it["id"].as_u64().unwrap()));
        let Some(link) = headers.get("link") else { break };
        let next = link.to_str().unwrap().split(['<', '>']).nth(1).unwrap();
        at = next.trim_start_matches(fake.url()).to_owned();
    }

    assert_eq!(ids.len(), 4);
    assert!(ids.is_sorted());
}

#[tokio::test]
async fn tokens_open_what_they_may_and_administrators_act_as_others() {
    let options = Options {
        tokens: vec![
            Token::new("reads", "bob", Access::Read),
            Token::new("gone", "bob", Access::Revoked),
            Token::new("admin", "alice", Access::Admin),
        ],
        ..Options::default()
    };
    let fake = filled(options).await;
    let ask = |token| Client::of(&fake).with_token(token);
    let issues = "/api/v4/projects/acme%2Fapp/issues";
    let issue = || json!({ "title": "x" });

    assert_eq!(ask("gone").get(issues).await.0, 401);
    assert_eq!(ask("").get(issues).await.0, 200);
    assert_eq!(ask("").post(issues, issue()).await.0, 401);
    assert_eq!(ask("reads").post(issues, issue()).await.0, 403);
    assert_eq!(ask("reads").get(&format!("{issues}?sudo=user-1")).await.0, 403);
    let as_other = format!("{issues}?sudo=user-1");
    let (status, _, made) = ask("admin").post(&as_other, issue()).await;
    assert_eq!((status, &made["author"]["username"]), (201, &json!("user-1")));
    assert_eq!(ask("admin").post(&format!("{issues}?sudo=nobody"), issue()).await.0, 404);
}

#[tokio::test]
async fn published_limits_are_told_and_kept() {
    let fake = filled(Options { limits: Limits::Published, ..Options::default() }).await;
    let client = Client::of(&fake);
    let notes = "/api/v4/projects/acme%2Fapp/issues/1/notes";

    let (_, headers, _) = client.ask(Method::GET, notes, None).await;
    let mut refused = None;
    for n in 0..70 {
        let (status, headers, _) = client.post(notes, json!({ "body": n.to_string() })).await;
        if status == 429 {
            refused = Some((n, headers));
            break;
        }
    }

    assert_eq!(headers["ratelimit-remaining"], "1999");
    let (n, headers) = refused.unwrap();
    assert_eq!(n, 60);
    assert!(headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() <= 61);
}
