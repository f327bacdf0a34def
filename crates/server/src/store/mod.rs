//! What the service itself remembers, beside the journal: tokens, requests, locks.
//!
//! A request holds what a client asked for in the words of its API; how far its jobs are stands in
//! the journal alone.

mod jobs;
mod locks;
mod parts;
mod requests;
mod tokens;

pub use tokens::TokenRow;

pub(crate) use jobs::{Delivery, JobQuery, Listed, Sample, Wish};
pub(crate) use locks::Lock;
pub(crate) use parts::{NewPart, Part, PartQuery};
pub(crate) use requests::{NewRequest, Query, Request};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Marks a file as ours: `PHS1`.
const APPLICATION_ID: i32 = 0x5048_5331;

/// Steps of the schema, oldest first.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001_service.sql"),
    include_str!("../../migrations/0002_jobs.sql"),
    include_str!("../../migrations/0003_watching.sql"),
    include_str!("../../migrations/0004_told.sql"),
];

/// How long a writer waits for another process.
const PATIENCE: Duration = Duration::from_secs(10);

/// Idle connections that are kept for reading.
const MAX_IDLE: usize = 8;

/// Failure of the service's own database.
#[derive(Debug, thiserror::Error)]
#[error("could not {operation} in the service's database")]
pub struct StoreError {
    operation: &'static str,
    #[source]
    source: AnyError,
}

pub(crate) type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The service's database: one connection that writes, and some that read beside it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens a file, makes it if need be, and brings its schema up to date.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is something else, or was written by a newer version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let open = || -> Result<Connection, AnyError> {
            make_private(path)?;
            let mut connection = connect(path)?;
            prepare(&mut connection)?;
            Ok(connection)
        };
        let writer = open().map_err(|source| StoreError { operation: "open a file", source })?;
        let inner =
            Inner { path: path.to_owned(), writer: Mutex::new(writer), readers: Mutex::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Does a step that may write, in a transaction of its own.
    async fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        step: impl FnOnce(&Transaction<'_>) -> Result<T, AnyError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.inner);
        blocking(operation, move || {
            let mut writer = inner.writer.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = step(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })
        .await
    }

    /// Does a step that only reads, on one state of the file.
    async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        step: impl FnOnce(&Transaction<'_>) -> Result<T, AnyError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.inner);
        blocking(operation, move || {
            let idle = inner.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut connection = match idle {
                Some(connection) => connection,
                None => {
                    let connection = connect(&inner.path)?;
                    connection.pragma_update(None, "query_only", "ON")?;
                    connection
                }
            };
            let transaction = connection.transaction()?;
            let value = step(&transaction)?;
            transaction.finish()?;
            let mut idle = inner.readers.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < MAX_IDLE {
                idle.push(connection);
            }
            Ok(value)
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> Result<T, AnyError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(Into::into).and_then(|it| it).map_err(|source| StoreError { operation, source })
}

/// SECURITY: names of people and digests of tokens are for the owner of the file alone.
fn make_private(path: &Path) -> Result<(), AnyError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
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
    connection.pragma_update(None, "foreign_keys", "ON")?;
    Ok(connection)
}

fn prepare(connection: &mut Connection) -> Result<(), AnyError> {
    let known = MIGRATIONS.len();
    check(connection)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = check(&transaction)?;
    for step in &MIGRATIONS[done..] {
        transaction.execute_batch(step)?;
    }
    if done < known {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", known as i64)?;
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
        return Err("the file is not a database of Packhorse's service".into());
    }
    match usize::try_from(version) {
        Ok(done) if done <= MIGRATIONS.len() => Ok(done),
        _ => Err(format!("it has schema {version}: use a newer Packhorse").into()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A store in a directory of its own.
    pub(crate) fn store() -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("service.sqlite")).unwrap();
        (directory, store)
    }

    #[test]
    fn a_file_of_another_program_is_refused_and_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("service.sqlite");
        let other = Connection::open(&path).unwrap();
        other.execute_batch("CREATE TABLE mine (x)").unwrap();
        drop(other);
        let before = std::fs::read(&path).unwrap();

        assert!(Store::open(&path).is_err());

        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn only_its_owner_reads_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let (directory, _store) = store();

        let mode = directory.path().join("service.sqlite").metadata().unwrap().permissions();

        assert_eq!(mode.mode() & 0o077, 0);
    }
}
