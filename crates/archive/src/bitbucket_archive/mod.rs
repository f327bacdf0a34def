//! Bitbucket Data Center's export, as a source and a sink.
//!
//! What its migration service writes and reads: a tar that is not packed, whose entries are packed
//! each, with tars in it that hold repositories. One archive holds any number of projects.
//!
//! `README.md` has the quirks, with their sources; `docs/formats/bitbucket-archive.md` the layout.

mod check;
mod entry;
mod json;
mod losses;
mod map;
mod read;
mod support;
mod who;
mod wire;
mod write;

pub(crate) use check::check;

use crate::spool::{SpoolSink, SpoolSource};
use packhorse_core::{Access, Endpoint, HostError, HostSpec, Location, OpenContext};
use std::{path::Path, sync::Arc};

/// Name of the format.
const FORMAT: &str = "bitbucket-archive";

/// Bitbucket Data Center's export.
pub static SPEC: HostSpec = HostSpec {
    id: FORMAT,
    aliases: &["bitbucket-export"],
    title: "Bitbucket Data Center export",
    location: "FILE.tar",
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
        let source = SpoolSource::new(read::Export, path, only, &context.scratch);
        endpoint.source = Some(Arc::new(source));
    }
    if is_written {
        let sink = SpoolSink::new(write::Export, path, &context.scratch, context.resume);
        endpoint.sink = Some(Arc::new(sink));
    }
    Ok(endpoint)
}
