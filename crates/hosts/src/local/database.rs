//! The database file: opening, checking, migrating, and who may use it when.
//!
//! One connection writes, behind a lock; others read beside it, which the
//! write-ahead log allows. Several processes may do so at once: transactions
//! are short, and who comes second waits.

use super::{error::StoreError, layout::Layout};
use rusqlite::{
    Connection, OpenFlags, Transaction, TransactionBehavior, config::DbConfig, limits::Limit,
};
use std::{
    fs::{self, File},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use uuid::Uuid;

/// Marks the file as ours: `Pckh` in ASCII.
const APPLICATION_ID: i64 = 0x5063_6b68;
/// Numbered from 1; `user_version` is the number of the last one that ran.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_store.sql")];
/// How long a process waits for another's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest row that is written or read, in bytes.
const MAX_ROW: i32 = 128 << 20;
/// Pages of the write-ahead log before they are copied into the file, 16 KiB each: copying waits
/// for the disk twice.
const LOG_PAGES: u32 = 4_000;
/// Connections kept open for reading; more are opened when needed and closed afterwards.
const IDLE_READERS: usize = 4;

/// Reading connections of one store.
pub(super) struct Readers {
    layout: Layout,
    uuid: String,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// Opens a store that exists.
    pub(super) fn open(layout: Layout) -> Result<Self, StoreError> {
        if !layout.database().is_file() {
            return Err(StoreError::Missing);
        }
        let connection = reader(&layout.database())?;
        match state(&connection)? {
            State::Fresh => return Err(StoreError::Foreign("store.sqlite is empty")),
            State::Migrated(version) if version < MIGRATIONS.len() => {
                return Err(StoreError::Foreign("store.sqlite was not completed"));
            }
            State::Migrated(_) => {}
        }
        let uuid = connection.query_row("SELECT uuid FROM store", [], |row| row.get(0))?;
        Ok(Self { layout, uuid, idle: Mutex::new(vec![connection]) })
    }

    /// Where the store is.
    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The store's own name, the same wherever it is moved to.
    pub(super) fn uuid(&self) -> &str {
        &self.uuid
    }

    /// Reads with a connection of its own.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = lock(&self.idle).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => reader(&self.layout.database())?,
        };
        let result = work(&connection);
        let mut idle = lock(&self.idle);
        if idle.len() < IDLE_READERS {
            idle.push(connection);
        }
        result
    }
}

/// The writing connection of one store.
pub(super) struct Writer(Mutex<Connection>);

impl Writer {
    /// Opens a store, and makes it if there is none.
    pub(super) fn open(layout: &Layout) -> Result<Self, StoreError> {
        fs::create_dir_all(layout.root())?;
        // In this order: another process may be making the store just now.
        if holds_anything_else(layout)? && !layout.database().exists() {
            return Err(StoreError::Foreign("the directory has other files and no store.sqlite"));
        }
        let _making = exclusive(layout)?;
        let mut connection = Connection::open(layout.database())?;
        restrict(&connection)?;
        let state = state(&connection)?;
        if state == State::Fresh {
            connection.pragma_update(None, "page_size", 16_384)?;
        }
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
        connection.set_prepared_statement_cache_capacity(32);
        migrate(&mut connection, state)?;
        Ok(Self(Mutex::new(connection)))
    }

    /// Writes in one transaction, which is durable when this returns.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = lock(&self.0);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }
}

/// Keeps other processes from making the store, or one of its repositories, until it is dropped.
pub(super) fn exclusive(layout: &Layout) -> Result<File, StoreError> {
    let file = File::options().create(true).truncate(false).write(true).open(layout.lock())?;
    file.lock()?;
    Ok(file)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn holds_anything_else(layout: &Layout) -> Result<bool, StoreError> {
    let lock = layout.lock();
    for entry in fs::read_dir(layout.root())? {
        if entry?.path() != lock {
            return Ok(true);
        }
    }
    Ok(false)
}

fn reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    restrict(&connection)?;
    Ok(connection)
}

/// SECURITY: the file may be a stranger's. What is written in its schema runs nothing, no row
/// fills the memory, and damaged pages are noticed.
fn restrict(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Rows come and go in order, so a larger cache would only hold memory; in KiB.
    connection.pragma_update(None, "cache_size", -512)?;
    // Else a statement that a value could be used to plan is parsed anew for each value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_ROW)?;
    Ok(())
}

/// How far a database file is.
#[derive(Debug, PartialEq, Eq)]
enum State {
    /// Nothing is in it.
    Fresh,
    /// That many migrations ran.
    Migrated(usize),
}

fn state(connection: &Connection) -> Result<State, StoreError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, found) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    match (application, found, tables) {
        (0, 0, 0) => Ok(State::Fresh),
        (APPLICATION_ID, found, _) if found > known => Err(StoreError::Newer { found, known }),
        (APPLICATION_ID, found, _) => usize::try_from(found)
            .map(State::Migrated)
            .map_err(|_| StoreError::Foreign("store.sqlite has an impossible version")),
        _ => Err(StoreError::Foreign("store.sqlite belongs to another program")),
    }
}

fn migrate(connection: &mut Connection, state: State) -> Result<(), StoreError> {
    let done = match state {
        State::Fresh => 0,
        State::Migrated(done) => done,
    };
    let rest = MIGRATIONS.get(done..).unwrap_or_default();
    if rest.is_empty() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for migration in rest {
        transaction.execute_batch(migration)?;
    }
    if state == State::Fresh {
        transaction.execute(
            "INSERT INTO store (id, uuid, generation) VALUES (1, ?1, 0)",
            [Uuid::now_v7().to_string()],
        )?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", MIGRATIONS.len())?;
    transaction.commit()?;
    Ok(())
}
