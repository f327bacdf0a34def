//! Verifying an archive of any format, told by what is in it.

use crate::{
    container::{Archive, ArchiveError, Limits},
    gitea_dump, github, gitlab_archive, packhorse,
};
use serde::Serialize;
use std::{fmt, path::Path};

/// Findings that are kept.
const MAX_FINDINGS: usize = 1_000;
/// Members by whose names a format is told.
const PEEK_MEMBERS: usize = 256;

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

/// Whose layout an archive has.
enum Layout {
    Packhorse,
    Github,
    Gitlab,
}

/// Tells a layout by the names of the first members; what is no other's is taken for ours.
fn layout(path: &Path) -> Result<Layout, ArchiveError> {
    let archive = Archive::open(path, Limits::of_this_run())?;
    let (mut found, mut n) = (Layout::Packhorse, 0);
    let enough = || ArchiveError::OverLimit { what: "peeking".to_owned(), limit: 0 };
    let scan = archive.scan(|member, _| {
        n += 1;
        let name = member.name.as_str();
        let is_gitlabs = matches!(name, "VERSION" | "GITLAB_VERSION" | "GITLAB_REVISION")
            || ["tree/project", "tree/groups/"].iter().any(|it| name.starts_with(it));
        if name == "schema.json" {
            found = Layout::Github;
        } else if is_gitlabs {
            found = Layout::Gitlab;
        } else if n < PEEK_MEMBERS {
            return Ok(());
        }
        Err(enough())
    });
    // Whatever is wrong with the archive is found when it is checked.
    drop(scan);
    Ok(found)
}

/// Checks a whole archive, of any format that is known here: structure, counts, every record,
/// hashes, the heads of bundles, references to files.
///
/// # Errors
///
/// When the archive cannot be gone through at all: it is cut off or damaged, or does not agree
/// with what it says of itself.
pub fn check(path: &Path) -> Result<CheckReport, ArchiveError> {
    if path.is_dir() {
        return gitea_dump::check(path);
    }
    match layout(path)? {
        Layout::Packhorse => packhorse::check(path),
        Layout::Github => github::check(path),
        Layout::Gitlab => gitlab_archive::check(path),
    }
}
