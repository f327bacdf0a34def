//! The ports [`Queue`](packhorse_core::port::Queue) and
//! [`Journal`](packhorse_core::port::Journal) on SQLite.
//!
//! `README.md` beside this crate's manifest explains the schema. Statements run
//! away from the caller's tasks: one connection writes, others read beside it.

mod begin;
mod clock;
mod database;
mod events;
mod history;
mod items;
mod journal;
mod lanes;
mod names;
mod queue;
mod session;
mod settle;

pub use clock::{Clock, SystemClock};
pub use database::OpenError;
pub use journal::SqliteJournal;
