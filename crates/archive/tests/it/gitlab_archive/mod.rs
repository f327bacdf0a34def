//! GitLab's exports.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod build;
mod groups;
mod hostile;
mod layout;
mod read;
mod suite;
