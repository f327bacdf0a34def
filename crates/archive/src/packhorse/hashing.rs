//! SHA-256 of what is read or written.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use std::io::{self, Read};

/// Hashes what is read through it.
pub(super) struct Hashing<R> {
    data: R,
    hash: Sha256,
}

impl<R: Read> Hashing<R> {
    /// Begins before the first byte.
    pub(super) fn new(data: R) -> Self {
        Self { data, hash: Sha256::new() }
    }

    /// The hash of what was read, in lower-case hexadecimal.
    pub(super) fn end(self) -> String {
        HEXLOWER.encode(&self.hash.finalize())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.data.read(out)?;
        self.hash.update(&out[..read]);
        Ok(read)
    }
}
