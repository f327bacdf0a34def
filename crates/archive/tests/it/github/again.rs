//! Exports that are interrupted, repeated, changed, or in each other's way.

use super::{
    build::{app, open, records, sink, source},
    write::comment,
};
use bytes::Bytes;
use packhorse_core::{
    Access, Object, ObjectKind, RepoKind, Scope, TargetId,
    model::{Markup, Text},
    port::BlobRef,
};
use packhorse_testkit::samples;
use std::path::Path;

#[tokio::test]
async fn an_interrupted_export_is_gone_on_with() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar.gz");
    let (kept, lost) = (comment("1"), comment("2"));
    let first = sink(&path, false);
    first.write(&app(), &kept, None).await.unwrap();
    first.flush(&app()).await.unwrap();
    first.write(&app(), &lost, None).await.unwrap();
    drop(first);

    let second = sink(&path, true);

    assert!(second.find(&app(), &kept).await.unwrap().is_some());
    assert_eq!(second.find(&app(), &lost).await.unwrap(), None);
    second.write(&app(), &lost, None).await.unwrap();
    second.finish(&Scope::Shared).await.unwrap();
    let found = records(&*source(&path), &app(), ObjectKind::Comment).await.unwrap();
    assert_eq!(found.len(), 2);
}

#[tokio::test]
async fn a_new_export_does_not_begin_with_an_old_ones_rest() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar.gz");
    let first = sink(&path, false);
    first.write(&app(), &comment("1"), None).await.unwrap();
    first.flush(&app()).await.unwrap();
    drop(first);

    let second = sink(&path, false);
    second.write(&app(), &comment("2"), None).await.unwrap();
    second.finish(&Scope::Shared).await.unwrap();

    let found = records(&*source(&path), &app(), ObjectKind::Comment).await.unwrap();
    assert_eq!(found, [comment("2")]);
}

/// An archive of three comments, a file and a repository.
async fn complete(path: &Path) {
    let sink = sink(path, false);
    for id in ["1", "2", "3"] {
        sink.write(&app(), &comment(id), None).await.unwrap();
    }
    let record = samples::sample(ObjectKind::Attachment, 1);
    let blob = BlobRef { scope: app(), origin: record.origin.clone(), size: None, sha256: None };
    let stream = futures::stream::iter([Ok(Bytes::from(samples::bytes(1)))]);
    sink.save(&blob, Box::pin(stream)).await.unwrap();
    sink.write(&app(), &record, None).await.unwrap();
    let remote = sink.remote("acme/app", RepoKind::Code).await.unwrap().unwrap();
    std::fs::write(remote.url.as_path().unwrap().join("refs/heads/main"), "1".repeat(40)).unwrap();
    sink.finish(&Scope::Shared).await.unwrap();
}

#[tokio::test]
async fn a_complete_archive_can_be_changed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar.gz");
    complete(&path).await;
    let mut changed = comment("2");
    if let Object::Comment(it) = &mut changed.object {
        it.body = Some(Text::new("changed", Markup::Github));
    }
    let (first, second) = (TargetId("1".into()), TargetId("2".into()));

    let sink = open(&path, Access::Write, false).unwrap().sink.unwrap();
    assert!(sink.probe().await.unwrap().version.is_some());
    sink.write(&app(), &changed, Some(&second)).await.unwrap();
    assert_eq!(sink.probe().await.unwrap().version, None);
    sink.remove(&app(), &comment("1").origin, &first).await.unwrap();
    sink.finish(&Scope::Shared).await.unwrap();

    let made = source(&path);
    let found = records(&*made, &app(), ObjectKind::Comment).await.unwrap();
    assert_eq!(found, [changed, comment("3")]);
    let files = records(&*made, &app(), ObjectKind::Attachment).await.unwrap();
    let Object::Attachment(file) = &files[0].object else { panic!("an attachment") };
    assert_eq!(file.blob.sha256, Some(samples::sha256(&samples::bytes(1))));
    let remote = made.remote("acme/app", RepoKind::Code).await.unwrap().unwrap();
    assert!(remote.url.as_path().unwrap().join("refs/heads/main").is_file());
}

#[tokio::test]
async fn looking_into_a_complete_archive_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar.gz");
    complete(&path).await;
    let before = std::fs::read(&path).unwrap();

    let sink = open(&path, Access::Write, false).unwrap().sink.unwrap();
    let found = sink.find(&app(), &comment("2")).await.unwrap();
    let missing = sink.find(&app(), &comment("9")).await.unwrap();
    sink.finish(&Scope::Shared).await.unwrap();

    assert_eq!(found, Some(TargetId("2".into())));
    assert_eq!(missing, None);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert!(!directory.path().join("made.tar.gz.partial").exists());
}

#[tokio::test]
async fn a_complete_archive_taken_back_and_made_again_is_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar.gz");
    complete(&path).await;
    let before = std::fs::read(&path).unwrap();

    let sink = open(&path, Access::Write, false).unwrap().sink.unwrap();
    sink.write(&app(), &comment("2"), Some(&TargetId("2".into()))).await.unwrap();
    sink.finish(&Scope::Shared).await.unwrap();

    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn two_runs_do_not_write_one_archive() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar.gz");
    let (first, second) = (sink(&path, false), sink(&path, false));
    first.write(&app(), &comment("1"), None).await.unwrap();
    first.flush(&app()).await.unwrap();

    let refused = second.write(&app(), &comment("2"), None).await.unwrap_err();

    assert_eq!(refused.kind, packhorse_core::HostErrorKind::Conflict);
    first.finish(&Scope::Shared).await.unwrap();
    let found = records(&*source(&path), &app(), ObjectKind::Comment).await.unwrap();
    assert_eq!(found, [comment("1")]);
}

#[tokio::test]
async fn a_strangers_directory_stays() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar.gz");
    let theirs = directory.path().join("made.tar.gz.partial");
    std::fs::create_dir(&theirs).unwrap();
    std::fs::write(theirs.join("thesis.txt"), "all my work").unwrap();

    let refused = sink(&path, false).write(&app(), &comment("1"), None).await.unwrap_err();

    assert_eq!(refused.kind, packhorse_core::HostErrorKind::Conflict);
    assert!(theirs.join("thesis.txt").is_file());
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_look_into_the_spool() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar.gz");

    sink(&path, false).write(&app(), &comment("1"), None).await.unwrap();

    let spool = directory.path().join("made.tar.gz.partial");
    let mode = std::fs::metadata(spool).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}
