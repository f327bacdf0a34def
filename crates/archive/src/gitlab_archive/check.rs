//! Verifying an export: rows, files, bundles, and what GitLab's importer takes.

use super::read;
use crate::{
    check::CheckReport,
    container::{Archive, ArchiveError, Limits},
    spool::{self, SpoolError},
};
use packhorse_git::bundle::BundleHeader;
use std::path::Path;

/// Most bytes that GitLab unpacks of an import, by default.
///
/// Source: GitLab, "Import and export settings", "Maximum decompressed file size"; 10 GiB until 16.
const MAX_BYTES: u64 = 10 << 30;

/// Reads an export through, and tells what does not hold together.
pub(crate) fn check(path: &Path) -> Result<CheckReport, ArchiveError> {
    let mut report = CheckReport::default();
    let (mut members, mut bytes) = (0, 0);
    for file in read::files(path).map_err(SpoolError::into_archive)? {
        let archive = Archive::open(&file, Limits::of_this_run())?;
        let mut unpacked = 0;
        archive.scan(|member, _| {
            (members, unpacked) = (members + 1, unpacked + member.size);
            Ok(())
        })?;
        if unpacked > MAX_BYTES {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            report.find(&name, format!("{unpacked} bytes are more than GitLab unpacks by default"));
        }
        bytes += unpacked;
    }
    let scratch = tempfile::tempdir().map_err(ArchiveError::system("make a scratch directory"))?;
    let surveyed = read::survey(path, None, scratch.path()).map_err(SpoolError::into_archive)?;
    spool::tally(&surveyed, &mut report).map_err(SpoolError::into_archive)?;
    (report.members, report.bytes) = (members, bytes);
    for (name, bundle) in surveyed.contents.bundles()? {
        report.repositories += 1;
        match BundleHeader::read(bundle) {
            Ok(header) if !header.prerequisites.is_empty() => {
                report.find(&name, "it wants objects that are not in it");
            }
            Ok(_) => {}
            Err(error) => report.find(&name, error.to_string()),
        }
    }
    for it in &surveyed.losses {
        if read::is_damage(&it.name) {
            report.find(&it.name, format!("{} ({} times)", it.loss.detail, it.count));
        }
    }
    Ok(report)
}
