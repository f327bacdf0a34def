//! Files that go to stores and come back.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod files;
mod live;
mod s3;

use std::{fs, path::PathBuf};
use tempfile::TempDir;

/// A directory with a file of that many bytes, no two pieces of it alike.
pub(crate) fn file(size: usize) -> (TempDir, PathBuf, Vec<u8>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("acme.tar.gz");
    let mut state = 0x9e37_79b9_u32;
    let bytes: Vec<u8> = (0..size)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect();
    fs::write(&path, &bytes).unwrap();
    (directory, path, bytes)
}
