//! Verifying dumps: every element, every file of a release, every repository.

use super::read;
use crate::{
    check::CheckReport,
    container::ArchiveError,
    spool::{self, SpoolError},
};
use std::path::Path;

/// Reads dumps through, and tells what does not hold together.
pub(crate) fn check(path: &Path) -> Result<CheckReport, ArchiveError> {
    let scratch = tempfile::tempdir().map_err(ArchiveError::system("make a scratch directory"))?;
    let surveyed = read::survey(path, None, scratch.path()).map_err(SpoolError::into_archive)?;
    let mut report = CheckReport::default();
    spool::tally(&surveyed, &mut report).map_err(SpoolError::into_archive)?;
    report.members = report.projects;
    report.repositories = surveyed.contents.n_repositories();
    for it in surveyed.losses.iter().filter(|it| read::is_damage(&it.name)) {
        report.find(&it.name, format!("{} ({} times)", it.loss.detail, it.count));
    }
    Ok(report)
}
