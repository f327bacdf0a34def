//! The directory that `gitea dump-repo` writes and `gitea restore-repo` reads, as a source and a sink.
//!
//! YAML files with a list each, bare repositories, and files of releases: `<owner>/<name>/repo.yml`
//! and what stands beside it. `README.md` has the quirks, with their sources.

mod check;
mod elements;
mod export;
mod losses;
mod map;
mod people;
mod read;
mod sink;
mod support;
mod wire;

pub(crate) use check::check;

use crate::spool::{SpoolSink, SpoolSource};
use packhorse_core::{Access, Endpoint, HostError, HostSpec, Location, OpenContext};
use std::{path::Path, sync::Arc};

/// Name of the format.
const FORMAT: &str = "gitea-dump";

/// Gitea's dump.
pub static SPEC: HostSpec = HostSpec {
    id: FORMAT,
    aliases: &["forgejo-dump"],
    title: "Gitea repository dump",
    location: "DIRECTORY",
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
        let source = SpoolSource::new(read::Dump, path, only, &context.scratch);
        endpoint.source = Some(Arc::new(source));
    }
    if is_written {
        let sink = SpoolSink::new(sink::Dump, path, &context.scratch, context.resume);
        endpoint.sink = Some(Arc::new(sink));
    }
    Ok(endpoint)
}
