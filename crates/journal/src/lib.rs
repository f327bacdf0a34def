//! The ports [`Queue`](packhorse_core::port::Queue) and
//! [`Journal`](packhorse_core::port::Journal), on SQLite and on PostgreSQL.
//!
//! `README.md` beside this crate's manifest explains the schema.

mod clock;
mod paging;
mod postgres;
mod sqlite;
mod words;

pub use clock::{Clock, SystemClock};
pub use postgres::{PostgresJournal, SchemaError};
pub use sqlite::SqliteJournal;
