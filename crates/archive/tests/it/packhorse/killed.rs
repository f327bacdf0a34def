//! Exports that are killed and go on.

use super::{Archive, all, finish, project, write};
use packhorse_core::{ObjectKind, Record};
use packhorse_testkit::samples::sample;
use std::fs;

fn issues(numbers: std::ops::RangeInclusive<u64>) -> Vec<Record> {
    numbers.map(|n| sample(ObjectKind::Issue, n)).collect()
}

#[tokio::test]
async fn what_was_flushed_is_there_and_what_was_not_comes_again() {
    let archive = Archive::new();
    let sink = archive.sink(false);
    write(&*sink, &issues(1..=5)).await;
    let lost = sample(ObjectKind::Issue, 6);
    sink.write(&project(), &lost, None).await.unwrap();
    drop(sink);

    let sink = archive.sink(true);
    let kept = sample(ObjectKind::Issue, 5);
    assert!(sink.find(&project(), &kept.origin).await.unwrap().is_some());
    assert!(sink.find(&project(), &lost.origin).await.unwrap().is_none());
    write(&*sink, &issues(6..=7)).await;
    finish(&*sink).await;

    assert_eq!(all(&*archive.source(), ObjectKind::Issue).await, issues(1..=7));
}

#[tokio::test]
async fn a_torn_file_is_cut_at_the_last_flush_that_is_noted() {
    let archive = Archive::new();
    let partial = archive.path().with_extension("packhorse.partial");
    let sink = archive.sink(false);
    write(&*sink, &issues(1..=5)).await;
    drop(sink);
    let mut torn = fs::read(&partial).unwrap();
    torn.extend(b"what a dying process left");
    fs::write(&partial, torn).unwrap();

    let sink = archive.sink(true);
    write(&*sink, &issues(6..=6)).await;
    finish(&*sink).await;

    assert_eq!(all(&*archive.source(), ObjectKind::Issue).await, issues(1..=6));
}

#[tokio::test]
async fn a_record_that_is_written_again_takes_its_old_place() {
    let archive = Archive::new();
    let sink = archive.sink(false);
    write(&*sink, &issues(1..=3)).await;
    let mut newer = sample(ObjectKind::Issue, 20);
    newer.origin = sample(ObjectKind::Issue, 2).origin;
    let target = packhorse_core::TargetId(newer.origin.id.clone());
    sink.write(&project(), &newer, Some(&target)).await.unwrap();
    sink.remove(&project(), &sample(ObjectKind::Issue, 3).origin, &target).await.unwrap();
    finish(&*sink).await;

    let found = all(&*archive.source(), ObjectKind::Issue).await;

    assert_eq!(found, [sample(ObjectKind::Issue, 1), newer]);
}

#[tokio::test]
async fn a_file_that_is_there_is_never_overwritten() {
    let archive = Archive::new();
    fs::write(archive.path(), "precious").unwrap();
    let location = format!("packhorse-archive:{}", archive.path().display()).parse().unwrap();
    let context = packhorse_core::OpenContext {
        scratch: std::env::temp_dir(),
        access: packhorse_core::Access::Write,
        resume: false,
    };

    let refused = (packhorse_archive::packhorse::SPEC.open)(&location, &context);

    assert!(refused.is_err());
    assert_eq!(fs::read_to_string(archive.path()).unwrap(), "precious");
}

#[tokio::test]
async fn nothing_is_made_before_the_first_write() {
    let archive = Archive::new();

    archive.sink(false).probe().await.unwrap();

    assert!(!archive.path().with_extension("packhorse.partial").exists());
}
