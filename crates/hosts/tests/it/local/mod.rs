//! The embedded store.

mod blobs;
mod killed;
mod opening;
mod records;
mod repositories;
