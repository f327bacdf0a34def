//! The journal's file: steps that write, and those that only read.

use super::{session::Session, together::Writer};
use packhorse_database::{File, FileSchema};
use rusqlite::Transaction;
use std::path::Path;

/// The journal's tables; the file is marked `PHJ1`.
///
/// Rows come in order, so a larger cache (in KiB) would only hold memory. The write-ahead log is
/// copied into the file after so many pages of 4 KiB: copying waits for the disk twice.
pub(super) const SCHEMA: FileSchema = FileSchema {
    of: "journal",
    application_id: 0x5048_4a31,
    steps: &[
        include_str!("../../migrations/sqlite/0001_journal.sql"),
        include_str!("../../migrations/sqlite/0002_queued.sql"),
        include_str!("../../migrations/sqlite/0003_at_work.sql"),
        include_str!("../../migrations/sqlite/0004_losses_of_record.sql"),
    ],
    tuning: "PRAGMA cache_size = -512; PRAGMA wal_autocheckpoint = 4000;",
};

pub(crate) use packhorse_database::AnyError;

/// The file, open.
pub(crate) struct Database {
    file: File,
    writer: Writer,
}

impl Database {
    /// Opens a file, makes it if need be, and brings its schema up to date.
    pub(crate) fn open(path: &Path) -> Result<Self, AnyError> {
        let (file, connection) = File::open(path, SCHEMA)?;
        Ok(Self { file, writer: Writer::new(connection) })
    }

    /// Does a step that may write, whole or not at all, and makes it durable.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut Session<'_>) -> Result<T, AnyError> + Send + 'static,
    ) -> Result<T, AnyError> {
        self.writer.write(step)
    }

    /// Does a step that only reads, on one state of the file, beside whoever writes.
    pub(crate) fn read<T>(
        &self,
        step: impl FnOnce(&Transaction<'_>) -> Result<T, AnyError>,
    ) -> Result<T, AnyError> {
        let mut connection = self.file.reader()?;
        let transaction = connection.transaction()?;
        let value = step(&transaction)?;
        transaction.finish()?;
        self.file.take_back(connection);
        Ok(value)
    }
}

/// The steps in which a query is answered, in SQLite's own words.
#[cfg(test)]
pub(super) fn plan(query: &str) -> String {
    let database = rusqlite::Connection::open_in_memory().unwrap();
    SCHEMA.steps.iter().for_each(|it| database.execute_batch(it).unwrap());
    let mut plan = database.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
    let (mut rows, mut steps) = (plan.raw_query(), Vec::new());
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get::<_, String>(3).unwrap());
    }
    steps.join("\n")
}
