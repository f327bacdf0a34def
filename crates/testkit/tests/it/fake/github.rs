//! The fake of GitHub against GitHub's description.

use super::{Client, sample_records};
use http::Method;
use packhorse_core::{GitRemote, RepoKind};
use packhorse_testkit::{
    description::Description,
    fake::{Fake, Github, Limits, Options, misfits},
    git,
};
use serde_json::json;

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

#[tokio::test]
async fn what_is_written_is_read_again_and_fits_the_description() {
    let Some(description) = Description::published("github-api.trim.json") else { return };
    let fake = filled(Options::default()).await;
    let client = Client::of(&fake);
    let repo = "/repos/acme/app";

    let expect = |(status, _, body): super::Got, expected: u16| {
        assert_eq!(status, expected, "{body}");
        body
    };
    expect(client.post("/orgs/acme/repos", json!({ "name": "new", "private": true })).await, 201);
    expect(
        client.post(&format!("{repo}/labels"), json!({ "name": "bug", "color": "ff0000" })).await,
        201,
    );
    expect(
        client.post(&format!("{repo}/labels"), json!({ "name": "BUG", "color": "ff0000" })).await,
        422,
    );
    let milestone =
        expect(client.post(&format!("{repo}/milestones"), json!({ "title": "1.0" })).await, 201);
    let issue = json!({ "title": "It breaks", "body": "x", "labels": ["bug"], "milestone": milestone["number"] });
    let issue = expect(client.post(&format!("{repo}/issues"), issue).await, 201);
    let number = issue["number"].as_u64().unwrap();
    let comments = format!("{repo}/issues/{number}/comments");
    let comment = expect(client.post(&comments, json!({ "body": "me too" })).await, 201);
    expect(
        client
            .post(
                &format!("{repo}/issues/comments/{}/reactions", comment["id"]),
                json!({ "content": "+1" }),
            )
            .await,
        201,
    );
    let closed = json!({ "state": "closed", "state_reason": "not_planned" });
    let closed = expect(
        client.ask(Method::PATCH, &format!("{repo}/issues/{number}"), Some(closed)).await,
        200,
    );
    assert_eq!(closed["state_reason"], "not_planned");
    let lock = json!({ "lock_reason": "spam" });
    expect(client.ask(Method::PUT, &format!("{repo}/issues/{number}/lock"), Some(lock)).await, 204);
    let pull = json!({ "title": "Mend", "head": "topic/0", "base": "main", "draft": true });
    let pull = expect(client.post(&format!("{repo}/pulls"), pull).await, 201);
    assert_eq!(pull["number"], number + 1);
    let sha = pull["head"]["sha"].as_str().unwrap();
    let pulls = format!("{repo}/pulls/{}", pull["number"]);
    let review = json!({ "event": "COMMENT", "body": "so", "commit_id": sha,
        "comments": [{ "path": "README.md", "line": 1, "side": "RIGHT", "body": "why?" }] });
    expect(client.post(&format!("{pulls}/reviews"), review).await, 200);
    let inline = json!({ "path": "README.md", "line": 2, "side": "RIGHT", "body": "and this?", "commit_id": sha });
    let inline = expect(client.post(&format!("{pulls}/comments"), inline).await, 201);
    let reply = json!({ "body": "because", });
    let reply = client.post(&format!("{pulls}/comments/{}/replies", inline["id"]), reply).await;
    assert_eq!(expect(reply, 201)["in_reply_to_id"], inline["id"]);
    let asked = json!({ "reviewers": ["user-1"] });
    expect(client.post(&format!("{pulls}/requested_reviewers"), asked).await, 201);
    expect(client.ask(Method::PATCH, &pulls, Some(json!({ "state": "closed" }))).await, 200);
    expect(
        client
            .post(&format!("{repo}/statuses/{sha}"), json!({ "state": "success", "context": "ci" }))
            .await,
        201,
    );
    expect(
        client.post(&format!("{repo}/commits/{sha}/comments"), json!({ "body": "hm" })).await,
        201,
    );
    expect(
        client
            .post(
                &format!("{repo}/releases"),
                json!({ "tag_name": "v9", "target_commitish": "main" }),
            )
            .await,
        201,
    );
    let hook = json!({ "name": "web", "active": false, "events": ["push"], "config": { "url": "https://h.example/", "secret": "x" } });
    expect(client.post(&format!("{repo}/hooks"), hook).await, 201);
    let key = json!({ "title": "k", "key": "ssh-ed25519 AAAA me", "read_only": true });
    expect(client.post(&format!("{repo}/keys"), key.clone()).await, 201);
    expect(client.post(&format!("{repo}/keys"), key).await, 422);
    let guard = json!({ "required_status_checks": { "strict": true, "contexts": ["ci"] }, "enforce_admins": true,
        "required_pull_request_reviews": { "required_approving_review_count": 2 },
        "restrictions": { "users": ["user-1"], "teams": [] } });
    expect(
        client.ask(Method::PUT, &format!("{repo}/branches/main/protection"), Some(guard)).await,
        200,
    );
    expect(client.get(&format!("{repo}/branches/main/protection")).await, 200);
    expect(
        client.ask(Method::PUT, &format!("{repo}/topics"), Some(json!({ "names": ["git"] }))).await,
        200,
    );
    expect(
        client
            .post(&format!("{repo}/git/refs"), json!({ "ref": "refs/heads/x", "sha": sha }))
            .await,
        201,
    );
    expect(
        client
            .post(
                &format!("{repo}/autolinks"),
                json!({ "key_prefix": "A-", "url_template": "https://a/<num>" }),
            )
            .await,
        201,
    );
    expect(client.ask(Method::PATCH, repo, Some(json!({ "archived": true }))).await, 200);
    expect(client.post(&format!("{repo}/issues"), json!({ "title": "late" })).await, 403);

    let log = fake.take_log();
    assert_eq!(misfits(&description, &log, OUTSIDE), Vec::<String>::new());
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
