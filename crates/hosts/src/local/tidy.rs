//! Taking away blobs that no record has any more.
//!
//! A record that goes leaves its bytes behind, since others may have the same ones. Bytes also come
//! before their record does: so what came within the last day stays, whoever it is for.

use super::{blobs, database::Readers, digest::Digest, error::StoreError, layout::Layout};
use packhorse_core::HostError;
use rusqlite::Connection;
use serde::Serialize;
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// How long bytes may be there without a record.
const GRACE: Duration = Duration::from_secs(24 * 60 * 60);

/// What tidying came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tidied {
    /// Blobs that were taken away.
    pub removed: u64,
    /// Bytes that they had.
    pub bytes: u64,
    /// Blobs without a record that came within the last day, and stay.
    pub waiting: u64,
}

/// Takes away the blobs of the store in a directory that no record has any more.
///
/// Anything else in the directory of blobs is left as it is.
///
/// # Errors
///
/// When there is no store, or it cannot be read or changed.
pub fn tidy(directory: &Path) -> Result<Tidied, HostError> {
    let tidied = std::path::absolute(directory)
        .map_err(StoreError::from)
        .and_then(|root| all(&Layout::new(root), SystemTime::now()));
    tidied.map_err(|error| error.during("tidy the store").with("path", directory.display()))
}

fn all(layout: &Layout, now: SystemTime) -> Result<Tidied, StoreError> {
    let readers = Readers::open(layout.clone())?;
    blobs::sweep(layout)?;
    readers.read(|connection| {
        // By name, which the table has no index for; the file behind it goes with the connection.
        connection.execute_batch(
            "DROP TABLE IF EXISTS temp.named;
             CREATE TEMP TABLE named (sha256 BLOB PRIMARY KEY) WITHOUT ROWID;
             INSERT OR IGNORE INTO temp.named SELECT sha256 FROM blobs;",
        )?;
        let mut tidied = Tidied::default();
        for directory in entries(&layout.blobs())? {
            for file in entries(&directory)? {
                look_at(layout, connection, &file, now, &mut tidied)?;
            }
        }
        Ok(tidied)
    })
}

/// Takes a file away if it is a blob, nobody's, and old enough.
fn look_at(
    layout: &Layout,
    connection: &Connection,
    file: &Path,
    now: SystemTime,
    tidied: &mut Tidied,
) -> Result<(), StoreError> {
    let Some(digest) = digest_of(file) else { return Ok(()) };
    let is_named: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM temp.named WHERE sha256 = ?1)")?
        .query_row([digest.as_bytes()], |row| row.get(0))?;
    if is_named {
        return Ok(());
    }
    // Whoever brings the same bytes now waits, or has made them young.
    let lock = blobs::lock(layout)?;
    lock.lock()?;
    // SECURITY: a link is no blob, and what it leads to is not ours.
    let found = fs::symlink_metadata(file)?;
    if !found.is_file() {
        return Ok(());
    }
    let age = now.duration_since(found.modified()?).unwrap_or_default();
    if age < GRACE {
        tidied.waiting += 1;
        return Ok(());
    }
    fs::remove_file(file)?;
    tidied.removed += 1;
    tidied.bytes += found.len();
    Ok(())
}

/// The digest that a file's path says, if it is that of a blob.
fn digest_of(file: &Path) -> Option<Digest> {
    let name = file.file_name()?.to_str()?;
    let directory = file.parent()?.file_name()?.to_str()?;
    format!("{directory}{name}").parse().ok().filter(|_| directory.len() == 2)
}

/// What is in a directory, if there is one.
fn entries(directory: &Path) -> Result<Vec<PathBuf>, StoreError> {
    match fs::read_dir(directory) {
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            Ok(Vec::new())
        }
        found => Ok(found?.map(|it| it.map(|it| it.path())).collect::<Result<_, _>>()?),
    }
}
