//! Repositories: made, found, cloned by plain Git, removed.

use crate::place::{Place, app, commit};
use packhorse_core::{GitRemote, ObjectKind, Origin, RepoKind, TargetId, model::ObjectFormat};
use packhorse_git::{Git, RefPolicy, TransferOptions, refs, repository::init_bare, transfer};
use std::{fs, path::Path};

#[tokio::test]
async fn plain_git_clones_a_stored_repository() {
    let place = Place::new();
    let remote = place.sink().remote("acme/app", RepoKind::Code).await.unwrap().unwrap();
    let repository = remote.url.as_path().unwrap();
    assert_eq!(repository, place.path("store/repositories/acme/app.git"));
    let id = commit(repository).await;

    let clone = place.path("clone");
    let (from, to) = (remote.url.as_str(), clone.to_str().unwrap());
    let git = Git::find().await.unwrap();
    git.command(["clone", "--quiet", "--", from, to]).run(&[]).await.unwrap();

    assert_eq!(fs::read_to_string(clone.join("README")).unwrap(), "hello\n");
    let head = fs::read_to_string(clone.join(".git/refs/heads/main")).unwrap();
    assert_eq!(head.trim(), id);
}

#[tokio::test]
async fn a_source_has_no_repository_that_was_not_made() {
    let place = Place::new();
    let sink = place.sink();
    assert_eq!(place.source().remote("acme/app", RepoKind::Code).await.unwrap(), None);

    let made = sink.remote("acme/app", RepoKind::Wiki).await.unwrap();

    let source = place.source();
    assert_eq!(source.remote("acme/app", RepoKind::Wiki).await.unwrap(), made);
    assert_eq!(source.remote("acme/app", RepoKind::Code).await.unwrap(), None);
    assert!(made.unwrap().url.as_str().ends_with("acme/app.wiki.git"));
}

#[tokio::test]
async fn an_empty_repository_counts_for_nothing() {
    let place = Place::new();
    let remote = place.sink().remote("acme/app", RepoKind::Code).await.unwrap().unwrap();
    assert_eq!(place.source().inventory(&app()).await.unwrap().counts, []);

    commit(remote.url.as_path().unwrap()).await;

    let inventory = place.source().inventory(&app()).await.unwrap();
    assert_eq!(inventory.records(ObjectKind::Repository), Some(1));
    assert!(inventory.counts[0].bytes > Some(0));
}

#[tokio::test]
async fn packed_refs_count_as_well() {
    let place = Place::new();
    let remote = place.sink().remote("acme/app", RepoKind::Wiki).await.unwrap().unwrap();
    let repository = remote.url.as_path().unwrap();
    commit(repository).await;
    let git = Git::find().await.unwrap();
    git.inside(repository, ["pack-refs", "--all"]).run(&[]).await.unwrap();

    let inventory = place.source().inventory(&app()).await.unwrap();

    assert_eq!(inventory.records(ObjectKind::Wiki), Some(1));
}

#[tokio::test]
async fn the_version_changes_with_every_ref() {
    let place = Place::new();
    let sink = place.sink();
    let version = async || place.source().probe().await.unwrap().version.unwrap();
    let first = version().await;
    let remote = sink.remote("acme/app", RepoKind::Code).await.unwrap().unwrap();
    let repository = remote.url.as_path().unwrap();

    let id = commit(repository).await;
    let second = version().await;
    let git = Git::find().await.unwrap();
    git.inside(repository, ["update-ref", "refs/tags/v1", &id]).run(&[]).await.unwrap();
    let third = version().await;

    assert_ne!(first, second);
    assert_ne!(second, third);
    assert_eq!(version().await, third);
}

async fn check_inside(path: &str) {
    let place = Place::new();
    let remote = place.sink().remote(path, RepoKind::Code).await.unwrap().unwrap();

    let found = remote.url.as_path().unwrap();
    assert!(found.starts_with(place.path("store/repositories")), "{}", found.display());
    assert!(found.join("HEAD").is_file());
    let inner = found.strip_prefix(place.path("store/repositories")).unwrap();
    let parents = inner.ancestors().skip(1).filter(|it| *it != Path::new(""));
    for parent in parents {
        assert_ne!(parent.extension(), Some("git".as_ref()), "{}", inner.display());
    }
}

#[tokio::test]
async fn odd_paths_of_projects_stay_inside_and_apart() {
    for path in ["a.git/hooks", "a.git", ".git", "ä/ö ü", "a\\..\\b", "%2e%2e/x", "C:/x", "-x"] {
        check_inside(path).await;
    }
}

#[tokio::test]
async fn a_project_called_wiki_is_not_anothers_wiki() {
    let place = Place::new();
    let sink = place.sink();

    let wiki = sink.remote("a", RepoKind::Wiki).await.unwrap();
    let project = sink.remote("a.wiki", RepoKind::Code).await.unwrap();

    assert_ne!(wiki, project);
}

#[tokio::test]
async fn a_repository_is_removed_when_its_record_is() {
    let place = Place::new();
    let sink = place.sink();
    let remote = sink.remote("acme/app", RepoKind::Code).await.unwrap().unwrap();
    commit(remote.url.as_path().unwrap()).await;
    let origin = Origin::new(ObjectKind::Repository, "code");

    for _ in 0..2 {
        sink.remove(&app(), &origin, &TargetId("code".into())).await.unwrap();
    }

    assert_eq!(place.source().remote("acme/app", RepoKind::Code).await.unwrap(), None);
}

#[tokio::test]
async fn many_may_make_the_same_repository_at_once() {
    let place = Place::new();
    let (one, other) = (place.sink(), place.sink());

    let (a, b) = tokio::join!(
        one.remote("acme/app", RepoKind::Code),
        other.remote("acme/app", RepoKind::Code)
    );

    assert_eq!(a.unwrap(), b.unwrap());
}

async fn check_carried(format: ObjectFormat) {
    let place = Place::new();
    let from = place.path("from.git");
    init_bare(&from, format).unwrap();
    commit(&from).await;
    let git = Git::find().await.unwrap();
    let options = TransferOptions::new(RefPolicy::MIRROR, place.path("scratch"));

    let to = place.sink().remote("acme/app", RepoKind::Code).await.unwrap().unwrap();
    let carried = transfer(&git, &GitRemote::local(&from), &to, &options).await.unwrap();

    assert_eq!(carried.created, 1);
    let from = place.source().remote("acme/app", RepoKind::Code).await.unwrap().unwrap();
    assert_eq!(refs::list(&git, &from).await.unwrap(), carried.refs);
}

#[tokio::test]
async fn a_repository_is_carried_in_and_found_again() {
    check_carried(ObjectFormat::Sha1).await;
}
