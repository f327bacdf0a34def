//! Files that go up, part by part.

use crate::{Storage, StorageError, Stored, error::Operation};
use futures::{StreamExt as _, stream::FuturesUnordered};
use object_store::{
    Attribute, Attributes, MultipartUpload, ObjectStore as _, PutMultipartOptions, PutOptions,
    PutPayload, UploadPart, path::Path as Key,
};
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

/// Most parts of one object.
///
/// Source: Amazon, *Amazon S3 multipart upload limits*; Azure allows 50,000 blocks.
const MOST_PARTS: u64 = 10_000;

/// Parts that are under way at a time.
const AT_ONCE: usize = 2;

/// Size in which parts grow, in bytes.
const GRAIN: u64 = 1 << 20;

/// The size of parts of a file: the least, or as much as keeps their number within bounds.
fn size_of_parts(least: u64, size: u64) -> u64 {
    let needed = size.div_ceil(MOST_PARTS);
    if needed <= least { least } else { needed.next_multiple_of(GRAIN) }
}

/// What an object holds, by its name; told to whoever fetches it.
fn content_type(key: &str) -> &'static str {
    let kinds = [
        (".gz", "application/gzip"),
        (".tgz", "application/gzip"),
        (".tar", "application/x-tar"),
        (".zip", "application/zip"),
        (".zst", "application/zstd"),
        (".json", "application/json"),
    ];
    let found = kinds.into_iter().find(|it| key.ends_with(it.0));
    found.map_or("application/octet-stream", |it| it.1)
}

/// A file that is read from its beginning to its end, and hashed.
struct Reading {
    file: File,
    hash: Sha256,
    left: u64,
}

impl Reading {
    /// The next part; empty at the end. Fails where the file has become shorter or longer.
    fn next(mut self, part: u64) -> io::Result<(Self, Vec<u8>)> {
        let n = part.min(self.left);
        let mut bytes = Vec::with_capacity(usize::try_from(n).unwrap_or(0));
        (&mut self.file).take(n).read_to_end(&mut bytes)?;
        self.left -= bytes.len() as u64;
        let is_short = (bytes.len() as u64) < n;
        let is_long = self.left == 0 && (&mut self.file).take(1).read(&mut [0])? > 0;
        if is_short || is_long {
            return Err(io::Error::other("it changed while it was read"));
        }
        self.hash.update(&bytes);
        Ok((self, bytes))
    }
}

/// Takes a file up.
pub(crate) async fn put(
    storage: &Storage,
    key: &str,
    to: &Key,
    file: &Path,
) -> Result<Stored, StorageError> {
    let unread =
        |error: &dyn std::fmt::Display| storage.place.file(Operation::Put, key, file, error);
    let path = file.to_owned();
    let open = move || {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok((file, size))
    };
    let (file, size) = aside(open).await.map_err(|error| unread(&error))?;
    let part = size_of_parts(storage.part, size);
    let reading = Reading { file, hash: Sha256::new(), left: size };
    let attributes = attributes(storage, key);
    if size <= part {
        let (reading, bytes) =
            aside(move || reading.next(part)).await.map_err(|error| unread(&error))?;
        let options = PutOptions { attributes, ..PutOptions::default() };
        let put = storage.store.put_opts(to, bytes.into(), options).await;
        put.map_err(|error| storage.place.failed(Operation::Put, key, &error))?;
        return Ok(Stored { size, sha256: reading.hash.finalize().into() });
    }
    let options = PutMultipartOptions { attributes, ..PutMultipartOptions::default() };
    let upload = storage.store.put_multipart_opts(to, options).await;
    let mut upload = upload.map_err(|error| storage.place.failed(Operation::Put, key, &error))?;
    let all = async {
        let reading = match parts(&mut *upload, reading, part).await {
            Ok(reading) => reading,
            Err(Broken::File(error)) => return Err(unread(&error)),
            Err(Broken::Store(error)) => {
                return Err(storage.place.failed(Operation::Put, key, &error));
            }
        };
        let complete = upload.complete().await;
        complete.map_err(|error| storage.place.failed(Operation::Put, key, &error))?;
        Ok(Stored { size, sha256: reading.hash.finalize().into() })
    };
    let stored = all.await;
    if stored.is_err() {
        // What matters is why it did not go up; what stays is what a dead process leaves as well.
        drop(upload.abort().await);
    }
    stored
}

/// A directory has no place for what objects are said to be.
fn attributes(storage: &Storage, key: &str) -> Attributes {
    if storage.place.is_directory {
        return Attributes::new();
    }
    Attributes::from_iter([(Attribute::ContentType, content_type(key))])
}

/// Whose fault it is that a part did not go up.
enum Broken {
    File(io::Error),
    Store(object_store::Error),
}

/// Takes all parts up, a few at a time.
async fn parts(
    upload: &mut dyn MultipartUpload,
    mut reading: Reading,
    part: u64,
) -> Result<Reading, Broken> {
    let mut under_way: FuturesUnordered<UploadPart> = FuturesUnordered::new();
    while reading.left > 0 {
        if under_way.len() == AT_ONCE
            && let Some(done) = under_way.next().await
        {
            done.map_err(Broken::Store)?;
        }
        let (next, bytes) = aside(move || reading.next(part)).await.map_err(Broken::File)?;
        reading = next;
        under_way.push(upload.put_part(PutPayload::from(bytes)));
    }
    while let Some(done) = under_way.next().await {
        done.map_err(Broken::Store)?;
    }
    Ok(reading)
}

/// Reads and hashes where nobody waits for the same thread.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_grow_with_what_would_be_too_many_of_them() {
        let least = 8 << 20;

        assert_eq!(size_of_parts(least, 0), least);
        assert_eq!(size_of_parts(least, 10_000 * least), least);
        let size = 10_000 * least + 1;
        let part = size_of_parts(least, size);
        assert_eq!(part, 9 << 20);
        assert!(size.div_ceil(part) <= MOST_PARTS);
    }

    #[test]
    fn an_object_is_said_to_be_what_its_name_says() {
        assert_eq!(content_type("acme.tar.gz"), "application/gzip");
        assert_eq!(content_type("acme.tar"), "application/x-tar");
        assert_eq!(content_type("acme"), "application/octet-stream");
    }
}
