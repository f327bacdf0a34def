//! How the service reaches places: the one thing that it is given by whoever knows hosts.

use async_trait::async_trait;
use http::{HeaderMap, StatusCode};
use packhorse_core::{HostError, Location, ObjectKind, port::Source};
use packhorse_engine::Ends;
use std::{path::Path, sync::Arc};
use url::Url;

/// What both ends of a route are opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// To look what would arrive; nothing is made.
    Plan,
    /// To carry, from the beginning.
    New,
    /// To go on with what an interrupted run left, or to take it away.
    Resume,
}

/// Who vouches for a place that a client names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The configuration names it.
    Configured,
    /// Nobody: it is somewhere in a network.
    Elsewhere,
    /// It is a path on this machine.
    Disk,
}

/// Opens places. It knows hosts, archives and where their credentials are.
#[async_trait]
pub trait Places: Send + Sync {
    /// Reads a location as a person wrote it; why it is none, for people.
    fn locate(&self, text: &str) -> Result<(Location, Standing), String>;

    /// Opens a place for reading; credentials that stand in the location win over others.
    fn source(&self, place: &Location, scratch: &Path) -> Result<Arc<dyn Source>, HostError>;

    /// The location of an archive file, by what stands in it.
    async fn archive(&self, file: &Path) -> Result<Location, HostError>;

    /// Opens both ends of a route.
    fn ends(
        &self,
        from: &Location,
        to: &Location,
        scratch: &Path,
        opening: Opening,
    ) -> Result<Ends, HostError>;

    /// Sees to it that nobody writes to a project's repositories before `until_ms`, milliseconds
    /// since 1970, or that everybody may again. `false` where the place has no such thing.
    async fn lock(
        &self,
        place: &Location,
        project: &str,
        until_ms: Option<i64>,
    ) -> Result<bool, HostError>;

    /// The page where people find a record of a project, where the place has pages.
    fn page(&self, place: &Location, project: &str, kind: ObjectKind, id: &str) -> Option<String>;

    /// Posts a body to an address; the status of the answer.
    async fn post(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<StatusCode, HostError>;
}
