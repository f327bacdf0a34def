//! Bitbucket Data Center and Server, over their REST API 1.0, as a source.
//!
//! It has projects, repositories, pull requests and what is said in them. It has
//! no issues, labels of issues, milestones, releases or wikis. `README.md` has
//! its quirks, with sources.

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
    if context.access != Access::Read {
        return Err(HostError::new(HostErrorKind::Unsupported, "write to Bitbucket Data Center")
            .with("reason", "it can be read, and not written yet"));
    }
    let place = Place::of(location).map_err(|error| {
        HostError::new(HostErrorKind::Rejected, "read the address of a Bitbucket").because(error)
    })?;
    let api = Arc::new(Api::new(place)?);
    Ok(Endpoint { source: Some(Arc::new(read::ServerSource::new(api))), sink: None })
}
