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
mod owners;
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

use crate::ends;
use packhorse_core::{Endpoint, HostError, HostSpec, Location, OpenContext, port::Source};
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
    let source = |path: &Path, only, scratch: &Path| -> Result<Arc<dyn Source>, _> {
        Ok(Arc::new(source::GithubArchive::open(path, only, scratch)?))
    };
    ends::open(location, context, source, |_| sink::Github)
}
