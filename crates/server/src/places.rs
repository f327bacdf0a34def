//! How the service reaches places: the one thing that it is given by whoever knows hosts.

use async_trait::async_trait;
use packhorse_core::{HostError, Location, port::Source};
use packhorse_engine::Ends;
use std::{path::Path, sync::Arc};

/// Opens places. It knows hosts, archives and where their credentials are.
#[async_trait]
pub trait Places: Send + Sync {
    /// Opens a place for reading; credentials that stand in the location win over others.
    fn source(&self, place: &Location, scratch: &Path) -> Result<Arc<dyn Source>, HostError>;

    /// The location of an archive file, by what stands in it.
    async fn archive(&self, file: &Path) -> Result<Location, HostError>;

    /// Opens both ends of a route; `resume` goes on with what an interrupted run left.
    fn ends(
        &self,
        from: &Location,
        to: &Location,
        scratch: &Path,
        resume: bool,
    ) -> Result<Ends, HostError>;

    /// Sees to it that nobody writes to a project's repositories before `until_ms`, milliseconds
    /// since 1970, or that everybody may again. `false` where the place has no such thing.
    async fn lock(
        &self,
        place: &Location,
        project: &str,
        until_ms: Option<i64>,
    ) -> Result<bool, HostError>;
}
