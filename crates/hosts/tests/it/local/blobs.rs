//! Blobs: saved, checked, opened at an offset.

use crate::place::{Place, app, attachment, stream, words};
use futures::TryStreamExt;
use packhorse_core::{
    HostErrorKind, Object, Record, TargetId,
    model::Attachment,
    port::{BlobRef, Sink},
};
use std::{fs, path::PathBuf};

/// SHA-256 of `hello world`.
const HELLO: &str = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";

async fn save_hello(sink: &dyn Sink, blob: &BlobRef) {
    sink.save(blob, stream(&[b"hello ", b"world"])).await.unwrap();
    let record = Record::new(&blob.origin.id, Object::from(Attachment::default()));
    sink.write(&app(), &record, None).await.unwrap();
    sink.flush(&app()).await.unwrap();
}

fn hello_file(place: &Place) -> PathBuf {
    place.path("store/blobs/sha256").join(&HELLO[..2]).join(&HELLO[2..])
}

async fn read(place: &Place, blob: &BlobRef, from: u64) -> std::io::Result<Vec<u8>> {
    let stream = place.source().open(blob, from).await.unwrap();
    let pieces: Vec<_> = stream.try_collect().await?;
    Ok(pieces.concat())
}

#[tokio::test]
async fn a_blob_is_read_from_any_offset() {
    let place = Place::new();
    save_hello(&*place.sink(), &attachment("1")).await;

    for from in 0..=11 {
        let bytes = read(&place, &attachment("1"), from).await.unwrap();
        assert_eq!(bytes, &b"hello world"[usize::try_from(from).unwrap()..]);
    }

    let Err(error) = place.source().open(&attachment("1"), 12).await else {
        panic!("nothing is there");
    };
    assert_eq!(error.kind, HostErrorKind::Rejected);
}

#[tokio::test]
async fn a_large_blob_is_read_in_pieces() {
    let place = Place::new();
    let bytes: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let sink = place.sink();
    sink.save(&attachment("1"), stream(&[&bytes])).await.unwrap();
    sink.flush(&app()).await.unwrap();

    assert!(read(&place, &attachment("1"), 0).await.unwrap() == bytes);
    assert!(read(&place, &attachment("1"), 2_500_001).await.unwrap() == bytes[2_500_001..]);
}

#[tokio::test]
async fn a_blob_is_found_by_its_name_too() {
    let place = Place::new();
    save_hello(&*place.sink(), &attachment("1")).await;

    let other = BlobRef { sha256: Some(HELLO.into()), ..attachment("2") };

    assert_eq!(read(&place, &other, 6).await.unwrap(), b"world");
}

async fn check_refused(blob: BlobRef) {
    let place = Place::new();
    let sink = place.sink();

    let error = sink.save(&blob, stream(&[b"hello ", b"world"])).await.unwrap_err();

    assert_eq!(error.kind, HostErrorKind::Rejected);
    sink.flush(&app()).await.unwrap();
    assert!(!hello_file(&place).exists());
    let left = fs::read_dir(place.path("store/blobs/incoming"));
    assert_eq!(left.map_or(0, Iterator::count), 0);
    let Err(error) = place.source().open(&attachment("1"), 0).await else {
        panic!("nothing was stored");
    };
    assert_eq!(error.kind, HostErrorKind::NotFound);
}

#[tokio::test]
async fn bytes_that_are_not_as_announced_leave_nothing() {
    let hello = |size, sha256: &str| BlobRef {
        size: Some(size),
        sha256: Some(sha256.into()),
        ..attachment("1")
    };

    check_refused(hello(11, &HELLO.replace('b', "c"))).await;
    check_refused(hello(10, HELLO)).await;
    check_refused(hello(12, HELLO)).await;
    check_refused(hello(11, "../../../../etc/passwd")).await;
}

#[tokio::test]
async fn a_stream_that_breaks_off_leaves_nothing() {
    let place = Place::new();
    let sink = place.sink();
    let broken = std::io::Error::other("cut");
    let pieces = vec![Ok(bytes::Bytes::from_static(b"hello ")), Err(broken)];

    let error =
        sink.save(&attachment("1"), Box::pin(futures::stream::iter(pieces))).await.unwrap_err();

    assert_eq!(error.retry, packhorse_core::Retry::After(None));
    assert_eq!(fs::read_dir(place.path("store/blobs/incoming")).unwrap().count(), 0);
}

#[tokio::test]
async fn the_same_bytes_are_stored_once() {
    let place = Place::new();
    let sink = place.sink();

    save_hello(&*sink, &attachment("1")).await;
    save_hello(&*sink, &attachment("2")).await;

    let directory = hello_file(&place);
    assert_eq!(fs::read_dir(directory.parent().unwrap()).unwrap().count(), 1);
    assert_eq!(read(&place, &attachment("2"), 0).await.unwrap(), b"hello world");
}

#[tokio::test]
async fn a_blob_without_its_record_is_saved_again_after_a_crash() {
    let place = Place::new();
    place.sink().save(&attachment("1"), stream(&[b"hello world"])).await.unwrap();
    assert!(place.source().open(&attachment("1"), 0).await.is_err());

    save_hello(&*place.sink(), &attachment("1")).await;

    assert_eq!(read(&place, &attachment("1"), 0).await.unwrap(), b"hello world");
}

#[tokio::test]
async fn what_a_killed_process_left_is_swept_away() {
    let place = Place::new();
    drop(place.sink());
    let incoming = place.path("store/blobs/incoming");
    fs::create_dir_all(&incoming).unwrap();
    fs::write(incoming.join(".tmpx"), b"hel").unwrap();
    let held = fs::File::create(incoming.join(".tmpy")).unwrap();
    held.lock().unwrap();

    drop(place.sink());

    let left: Vec<_> = fs::read_dir(incoming).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left, [".tmpy"]);
}

#[tokio::test]
async fn a_blob_that_is_gone_or_has_changed_is_told() {
    let place = Place::new();
    save_hello(&*place.sink(), &attachment("1")).await;
    let file = hello_file(&place);

    fs::write(&file, b"hellO world").unwrap();
    let error = read(&place, &attachment("1"), 6).await.unwrap_err();
    assert!(error.to_string().contains(HELLO), "{error}");

    fs::write(&file, b"hello").unwrap();
    let Err(error) = place.source().open(&attachment("1"), 0).await else {
        panic!("the file is too short");
    };
    assert!(words(&error).contains("should have 11 bytes and has 5"), "{}", words(&error));

    fs::remove_file(&file).unwrap();
    let Err(error) = place.source().open(&attachment("1"), 0).await else {
        panic!("the file is gone");
    };
    assert!(words(&error).contains("attachment 1"), "{}", words(&error));
    assert!(words(&error).contains(HELLO), "{}", words(&error));
}

#[tokio::test]
async fn a_removed_record_takes_its_claim_on_the_blob_along() {
    let place = Place::new();
    let sink = place.sink();
    let blob = attachment("1");
    save_hello(&*sink, &blob).await;

    sink.remove(&app(), &blob.origin, &TargetId("1".into())).await.unwrap();
    sink.flush(&app()).await.unwrap();

    assert!(place.source().open(&blob, 0).await.is_err());
}

#[tokio::test]
async fn the_inventory_counts_bytes_of_blobs() {
    let place = Place::new();
    let sink = place.sink();
    save_hello(&*sink, &attachment("1")).await;
    save_hello(&*sink, &attachment("2")).await;

    let inventory = place.source().inventory(&app()).await.unwrap();

    assert_eq!(inventory.counts.len(), 1);
    assert_eq!(inventory.counts[0].records, Some(2));
    assert_eq!(inventory.counts[0].bytes, Some(22));
}

#[tokio::test]
async fn bytes_without_a_record_go_when_they_are_a_day_old() {
    let place = Place::new();
    let sink = place.sink();
    save_hello(&*sink, &attachment("1")).await;
    for (id, bytes) in [("2", b"old"), ("3", b"new")] {
        sink.save(&attachment(id), stream(&[bytes])).await.unwrap();
        let record = Record::new(id, Object::from(Attachment::default()));
        sink.write(&app(), &record, None).await.unwrap();
        sink.flush(&app()).await.unwrap();
        sink.remove(&app(), &record.origin, &TargetId(id.to_owned())).await.unwrap();
        sink.flush(&app()).await.unwrap();
    }
    // SHA-256 of `old`.
    let old = place.path("store/blobs/sha256/cb");
    let day_before = std::time::SystemTime::now() - std::time::Duration::from_secs(90_000);
    for file in fs::read_dir(&old).unwrap() {
        let file = fs::File::options().write(true).open(file.unwrap().path()).unwrap();
        file.set_modified(day_before).unwrap();
    }
    let file = fs::File::options().write(true).open(hello_file(&place)).unwrap();
    file.set_modified(day_before).unwrap();

    let tidied = packhorse_hosts::tidy(&place.path("store")).unwrap();
    let again = packhorse_hosts::tidy(&place.path("store")).unwrap();

    let expected = packhorse_hosts::Tidied { removed: 1, bytes: 3, waiting: 1 };
    assert_eq!(tidied, expected);
    assert_eq!(again, packhorse_hosts::Tidied { removed: 0, bytes: 0, waiting: 1 });
    assert_eq!(read(&place, &attachment("1"), 0).await.unwrap(), b"hello world");
}

#[test]
fn where_there_is_no_store_nothing_is_tidied() {
    let place = Place::new();

    let error = packhorse_hosts::tidy(&place.path("elsewhere")).unwrap_err();

    assert_eq!(error.kind, HostErrorKind::NotFound);
}
