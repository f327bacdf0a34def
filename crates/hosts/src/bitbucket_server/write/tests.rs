//! The destination over a small server of our own, which keeps what it is sent.

use super::*;
use crate::bitbucket_server::{place::Place, read::ServerSource};
use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderMap, Method, StatusCode};
use packhorse_core::{
    Lane, ObjectKind, mark,
    model::{
        BranchRule, ChangeRequest, ChangeRequestState, Comment, Enforcement, HostId, Markup,
        Member, Position, Review, ReviewComment, ReviewThread, Role, Side, Subject, TaskState,
        Text, Verdict, Webhook,
    },
    port::Outcome,
};
use packhorse_net::{Answer, Body, Request, Transport};
use packhorse_testkit::suite;
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Mutex};

/// What the server holds; just enough of it for what the tests ask.
#[derive(Default)]
struct Held {
    branches: BTreeMap<String, String>,
    requests: Vec<Value>,
    /// Comments of the only request that has some, with their anchors.
    comments: Vec<Value>,
    restrictions: Vec<Value>,
    hooks: Vec<Value>,
    settings: Value,
    log: Vec<String>,
}

#[derive(Clone, Default)]
struct Small(Arc<Mutex<Held>>);

fn paged(values: &[Value]) -> Value {
    json!({"isLastPage": true, "values": values})
}

type Reply = (u16, Value);

fn refused(words: &str) -> Reply {
    (409, json!({"errors": [{"message": words}]}))
}

impl Held {
    fn answer(&mut self, method: &Method, path: &str, body: &Value) -> Reply {
        self.log.push(format!("{method} {path}"));
        let rest = path.trim_start_matches("projects/PRJ/repos/app").trim_start_matches('/');
        let parts: Vec<&str> = rest.split('/').collect();
        match (method.as_str(), &parts[..]) {
            (_, ["application-properties"]) => (200, json!({"version": "9.2.0"})),
            ("GET", [""]) => (200, json!({"slug": "app", "project": {"key": "PRJ"}})),
            ("GET", ["branches"]) => {
                let list: Vec<_> = self
                    .branches
                    .iter()
                    .map(|(name, tip)| json!({"id": format!("refs/heads/{name}"), "displayId": name, "latestCommit": tip}))
                    .collect();
                (200, paged(&list))
            }
            ("POST", ["branches"]) => {
                let (name, tip) = (body["name"].as_str(), body["startPoint"].as_str());
                self.branches.insert(name.unwrap().into(), tip.unwrap().into());
                (201, json!({}))
            }
            ("DELETE", ["branches"]) => {
                let name = body["name"].as_str().unwrap().trim_start_matches("refs/heads/");
                self.branches.remove(name);
                (204, Value::Null)
            }
            (_, ["pull-requests", rest @ ..]) => self.request(method, rest, body),
            ("GET", ["restrictions"]) => (200, paged(&self.restrictions)),
            ("POST", ["restrictions"]) => {
                if body["users"].as_array().is_some_and(|it| it.contains(&json!("nobody"))) {
                    return (400, json!({"errors": [{"message": "no user nobody"}]}));
                }
                let mut made = body.clone();
                made["id"] = json!(self.log.len());
                made["users"] = body["users"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|it| json!({"name": it}))
                    .collect();
                self.restrictions.push(made.clone());
                (200, made)
            }
            ("DELETE", ["restrictions", id]) => {
                self.restrictions.retain(|it| it["id"].as_u64() != id.parse().ok());
                (204, Value::Null)
            }
            ("GET", ["settings", "pull-requests"]) if self.settings.is_null() => (200, json!({})),
            ("GET", ["settings", "pull-requests"]) => (200, self.settings.clone()),
            ("POST", ["settings", "pull-requests"]) => {
                self.settings = body.clone();
                (200, body.clone())
            }
            ("GET", ["webhooks"]) => (200, paged(&self.hooks)),
            ("POST", ["webhooks"]) => {
                let mut made = body.clone();
                made["id"] = json!(1);
                self.hooks.push(made.clone());
                (201, made)
            }
            ("PUT", ["permissions", "users"]) => (204, Value::Null),
            _ => (404, json!({"errors": [{"message": "not there"}]})),
        }
    }

    fn request(&mut self, method: &Method, rest: &[&str], body: &Value) -> Reply {
        match (method.as_str(), rest) {
            ("GET", []) => (200, paged(&self.requests)),
            ("POST", []) => {
                let tip = |end: &Value| {
                    let name = end["id"].as_str().unwrap().trim_start_matches("refs/heads/");
                    self.branches.get(name).cloned()
                };
                let (from, to) = (tip(&body["fromRef"]), tip(&body["toRef"]));
                if from.is_none() || to.is_none() || from == to {
                    return refused("there is nothing to merge");
                }
                let mut made = body.clone();
                made["id"] = json!(self.requests.len() + 1);
                made["version"] = json!(0);
                made["state"] = json!("OPEN");
                self.requests.push(made.clone());
                (201, made)
            }
            ("GET", [number]) => (200, self.requests[number.parse::<usize>().unwrap() - 1].clone()),
            ("POST", [number, action @ ("merge" | "decline")]) => {
                let request = &mut self.requests[number.parse::<usize>().unwrap() - 1];
                request["state"] = json!(if *action == "merge" { "MERGED" } else { "DECLINED" });
                (200, request.clone())
            }
            ("GET", [_, "activities"]) => {
                let roots = self.comments.iter().filter(|it| it["parent"].is_null());
                let told: Vec<_> = roots
                    .map(|it| {
                        let mut it = it.clone();
                        let answers =
                            self.comments.iter().filter(|other| other["parent"]["id"] == it["id"]);
                        it["comments"] = answers.cloned().collect();
                        json!({"id": it["id"], "action": "COMMENTED", "commentAction": "ADDED",
                            "comment": it, "commentAnchor": it["anchor"]})
                    })
                    .collect();
                (200, paged(&told))
            }
            ("POST", [_, "comments"]) => {
                if body["anchor"]["path"] == "gone.rs" || body["anchor"]["line"] == 99 {
                    return (400, json!({"errors": [{"message": "no such place"}]}));
                }
                let mut made = body.clone();
                made["id"] = json!(self.comments.len() + 1);
                made["version"] = json!(0);
                self.comments.push(made.clone());
                (201, made)
            }
            (_, [_, "comments", id]) => {
                let said = &mut self.comments[id.parse::<usize>().unwrap() - 1];
                if method == Method::PUT {
                    if body["version"] != said["version"] {
                        return refused("changed meanwhile");
                    }
                    for (name, value) in body.as_object().unwrap() {
                        said[name] = value.clone();
                    }
                    said["version"] = json!(body["version"].as_u64().unwrap() + 1);
                }
                (200, said.clone())
            }
            _ => (404, json!({"errors": [{"message": "not there"}]})),
        }
    }
}

#[async_trait]
impl Transport for Small {
    async fn send(&self, request: Request) -> Result<Answer, HostError> {
        let path = request.url.path().splitn(5, '/').nth(4).unwrap().to_owned();
        let bytes = match request.body {
            Body::Empty => Bytes::new(),
            Body::Bytes(bytes) => bytes,
            Body::Stream { mut bytes, .. } => bytes.next().await.unwrap().unwrap(),
        };
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let (status, value) = self.0.lock().unwrap().answer(&request.method, &path, &body);
        let status = StatusCode::from_u16(status).unwrap();
        let body = Bytes::from(value.to_string());
        let mut headers = HeaderMap::new();
        headers.insert("x-ausername", "robot".parse().unwrap());
        Ok(Answer::whole(status, headers, request.url, body, request.operation))
    }
}

fn api(small: &Small) -> Arc<Api> {
    let place = Place::of(&"bitbucket-server:https://t@h.example/PRJ".parse().unwrap()).unwrap();
    Arc::new(Api::over(place, Arc::new(small.clone())))
}

fn sink(small: &Small) -> ServerSink {
    ServerSink::new(api(small))
}

fn scope() -> Scope {
    Scope::Project("PRJ/app".into())
}

fn with_branches(names: &[(&str, &str)]) -> Small {
    let small = Small::default();
    let branches = names.iter().map(|(name, tip)| ((*name).to_owned(), (*tip).to_owned()));
    small.0.lock().unwrap().branches = branches.collect();
    small
}

fn request(state: ChangeRequestState) -> ChangeRequest {
    let branch = |name: &str, commit: &str| packhorse_core::model::Branch {
        name: name.into(),
        commit: Some(commit.into()),
        project: Some("acme/app".into()),
        owner: None,
    };
    ChangeRequest {
        number: 7,
        title: "Mend it".into(),
        state,
        base: branch("main", "aa"),
        head: branch("fix", "bb"),
        ..ChangeRequest::default()
    }
}

fn record(id: &str, object: Object) -> Record {
    let mut record = Record::new(id, object);
    let request = Origin::new(ObjectKind::ChangeRequest, "7");
    record.links.insert(request, TargetId("1".into()));
    record
}

fn said(id: &str, kind: ObjectKind, text: &str) -> Option<Text> {
    let mark = mark::of(&Origin::new(kind, id));
    Some(Text::new(format!("{text}\n\n{mark}"), Markup::Bitbucket))
}

#[tokio::test]
async fn an_open_request_is_between_its_own_branches() {
    let small = with_branches(&[("main", "aa"), ("fix", "bb")]);
    let record = record("7", Object::from(request(ChangeRequestState::Open)));

    let written = sink(&small).write(&scope(), &record, None).await.unwrap();

    assert_eq!((written.target.0.as_str(), written.losses), ("1", vec![]));
    let held = small.0.lock().unwrap();
    assert_eq!(held.requests[0]["fromRef"]["id"], "refs/heads/fix");
    assert_eq!(held.branches.len(), 2);
}

#[tokio::test]
async fn a_merged_request_is_merged_and_no_branch_of_the_project_moves() {
    let small = with_branches(&[("main", "cc")]);
    let record = record("7", Object::from(request(ChangeRequestState::Merged)));
    let sink = sink(&small);

    sink.write(&scope(), &record, None).await.unwrap();

    {
        let held = small.0.lock().unwrap();
        assert_eq!(held.requests[0]["state"], "MERGED");
        assert_eq!(held.requests[0]["toRef"]["id"], "refs/heads/packhorse/7/base");
        assert_eq!(held.branches["main"], "cc");
    }
    sink.finish(&scope()).await.unwrap();
    assert_eq!(small.0.lock().unwrap().branches.keys().collect::<Vec<_>>(), ["main"]);
}

#[tokio::test]
async fn a_request_of_which_nothing_is_known_is_dropped_with_the_reason() {
    let small = with_branches(&[("main", "cc")]);
    let mut open = request(ChangeRequestState::Open);
    open.head.commit = None;
    let record = record("7", Object::from(open));

    let written = sink(&small).write(&scope(), &record, None).await.unwrap();

    assert_eq!(written.outcome, Outcome::Dropped);
    assert!(written.losses[0].detail.contains("not known"));
}

#[tokio::test]
async fn a_lost_answer_leads_to_no_second_object() {
    let small = with_branches(&[("main", "aa"), ("fix", "bb")]);
    let mut open = request(ChangeRequestState::Open);
    open.body = said("7", ObjectKind::ChangeRequest, "please");
    let request = record("7", Object::from(open));
    let comment = Comment {
        subject: Subject::ChangeRequest(1),
        body: said("c1", ObjectKind::Comment, "why?"),
        ..Comment::default()
    };
    let comment = record("c1", Object::from(comment));

    for record in [&request, &comment] {
        assert_eq!(sink(&small).find(&scope(), record).await.unwrap(), None);
        let written = sink(&small).write(&scope(), record, None).await.unwrap();
        let found = sink(&small).find(&scope(), record).await.unwrap();
        assert_eq!(found, Some(written.target), "{}", record.origin);
    }
}

#[tokio::test]
async fn what_is_said_comes_back_as_it_was() {
    let small = with_branches(&[("main", "aa"), ("fix", "bb")]);
    let sink = sink(&small);
    let request = record("7", Object::from(request(ChangeRequestState::Open)));
    sink.write(&scope(), &request, None).await.unwrap();
    let position = Position {
        path: "a.rs".into(),
        line: Some(3),
        side: Some(Side::Right),
        ..Position::default()
    };
    let thread = ReviewThread { change_request: 1, position, ..ReviewThread::default() };
    let thread = record("t1", Object::from(thread));
    let root = sink.write(&scope(), &thread, None).await.unwrap().target;
    for (id, text) in [("r1", "why?"), ("r2", "because")] {
        let it = ReviewComment {
            change_request: 1,
            thread: Some(HostId("t1".into())),
            body: said(id, ObjectKind::ReviewComment, text),
            ..ReviewComment::default()
        };
        let mut it = record(id, Object::from(it));
        it.links.insert(thread.origin.clone(), root.clone());
        let written = sink.write(&scope(), &it, None).await.unwrap();
        assert_eq!(sink.find(&scope(), &it).await.unwrap(), Some(written.target));
    }
    assert_eq!(sink.find(&scope(), &thread).await.unwrap(), Some(root.clone()));
    let review = Review {
        change_request: 1,
        verdict: Verdict::Approved,
        body: said("v1", ObjectKind::Review, "good"),
        ..Review::default()
    };
    let review = record("v1", Object::from(review));
    let verdict = sink.write(&scope(), &review, None).await.unwrap().target;
    let task = Comment {
        subject: Subject::ChangeRequest(1),
        body: said("c1", ObjectKind::Comment, "do it"),
        task: Some(TaskState::Resolved),
        ..Comment::default()
    };
    sink.write(&scope(), &record("c1", Object::from(task)), None).await.unwrap();

    let source = ServerSource::new(api(&small));
    let read = async |kind| suite::walk(&source, &Lane::new(scope(), kind)).await;
    let threads = read(ObjectKind::ReviewThread).await;
    assert_eq!(threads.iter().map(|it| &it.origin.id).collect::<Vec<_>>(), [&root.0]);
    let comments = read(ObjectKind::ReviewComment).await;
    assert_eq!((comments.len(), &comments[0].origin.id), (2, &root.0));
    let Object::ReviewComment(first) = &comments[0].object else { panic!() };
    assert_eq!(first.body, said("r1", ObjectKind::ReviewComment, "why?"));
    assert_eq!(first.position.line, Some(3));
    let reviews = read(ObjectKind::Review).await;
    assert_eq!((reviews.len(), &reviews[0].origin.id), (1, &verdict.0));
    let Object::Review(review) = &reviews[0].object else { panic!() };
    assert_eq!(
        (review.verdict, review.body.as_ref().unwrap().as_str().split('\n').next()),
        (Verdict::Approved, Some("good"))
    );
    let comments = read(ObjectKind::Comment).await;
    let [Object::Comment(task)] = &comments.into_iter().map(|it| it.object).collect::<Vec<_>>()[..]
    else {
        panic!()
    };
    assert_eq!(task.task, Some(TaskState::Resolved));
}

#[tokio::test]
async fn a_place_that_is_not_in_the_change_is_told_and_the_words_arrive() {
    let small = with_branches(&[("main", "aa"), ("fix", "bb")]);
    let sink = sink(&small);
    let request = record("7", Object::from(request(ChangeRequestState::Open)));
    sink.write(&scope(), &request, None).await.unwrap();

    let (placed, unplaced) = (&["position"][..], &["position", Loss::KIND][..]);
    for (path, line, fields) in [("a.rs", 99, placed), ("gone.rs", 1, unplaced)] {
        let position = Position { path: path.into(), line: Some(line), ..Position::default() };
        let thread = ReviewThread { change_request: 1, position, ..ReviewThread::default() };
        let written =
            sink.write(&scope(), &record(path, Object::from(thread)), None).await.unwrap();
        assert_eq!(written.outcome, Outcome::Created);
        let lost: Vec<_> = written.losses.iter().map(|it| &*it.field).collect();
        assert_eq!(lost, fields);
    }
}

#[tokio::test]
async fn a_rule_with_somebody_who_is_not_there_becomes_stricter_and_says_so() {
    let small = Small::default();
    let who = packhorse_core::model::Identity::login("nobody", None);
    let rule = BranchRule {
        pattern: "main".into(),
        restrict_push: true,
        pushers: vec![packhorse_core::model::Grantee::User(who)],
        admins_bound: true,
        reviews: Enforcement::Everyone,
        approvals: Some(2),
        ..BranchRule::default()
    };
    let rule = record("main", Object::from(rule));

    for _ in 0..2 {
        let written = sink(&small).write(&scope(), &rule, None).await.unwrap();
        let fields: Vec<_> = written.losses.iter().map(|it| it.field.as_ref()).collect();
        assert_eq!(fields, ["pushers", "approvals"]);
    }

    let held = small.0.lock().unwrap();
    assert_eq!(held.restrictions.len(), 1, "written twice, there once");
    assert_eq!(held.restrictions[0]["users"], json!([]));
    assert_eq!(held.settings["requiredApprovers"], json!(2));
}

#[tokio::test]
async fn a_hook_arrives_switched_off() {
    let small = Small::default();
    let hook = Webhook {
        url: "https://ci.example/hook".into(),
        events: vec!["push".into()],
        active: true,
        ..Webhook::default()
    };

    let written =
        sink(&small).write(&scope(), &record("1", Object::from(hook)), None).await.unwrap();

    assert_eq!(small.0.lock().unwrap().hooks[0]["active"], json!(false));
    assert!(written.losses.iter().any(|it| it.field == "has_secret"));
}

#[tokio::test]
async fn nothing_is_written_outside_of_the_address() {
    let small = Small::default();
    let outside = Scope::Project("OTHER/app".into());
    let topic = packhorse_core::model::Topic { name: "x".into() };

    let error = sink(&small).write(&outside, &record("x", Object::from(topic)), None).await;
    let member = Member {
        place: packhorse_core::model::Place::Organization("OTHER".into()),
        role: Role::Read,
        ..Member::default()
    };
    let member = record("m", Object::from(member));
    let written = sink(&small).write(&Scope::Shared, &member, None).await.unwrap();

    assert_eq!(error.unwrap_err().kind, HostErrorKind::Rejected);
    assert_eq!(written.outcome, Outcome::Dropped);
    assert!(small.0.lock().unwrap().log.is_empty(), "nothing was sent");
}
