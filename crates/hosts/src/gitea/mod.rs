//! Gitea and Forgejo, over their REST API, as a source and a sink.
//!
//! `README.md` has their quirks, with sources. What the API does not give out
//! is in `support.rs`, before anything moves.

mod api;
mod call;
mod calls;
mod ending;
mod handover;
mod map;
mod place;
mod read;
mod roles;
mod server;
mod support;
mod wire;
mod write;

pub(crate) use calls::CALLS;
pub(crate) use handover::hand_over;
pub(crate) use roles::roles;

use api::Api;
use packhorse_core::{Access, Endpoint, HostError, HostErrorKind, HostSpec, Location, OpenContext};
use place::Place;
use std::sync::Arc;

/// A server of Gitea or Forgejo.
pub(crate) const SPEC: HostSpec = HostSpec {
    id: "gitea",
    aliases: &["forgejo"],
    title: "Gitea, Forgejo",
    location: "URL",
    reads: support::reads,
    writes: support::writes,
    open,
};

fn open(location: &Location, context: &OpenContext) -> Result<Endpoint, HostError> {
    let place = Place::of(location).map_err(|error| {
        HostError::new(HostErrorKind::Rejected, "read the address of a Gitea").because(error)
    })?;
    let api = Api::new(place)?;
    let api = Arc::new(api);
    Ok(match context.access {
        Access::Read => {
            let source = read::GiteaSource::new(api);
            Endpoint { source: Some(Arc::new(source)), sink: None }
        }
        Access::Write | Access::Plan => {
            let sink = write::GiteaSink::new(api, context.scratch.clone());
            Endpoint { source: None, sink: Some(Arc::new(sink)) }
        }
    })
}
