//! GitHub's migration archive.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod again;
pub(crate) mod build;
mod hostile;
mod real;
mod suite;
mod write;
