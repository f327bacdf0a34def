//! The source over answers that a test has at hand.

use super::*;
use crate::bitbucket_server::place::Place;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use packhorse_core::model::{ChangeRequest, ChangeRequestState, Role, Visibility};
use packhorse_net::{Answer, Request, Transport};
use packhorse_testkit::suite;
use serde_json::{Value, json};
use std::{collections::BTreeMap, io::Write, path::PathBuf};

fn source_at(location: &str, transport: impl Transport + 'static) -> ServerSource {
    let place = Place::of(&location.parse().unwrap()).unwrap();
    ServerSource::new(Arc::new(Api::over(place, Arc::new(transport))))
}

fn source(transport: impl Transport + 'static) -> ServerSource {
    source_at("bitbucket-server:https://h.example", transport)
}

fn lane(kind: ObjectKind) -> Lane {
    Lane::new(Scope::Project("PRJ/my-repo".into()), kind)
}

fn answer(request: Request, status: u16, body: &Value) -> Answer {
    let status = StatusCode::from_u16(status).unwrap();
    let body = Bytes::from(body.to_string());
    Answer::whole(status, HeaderMap::new(), request.url, body, request.operation)
}

fn paged(values: Value) -> Value {
    json!({"isLastPage": true, "start": 0, "values": values})
}

/// Answers by path below `/rest/`; everything else is not there.
struct Fixed(BTreeMap<String, Value>);

impl Fixed {
    fn of(answers: &[(&str, Value)]) -> Self {
        Self(answers.iter().map(|(path, it)| ((*path).to_owned(), it.clone())).collect())
    }
}

#[async_trait]
impl Transport for Fixed {
    async fn send(&self, request: Request) -> Result<Answer, HostError> {
        let path = request.url.path().trim_start_matches("/rest/").to_owned();
        let missing = json!({"errors": [{"message": "it does not exist"}]});
        Ok(match self.0.get(&path) {
            Some(body) => answer(request, 200, body),
            None => answer(request, 404, &missing),
        })
    }
}

const REPOSITORY: &str = "api/1.0/projects/PRJ/repos/my-repo";

fn repository() -> Value {
    json!({"slug": "my-repo", "name": "My repo", "project": {"key": "PRJ"}, "archived": true})
}

fn application() -> (&'static str, Value) {
    ("api/1.0/application-properties", json!({"version": "9.2.0", "displayName": "Bitbucket"}))
}

#[tokio::test]
async fn what_a_version_does_not_have_is_empty_and_what_is_not_there_is_told() {
    let there = source(Fixed::of(&[(REPOSITORY, repository())]));
    let absent = source(Fixed::of(&[]));

    for &kind in ObjectKind::ALL.iter().filter(|it| it.in_project()) {
        let records = suite::walk(&there, &lane(kind)).await;
        let expected = usize::from(matches!(kind, ObjectKind::Project | ObjectKind::State));
        assert_eq!(records.len(), expected, "{kind}");
        let error = absent.read(&lane(kind), None).await.unwrap_err();
        assert_eq!(error.kind, HostErrorKind::NotFound, "{kind}");
    }
}

#[tokio::test]
async fn a_server_that_is_something_else_is_told_so() {
    let other = ("api/1.0/application-properties", json!({"version": "3", "displayName": "Jira"}));
    for answers in [Fixed::of(&[]), Fixed::of(&[other])] {
        let error = source(answers).probe().await.unwrap_err();

        assert_eq!(error.kind, HostErrorKind::Unsupported);
    }
}

#[tokio::test]
async fn a_path_that_would_be_another_object_is_refused() {
    let source = source(Fixed::of(&[]));

    for path in ["../widget", "PRJ/..", "PRJ", "PRJ/a/b", "/"] {
        let lane = Lane::new(Scope::Project(path.into()), ObjectKind::Project);
        let error = source.read(&lane, None).await.unwrap_err();
        let kinds = [HostErrorKind::NotFound, HostErrorKind::Rejected];
        assert!(kinds.contains(&error.kind), "{path}: {error}");
    }
    let origin = packhorse_core::Origin::new(ObjectKind::Attachment, "../settings");
    let scope = Scope::Project("PRJ/my-repo".into());
    let blob = BlobRef { scope, origin, size: None, sha256: None };
    assert_eq!(source.open(&blob, 0).await.err().unwrap().kind, HostErrorKind::NotFound);
}

#[tokio::test]
async fn a_listing_that_leads_back_is_an_error_and_not_a_loop() {
    let list = json!({"isLastPage": false, "nextPageStart": 0, "values": []});
    let source = source(Fixed::of(&[(&format!("{REPOSITORY}/labels"), list)]));

    let error = source.read(&lane(ObjectKind::Topic), None).await.unwrap_err();

    assert_eq!(error.kind, HostErrorKind::Protocol);
}

#[tokio::test]
async fn one_odd_object_costs_no_page() {
    let requests = json!([{"id": 1, "title": null, "state": 7, "createdDate": "yesterday"},
        "what?", {"title": "no number"}, {"id": 2, "state": "MERGED", "closedDate": 1_000,
        "reviewers": null, "author": {"user": {"name": ""}}}]);
    let source = source(Fixed::of(&[(&format!("{REPOSITORY}/pull-requests"), paged(requests))]));

    let found = source.read(&lane(ObjectKind::ChangeRequest), None).await.unwrap();

    let ids: Vec<_> = found.records.iter().map(|it| it.origin.id.as_str()).collect();
    assert_eq!(ids, ["1", "2"]);
    let Object::ChangeRequest(merged) = &found.records[1].object else { panic!() };
    assert!(merged.merged_at.is_some() && merged.author.is_none());
}

#[tokio::test]
async fn a_project_that_all_may_read_is_internal() {
    let all = "api/1.0/projects/PRJ/permissions/PROJECT_READ/all";
    for (permitted, expected) in [(true, Visibility::Internal), (false, Visibility::Private)] {
        let permitted = json!({"permitted": permitted});
        let source = source(Fixed::of(&[(REPOSITORY, repository()), (all, permitted)]));

        let found = source.read(&lane(ObjectKind::Project), None).await.unwrap();

        let Object::Project(project) = &found.records[0].object else { panic!() };
        assert_eq!((project.path.as_str(), project.visibility), ("PRJ/my-repo", expected));
    }
}

#[tokio::test]
async fn permissions_are_those_of_people_and_then_of_groups() {
    let users = paged(json!([{"user": {"name": "alice"}, "permission": "REPO_ADMIN"}]));
    let groups = paged(json!([{"group": {"name": "ops"}, "permission": "REPO_READ"}]));
    let source = source(Fixed::of(&[
        (&format!("{REPOSITORY}/permissions/users"), users),
        (&format!("{REPOSITORY}/permissions/groups"), groups),
    ]));

    let records = suite::walk(&source, &lane(ObjectKind::Member)).await;

    let told: Vec<_> = records
        .iter()
        .map(|it| {
            if let Object::Member(member) = &it.object {
                (it.origin.id.as_str(), member.role)
            } else {
                panic!("{it:?}")
            }
        })
        .collect();
    assert_eq!(told, [("user/alice", Role::Admin), ("group/ops", Role::Read)]);
}

#[tokio::test]
async fn what_builds_said_is_read_for_the_ends_of_requests_and_branches() {
    let requests = paged(json!([{"id": 1, "fromRef": {"latestCommit": "aa"}}]));
    let branches = paged(json!([{"id": "refs/heads/main", "latestCommit": "bb"}]));
    let status = |key: &str| paged(json!([{"key": key, "state": "SUCCESSFUL"}]));
    let source = source(Fixed::of(&[
        (&format!("{REPOSITORY}/pull-requests"), requests),
        (&format!("{REPOSITORY}/branches"), branches),
        ("build-status/1.0/commits/aa", status("lint")),
        ("build-status/1.0/commits/bb", status("test")),
    ]));

    let records = suite::walk(&source, &lane(ObjectKind::CommitStatus)).await;

    let ids: Vec<_> = records.iter().map(|it| it.origin.id.as_str()).collect();
    assert_eq!(ids, ["aa/lint", "bb/test"]);
}

/// Where recordings of the real products are.
fn recordings() -> Option<PathBuf> {
    let folder = std::env::var_os("PACKHORSE_FIXTURES").map(PathBuf::from);
    let folder = folder.map(|it| it.join("go-scm-testdata/scm/driver/stash/testdata"));
    let folder = folder.filter(|it| it.is_dir());
    if folder.is_none() {
        writeln!(std::io::stderr(), "SKIPPED: PACKHORSE_FIXTURES has no recordings").unwrap();
    }
    folder
}

fn file(folder: &std::path::Path, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

/// The recorded server: one project with one repository and one change request.
fn recorded(folder: &std::path::Path) -> Fixed {
    let json = |name| file(folder, name);
    let mut repositories = json("repos.json");
    // It was recorded as the first page of several, and cut.
    repositories["isLastPage"] = json!(true);
    repositories["values"].as_array_mut().unwrap().retain(|it| it["slug"] == "my-repo");
    Fixed::of(&[
        application(),
        ("api/1.0/repos", repositories),
        ("api/1.0/projects", paged(json!([{"key": "PRJ", "name": "PRJ"}]))),
        (REPOSITORY, json("repo.json")),
        (&format!("{REPOSITORY}/branches"), json("branches.json")),
        (&format!("{REPOSITORY}/branches/default"), json("default_branch.json")),
        (&format!("{REPOSITORY}/pull-requests"), json("prs.json")),
        (&format!("{REPOSITORY}/pull-requests/1/activities"), json("pr_comments.json")),
        (&format!("{REPOSITORY}/webhooks"), json("webhooks.json")),
        ("api/1.0/users", json("user_search.json")),
    ])
}

#[tokio::test]
async fn a_recorded_server_keeps_the_contract_of_a_source() {
    let Some(folder) = recordings() else { return };

    suite::source(&source(recorded(&folder))).await;
}

#[tokio::test]
async fn a_recorded_server_is_read_as_others_read_it() {
    let Some(folder) = recordings() else { return };
    let source = source(recorded(&folder));

    let requests = suite::walk(&source, &lane(ObjectKind::ChangeRequest)).await;
    let golden = file(&folder, "prs.json.golden");
    assert_eq!(requests.len(), golden.as_array().unwrap().len());
    let Object::ChangeRequest(request) = &requests[0].object else { panic!() };
    let ChangeRequest { number, title, author, head, base, state, .. } = &**request;
    let golden = &golden[0];
    assert_eq!(json!(number), golden["Number"]);
    assert_eq!(json!(title), golden["Title"]);
    assert_eq!(json!(request.body.as_ref().unwrap().as_str()), golden["Body"]);
    assert_eq!(json!(author.as_ref().unwrap().login), golden["Author"]["Login"]);
    assert_eq!(json!(author.as_ref().unwrap().email), golden["Author"]["Email"]);
    assert_eq!(json!(head.commit), golden["Sha"]);
    assert_eq!(
        (json!(head.name), json!(base.name)),
        (golden["Source"].clone(), golden["Target"].clone())
    );
    assert_eq!(*state, ChangeRequestState::Open);

    let comments = suite::walk(&source, &lane(ObjectKind::Comment)).await;
    let texts: Vec<_> = comments
        .iter()
        .map(|it| {
            if let Object::Comment(it) = &it.object {
                it.body.as_ref().unwrap().as_str().to_owned()
            } else {
                panic!("{it:?}")
            }
        })
        .collect();
    assert_eq!(texts, ["this is a comment", "this is a second comment"]);

    let hooks = suite::walk(&source, &lane(ObjectKind::Webhook)).await;
    let Object::Webhook(hook) = &hooks[0].object else { panic!() };
    let golden = file(&folder, "webhooks.json.golden");
    assert_eq!(json!(hook.url), golden[0]["Target"]);
    assert_eq!((hook.has_secret, hook.active), (Some(true), true));
    assert!(!format!("{hook:?}").contains("12345"), "a secret stays where it is");
}

#[tokio::test]
async fn dates_of_other_versions_are_read_too() {
    let Some(folder) = recordings() else { return };
    let request = file(&folder, "pr_iso_dates.json");
    let list = paged(json!([request]));
    let source = source(Fixed::of(&[
        (&format!("{REPOSITORY}/pull-requests"), list),
        (&format!("{REPOSITORY}/pull-requests/{}/activities", request["id"]), paged(json!([]))),
    ]));

    let found = source.read(&lane(ObjectKind::ChangeRequest), None).await.unwrap();

    let Object::ChangeRequest(request) = &found.records[0].object else { panic!() };
    assert!(request.created_at.is_some() && request.updated_at.is_some());
}
