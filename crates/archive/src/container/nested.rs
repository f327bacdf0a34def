//! What lies packed within a member: gzip of its own, and tars within tars.
//!
//! SECURITY: the bounds of the archive hold for each of them again: ratios, names, kinds of members.

use super::{ArchiveError, Limits, Member, gzip::SeekableGzip, tar::Scanner};
use std::io::{self, Read, Seek, SeekFrom};

/// A reader that only goes forward.
pub struct Forward<R>(R);

impl<R: Read> Read for Forward<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out)
    }
}

impl<R> Seek for Forward<R> {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// The uncompressed bytes of a member that is gzip itself, read forward alone.
pub fn gunzip<R: Read>(data: R, limits: &Limits) -> SeekableGzip<Forward<R>> {
    SeekableGzip::new(Forward(data), limits)
}

/// Visits every member of a tar that lies within another, in order, to its very end.
///
/// # Errors
///
/// What is wrong with it, or what the visitor answers.
pub fn scan_within(
    data: impl Read,
    limits: Limits,
    mut visit: impl FnMut(&Member, &mut dyn Read) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    let mut scanner = Scanner::new(data, limits);
    while let Some(member) = scanner.next()? {
        visit(&member, &mut scanner.data(&member))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::{Compression, TarWriter};

    fn packed(members: &[(&str, &[u8])]) -> Vec<u8> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.tar.gz");
        let mut tar = TarWriter::create(&path, Compression::Gzip(6), 0).unwrap();
        members.iter().for_each(|(name, data)| tar.small(name, data).unwrap());
        tar.finish().unwrap();
        std::fs::read(path).unwrap()
    }

    #[test]
    fn a_packed_tar_within_a_member_is_gone_through() {
        let bytes = packed(&[("a", b"one"), ("b/c", b"two")]);
        let limits = Limits::default();
        let mut found = Vec::new();

        scan_within(gunzip(&bytes[..], &limits), limits, |member, data| {
            let mut text = String::new();
            data.read_to_string(&mut text).unwrap();
            found.push((member.name.clone(), text));
            Ok(())
        })
        .unwrap();

        let expected = [("a".to_owned(), "one".to_owned()), ("b/c".to_owned(), "two".to_owned())];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_bomb_within_a_member_is_refused() {
        let bytes = packed(&[("zeros", &vec![0; 40 << 20])]);
        let limits = Limits { max_ratio: 100, ..Limits::default() };

        let found = scan_within(gunzip(&bytes[..], &limits), limits, |_, _| Ok(()));

        assert!(matches!(found, Err(ArchiveError::OverLimit { .. })), "{found:?}");
    }
}
