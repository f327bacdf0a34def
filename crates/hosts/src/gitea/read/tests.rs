//! The source over answers that a test has at hand.

use super::*;
use crate::gitea::place::Place;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode};
use packhorse_core::model::Verdict;
use packhorse_net::{Answer, Request, Transport};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::Write,
    path::PathBuf,
    sync::{Arc, Mutex},
};

fn source(transport: impl Transport + 'static) -> GiteaSource {
    let place = Place::of(&"gitea:https://h.example".parse().unwrap()).unwrap();
    GiteaSource::new(Api::over(place, Arc::new(transport)))
}

fn lane(kind: ObjectKind) -> Lane {
    Lane::new(Scope::Project("acme/widget".into()), kind)
}

fn answer(request: Request, status: u16, headers: &[(&str, String)], body: &Value) -> Answer {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
        .collect();
    let status = StatusCode::from_u16(status).unwrap();
    Answer::whole(status, headers, request.url, Bytes::from(body.to_string()), request.operation)
}

/// Issues with the newest first, three on a page, that change between two requests.
struct Changing {
    numbers: Mutex<Vec<u64>>,
    /// What happens after so many requests for issues: the numbers from then on.
    after: BTreeMap<usize, Vec<u64>>,
    asked: Mutex<usize>,
}

#[async_trait]
impl Transport for Changing {
    async fn send(&self, request: Request) -> Result<Answer, HostError> {
        let query: BTreeMap<_, _> = request.url.query_pairs().into_owned().collect();
        if request.url.path().ends_with("settings/api") {
            return Ok(answer(request, 200, &[], &json!({"max_response_items": 3})));
        }
        let mut numbers = self.numbers.lock().unwrap();
        let mut asked = self.asked.lock().unwrap();
        if let Some(now) = self.after.get(&asked) {
            numbers.clone_from(now);
        }
        *asked += 1;
        let (page, limit): (usize, usize) =
            (query["page"].parse().unwrap(), query["limit"].parse().unwrap());
        let items: Vec<_> = numbers
            .iter()
            .skip((page - 1) * limit)
            .take(limit)
            .map(|it| json!({"number": it, "title": format!("issue {it}")}))
            .collect();
        let mut headers = vec![("x-total-count", numbers.len().to_string())];
        if numbers.len() > limit {
            let more = page * limit < numbers.len();
            headers.push(("link", format!("<x>; rel=\"{}\"", if more { "next" } else { "first" })));
        }
        Ok(answer(request, 200, &headers, &json!(items)))
    }
}

/// The numbers of issues in the order in which they are read.
async fn read_while(first: u64, after: &[(usize, Vec<u64>)]) -> Vec<u64> {
    let numbers = Mutex::new((1..=first).rev().collect());
    let after = after.iter().cloned().collect();
    let source = source(Changing { numbers, after, asked: Mutex::new(0) });
    let (mut read, mut at) = (Vec::new(), None);
    loop {
        let page = source.read(&lane(ObjectKind::Issue), at.as_ref()).await.unwrap();
        read.extend(page.records.iter().map(|it| it.origin.id.parse::<u64>().unwrap()));
        at = page.next;
        if at.is_none() {
            return read;
        }
    }
}

fn down_from(number: u64) -> Vec<u64> {
    (1..=number).rev().collect()
}

#[tokio::test]
async fn issues_come_in_the_order_of_their_numbers() {
    for many in [0, 1, 3, 4, 10] {
        assert_eq!(read_while(many, &[]).await, (1..=many).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn issues_that_are_made_meanwhile_hide_no_other() {
    for moment in 1..5 {
        for more in [1, 2, 3, 7] {
            let read = read_while(10, &[(moment, down_from(10 + more))]).await;
            let expected: Vec<_> = (1..=10 + more).collect();
            assert!(read.is_sorted() && read.len() >= 10, "{moment} {more}: {read:?}");
            assert_eq!(read, expected[..read.len()], "{moment} {more}");
        }
    }
}

#[tokio::test]
async fn issues_that_go_meanwhile_hide_no_other() {
    for moment in 1..5 {
        for gone in [1, 5, 10] {
            let left: Vec<_> = down_from(10).into_iter().filter(|it| *it != gone).collect();
            let read = read_while(10, &[(moment, left.clone())]).await;
            assert!(left.iter().all(|it| read.contains(it)), "{moment} {gone}: {read:?}");
        }
    }
}

/// Answers by path; everything else is not there.
struct Fixed(BTreeMap<&'static str, Value>);

#[async_trait]
impl Transport for Fixed {
    async fn send(&self, request: Request) -> Result<Answer, HostError> {
        let path = request.url.path().trim_start_matches("/api/v1/").to_owned();
        let is_first = !request.url.query().is_some_and(|it| it.contains("page=2"));
        Ok(match self.0.get(path.as_str()) {
            Some(body) if is_first => answer(request, 200, &[], body),
            Some(_) => answer(request, 200, &[], &json!([])),
            None => answer(request, 404, &[], &json!({"message": "not found"})),
        })
    }
}

#[tokio::test]
async fn what_is_switched_off_is_empty_and_what_is_not_there_is_told() {
    let project = json!({"full_name": "acme/widget", "name": "widget"});
    let there = source(Fixed(BTreeMap::from([("repos/acme/widget", project)])));
    let absent = source(Fixed(BTreeMap::new()));

    for &kind in ObjectKind::ALL.iter().filter(|it| it.in_project()) {
        let (mut at, mut count) = (None, 0);
        loop {
            let page = there.read(&lane(kind), at.as_ref()).await.unwrap();
            count += page.records.len();
            at = page.next;
            if at.is_none() {
                break;
            }
        }
        assert_eq!(count, 0, "{kind}");
        let error = absent.read(&lane(kind), None).await.unwrap_err();
        assert_eq!(error.kind, HostErrorKind::NotFound, "{kind}");
    }
}

#[tokio::test]
async fn a_server_that_is_something_else_is_told_so() {
    let error = source(Fixed(BTreeMap::new())).probe().await.unwrap_err();

    assert_eq!(error.kind, HostErrorKind::Unsupported);
}

#[tokio::test]
async fn a_path_that_would_be_another_object_is_refused() {
    let source = source(Fixed(BTreeMap::new()));

    for path in ["../widget", "acme/..", "acme", "acme/a/b", "/"] {
        let lane = Lane::new(Scope::Project(path.into()), ObjectKind::Project);
        let error = source.read(&lane, None).await.unwrap_err();
        let kinds = [HostErrorKind::NotFound, HostErrorKind::Rejected];
        assert!(kinds.contains(&error.kind), "{path}: {error}");
    }
    let origin = packhorse_core::Origin::new(ObjectKind::Attachment, "../user/settings");
    let scope = Scope::Project("acme/widget".into());
    let blob = BlobRef { scope, origin, size: None, sha256: None };
    assert_eq!(source.open(&blob, 0).await.err().unwrap().kind, HostErrorKind::NotFound);
}

/// Answers that a real Gitea 1.15 gave.
struct Recorded(PathBuf);

impl Recorded {
    fn find() -> Option<Self> {
        let folder = std::env::var_os("PACKHORSE_FIXTURES").map(PathBuf::from);
        let folder = folder.map(|it| it.join("gitea-1.15.11-live")).filter(|it| it.is_dir());
        if folder.is_none() {
            writeln!(std::io::stderr(), "SKIPPED: PACKHORSE_FIXTURES has no recordings").unwrap();
        }
        folder.map(Self)
    }
}

#[async_trait]
impl Transport for Recorded {
    async fn send(&self, request: Request) -> Result<Answer, HostError> {
        let path = request.url.path().trim_start_matches("/api/v1/").to_owned();
        let query: BTreeMap<_, _> = request.url.query_pairs().into_owned().collect();
        let state = query.get("state").map(|it| format!("%3Fstate={it}")).unwrap_or_default();
        let name = format!("GET_{}{state}", path.replace('/', "%2F"));
        let Ok(body) = std::fs::read(self.0.join(format!("{name}.json"))) else {
            return Ok(answer(request, 404, &[], &json!({"message": "not found"})));
        };
        let mut body: Value = serde_json::from_slice(&body).unwrap();
        if query.get("type").is_some_and(|it| it == "issues") {
            body.as_array_mut().unwrap().retain(|it| it["pull_request"].is_null());
        }
        let total = body.as_array().map_or(1, Vec::len).to_string();
        Ok(answer(request, 200, &[("x-total-count", total)], &body))
    }
}

#[tokio::test]
async fn an_old_real_server_is_read() {
    let Some(recorded) = Recorded::find() else { return };
    let source = source(recorded);
    source.probe().await.unwrap();
    let mut objects = BTreeMap::new();

    for &kind in ObjectKind::ALL.iter().filter(|it| it.in_project()) {
        let mut at = None;
        loop {
            let page = source.read(&lane(kind), at.as_ref()).await.unwrap();
            let list: &mut Vec<Object> = objects.entry(kind).or_default();
            list.extend(page.records.into_iter().map(|it| it.object));
            at = page.next;
            if at.is_none() {
                break;
            }
        }
    }

    let count = |kind| objects[&kind].len();
    assert_eq!((count(ObjectKind::Issue), count(ObjectKind::ChangeRequest)), (1, 1));
    assert_eq!((count(ObjectKind::ReviewThread), count(ObjectKind::ReviewComment)), (1, 1));
    let [Object::ReviewComment(comment)] = &objects[&ObjectKind::ReviewComment][..] else {
        panic!()
    };
    assert_eq!(comment.body.as_ref().unwrap().as_str(), "line note");
    assert_eq!(comment.position.path, "a.txt");
    let Object::Review(review) = &objects[&ObjectKind::Review][0] else { panic!() };
    assert_eq!((review.change_request, review.verdict), (2, Verdict::Commented));
}
