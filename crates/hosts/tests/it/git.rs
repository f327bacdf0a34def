//! Repositories alone.

use crate::place::{Place, app, commit, label, project, words};
use packhorse_core::{
    Access, HostErrorKind, Lane, Object, ObjectKind, Record, RepoKind, Scope, TargetId,
    model::{ObjectFormat, Project},
};
use packhorse_git::{Git, RefPolicy, TransferOptions, repository::init_bare, transfer};

const PROJECTS: ObjectKind = ObjectKind::Project;

#[tokio::test]
async fn a_repository_is_one_project() {
    let place = Place::new();
    init_bare(&place.path("acme/app.git"), ObjectFormat::Sha1).unwrap();
    commit(&place.path("acme/app.git")).await;

    let endpoint = place.open("git:{}/acme/app.git", Access::Read).unwrap();

    assert!(endpoint.sink.is_none());
    let source = endpoint.source.unwrap();
    let page = source.read(&Lane::new(Scope::Shared, PROJECTS), None).await.unwrap();
    let expected = Project {
        path: "acme/app".into(),
        name: "app".into(),
        default_branch: Some("main".into()),
        ..Project::default()
    };
    assert_eq!(page.records, [Record::new("acme/app", Object::from(expected))]);
    assert_eq!(page.next, None);
    let inventory = source.inventory(&Scope::Project("acme/app".into())).await.unwrap();
    assert_eq!(inventory.records(ObjectKind::Repository), Some(1));
    assert_eq!(source.inventory(&Scope::Shared).await.unwrap().records(PROJECTS), Some(1));
    let remote = source.remote("acme/app", RepoKind::Code).await.unwrap().unwrap();
    assert_eq!(remote.url.as_path().unwrap(), place.path("acme/app.git"));
    assert_eq!(source.remote("acme/app", RepoKind::Wiki).await.unwrap(), None);
}

#[tokio::test]
async fn the_version_follows_the_refs() {
    let place = Place::new();
    init_bare(&place.path("app.git"), ObjectFormat::Sha1).unwrap();
    let source = place.open("git:{}/app.git", Access::Read).unwrap().source.unwrap();
    let before = source.probe().await.unwrap();

    commit(&place.path("app.git")).await;

    let after = source.probe().await.unwrap();
    assert_ne!(before.version, after.version);
    assert_eq!(before.identity, after.identity);
    assert!(before.version.is_some());
}

#[tokio::test]
async fn a_repository_that_is_not_there_is_not_found() {
    let place = Place::new();
    let source = place.open("git:{}/app.git", Access::Read).unwrap().source.unwrap();

    let error = source.probe().await.unwrap_err();

    assert_eq!(error.kind, HostErrorKind::NotFound, "{}", words(&error));
}

#[tokio::test]
async fn a_local_repository_is_made_when_it_is_written_to() {
    let place = Place::new();
    let sink = place.open("git:{}/new/app.git", Access::Write).unwrap().sink.unwrap();
    assert_eq!(sink.probe().await.unwrap().version, None);
    assert!(!place.path("new").exists());

    let remote = sink.remote("acme/app", RepoKind::Code).await.unwrap().unwrap();

    commit(remote.url.as_path().unwrap()).await;
    assert!(place.path("new/app.git/HEAD").is_file());
    assert_eq!(sink.remote("acme/app", RepoKind::Wiki).await.unwrap(), None);
    assert!(sink.probe().await.unwrap().version.is_some());
}

#[tokio::test]
async fn what_a_repository_cannot_hold_of_a_project_is_told() {
    let place = Place::new();
    let sink = place.open("git:{}/acme/app.git", Access::Write).unwrap().sink.unwrap();
    let whole = Project {
        path: "acme/app".into(),
        name: "The App".into(),
        description: Some("an app".into()),
        default_branch: Some("trunk".into()),
        ..Project::default()
    };
    let record = Record::new("acme/app", Object::from(whole));

    let written = sink.write(&app(), &record, None).await.unwrap();

    assert_eq!(written.target, TargetId("acme/app".into()));
    let fields: Vec<_> = written.losses.iter().map(|it| &*it.field).collect();
    assert_eq!(fields, ["description", "name"]);
}

#[tokio::test]
async fn a_second_project_does_not_overwrite_the_first() {
    let place = Place::new();
    let sink = place.open("git:{}/app.git", Access::Write).unwrap().sink.unwrap();
    sink.remote("acme/app", RepoKind::Code).await.unwrap();

    let error = sink.remote("acme/web", RepoKind::Code).await.unwrap_err();

    assert_eq!(error.kind, HostErrorKind::Conflict);
    let scope = Scope::Project("acme/web".into());
    assert!(sink.write(&scope, &project("acme/web"), None).await.is_err());
}

#[tokio::test]
async fn what_is_no_project_is_refused_rather_than_dropped() {
    let place = Place::new();
    let sink = place.open("git:{}/app.git", Access::Write).unwrap().sink.unwrap();

    let error = sink.write(&app(), &label("bug", ""), None).await.unwrap_err();

    assert_eq!(error.kind, HostErrorKind::Unsupported);
}

#[test]
fn a_hostile_address_is_refused_without_its_password() {
    let place = Place::new();

    let error =
        place.open("git:ftp://me:s3cret@h.example/a.git", Access::Read).map(drop).unwrap_err();

    assert_eq!(error.kind, HostErrorKind::Rejected);
    assert!(!words(&error).contains("s3cret"));
}

#[tokio::test]
async fn a_repository_is_carried_from_one_path_to_another() {
    let place = Place::new();
    init_bare(&place.path("a.git"), ObjectFormat::Sha1).unwrap();
    commit(&place.path("a.git")).await;
    let source = place.open("git:{}/a.git", Access::Read).unwrap().source.unwrap();
    let endpoint = place.open("git:{}/b.git", Access::Write).unwrap();
    let options = TransferOptions::new(RefPolicy::between("git", "git"), place.path("scratch"));

    let from = source.remote("a", RepoKind::Code).await.unwrap().unwrap();
    let to = endpoint.sink.unwrap().remote("a", RepoKind::Code).await.unwrap().unwrap();
    let carried = transfer(&Git::find().await.unwrap(), &from, &to, &options).await.unwrap();

    assert_eq!(carried.created, 1);
    let written = endpoint.source.unwrap().probe().await.unwrap().version;
    assert_eq!(written, source.probe().await.unwrap().version);
}

#[tokio::test]
async fn what_was_written_under_another_path_is_found_under_it() {
    let place = Place::new();
    let endpoint = place.open("git:{}/out.git", Access::Write).unwrap();
    let (sink, source) = (endpoint.sink.unwrap(), endpoint.source.unwrap());

    let written = sink.write(&app(), &project("acme/app"), None).await.unwrap();
    let remote = sink.remote("acme/app", RepoKind::Code).await.unwrap();

    assert_eq!(source.remote("acme/app", RepoKind::Code).await.unwrap(), remote);
    let page = source.read(&Lane::new(app(), PROJECTS), None).await.unwrap();
    assert_eq!(page.records[0].origin.id, written.target.0);
    assert_eq!(sink.find(&app(), &page.records[0]).await.unwrap(), Some(written.target));
}

#[tokio::test]
async fn a_checkout_is_not_taken_for_a_bare_repository() {
    let place = Place::new();
    init_bare(&place.path("work/.git"), ObjectFormat::Sha1).unwrap();
    std::fs::write(place.path("work/thesis.tex"), "").unwrap();
    let sink = place.open("git:{}/work", Access::Write).unwrap().sink.unwrap();

    let error = sink.remote("work", RepoKind::Code).await.unwrap_err();

    assert_eq!(error.kind, HostErrorKind::Conflict, "{}", words(&error));
    assert_eq!(sink.probe().await.unwrap_err().kind, HostErrorKind::Conflict);
    assert!(!place.path("work/objects").exists());
}
