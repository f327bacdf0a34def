//! Bitbucket Data Center's exports.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod build;
mod hostile;
mod layout;
mod read;
mod suite;
