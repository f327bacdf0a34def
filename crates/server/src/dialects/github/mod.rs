//! GitHub's migrations of organizations and users, as github.com and its enterprise server have
//! them.
//!
//! Facts: the REST reference of "Migrations" and its OpenAPI description; refusals are written as
//! GitHub writes them.

mod error;
mod export;
mod render;
mod repository;
mod routes;
mod wire;

pub(crate) use routes::{is_at, not_found, router};
