//! Archives that are not as they were written.

use super::{Archive, finish, write};
use packhorse_archive::packhorse::check;
use packhorse_core::ObjectKind;
use packhorse_testkit::samples::sample;
use std::fs;

async fn small() -> Archive {
    let archive = Archive::new();
    let sink = archive.sink(false);
    write(&*sink, &[sample(ObjectKind::Label, 1), sample(ObjectKind::Issue, 1)]).await;
    finish(&*sink).await;
    archive
}

#[tokio::test]
async fn a_whole_archive_is_clean() {
    let archive = small().await;

    let report = check(&archive.path()).unwrap();

    assert!(report.is_clean(), "{report}");
    assert_eq!(report.records, 2);
}

#[tokio::test]
async fn a_changed_byte_is_found_wherever_it_is() {
    let archive = small().await;
    let whole = fs::read(archive.path()).unwrap();
    let plain = zstd::decode_all(&whole[..]).unwrap();

    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(archive.path(), &damaged).unwrap();
        let found = check(&archive.path());
        // A frame may ask for another window, which changes nothing that is read.
        let is_same = zstd::decode_all(&damaged[..]).is_ok_and(|it| it == plain);
        assert!(found.is_err() || is_same, "byte {at} of {}", whole.len());
    }
}

#[tokio::test]
async fn an_archive_cut_anywhere_is_refused() {
    let archive = small().await;
    let whole = fs::read(archive.path()).unwrap();

    for cut in 0..whole.len() {
        fs::write(archive.path(), &whole[..cut]).unwrap();
        assert!(check(&archive.path()).is_err(), "cut after {cut}");
    }
}

#[tokio::test]
async fn other_tools_read_it() {
    let archive = small().await;
    let file = fs::File::open(archive.path()).unwrap();

    let plain = zstd::decode_all(file).unwrap();
    let mut tar = tar::Archive::new(&plain[..]);
    let names: Vec<String> = tar
        .entries()
        .unwrap()
        .map(|it| it.unwrap().path().unwrap().to_string_lossy().into_owned())
        .collect();

    assert_eq!(
        names,
        [
            "packhorse.json",
            "records/projects/acme%2Fwidgets/label/000001.ndjson",
            "records/projects/acme%2Fwidgets/issue/000001.ndjson",
            "manifest.ndjson",
        ]
    );
}
