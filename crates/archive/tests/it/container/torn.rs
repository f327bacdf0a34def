//! Files that were not copied whole, or not as they were.

use super::build::{Listing, gzip, list, member, tar, zstd};

fn sample() -> (Vec<u8>, Listing) {
    let text = b"[{\"type\": \"issue\", \"number\": 1}, {\"type\": \"issue\", \"number\": 2}]";
    let file = tar(&[
        member("d", b'5', b""),
        member("issues_000001.json", b'0', text),
        member("d/blob", b'0', &[0xa5; 700]),
    ]);
    let listing =
        vec![("issues_000001.json".into(), text.to_vec()), ("d/blob".into(), vec![0xa5; 700])];
    (file, listing)
}

#[track_caller]
fn check_cut(file: &[u8]) {
    assert!(list(file).is_ok());
    for cut in 0..file.len() {
        assert!(list(&file[..cut]).is_err(), "cut after {cut} of {}", file.len());
    }
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    let (plain, _) = sample();
    let (first, rest) = plain.split_at(1000);

    check_cut(&gzip(&plain));
    check_cut(&[gzip(first), gzip(rest)].concat());
    check_cut(&zstd(&plain));
    check_cut(&[zstd(first), zstd(rest)].concat());
    check_cut(&plain);
}

#[track_caller]
fn check_flipped(file: &[u8], expected: &Listing) {
    for at in 0..file.len() {
        for bit in [1, 0x10, 0x80] {
            let mut damaged = file.to_vec();
            damaged[at] ^= bit;
            // Some bytes say nothing, such as the time in a gzip header.
            if let Ok(listing) = list(&damaged) {
                assert_eq!(listing, *expected, "byte {at}");
            }
        }
    }
}

#[test]
fn a_flipped_bit_is_found_or_changes_nothing() {
    let (plain, listing) = sample();

    check_flipped(&gzip(&plain), &listing);
    check_flipped(&zstd(&plain), &listing);
}
