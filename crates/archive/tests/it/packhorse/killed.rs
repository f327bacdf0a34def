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
    assert!(sink.find(&project(), &kept).await.unwrap().is_some());
    assert!(sink.find(&project(), &lost).await.unwrap().is_none());
    write(&*sink, &issues(6..=7)).await;
    finish(&*sink).await;

    assert_eq!(all(&*archive.source(), ObjectKind::Issue).await, issues(1..=7));
}

#[tokio::test]
async fn a_record_that_comes_as_new_again_after_a_flush_is_there_once() {
    let archive = Archive::new();
    let sink = archive.sink(false);
    write(&*sink, &issues(1..=3)).await;
    write(&*sink, &issues(2..=4)).await;
    drop(sink);
    let sink = archive.sink(true);
    write(&*sink, &issues(3..=5)).await;
    finish(&*sink).await;

    assert_eq!(all(&*archive.source(), ObjectKind::Issue).await, issues(1..=5));
}

#[tokio::test]
async fn a_file_cut_anywhere_goes_on_with_what_is_whole_in_it() {
    let archive = Archive::new();
    let partial = archive.path().with_extension("packhorse.partial");
    let sink = archive.sink(false);
    for n in 1..=5 {
        write(&*sink, &issues(n..=n)).await;
    }
    drop(sink);
    let whole = fs::read(&partial).unwrap();

    let mut kept = Vec::new();
    for cut in (0..=whole.len()).step_by(53).chain([whole.len()]) {
        fs::write(&partial, &whole[..cut]).unwrap();
        let sink = archive.sink(true);
        let mut n = 0;
        while sink.find(&project(), &sample(ObjectKind::Issue, n + 1)).await.unwrap().is_some() {
            n += 1;
        }
        kept.push(n);
    }

    assert!(kept.is_sorted(), "{kept:?}");
    assert_eq!((kept[0], kept[kept.len() - 1]), (0, 5));
}

#[tokio::test]
async fn what_a_killed_writer_left_beside_the_archive_is_not_needed_but_for_its_name() {
    let archive = Archive::new();
    let sink = archive.sink(false);
    write(&*sink, &issues(1..=5)).await;
    drop(sink);
    let work = archive.path().with_extension("packhorse.partial.d");
    for entry in fs::read_dir(&work).unwrap() {
        let path = entry.unwrap().path();
        assert!(path.ends_with("writing"), "{}", path.display());
    }

    let sink = archive.sink(true);
    write(&*sink, &issues(6..=6)).await;
    finish(&*sink).await;

    assert_eq!(all(&*archive.source(), ObjectKind::Issue).await, issues(1..=6));
    assert!(!work.exists());
}

#[tokio::test]
async fn a_torn_file_is_cut_at_the_last_flush_that_is_whole() {
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
