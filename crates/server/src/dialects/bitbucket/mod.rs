//! Bitbucket Data Center's exports and imports.
//!
//! Facts: the REST description of release 9.2 and the page "Export and import projects and
//! repositories"; refusals are written as Bitbucket writes them.

mod error;
mod messages;
mod progress;
mod render;
mod routes;
mod select;
mod start;

pub(crate) use routes::{is_at, not_found, router};
