//! A directory as a store.

use crate::file;
use futures::TryStreamExt as _;
use packhorse_storage::{Settings, Storage, Trouble};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

fn store(directory: &Path) -> Storage {
    let address = format!("file://{}", directory.display());
    Storage::open(&address, &Settings::of([])).unwrap()
}

#[tokio::test]
async fn a_file_comes_back_as_it_went() {
    let (directory, path, bytes) = file(100_000);
    let store = store(&directory.path().join("store/archives"));

    let put = store.put_file("2026/acme.tar.gz", &path).await.unwrap();
    let back = directory.path().join("back");
    let got = store.get_file("2026/acme.tar.gz", &back).await.unwrap();

    assert_eq!(put, got);
    assert_eq!(put.size, 100_000);
    assert_eq!(fs::read(&back).unwrap(), bytes);
    assert_eq!(fs::metadata(&back).unwrap().permissions().mode() & 0o777, 0o600);
    let made = fs::metadata(directory.path().join("store")).unwrap();
    assert_eq!(made.permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn what_is_larger_than_a_part_is_there_only_when_it_is_whole() {
    let (directory, path, bytes) = file(9 << 20);
    let store = store(&directory.path().join("store"));

    store.put_file("acme.tar.gz", &path).await.unwrap();

    assert_eq!(fs::read(directory.path().join("store/acme.tar.gz")).unwrap(), bytes);
    assert_eq!(fs::read_dir(directory.path().join("store")).unwrap().count(), 1);
}

#[tokio::test]
async fn an_object_is_read_from_a_byte_on() {
    let (directory, path, bytes) = file(1_000);
    let store = store(directory.path());
    store.put_file("k", &path).await.unwrap();

    let incoming = store.get("k", 990).await.unwrap();

    assert_eq!(incoming.size, 1_000);
    let pieces: Vec<_> = incoming.bytes.try_collect().await.unwrap();
    assert_eq!(pieces.concat(), bytes[990..]);
}

#[tokio::test]
async fn what_was_removed_is_gone_and_may_be_removed_again() {
    let (directory, path, _) = file(10);
    let store = store(directory.path());
    store.put_file("k", &path).await.unwrap();
    assert_eq!(store.size("k").await.unwrap(), Some(10));

    store.delete("k").await.unwrap();
    store.delete("k").await.unwrap();

    assert!(!store.exists("k").await.unwrap());
    let error = store.get("k", 0).await.unwrap_err();
    assert_eq!(error.trouble, Trouble::Missing);
    let told = error.to_string();
    assert!(told.starts_with("could not fetch \"k\" from the directory "), "{told}");
}

#[tokio::test]
async fn a_key_leads_nowhere_outside() {
    let (directory, path, _) = file(10);
    let store = store(&directory.path().join("store"));

    for key in ["../acme.tar.gz", "/etc/passwd", "a/../../x", ""] {
        let error = store.put_file(key, &path).await.unwrap_err();
        assert_eq!(error.trouble, Trouble::Configuration, "{key}: {error}");
    }
}

#[tokio::test]
async fn a_directory_signs_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());

    assert!(!store.can_sign());
    let error = store.signed_get_url("k", Duration::from_secs(60)).await.unwrap_err();
    assert_eq!(error.trouble, Trouble::Unsupported);
}

#[tokio::test]
async fn a_file_that_is_not_there_or_stands_in_the_way_is_named() {
    let (directory, path, _) = file(10);
    let store = store(&directory.path().join("store"));

    let error = store.put_file("k", Path::new("/nowhere/at/all")).await.unwrap_err();
    assert_eq!(error.trouble, Trouble::File);
    assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
    store.put_file("k", &path).await.unwrap();
    let error = store.get_file("k", &path).await.unwrap_err();
    assert_eq!(error.trouble, Trouble::File);
    assert_eq!(fs::metadata(&path).unwrap().len(), 10, "what is there is not replaced");
}
