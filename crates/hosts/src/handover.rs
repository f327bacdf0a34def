//! Hosts that take whole archives by themselves.

use crate::{bitbucket_server, gitea, github, gitlab};
use packhorse_core::{
    HostError, HostSpec, Location,
    port::{GroupHandOver, HandOver},
};
use std::{path::PathBuf, sync::Arc};
use url::Url;

/// What somebody says of the way in which an archive reaches a host.
#[derive(Clone, Debug, Default)]
pub struct Ways {
    /// The directory from which the host takes archives, as it is reached from here.
    pub directory: Option<PathBuf>,
    /// The address at which the host reaches that directory.
    pub address: Option<Url>,
}

/// What opens a host as one that takes archives.
type Open = fn(&Location, &Ways) -> Result<Arc<dyn HandOver>, HostError>;

/// What opens a host as one that makes groups of archives.
type OpenGroups = fn(&Location) -> Result<Arc<dyn GroupHandOver>, HostError>;

/// Hosts that take archives, one row each.
static TAKING: &[(&HostSpec, Open)] = &[
    (&bitbucket_server::SPEC, bitbucket_server::hand_over),
    (&gitea::SPEC, gitea::hand_over),
    (&github::SPEC, github::hand_over),
    (&gitlab::SPEC, gitlab::hand_over),
];

/// Hosts that make groups of archives, one row each.
static TAKING_GROUPS: &[(&HostSpec, OpenGroups)] = &[(&gitlab::SPEC, gitlab::hand_over_groups)];

/// Whether a host takes archives.
pub fn is_offered(spec: &HostSpec) -> bool {
    TAKING.iter().any(|(it, _)| it.id == spec.id)
}

/// The host of a location as one that takes archives; `None` where it is none.
///
/// # Errors
///
/// When the location is not as the host wants it.
pub fn open(location: &Location, ways: &Ways) -> Result<Option<Arc<dyn HandOver>>, HostError> {
    let found = TAKING.iter().find(|(it, _)| it.is_named(&location.host));
    found.map(|(_, open)| open(location, ways)).transpose()
}

/// The host of a location as one that makes groups of archives; `None` where it is none.
///
/// # Errors
///
/// When the location is not as the host wants it.
pub fn groups(location: &Location) -> Result<Option<Arc<dyn GroupHandOver>>, HostError> {
    let found = TAKING_GROUPS.iter().find(|(it, _)| it.is_named(&location.host));
    found.map(|(_, open)| open(location)).transpose()
}
