//! A real Gitea takes our dumps, and we take its.
//!
//! `PACKHORSE_LIVE_GITEA_DUMP` names a script that runs `gitea` with the configuration of a server
//! that runs, such as `gitea --config app.ini "$@"`; its user `alice` has no repository `restored`.
//! `PACKHORSE_LIVE_GITEA_DUMPED` names a directory that `gitea dump-repo` has written.

use super::build::{records, sink, source};
use packhorse_core::{Object, ObjectKind, RepoKind, Scope};
use packhorse_testkit::{git, samples};
use std::process::Command;

/// What a variable of the environment says; says itself that the test was skipped without it.
#[expect(clippy::print_stderr, reason = "a skipped test must be visible")]
fn named(variable: &str) -> Option<String> {
    let value = std::env::var(variable).ok();
    if value.is_none() {
        eprintln!("SKIPPED: a real Gitea's dumps, because {variable} is not set");
    }
    value
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "the other side of the test is Gitea's own program")]
async fn gitea_restores_what_we_dump() {
    let Some(gitea) = named("PACKHORSE_LIVE_GITEA_DUMP") else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made");
    let scope = Scope::Project("alice/restored".to_owned());
    let sink = sink(&path, false);
    sink.write(&scope, &samples::project_at("alice/restored"), None).await.unwrap();
    let remote = sink.remote("alice/restored", RepoKind::Code).await.unwrap().unwrap();
    let repository = remote.url.as_path().unwrap();
    git::repository(repository, &git::Shape::default()).await;
    let base = git::refs_of(repository).await.refs["refs/heads/main"].clone();
    let head = git::commit(repository, "main", "new.txt", "new\n").await;
    for kind in [
        ObjectKind::Label,
        ObjectKind::Milestone,
        ObjectKind::Issue,
        ObjectKind::ChangeRequest,
        ObjectKind::Review,
        ObjectKind::ReviewComment,
        ObjectKind::Comment,
        ObjectKind::Reaction,
        ObjectKind::Release,
    ] {
        let mut record = samples::sample(kind, 1);
        if let Object::ChangeRequest(it) = &mut record.object {
            (it.base.commit, it.head.commit) = (Some(base.clone()), Some(head.clone()));
        }
        if let Object::Release(it) = &mut record.object {
            it.tag = "v1".to_owned();
        }
        sink.write(&scope, &record, None).await.unwrap();
    }
    sink.finish(&Scope::Shared).await.unwrap();

    let ran = Command::new(&gitea)
        .args(["restore-repo", "--owner_name", "alice", "--repo_name", "restored", "--repo_dir"])
        .arg(path.join("alice/restored"))
        .output()
        .unwrap();

    let said = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_gitea_dumped_is_read() {
    let Some(path) = named("PACKHORSE_LIVE_GITEA_DUMPED") else { return };
    let source = source(std::path::Path::new(&path));

    let projects = records(&*source, &Scope::Shared, ObjectKind::Project).await.unwrap();

    assert!(!projects.is_empty());
    for project in projects {
        let inventory = source.inventory(&Scope::Project(project.origin.id)).await.unwrap();
        assert!(inventory.records(ObjectKind::Repository) == Some(1), "{:?}", inventory.counts);
    }
}
