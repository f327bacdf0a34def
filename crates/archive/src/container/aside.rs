//! A member that is compressed while its bytes come, before anybody knows how many there are.

use super::{ArchiveError, Compression, packer::Packer};
use std::fs::File;

/// A member on its way: a tar says first how long a file is, so it rests on the disk, compressed
/// already, until [`super::TarWriter::take_in`] gets it.
pub struct Aside {
    packer: Packer,
    size: u64,
}

impl Aside {
    /// Begins one in an empty file, for an archive that is compressed like this.
    pub fn begin(file: File, compression: Compression) -> Self {
        Self { packer: Packer::part(file, compression), size: 0 }
    }

    /// Takes in bytes.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.size += bytes.len() as u64;
        self.packer.put(bytes).map_err(ArchiveError::system("gather a file of the archive"))
    }

    /// Bytes that were taken in.
    pub const fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn into_packer(self) -> Packer {
        self.packer
    }
}
