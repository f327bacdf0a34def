//! Reading a half-written zstd tar as far as it is whole.

use super::{
    ArchiveError, Limits, Member,
    tar::Scanner,
    zstd::{SeekableZstd, Starts},
};
use std::{fs::File, io::Read, path::Path};

/// A half-written archive, read from its beginning.
pub struct Partial {
    scanner: Scanner<SeekableZstd<File>>,
}

impl Partial {
    /// Opens what a killed writer left.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn open(path: &Path, limits: Limits) -> Result<Self, ArchiveError> {
        let fail = ArchiveError::system("read the half-written archive");
        let stream = SeekableZstd::new(File::open(path).map_err(fail)?, &limits, Starts::default());
        Ok(Self { scanner: Scanner::new(stream?, limits) })
    }

    /// Looks at the next member; what came of it, and the file's length if a frame ends with
    /// it: there [`super::TarWriter::resume`] can go on.
    ///
    /// `None` when no more of the file is whole: it ends, or goes on with what is no member.
    ///
    /// # Errors
    ///
    /// When the system refuses. Other errors of the visitor say that the member does not count.
    pub fn next<T>(
        &mut self,
        visit: impl FnOnce(&Member, &mut dyn Read) -> Result<T, ArchiveError>,
    ) -> Result<Option<(T, Option<u64>)>, ArchiveError> {
        match self.step(visit) {
            Err(error @ ArchiveError::System { .. }) => Err(error),
            Err(_) => Ok(None),
            Ok(found) => Ok(found),
        }
    }

    fn step<T>(
        &mut self,
        visit: impl FnOnce(&Member, &mut dyn Read) -> Result<T, ArchiveError>,
    ) -> Result<Option<(T, Option<u64>)>, ArchiveError> {
        let Some(member) = self.scanner.next()? else { return Ok(None) };
        let found = visit(&member, &mut self.scanner.data(&member))?;
        self.scanner.end_member()?;
        Ok(Some((found, self.scanner.stream().boundary()?)))
    }
}
