//! Blobs in the store's directory, named by what is in them.
//!
//! A blob arrives under a passing name, is checked, made durable, and then
//! moved to its own name in one step, so whatever has a blob's name is whole.
//! Bytes that change afterwards are noticed when they are read.

use super::{
    buffer::StoredBlob,
    digest::Digest,
    error::{StoreError, blocking},
    layout::Layout,
};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use packhorse_core::port::{BlobRef, ByteStream};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    io,
    path::Path,
};
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Bytes in one piece of a stream.
const PIECE: usize = 256 * 1024;

/// Takes in a blob and checks it against what was announced.
pub(super) async fn save(
    layout: &Layout,
    blob: &BlobRef,
    bytes: ByteStream,
) -> Result<StoredBlob, StoreError> {
    let announced: Option<Digest> = blob.sha256.as_deref().map(str::parse).transpose()?;
    let incoming = layout.incoming();
    let file = blocking(move || arrive(&incoming)).await?;
    let stored = receive(&file, blob.size, bytes).await?;
    check(blob.size.as_ref(), &stored.size, "bytes")?;
    check(announced.as_ref(), &stored.digest, "as SHA-256")?;
    let layout = layout.clone();
    blocking(move || settle(&layout, file, stored)).await
}

/// SECURITY: the name is random and nobody else's file is opened under it.
fn arrive(incoming: &Path) -> Result<NamedTempFile, StoreError> {
    fs::create_dir_all(incoming)?;
    let file = NamedTempFile::new_in(incoming)?;
    file.as_file().lock()?;
    Ok(file)
}

async fn receive(
    file: &NamedTempFile,
    limit: Option<u64>,
    mut bytes: ByteStream,
) -> Result<StoredBlob, StoreError> {
    let mut file = tokio::fs::File::from_std(file.as_file().try_clone()?);
    let mut hash = Sha256::new();
    let mut size = 0;
    while let Some(piece) = bytes.next().await {
        let piece = piece.map_err(StoreError::Arriving)?;
        size += piece.len() as u64;
        // SECURITY: what goes on beyond its announced size does not fill the disk.
        if let Some(limit) = limit.filter(|&limit| size > limit) {
            check(Some(&limit), &size, "bytes or more")?;
        }
        hash.update(&piece);
        file.write_all(&piece).await?;
    }
    file.flush().await?;
    Ok(StoredBlob { digest: Digest::from(<[u8; 32]>::from(hash.finalize())), size })
}

fn check<T: PartialEq + ToString>(
    expected: Option<&T>,
    found: &T,
    what: &str,
) -> Result<(), StoreError> {
    match expected {
        Some(expected) if expected != found => Err(StoreError::Announced {
            expected: format!("{} {what}", expected.to_string()),
            found: found.to_string(),
        }),
        _ => Ok(()),
    }
}

fn settle(
    layout: &Layout,
    file: NamedTempFile,
    stored: StoredBlob,
) -> Result<StoredBlob, StoreError> {
    let path = layout.blob(&stored.digest);
    file.as_file().sync_all()?;
    let directory = path.parent().unwrap_or(layout.root());
    let is_new = !directory.exists();
    fs::create_dir_all(directory)?;
    let _held = hold(layout)?;
    file.persist(&path).map_err(|it| it.error)?;
    // A new directory's own name is only durable once the one above it is.
    let depth = if is_new { usize::MAX } else { 1 };
    let inside = directory.ancestors().take_while(|it| it.starts_with(layout.root()));
    for directory in inside.take(depth) {
        File::open(directory)?.sync_all()?;
    }
    Ok(stored)
}

/// Keeps blobs from being taken away until it is dropped: one that comes again while it is taken
/// for garbage would go with it.
fn hold(layout: &Layout) -> Result<File, StoreError> {
    let file = lock(layout)?;
    file.lock_shared()?;
    Ok(file)
}

/// The file whose lock is shared by those who bring blobs, and had alone by who takes them away.
pub(super) fn lock(layout: &Layout) -> Result<File, StoreError> {
    let path = layout.incoming().with_file_name("lock");
    Ok(File::options().create(true).truncate(false).write(true).open(path)?)
}

/// Removes what killed processes left behind; what still arrives is locked and stays.
pub(super) fn sweep(layout: &Layout) -> Result<(), StoreError> {
    let entries = match fs::read_dir(layout.incoming()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let is_left = File::open(&path).is_ok_and(|file| file.try_lock().is_ok());
        if is_left {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                Ok(()) | Err(_) => {}
            }
        }
    }
    Ok(())
}

/// Opens a blob at an offset; a stream that ends well has had the bytes of the blob's name.
pub(super) async fn open(
    layout: &Layout,
    digest: Digest,
    size: Option<u64>,
    from: u64,
) -> Result<ByteStream, StoreError> {
    let file = match tokio::fs::File::open(layout.blob(&digest)).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(StoreError::BlobGone(digest.to_string()));
        }
        file => file?,
    };
    let found = file.metadata().await?.len();
    if let Some(expected) = size.filter(|&size| size != found) {
        return Err(StoreError::BlobSize { name: digest.to_string(), expected, found });
    }
    if from > found {
        return Err(StoreError::Beyond { size: found, from });
    }
    let reading = Reading { file, digest, hash: Sha256::new(), skip: from };
    Ok(Box::pin(stream::try_unfold(Some(reading), |reading| async {
        match reading {
            Some(reading) => reading.piece().await,
            None => Ok(None),
        }
    })))
}

/// A blob being read; what lies before the offset is read too, for the hash.
struct Reading {
    file: tokio::fs::File,
    digest: Digest,
    hash: Sha256,
    skip: u64,
}

impl Reading {
    async fn piece(mut self) -> io::Result<Option<(Bytes, Option<Self>)>> {
        loop {
            let mut piece = BytesMut::with_capacity(PIECE);
            if self.file.read_buf(&mut piece).await? == 0 {
                return self.end().map(|()| None);
            }
            self.hash.update(&piece);
            let length = piece.len() as u64;
            if length <= self.skip {
                self.skip -= length;
                continue;
            }
            let mut piece = piece.freeze();
            if let Ok(skip) = usize::try_from(self.skip) {
                piece = piece.split_off(skip);
            }
            self.skip = 0;
            return Ok(Some((piece, Some(self))));
        }
    }

    fn end(self) -> io::Result<()> {
        let found = Digest::from(<[u8; 32]>::from(self.hash.finalize()));
        if found == self.digest {
            return Ok(());
        }
        let what = format!("the bytes of blob {} have changed in the store", self.digest);
        Err(io::Error::new(io::ErrorKind::InvalidData, what))
    }
}
