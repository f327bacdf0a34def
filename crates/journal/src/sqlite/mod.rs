//! The journal in a SQLite file: one connection writes, others read beside it.

mod begin;
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
mod together;

pub use journal::SqliteJournal;
