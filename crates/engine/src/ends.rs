//! The two ends of a route.

use crate::EngineError;
use packhorse_core::{
    HostError,
    job::JobOptions,
    port::{Sink, Source},
};
use packhorse_git::RefPolicy;
use std::{path::PathBuf, sync::Arc};

/// Opens the destination for reading, as it is now.
pub type Reader = Arc<dyn Fn() -> Result<Arc<dyn Source>, HostError> + Send + Sync>;

/// The two ends of a route, open.
#[derive(Clone)]
pub struct Ends {
    /// Location to read from, for people.
    pub from: String,
    /// Location to write to, for people.
    pub to: String,
    /// Where records come from.
    pub source: Arc<dyn Source>,
    /// Where they go.
    pub sink: Arc<dyn Sink>,
    /// Opens the destination for reading: before the run to see what is there
    /// already, afterwards to see what arrived.
    pub reader: Reader,
    /// Id of the source's host or format, for the refs that travel.
    pub source_host: &'static str,
    /// Id of the destination's host or format, for the refs that travel.
    pub sink_host: &'static str,
    /// Directory for what is needed during the run only.
    pub scratch: PathBuf,
}

impl Ends {
    /// Which refs travel between these ends in a job.
    ///
    /// # Errors
    ///
    /// [`EngineError::Namespace`] when commits shall be kept where no refs can be.
    pub fn policy(&self, options: &JobOptions) -> Result<RefPolicy, EngineError> {
        policy((self.source_host, self.sink_host), options)
    }
}

/// Which refs travel from one host to another.
///
/// # Errors
///
/// [`EngineError::Namespace`] when commits shall be kept where no refs can be.
pub fn policy(hosts: (&str, &str), options: &JobOptions) -> Result<RefPolicy, EngineError> {
    let policy = RefPolicy::between(hosts.0, hosts.1);
    match &options.keep_commits_under {
        None => Ok(policy),
        Some(namespace) => policy
            .keeping(namespace)
            .ok_or_else(|| EngineError::Namespace { namespace: namespace.clone() }),
    }
}

impl std::fmt::Debug for Ends {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ends")
            .field("from", &self.from)
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}
