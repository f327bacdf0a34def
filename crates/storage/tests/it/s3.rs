//! A store that speaks like S3, and checks what it is asked.

use crate::file;
use packhorse_storage::{LONGEST_SIGNATURE, Settings, Storage, Trouble};
use packhorse_testkit::bucket::Bucket;
use std::{fs, time::Duration};

fn settings(bucket: &Bucket) -> Settings {
    Settings { part: 5 << 20, ..Settings::of(bucket.variables()) }
}

fn store(bucket: &Bucket) -> Storage {
    Storage::open(&bucket.address("team/archives"), &settings(bucket)).unwrap()
}

#[tokio::test]
async fn a_small_file_goes_whole_and_signed() {
    let bucket = Bucket::start("acme").unwrap();
    let (_directory, path, bytes) = file(1_000);

    let stored = store(&bucket).put_file("a b/ü+1.tar.gz", &path).await.unwrap();

    assert_eq!(stored.size, 1_000);
    let object = bucket.object("team/archives/a b/ü+1.tar.gz").unwrap();
    assert_eq!(object.bytes, bytes);
    assert_eq!(object.content_type.as_deref(), Some("application/gzip"));
    assert_eq!(bucket.take_log(), ["PUT /acme/team/archives/a%20b/%C3%BC%2B1.tar.gz"]);
}

#[tokio::test]
async fn a_large_file_goes_in_parts_and_comes_back() {
    let bucket = Bucket::start("acme").unwrap();
    let store = store(&bucket);
    let (directory, path, bytes) = file((11 << 20) + 7);

    let stored = store.put_file("big.tar.gz", &path).await.unwrap();

    let object = bucket.object("team/archives/big.tar.gz").unwrap();
    assert_eq!(object.parts, [5 << 20, 5 << 20, (1 << 20) + 7]);
    assert!(object.bytes == bytes);
    assert_eq!(bucket.n_unfinished(), 0);
    assert_eq!(store.size("big.tar.gz").await.unwrap(), Some(stored.size));
    let back = directory.path().join("back");
    assert_eq!(store.get_file("big.tar.gz", &back).await.unwrap(), stored);
    assert!(fs::read(&back).unwrap() == bytes);
}

#[tokio::test]
async fn a_store_that_is_busy_is_asked_again() {
    let bucket = Bucket::start("acme").unwrap();
    let (_directory, path, _) = file(10);

    bucket.fail_next(2, "PUT");
    store(&bucket).put_file("k", &path).await.unwrap();

    assert_eq!(bucket.take_log().len(), 3);
}

#[tokio::test]
async fn parts_of_what_fails_are_removed() {
    let bucket = Bucket::start("acme").unwrap();
    let store =
        Storage::open(&bucket.address(""), &Settings { retries: 0, ..settings(&bucket) }).unwrap();
    let (_directory, path, _) = file(6 << 20);
    bucket.fail_next(1, "partNumber=2");

    let error = store.put_file("k", &path).await.unwrap_err();

    let told = error.to_string();
    assert!(told.starts_with("could not store \"k\" in the bucket \"acme\""), "{told}");
    assert_eq!(bucket.n_unfinished(), 0);
    assert_eq!(bucket.object("k"), None);
}

#[tokio::test]
async fn what_is_not_there_is_missing_and_may_be_removed() {
    let bucket = Bucket::start("acme").unwrap();
    let store = store(&bucket);

    assert_eq!(store.size("k").await.unwrap(), None);
    store.delete("k").await.unwrap();
    assert_eq!(store.get("k", 0).await.unwrap_err().trouble, Trouble::Missing);
}

#[tokio::test]
async fn an_object_is_removed() {
    let bucket = Bucket::start("acme").unwrap();
    let store = store(&bucket);
    let (_directory, path, _) = file(10);
    store.put_file("k", &path).await.unwrap();

    store.delete("k").await.unwrap();

    assert!(bucket.keys().is_empty());
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_said_to_be_missing() {
    let bucket = Bucket::start("acme").unwrap();
    let store = Storage::open("s3://other", &settings(&bucket)).unwrap();
    let (_directory, path, _) = file(10);

    let error = store.put_file("k", &path).await.unwrap_err();

    assert_eq!(error.trouble, Trouble::NoPlace);
    let told = error.to_string();
    assert!(told.contains("the bucket \"other\" at http://127.0.0.1"), "{told}");
    assert!(told.contains("NoSuchBucket: it does not exist; make it"), "{told}");
}

#[tokio::test]
async fn wrong_credentials_are_said_and_not_shown() {
    let bucket = Bucket::start("acme").unwrap();
    let mut settings = settings(&bucket);
    settings.variables.insert("AWS_SECRET_ACCESS_KEY".to_owned(), "wrong-s3cr3t".to_owned());
    let store = Storage::open("s3://acme", &settings).unwrap();
    let (_directory, path, _) = file(10);

    let error = store.put_file("k", &path).await.unwrap_err();

    assert_eq!(error.trouble, Trouble::Denied);
    let told = format!("{error} {error:?} {store:?} {settings:?}");
    assert!(told.contains("SignatureDoesNotMatch"), "{told}");
    assert!(told.contains("check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"), "{told}");
    assert!(!told.contains("wrong-s3cr3t"), "{told}");
}

#[tokio::test]
async fn a_store_that_nobody_answers_for_is_out_of_reach() {
    let gone = Bucket::start("acme").unwrap();
    let mut settings = Settings { retries: 0, ..settings(&gone) };
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", taken.local_addr().unwrap());
    drop(taken);
    settings.variables.insert("AWS_ENDPOINT_URL".to_owned(), nobody);
    let store = Storage::open("s3://acme", &settings).unwrap();

    let error = store.size("k").await.unwrap_err();

    assert_eq!(error.trouble, Trouble::Unreachable, "{error}");
    assert!(error.to_string().contains("try again"), "{error}");
}

#[tokio::test]
async fn whoever_has_a_signed_address_fetches_until_it_ends() {
    let bucket = Bucket::start("acme").unwrap();
    let store = store(&bucket);
    let (_directory, path, bytes) = file(1_000);
    store.put_file("a b.tar.gz", &path).await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();

    let url = store.signed_get_url("a b.tar.gz", Duration::from_secs(300)).await.unwrap();
    let answer = client.get(url.clone()).send().await.unwrap();

    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/gzip");
    assert_eq!(answer.bytes().await.unwrap(), bytes);
    assert_eq!(client.delete(url.clone()).send().await.unwrap().status(), 403);
    let mut other = url;
    other.set_path("/acme/team/archives/other");
    assert_eq!(client.get(other).send().await.unwrap().status(), 403);
    let ended = store.signed_get_url("a b.tar.gz", Duration::ZERO).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(client.get(ended).send().await.unwrap().status(), 403);
    let longer = LONGEST_SIGNATURE + Duration::from_secs(1);
    let error = store.signed_get_url("k", longer).await.unwrap_err();
    assert_eq!(error.trouble, Trouble::Unsupported);
}
