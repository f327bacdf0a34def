//! GitLab, gitlab.com and self-managed, over its REST API.
//!
//! `README.md` has its quirks, with sources. What the API does not give out or
//! take is in `support.rs`, before anything moves.

mod api;
mod call;
mod calls;
mod handover;
mod map;
mod ours;
mod place;
mod read;
mod roles;
mod support;
mod wire;
mod write;

pub(crate) use calls::CALLS;
pub(crate) use handover::{hand_over, hand_over_groups};
pub(crate) use roles::roles;

use api::Api;
use packhorse_core::{Access, Endpoint, HostError, HostErrorKind, HostSpec, Location, OpenContext};
use place::Place;
use std::sync::Arc;

/// A server of GitLab.
pub(crate) const SPEC: HostSpec = HostSpec {
    id: "gitlab",
    aliases: &[],
    title: "GitLab",
    location: "URL",
    reads: support::reads,
    writes: support::writes,
    open,
};

fn open(location: &Location, context: &OpenContext) -> Result<Endpoint, HostError> {
    let place = Place::of(location).map_err(|error| {
        HostError::new(HostErrorKind::Rejected, "read the address of a GitLab").because(error)
    })?;
    let api = Arc::new(Api::new(place)?);
    Ok(match context.access {
        Access::Read => {
            Endpoint { source: Some(Arc::new(read::GitlabSource::new(api))), sink: None }
        }
        Access::Write | Access::Plan => {
            let source = read::GitlabSource::new(Arc::clone(&api));
            let sink = write::GitlabSink::new(api, context.scratch.clone());
            Endpoint { source: Some(Arc::new(source)), sink: Some(Arc::new(sink)) }
        }
    })
}
