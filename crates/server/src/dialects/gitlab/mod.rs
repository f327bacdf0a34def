//! GitLab's migration of groups and projects by direct transfer, the destination's side.
//!
//! Facts: the page "Group and project migration by direct transfer API" and GitLab's own tests of
//! it; refusals are written as GitLab writes them.

mod error;
mod form;
mod render;
mod routes;
mod start;
mod status;
mod wire;

pub(crate) use routes::{is_at, not_found, router};
