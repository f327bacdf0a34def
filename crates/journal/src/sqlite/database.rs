//! The file: opened, checked, brought up to the newest schema; one connection
//! that writes, and some that read beside it.

use super::session::{Listings, Session};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Marks a file as a journal of ours: `PHJ1`.
const APPLICATION_ID: i32 = 0x5048_4a31;

/// Steps of the schema, oldest first.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_journal.sql"),
    include_str!("../../migrations/sqlite/0002_queued.sql"),
];

/// How long a writer waits for another process.
const PATIENCE: Duration = Duration::from_secs(30);

/// Idle connections that are kept for reading.
const MAX_IDLE: usize = 4;

/// Prepared statements that a connection keeps.
const MAX_STATEMENTS: usize = 64;

/// Why a file cannot serve as a journal.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is something else.
    #[error("the file is not a journal of Packhorse")]
    Foreign,
    /// It was written by a newer version.
    #[error(
        "the journal has schema {found}, and this version knows {known}: use a newer Packhorse"
    )]
    Newer {
        /// Schema of the file.
        found: i64,
        /// Newest schema that is known here.
        known: i64,
    },
}

/// Pages of the write-ahead log before they are copied into the file, 4 KiB each: copying waits
/// for the disk twice.
const LOG_PAGES: u32 = 4_000;

/// What any step in the database can fail with.
pub(crate) type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// The file, open.
pub(crate) struct Database {
    path: PathBuf,
    writer: Mutex<Writer>,
    readers: Mutex<Vec<Connection>>,
}

struct Writer {
    connection: Connection,
    listings: Listings,
}

impl Database {
    /// Opens a file, makes it if need be, and brings its schema up to date.
    pub(crate) fn open(path: &Path) -> Result<Self, AnyError> {
        make_private(path)?;
        let mut connection = connect(path).map_err(told_apart)?;
        prepare(&mut connection).map_err(|error| match error.downcast::<rusqlite::Error>() {
            Ok(error) => told_apart(*error),
            Err(error) => error,
        })?;
        let writer = Mutex::new(Writer { connection, listings: Listings::default() });
        Ok(Self { path: path.to_owned(), writer, readers: Mutex::default() })
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
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => {
                let connection = connect(&self.path)?;
                connection.pragma_update(None, "query_only", "ON")?;
                connection
            }
        };
        let transaction = connection.transaction()?;
        let value = step(&transaction)?;
        transaction.finish()?;
        let mut idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push(connection);
        }
        Ok(value)
    }
}

/// SECURITY: a journal has names and addresses of people in it; what it is made with is kept by
/// the files that SQLite puts beside it.
fn make_private(path: &Path) -> Result<(), AnyError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(MAX_STATEMENTS);
    // Rows come in order, so a larger cache would only hold memory; in KiB.
    connection.pragma_update(None, "cache_size", -512)?;
    Ok(connection)
}

fn told_apart(error: rusqlite::Error) -> AnyError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::Foreign.into(),
        _ => error.into(),
    }
}

fn prepare(connection: &mut Connection) -> Result<(), AnyError> {
    // Before anything is changed: a file of another program stays as it is.
    check(connection)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    // Items come in order, so a larger cache would only hold memory; in KiB.
    connection.pragma_update(None, "cache_size", -512)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = check(&transaction)?;
    for step in &MIGRATIONS[done..] {
        transaction.execute_batch(step)?;
    }
    if done < MIGRATIONS.len() {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    }
    transaction.commit()?;
    Ok(())
}

/// Number of steps that the file's schema has behind it.
fn check(connection: &Connection) -> Result<usize, AnyError> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (id, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 && version == 0 {
        return Ok(0);
    }
    if id != i64::from(APPLICATION_ID) {
        return Err(OpenError::Foreign.into());
    }
    match usize::try_from(version) {
        Ok(done) if done <= MIGRATIONS.len() => Ok(done),
        _ => Err(OpenError::Newer { found: version, known: MIGRATIONS.len() as i64 }.into()),
    }
}
