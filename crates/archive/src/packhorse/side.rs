//! What a half-written archive holds, member by member, beside it on disk.
//!
//! A line a member, with the archive's length after the flush that it came in.
//! After a crash, lines beyond the length that the ledger vouches for are dropped.

use super::manifest::MemberLine;
use crate::container::ArchiveError;
use serde::{Deserialize, Serialize};
use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// A line of the side file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SideLine {
    /// Length of the archive once this member is safe.
    pub(super) at: u64,
    pub(super) member: MemberLine,
    /// Of a revisions chunk: ids, and whether each is removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) revised: Vec<(String, bool)>,
}

/// The first line: which writing of the archive this is.
#[derive(Debug, Serialize, Deserialize)]
struct First {
    writing: String,
}

/// The side file of an archive.
#[derive(Debug)]
pub(super) struct Side {
    path: PathBuf,
    file: File,
    pub(super) writing: String,
}

fn fail() -> impl FnOnce(std::io::Error) -> ArchiveError {
    ArchiveError::system("note what the archive holds")
}

impl Side {
    /// Begins a new side file.
    pub(super) fn create(path: &Path, writing: String) -> Result<Self, ArchiveError> {
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600);
        drop(std::fs::remove_file(path));
        let mut file = options.open(path).map_err(fail())?;
        let first = serde_json::to_string(&First { writing: writing.clone() }).unwrap_or_default();
        writeln!(file, "{first}").map_err(fail())?;
        Ok(Self { path: path.to_owned(), file, writing })
    }

    /// Opens a side file, keeping only what is safe within that length.
    pub(super) fn recover(path: &Path, length: u64) -> Result<Self, ArchiveError> {
        let reader = BufReader::new(File::open(path).map_err(fail())?);
        // By bytes: a torn line may end within a character.
        let mut lines = reader.split(b'\n');
        let first = lines.next().transpose().map_err(fail())?.unwrap_or_default();
        let writing = serde_json::from_slice::<First>(&first)
            .map_err(|error| {
                ArchiveError::malformed(&path.to_string_lossy(), 0, error.to_string())
            })?
            .writing;
        let kept = path.with_extension("kept");
        let mut side = Self::create(&kept, writing)?;
        for line in lines {
            // The last line may be torn; whatever follows it is not safe either.
            let Ok(line) = serde_json::from_slice::<SideLine>(&line.map_err(fail())?) else {
                break;
            };
            if line.at <= length {
                side.append(&line)?;
            }
        }
        std::fs::rename(&kept, path).map_err(fail())?;
        side.path = path.to_owned();
        Ok(side)
    }

    pub(super) fn append(&mut self, line: &SideLine) -> Result<(), ArchiveError> {
        let text = serde_json::to_string(line)
            .map_err(|error| ArchiveError::malformed(&line.member.name, 0, error.to_string()))?;
        self.file.write_all((text + "\n").as_bytes()).map_err(fail())
    }

    pub(super) fn sync(&self) -> Result<(), ArchiveError> {
        self.file.sync_data().map_err(fail())
    }

    /// Visits all lines, from the first.
    pub(super) fn each(
        &self,
        mut visit: impl FnMut(SideLine) -> Result<(), ArchiveError>,
    ) -> Result<(), ArchiveError> {
        let reader = BufReader::new(File::open(&self.path).map_err(fail())?);
        for line in reader.lines().skip(1) {
            let line = serde_json::from_str(&line.map_err(fail())?).map_err(|error| {
                ArchiveError::malformed(&self.path.to_string_lossy(), 0, error.to_string())
            })?;
            visit(line)?;
        }
        Ok(())
    }
}
