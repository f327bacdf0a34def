//! What the service itself remembers, beside the journal: tokens, requests, locks.
//!
//! A request holds what a client asked for in the words of its API; how far its jobs are stands in
//! the journal alone.

mod file;
mod jobs;
mod locks;
mod parts;
mod requests;
mod shared;
mod sql;
mod tokens;

pub use tokens::TokenRow;

pub(crate) use jobs::{Delivery, JobQuery, Listed, Sample, Wish};
pub(crate) use locks::Lock;
pub(crate) use parts::{NewPart, Part, PartQuery};
pub(crate) use requests::{NewRequest, Query, Request};

use crate::recent::Recent;
use file::File;
use futures::future::BoxFuture;
use packhorse_database::{Connections, Pool, Schema};
use sql::Step;
use std::{
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// The tables in a shared database; they are made under the lock `PHS1`.
const SCHEMA: Schema = Schema {
    of: "service",
    version: "service_version",
    lock: 0x5048_5331,
    steps: &[include_str!("../../migrations/postgres/0001_service.sql")],
};

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

/// What the service remembers: in a file of its own, or in a database that it shares with other
/// processes.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
    /// Tokens that were just looked up in a database that other processes share: one that is taken
    /// back elsewhere is good for a moment more.
    tokens: Arc<Recent<String, TokenRow>>,
}

#[derive(Debug)]
enum Inner {
    File(File),
    Shared(Connections),
}

impl Store {
    /// Opens a file, makes it if need be, and brings its schema up to date.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is something else, or was written by a newer version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path);
        let file = file.map_err(|source| StoreError { operation: "open a file", source })?;
        Ok(Self::of(Inner::File(file)))
    }

    /// In a database that other processes share; its tables are made when it is first used.
    #[must_use]
    pub fn shared(pool: Pool) -> Self {
        Self::of(Inner::Shared(Connections::new(pool, SCHEMA)))
    }

    fn of(inner: Inner) -> Self {
        Self { inner: Arc::new(inner), tokens: Arc::default() }
    }

    /// Whether a service has ever kept anything in a database.
    ///
    /// # Errors
    ///
    /// When it cannot be reached.
    pub async fn is_in(pool: &Pool) -> Result<bool, StoreError> {
        let asked = Connections::new(pool.clone(), SCHEMA).are_made().await;
        asked.map_err(|source| StoreError { operation: "look for tables", source })
    }

    /// Whether other processes use it too.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(*self.inner, Inner::Shared(..))
    }

    /// Does a step that may write: all of it, or nothing.
    async fn write<T, S>(&self, operation: &'static str, step: S) -> Result<T, StoreError>
    where
        T: Send + 'static,
        S: for<'a> FnOnce(&'a Step<'a>) -> BoxFuture<'a, Result<T, AnyError>> + Send + 'static,
    {
        let failed = |source| StoreError { operation, source };
        match &*self.inner {
            Inner::File(file) => file.write(step).await.map_err(failed),
            Inner::Shared(connections) => far_write(connections, step).await.map_err(failed),
        }
    }

    /// Does a step that only reads.
    async fn read<T, S>(&self, operation: &'static str, step: S) -> Result<T, StoreError>
    where
        T: Send + 'static,
        S: for<'a> FnOnce(&'a Step<'a>) -> BoxFuture<'a, Result<T, AnyError>> + Send + 'static,
    {
        let failed = |source| StoreError { operation, source };
        match &*self.inner {
            Inner::File(file) => file.read(step).await.map_err(failed),
            Inner::Shared(connections) => {
                let look = async { step(&Step::Look(connections.take().await?)).await };
                look.await.map_err(failed)
            }
        }
    }
}

async fn far_write<T, S>(connections: &Connections, step: S) -> Result<T, AnyError>
where
    S: for<'a> FnOnce(&'a Step<'a>) -> BoxFuture<'a, Result<T, AnyError>> + Send,
{
    let mut client = connections.take().await?;
    let whole = Step::Far(client.transaction().await?);
    let value = step(&whole).await?;
    if let Step::Far(transaction) = whole {
        transaction.commit().await?;
    }
    Ok(value)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use rusqlite::Connection;

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
