//! Pure steps between source and sink.
//!
//! A step cannot fail and does no I/O: what it cannot keep, it records as a
//! loss. Which steps a job's records go through, and in which order, is one
//! list: see [`stack`]. For destinations that keep everything it changes
//! nothing.

pub(crate) mod events;
pub mod limits;
pub mod links;
mod paths;
pub mod provenance;
mod stack;
pub mod users;

pub use paths::{PathMap, Paths};
pub use stack::{Route, stack};
