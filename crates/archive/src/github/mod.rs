//! GitHub's migration archive, as a source and a sink.
//!
//! What GitHub's exports and GitHub Enterprise's migrations write and read: a
//! tar in gzip with a JSON file for each hundred records of a sort, bare
//! repositories and files. A record's web address is its id.
//!
//! `README.md` has the quirks, with their sources.

mod address;
mod bytes;
mod check;
mod embed;
mod expand;
mod export;
mod files;
mod index;
mod json;
mod losses;
mod map;
mod numbers;
mod plural;
mod read;
mod seed;
mod shelf;
mod sink;
mod source;
mod support;
mod survey;
pub(crate) mod wire;

pub(crate) use check::check;

use crate::spool::SpoolSink;
use packhorse_core::{Access, Endpoint, HostError, HostSpec, Location, OpenContext};
use std::{path::Path, sync::Arc};

/// GitHub's migration archive.
pub static SPEC: HostSpec = HostSpec {
    id: "github-archive",
    aliases: &["ghe-archive"],
    title: "GitHub migration archive",
    location: "FILE.tar.gz",
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
        let source = source::GithubArchive::open(path, only, &context.scratch)?;
        endpoint.source = Some(Arc::new(source));
    }
    if is_written {
        endpoint.sink =
            Some(Arc::new(SpoolSink::new(sink::Github, path, &context.scratch, context.resume)));
    }
    Ok(endpoint)
}
