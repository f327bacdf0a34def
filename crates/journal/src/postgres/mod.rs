//! The journal in a PostgreSQL database, which any number of processes share.
//!
//! A claim is held against the row of its lease, which every step locks: whoever lost it can write
//! nothing more, and steps of one job come one after the other. Rows of a batch travel together,
//! so that a batch costs the same few answers however many records it has.

mod begin;
mod events;
mod history;
mod items;
mod journal;
mod lanes;
mod pool;
mod queue;
mod row;
mod session;
mod settle;

pub use journal::PostgresJournal;
pub use pool::SchemaError;
