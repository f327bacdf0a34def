//! The source over answers that a test has at hand.

use super::*;
use crate::github::place::Place;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode};
use packhorse_core::model::{ChangeRequest, Issue, StateValue};
use packhorse_net::{Answer, Body, Request, Transport};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// What is answered: a status, the `Link` header, and a body.
type Reply = (u16, &'static str, Value);

/// Answers by the verb and path with query, and remembers what was asked.
struct Script<F> {
    answer: F,
    asked: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl<F: Fn(&str, &str) -> Reply + Send + Sync> Transport for Script<F> {
    async fn send(&self, request: Request) -> Result<Answer, HostError> {
        let query = request.url.query().map(|it| format!("?{it}")).unwrap_or_default();
        let line = format!("{} {}{query}", request.method, request.url.path());
        let body = match &request.body {
            Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Body::Empty | Body::Stream { .. } => String::new(),
        };
        let (status, link, value) = (self.answer)(&line, &body);
        self.asked.lock().unwrap().push(line);
        let mut headers = HeaderMap::new();
        if !link.is_empty() {
            headers.insert("link".parse::<HeaderName>().unwrap(), link.parse().unwrap());
        }
        let bytes = Bytes::from(value.to_string());
        let status = StatusCode::from_u16(status).unwrap();
        Ok(Answer::whole(status, headers, request.url, bytes, request.operation))
    }
}

fn source(
    location: &str,
    answer: impl Fn(&str, &str) -> Reply + Send + Sync + 'static,
) -> (GithubSource, Arc<Mutex<Vec<String>>>) {
    let place = Place::of(&location.parse().unwrap()).unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let script = Script { answer, asked: Arc::clone(&asked) };
    (GithubSource::new(Api::over(place, Arc::new(script))), asked)
}

const KNOWN: &str = "github:https://t0ken@h.example/acme";

async fn page(source: &GithubSource, kind: ObjectKind, at: Option<&Cursor>) -> Page {
    let lane = Lane::new(Scope::Project("acme/app".into()), kind);
    source.read(&lane, at).await.unwrap()
}

const NOTHING: Reply = (404, "", Value::Null);

fn issues(record: &Page) -> Vec<&Issue> {
    let issue = |it: &'_ Record| matches!(it.object, Object::Issue(_));
    assert!(record.records.iter().all(issue));
    record
        .records
        .iter()
        .filter_map(|it| if let Object::Issue(it) = &it.object { Some(&**it) } else { None })
        .collect()
}

#[tokio::test]
async fn the_next_page_is_where_the_server_says() {
    let (source, asked) = source(KNOWN, |line, _| match line {
        _ if line.starts_with("GET /api/v3/repos/acme/app/issues?") => {
            let next = "<https://h.example/api/v3/repositories/1/issues?page=2>; rel=\"next\"";
            (200, next, json!([{"number": 1, "title": "one"}, {"number": 2, "pull_request": {}}]))
        }
        "GET /api/v3/repositories/1/issues?page=2" => (200, "", json!([{"number": 3}])),
        _ => NOTHING,
    });

    let first = page(&source, ObjectKind::Issue, None).await;
    let second = page(&source, ObjectKind::Issue, first.next.as_ref()).await;

    assert_eq!(issues(&first).iter().map(|it| it.number).collect::<Vec<_>>(), [1]);
    assert_eq!(issues(&second).iter().map(|it| it.number).collect::<Vec<_>>(), [3]);
    assert!(second.next.is_none());
    let first = &asked.lock().unwrap()[0];
    assert!(first.contains("state=all&sort=created&direction=asc&per_page=100"), "{first}");
}

#[tokio::test]
async fn a_page_elsewhere_is_not_asked_for() {
    for address in ["https://elsewhere.example/api/v3/x?page=2", "https://h.example/admin?page=2"] {
        let (source, asked) = source(KNOWN, |_, _| NOTHING);
        let at = Spot::page(address.to_owned()).cursor();
        let lane = Lane::new(Scope::Project("acme/app".into()), ObjectKind::Issue);

        let error = source.read(&lane, Some(&at)).await.unwrap_err();

        assert_eq!(error.kind, HostErrorKind::Protocol);
        assert!(asked.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn whether_a_thread_is_settled_is_told_by_graphql() {
    let comment = |id: u64, reply: Option<u64>| {
        json!({"id": id, "in_reply_to_id": reply, "path": "a.txt", "line": 1,
            "pull_request_url": "https://h.example/api/v3/repos/acme/app/pulls/7",
            "created_at": "2026-01-01T00:00:00Z"})
    };
    let (source, _) = source(KNOWN, move |line, body| {
        if line == "POST /api/graphql" {
            assert!(body.contains("c7: pullRequest(number: 7)"), "{body}");
            let thread = json!({"id": "T", "isResolved": true, "resolvedBy": {"login": "bob"},
                "comments": {"nodes": [{"databaseId": 10}]}});
            let threads = json!({"nodes": [thread], "pageInfo": {"hasNextPage": false}});
            let request = json!({"c7": {"number": 7, "reviewThreads": threads}});
            return (200, "", json!({"data": {"repository": request}}));
        }
        (200, "", json!([comment(10, None), comment(11, Some(10)), comment(12, None)]))
    });

    let page = page(&source, ObjectKind::ReviewThread, None).await;

    let settled: Vec<_> = page
        .records
        .iter()
        .map(|it| {
            let Object::ReviewThread(thread) = &it.object else { panic!("a thread") };
            (it.origin.id.as_str(), thread.resolver.is_some())
        })
        .collect();
    assert_eq!(settled, [("10", true), ("12", false)]);
}

#[tokio::test]
async fn who_merged_is_asked_for_once_a_page() {
    let (source, asked) = source(KNOWN, |line, _| {
        if line == "POST /api/graphql" {
            let node = json!({"number": 3, "mergedBy": {"login": "bob"},
                "closingIssuesReferences": {"nodes": [{"number": 1}]}});
            return (200, "", json!({"data": {"nodes": [node, null]}}));
        }
        let merged = "2026-01-01T00:00:00Z";
        let one = json!({"number": 3, "node_id": "A", "state": "closed", "merged_at": merged});
        (200, "", json!([one, {"number": 4, "node_id": "B", "state": "open"}]))
    });

    let page = page(&source, ObjectKind::ChangeRequest, None).await;

    let requests: Vec<&ChangeRequest> = page
        .records
        .iter()
        .filter_map(
            |it| if let Object::ChangeRequest(it) = &it.object { Some(&**it) } else { None },
        )
        .collect();
    assert_eq!(requests[0].merged_by.as_ref().unwrap().login, "bob");
    assert_eq!(requests[0].closes[0].issue, 1);
    assert!(page.records[1].losses.is_empty());
    assert_eq!(asked.lock().unwrap().len(), 2);
}

/// What is asked below two change requests and two branches, when GraphQL answers so.
async fn asked_below(kind: ObjectKind, told: Value) -> Vec<String> {
    let (source, asked) = source(KNOWN, move |line, _| match line {
        "POST /api/graphql" => (200, "", told.clone()),
        _ if line.contains("/pulls?") => {
            let [a, b] = [1, 2].map(|it| json!({"number": it, "node_id": format!("P{it}")}));
            (200, "", json!([a, b]))
        }
        _ if line.contains("/branches?") => {
            let [a, b] = ["aa", "bb"].map(|it| json!({"name": it, "commit": {"sha": it}}));
            (200, "", json!([a, b]))
        }
        _ => (200, "", json!([])),
    });

    page(&source, kind, None).await;

    let asked = asked.lock().unwrap();
    let below = asked.iter().filter_map(|it| it.strip_prefix("GET /api/v3/repos/acme/app/"));
    let below = below.filter_map(|it| it.split('?').next()).map(str::to_owned);
    below.filter(|it| it.matches('/').count() > 1).collect()
}

#[tokio::test]
async fn what_has_no_reviews_and_no_statuses_is_not_asked_for_them() {
    let count = |id: &str, n: u64| json!({"id": id, "reviews": {"totalCount": n}});
    let told = json!({"data": {"nodes": [count("P1", 0), count("P2", 1)]}});
    assert_eq!(asked_below(ObjectKind::Review, told).await, ["pulls/2/reviews"]);

    let commits = json!({"caa": {"status": null}, "cbb": {"status": {"id": "S"}}});
    let told = json!({"data": {"repository": commits}});
    assert_eq!(asked_below(ObjectKind::CommitStatus, told).await, ["commits/bb/statuses"]);
}

#[tokio::test]
async fn what_is_not_told_whole_is_asked_for() {
    let errors = json!([{"type": "FORBIDDEN", "message": "Resource not accessible"}]);
    let commits = json!({"caa": {"status": null}, "cbb": {"status": null}});
    for told in [
        json!({"data": {"repository": commits}, "errors": errors}),
        json!({"data": {"repository": {"caa": null, "cbb": {}}}}),
        json!({"errors": errors}),
        json!([]),
    ] {
        let asked = asked_below(ObjectKind::CommitStatus, told).await;
        assert_eq!(asked, ["commits/aa/statuses", "commits/bb/statuses"]);
    }
}

#[tokio::test]
async fn a_closed_door_is_told_and_a_part_that_is_off_is_empty() {
    let lane = |kind| Lane::new(Scope::Project("acme/app".into()), kind);
    for (is_admin, kind, expected) in [
        (false, ObjectKind::Webhook, Err(HostErrorKind::Forbidden)),
        (true, ObjectKind::Webhook, Ok(0)),
        (false, ObjectKind::Issue, Ok(0)),
    ] {
        let (source, _) = source(KNOWN, move |line, _| match line {
            "GET /api/v3/repos/acme/app" => {
                (200, "", json!({"full_name": "acme/app", "permissions": {"admin": is_admin}}))
            }
            _ => NOTHING,
        });

        let found = source.read(&lane(kind), None).await;

        assert_eq!(found.map(|it| it.records.len()).map_err(|it| it.kind), expected, "{kind}");
    }
}

#[tokio::test]
async fn a_project_that_is_not_there_is_not_found() {
    let (source, _) = source(KNOWN, |_, _| NOTHING);
    let lane = Lane::new(Scope::Project("acme/app".into()), ObjectKind::Issue);

    let error = source.read(&lane, None).await.unwrap_err();

    assert_eq!(error.kind, HostErrorKind::NotFound);
}

#[tokio::test]
async fn pinned_issues_are_told_by_graphql_and_locked_ones_by_rest() {
    let (source, _) = source(KNOWN, |line, _| match line {
        "POST /api/graphql" => {
            let pinned = json!({"pinnedIssues": {"nodes": [{"issue": {"number": 4}}]}});
            (200, "", json!({"data": {"repository": pinned}}))
        }
        "GET /api/v3/repos/acme/app" => (200, "", json!({"archived": true})),
        _ => (200, "", json!([{"number": 5, "locked": true, "active_lock_reason": "spam"}])),
    });

    let page = page(&source, ObjectKind::State, None).await;

    let values: Vec<_> = page
        .records
        .iter()
        .map(|it| {
            let Object::State(state) = &it.object else { panic!("a state") };
            (it.origin.id.as_str(), state.value.clone())
        })
        .collect();
    let locked = StateValue::Locked(Some("spam".into()));
    assert_eq!(
        values,
        [
            ("project/archived", StateValue::Archived),
            ("issue/4/pinned", StateValue::Pinned(Some(1))),
            ("issue/5/locked", locked),
        ]
    );
}

#[tokio::test]
async fn without_a_token_graphql_is_not_asked() {
    let (source, asked) = source("github:https://h.example/acme", |line, _| match line {
        "GET /api/v3/repos/acme/app" => (200, "", json!({"has_discussions": true})),
        _ => (200, "", json!([])),
    });

    for kind in [ObjectKind::Discussion, ObjectKind::DiscussionCategory, ObjectKind::Comment] {
        assert!(page(&source, kind, None).await.records.is_empty());
    }
    assert!(!asked.lock().unwrap().iter().any(|it| it.contains("graphql")));
}

#[tokio::test]
async fn pages_without_reactions_or_locks_are_not_asked_for_again() {
    let (source, asked) = source(KNOWN, |line, _| match line {
        _ if line.starts_with("GET /api/v3/repos/acme/app/issues?") => {
            let next = "<https://h.example/api/v3/repositories/1/issues?page=2>; rel=\"next\"";
            (200, next, json!([{"number": 1, "reactions": {"total_count": 0}}]))
        }
        "GET /api/v3/repositories/1/issues?page=2" => {
            let more = json!({"number": 3, "reactions": {"total_count": 1}, "locked": true});
            (200, "", json!([{"number": 2, "reactions": {"total_count": 0}}, more]))
        }
        "GET /api/v3/repos/acme/app/issues/3/reactions?per_page=100" => {
            (200, "", json!([{"id": 7, "content": "+1", "user": {"login": "ann"}}]))
        }
        "GET /api/v3/repos/acme/app" => (200, "", json!({})),
        "POST /api/graphql" => (200, "", json!({"data": {"repository": {}}})),
        _ => NOTHING,
    });
    let first = page(&source, ObjectKind::Issue, None).await;
    page(&source, ObjectKind::Issue, first.next.as_ref()).await;
    asked.lock().unwrap().clear();

    let reactions = page(&source, ObjectKind::Reaction, None).await;
    let states = page(&source, ObjectKind::State, None).await;

    assert_eq!((reactions.records.len(), states.records.len()), (1, 1));
    let asked = asked.lock().unwrap().clone();
    assert!(!asked.iter().any(|it| it.contains("acme/app/issues?")), "{asked:?}");
}
