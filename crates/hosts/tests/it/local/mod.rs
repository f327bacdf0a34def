//! The embedded store.

mod blobs;
mod opening;
mod records;
mod repositories;
