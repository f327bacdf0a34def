use super::*;
use packhorse_core::model::ObjectFormat;
use proptest::prelude::*;
use std::io::Write;

const OID: &str = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";

/// A pack, written object by object.
struct Pack(Vec<u8>, u32);

impl Pack {
    fn new() -> Self {
        Self(b"PACK\0\0\0\x02\0\0\0\0".to_vec(), 0)
    }

    /// Adds an object; where it begins.
    fn add(&mut self, kind: u8, base: &[u8], content: &[u8]) -> u64 {
        let at = self.0.len() as u64;
        let mut size = content.len() >> 4;
        let more = if size > 0 { 0x80 } else { 0 };
        self.0.push(more | kind << 4 | (content.len() & 15) as u8);
        while size > 0 {
            let more = if size > 0x7f { 0x80 } else { 0 };
            self.0.push(more | (size & 0x7f) as u8);
            size >>= 7;
        }
        self.0.extend_from_slice(base);
        let mut deflate = flate2::write::ZlibEncoder::new(&mut self.0, flate2::Compression::fast());
        deflate.write_all(content).unwrap();
        deflate.finish().unwrap();
        self.1 += 1;
        self.0[8..12].copy_from_slice(&self.1.to_be_bytes());
        at
    }

    fn blob(&mut self, content: &[u8]) -> u64 {
        self.add(3, &[], content)
    }

    /// Adds a difference to the object at `base`, which must be less than 16 KiB before.
    fn delta(&mut self, base: u64, orders: &[u8]) -> u64 {
        let distance = self.0.len() as u64 - base;
        let bytes = match distance {
            0..128 => vec![distance as u8],
            _ => vec![0x80 | (((distance >> 7) - 1) as u8), (distance & 0x7f) as u8],
        };
        self.add(6, &bytes, orders)
    }

    /// Scans it in pieces of that many bytes.
    fn scan(mut self, piece: usize) -> (Vec<u64>, Scanned) {
        self.0.extend_from_slice(&[7; 20]);
        let mut scanner = PackScanner::new(ObjectFormat::Sha1);
        let mut sizes = Vec::new();
        for bytes in self.0.chunks(piece) {
            scanner.feed(bytes, |it| sizes.push(it.size));
        }
        (sizes, scanner.finish())
    }
}

fn pointer(size: u64) -> String {
    format!("version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize {size}\n")
}

#[test]
fn pointers_are_found_whatever_the_pieces_are() {
    for piece in [1, 2, 7, 64, 100_000] {
        let mut pack = Pack::new();
        pack.add(1, &[], b"tree 0\n");
        pack.blob(pointer(1).as_bytes());
        pack.blob(&vec![b'x'; 200_000]);
        pack.blob(pointer(2).as_bytes());

        let (sizes, scanned) = pack.scan(piece);

        assert_eq!(sizes, [1, 2]);
        assert!(scanned.is_complete(), "{scanned:?}");
        assert_eq!((scanned.n_objects, scanned.n_pointers), ((4, 4), 2));
    }
}

#[test]
fn a_pointer_stored_as_a_difference_is_found() {
    let mut pack = Pack::new();
    let (one, two) = (pointer(1), pointer(22));
    let base = pack.blob(one.as_bytes());
    let copied = (one.len() - 2) as u8;
    let (from, to) = (one.len() as u8, two.len() as u8);
    let orders = [from, to, 0x90, copied, 3, b'2', b'2', b'\n'];
    pack.delta(base, &orders);

    let (sizes, scanned) = pack.scan(64);

    assert_eq!(sizes, [1, 22]);
    assert!(scanned.is_complete(), "{scanned:?}");
}

#[test]
fn differences_to_trees_and_to_plain_text_cannot_be_pointers() {
    let mut pack = Pack::new();
    let tree = pack.add(2, &[], &[b't'; 300]);
    let text = pack.blob(&[b'#'; 20_000]);
    let next = pack.delta(tree, &[0xac, 2, 0xc8, 1, 0x90, 200]);
    pack.delta(next, &[0xc8, 1, 0xc8, 1, 0x90, 200]);
    let next = pack.delta(text, &[0xa0, 0x9c, 1, 0xc8, 1, 0x90, 200]);
    pack.delta(next, &[0xc8, 1, 0xc8, 1, 0x90, 200]);

    let (sizes, scanned) = pack.scan(64);

    assert_eq!(sizes, [0_u64; 0]);
    assert!(scanned.is_complete(), "{scanned:?}");
}

#[test]
fn a_difference_whose_base_is_not_there_is_told() {
    let mut pack = Pack::new();
    pack.add(7, &[9; 20], &[0xc8, 1, 0xc8, 1, 0x90, 200]);

    let (_, scanned) = pack.scan(64);

    assert_eq!(scanned.n_unresolved, 1);
    assert!(!scanned.is_complete());
}

#[test]
fn a_difference_to_a_large_text_that_starts_as_a_pointer_is_told() {
    let mut pack = Pack::new();
    let base = pack.blob(&[b"version ".as_slice(), &[b'x'; 29_992]].concat());
    pack.delta(base, &[0xb0, 0xea, 1, 0xc8, 1, 0x90, 200]);

    assert_eq!(pack.scan(64).1.n_unresolved, 1);
}

#[test]
fn a_pack_that_breaks_off_is_not_complete() {
    let mut pack = Pack::new();
    pack.blob(pointer(1).as_bytes());
    pack.1 = 5;
    pack.0[8..12].copy_from_slice(&9_u32.to_be_bytes());
    pack.0.truncate(60);

    let (_, scanned) = pack.scan(64);

    assert!(!scanned.is_complete());
}

#[test]
fn what_is_no_pack_is_told() {
    let mut scanner = PackScanner::new(ObjectFormat::Sha1);

    scanner.feed(b"<!DOCTYPE html><html>", |_| ());

    let scanned = scanner.finish();
    assert_eq!(scanned.broken, Some("it does not begin as a pack"));
    assert!(!scanned.is_complete());
}

#[test]
fn an_object_that_inflates_to_more_than_it_says_ends_the_search() {
    let mut pack = Pack::new();
    pack.blob(&vec![0; 5_000_000]);
    pack.0[13] ^= 4;

    let (_, scanned) = pack.scan(512);

    assert!(scanned.broken.is_some(), "{scanned:?}");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        piece in 1_usize..50,
    ) {
        let mut pack = b"PACK\0\0\0\x02\0\0\xff\xff".to_vec();
        pack.extend_from_slice(&bytes);
        let mut scanner = PackScanner::new(ObjectFormat::Sha256);
        for piece in pack.chunks(piece) {
            scanner.feed(piece, |_| ());
        }
        prop_assert!(!scanner.finish().is_complete());
    }

    #[test]
    fn a_damaged_byte_never_panics(at in 0_usize..500, to in any::<u8>()) {
        let mut pack = Pack::new();
        let base = pack.blob(pointer(1).as_bytes());
        pack.delta(base, &[129, 1, 129, 1, 0x90, 129]);
        pack.add(2, &[], &[b't'; 300]);
        let at = at % pack.0.len();
        pack.0[at] = to;
        drop(pack.scan(33));
    }
}
