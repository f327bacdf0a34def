//! The journal's file: steps in transactions of their own.

use super::session::{Listings, Session};
use packhorse_database::{File, FileSchema};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

/// The journal's tables; the file is marked `PHJ1`.
///
/// Rows come in order, so a larger cache (in KiB) would only hold memory. The write-ahead log is
/// copied into the file after so many pages of 4 KiB: copying waits for the disk twice.
const SCHEMA: FileSchema = FileSchema {
    of: "journal",
    application_id: 0x5048_4a31,
    steps: &[
        include_str!("../../migrations/sqlite/0001_journal.sql"),
        include_str!("../../migrations/sqlite/0002_queued.sql"),
    ],
    tuning: "PRAGMA cache_size = -512; PRAGMA wal_autocheckpoint = 4000;",
};

pub(crate) use packhorse_database::AnyError;

/// The file, open.
pub(crate) struct Database {
    file: File,
    writer: Mutex<Writer>,
}

struct Writer {
    connection: Connection,
    listings: Listings,
}

impl Database {
    /// Opens a file, makes it if need be, and brings its schema up to date.
    pub(crate) fn open(path: &Path) -> Result<Self, AnyError> {
        let (file, connection) = File::open(path, SCHEMA)?;
        Ok(Self { file, writer: Mutex::new(Writer { connection, listings: Listings::default() }) })
    }

    /// Does a step that may write, in a transaction of its own.
    pub(crate) fn write<T>(
        &self,
        step: impl FnOnce(&mut Session<'_>) -> Result<T, AnyError>,
    ) -> Result<T, AnyError> {
        // A step that panicked left no transaction open: dropping one rolls it back.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Writer { connection, listings } = &mut *writer;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut session = Session { transaction, listings };
        let done = step(&mut session);
        let Session { transaction, listings } = session;
        let done = done.and_then(|value| {
            transaction.commit()?;
            Ok(value)
        });
        if done.is_err() {
            // What was remembered may have been rolled back.
            listings.clear();
        }
        done
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
