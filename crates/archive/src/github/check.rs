//! Verifying an archive: what refers to what is not there.

use super::{index::Index, survey::survey};
use crate::{
    check::CheckReport,
    container::{Archive, ArchiveError, Limits},
};
use packhorse_core::RepoKind;
use std::{path::Path, sync::Arc};

/// What is unknown is no damage.
const UNKNOWN: &str = "not known";

/// Reads an archive through, and tells what does not hold together.
pub(crate) fn check(path: &Path) -> Result<CheckReport, ArchiveError> {
    let scratch = tempfile::tempdir().map_err(ArchiveError::system("make a scratch directory"))?;
    let archive = Arc::new(Archive::open(path, Limits::of_this_run())?);
    let index = survey(&archive, scratch.path())?;
    let mut report = CheckReport { blobs: index.blobs.len() as u64, ..CheckReport::default() };
    archive.scan(|member, _| {
        report.members += 1;
        report.bytes += member.size;
        Ok(())
    })?;
    for project in index.projects.keys() {
        report.projects += u64::from(index.has_project(project));
        let has = |repo| index.repository(project, repo).is_some();
        report.repositories += u64::from(has(RepoKind::Code)) + u64::from(has(RepoKind::Wiki));
    }
    report.records = records(&index);
    for it in index.shared_inventory(None).losses {
        if !it.loss.detail.contains(UNKNOWN) {
            report.find(&it.name, format!("{} ({} times)", it.loss.detail, it.count));
        }
    }
    Ok(report)
}

fn records(index: &Index) -> u64 {
    index.counts.values().sum()
}
