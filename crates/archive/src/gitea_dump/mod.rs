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

use crate::{ends, spool::SpoolSource};
use packhorse_core::{Endpoint, HostError, HostSpec, Location, OpenContext, port::Source};
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
    let source = |path: &Path, only, scratch: &Path| -> Result<Arc<dyn Source>, _> {
        Ok(Arc::new(SpoolSource::new(read::Dump, path, only, scratch)))
    };
    ends::open(location, context, source, |_| sink::Dump)
}
