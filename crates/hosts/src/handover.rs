//! Hosts that take whole archives by themselves.

use crate::{bitbucket_server, bitbucket_server::hand_over};
use packhorse_core::{HostError, HostSpec, Location, port::HandOver};
use std::{path::PathBuf, sync::Arc};

/// What somebody says of the way in which an archive reaches a host.
#[derive(Clone, Debug, Default)]
pub struct Ways {
    /// The directory from which the host takes archives, as it is reached from here.
    pub directory: Option<PathBuf>,
}

/// Whether a host takes archives.
pub fn is_offered(spec: &HostSpec) -> bool {
    spec.id == bitbucket_server::SPEC.id
}

/// The host of a location as one that takes archives; `None` where it is none.
///
/// # Errors
///
/// When the location is not as the host wants it.
pub fn open(location: &Location, ways: &Ways) -> Result<Option<Arc<dyn HandOver>>, HostError> {
    if !bitbucket_server::SPEC.is_named(&location.host) {
        return Ok(None);
    }
    hand_over(location, ways).map(Some)
}
