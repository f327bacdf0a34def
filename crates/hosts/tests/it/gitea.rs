//! Gitea as a source, against a real server.
//!
//! The server is taken from `PACKHORSE_LIVE_GITEA_URL`, and a token of one of
//! its administrators from `PACKHORSE_LIVE_GITEA_TOKEN`; without them the tests
//! say that they were skipped.

use bytes::Bytes;
use http::{Method, header};
use packhorse_core::{
    Access, HostErrorKind, Lane, Location, Object, ObjectKind, OpenContext, Record, RepoKind,
    Scope, Secret,
    model::{ChangeRequestState, Issue, OpenState, Role, StateValue, Subject, Verdict},
    port::{BlobRef, Source},
};
use packhorse_net::{Answer, Auth, Body, Credentials, Live, Options, Request, Transport};
use packhorse_testkit::suite;
use serde_json::{Value, json};
use std::{env, io::Write, sync::Arc};
use url::Url;

/// A server, and one who may do everything there.
struct Server {
    home: Url,
    token: String,
    transport: Auth<Live>,
}

impl Server {
    /// The server of the environment; without one, says so.
    fn find() -> Option<Self> {
        let read = |name| env::var(name).ok().filter(|it| !it.is_empty());
        let told = read("PACKHORSE_LIVE_GITEA_URL").zip(read("PACKHORSE_LIVE_GITEA_TOKEN"));
        let Some((url, token)) = told else {
            let mut stderr = std::io::stderr();
            writeln!(stderr, "SKIPPED: PACKHORSE_LIVE_GITEA_URL and _TOKEN are not set").unwrap();
            return None;
        };
        let home: Url = url.parse().unwrap();
        let name = header::AUTHORIZATION;
        let value = Secret::new(format!("token {token}"));
        let credentials = Credentials::Header { name, value };
        let live = Live::new(&Options::default()).unwrap();
        let transport = Auth::new(live, &home, Some(&credentials)).unwrap();
        Some(Self { home, token, transport })
    }

    async fn send(&self, method: Method, path: &str, body: Body, media: &str) -> Answer {
        let url = self.home.join(&format!("/api/v1/{path}")).unwrap();
        let mut request = Request { body, ..Request::new(method, url, "prepare") };
        request.headers.insert(header::CONTENT_TYPE, media.parse().unwrap());
        let answer = self.transport.send(request).await.unwrap();
        answer.success().await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> Value {
        let bytes = Body::Bytes(body.to_string().into());
        let answer = self.send(method, path, bytes, "application/json").await;
        let bytes = answer.bytes(1 << 20).await.unwrap();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.call(Method::POST, path, body).await
    }

    /// Uploads a file as a form does.
    async fn upload(&self, path: &str, name: &str, content: &[u8]) -> Value {
        let head = format!(
            "--cut\r\nContent-Disposition: form-data; name=\"attachment\"; filename=\"{name}\"\r\n\r\n"
        );
        let form = [head.as_bytes(), content, b"\r\n--cut--\r\n"].concat();
        let body = Body::Bytes(form.into());
        let answer = self.send(Method::POST, path, body, "multipart/form-data; boundary=cut").await;
        answer.json(1 << 20).await.unwrap()
    }

    fn source(&self, extent: &str) -> Arc<dyn Source> {
        self.source_as(&self.token, extent)
    }

    fn source_as(&self, token: &str, extent: &str) -> Arc<dyn Source> {
        let mut url = self.home.join(extent).unwrap();
        url.set_username("token").unwrap();
        url.set_password(Some(token)).unwrap();
        let location: Location = format!("gitea:{url}").parse().unwrap();
        let scratch = env::temp_dir();
        let context = OpenContext { scratch, access: Access::Read, resume: false };
        let spec = packhorse_hosts::named("gitea").unwrap();
        (spec.open)(&location, &context).unwrap().source.unwrap()
    }
}

const CONTENT: &str = "aGVsbG8K";

/// A project with something of every kind; gives its path.
async fn project(server: &Server) -> String {
    let me = server.call(Method::GET, "user", Value::Null).await["login"].clone();
    let me = me.as_str().unwrap().to_owned();
    let name = format!("live-{}-{}", std::process::id(), uuid());
    let made = json!({"name": name, "auto_init": true, "default_branch": "main",
        "description": "a sample", "private": true});
    server.post("user/repos", made).await;
    let at = format!("repos/{me}/{name}");
    let put = |path: &str| format!("{at}/{path}");
    server.call(Method::PUT, &put("topics/packhorse"), Value::Null).await;
    let label = json!({"name": "bug", "color": "#EE0701", "description": "it is broken"});
    let label = server.post(&put("labels"), label).await["id"].clone();
    let milestone = json!({"title": "1.0", "due_on": "2030-01-01T00:00:00Z"});
    let milestone = server.post(&put("milestones"), milestone).await["id"].clone();
    for number in 1..=60 {
        let body = json!({"title": format!("issue {number}"), "body": "**bold**", "labels": [label],
            "milestone": milestone, "assignees": [me]});
        server.post(&put("issues"), body).await;
    }
    server
        .call(Method::PATCH, &put("issues/2"), json!({"state": "closed", "title": "named"}))
        .await;
    let comment = server.post(&put("issues/1/comments"), json!({"body": "a comment"})).await;
    let comment = comment["id"].to_string();
    server.post(&put("issues/1/reactions"), json!({"content": "heart"})).await;
    server
        .post(&put(&format!("issues/comments/{comment}/reactions")), json!({"content": "+1"}))
        .await;
    server.upload(&put("issues/1/assets"), "log.txt", b"0123456789").await;
    server.upload(&put(&format!("issues/comments/{comment}/assets")), "more.txt", b"more").await;
    server.call(Method::PUT, &put("issues/3/lock"), json!({"lock_reason": "resolved"})).await;
    server.post(&put("issues/4/pin"), Value::Null).await;
    change_request(server, &at, &me).await;
    let release =
        json!({"tag_name": "v1", "target_commitish": "main", "name": "One", "body": "notes"});
    let release = server.post(&put("releases"), release).await["id"].to_string();
    server.upload(&put(&format!("releases/{release}/assets")), "app.txt", b"binary").await;
    let rule = json!({"rule_name": "main", "enable_push": false, "required_approvals": 1});
    server.post(&put("branch_protections"), rule).await;
    let tags = json!({"name_pattern": "v*", "whitelist_usernames": [me]});
    server.post(&put("tag_protections"), tags).await;
    let hook = json!({"type": "gitea", "active": false, "events": ["push"],
        "config": {"url": "http://127.0.0.1:9/hook", "content_type": "json", "secret": "s3cret"}});
    server.post(&put("hooks"), hook).await;
    let page = json!({"title": "Home", "content_base64": CONTENT, "message": "first"});
    server.post(&put("wiki/new"), page).await;
    format!("{me}/{name}")
}

fn uuid() -> u32 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos()
}

/// A change request with a review of two comments.
async fn change_request(server: &Server, at: &str, me: &str) {
    let file =
        json!({"content": CONTENT, "message": "change", "branch": "main", "new_branch": "topic"});
    server.post(&format!("{at}/contents/hello.txt"), file).await;
    let pull = json!({"title": "change", "head": "topic", "base": "main", "body": "please"});
    let number = server.post(&format!("{at}/pulls"), pull).await["number"].to_string();
    let comments = json!([{"path": "hello.txt", "body": "why?", "new_position": 1}]);
    let review = json!({"body": "fine", "event": "COMMENT", "comments": comments});
    server.post(&format!("{at}/pulls/{number}/reviews"), review).await;
    let merge = json!({"Do": "merge"});
    // The server works out in the background whether it can be merged.
    let url = server.home.join(&format!("/api/v1/{at}/pulls/{number}/merge")).unwrap();
    for _ in 0..50 {
        let request = Request::new(Method::POST, url.clone(), "merge").json(&merge).unwrap();
        if server.transport.send(request).await.unwrap().status.is_success() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("{me} could not merge");
}

/// All records of a lane.
async fn records(source: &dyn Source, path: &str, kind: ObjectKind) -> Vec<Record> {
    let lane = Lane::new(Scope::Project(path.into()), kind);
    suite::walk(source, &lane).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_server_keeps_the_contract_of_a_source() {
    let Some(server) = Server::find() else { return };
    let path = project(&server).await;

    suite::source(&*server.source(&path)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_of_a_real_project_is_read() {
    let Some(server) = Server::find() else { return };
    let path = project(&server).await;
    let source = server.source(&path);
    for (kind, count) in [
        (ObjectKind::Topic, 1),
        (ObjectKind::Label, 1),
        (ObjectKind::Milestone, 1),
        (ObjectKind::Attachment, 2),
        (ObjectKind::Issue, 60),
        (ObjectKind::ChangeRequest, 1),
        (ObjectKind::Review, 1),
        (ObjectKind::ReviewThread, 1),
        (ObjectKind::ReviewComment, 1),
        (ObjectKind::Comment, 1),
        (ObjectKind::Reaction, 2),
        (ObjectKind::Release, 1),
        (ObjectKind::ReleaseAsset, 1),
        (ObjectKind::BranchRule, 1),
        (ObjectKind::TagRule, 1),
        (ObjectKind::Webhook, 1),
        (ObjectKind::State, 2),
    ] {
        assert_eq!(records(&*source, &path, kind).await.len(), count, "{kind}");
    }

    let issues = records(&*source, &path, ObjectKind::Issue).await;
    let issues: Vec<&Issue> = issues
        .iter()
        .filter_map(|it| if let Object::Issue(it) = &it.object { Some(&**it) } else { None })
        .collect();
    assert_eq!(issues.iter().map(|it| it.number).collect::<Vec<_>>(), (1..=60).collect::<Vec<_>>());
    assert_eq!(
        (issues[0].labels.as_slice(), issues[0].assignees.len()),
        (&["bug".to_owned()][..], 1)
    );
    assert!(issues[0].milestone.is_some() && issues[0].created_at.is_some());
    assert_eq!((issues[1].state, issues[1].title.as_str()), (OpenState::Closed, "named"));
    for repo in [RepoKind::Code, RepoKind::Wiki] {
        let remote = source.remote(&path, repo).await.unwrap().unwrap();
        assert!(!remote.url.as_str().contains(&server.token));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_about_a_real_change_is_read_where_it_was_said() {
    let Some(server) = Server::find() else { return };
    let path = project(&server).await;
    let source = server.source(&path);

    let request = records(&*source, &path, ObjectKind::ChangeRequest).await;
    let Object::ChangeRequest(request) = &request[0].object else { panic!() };
    assert_eq!((request.number, request.state), (61, ChangeRequestState::Merged));
    assert_eq!((request.base.name.as_str(), request.head.name.as_str()), ("main", "topic"));
    assert!(request.merge_commit.is_some() && request.merged_by.is_some());
    let review = records(&*source, &path, ObjectKind::Review).await;
    let Object::Review(review) = &review[0].object else { panic!() };
    assert_eq!((review.change_request, review.verdict), (61, Verdict::Commented));
    let thread = records(&*source, &path, ObjectKind::ReviewThread).await;
    let comment = records(&*source, &path, ObjectKind::ReviewComment).await;
    let Object::ReviewComment(comment) = &comment[0].object else { panic!() };
    assert_eq!(comment.thread.as_ref().unwrap().0, thread[0].origin.id);
    assert_eq!((comment.position.path.as_str(), comment.position.line), ("hello.txt", Some(1)));
    let events = records(&*source, &path, ObjectKind::Event).await;
    let actions: Vec<_> = events
        .iter()
        .filter_map(|it| if let Object::Event(it) = &it.object { Some(it) } else { None })
        .map(|it| (it.subject.clone(), it.action.as_str()))
        .collect();
    assert!(actions.contains(&(Subject::Issue(2), "closed")), "{actions:?}");
    assert!(actions.contains(&(Subject::Issue(2), "renamed")), "{actions:?}");
    assert!(actions.contains(&(Subject::ChangeRequest(61), "merged")), "{actions:?}");
    let states = records(&*source, &path, ObjectKind::State).await;
    let values: Vec<_> = states
        .iter()
        .filter_map(
            |it| if let Object::State(it) = &it.object { Some(it.value.clone()) } else { None },
        )
        .collect();
    assert!(
        values.contains(&StateValue::Locked(None)) && values.contains(&StateValue::Pinned(Some(1)))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_file_is_opened_from_any_byte() {
    let Some(server) = Server::find() else { return };
    let path = project(&server).await;
    let source = server.source(&path);
    let files = records(&*source, &path, ObjectKind::Attachment).await;
    let origin = files[0].origin.clone();
    let scope = Scope::Project(path);
    let blob = BlobRef { scope, origin, size: Some(10), sha256: None };

    for (from, expected) in [(0, "0123456789"), (4, "456789"), (10, "")] {
        let pieces: Vec<Bytes> =
            futures::TryStreamExt::try_collect(source.open(&blob, from).await.unwrap())
                .await
                .unwrap();
        assert_eq!(pieces.concat(), expected.as_bytes());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_real_server_lists_its_projects_and_people() {
    let Some(server) = Server::find() else { return };
    let path = project(&server).await;
    let source = server.source("/");
    let org = format!("org-{}", uuid());
    server.post("orgs", json!({"username": org, "visibility": "private"})).await;
    let team = json!({"name": "core", "permission": "write", "units": ["repo.code"]});
    server.post(&format!("orgs/{org}/teams"), team).await;

    let shared = |kind| Lane::new(Scope::Shared, kind);
    let ids = |list: Vec<Record>| list.into_iter().map(|it| it.origin.id).collect::<Vec<_>>();
    let projects = ids(suite::walk(&*source, &shared(ObjectKind::Project)).await);
    assert!(projects.contains(&path), "{projects:?}");
    assert!(ids(suite::walk(&*source, &shared(ObjectKind::Organization)).await).contains(&org));
    let teams = ids(suite::walk(&*source, &shared(ObjectKind::Team)).await);
    assert!(teams.contains(&format!("{org}/core")), "{teams:?}");
    let members = suite::walk(&*source, &shared(ObjectKind::Member)).await;
    let is_owner = |it: &Record| {
        matches!(&it.object, Object::Member(member) if member.role == Role::Owner)
            && it.origin.id.starts_with(&org)
    };
    assert!(members.iter().any(is_owner), "{members:?}");
    let owner = path.split('/').next().unwrap();
    assert!(
        ids(suite::walk(&*source, &shared(ObjectKind::User)).await).contains(&owner.to_owned())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_token_is_told_and_never_shown() {
    let Some(server) = Server::find() else { return };

    let error = server.source_as("canary-0123456789", "/").probe().await.unwrap_err();

    assert_eq!(error.kind, HostErrorKind::Unauthorized);
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
}
