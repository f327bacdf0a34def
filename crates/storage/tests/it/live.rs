//! A real server, where the environment names one: `PACKHORSE_LIVE_S3_URL` is the address of a
//! place that may be written to, such as `s3://bucket/prefix`, and the vendor's variables say who
//! asks; another store's address (`az://`, `gs://`) serves as well.

#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use crate::file;
use futures::TryStreamExt as _;
use packhorse_storage::{Settings, Storage, Trouble};
use std::{env, fs, time::Duration};

#[tokio::test]
async fn a_real_store_takes_gives_signs_and_removes() {
    let Ok(address) = env::var("PACKHORSE_LIVE_S3_URL") else {
        eprintln!("SKIPPED: no store in PACKHORSE_LIVE_S3_URL");
        return;
    };
    let settings = Settings { part: 5 << 20, ..Settings::of_environment() };
    let store = Storage::open(&address, &settings).unwrap();
    let files = [
        ("live/small é+1.tar.gz", 1_000),
        ("live/small.tar.gz", 1_000),
        ("live/large.tar.gz", (11 << 20) + 3),
    ];
    for (key, size) in files {
        let (directory, path, bytes) = file(size);

        let put = store.put_file(key, &path).await.unwrap();

        assert_eq!(store.size(key).await.unwrap(), Some(size as u64));
        let back = directory.path().join("back");
        assert_eq!(store.get_file(key, &back).await.unwrap(), put);
        assert!(fs::read(&back).unwrap() == bytes);
        let rest = store.get(key, size as u64 - 10).await.unwrap();
        assert_eq!(rest.size, size as u64);
        let rest: Vec<_> = rest.bytes.try_collect().await.unwrap();
        assert_eq!(rest.concat(), bytes[size - 10..]);
        if store.can_sign() {
            match store.signed_get_url(key, Duration::from_secs(300)).await {
                Ok(url) => {
                    let answer = reqwest::get(url).await.unwrap();
                    assert_eq!(answer.status(), 200);
                    assert!(answer.bytes().await.unwrap() == bytes);
                }
                Err(error) if address.starts_with("az:") && !key.is_ascii() => {
                    assert_eq!(error.trouble, Trouble::Unsupported, "{error}");
                }
                Err(error) => panic!("{error}"),
            }
        }
        store.delete(key).await.unwrap();
        assert_eq!(store.size(key).await.unwrap(), None);
        assert_eq!(store.get(key, 0).await.unwrap_err().trouble, Trouble::Missing);
        store.delete(key).await.unwrap();
    }
}
