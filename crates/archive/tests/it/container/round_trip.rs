//! What we write is what is read, from any place and by other tools.

use super::build::members;
use packhorse_archive::container::{
    Archive, ArchiveError, Compression, Limits, TarWriter, extract, gzip::SeekableGzip,
};
use proptest::prelude::*;
use std::{
    fs::{self, File},
    io::{Cursor, Read, Seek, SeekFrom, Write},
    path::Path,
};

const PACKINGS: [Compression; 3] = [Compression::None, Compression::Gzip(6), Compression::Zstd(3)];

/// What is done to a writer.
#[derive(Clone, Debug)]
enum Step {
    Small(Vec<u8>),
    Stored(Vec<u8>),
    Checkpoint,
    /// It is killed, and goes on from its last checkpoint.
    Kill,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..2000);
    let step = prop_oneof![
        3 => bytes().prop_map(Step::Small),
        3 => bytes().prop_map(Step::Stored),
        2 => Just(Step::Checkpoint),
        1 => Just(Step::Kill),
    ];
    proptest::collection::vec(step, 0..25)
}

/// Writes an archive in steps; what must be in it then.
fn write(path: &Path, packing: Compression, steps: &[Step]) -> Vec<(String, Vec<u8>)> {
    let mut writer = TarWriter::create(path, packing, 0).unwrap();
    let (mut expected, mut safe, mut checkpoint) = (Vec::new(), 0, 0);
    for (n, step) in steps.iter().enumerate() {
        let name = format!("{}é/{n}", "long/".repeat(n));
        match step {
            Step::Small(data) => {
                writer.small(&name, data).unwrap();
                expected.push((name, data.clone()));
            }
            Step::Stored(data) => {
                writer.incompressible(&name, data.len() as u64, &data[..]).unwrap();
                expected.push((name, data.clone()));
            }
            Step::Checkpoint => (safe, checkpoint) = (expected.len(), writer.checkpoint().unwrap()),
            Step::Kill => {
                drop(writer);
                expected.truncate(safe);
                writer = TarWriter::resume(path, packing, 0, checkpoint).unwrap();
            }
        }
    }
    let length = writer.finish().unwrap();
    assert_eq!(length, fs::metadata(path).unwrap().len());
    expected
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_writer_killed_at_any_time_loses_what_came_after_its_checkpoint_alone(steps in steps()) {
        for packing in PACKINGS {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("archive");
            let expected = write(&path, packing, &steps);

            let archive = Archive::open(&path, Limits::default()).unwrap();
            let mut found: Vec<_> = members(&archive).into_iter().rev().map(|it| {
                let mut data = Vec::new();
                archive.member(&it, 0).unwrap().read_to_end(&mut data).unwrap();
                let from = it.size / 2;
                let mut half = Vec::new();
                archive.member(&it, from).unwrap().read_to_end(&mut half).unwrap();
                assert_eq!(half, data[from as usize..]);
                (it.name, data)
            }).collect();
            found.reverse();

            prop_assert_eq!(&found, &expected);
        }
    }
}

#[test]
fn equal_content_makes_equal_bytes() {
    for packing in PACKINGS {
        let directory = tempfile::tempdir().unwrap();
        let steps = [Step::Small(vec![1; 900]), Step::Checkpoint, Step::Stored(vec![2; 90])];

        let [one, other] = ["one", "other"].map(|name| {
            let path = directory.path().join(name);
            write(&path, packing, &steps);
            fs::read(path).unwrap()
        });

        assert_eq!(one, other);
    }
}

/// Text that is neither all the same nor noise.
fn text(n: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(n + 32);
    let mut k = 1_u64;
    while bytes.len() < n {
        k = k.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        write!(bytes, "{{\"number\": {}}},", k >> 40).unwrap();
    }
    bytes.truncate(n);
    bytes
}

#[test]
fn a_large_member_is_read_from_its_middle_in_every_packing() {
    let plain = text(40 << 20);
    for packing in PACKINGS {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("archive");
        let mut writer = TarWriter::create(&path, packing, 0).unwrap();
        writer.member("large", plain.len() as u64, &plain[..]).unwrap();
        writer.finish().unwrap();
        let archive = Archive::open(&path, Limits::default()).unwrap();
        let large = members(&archive).remove(0);

        for from in [35 << 20, 17 << 20, (16 << 20) - 1, 3] {
            let mut piece = vec![0; 70_000];
            archive.member(&large, from as u64).unwrap().read_exact(&mut piece).unwrap();

            assert_eq!(piece, plain[from..from + piece.len()], "{packing:?} at {from}");
        }
    }
}

#[test]
fn gzip_of_many_members_is_read_from_any_place() {
    let plain = text(20 << 20);
    let mut file = Vec::new();
    for part in plain.chunks(3_000_001) {
        let mut encoder = flate2::write::GzEncoder::new(&mut file, flate2::Compression::fast());
        encoder.write_all(part).unwrap();
        encoder.finish().unwrap();
    }
    let mut gz = SeekableGzip::new(Cursor::new(file), &Limits::default());

    for at in [19 << 20, 3_000_000, 3_000_001, 0, 12 << 20, 11 << 20] {
        let mut piece = vec![0; 100_000];
        gz.seek(SeekFrom::Start(at as u64)).unwrap();
        gz.read_exact(&mut piece).unwrap();

        assert_eq!(piece, plain[at..at + piece.len()], "at {at}");
    }
}

#[test]
fn a_file_cut_after_a_checkpoint_cannot_be_gone_on_with_before_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("archive");
    let mut writer = TarWriter::create(&path, Compression::Zstd(3), 0).unwrap();
    writer.small("a", &text(9000)).unwrap();
    let checkpoint = writer.checkpoint().unwrap();
    drop(writer);
    File::options().write(true).open(&path).unwrap().set_len(checkpoint - 1).unwrap();

    let resumed = TarWriter::resume(&path, Compression::Zstd(3), 0, checkpoint);

    assert!(matches!(resumed.err(), Some(ArchiveError::Truncated { .. })));
}

#[test]
fn a_repository_is_unpacked_without_what_configures_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("archive");
    let mut writer = TarWriter::create(&path, Compression::Gzip(6), 0).unwrap();
    let object = format!("objects/ab/{}", "0".repeat(38));
    for name in ["HEAD", "config", "hooks/update", "objects/info/alternates", &object] {
        writer.small(&format!("r/{name}"), name.as_bytes()).unwrap();
    }
    writer.small("other/HEAD", b"x").unwrap();
    writer.finish().unwrap();
    let archive = Archive::open(&path, Limits::default()).unwrap();
    let into = directory.path().join("unpacked");

    let done = extract(&archive, &members(&archive), "r", &into).unwrap();

    assert_eq!(done.files, 2);
    assert_eq!(fs::read(into.join("HEAD")).unwrap(), b"HEAD");
    assert_eq!(fs::read(into.join(&object)).unwrap(), object.as_bytes());
    assert!(!into.join("config").exists());
    assert!(!into.join("hooks").exists());
    assert!(!into.join("objects/info").exists());
}
