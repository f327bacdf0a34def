//! The fake of GitHub against GitHub's description.

use super::{Client, sample_records};
use packhorse_core::{GitRemote, RepoKind};
use packhorse_testkit::{
    description::Description,
    fake::{Fake, Github, Limits, Options, misfits},
    git,
};
use serde_json::{Value, json};

/// What GitHub has and its trimmed description leaves out.
const OUTSIDE: &[&str] = &[
    "/reactions",
    "/import/issues",
    "/memberships",
    "/graphql",
    "/actions/",
    "/members?role",
    "/teams/team-0",
];

async fn filled(options: Options) -> Fake {
    let fake = Fake::start(Github, options).await.unwrap();
    fake.fill(sample_records(4));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.git");
    git::repository(&path, &git::Shape::default()).await;
    fake.fill_repository("acme/app", RepoKind::Code, &GitRemote::local(&path)).await.unwrap();
    fake
}

#[tokio::test]
async fn every_answer_fits_the_description() {
    let Some(description) = Description::published("github-api.trim.json") else { return };
    let fake = filled(Options::default()).await;
    let client = Client::of(&fake);

    for path in [
        "/meta",
        "/rate_limit",
        "/user",
        "/users/user-1",
        "/orgs/acme",
        "/orgs/acme/repos",
        "/orgs/acme/members",
        "/orgs/acme/teams",
        "/user/repos",
        "/repos/acme/app",
        "/repos/acme/app/topics",
        "/repos/acme/app/branches",
        "/repos/acme/app/branches/main",
        "/repos/acme/app/labels",
        "/repos/acme/app/milestones?state=all",
        "/repos/acme/app/milestones/1",
        "/repos/acme/app/issues?state=all",
        "/repos/acme/app/issues/1",
        "/repos/acme/app/issues/2",
        "/repos/acme/app/issues/comments",
        "/repos/acme/app/issues/1/comments",
        "/repos/acme/app/issues/events",
        "/repos/acme/app/issues/1/events",
        "/repos/acme/app/issues/1/timeline",
        "/repos/acme/app/pulls?state=all",
        "/repos/acme/app/pulls/2",
        "/repos/acme/app/pulls/5",
        "/repos/acme/app/pulls/2/reviews",
        "/repos/acme/app/pulls/comments",
        "/repos/acme/app/pulls/2/comments",
        "/repos/acme/app/pulls/2/requested_reviewers",
        "/repos/acme/app/comments",
        "/repos/acme/app/releases",
        "/repos/acme/app/hooks",
        "/repos/acme/app/keys",
        "/repos/acme/app/collaborators",
        "/repos/acme/app/teams",
        "/repos/acme/app/autolinks",
        "/repos/acme/app/rulesets",
        "/repos/acme/app/commits/main/statuses",
        "/repos/acme/app/git/matching-refs/heads/",
        "/repos/acme/app/assignees",
    ] {
        let (status, _, body) = client.get(path).await;
        assert_eq!(status, 200, "{path}: {body}");
    }

    let log = fake.take_log();
    assert_eq!(misfits(&description, &log, OUTSIDE), Vec::<String>::new());
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
        let path = path.replacen("{}", "/repos/acme/app", 1);
        let (status, _, answer) = self.client.ask(method.parse().unwrap(), &path, Some(body)).await;
        assert_eq!(status, expected, "{line}: {answer}");
        answer
    }

    fn check(&self) {
        let Some(description) = Description::published("github-api.trim.json") else { return };
        let log = self.fake.take_log();
        assert_eq!(misfits(&description, &log, OUTSIDE), Vec::<String>::new());
    }
}

#[tokio::test]
async fn issues_are_written_as_described() {
    let to = Writer::start().await;

    to.send("POST {}/labels", json!({ "name": "bug", "color": "ff0000" }), 201).await;
    to.send("POST {}/labels", json!({ "name": "BUG", "color": "ff0000" }), 422).await;
    let milestone = to.send("POST {}/milestones", json!({ "title": "1.0" }), 201).await;
    let issue = json!({ "title": "It breaks", "body": "x", "labels": ["bug"], "milestone": milestone["number"] });
    let issue = to.send("POST {}/issues", issue, 201).await;
    let at = format!("{{}}/issues/{}", issue["number"]);
    let comment = to.send(&format!("POST {at}/comments"), json!({ "body": "me too" }), 201).await;
    let reactions = format!("POST {{}}/issues/comments/{}/reactions", comment["id"]);
    to.send(&reactions, json!({ "content": "+1" }), 201).await;
    to.send(&reactions, json!({ "content": "+1" }), 200).await;
    let closed = json!({ "state": "closed", "state_reason": "not_planned" });
    let closed = to.send(&format!("PATCH {at}"), closed, 200).await;
    to.send(&format!("PUT {at}/lock"), json!({ "lock_reason": "spam" }), 204).await;

    assert_eq!(closed["state_reason"], "not_planned");
    assert_eq!(closed["labels"][0]["name"], "bug");
    to.check();
}

#[tokio::test]
async fn pull_requests_are_written_as_described() {
    let to = Writer::start().await;

    let pull = json!({ "title": "Mend", "head": "topic/0", "base": "main", "draft": true });
    let pull = to.send("POST {}/pulls", pull, 201).await;
    let at = format!("{{}}/pulls/{}", pull["number"]);
    let sha = pull["head"]["sha"].as_str().unwrap();
    let review = json!({ "event": "COMMENT", "body": "so", "commit_id": sha,
        "comments": [{ "path": "README.md", "line": 1, "side": "RIGHT", "body": "why?" }] });
    to.send(&format!("POST {at}/reviews"), review, 200).await;
    let own = json!({ "event": "APPROVE", "body": "mine" });
    to.send(&format!("POST {at}/reviews"), own, 422).await;
    let inline = json!({ "path": "README.md", "line": 2, "side": "RIGHT", "body": "and?", "commit_id": sha });
    let inline = to.send(&format!("POST {at}/comments"), inline, 201).await;
    let replies = format!("POST {at}/comments/{}/replies", inline["id"]);
    let reply = to.send(&replies, json!({ "body": "because" }), 201).await;
    let asked = json!({ "reviewers": ["user-1"] });
    to.send(&format!("POST {at}/requested_reviewers"), asked, 201).await;
    to.send(&format!("PATCH {at}"), json!({ "state": "closed" }), 200).await;
    to.send(&format!("POST {{}}/statuses/{sha}"), json!({ "state": "success" }), 201).await;
    to.send(&format!("POST {{}}/commits/{sha}/comments"), json!({ "body": "hm" }), 201).await;

    assert_eq!(reply["in_reply_to_id"], inline["id"]);
    let refs = to.fake.store(|store| store.refs("acme/app", RepoKind::Code));
    assert_eq!(refs[&format!("refs/pull/{}/head", pull["number"])], sha);
    to.check();
}

#[tokio::test]
async fn settings_are_written_as_described() {
    let to = Writer::start().await;

    to.send("POST /orgs/acme/repos", json!({ "name": "new", "private": true }), 201).await;
    let release = json!({ "tag_name": "v9", "target_commitish": "main" });
    to.send("POST {}/releases", release, 201).await;
    let config = json!({ "url": "https://h.example/", "secret": "x" });
    let hook = json!({ "name": "web", "active": false, "events": ["push"], "config": config });
    let hook = to.send("POST {}/hooks", hook, 201).await;
    let key = json!({ "title": "k", "key": "ssh-ed25519 AAAA me", "read_only": true });
    to.send("POST {}/keys", key.clone(), 201).await;
    to.send("POST {}/keys", key, 422).await;
    let guard = json!({ "required_status_checks": { "strict": true, "contexts": ["ci"] },
        "required_pull_request_reviews": { "required_approving_review_count": 2 },
        "enforce_admins": true, "restrictions": { "users": ["user-1"], "teams": [] } });
    let guard = to.send("PUT {}/branches/main/protection", guard, 200).await;
    to.send("PUT {}/topics", json!({ "names": ["git"] }), 200).await;
    let autolink = json!({ "key_prefix": "A-", "url_template": "https://a/<num>" });
    to.send("POST {}/autolinks", autolink, 201).await;
    to.send("PATCH {}", json!({ "archived": true }), 200).await;
    to.send("POST {}/issues", json!({ "title": "late" }), 403).await;

    assert_eq!(hook["config"]["secret"], "********");
    assert_eq!(guard["restrictions"]["users"][0]["login"], "user-1");
    to.check();
}

#[tokio::test]
async fn listings_go_on_by_links() {
    let fake = filled(Options::default()).await;
    let client = Client::of(&fake);

    let (_, headers, first) = client.get("/api/v3/repos/acme/app/labels?per_page=3").await;
    let link = headers["link"].to_str().unwrap().to_owned();
    let next = link.split(['<', '>']).nth(1).unwrap().trim_start_matches(fake.url()).to_owned();
    let (_, _, second) = client.get(&next).await;

    assert_eq!(first.as_array().unwrap().len(), 3);
    assert_eq!(second.as_array().unwrap().len(), 1);
    assert!(next.starts_with("/api/v3/repos/acme/app/labels?"), "{next}");
}

#[tokio::test]
async fn tokens_open_what_they_may() {
    use packhorse_testkit::fake::{Access, Token};
    let options = Options {
        tokens: vec![
            Token::new("reads", "bob", Access::Read),
            Token::new("gone", "bob", Access::Revoked),
        ],
        ..Options::default()
    };
    let fake = filled(options).await;
    let ask = |token| Client::of(&fake).with_token(token);
    let issue = || json!({ "title": "x" });

    assert_eq!(ask("gone").get("/repos/acme/app").await.0, 401);
    assert_eq!(ask("").get("/repos/acme/app").await.0, 200);
    assert_eq!(ask("").post("/repos/acme/app/issues", issue()).await.0, 401);
    assert_eq!(ask("reads").get("/repos/acme/app/labels").await.0, 200);
    assert_eq!(ask("reads").post("/repos/acme/app/issues", issue()).await.0, 403);
    assert_eq!(ask("reads").get("/repos/acme/app/hooks").await.0, 403);
}

#[tokio::test]
async fn published_limits_are_told_and_kept() {
    let fake = filled(Options { limits: Limits::Published, ..Options::default() }).await;
    let client = Client::of(&fake);

    let (_, headers, _) = client.get("/repos/acme/app").await;
    let mut refused = None;
    for n in 0..90 {
        let (status, headers, _) =
            client.post("/repos/acme/app/issues", json!({ "title": n.to_string() })).await;
        if status == 403 {
            refused = Some((n, headers));
            break;
        }
    }

    assert_eq!(headers["x-ratelimit-remaining"], "4999");
    let (n, headers) = refused.unwrap();
    assert_eq!(n, 80);
    assert!(headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() <= 61);
}

#[tokio::test]
async fn imported_issues_keep_their_dates() {
    let fake = filled(Options::default()).await;
    let client = Client::of(&fake);

    let body = json!({ "issue": { "title": "old", "created_at": "2014-03-16T17:15:42Z" } });
    let (without_preview, _, _) = client.post("/repos/acme/app/import/issues", body).await;

    assert_eq!(without_preview, 415);
}
