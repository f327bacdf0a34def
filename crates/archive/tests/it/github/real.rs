//! A real archive: what GitHub exported of a small repository in 2022.
//!
//! It is other people's data and no part of the project, so the tests look for
//! it in `PACKHORSE_FIXTURES`, or beside the repository, and say so when it is
//! not there.

use super::build::{records, source};
use packhorse_core::{Object, Record};
use packhorse_core::{
    ObjectKind, RepoKind, Scope,
    model::{ChangeRequestState, IdentityKind, Role, Verdict},
    port::Source,
};
use std::{path::PathBuf, sync::Arc};

/// The folder of recorded data; says so where there is none.
#[expect(clippy::print_stderr, reason = "a skipped test must be visible")]
pub(crate) fn fixtures() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let path = std::env::var_os("PACKHORSE_FIXTURES").map_or_else(beside, PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: no recorded data in {}; set PACKHORSE_FIXTURES", path.display());
    None
}

pub(crate) fn real_archive() -> Option<PathBuf> {
    let name = "github-real-archive/migration_archive_test_repo.redacted.tar.gz";
    Some(fixtures()?.join(name)).filter(|it| it.is_file())
}

fn real() -> Option<(tempfile::TempDir, Arc<dyn Source>)> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("real.tar.gz");
    std::fs::copy(real_archive()?, &path).unwrap();
    let source = source(&path);
    Some((directory, source))
}

pub(crate) fn repo() -> Scope {
    Scope::Project("go-gitea/test_repo".to_owned())
}

#[tokio::test]
async fn the_inventory_counts_what_is_there() {
    let Some((_directory, source)) = real() else { return };

    let shared = source.inventory(&Scope::Shared).await.unwrap();
    let project = source.inventory(&repo()).await.unwrap();

    assert_eq!(shared.losses, []);
    for (kind, count) in [
        (ObjectKind::User, 49),
        (ObjectKind::Organization, 1),
        (ObjectKind::Team, 4),
        (ObjectKind::Project, 1),
    ] {
        assert_eq!(shared.records(kind), Some(count), "{kind}");
    }
    for (kind, count) in [
        (ObjectKind::Repository, 1),
        (ObjectKind::Wiki, 0),
        (ObjectKind::Member, 1),
        (ObjectKind::Label, 9),
        (ObjectKind::Milestone, 2),
        (ObjectKind::Issue, 2),
        (ObjectKind::ChangeRequest, 2),
        (ObjectKind::Review, 6),
        (ObjectKind::ReviewThread, 2),
        (ObjectKind::ReviewComment, 2),
        (ObjectKind::Comment, 2),
        (ObjectKind::Reaction, 10),
        (ObjectKind::Event, 14),
        (ObjectKind::Release, 1),
        (ObjectKind::BranchRule, 1),
        (ObjectKind::State, 0),
    ] {
        assert_eq!(project.records(kind), Some(count), "{kind}");
    }
}

#[tokio::test]
async fn it_says_who_it_is() {
    let Some((_directory, source)) = real() else { return };

    let capabilities = source.probe().await.unwrap();

    assert_eq!(capabilities.web_url.as_deref(), Some("https://github.com"));
    assert_eq!(capabilities.version.unwrap().len(), 64);
    assert!(capabilities.identity.starts_with("github-archive:/"));
}

async fn of(source: &dyn Source, scope: &Scope, kind: ObjectKind) -> Vec<Record> {
    let records = records(source, scope, kind).await.unwrap();
    for record in &records {
        assert_eq!(record.losses, [], "{}", record.origin);
    }
    records
}

#[tokio::test]
async fn issues_and_change_requests_are_read_whole() {
    let Some((_directory, source)) = real() else { return };

    let issues = of(&*source, &repo(), ObjectKind::Issue).await;
    let changes = of(&*source, &repo(), ObjectKind::ChangeRequest).await;

    let Object::Issue(first) = &issues[0].object else { panic!("an issue") };
    assert_eq!((first.number, first.milestone), (1, Some(1)));
    assert_eq!(first.labels, ["bug", "good first issue"]);
    assert_eq!(first.author.as_ref().unwrap().login, "guillep2k");
    assert_eq!(first.author.as_ref().unwrap().host.as_deref(), Some("github.com"));
    let Object::ChangeRequest(first) = &changes[0].object else { panic!("a change request") };
    assert_eq!((first.number, first.state), (3, ChangeRequestState::Merged));
    assert_eq!(first.head.project.as_deref(), Some("mrsdizzie/test_repo"));
    let Object::ChangeRequest(second) = &changes[1].object else { panic!("a change request") };
    assert_eq!((second.number, second.state), (4, ChangeRequestState::Open));
}

#[tokio::test]
async fn reviews_refer_to_each_other() {
    let Some((_directory, source)) = real() else { return };

    let reviews = of(&*source, &repo(), ObjectKind::Review).await;
    let comments = of(&*source, &repo(), ObjectKind::ReviewComment).await;

    let verdicts: Vec<_> = reviews
        .iter()
        .map(|it| if let Object::Review(it) = &it.object { it.verdict } else { panic!() })
        .collect();
    let (approved, commented) = (Verdict::Approved, Verdict::Commented);
    let expected = [approved, approved, approved, approved, Verdict::ChangesRequested, commented];
    assert_eq!(verdicts, expected);
    assert_eq!(comments[0].origin.id, "363017488");
    let Object::ReviewComment(first) = &comments[0].object else { panic!("a review comment") };
    assert_eq!(first.review.as_ref().unwrap().0, "338338740");
    assert_eq!(first.thread.as_ref().unwrap().0, "224172719");
}

#[tokio::test]
async fn reactions_have_the_models_words() {
    let Some((_directory, source)) = real() else { return };

    let reactions = of(&*source, &repo(), ObjectKind::Reaction).await;

    let ids: Vec<&str> = reactions.iter().map(|it| it.origin.id.as_str()).collect();
    for id in ["issue/2/mrsdizzie/laugh", "issue/2/mrsdizzie/hooray", "issue/2/mrsdizzie/confused"]
    {
        assert!(ids.contains(&id), "{id} in {ids:?}");
    }
    assert!(ids.contains(&"comment/553111966/mrsdizzie/+1"));
    assert!(ids.contains(&"change_request/4/lunny/heart"));
}

#[tokio::test]
async fn roles_stand_where_they_hold() {
    let Some((_directory, source)) = real() else { return };

    let shared = of(&*source, &Scope::Shared, ObjectKind::Member).await;
    let own = of(&*source, &repo(), ObjectKind::Member).await;
    let users = of(&*source, &Scope::Shared, ObjectKind::User).await;

    let role = |list: &[Record], id: &str| {
        let found = list.iter().find(|it| it.origin.id == id).unwrap_or_else(|| panic!("{id}"));
        if let Object::Member(it) = &found.object { it.role } else { panic!("a member") }
    };
    assert_eq!(role(&shared, "organization:go-gitea/lunny"), Role::Owner);
    assert_eq!(role(&shared, "organization:go-gitea/appleboy"), Role::Read);
    assert_eq!(role(&shared, "project:go-gitea/gitea/team:go-gitea/mergers"), Role::Write);
    assert_eq!(role(&own, "project/mrsdizzie"), Role::Write);
    let Object::User(user) = &users[0].object else { panic!("a user") };
    assert_eq!(user.identity.kind, IdentityKind::Person);
    assert_eq!(user.identity.email.as_deref(), Some("user001@example.invalid"));
}

#[tokio::test]
async fn the_repository_is_unpacked_without_hooks_and_configuration() {
    let Some((_directory, source)) = real() else { return };

    let remote = source.remote("go-gitea/test_repo", RepoKind::Code).await.unwrap().unwrap();
    let again = source.remote("go-gitea/test_repo", RepoKind::Code).await.unwrap().unwrap();

    assert_eq!(remote, again);
    let path = remote.url.as_path().unwrap();
    assert!(packhorse_git::repository::is_repository(path));
    assert!(!path.join("hooks").exists());
    assert!(!std::fs::read_to_string(path.join("config")).unwrap().contains("remote"));
    assert!(
        std::fs::read_to_string(path.join("packed-refs")).unwrap().contains("refs/heads/master")
    );
    assert_eq!(source.remote("go-gitea/test_repo", RepoKind::Wiki).await.unwrap(), None);
}

#[tokio::test]
async fn it_keeps_the_contract_of_a_source() {
    let Some((_directory, source)) = real() else { return };

    packhorse_testkit::suite::source(&*source).await;
}
