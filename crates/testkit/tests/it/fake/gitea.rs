//! The fake of Gitea against Gitea's description.

use super::{Client, sample_records};
use http::Method;
use packhorse_core::{GitRemote, RepoKind};
use packhorse_testkit::{
    description::Description,
    fake::{Fake, Gitea, Options, misfits},
    git,
};
use serde_json::{Value, json};

/// What Gitea has and its trimmed description leaves out.
const OUTSIDE: &[&str] = &["/reactions", "/lock", "/actions/", "/attachments/"];

struct Filled {
    fake: Fake,
    client: Client,
}

impl Filled {
    async fn start() -> Self {
        let fake = Fake::start(Gitea, Options::default()).await.unwrap();
        fake.fill(sample_records(4));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.git");
        git::repository(&path, &git::Shape::default()).await;
        let from = GitRemote::local(&path);
        fake.fill_repository("acme/app", RepoKind::Code, &from).await.unwrap();
        let client = Client::of(&fake);
        Self { fake, client }
    }

    async fn send(&self, line: &str, body: Option<Value>, expected: u16) -> Value {
        let (method, path) = line.split_once(' ').unwrap();
        let path = path.replacen("{}", "/repos/acme/app", 1);
        let method: Method = method.parse().unwrap();
        let (status, _, answer) = self.client.ask(method, &format!("/api/v1{path}"), body).await;
        assert_eq!(status, expected, "{line}: {answer}");
        answer
    }

    fn check(&self) {
        let Some(description) = Description::published("gitea-1.23dev-2024-12.trim.json") else {
            return;
        };
        let log = self.fake.take_log();
        assert_eq!(misfits(&description, &log, OUTSIDE), Vec::<String>::new());
    }
}

#[tokio::test]
async fn every_answer_fits_the_description() {
    let at = Filled::start().await;

    for path in [
        "/version",
        "/settings/api",
        "/user",
        "/users/user-1",
        "/orgs",
        "/orgs/acme",
        "/orgs/acme/repos",
        "/orgs/acme/teams",
        "/orgs/acme/members",
        "/admin/users",
        "/repos/search?q=acme&page=1&limit=50",
        "{}",
        "{}/topics",
        "{}/branches",
        "{}/branches/main",
        "{}/labels",
        "{}/milestones?state=all",
        "{}/issues?state=all&type=issues&page=1&limit=50",
        "{}/issues/1",
        "{}/issues/2",
        "{}/issues/comments",
        "{}/issues/1/comments",
        "{}/issues/1/timeline",
        "{}/pulls?state=all",
        "{}/pulls/2",
        "{}/pulls/2/reviews",
        "{}/pulls/2/reviews/200000/comments",
        "{}/releases",
        "{}/hooks",
        "{}/keys",
        "{}/collaborators",
        "{}/teams",
        "{}/branch_protections",
        "{}/tag_protections",
        "{}/statuses/077a459b4772cffafdae8dfe65e4f7d7fa223d65",
    ] {
        at.send(&format!("GET {path}"), None, 200).await;
    }

    at.check();
}

#[tokio::test]
async fn what_is_written_is_read_again_and_fits_the_description() {
    let at = Filled::start().await;

    let label = json!({ "name": "bug", "color": "#ff0000" });
    let label = at.send("POST {}/labels", Some(label), 201).await;
    let milestone = at.send("POST {}/milestones", Some(json!({ "title": "1.0" })), 201).await;
    let issue = json!({ "title": "x", "labels": [label["id"]], "milestone": milestone["id"] });
    let issue = at.send("POST {}/issues", Some(issue), 201).await;
    let number = &issue["number"];
    let comment = json!({ "body": "me too" });
    at.send(&format!("POST {{}}/issues/{number}/comments"), Some(comment), 201).await;
    let closed = json!({ "state": "closed" });
    let closed = at.send(&format!("PATCH {{}}/issues/{number}"), Some(closed), 201).await;
    let pull = json!({ "title": "Mend", "head": "topic/0", "base": "main" });
    let pull = at.send("POST {}/pulls", Some(pull), 201).await;
    let comments = json!([{ "path": "README.md", "body": "why?", "new_position": 1 }]);
    let review = json!({ "event": "COMMENT", "body": "so", "comments": comments });
    let reviews = format!("{{}}/pulls/{}/reviews", pull["number"]);
    let review = at.send(&format!("POST {reviews}"), Some(review), 200).await;
    let inline = at.send(&format!("GET {reviews}/{}/comments", review["id"]), None, 200).await;
    let merge = json!({ "Do": "manually-merged", "MergeCommitID": pull["head"]["sha"] });
    at.send(&format!("POST {{}}/pulls/{}/merge", pull["number"]), Some(merge), 200).await;
    let release = json!({ "tag_name": "v9", "target_commitish": "main" });
    at.send("POST {}/releases", Some(release), 201).await;
    let rule = json!({ "rule_name": "main", "required_approvals": 2 });
    at.send("POST {}/branch_protections", Some(rule), 201).await;
    at.send("PUT {}/topics", Some(json!({ "topics": ["git"] })), 204).await;
    at.send("POST /orgs", Some(json!({ "username": "umbrella" })), 201).await;
    at.send("POST /orgs/umbrella/repos", Some(json!({ "name": "new" })), 201).await;

    assert_eq!(closed["labels"][0]["name"], "bug");
    assert_eq!(closed["milestone"]["title"], "1.0");
    assert_eq!(inline[0]["position"], 1);
    at.check();
}

#[tokio::test]
async fn topics_have_pages() {
    let at = Filled::start().await;

    let first = at.send("GET {}/topics?limit=3&page=1", None, 200).await;
    let second = at.send("GET {}/topics?limit=3&page=2", None, 200).await;

    assert_eq!(first["topics"].as_array().unwrap().len(), 3);
    assert_eq!(second["topics"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_administrator_writes_as_others() {
    let at = Filled::start().await;

    let as_other = json!({ "title": "from bob" });
    let issue = at.send("POST {}/issues?sudo=user-1", Some(as_other), 201).await;

    assert_eq!(issue["user"]["login"], "user-1");
}
