//! The ports [`Queue`](packhorse_core::port::Queue) and
//! [`Journal`](packhorse_core::port::Journal) on SQLite.
//!
//! `README.md` beside this crate's manifest explains the schema.

mod clock;
mod database;
mod history;
mod items;
mod journal;
mod lanes;
mod queue;

pub use clock::{Clock, SystemClock};
pub use database::{ClaimLost, OpenError};
pub use journal::SqliteJournal;
