//! Hosts: places that hold projects, one folder each.
//!
//! A host is data, a [`HostSpec`]: what it is called, what it promises, how it
//! is opened. To add one, write its folder and add it to [`HOSTS`]; nothing
//! else in the workspace names it.

mod absent;
mod address;
mod bitbucket;
mod bitbucket_cloud;
mod bitbucket_server;
mod by_command;
mod bytes;
mod calls;
mod cursor;
mod filling;
mod git;
mod gitea;
mod github;
mod gitlab;
pub mod handover;
mod kept;
mod known;
mod lenient;
mod local;
mod named;
mod partial;
mod path;
pub mod published_limits;
pub mod roles;
mod shell;
pub mod short;
mod sums;
mod walk;

pub use calls::{Counts, Passes, forecast, limit};
pub use local::{Tidied, tidy};
use packhorse_core::HostSpec;

/// Every host, in the order of the documentation.
pub static HOSTS: &[&HostSpec] = &[
    &local::SPEC,
    &git::SPEC,
    &github::SPEC,
    &gitlab::SPEC,
    &gitea::SPEC,
    &bitbucket_server::SPEC,
    &bitbucket_cloud::SPEC,
];

/// The host of that id or alias.
pub fn named(name: &str) -> Option<&'static HostSpec> {
    HOSTS.iter().copied().find(|host| host.is_named(name))
}
