//! The file: opened, checked, brought up to the newest schema.

use packhorse_core::port::{Claim, JournalError};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};
use std::{path::Path, time::Duration};

/// Marks a file as a journal of ours: `PHJ1`.
const APPLICATION_ID: i32 = 0x5048_4a31;

/// Steps of the schema, oldest first.
const MIGRATIONS: &[&str] = &[include_str!("../migrations/0001_journal.sql")];

/// How long a writer waits for another process.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a file cannot serve as a journal.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is a database of something else.
    #[error("the file is a database, but not a journal of Packhorse")]
    Foreign,
    /// It was written by a newer version.
    #[error(
        "the journal has schema {found}, and this version knows {known}: use a newer Packhorse"
    )]
    Newer {
        /// Schema of the file.
        found: usize,
        /// Newest schema that is known here.
        known: usize,
    },
}

/// The claim is another worker's now.
#[derive(Debug, thiserror::Error)]
#[error("job {job} was taken over by another worker")]
pub struct ClaimLost {
    /// Number of the job.
    pub job: u64,
}

/// What any step in the database can fail with.
pub(crate) type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Names what was tried.
pub(crate) fn failed(operation: &'static str) -> impl FnOnce(AnyError) -> JournalError {
    move |source| JournalError { operation, source }
}

/// Opens a file and brings its schema up to date.
pub(crate) fn open(path: &Path) -> Result<Connection, AnyError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(64);
    let id: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if id != APPLICATION_ID && tables > 0 {
        return Err(OpenError::Foreign.into());
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    migrate(&mut connection)?;
    Ok(connection)
}

fn migrate(connection: &mut Connection) -> Result<(), AnyError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let done = usize::try_from(version).unwrap_or(0);
    if done > MIGRATIONS.len() {
        return Err(OpenError::Newer { found: done, known: MIGRATIONS.len() }.into());
    }
    for step in &MIGRATIONS[done..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    transaction.commit()?;
    Ok(())
}

/// Begins a transaction that may write.
pub(crate) fn begin(connection: &mut Connection) -> Result<Transaction<'_>, AnyError> {
    Ok(connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
}

/// Refuses a claim that is another worker's now.
pub(crate) fn fence(transaction: &Transaction<'_>, claim: &Claim) -> Result<(), AnyError> {
    let epoch: Option<u64> = transaction
        .prepare_cached("SELECT epoch FROM jobs WHERE id = ?1 AND worker IS NOT NULL")?
        .query_row([claim.job.0], |row| row.get(0))
        .optional()?;
    if epoch == Some(claim.epoch) { Ok(()) } else { Err(ClaimLost { job: claim.job.0 }.into()) }
}

/// Number of a scope within a route, if it was ever met.
pub(crate) fn find_scope(
    connection: &Connection,
    route: u64,
    path: &str,
) -> Result<Option<i64>, AnyError> {
    Ok(connection
        .prepare_cached("SELECT id FROM scopes WHERE route = ?1 AND path = ?2")?
        .query_row((route, path), |row| row.get(0))
        .optional()?)
}

/// Number of a scope within a route, given now if need be.
pub(crate) fn scope(connection: &Connection, route: u64, path: &str) -> Result<i64, AnyError> {
    if let Some(id) = find_scope(connection, route, path)? {
        return Ok(id);
    }
    connection
        .prepare_cached("INSERT INTO scopes (route, path) VALUES (?1, ?2)")?
        .execute((route, path))?;
    Ok(connection.last_insert_rowid())
}
