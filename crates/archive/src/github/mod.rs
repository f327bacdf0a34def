//! GitHub's migration archive, as a source and a sink.
//!
//! What GitHub's exports and GitHub Enterprise's migrations write and read: a
//! tar in gzip with a JSON file for each hundred records of a sort, bare
//! repositories and files. A record's web address is its id.
//!
//! `README.md` has the quirks, with their sources.

mod address;
mod expand;
mod files;
mod index;
mod map;
mod numbers;
mod plural;
mod read;
mod shelf;
mod source;
mod support;
mod survey;
mod wire;

use packhorse_core::{Endpoint, HostError, HostSpec, Location, OpenContext};

/// GitHub's migration archive.
pub static SPEC: HostSpec = HostSpec {
    id: "github-archive",
    aliases: &["ghe-archive"],
    title: "GitHub migration archive",
    location: "FILE.tar.gz",
    reads: support::reads,
    writes: support::reads,
    open,
};

fn open(location: &Location, context: &OpenContext) -> Result<Endpoint, HostError> {
    let path = std::path::PathBuf::from(&location.rest);
    let source = source::GithubArchive::open(&path, location.project.clone(), &context.scratch)?;
    Ok(Endpoint { source: Some(std::sync::Arc::new(source)), sink: None })
}
