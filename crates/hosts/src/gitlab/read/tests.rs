//! The source over answers that a test has at hand.

use super::*;
use crate::gitlab::place::Place;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode};
use packhorse_core::model::Subject;
use packhorse_net::{Answer, Request, Transport};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

const PROJECT: &str = "acme/tools/widget";

fn source_at(location: &str, transport: impl Transport + 'static) -> GitlabSource {
    let place = Place::of(&location.parse().unwrap()).unwrap();
    GitlabSource::new(Arc::new(Api::over(place, Arc::new(transport))))
}

pub(super) fn source(transport: impl Transport + 'static) -> GitlabSource {
    source_at("gitlab:https://h.example", transport)
}

pub(super) fn lane(kind: ObjectKind) -> Lane {
    Lane::new(Scope::Project(PROJECT.into()), kind)
}

fn answer(request: Request, status: u16, headers: &[(&str, String)], body: &Value) -> Answer {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
        .collect();
    let status = StatusCode::from_u16(status).unwrap();
    Answer::whole(status, headers, request.url, Bytes::from(body.to_string()), request.operation)
}

/// All records of a lane.
pub(super) async fn walk(source: &GitlabSource, lane: &Lane) -> Result<Vec<Record>, HostError> {
    let (mut records, mut at) = (Vec::new(), None);
    loop {
        let page = source.read(lane, at.as_ref()).await?;
        records.extend(page.records);
        if page.next.is_none() {
            return Ok(records);
        }
        at = page.next;
    }
}

/// Issues by number, with the dates of their making in no order; some go while they are read.
struct Numbers {
    numbers: Mutex<BTreeSet<u64>>,
    /// Goes once so many requests were made.
    goes: Option<(usize, u64)>,
    counts: bool,
    asked: Mutex<usize>,
}

#[async_trait]
impl Transport for Numbers {
    async fn send(&self, request: Request) -> Result<Answer, HostError> {
        let mut asked = self.asked.lock().unwrap();
        let mut numbers = self.numbers.lock().unwrap();
        if let Some((after, number)) = self.goes
            && *asked >= after
        {
            numbers.remove(&number);
        }
        *asked += 1;
        assert!(request.url.as_str().len() < 4_000, "an address that servers refuse");
        let query: Vec<(String, String)> = request.url.query_pairs().into_owned().collect();
        let value = |name: &str| query.iter().find(|(it, _)| it == name).map(|(_, it)| it.clone());
        let wanted: BTreeSet<u64> = query
            .iter()
            .filter(|(name, _)| name == "iids[]")
            .map(|(_, it)| it.parse().unwrap())
            .collect();
        let size: usize = value("per_page").unwrap().parse().unwrap();
        let page: usize = value("page").map_or(1, |it| it.parse().unwrap());
        // An order that has nothing to do with the numbers.
        let mut found: Vec<u64> =
            numbers.iter().copied().filter(|it| wanted.is_empty() || wanted.contains(it)).collect();
        found.sort_by_key(|it| it.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let n_all = found.len();
        let items: Vec<Value> = found
            .into_iter()
            .skip((page - 1) * size)
            .take(size)
            .map(|it| json!({"iid": it, "title": format!("issue {it}")}))
            .collect();
        let more = page * size < n_all;
        let mut headers =
            vec![("x-next-page", if more { (page + 1).to_string() } else { String::new() })];
        headers.extend(self.counts.then(|| ("x-total", n_all.to_string())));
        Ok(answer(request, 200, &headers, &json!(items)))
    }
}

/// The numbers of issues as they are read, and how many requests that took.
async fn read_numbers(
    numbers: impl IntoIterator<Item = u64>,
    goes: Option<(usize, u64)>,
    counts: bool,
) -> (Vec<u64>, usize) {
    let numbers = Mutex::new(numbers.into_iter().collect());
    let server = Arc::new(Numbers { numbers, goes, counts, asked: Mutex::new(0) });
    struct Shared(Arc<Numbers>);
    #[async_trait]
    impl Transport for Shared {
        async fn send(&self, request: Request) -> Result<Answer, HostError> {
            self.0.send(request).await
        }
    }
    let source = source(Shared(Arc::clone(&server)));
    let records = walk(&source, &lane(ObjectKind::Issue)).await.unwrap();
    let number = |it: &Record| {
        let Object::Issue(it) = &it.object else { panic!("{it:?}") };
        it.number
    };
    let asked = *server.asked.lock().unwrap();
    (records.iter().map(number).collect(), asked)
}

#[tokio::test]
async fn issues_come_by_number_whatever_their_dates_are() {
    for last in [0, 1, 99, 100, 101, 250] {
        let (numbers, asked) = read_numbers(1..=last, None, true).await;
        assert_eq!(numbers, (1..=last).collect::<Vec<_>>());
        assert!(asked as u64 <= last / 100 + 2, "{last}: {asked} requests");
    }
}

#[tokio::test]
async fn gaps_and_a_lonely_high_number_are_walked_over() {
    let wanted: Vec<u64> = (1..=120).chain([700, 3_000]).collect();

    assert_eq!(read_numbers(wanted.clone(), None, true).await.0, wanted);
}

#[tokio::test]
async fn a_server_that_does_not_count_is_read_to_its_newest() {
    let (numbers, _) = read_numbers(1..=230, None, false).await;

    assert_eq!(numbers.len(), 230);
}

#[tokio::test]
async fn an_issue_that_goes_meanwhile_leaves_the_others_in_place() {
    for number in [1, 150, 250] {
        let (numbers, _) = read_numbers(1..=250, Some((2, number)), true).await;
        let others: Vec<u64> = (1..=250).filter(|it| *it != number).collect();
        let found: Vec<u64> = numbers.into_iter().filter(|it| *it != number).collect();
        assert_eq!(found, others);
    }
}

/// Answers by path; everything else is not there.
pub(super) struct Fixed(pub(super) BTreeMap<String, Value>);

fn fixed<const N: usize>(answers: [(&str, Value); N]) -> Fixed {
    Fixed(answers.into_iter().map(|(path, body)| (path.to_owned(), body)).collect())
}

#[async_trait]
impl Transport for Fixed {
    async fn send(&self, request: Request) -> Result<Answer, HostError> {
        let path = request.url.path().trim_start_matches("/api/v4/").to_owned();
        let path = path.replace("acme%2Ftools%2Fwidget", "P");
        let query: Vec<(String, String)> = request.url.query_pairs().into_owned().collect();
        let wanted: Vec<&str> =
            query.iter().filter(|(it, _)| it == "iids[]").map(|(_, it)| it.as_str()).collect();
        let Some(mut body) = self.0.get(&path).cloned() else {
            return Ok(answer(request, 404, &[], &json!({"message": "404 Not found"})));
        };
        if let Some(list) = body.as_array_mut()
            && !wanted.is_empty()
        {
            list.retain(|it| wanted.contains(&it["iid"].to_string().as_str()));
        }
        let status = if body["status"] == 403 { 403 } else { 200 };
        Ok(answer(request, status, &[("x-next-page", String::new())], &body))
    }
}

fn project() -> (&'static str, Value) {
    ("projects/P", json!({"id": 7, "path_with_namespace": PROJECT, "name": "widget"}))
}

#[tokio::test]
async fn what_is_switched_off_is_empty_and_what_is_not_there_is_told() {
    let there = source(fixed([project()]));
    let absent = source(fixed([]));

    for &kind in ObjectKind::ALL.iter().filter(|it| it.in_project()) {
        assert_eq!(walk(&there, &lane(kind)).await.unwrap().len(), 0, "{kind}");
        let error = absent.read(&lane(kind), None).await.unwrap_err();
        assert_eq!(error.kind, HostErrorKind::NotFound, "{kind}");
    }
}

#[tokio::test]
async fn a_part_that_is_switched_off_does_not_end_the_others() {
    let merge_requests = json!([{"iid": 4, "user_notes_count": 1}]);
    let discussions =
        json!([{"id": "d", "individual_note": true, "notes": [{"id": 9, "body": "hello"}]}]);
    let source = source(fixed([
        project(),
        ("projects/P/issues", json!({"status": 403})),
        ("projects/P/merge_requests", merge_requests),
        ("projects/P/merge_requests/4/discussions", discussions),
    ]));

    let found = walk(&source, &lane(ObjectKind::Comment)).await.unwrap();

    assert_eq!(found.len(), 1);
    assert_eq!(found[0].origin.id, "merge_requests/4/9");
}

#[tokio::test]
async fn a_server_that_is_something_else_is_told_so() {
    let odd = source_at("gitlab:https://t@h.example", fixed([("user", json!({"login": "me"}))]));

    assert_eq!(odd.probe().await.unwrap_err().kind, HostErrorKind::Unsupported);
    let open = source(fixed([("projects", json!({"message": "hello"}))]));
    assert_eq!(open.probe().await.unwrap_err().kind, HostErrorKind::Unsupported);
}

#[tokio::test]
async fn a_path_that_would_be_another_object_is_refused() {
    let source = source(fixed([project()]));

    for path in ["..", ".", ""] {
        let error = source.api.url(&["projects", path], &[]).unwrap_err();
        assert_eq!(error.kind, HostErrorKind::Rejected, "{path}");
    }
    let escaped = source.api.url(&["projects", "a/../b?c#d"], &[]).unwrap();
    assert_eq!(escaped.path(), "/api/v4/projects/a%2F..%2Fb%3Fc%23d");
    for id in ["../user", "issues/1/../x", "1/v1"] {
        for kind in [ObjectKind::Attachment, ObjectKind::ReleaseAsset] {
            let origin = packhorse_core::Origin::new(kind, id);
            let scope = Scope::Project(PROJECT.into());
            let blob = BlobRef { scope, origin, size: None, sha256: None };
            assert!(source.open(&blob, 0).await.is_err(), "{id}");
        }
    }
}

#[tokio::test]
async fn an_address_means_a_project_a_group_or_a_person() {
    let at = |path: &str, answers| source_at(&format!("gitlab:https://h.example/{path}"), answers);
    let group = ("groups/acme", json!({"full_path": "acme", "id": 1}));
    let project = ("projects/acme%2Fapp", json!({"path_with_namespace": "acme/app"}));

    let found = at("acme", fixed([group.clone()]));
    assert_eq!(found.extent().await.unwrap(), &Extent::Group("acme".into()));
    let found = at("acme/app", fixed([group, project]));
    assert_eq!(found.extent().await.unwrap(), &Extent::Project("acme/app".into()));
    let found = at("alice", fixed([("users", json!([{"id": 5}]))]));
    assert_eq!(found.extent().await.unwrap(), &Extent::User(5));
    let found = at("nobody", fixed([("users", json!([]))]));
    assert_eq!(found.extent().await.unwrap_err().kind, HostErrorKind::NotFound);
}

#[tokio::test]
async fn roles_in_groups_are_read_group_by_group() {
    let source = source_at(
        "gitlab:https://h.example/acme",
        fixed([
            (
                "groups/acme",
                json!({"full_path": "acme", "shared_with_groups":
                    [{"group_full_path": "friends/core", "group_access_level": 30}]}),
            ),
            (
                "groups/acme/descendant_groups",
                json!([{"full_path": "acme/tools/x"}, {"full_path": "acme/tools"}]),
            ),
            ("groups/acme/members", json!([{"username": "alice", "access_level": 50}])),
            ("groups/acme%2Ftools/members", json!([{"username": "bob", "access_level": 25}])),
            ("groups/acme%2Ftools%2Fx/members", json!([])),
        ]),
    );
    let shared = |kind| Lane::new(Scope::Shared, kind);
    let ids = |list: Vec<Record>| list.into_iter().map(|it| it.origin.id).collect::<Vec<_>>();

    let groups = ids(walk(&source, &shared(ObjectKind::Organization)).await.unwrap());
    let members = ids(walk(&source, &shared(ObjectKind::Member)).await.unwrap());

    assert_eq!(groups, ["acme", "acme/tools", "acme/tools/x"]);
    assert_eq!(members, ["acme/alice", "acme/group/friends/core", "acme/tools/bob"]);
}

#[tokio::test]
async fn a_thread_in_a_diff_is_no_comment_and_its_reactions_lead_to_it() {
    let place = json!({"new_path": "a.rs", "new_line": 3, "head_sha": "h", "base_sha": "b"});
    let discussions = json!([
        {"id": "d1", "notes": [
            {"id": 1, "type": "DiffNote", "body": "why?", "position": place, "resolvable": true},
            {"id": 2, "type": "DiffNote", "body": "so", "position": place, "resolvable": true}]},
        {"id": "d2", "individual_note": true, "notes": [{"id": 3, "body": "fine"}]},
    ]);
    let award = json!([{"id": 5, "name": "thumbsup", "user": {"username": "bob"}}]);
    let source = source(fixed([
        project(),
        ("projects/P/merge_requests", json!([{"iid": 4}])),
        ("projects/P/merge_requests/4/discussions", discussions),
        ("projects/P/merge_requests/4/award_emoji", json!([])),
        ("projects/P/merge_requests/4/notes/1/award_emoji", json!([])),
        ("projects/P/merge_requests/4/notes/2/award_emoji", award.clone()),
        ("projects/P/merge_requests/4/notes/3/award_emoji", award),
    ]));
    let read = async |kind| walk(&source, &lane(kind)).await.unwrap();

    assert_eq!(read(ObjectKind::Comment).await.len(), 1);
    let threads = read(ObjectKind::ReviewThread).await;
    let comments = read(ObjectKind::ReviewComment).await;
    let reactions = read(ObjectKind::Reaction).await;

    assert_eq!(threads[0].origin.id, "4/d1");
    let ids: Vec<_> = comments.iter().map(|it| it.origin.id.as_str()).collect();
    assert_eq!(ids, ["4/d1/1", "4/d1/2"]);
    let subjects: Vec<_> = reactions
        .iter()
        .map(|it| {
            let Object::Reaction(it) = &it.object else { panic!("{it:?}") };
            it.subject.clone()
        })
        .collect();
    let (thread, comment) = ("4/d1/2".into(), "merge_requests/4/3".into());
    assert_eq!(subjects, [Subject::ReviewComment(thread), Subject::Comment(comment)]);
}

#[tokio::test]
async fn a_token_that_sees_less_is_told_before_anything_moves() {
    let source = source(fixed([project()]));

    let inventory = source.inventory(&Scope::Project(PROJECT.into())).await.unwrap();

    assert!(inventory.losses.iter().any(|it| it.name == "hooks"), "{:?}", inventory.losses);
}
