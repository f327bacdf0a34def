//! Archives that are not as they were written.

use super::{Archive, finish, write};
use data_encoding::HEXLOWER;
use packhorse_archive::{
    container::{Compression, TarWriter},
    packhorse::check,
};
use packhorse_core::{Addresses, ObjectKind, Scope, Web};
use packhorse_testkit::samples::sample;
use sha2::{Digest, Sha256};
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

/// An archive of one label with that value, of that version, whose manifest says so.
fn by_hand(version: &str, value: &str, records: u64) -> Archive {
    let archive = Archive::new();
    let mut tar = TarWriter::create(&archive.path(), Compression::Zstd(3), 0).unwrap();
    let head = format!(
        r#"{{"addresses":[{{"layout":"paths","url":"https://git.example"}}],"format":"packhorse-archive","version":"{version}","writer":"by hand"}}"#
    );
    let line = format!("{{\"id\":\"bug\",\"value\":{value}}}\n");
    let lane = "records/projects/acme%2Fwidgets/label/000001.ndjson";
    let mut manifest = String::new();
    for (name, data, n) in [("packhorse.json", &head, ""), (lane, &line, r#""records":1,"#)] {
        tar.small(name, data.as_bytes()).unwrap();
        let sha256 = HEXLOWER.encode(&Sha256::digest(data));
        let size = data.len();
        manifest += &format!(
            "{{\"member\":{{\"name\":\"{name}\",{n}\"sha256\":\"{sha256}\",\"size\":{size}}}}}\n"
        );
    }
    let bytes = head.len() + line.len();
    manifest += "{\"lane\":{\"kind\":\"label\",\"project\":\"acme/widgets\",\"records\":1}}\n";
    manifest += &format!(
        "{{\"end\":{{\"bytes\":{bytes},\"members\":2,\"records\":{records},\"version\":\"{version}\"}}}}\n"
    );
    tar.small("manifest.ndjson", manifest.as_bytes()).unwrap();
    tar.finish().unwrap();
    archive
}

#[tokio::test]
async fn fields_of_a_later_version_are_left_behind_and_told() {
    let archive = by_hand("1.1", r#"{"inherited":false,"name":"bug","shape":"round"}"#, 1);

    let inventory = archive.source().inventory(&Scope::Shared).await.unwrap();

    let told: Vec<_> = inventory.losses.iter().map(|it| (it.name.as_str(), it.count)).collect();
    assert_eq!(told, [("label.shape", 1)]);
}

#[tokio::test]
async fn the_address_that_people_linked_to_is_known_before_anything_is_read() {
    let archive = by_hand("1.0", r#"{"inherited":false,"name":"bug"}"#, 1);

    let capabilities = archive.source().probe().await.unwrap();

    let former = Web { layout: Addresses::Paths, url: "https://git.example".to_owned() };
    assert_eq!(capabilities.former, [former]);
}

#[tokio::test]
async fn a_value_that_is_not_of_its_kind_is_found_before_anything_is_read() {
    let archive = by_hand("1.0", r#"{"inherited":"maybe","name":"bug"}"#, 1);

    let refused = archive.source().inventory(&Scope::Shared).await.unwrap_err();

    let why = std::error::Error::source(&refused).unwrap().to_string();
    assert!(why.contains("label") && why.contains("000001.ndjson"), "{why}");
}

#[test]
fn a_sum_of_records_that_is_not_right_is_refused() {
    let value = r#"{"inherited":false,"name":"bug"}"#;

    assert!(check(&by_hand("1.0", value, 1).path()).is_ok());
    assert!(check(&by_hand("1.0", value, 2).path()).is_err());
}
