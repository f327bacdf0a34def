//! The service's own file: one connection that writes, and some that read beside it.

use super::{AnyError, sql::Step};
use futures::{FutureExt, future::BoxFuture};
use rusqlite::{Connection, TransactionBehavior};
use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Marks a file as ours: `PHS1`.
const APPLICATION_ID: i32 = 0x5048_5331;

/// Steps of the schema, oldest first.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_service.sql"),
    include_str!("../../migrations/sqlite/0002_jobs.sql"),
    include_str!("../../migrations/sqlite/0003_watching.sql"),
    include_str!("../../migrations/sqlite/0004_told.sql"),
    include_str!("../../migrations/sqlite/0005_shared.sql"),
];

/// How long a writer waits for another process.
const PATIENCE: Duration = Duration::from_secs(10);

/// Idle connections that are kept for reading.
const MAX_IDLE: usize = 8;

/// Prepared statements that a connection keeps.
const MAX_STATEMENTS: usize = 64;

/// The file; clones are the same file.
#[derive(Clone)]
pub(super) struct File(Arc<Inner>);

struct Inner {
    path: PathBuf,
    /// Empty after a step that panicked: the next makes it anew.
    writer: Mutex<Option<Connection>>,
    readers: Mutex<Vec<Connection>>,
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("File").field("path", &self.0.path).finish_non_exhaustive()
    }
}

impl File {
    pub(super) fn open(path: &Path) -> Result<Self, AnyError> {
        make_private(path)?;
        let mut connection = connect(path)?;
        prepare(&mut connection)?;
        let (writer, readers) = (Mutex::new(Some(connection)), Mutex::default());
        Ok(Self(Arc::new(Inner { path: path.to_owned(), writer, readers })))
    }

    /// Does a step that may write, in a transaction of its own.
    pub(super) async fn write<T, S>(&self, step: S) -> Result<T, AnyError>
    where
        T: Send + 'static,
        S: for<'a> FnOnce(&'a Step<'a>) -> BoxFuture<'a, Result<T, AnyError>> + Send + 'static,
    {
        let inner = Arc::clone(&self.0);
        blocking(move || {
            let mut slot = inner.writer.lock().unwrap_or_else(PoisonError::into_inner);
            let connection = match slot.take() {
                Some(connection) => connection,
                None => connect(&inner.path)?,
            };
            let (value, connection) = run(connection, "BEGIN IMMEDIATE", "COMMIT", step);
            *slot = connection;
            value
        })
        .await
    }

    /// Does a step that only reads, on one state of the file.
    pub(super) async fn read<T, S>(&self, step: S) -> Result<T, AnyError>
    where
        T: Send + 'static,
        S: for<'a> FnOnce(&'a Step<'a>) -> BoxFuture<'a, Result<T, AnyError>> + Send + 'static,
    {
        let inner = Arc::clone(&self.0);
        blocking(move || {
            let idle = inner.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match idle {
                Some(connection) => connection,
                None => {
                    let connection = connect(&inner.path)?;
                    connection.pragma_update(None, "query_only", "ON")?;
                    connection
                }
            };
            let (value, connection) = run(connection, "BEGIN", "ROLLBACK", step);
            let mut idle = inner.readers.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(connection) = connection.filter(|_| idle.len() < MAX_IDLE) {
                idle.push(connection);
            }
            value
        })
        .await
    }
}

/// Does a step between these two statements; gives the connection back unless that is in doubt.
fn run<T, S>(
    connection: Connection,
    begin: &str,
    end: &str,
    step: S,
) -> (Result<T, AnyError>, Option<Connection>)
where
    S: for<'a> FnOnce(&'a Step<'a>) -> BoxFuture<'a, Result<T, AnyError>>,
{
    if let Err(error) = connection.execute_batch(begin) {
        return (Err(error.into()), Some(connection));
    }
    let whole = Step::File(Mutex::new(connection));
    // Nothing in the file is ever waited for, so the step is over at once.
    let done = step(&whole).now_or_never();
    let value = done.unwrap_or_else(|| Err("a step in a file was waited for".into()));
    let Step::File(connection) = whole else { return (value, None) };
    let connection = connection.into_inner().unwrap_or_else(PoisonError::into_inner);
    match value {
        Ok(value) => match connection.execute_batch(end) {
            Ok(()) => (Ok(value), Some(connection)),
            Err(error) => (Err(error.into()), None),
        },
        Err(error) => {
            let is_back = connection.execute_batch("ROLLBACK").is_ok();
            (Err(error), is_back.then_some(connection))
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AnyError> + Send + 'static,
) -> Result<T, AnyError> {
    tokio::task::spawn_blocking(work).await?
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
    connection.set_prepared_statement_cache_capacity(MAX_STATEMENTS);
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
