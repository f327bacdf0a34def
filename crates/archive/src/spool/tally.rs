//! Counting what was read, for those who check an archive.

use super::{Spool, SpoolError, Surveyed};
use crate::{check::CheckReport, container::ArchiveError};
use packhorse_core::{Carriage, Scope};

impl SpoolError {
    /// The same for whoever checks an archive.
    pub(crate) fn into_archive(self) -> ArchiveError {
        if let Self::Archive(error) = self {
            return error;
        }
        let source = std::io::Error::other(self);
        ArchiveError::System { operation: "check the archive", source }
    }
}

/// Counts projects, records and files.
pub(crate) fn tally<C>(surveyed: &Surveyed<C>, report: &mut CheckReport) -> Result<(), SpoolError> {
    let projects = surveyed.with(Spool::projects)?;
    report.projects = projects.len() as u64;
    let scopes = projects.into_iter().map(|it| Scope::Project(it.path));
    for scope in scopes.chain([Scope::Shared]) {
        for it in surveyed.with(|spool| spool.counts(&scope))? {
            let n = it.records.unwrap_or_default();
            report.records += n;
            report.blobs += if it.kind.carriage() == Carriage::Blob { n } else { 0 };
            report.bytes += it.bytes.unwrap_or_default();
        }
    }
    Ok(())
}
