//! Files that are kept on the disk until the record that they belong to is written.
//!
//! Hosts that take a file only together with its name and what it belongs to get its bytes from
//! here.

use bytes::Bytes;
use data_encoding::HEXLOWER;
use futures::{StreamExt, stream};
use packhorse_core::{
    HostError, HostErrorKind, Origin,
    port::{BlobRef, ByteStream},
};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tempfile::TempPath;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What of a file is read at a time, in bytes.
const PIECE: usize = 64 << 10;

/// What names a file that waits: two projects may have the same origins.
type Key = (String, Origin);

fn key(project: &str, origin: &Origin) -> Key {
    (project.to_lowercase(), origin.clone())
}

/// Files that wait for their records; each goes away when nobody needs it any more.
#[derive(Debug)]
pub(crate) struct Files {
    scratch: PathBuf,
    waiting: Mutex<HashMap<Key, Arc<TempPath>>>,
}

impl Files {
    pub(crate) fn new(scratch: PathBuf) -> Self {
        Self { scratch, waiting: Mutex::default() }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Key, Arc<TempPath>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a blob, if it is what was announced.
    ///
    /// # Errors
    ///
    /// When it is not, or when the disk does not take it.
    pub(crate) async fn keep(&self, blob: &BlobRef, bytes: ByteStream) -> Result<(), HostError> {
        let file = keep(&self.scratch, blob, bytes).await?;
        let project = blob.scope.project().unwrap_or_default();
        self.all().insert(key(project, &blob.origin), Arc::new(file));
        Ok(())
    }

    /// The file of a record of a project.
    pub(crate) fn of(&self, project: &str, origin: &Origin) -> Option<Arc<TempPath>> {
        self.all().get(&key(project, origin)).cloned()
    }

    /// Lets go of the file of a record.
    pub(crate) fn forget(&self, project: &str, origin: &Origin) {
        self.all().remove(&key(project, origin));
    }

    /// The file of a record, which then waits no more.
    pub(crate) fn take(&self, project: &str, origin: &Origin) -> Option<Arc<TempPath>> {
        self.all().remove(&key(project, origin))
    }
}

/// Writes a blob to a file that goes away with the path.
///
/// # Errors
///
/// When the bytes are not those that were announced, which leaves nothing behind, or when the
/// disk does not take them.
async fn keep(
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
        if blob.size.is_some_and(|told| size > told) {
            // What is longer than announced is refused below, and need not fill the disk.
            break;
        }
        hash.update(&piece);
        file.write_all(&piece).await.map_err(fail)?;
    }
    file.flush().await.map_err(fail)?;
    let sha256 = HEXLOWER.encode(&hash.finalize());
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

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::{ObjectKind, Scope};

    async fn kept(files: &Files, project: &str, bytes: &'static [u8]) -> Result<(), HostError> {
        let blob = BlobRef {
            scope: Scope::Project(project.to_owned()),
            origin: Origin::new(ObjectKind::Attachment, "7"),
            size: Some(3),
            sha256: None,
        };
        let pieces = stream::iter(bytes.chunks(2).map(|it| Ok(Bytes::from_static(it))));
        files.keep(&blob, Box::pin(pieces)).await
    }

    #[tokio::test]
    async fn files_of_two_projects_are_told_apart() {
        let scratch = tempfile::tempdir().unwrap();
        let files = Files::new(scratch.path().to_owned());
        let origin = Origin::new(ObjectKind::Attachment, "7");

        kept(&files, "acme/app", b"one").await.unwrap();
        kept(&files, "acme/site", b"two").await.unwrap();

        let read = |it: Arc<TempPath>| std::fs::read(&**it).unwrap();
        assert_eq!(files.of("acme/app", &origin).map(read).unwrap(), b"one");
        assert_eq!(files.take("Acme/Site", &origin).map(read).unwrap(), b"two");
        assert!(files.take("acme/site", &origin).is_none());
    }

    #[tokio::test]
    async fn a_file_that_is_not_as_announced_leaves_nothing_behind() {
        let scratch = tempfile::tempdir().unwrap();
        let files = Files::new(scratch.path().to_owned());

        for bytes in [&b"longer"[..], b"no"] {
            let error = kept(&files, "acme/app", bytes).await.unwrap_err();
            assert_eq!(error.kind, HostErrorKind::Rejected);
        }

        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
    }
}
