//! Bitbucket Data Center and Server, over their REST API 1.0, as a source and a
//! destination.
//!
//! It has projects, repositories, pull requests and what is said in them. It has
//! no issues, labels of issues, milestones, releases or wikis. `README.md` has
//! its quirks, with sources.

mod api;
mod calls;
mod handover;
mod map;
mod place;
mod read;
mod roles;
mod support;
mod wire;
mod write;

pub(crate) use calls::CALLS;
pub(crate) use handover::hand_over;
pub(crate) use roles::roles;

use api::Api;
use packhorse_core::{
    Access, Endpoint, HostError, HostErrorKind, HostSpec, Location, OpenContext, port::Sink,
};
use place::Place;
use std::sync::Arc;

/// A server of Bitbucket Data Center.
pub(crate) const SPEC: HostSpec = HostSpec {
    id: "bitbucket-server",
    aliases: &["bitbucket-dc", "stash"],
    title: "Bitbucket Data Center",
    location: "URL",
    reads: support::reads,
    writes: support::writes,
    open,
};

fn open(location: &Location, context: &OpenContext) -> Result<Endpoint, HostError> {
    let place = Place::of(location).map_err(|error| {
        HostError::new(HostErrorKind::Rejected, "read the address of a Bitbucket").because(error)
    })?;
    let api = Arc::new(Api::new(place)?);
    let source = Arc::new(read::ServerSource::new(Arc::clone(&api)));
    let sink: Option<Arc<dyn Sink>> = match context.access {
        Access::Read => None,
        Access::Write | Access::Plan => Some(Arc::new(write::ServerSink::new(api))),
    };
    Ok(Endpoint { source: Some(source), sink })
}
