//! GitHub: github.com, GitHub Enterprise Server, and enterprises at `ghe.com`.
//!
//! Spoken to over its REST API, and over GraphQL where REST has no answer.
//! `README.md` has its quirks, with sources. What the API does not give out is
//! in `support.rs`, before anything moves.

mod api;
mod call;
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
use packhorse_core::{Access, Endpoint, HostError, HostErrorKind, HostSpec, Location, OpenContext};
use place::Place;
use std::sync::Arc;

/// github.com, or a GitHub of one's own.
pub(crate) const SPEC: HostSpec = HostSpec {
    id: "github",
    aliases: &["ghes"],
    title: "GitHub",
    location: "OWNER/PROJECT or URL",
    reads: support::reads,
    writes: support::writes,
    open,
};

fn open(location: &Location, context: &OpenContext) -> Result<Endpoint, HostError> {
    let place = Place::of(location).map_err(|error| {
        HostError::new(HostErrorKind::Rejected, "read the address of a GitHub").because(error)
    })?;
    let api = Api::new(place)?;
    Ok(match context.access {
        Access::Read => {
            let source = read::GithubSource::new(api);
            Endpoint { source: Some(Arc::new(source)), sink: None }
        }
        Access::Write | Access::Plan => {
            let sink = write::GithubSink::new(api, context.scratch.clone());
            Endpoint { source: None, sink: Some(Arc::new(sink)) }
        }
    })
}
