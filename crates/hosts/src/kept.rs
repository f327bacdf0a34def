//! Files that are kept on the disk until the record that they belong to is written.
//!
//! Hosts that take a file only together with its name and what it belongs to get its bytes from
//! here.

use bytes::Bytes;
use futures::{StreamExt, stream};
use packhorse_core::{
    HostError, HostErrorKind,
    port::{BlobRef, ByteStream},
};
use sha2::{Digest, Sha256};
use std::{fmt::Write as _, path::Path};
use tempfile::TempPath;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What of a file is read at a time, in bytes.
const PIECE: usize = 64 << 10;

/// Writes a blob to a file that goes away with the path.
///
/// # Errors
///
/// When the bytes are not those that were announced, which leaves nothing behind, or when the
/// disk does not take them.
pub(crate) async fn keep(
    scratch: &Path,
    blob: &BlobRef,
    mut bytes: ByteStream,
) -> Result<TempPath, HostError> {
    let operation = "keep a file until it is uploaded";
    let fail = |error: std::io::Error| {
        HostError::new(HostErrorKind::Unavailable, operation)
            .with("file", &blob.origin)
            .because(error)
    };
    tokio::fs::create_dir_all(scratch).await.map_err(fail)?;
    let (file, path) = tempfile::NamedTempFile::new_in(scratch).map_err(fail)?.into_parts();
    let mut file = tokio::fs::File::from_std(file);
    let (mut size, mut hash) = (0u64, Sha256::new());
    while let Some(piece) = bytes.next().await {
        let piece = piece.map_err(fail)?;
        size += piece.len() as u64;
        hash.update(&piece);
        file.write_all(&piece).await.map_err(fail)?;
    }
    file.flush().await.map_err(fail)?;
    let mut sha256 = String::with_capacity(64);
    for byte in hash.finalize() {
        // Writing to a string cannot fail.
        write!(sha256, "{byte:02x}").ok();
    }
    let is_size = blob.size.is_none_or(|it| it == size);
    let is_hash = blob.sha256.as_ref().is_none_or(|it| *it == sha256);
    if is_size && is_hash {
        return Ok(path);
    }
    Err(HostError::new(HostErrorKind::Rejected, operation)
        .with("file", &blob.origin)
        .with("reason", "its bytes are not as they were announced"))
}

/// A file, a piece at a time.
pub(crate) fn pieces(file: tokio::fs::File) -> ByteStream {
    Box::pin(stream::try_unfold(file, |mut file| async move {
        let mut piece = vec![0; PIECE];
        let n_read = file.read(&mut piece).await?;
        piece.truncate(n_read);
        Ok((n_read > 0).then(|| (Bytes::from(piece), file)))
    }))
}
