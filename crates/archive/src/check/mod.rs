//! Verifying an archive of any format, told by what is in it.

mod importer;
mod references;
mod whole;

use crate::{
    bitbucket_archive, container::ArchiveError, gitea_dump, github, gitlab_archive, kin::Kin,
    packhorse,
};
use packhorse_core::HostError;
use serde::Serialize;
use std::{fmt, path::Path};

/// Findings that are kept.
const MAX_FINDINGS: usize = 1_000;

/// What checking an archive came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// Members, those apart that describe the others.
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
}

/// Something that is wrong with a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckFinding {
    /// The member.
    pub member: String,
    /// What is wrong with it.
    pub detail: String,
}

impl CheckReport {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    pub(crate) fn find(&mut self, member: &str, detail: impl Into<String>) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(CheckFinding { member: member.to_owned(), detail: detail.into() });
        }
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} members, {} bytes: {} projects, {} records, {} repositories, {} files",
            self.members, self.bytes, self.projects, self.records, self.repositories, self.blobs,
        )?;
        for finding in &self.findings {
            writeln!(f, "{}: {}", finding.member, finding.detail)?;
        }
        if self.is_clean() { writeln!(f, "everything is as it should be") } else { Ok(()) }
    }
}

/// Whose archive is at a path; what is no other's is taken for ours.
fn kin(path: &Path) -> Kin {
    Kin::at(path).unwrap_or(if path.is_dir() { Kin::Gitea } else { Kin::Packhorse })
}

/// Checks a whole archive, of any format that is known here: structure, counts, every record,
/// hashes, the heads of bundles, references to files.
///
/// # Errors
///
/// When the archive cannot be gone through at all: it is cut off or damaged, or does not agree
/// with what it says of itself.
pub fn check(path: &Path) -> Result<CheckReport, ArchiveError> {
    match kin(path) {
        Kin::Packhorse => packhorse::check(path),
        Kin::Github => github::check(path),
        Kin::Gitlab => gitlab_archive::check(path),
        Kin::Gitea => gitea_dump::check(path),
        Kin::Bitbucket => bitbucket_archive::check(path),
    }
}

/// Reads every record, file and repository of an archive that was [checked](check), and adds what
/// is wrong with them: what refers to what is not there, bytes that are not as they are announced,
/// what Git complains about, and what is longer than importers take.
///
/// Repositories are unpacked below `scratch`, one at a time.
///
/// # Errors
///
/// When the archive cannot be read, or Git cannot be run.
pub async fn check_whole(
    path: &Path,
    scratch: &Path,
    report: &mut CheckReport,
) -> Result<(), HostError> {
    whole::walk(kin(path).format(), path, scratch, report).await
}
