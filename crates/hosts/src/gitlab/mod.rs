//! GitLab, gitlab.com and self-managed, over its REST API.
//!
//! `README.md` has its quirks, with sources. What the API does not give out or
//! take is in `support.rs`, before anything moves.

mod api;
mod map;
mod place;
mod read;
mod support;
mod wire;

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
    if context.access != Access::Read {
        return Err(HostError::new(HostErrorKind::Unsupported, "write to GitLab")
            .with("reason", "it can be read, and not written yet"));
    }
    let place = Place::of(location).map_err(|error| {
        HostError::new(HostErrorKind::Rejected, "read the address of a GitLab").because(error)
    })?;
    let api = Arc::new(Api::new(place)?);
    Ok(Endpoint { source: Some(Arc::new(read::GitlabSource::new(api))), sink: None })
}
