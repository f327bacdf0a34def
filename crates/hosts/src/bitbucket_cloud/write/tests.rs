//! The destination over a small host of our own, which keeps what it is sent.

use super::*;
use crate::bitbucket_cloud::{place::Place, read::CloudSource};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use http::{HeaderMap, Method, StatusCode};
use packhorse_core::{
    Lane, mark,
    model::{
        Blob, BranchRule, ChangeRequest, ChangeRequestState, Comment, Grantee, HostId, Identity,
        Markup, Position, ReleaseAsset, Review, ReviewComment, ReviewThread, Side, Subject,
        TaskState, Text, Verdict,
    },
    port::Outcome,
};
use packhorse_net::{Answer, Body, Request, Transport};
use packhorse_testkit::{description::Description, suite};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Mutex};

/// What the host holds; just enough of it for what the tests ask.
#[derive(Default)]
struct Held {
    branches: BTreeMap<String, String>,
    requests: Vec<Value>,
    comments: Vec<Value>,
    tasks: Vec<Value>,
    restrictions: Vec<Value>,
    uploads: Vec<String>,
    log: Vec<String>,
    /// Method, target, media type and body of all that was sent.
    sent: Vec<(String, String, Option<String>, Bytes)>,
}

#[derive(Clone, Default)]
struct Small(Arc<Mutex<Held>>);

type Reply = (u16, Value);

fn values(values: &[Value]) -> Reply {
    (200, json!({"values": values}))
}

fn refused(words: &str) -> Reply {
    (400, json!({"type": "error", "error": {"message": words}}))
}

/// Puts what is sent over what is there.
fn over(there: &mut Value, sent: &Value) -> Reply {
    for (name, value) in sent.as_object().unwrap() {
        there[name] = value.clone();
    }
    (200, there.clone())
}

impl Held {
    fn answer(&mut self, method: &Method, path: &str, body: &Value, raw: &str) -> Reply {
        self.log.push(format!("{method} {path}"));
        let rest = path.trim_start_matches("repositories/acme/app").trim_start_matches('/');
        let parts: Vec<&str> = rest.split('/').collect();
        match (method.as_str(), &parts[..]) {
            ("GET", [""]) => (200, json!({"full_name": "acme/app", "name": "app"})),
            ("GET", ["refs", "branches"]) => {
                let list: Vec<_> = self.branches.keys().map(|name| json!({"name": name})).collect();
                values(&list)
            }
            ("POST", ["refs", "branches"]) => {
                let (name, tip) = (body["name"].as_str(), body["target"]["hash"].as_str());
                self.branches.insert(name.unwrap().into(), tip.unwrap().into());
                (201, json!({}))
            }
            ("GET", ["refs", "branches", name @ ..]) => match self.branches.get(&name.join("/")) {
                Some(tip) => (200, json!({"name": name.join("/"), "target": {"hash": tip}})),
                None => (404, Value::Null),
            },
            ("DELETE", ["refs", "branches", name @ ..]) => {
                self.branches.remove(&name.join("/"));
                (204, Value::Null)
            }
            (_, ["pullrequests", rest @ ..]) => self.request(method, rest, body),
            ("GET", ["branch-restrictions"]) => values(&self.restrictions),
            ("POST", ["branch-restrictions"]) => {
                if body["users"].as_array().is_some_and(|it| !it.is_empty()) {
                    return refused("no such user");
                }
                if body["kind"] == "enforce_merge_checks" {
                    return (403, json!({"error": {"message": "upgrade"}}));
                }
                let mut made = body.clone();
                made["id"] = json!(self.log.len());
                self.restrictions.push(made.clone());
                (201, made)
            }
            ("DELETE", ["branch-restrictions", id]) => {
                self.restrictions.retain(|it| it["id"].as_u64() != id.parse().ok());
                (204, Value::Null)
            }
            ("POST", ["downloads"]) => {
                self.uploads.push(raw.to_owned());
                (201, json!({}))
            }
            _ => (404, json!({"error": {"message": "not there"}})),
        }
    }

    fn request(&mut self, method: &Method, rest: &[&str], body: &Value) -> Reply {
        let index = |number: &str| number.parse::<usize>().unwrap() - 1;
        match (method.as_str(), rest) {
            ("GET", []) => values(&self.requests),
            ("POST", []) => {
                let tip = |end: &str| {
                    self.branches.get(body[end]["branch"]["name"].as_str().unwrap()).cloned()
                };
                if tip("source").is_none() || tip("source") == tip("destination") {
                    return refused("there are no changes to be pulled");
                }
                let mut made = body.clone();
                made["id"] = json!(self.requests.len() + 1);
                made["state"] = json!("OPEN");
                self.requests.push(made.clone());
                (201, made)
            }
            ("POST", [number, action @ ("merge" | "decline")]) => {
                let request = &mut self.requests[index(number)];
                request["state"] = json!(if *action == "merge" { "MERGED" } else { "DECLINED" });
                (200, request.clone())
            }
            ("GET", [_, "activity"]) => values(&[]),
            ("GET", [_, list @ ("comments" | "tasks")]) => {
                values(if *list == "tasks" { &self.tasks } else { &self.comments })
            }
            ("POST", [_, list @ ("comments" | "tasks")]) => {
                if body["inline"]["path"] == "gone.rs" {
                    return refused("no such place");
                }
                let list = if *list == "tasks" { &mut self.tasks } else { &mut self.comments };
                let mut made = body.clone();
                made["id"] = json!(list.len() + 1);
                list.push(made.clone());
                (201, made)
            }
            ("GET", [_, "comments", id]) => (200, self.comments[index(id)].clone()),
            ("PUT", [_, "comments", id]) => over(&mut self.comments[index(id)], body),
            ("PUT", [_, "tasks", id]) => over(&mut self.tasks[index(id)], body),
            ("POST", [_, "comments", id, "resolve"]) => over(
                &mut self.comments[index(id)],
                &json!({"resolution": {"user": {"uuid": "{a}"}}}),
            ),
            _ => (404, json!({"error": {"message": "not there"}})),
        }
    }
}

#[async_trait]
impl Transport for Small {
    async fn send(&self, request: Request) -> Result<Answer, HostError> {
        let path = request.url.path().trim_start_matches("/2.0/").to_owned();
        let bytes = match request.body {
            Body::Empty => Bytes::new(),
            Body::Bytes(bytes) => bytes,
            Body::Stream { bytes, length } => {
                let all: Vec<Bytes> = bytes.try_collect().await.unwrap();
                let all = Bytes::from(all.concat());
                assert_eq!(length, Some(all.len() as u64), "the length is told beforehand");
                all
            }
        };
        let content_type = request.headers.get("content-type");
        let content_type = content_type.map(|it| it.to_str().unwrap().to_owned());
        let query = request.url.query().map(|it| format!("?{it}")).unwrap_or_default();
        let target = format!("{}{query}", request.url.path());
        let sent = (request.method.to_string(), target, content_type, bytes.clone());
        self.0.lock().unwrap().sent.push(sent);
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let raw = String::from_utf8_lossy(&bytes).into_owned();
        let (status, value) = self.0.lock().unwrap().answer(&request.method, &path, &body, &raw);
        let status = StatusCode::from_u16(status).unwrap();
        let body = Bytes::from(value.to_string());
        Ok(Answer::whole(status, HeaderMap::new(), request.url, body, request.operation))
    }
}

/// All that was sent must be what the host says that it takes.
#[track_caller]
fn fits_the_description(small: &Small) {
    let Some(description) = Description::published("bitbucket-cloud.trim.json") else { return };
    // Said of listings in general, and not of each.
    let general = ["page", "pagelen", "fields", "sort", "q"];
    let description = general.into_iter().fold(description, Description::allow);
    let held = small.0.lock().unwrap();
    for (method, target, content_type, body) in &held.sent {
        // It leaves out that names of branches have slashes, what a branch is made of, and what a
        // form consists of.
        let is_form = content_type.as_ref().is_some_and(|it| it.starts_with("multipart/"));
        if is_form || target.contains("/refs/branches") {
            continue;
        }
        let misfits = description.request(method, target, content_type.as_deref(), body);
        assert!(misfits.is_empty(), "{method} {target}: {misfits:#?}");
    }
}

fn api(small: &Small) -> Arc<Api> {
    let place =
        Place::of(&"bitbucket-cloud:https://t@bitbucket.org/acme".parse().unwrap()).unwrap();
    Arc::new(Api::over(place, Arc::new(small.clone())))
}

fn sink(small: &Small) -> CloudSink {
    CloudSink::new(api(small), std::env::temp_dir())
}

fn scope() -> Scope {
    Scope::Project("acme/app".into())
}

fn with_branches(names: &[(&str, &str)]) -> Small {
    let small = Small::default();
    let branches = names.iter().map(|(name, tip)| ((*name).to_owned(), (*tip).to_owned()));
    small.0.lock().unwrap().branches = branches.collect();
    small
}

fn request(state: ChangeRequestState) -> Record {
    let branch = |name: &str, commit: &str| packhorse_core::model::Branch {
        name: name.into(),
        commit: Some(commit.into()),
        project: Some("old/app".into()),
        owner: None,
    };
    let request = ChangeRequest {
        number: 7,
        title: "Mend it".into(),
        body: said("7", ObjectKind::ChangeRequest, "please"),
        state,
        base: branch("main", "aa"),
        head: branch("fix", "bb"),
        ..ChangeRequest::default()
    };
    record("7", Object::from(request))
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
async fn a_merged_request_is_merged_and_no_branch_of_the_project_moves() {
    let small = with_branches(&[("main", "cc")]);
    let sink = sink(&small);
    let request = request(ChangeRequestState::Merged);

    assert_eq!(sink.find(&scope(), &request).await.unwrap(), None);
    let written = sink.write(&scope(), &request, None).await.unwrap();
    assert_eq!(sink.find(&scope(), &request).await.unwrap(), Some(written.target));

    {
        let held = small.0.lock().unwrap();
        assert_eq!(held.requests[0]["state"], "MERGED");
        assert_eq!(held.requests[0]["destination"]["branch"]["name"], "packhorse/7/base");
        assert_eq!(held.branches["main"], "cc");
    }
    sink.finish(&scope()).await.unwrap();
    fits_the_description(&small);
    assert_eq!(small.0.lock().unwrap().branches.keys().collect::<Vec<_>>(), ["main"]);
}

#[tokio::test]
async fn a_request_without_changes_is_dropped_with_the_reason() {
    let small = with_branches(&[("main", "aa"), ("fix", "aa")]);

    let request = request(ChangeRequestState::Open);
    let written = sink(&small).write(&scope(), &request, None).await.unwrap();

    assert_eq!(written.outcome, Outcome::Dropped);
    assert!(written.losses[0].detail.contains("no changes"));
}

#[tokio::test]
async fn what_is_said_comes_back_as_it_was() {
    let small = with_branches(&[("main", "aa"), ("fix", "bb")]);
    let sink = sink(&small);
    sink.write(&scope(), &request(ChangeRequestState::Open), None).await.unwrap();
    let position = Position {
        path: "a.rs".into(),
        line: Some(3),
        side: Some(Side::Left),
        ..Position::default()
    };
    let resolver = Some(Identity::login("alice", None));
    let thread = ReviewThread { change_request: 1, position, resolver, ..ReviewThread::default() };
    let thread = record("t1", Object::from(thread));
    let root = sink.write(&scope(), &thread, None).await.unwrap().target;
    let comments = [("r1", "why?"), ("r2", "because")].map(|(id, text)| {
        let it = ReviewComment {
            change_request: 1,
            thread: Some(HostId("t1".into())),
            body: said(id, ObjectKind::ReviewComment, text),
            ..ReviewComment::default()
        };
        let mut it = record(id, Object::from(it));
        it.links.insert(thread.origin.clone(), root.clone());
        it
    });
    // Both at once: one of them begins the thread, and none is lost.
    let there = scope();
    let writes = comments.iter().map(|it| sink.write(&there, it, None));
    let written = futures::future::try_join_all(writes).await.unwrap();
    for (record, written) in comments.iter().zip(written) {
        assert_eq!(sink.find(&scope(), record).await.unwrap(), Some(written.target));
    }
    assert_eq!(sink.find(&scope(), &thread).await.unwrap(), Some(root.clone()));
    let review = Review {
        change_request: 1,
        verdict: Verdict::ChangesRequested,
        body: said("v1", ObjectKind::Review, "not yet"),
        ..Review::default()
    };
    sink.write(&scope(), &record("v1", Object::from(review)), None).await.unwrap();
    let task = Comment {
        subject: Subject::ChangeRequest(1),
        body: said("c1", ObjectKind::Comment, "do it"),
        task: Some(TaskState::Resolved),
        ..Comment::default()
    };
    let task = record("c1", Object::from(task));
    let target = sink.write(&scope(), &task, None).await.unwrap().target;
    assert_eq!(sink.find(&scope(), &task).await.unwrap().as_ref(), Some(&target));

    fits_the_description(&small);
    let source = CloudSource::new(api(&small));
    let read = async |kind| suite::walk(&source, &Lane::new(scope(), kind)).await;
    let threads = read(ObjectKind::ReviewThread).await;
    let Object::ReviewThread(thread) = &threads[0].object else { panic!() };
    assert_eq!((threads.len(), &threads[0].origin.id), (1, &root.0));
    assert!(thread.resolver.is_some() && thread.position.side == Some(Side::Left));
    let comments = read(ObjectKind::ReviewComment).await;
    assert_eq!((comments.len(), &comments[0].origin.id), (2, &root.0));
    let texts: Vec<_> = comments
        .iter()
        .map(|it| if let Object::ReviewComment(it) = &it.object { it.body.clone() } else { None })
        .collect();
    assert!(texts.contains(&said("r1", ObjectKind::ReviewComment, "why?")), "{texts:?}");
    assert!(texts.contains(&said("r2", ObjectKind::ReviewComment, "because")), "{texts:?}");
    let reviews = read(ObjectKind::Review).await;
    let Object::Review(review) = &reviews[0].object else { panic!() };
    assert_eq!(review.verdict, Verdict::ChangesRequested);
    let comments = read(ObjectKind::Comment).await;
    assert_eq!((comments.len(), &comments[0].origin.id), (1, &target.0));
}

#[tokio::test]
async fn a_place_that_is_not_in_the_change_is_told_and_the_words_arrive() {
    let small = with_branches(&[("main", "aa"), ("fix", "bb")]);
    let position = Position { path: "gone.rs".into(), line: Some(1), ..Position::default() };
    let thread = ReviewThread { change_request: 1, position, ..ReviewThread::default() };

    let thread = record("t", Object::from(thread));
    let written = sink(&small).write(&scope(), &thread, None).await.unwrap();

    assert_eq!(written.outcome, Outcome::Created);
    let lost: Vec<_> = written.losses.iter().map(|it| &*it.field).collect();
    assert_eq!(lost, ["position", Loss::KIND]);

    let comment = ReviewComment {
        change_request: 1,
        thread: Some(HostId("t".into())),
        body: Some(Text::new("why?", Markup::Bitbucket)),
        ..ReviewComment::default()
    };
    let mut comment = record("c", Object::from(comment));
    comment.links.insert(Origin::new(ObjectKind::ReviewThread, "t"), written.target.clone());
    let written = sink(&small).write(&scope(), &comment, None).await.unwrap();

    assert!(written.losses.iter().any(|it| it.field == Loss::KIND), "{:?}", written.losses);
}

#[tokio::test]
async fn a_rule_says_whatever_is_stricter_or_looser() {
    let small = Small::default();
    let rule = BranchRule {
        pattern: "main".into(),
        admins_bound: true,
        restrict_push: true,
        pushers: vec![Grantee::User(Identity::login("nobody", None))],
        reviews: packhorse_core::model::Enforcement::Everyone,
        approvals: Some(2),
        ..BranchRule::default()
    };

    for _ in 0..2 {
        let rule = record("main", Object::from(rule.clone()));
        let written = sink(&small).write(&scope(), &rule, None).await.unwrap();
        let details: Vec<_> = written.losses.iter().map(|it| it.detail.as_str()).collect();
        assert!(details[0].contains("nobody is exempt"), "{details:?}");
        assert!(details[1].contains("warnings"), "{details:?}");
    }

    fits_the_description(&small);
    let held = small.0.lock().unwrap();
    let kinds: Vec<_> = held.restrictions.iter().map(|it| it["kind"].clone()).collect();
    assert_eq!(kinds, [json!("push"), json!("require_approvals_to_merge")], "there once");
}

#[tokio::test]
async fn a_file_goes_into_its_form_as_it_was_and_no_other_does() {
    let small = Small::default();
    let sink = sink(&small);
    let asset = ReleaseAsset {
        release: "v1".into(),
        name: "app.txt".into(),
        blob: Some(Blob::default()),
        ..ReleaseAsset::default()
    };
    let record = record("a1", Object::from(asset));
    let blob = |size| BlobRef {
        scope: scope(),
        origin: record.origin.clone(),
        size: Some(size),
        sha256: None,
    };
    let bytes = || -> ByteStream {
        let pieces = ["he", "llo"].map(|it| Ok(Bytes::from_static(it.as_bytes())));
        stream::iter(pieces).boxed()
    };

    let error = sink.save(&blob(4), bytes()).await.unwrap_err();
    assert_eq!(error.kind, HostErrorKind::Rejected);
    sink.save(&blob(5), bytes()).await.unwrap();
    let written = sink.write(&scope(), &record, None).await.unwrap();

    fits_the_description(&small);
    assert_eq!(written.target.0, "v1-app.txt");
    let held = small.0.lock().unwrap();
    assert!(
        held.uploads[0].contains("filename=\"v1-app.txt\"") && held.uploads[0].contains("hello")
    );
}

#[tokio::test]
async fn nothing_is_written_outside_of_the_address() {
    let small = Small::default();
    let outside = Scope::Project("other/app".into());

    let request = request(ChangeRequestState::Open);
    let error = sink(&small).write(&outside, &request, None).await.unwrap_err();

    assert_eq!(error.kind, HostErrorKind::Rejected);
    assert!(small.0.lock().unwrap().log.is_empty(), "nothing was sent");
}
