//! The service's own file: steps in transactions of their own.

use super::{AnyError, sql::Step};
use futures::{FutureExt, future::BoxFuture};
use packhorse_database::FileSchema;
use rusqlite::Connection;
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// The service's tables; the file is marked `PHS1`.
const SCHEMA: FileSchema = FileSchema {
    of: "service",
    application_id: 0x5048_5331,
    steps: &[
        include_str!("../../migrations/sqlite/0001_service.sql"),
        include_str!("../../migrations/sqlite/0002_jobs.sql"),
        include_str!("../../migrations/sqlite/0003_watching.sql"),
        include_str!("../../migrations/sqlite/0004_told.sql"),
        include_str!("../../migrations/sqlite/0005_shared.sql"),
    ],
    tuning: "",
};

/// The file; clones are the same file.
#[derive(Clone, Debug)]
pub(super) struct File(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: packhorse_database::File,
    /// Empty after a step that panicked: the next makes it anew.
    writer: Mutex<Option<Connection>>,
}

impl File {
    pub(super) fn open(path: &Path) -> Result<Self, AnyError> {
        let (file, connection) = packhorse_database::File::open(path, SCHEMA)?;
        Ok(Self(Arc::new(Inner { file, writer: Mutex::new(Some(connection)) })))
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
                None => inner.file.writer()?,
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
            let (value, connection) = run(inner.file.reader()?, "BEGIN", "ROLLBACK", step);
            if let Some(connection) = connection {
                inner.file.take_back(connection);
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
