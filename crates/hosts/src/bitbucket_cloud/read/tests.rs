//! The source over answers that a test has at hand.

use super::*;
use crate::bitbucket_cloud::place::Place;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use packhorse_core::model::Visibility;
use packhorse_net::{Answer, Request, Transport};
use packhorse_testkit::suite;
use serde_json::{Value, json};
use std::{collections::BTreeMap, io::Write, path::PathBuf};

fn source_at(location: &str, transport: impl Transport + 'static) -> CloudSource {
    let place = Place::of(&location.parse().unwrap()).unwrap();
    CloudSource::new(Arc::new(Api::over(place, Arc::new(transport))))
}

fn source(transport: impl Transport + 'static) -> CloudSource {
    source_at("bitbucket-cloud:https://bitbucket.org/acme", transport)
}

fn lane(kind: ObjectKind) -> Lane {
    Lane::new(Scope::Project("acme/app".into()), kind)
}

/// Answers by path below `/2.0/`, and by the page asked for; everything else is not there.
#[derive(Default)]
struct Fixed(BTreeMap<String, Value>);

impl Fixed {
    fn of(answers: &[(&str, Value)]) -> Self {
        Self(answers.iter().map(|(path, it)| ((*path).to_owned(), it.clone())).collect())
    }
}

#[async_trait]
impl Transport for Fixed {
    async fn send(&self, request: Request) -> Result<Answer, HostError> {
        let path = request.url.path().trim_start_matches("/2.0/").to_owned();
        let query: BTreeMap<_, _> = request.url.query_pairs().into_owned().collect();
        let page = query.get("page").filter(|it| *it != "1");
        let key = page.map_or_else(|| path.clone(), |it| format!("{path}?{it}"));
        let missing = json!({"type": "error", "error": {"message": "not there"}});
        let (status, body) = match self.0.get(&key) {
            Some(body) => (200, body),
            None => (404, &missing),
        };
        let status = StatusCode::from_u16(status).unwrap();
        let body = Bytes::from(body.to_string());
        Ok(Answer::whole(status, HeaderMap::new(), request.url, body, request.operation))
    }
}

const REPOSITORY: &str = "repositories/acme/app";

fn repository() -> Value {
    json!({"full_name": "acme/app", "name": "App", "is_private": false})
}

fn values(values: Value) -> Value {
    json!({"values": values, "pagelen": 50})
}

#[tokio::test]
async fn what_is_switched_off_is_empty_and_what_is_not_there_is_told() {
    let there = source(Fixed::of(&[(REPOSITORY, repository())]));
    let absent = source(Fixed::default());

    for &kind in ObjectKind::ALL.iter().filter(|it| it.in_project()) {
        let records = suite::walk(&there, &lane(kind)).await;
        assert_eq!(records.len(), usize::from(kind == ObjectKind::Project), "{kind}");
        let mut at = None;
        // Kinds that are several listings may tell it of the last.
        let error = loop {
            match absent.read(&lane(kind), at.as_ref()).await {
                Ok(page) => at = Some(page.next.unwrap()),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind, HostErrorKind::NotFound, "{kind}");
    }
}

#[tokio::test]
async fn a_workspace_that_is_not_there_is_told() {
    let error = source(Fixed::default()).probe().await.unwrap_err();

    assert_eq!(error.kind, HostErrorKind::NotFound);
}

#[tokio::test]
async fn a_path_that_would_be_another_object_is_refused() {
    let source = source(Fixed::default());

    for path in ["../app", "acme/..", "acme", "acme/a/b", "/"] {
        let lane = Lane::new(Scope::Project(path.into()), ObjectKind::Project);
        let error = source.read(&lane, None).await.unwrap_err();
        let kinds = [HostErrorKind::NotFound, HostErrorKind::Rejected];
        assert!(kinds.contains(&error.kind), "{path}: {error}");
    }
    for (kind, id) in [(ObjectKind::ReleaseAsset, ".."), (ObjectKind::Attachment, "../..")] {
        let origin = packhorse_core::Origin::new(kind, id);
        let scope = Scope::Project("acme/app".into());
        let blob = BlobRef { scope, origin, size: None, sha256: None };
        assert_eq!(source.open(&blob, 0).await.err().unwrap().kind, HostErrorKind::Rejected);
    }
}

#[tokio::test]
async fn a_listing_that_leads_to_another_host_or_back_is_an_error() {
    let here = "https://api.bitbucket.org/2.0/repositories/acme/app/branch-restrictions?pagelen=50";
    for next in ["https://elsewhere.example/2.0/x", here, "no address"] {
        let list = json!({"values": [], "next": next});
        let path = format!("{REPOSITORY}/branch-restrictions");
        let source = source(Fixed::of(&[(REPOSITORY, repository()), (&path, list)]));

        let error = source.read(&lane(ObjectKind::BranchRule), None).await.unwrap_err();

        assert_eq!(error.kind, HostErrorKind::Protocol, "{next}");
    }
}

#[tokio::test]
async fn every_page_is_read_once() {
    let hook = |n: u64| json!({"uuid": format!("{{{n}}}"), "url": "https://ci.example"});
    let first = json!({"values": [hook(1), "odd", hook(2)], "next": "https://x"});
    let path = format!("{REPOSITORY}/hooks");
    let second = values(json!([hook(3)]));
    let source = source(Fixed::of(&[(&path, first), (&format!("{path}?2"), second)]));

    let records = suite::walk(&source, &lane(ObjectKind::Webhook)).await;

    assert_eq!(records.iter().map(|it| &*it.origin.id).collect::<Vec<_>>(), ["{1}", "{2}", "{3}"]);
}

#[tokio::test]
async fn short_ids_become_whole_and_what_is_gone_is_a_loss() {
    let whole = "a".repeat(40);
    let end = |hash: &str| json!({"branch": {"name": "x"}, "commit": {"hash": hash}});
    let request = json!({"id": 1, "title": "t", "state": "MERGED", "reviewers": [],
        "source": end("aaaaaaaaaaaa"), "destination": end("bbbbbbbbbbbb")});
    let source = source(Fixed::of(&[
        (&format!("{REPOSITORY}/pullrequests"), values(json!([request]))),
        (&format!("{REPOSITORY}/commit/aaaaaaaaaaaa"), json!({"hash": whole})),
    ]));

    let found = source.read(&lane(ObjectKind::ChangeRequest), None).await.unwrap();

    let Object::ChangeRequest(it) = &found.records[0].object else { panic!() };
    assert_eq!((it.head.commit.as_ref(), it.base.commit.as_ref()), (Some(&whole), None));
    assert_eq!(found.records[0].losses[0].field, "base.commit");
}

#[tokio::test]
async fn downloads_are_files_of_one_draft() {
    let files = values(json!([{"name": "app.zip", "size": 7}, {"name": "app.sig", "size": 1}]));
    let source = source(Fixed::of(&[(&format!("{REPOSITORY}/downloads"), files)]));

    let releases = suite::walk(&source, &lane(ObjectKind::Release)).await;
    let assets = suite::walk(&source, &lane(ObjectKind::ReleaseAsset)).await;

    assert_eq!((releases.len(), assets.len()), (1, 2));
    let Object::Release(release) = &releases[0].object else { panic!() };
    assert!(release.draft, "no tag is made of it");
}

#[tokio::test]
async fn issues_are_read_where_the_api_still_answers() {
    let issues = json!([{"id": 3, "title": "b", "state": "wontfix", "kind": "bug", "priority": "major"},
        {"id": 1, "title": "a", "state": "new"}]);
    let source = source(Fixed::of(&[
        (&format!("{REPOSITORY}/issues"), values(issues)),
        (&format!("{REPOSITORY}/pullrequests"), values(json!([]))),
        (
            &format!("{REPOSITORY}/issues/1/comments"),
            values(json!([
            {"id": 9, "content": {"raw": "hm"}}, {"id": 10, "content": {"raw": ""}}])),
        ),
        (&format!("{REPOSITORY}/issues/3/attachments"), values(json!([{"name": "log.txt"}]))),
    ]));

    let ids = |list: Vec<Record>| list.into_iter().map(|it| it.origin.id).collect::<Vec<_>>();
    let issues = suite::walk(&source, &lane(ObjectKind::Issue)).await;
    assert_eq!(issues[1].losses[0].field, "priority");
    assert_eq!(ids(issues), ["1", "3"]);
    assert_eq!(ids(suite::walk(&source, &lane(ObjectKind::Comment)).await), ["issue/1/9"]);
    assert_eq!(ids(suite::walk(&source, &lane(ObjectKind::Attachment)).await), ["3/log.txt"]);
}

/// Where recordings of the real product are.
fn recordings() -> Option<PathBuf> {
    let folder = std::env::var_os("PACKHORSE_FIXTURES").map(PathBuf::from);
    let folder = folder.map(|it| it.join("go-scm-testdata/scm/driver/bitbucket/testdata"));
    let folder = folder.filter(|it| it.is_dir());
    if folder.is_none() {
        writeln!(std::io::stderr(), "SKIPPED: PACKHORSE_FIXTURES has no recordings").unwrap();
    }
    folder
}

fn file(folder: &std::path::Path, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

/// The recorded answers, each as the whole of its listing.
fn recorded(folder: &std::path::Path) -> (Fixed, String, String) {
    let whole = |name: &str| {
        let mut list = file(folder, name);
        // They were recorded as pages of longer listings.
        list.as_object_mut().unwrap().remove("next");
        list.as_object_mut().unwrap().remove("size");
        list
    };
    let repository = file(folder, "repo.json");
    let path = repository["full_name"].as_str().unwrap().to_owned();
    let workspace = path.split('/').next().unwrap().to_owned();
    let mut request = file(folder, "pr.json");
    request["id"] = json!(1);
    let at = |rest: &str| format!("repositories/{path}/{rest}");
    let hash = request["source"]["commit"]["hash"].as_str().unwrap().to_owned();
    let answers = [
        (format!("workspaces/{workspace}"), json!({"slug": workspace})),
        (format!("workspaces/{workspace}/members"), values(json!([]))),
        (format!("workspaces/{workspace}/permissions"), values(json!([]))),
        (format!("repositories/{workspace}"), values(json!([repository]))),
        (format!("repositories/{path}"), repository.clone()),
        (at("pullrequests"), values(json!([request]))),
        (at("pullrequests/1/comments"), whole("prcomments.json")),
        (at(&format!("commit/{hash}")), json!({"hash": format!("{hash:0<40}")})),
        (at("hooks"), whole("hooks.json")),
        (at("refs/branches"), whole("branches.json")),
    ];
    (Fixed(answers.into_iter().collect()), workspace, path)
}

#[tokio::test]
async fn a_recorded_workspace_keeps_the_contract_of_a_source() {
    let Some(folder) = recordings() else { return };
    let (fixed, workspace, _) = recorded(&folder);

    let location = format!("bitbucket-cloud:https://bitbucket.org/{workspace}");
    suite::source(&source_at(&location, fixed)).await;
}

#[tokio::test]
async fn a_recorded_workspace_is_read_as_others_read_it() {
    let Some(folder) = recordings() else { return };
    let (fixed, workspace, path) = recorded(&folder);
    let source = source_at(&format!("bitbucket-cloud:https://bitbucket.org/{workspace}"), fixed);
    let read =
        async |kind| suite::walk(&source, &Lane::new(Scope::Project(path.clone()), kind)).await;

    let golden = file(&folder, "repo.json.golden");
    let project = read(ObjectKind::Project).await;
    let Object::Project(project) = &project[0].object else { panic!() };
    assert_eq!(json!(project.default_branch), golden["Branch"]);
    assert_eq!(json!(project.visibility == Visibility::Private), golden["Private"]);

    let golden = file(&folder, "pr.json.golden");
    let requests = read(ObjectKind::ChangeRequest).await;
    let Object::ChangeRequest(request) = &requests[0].object else { panic!() };
    assert_eq!(json!(request.title), golden["Title"]);
    assert_eq!(json!(request.body.as_ref().unwrap().as_str()), golden["Body"]);
    assert_eq!(json!(request.head.name), golden["Source"]);
    assert_eq!(json!(request.base.name), golden["Target"]);
    assert_eq!(json!(request.head.project), golden["Fork"]);
    assert_eq!(json!(request.author.as_ref().unwrap().login), golden["Author"]["ID"]);
    let sha = golden["Sha"].as_str().unwrap();
    assert!(request.head.commit.as_ref().unwrap().starts_with(sha));

    let golden = file(&folder, "prcomments.json.golden");
    let comments = read(ObjectKind::Comment).await;
    let golden = golden.as_array().unwrap();
    assert_eq!(comments.len() + read(ObjectKind::ReviewComment).await.len(), golden.len());
}
