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

use crate::spool::{SpoolSink, SpoolSource};
use packhorse_core::{Access, Endpoint, HostError, HostSpec, Location, OpenContext};
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
    let path = Path::new(&location.rest);
    let is_written = context.access != Access::Read;
    let mut endpoint = Endpoint::default();
    if !is_written || path.exists() {
        let only = location.project.clone();
        let source = SpoolSource::new(read::GitlabExport, path, only, &context.scratch);
        endpoint.source = Some(Arc::new(source));
    }
    if is_written {
        let layout = write::GitlabExport::at(path);
        let sink = SpoolSink::new(layout, path, &context.scratch, context.resume);
        endpoint.sink = Some(Arc::new(sink));
    }
    Ok(endpoint)
}

/// Whether a location means one file rather than a directory of them.
fn is_file(path: &Path) -> bool {
    if path.exists() {
        return path.is_file();
    }
    let name = path.file_name().map(|it| it.to_string_lossy().to_lowercase()).unwrap_or_default();
    [".tar.gz", ".tgz", ".tar"].iter().any(|it| name.ends_with(it))
}
