//! GitLab's export of a project or a group, as a source and a sink.
//!
//! What GitLab's "Export project" writes and "Import project" reads: a tar in gzip with a version,
//! a row of JSON for each record with all that hangs on it, bundles of repositories, uploaded files
//! and LFS objects. One archive holds one project; a directory holds one archive a project.
//!
//! `README.md` has the quirks, with their sources.

mod check;
mod id;
mod losses;
mod map;
mod people;
mod read;
mod support;
mod wire;
mod write;

pub(crate) use check::check;

use crate::{ends, spool::SpoolSource};
use packhorse_core::{Endpoint, HostError, HostSpec, Location, OpenContext, port::Source};
use std::{path::Path, sync::Arc};

/// Name of the format.
const FORMAT: &str = "gitlab-archive";

/// GitLab's export.
pub static SPEC: HostSpec = HostSpec {
    id: FORMAT,
    aliases: &["gitlab-export"],
    title: "GitLab project export",
    location: "FILE.tar.gz or DIRECTORY",
    reads: support::reads,
    writes: support::writes,
    open,
};

fn open(location: &Location, context: &OpenContext) -> Result<Endpoint, HostError> {
    let source = |path: &Path, only, scratch: &Path| -> Result<Arc<dyn Source>, _> {
        Ok(Arc::new(SpoolSource::new(read::GitlabExport, path, only, scratch)))
    };
    ends::open(location, context, source, write::GitlabExport::at)
}

/// The archives of groups in a file or a directory.
pub(crate) fn group_trees(
    path: &Path,
) -> Result<Vec<crate::GroupTree>, crate::container::ArchiveError> {
    read::group_trees(path).map_err(crate::spool::SpoolError::into_archive)
}

/// Whether a location means one file rather than a directory of them.
fn is_file(path: &Path) -> bool {
    if path.exists() {
        return path.is_file();
    }
    let name = path.file_name().map(|it| it.to_string_lossy().to_lowercase()).unwrap_or_default();
    [".tar.gz", ".tgz", ".tar"].iter().any(|it| name.ends_with(it))
}
