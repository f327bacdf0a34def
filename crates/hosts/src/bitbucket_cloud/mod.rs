//! Bitbucket Cloud, over its REST API 2.0, as a source and a destination.
//!
//! `README.md` has its quirks, with sources. What the API does not give out is in
//! `support.rs`, before anything moves.

mod api;
mod calls;
mod map;
mod place;
mod read;
mod roles;
mod support;
mod wire;
mod write;

pub(crate) use calls::CALLS;
pub(crate) use roles::roles;

use api::Api;
use packhorse_core::{
    Access, Endpoint, HostError, HostErrorKind, HostSpec, Location, OpenContext, port::Sink,
};
use place::Place;
use std::sync::Arc;

/// A workspace of Bitbucket Cloud.
pub(crate) const SPEC: HostSpec = HostSpec {
    id: "bitbucket-cloud",
    aliases: &["bitbucket"],
    title: "Bitbucket Cloud",
    location: "URL",
    reads: support::reads,
    writes: support::writes,
    open,
};

fn open(location: &Location, context: &OpenContext) -> Result<Endpoint, HostError> {
    let place = Place::of(location).map_err(|error| {
        HostError::new(HostErrorKind::Rejected, "read the address of a workspace").because(error)
    })?;
    let api = Arc::new(Api::new(place)?);
    let source = Arc::new(read::CloudSource::new(Arc::clone(&api)));
    let sink: Option<Arc<dyn Sink>> = match context.access {
        Access::Read => None,
        Access::Write | Access::Plan => {
            Some(Arc::new(write::CloudSink::new(api, context.scratch.clone())))
        }
    };
    Ok(Endpoint { source: Some(source), sink })
}
