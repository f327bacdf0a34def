//! The sink over a server that a test has at hand: what it is asked to do.

use super::*;
use crate::gitlab::place::Place;
use bytes::Bytes;
use http::{Method, StatusCode};
use packhorse_core::model::{
    Branch, BranchRule, ChangeRequest, ChangeRequestState, Comment, Grantee, Identity, Issue,
    Label, Member, OpenState, Project, Reaction, ReviewComment, ReviewThread, Role, Subject, Text,
    Variable, Webhook,
};
use packhorse_net::{Answer, Body, Request, Transport};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync};

const PROJECT: &str = "acme/tools/widget";

/// One request: verb and path, in whose name, and what it said.
#[derive(Clone, Debug)]
struct Asked {
    line: String,
    sudo: Option<String>,
    body: Value,
}

/// Answers by verb and path; several answers to one are given one after the other, the last stays.
#[derive(Default)]
struct Server {
    answers: sync::Mutex<BTreeMap<String, Vec<(u16, Value)>>>,
    asked: sync::Mutex<Vec<Asked>>,
}

struct Shared(Arc<Server>);

#[async_trait]
impl Transport for Shared {
    async fn send(&self, request: Request) -> Result<Answer, HostError> {
        let path = request.url.path().trim_start_matches("/api/v4/");
        let path = path.replace("acme%2Ftools%2Fwidget", "P");
        let line = format!("{} {path}", request.method);
        let body = match &request.body {
            Body::Bytes(bytes) => serde_json::from_slice(bytes).unwrap_or_default(),
            Body::Empty | Body::Stream { .. } => Value::Null,
        };
        let sudo = request.headers.get("sudo").map(|it| it.to_str().unwrap().to_owned());
        self.0.asked.lock().unwrap().push(Asked { line: line.clone(), sudo, body: body.clone() });
        let mut answers = self.0.answers.lock().unwrap();
        let (status, answer) = match answers.get_mut(&line) {
            Some(list) if list.len() > 1 => list.remove(0),
            Some(list) => list[0].clone(),
            None if request.method == Method::GET => (404, json!({"message": "404 Not found"})),
            None if request.method == Method::DELETE => (204, Value::Null),
            // What was sent, as what it became.
            None => {
                let mut made = body;
                if made.is_object() && made.get("id").is_none() {
                    made["id"] = 77.into();
                }
                (201, made)
            }
        };
        let status = StatusCode::from_u16(status).unwrap();
        let (url, operation) = (request.url, request.operation);
        let headers = [("x-next-page", "")].map(|(name, value)| {
            (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
        });
        let headers = headers.into_iter().collect();
        Ok(Answer::whole(status, headers, url, Bytes::from(answer.to_string()), operation))
    }
}

impl Server {
    fn with(self: Arc<Self>, line: &str, status: u16, answer: Value) -> Arc<Self> {
        self.answers.lock().unwrap().entry(line.to_owned()).or_default().push((status, answer));
        self
    }

    /// What was asked for with that verb, besides what is asked of every server.
    fn asked(&self, line: &str) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|it| it.line == line).cloned().collect()
    }

    fn changes(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        let changes = asked.iter().filter(|it| !it.line.starts_with("GET "));
        changes.map(|it| it.line.clone()).collect()
    }

    fn sink(self: &Arc<Self>) -> GitlabSink {
        let place = Place::of(&"gitlab:https://t@h.example/acme".parse().unwrap()).unwrap();
        let api = Arc::new(Api::over(place, Arc::new(Shared(Arc::clone(self)))));
        GitlabSink::new(api, std::env::temp_dir())
    }
}

/// A server that a token of an administrator, or of somebody, is shown to.
fn server(is_admin: bool) -> Arc<Server> {
    let scopes = if is_admin { json!(["api", "sudo"]) } else { json!(["api"]) };
    let server = Arc::new(Server::default());
    server
        .with("GET user", 200, json!({"id": 1, "username": "root", "is_admin": is_admin}))
        .with("GET version", 200, json!({"version": "17.4.0", "enterprise": false}))
        .with("GET personal_access_tokens/self", 200, json!({ "scopes": scopes }))
        .with("GET users", 200, json!([{"id": 5, "username": "alice"}]))
}

fn scope() -> Scope {
    Scope::Project(PROJECT.into())
}

async fn write(sink: &GitlabSink, object: Object) -> Written {
    sink.write(&scope(), &Record::new("1", object), None).await.unwrap()
}

fn text(it: &str) -> Option<Text> {
    Some(Text::new(it, Markup::Gitlab))
}

fn alice() -> Identity {
    Identity::login("alice", Some("h.example"))
}

#[tokio::test]
async fn an_issue_keeps_its_number_and_date_where_the_token_may_say_them() {
    let issue = Issue {
        number: 7,
        title: "it breaks".into(),
        body: text("first\n/close\nlast"),
        labels: vec!["a,b".into(), "c".into()],
        assignees: vec![alice()],
        state: OpenState::Closed,
        created_at: Some("2020-01-02T03:04:05Z".parse().unwrap()),
        ..Issue::default()
    };
    let made = json!({"iid": 7, "state": "opened", "created_at": "2020-01-02T03:04:05.000Z",
        "assignees": [{}]});
    let (admin, plain) = (server(true), server(false));
    let admin = admin.with("POST projects/P/issues", 201, made.clone());
    let plain = plain.with("POST projects/P/issues", 201, made);

    let written = write(&admin.sink(), Object::from(issue.clone())).await;
    write(&plain.sink(), Object::from(issue)).await;

    assert_eq!((written.target.0.as_str(), written.outcome), ("7", Outcome::Created));
    let sent = &admin.asked("POST projects/P/issues")[0].body;
    assert_eq!((&sent["iid"], &sent["created_at"]), (&json!(7), &json!("2020-01-02T03:04:05Z")));
    assert_eq!(sent["description"], "first\n\\/close\nlast");
    assert_eq!((&sent["labels"], &sent["assignee_ids"]), (&json!("a;b,c"), &json!([5])));
    assert_eq!(admin.asked("PUT projects/P/issues/7")[0].body["state_event"], "close");
    let sent = &plain.asked("POST projects/P/issues")[0].body;
    assert!(sent.get("iid").is_none() && sent.get("created_at").is_none());
}

#[tokio::test]
async fn a_number_that_is_taken_is_told_and_the_issue_stays() {
    let server = server(true)
        .with("POST projects/P/issues", 409, json!({"message": "Duplicated issue"}))
        .with("POST projects/P/issues", 201, json!({"iid": 9, "state": "opened"}));
    let issue = Issue { number: 7, title: "t".into(), ..Issue::default() };

    let written = write(&server.sink(), Object::from(issue)).await;

    assert_eq!(written.target.0, "9");
    assert!(written.losses.iter().any(|it| it.field == "number"));
}

#[tokio::test]
async fn what_was_merged_is_merged_into_a_branch_of_its_own() {
    let end = |name: &str, commit: &str| Branch {
        name: name.into(),
        commit: Some(commit.into()),
        ..Branch::default()
    };
    let change = ChangeRequest {
        number: 4,
        title: "add it".into(),
        state: ChangeRequestState::Merged,
        base: end("main", "aaaa"),
        head: end("topic", "bbbb"),
        ..ChangeRequest::default()
    };
    let server = server(false)
        .with("POST projects/P/merge_requests", 201, json!({"iid": 4, "state": "opened"}))
        .with("GET projects/P/merge_requests/4", 200, json!({"iid": 4, "state": "opened"}))
        .with("PUT projects/P/merge_requests/4/merge", 405, json!({"message": "not yet"}))
        .with("PUT projects/P/merge_requests/4/merge", 200, json!({"iid": 4, "state": "merged"}));

    let written = write(&server.sink(), Object::from(change)).await;

    let sent = &server.asked("POST projects/P/merge_requests")[0].body;
    assert_eq!(sent["source_branch"], "packhorse/4/head");
    assert_eq!(sent["target_branch"], "packhorse/4/base");
    let branches = server.asked("POST projects/P/repository/branches");
    let refs: Vec<_> = branches.iter().map(|it| it.body["ref"].as_str().unwrap()).collect();
    assert_eq!(refs, ["bbbb", "aaaa"]);
    let gone = server.changes().into_iter().filter(|it| it.starts_with("DELETE ")).count();
    assert_eq!(gone, 2);
    assert!(written.losses.iter().any(|it| it.field == "base.name"));
    assert!(!written.losses.iter().any(|it| it.field == "state"), "{:?}", written.losses);
}

#[tokio::test]
async fn what_cannot_be_merged_is_closed_and_its_text_says_so() {
    let commit = |it: &str| Some(it.to_owned());
    let change = ChangeRequest {
        number: 4,
        title: "add it".into(),
        body: text("please"),
        state: ChangeRequestState::Merged,
        base: Branch { name: "main".into(), commit: commit("aaaa"), ..Branch::default() },
        head: Branch { name: "topic".into(), commit: commit("bbbb"), ..Branch::default() },
        ..ChangeRequest::default()
    };
    let server = server(false)
        .with("POST projects/P/merge_requests", 201, json!({"iid": 4, "state": "opened"}))
        .with("GET projects/P/merge_requests/4", 200, json!({"iid": 4, "state": "opened"}))
        .with("PUT projects/P/merge_requests/4/merge", 405, json!({"message": "never"}));

    let written = write(&server.sink(), Object::from(change)).await;

    let put = server.asked("PUT projects/P/merge_requests/4");
    let said = put[0].body["description"].as_str().unwrap();
    assert!(said.starts_with("please") && said.contains("merged where it comes from"), "{said}");
    assert_eq!(put[1].body["state_event"], "close");
    assert!(written.losses.iter().any(|it| it.field == "state"));
}

#[tokio::test]
async fn a_change_without_its_commits_is_left_out() {
    let server = server(false).with(
        "POST projects/P/repository/branches",
        400,
        json!({"message": "Invalid reference"}),
    );
    let head = Branch { name: "topic".into(), commit: Some("bbbb".into()), ..Branch::default() };
    let change = ChangeRequest { number: 4, head, ..ChangeRequest::default() };

    let written = write(&server.sink(), Object::from(change)).await;

    assert_eq!(written.outcome, Outcome::Dropped);
}

#[tokio::test]
async fn a_hook_arrives_listening_to_nothing() {
    let server = server(false);
    let hook = Webhook {
        url: "https://ci.example/".into(),
        events: vec!["push".into(), "pull_request".into()],
        ..Webhook::default()
    };

    let written = write(&server.sink(), Object::from(hook)).await;

    let sent = &server.asked("POST projects/P/hooks")[0].body;
    let switches = sent.as_object().unwrap().iter().filter(|(name, _)| name.ends_with("_events"));
    assert!(switches.clone().count() > 5 && switches.clone().all(|(_, it)| *it == json!(false)));
    let told = written.losses.iter().find(|it| it.field == "events").unwrap();
    assert!(told.detail.contains("merge_requests, push"), "{}", told.detail);
}

#[tokio::test]
async fn a_masked_variable_stays_masked() {
    let server = server(false);
    let masked = Variable { name: "TOKEN".into(), masked: true, ..Variable::default() };

    let written = write(&server.sink(), Object::from(masked)).await;

    let sent = &server.asked("POST projects/P/variables")[0].body;
    assert_eq!((&sent["masked"], sent["value"].as_str().unwrap().len() >= 8), (&json!(true), true));
    assert_eq!(written.target.0, "TOKEN/*");
}

#[tokio::test]
async fn a_rule_replaces_the_one_that_the_server_made_and_is_never_looser() {
    let server = server(false)
        .with("POST projects/P/protected_branches", 409, json!({"message": "already exists"}))
        .with("POST projects/P/protected_branches", 201, json!({"name": "main"}))
        .with("GET projects/P/protected_branches/main", 200, json!({"name": "main"}));
    let named = BranchRule {
        pattern: "main".into(),
        restrict_push: true,
        pushers: vec![Grantee::User(alice())],
        ..BranchRule::default()
    };

    let written = write(&server.sink(), Object::from(named)).await;

    let sent = server.asked("POST projects/P/protected_branches");
    assert_eq!((sent.len(), &sent[1].body["push_access_level"]), (2, &json!(0)));
    assert_eq!(sent[1].body["allow_force_push"], false);
    assert!(written.losses.iter().any(|it| it.field == "pushers"));
    assert_eq!(server.asked("DELETE projects/P/protected_branches/main").len(), 1);
}

#[tokio::test]
async fn a_reaction_is_its_authors_or_none() {
    let reaction = Reaction {
        subject: Subject::Issue(7),
        author: Some(alice()),
        content: "+1".into(),
        ..Reaction::default()
    };
    let (admin, plain) = (server(true), server(false));

    let given = write(&admin.sink(), Object::from(reaction.clone())).await;
    let left = write(&plain.sink(), Object::from(reaction)).await;

    let asked = &admin.asked("POST projects/P/issues/7/award_emoji")[0];
    assert_eq!((asked.sudo.as_deref(), &asked.body["name"]), (Some("alice"), &json!("thumbsup")));
    assert_eq!(given.target.0, "issues/7/-/77");
    assert_eq!(left.outcome, Outcome::Dropped);
    assert!(plain.changes().is_empty(), "{:?}", plain.changes());
}

#[tokio::test]
async fn the_first_comment_takes_the_place_that_its_thread_keeps() {
    let thread = Record::new(
        "4/t",
        Object::from(ReviewThread { change_request: 4, ..ReviewThread::default() }),
    );
    let opened = json!({"id": "d", "notes": [{"id": 1, "body": ""}]});
    let kept =
        format!("*(a thread without comments)*\n\n{}", packhorse_core::mark::of(&thread.origin));
    let one = "GET projects/P/merge_requests/4/discussions/d";
    let server = server(false)
        .with("GET projects/P/merge_requests/4", 200, json!({"iid": 4}))
        .with("GET projects/P/merge_requests/4/diffs", 200, json!([]))
        .with("POST projects/P/merge_requests/4/discussions", 201, opened)
        .with(one, 200, json!({"id": "d", "notes": [{"id": 1, "body": kept}]}))
        .with(one, 200, json!({"id": "d", "notes": [{"id": 1, "body": "why?"}]}));
    let sink = server.sink();

    let thread = sink.write(&scope(), &thread, None).await.unwrap();
    let comment = |id: &str| {
        let comment = ReviewComment {
            change_request: 4,
            thread: Some("4/t".into()),
            body: text("why?"),
            ..ReviewComment::default()
        };
        let mut record = Record::new(id, Object::from(comment));
        let origin = Origin::new(ObjectKind::ReviewThread, "4/t");
        record.links.insert(origin, thread.target.clone());
        record
    };
    let first = sink.write(&scope(), &comment("c1"), None).await.unwrap();
    let second = sink.write(&scope(), &comment("c2"), None).await.unwrap();

    assert_eq!(thread.target.0, "4/d");
    assert_eq!((first.target.0.as_str(), second.target.0.as_str()), ("4/d/1", "4/d/77"));
    assert_eq!(server.asked("PUT projects/P/merge_requests/4/discussions/d/notes/1").len(), 1);
    assert_eq!(server.asked("POST projects/P/merge_requests/4/discussions/d/notes").len(), 1);
}

#[tokio::test]
async fn somebody_of_the_same_name_elsewhere_gets_nothing() {
    let server = server(true);
    let member = Member {
        grantee: Grantee::User(Identity::login("alice", Some("other.example"))),
        role: Role::Write,
        ..Member::default()
    };

    let written = write(&server.sink(), Object::from(member)).await;

    assert_eq!(written.outcome, Outcome::Dropped);
    assert!(server.changes().is_empty());
}

#[tokio::test]
async fn nothing_is_written_outside_of_what_the_address_says() {
    let server = server(true);
    let sink = server.sink();

    for path in ["acmeister/app", "other/app", "acme"] {
        let record = Record::new("x", Object::from(Label { name: "x".into(), ..Label::default() }));
        let scope = Scope::Project(path.into());
        assert!(sink.write(&scope, &record, None).await.is_err(), "{path}");
    }
    assert!(server.changes().is_empty());
}

#[tokio::test]
async fn a_project_that_may_not_be_seen_so_widely_is_hidden_and_says_so() {
    let refusal =
        json!({"message": {"visibility_level": ["public is not allowed in a private group"]}});
    let made = json!({"id": 3, "path_with_namespace": PROJECT});
    let server = server(false)
        .with("GET groups/acme%2Ftools", 200, json!({"id": 2, "full_path": "acme/tools"}))
        .with("POST projects", 400, refusal)
        .with("POST projects", 201, made);
    let project = Project {
        name: "Widget".into(),
        visibility: packhorse_core::model::Visibility::Public,
        ..Project::default()
    };

    let written = write(&server.sink(), Object::from(project)).await;

    let sent = server.asked("POST projects");
    assert_eq!((sent.len(), &sent[1].body["visibility"]), (2, &json!("private")));
    assert_eq!(
        (&sent[1].body["namespace_id"], &sent[1].body["path"]),
        (&json!(2), &json!("widget"))
    );
    assert!(written.losses.iter().any(|it| it.field == "visibility"));
}

#[tokio::test]
async fn what_an_interrupted_run_wrote_is_found_by_its_mark() {
    let comment = Comment { subject: Subject::Issue(7), body: text("hi"), ..Comment::default() };
    let record = Record::new("c", Object::from(comment));
    let said = format!("hi\n\n{}", packhorse_core::mark::of(&record.origin));
    let server = server(false).with(
        "GET projects/P/issues/7/discussions",
        200,
        json!([{"id": "a", "notes": [{"id": 1, "body": "other"}]},
            {"id": "b", "notes": [{"id": 2, "body": said}]}]),
    );
    let sink = server.sink();

    let found = sink.find(&scope(), &record).await.unwrap();

    assert_eq!(found, Some(TargetId("issues/7/2".into())));
    let issue = Record::new("9", Object::from(Issue { number: 9, ..Issue::default() }));
    assert_eq!(
        server
            .with("GET projects/P/issues", 200, json!([]))
            .sink()
            .find(&scope(), &issue)
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn a_token_that_may_only_read_is_told_so() {
    let server = Arc::new(Server::default())
        .with("GET user", 200, json!({"id": 1, "username": "root"}))
        .with("GET version", 200, json!({"version": "17.4.0"}))
        .with("GET personal_access_tokens/self", 200, json!({"scopes": ["read_api"]}));

    let error = server.sink().probe().await.unwrap_err();

    assert_eq!(error.kind, HostErrorKind::Forbidden);
}
