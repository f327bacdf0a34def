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

use crate::{ends, spool::SpoolSource};
use packhorse_core::{Endpoint, HostError, HostSpec, Location, OpenContext, port::Source};
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
    let source = |path: &Path, only, scratch: &Path| -> Result<Arc<dyn Source>, _> {
        Ok(Arc::new(SpoolSource::new(read::Export, path, only, scratch)))
    };
    ends::open(location, context, source, |_| write::Export)
}
