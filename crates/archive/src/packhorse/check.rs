//! Verifying an archive fully: `packhorse archive check`.

use super::index::{Chunk, Index, sketch};
use crate::{
    check::CheckReport,
    container::{Archive, ArchiveError, Limits, Lines},
};
use packhorse_git::bundle::BundleHeader;
use std::path::Path;

/// Checks a whole archive: hashes, counts, every record, bundle headers, references to blobs.
///
/// # Errors
///
/// When the archive cannot be gone through at all: it is cut off, damaged, or
/// does not agree with its manifest.
pub fn check(path: &Path) -> Result<CheckReport, ArchiveError> {
    let limits = Limits { max_record_bytes: 17 << 20, ..Limits::of_this_run() };
    let archive = Archive::open(path, limits)?;
    let scratch = tempfile::tempdir().map_err(ArchiveError::system("make a scratch directory"))?;
    let index = Index::build(&archive, scratch.path())?;
    let mut report = CheckReport {
        members: index.end.members,
        bytes: index.end.bytes,
        projects: index.projects().len() as u64,
        records: index.end.records,
        repositories: index.repositories.len() as u64,
        blobs: index.blobs.len() as u64,
        findings: Vec::new(),
    };
    for loss in &index.losses {
        report.find(&loss.name, loss.loss.detail.clone());
    }
    for lane in index.lanes.values() {
        for chunk in lane.plain.iter().chain(&lane.revisions) {
            records(&archive, &index, chunk, &mut report)?;
        }
    }
    for repository in index.repositories.values() {
        let Some(bundle) = &repository.bundle else { continue };
        match BundleHeader::read(archive.member(bundle, 0)?) {
            Ok(header) if !header.prerequisites.is_empty() => {
                report.find(&bundle.name, "it wants objects that are not in it");
            }
            Ok(header) if header.refs.digest() != repository.state.refs_digest => {
                report.find(&bundle.name, "its refs are not those that the repository has");
            }
            Ok(_) => {}
            Err(error) => report.find(&bundle.name, error.to_string()),
        }
    }
    Ok(report)
}

fn records(
    archive: &Archive,
    index: &Index,
    chunk: &Chunk,
    report: &mut CheckReport,
) -> Result<(), ArchiveError> {
    let name = &chunk.member.name;
    let mut lines = Lines::new(archive.member(&chunk.member, 0)?, name, archive.limits());
    while let Some(line) = lines.next()? {
        let sketch = sketch(name, 0, line)?;
        if let Some(blob) = &sketch.blob
            && index.blobs.get(&blob.sha256).is_none_or(|it| it.size != blob.size)
        {
            report.find(name, format!("the file of `{}` is not there", sketch.id));
        }
    }
    Ok(())
}
