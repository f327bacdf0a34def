//! Archives that are meant to do harm, and files that are none.

use super::build::{gzip, header, list, list_within, member, signed, tar, zstd};
use packhorse_archive::container::{
    ArchiveError, Limits,
    gzip::SeekableGzip,
    zstd::{SeekableZstd, Starts},
};
use std::io::{Cursor, Read};

/// The same tar is refused for the same reason however it is packed.
#[track_caller]
fn check(bytes: &[u8], why: &str) {
    for file in [bytes.to_vec(), gzip(bytes), zstd(bytes)] {
        let error = list(&file).unwrap_err().to_string();

        assert!(error.contains(why), "{error}");
    }
}

#[track_caller]
fn check_member(name: &str, kind: u8, why: &str) {
    check(&tar(&[member("good", b'0', b"x"), member(name, kind, b"")]), why);
}

#[test]
fn names_that_lead_out_of_the_tree_are_refused() {
    check_member("/etc/passwd", b'0', "`/etc/passwd` is refused: its name is absolute");
    check_member("../up", b'0', "leads out");
    check_member("a/../../up", b'0', "leads out");
    check_member("a/..", b'5', "leads out");
    check_member("a\\..\\up", b'0', "character");
    check_member("a\nb", b'0', "character");
    check_member("a\u{7f}b", b'0', "character");
    check_member("./.", b'0', "no name");
}

#[test]
fn members_that_are_no_files_are_refused_by_name() {
    check_member("soft", b'2', "`soft` is refused: links");
    check_member("hard", b'1', "`hard` is refused: links");
    check_member("tty", b'3', "`tty` is refused: devices");
    check_member("disk", b'4', "`disk` is refused: devices");
    check_member("fifo", b'6', "`fifo` is refused: devices");
    check_member("holes", b'S', "`holes` is refused: sparse");
    check_member("volume", b'V', "`volume` is refused: members of its kind");
}

#[test]
fn a_link_with_a_long_target_is_refused_as_a_link() {
    let target = "t/".repeat(100);
    let file = tar(&[member("././@LongLink", b'K', target.as_bytes()), member("l", b'2', b"")]);

    check(&file, "`l` is refused: links");
}

#[test]
fn two_spellings_of_one_name_are_one_name() {
    check(&tar(&[member("a/b", b'0', b"1"), member("./a//b", b'0', b"2")]), "two members");
}

#[test]
fn a_tar_without_its_end_is_cut_off() {
    let whole = tar(&[member("a", b'0', b"x")]);

    check(&whole[..1024], "cut off");
    check(&whole[..1536], "cut off");
}

#[test]
fn nothing_may_follow_the_end() {
    let mut file = tar(&[member("a", b'0', b"x")]);
    file.extend(member("hidden", b'0', b"y"));

    check(&file, "after the end");
}

#[test]
fn a_size_that_is_no_size_is_refused() {
    let mut negative = header(b"a", b'0', 0);
    negative[124..136].fill(0xff);
    let mut huge = header(b"a", b'0', 0);
    huge[124..136].fill(0xff);
    huge[124] = 0x80;
    let mut words = header(b"a", b'0', 0);
    words[124..135].copy_from_slice(b"many bytes!");

    check(&tar(&[signed(negative)]), "no number");
    check(&tar(&[signed(huge)]), "no number");
    check(&tar(&[signed(words)]), "no number");
    check(&tar(&[header(b"a", b'0', (8 << 30) - 1)]), "cut off");
}

#[test]
fn a_file_that_is_no_archive_is_told_so() {
    let error = |bytes: &[u8]| list(bytes).unwrap_err().to_string();

    assert!(error(b"").contains("empty"));
    assert!(error(b"PK\x03\x04and so on").contains("ZIP"));
    assert!(error(b"{\"some\": \"json\"}").contains("neither"));
    assert!(error(&gzip(b"")).contains("cut off"));
    assert!(error(&gzip(&[b'x'; 600])).contains("no tar"));
    assert!(error(&zstd(&[b'x'; 600])).contains("no tar"));
    assert!(error(&[0x1f, 0x8b]).contains("cut off"));
}

#[test]
fn gzip_headers_are_read_with_all_their_fields() {
    let body = gzip(&tar(&[member("a", b'0', b"x")]))[10..].to_vec();
    let mut file = vec![0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 1, 2, 3, 4, 0, 255];
    file.extend(b"\x03\x00abcname\0comment\0\x00\x00");
    file.extend(&body);
    let unknown = [&[0x1f, 0x8b, 8, 0x20, 0, 0, 0, 0, 0, 255][..], &body].concat();

    assert_eq!(list(&file).unwrap(), [("a".to_owned(), b"x".to_vec())]);
    assert!(list(&unknown).unwrap_err().to_string().contains("flags"));
}

#[test]
fn something_after_the_last_gzip_member_is_an_error_but_zeros_are_not() {
    let file = gzip(&tar(&[member("a", b'0', b"x")]));

    let zeros = list(&[&file[..], &[0; 900]].concat());
    let words = list(&[&file[..], b"words"].concat());
    let both = list(&[&file[..], b"\0\0words"].concat());

    assert!(zeros.is_ok());
    assert!(matches!(words, Err(ArchiveError::Damaged { .. })), "{words:?}");
    assert!(matches!(both, Err(ArchiveError::Damaged { .. })), "{both:?}");
}

/// Bytes that come out before it stops.
#[track_caller]
fn check_bomb(mut stream: impl Read) {
    let mut piece = vec![0; 64 << 10];
    let mut n = 0;
    let error = loop {
        match stream.read(&mut piece) {
            Ok(0) => panic!("the bomb was read whole, {n} bytes"),
            Ok(read) => n += read,
            Err(error) => break error.to_string(),
        }
    };

    assert!(error.contains("ratio"), "{error}");
    assert!(n < 17 << 20, "{n} bytes came out");
}

#[test]
fn bombs_stop_early_with_the_usual_limits() {
    let zeros = vec![0; 64 << 20];
    let limits = Limits::default();

    check_bomb(SeekableGzip::new(Cursor::new(gzip(&zeros)), &limits));
    let starts = Starts::default();
    check_bomb(SeekableZstd::new(Cursor::new(zstd(&zeros)), &limits, starts).unwrap());
}

#[test]
fn a_frame_that_asks_for_too_large_a_window_is_refused() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(28).unwrap();
    std::io::copy(&mut &tar(&[member("a", b'0', b"x")])[..], &mut encoder).unwrap();
    let file = encoder.finish().unwrap();

    let error = list(&file).unwrap_err().to_string();

    assert!(error.contains("window"), "{error}");
}

#[test]
fn very_many_members_are_over_the_limit() {
    let members: Vec<_> = (0..200).map(|n| member(&format!("m{n}"), b'0', b"")).collect();
    let limits = Limits { max_members: 100, ..Limits::default() };

    let error = list_within(&gzip(&tar(&members)), limits).unwrap_err();

    assert!(matches!(error, ArchiveError::OverLimit { limit: 100, .. }), "{error}");
}
