#![no_main]

use packhorse_core::model::ObjectFormat;
use packhorse_git::lfs::PackScanner;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // Whatever the pieces are, the same is found.
    let mut whole = PackScanner::new(ObjectFormat::Sha1);
    let mut pieces = PackScanner::new(ObjectFormat::Sha1);
    let (mut one, mut other) = (Vec::new(), Vec::new());
    whole.feed(bytes, |it| one.push(it));
    for piece in bytes.chunks(7) {
        pieces.feed(piece, |it| other.push(it));
    }
    assert_eq!(one, other);
    let (one, other) = (whole.finish(), pieces.finish());
    assert_eq!(one.is_complete(), other.is_complete());
});
