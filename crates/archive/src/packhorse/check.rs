//! Verifying an archive fully: `packhorse archive check`.

use super::index::Index;
use crate::container::{Archive, ArchiveError};
use serde::Serialize;
use std::{fmt, path::Path};

/// Findings that are kept.
const MAX_FINDINGS: usize = 1_000;

/// What checking an archive came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// Members, the manifest apart.
    pub members: u64,
    /// Bytes in them, uncompressed.
    pub bytes: u64,
    /// Projects.
    pub projects: u64,
    /// Records.
    pub records: u64,
    /// Repositories and wikis.
    pub repositories: u64,
    /// Blobs.
    pub blobs: u64,
    /// What is wrong, up to 1,000 findings.
    pub findings: Vec<CheckFinding>,
    /// What is of a later version of the format, and cannot be read here.
    pub unknown: Vec<CheckFinding>,
}

/// Something that is wrong with a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckFinding {
    /// The member, the directory of members, or the field.
    pub member: String,
    /// What is wrong with it.
    pub detail: String,
}

impl CheckReport {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} members, {} bytes: {} projects, {} records, {} repositories, {} files",
            self.members, self.bytes, self.projects, self.records, self.repositories, self.blobs,
        )?;
        for CheckFinding { member, detail } in self.findings.iter().chain(&self.unknown) {
            writeln!(f, "{member}: {detail}")?;
        }
        if self.is_clean() { writeln!(f, "everything is as it should be") } else { Ok(()) }
    }
}

/// Checks a whole archive: hashes, counts, every record, bundles' refs, references to blobs.
///
/// # Errors
///
/// When the archive cannot be gone through at all: it is cut off, its compressed bytes are damaged,
/// it is over a limit, or it is no archive of a version that is known here.
pub fn check(path: &Path) -> Result<CheckReport, ArchiveError> {
    let archive = Archive::open(path, super::limits())?;
    let scratch = tempfile::tempdir().map_err(ArchiveError::system("make a scratch directory"))?;
    let (index, found) = Index::examine(&archive, scratch.path())?;
    let unknown = index.losses.iter().map(|it| CheckFinding {
        member: it.name.clone(),
        detail: format!("{} ({} times)", it.loss.detail, it.count),
    });
    Ok(CheckReport {
        members: index.end.members,
        bytes: index.end.bytes,
        projects: index.projects.len() as u64,
        records: index.lanes.values().map(|it| it.records).sum(),
        repositories: index.repositories.len() as u64,
        blobs: index.blobs.len() as u64,
        findings: found.into_iter().take(MAX_FINDINGS).map(finding).collect(),
        unknown: unknown.collect(),
    })
}

fn finding(error: ArchiveError) -> CheckFinding {
    match error {
        ArchiveError::Inconsistent { member, detail } => CheckFinding { member, detail },
        ArchiveError::Malformed { member, at, detail } => {
            CheckFinding { member, detail: format!("byte {at}: {detail}") }
        }
        error @ (ArchiveError::NotAnArchive { .. }
        | ArchiveError::Truncated { .. }
        | ArchiveError::Damaged { .. }
        | ArchiveError::Refused { .. }
        | ArchiveError::OverLimit { .. }
        | ArchiveError::Version { .. }
        | ArchiveError::System { .. }) => {
            CheckFinding { member: super::layout::MANIFEST.to_owned(), detail: error.to_string() }
        }
    }
}
