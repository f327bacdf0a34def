//! Packhorse's own store in a directory, as a source and a sink.
//!
//! It holds every kind of object in full: records in one SQLite file,
//! repositories as bare Git repositories that plain `git clone` reads, blobs as
//! files named by their SHA-256. It is what the other hosts are measured by.
//!
//! `README.md` describes the directory.

mod blobs;
mod buffer;
mod database;
mod digest;
mod error;
mod key;
mod layout;
mod records;
mod repositories;
mod sink;
mod source;
mod support;
mod tidy;
mod webs;

use error::StoreError;
use layout::Layout;
use packhorse_core::{Access, Endpoint, HostError, HostSpec, Location, OpenContext};
use std::sync::Arc;
pub use tidy::{Tidied, tidy};

/// The embedded store.
pub(crate) const SPEC: HostSpec = HostSpec {
    id: "local",
    aliases: &["store"],
    title: "Local store",
    location: "DIRECTORY",
    reads: support::reads,
    writes: support::writes,
    open,
};

fn open(location: &Location, context: &OpenContext) -> Result<Endpoint, HostError> {
    std::path::absolute(&location.rest)
        .map_err(StoreError::from)
        .and_then(|root| {
            let root = if context.access == Access::Plan && !root.exists() {
                context.scratch.join("planned-store")
            } else {
                root
            };
            open_store(Layout::new(root), location.project.clone(), context.access)
        })
        .map_err(|error| error.during("open the store").with("path", &location.rest))
}

fn open_store(
    layout: Layout,
    only: Option<String>,
    access: Access,
) -> Result<Endpoint, StoreError> {
    let writer = match access {
        Access::Read => None,
        Access::Write | Access::Plan => {
            let writer = database::Writer::open(&layout)?;
            blobs::sweep(&layout)?;
            Some(writer)
        }
    };
    let readers = Arc::new(database::Readers::open(layout)?);
    let source = Arc::new(source::LocalSource::new(Arc::clone(&readers), only));
    Ok(Endpoint {
        source: Some(source),
        sink: writer.map(|writer| Arc::new(sink::LocalSink::new(readers, writer)) as _),
    })
}
