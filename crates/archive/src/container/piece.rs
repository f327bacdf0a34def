//! Reading a piece of a stream, whatever signals come in between.

use super::ArchiveError;
use std::io::{ErrorKind, Read};

/// Reads once, and again when a signal came; 0 at the end.
pub(super) fn read(
    from: &mut (impl Read + ?Sized),
    out: &mut [u8],
    operation: &'static str,
) -> Result<usize, ArchiveError> {
    loop {
        match from.read(out) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            done => return done.map_err(ArchiveError::system(operation)),
        }
    }
}
