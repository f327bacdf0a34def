//! Large files on this machine, where git-lfs keeps them.
//!
//! Source: git-lfs, docs/spec.md, "Intercepting Git": `lfs/objects/ab/cd/<oid>`.

use super::{LfsError, Pointer};
use bytes::Bytes;
use futures::{StreamExt, stream};
use packhorse_core::port::ByteStream;
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Bytes that are read at a time.
const PIECE: usize = 256 << 10;

/// The `lfs` directory of a repository.
pub(super) struct Store {
    directory: PathBuf,
}

impl Store {
    pub(super) fn at(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Whether there are any files.
    pub(super) fn is_there(&self) -> bool {
        self.directory.join("objects").is_dir()
    }

    fn path(&self, pointer: &Pointer) -> PathBuf {
        // A pointer's hash is 64 hexadecimal digits, whoever made it.
        let hash = &pointer.sha256;
        self.directory.join("objects").join(&hash[..2]).join(&hash[2..4]).join(hash)
    }

    /// Whether a file is there and has its size.
    pub(super) fn has(&self, pointer: &Pointer) -> bool {
        let found = fs::symlink_metadata(self.path(pointer));
        found.is_ok_and(|it| it.is_file() && it.len() == pointer.size)
    }

    /// Opens a file; `None` when it is not there.
    pub(super) async fn open(&self, pointer: &Pointer) -> Result<Option<ByteStream>, LfsError> {
        if !self.has(pointer) {
            return Ok(None);
        }
        let file = tokio::fs::File::open(self.path(pointer)).await;
        let file = file.map_err(LfsError::system("open a large file"))?;
        Ok(Some(Box::pin(stream::try_unfold(file, |mut file| async move {
            let mut piece = Vec::with_capacity(PIECE);
            (&mut file).take(PIECE as u64).read_to_end(&mut piece).await?;
            Ok((!piece.is_empty()).then(|| (Bytes::from(piece), file)))
        }))))
    }

    /// Writes a file whole, or nothing; what the stream gives is checked by it.
    pub(super) async fn write(&self, pointer: &Pointer, mut bytes: ByteStream) -> io::Result<()> {
        let path = self.path(pointer);
        let temporary = self.directory.join("tmp");
        let directory = path.parent().unwrap_or(&self.directory).to_owned();
        fs::create_dir_all(&temporary)?;
        fs::create_dir_all(&directory)?;
        let file = tempfile::Builder::new().prefix(&pointer.sha256).tempfile_in(&temporary)?;
        let (file, temporary) = file.into_parts();
        let mut file = tokio::fs::File::from_std(file);
        while let Some(piece) = bytes.next().await {
            file.write_all(&piece?).await?;
        }
        file.flush().await?;
        file.sync_data().await?;
        readable(&temporary)?;
        temporary.persist(&path).map_err(|it| it.error)
    }
}

/// What is made as a temporary file is its owner's alone; objects are for all who may read the
/// repository.
#[cfg(unix)]
fn readable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &Path) -> io::Result<()> {
    Ok(())
}
