//! Files of SQLite's that are ours: made for their owner alone, told from other programs', brought
//! up to date; one connection writes, and some read beside it.

use crate::{AnyError, SchemaError};
use rusqlite::{Connection, ErrorCode, TransactionBehavior, config::DbConfig};
use std::{
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How long a writer waits for another process at most.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it waits before it asks again.
const PAUSE: Duration = Duration::from_millis(2);

/// Idle connections that are kept for reading.
const MAX_IDLE: usize = 8;

/// Prepared statements that a connection keeps.
const MAX_STATEMENTS: usize = 64;

/// The tables of one part of the program in a file of its own.
#[derive(Clone, Copy, Debug)]
pub struct FileSchema {
    /// Whose they are, in words for people: `journal`.
    pub of: &'static str,
    /// Marks the file as theirs.
    pub application_id: i32,
    /// Steps, oldest first.
    pub steps: &'static [&'static str],
    /// What a connection is told besides what all are told, in SQL.
    pub tuning: &'static str,
}

/// A file of ours.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    schema: FileSchema,
    idle: Mutex<Vec<Connection>>,
}

impl File {
    /// A file whose tables are up to date, made if need be; and a connection that writes.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] when it is another program's, or a newer version's: it stays as it is.
    /// What the disk refuses.
    pub fn open(path: &Path, schema: FileSchema) -> Result<(Self, Connection), AnyError> {
        make_private(path)?;
        let file = Self { path: path.to_owned(), schema, idle: Mutex::default() };
        let writer = file.writer().and_then(|mut writer| {
            prepare(&mut writer, &schema)?;
            Ok(writer)
        });
        let writer = writer.map_err(|error| told_apart(error, &schema))?;
        Ok((file, writer))
    }

    /// A connection that may write.
    ///
    /// # Errors
    ///
    /// What the disk refuses.
    pub fn writer(&self) -> Result<Connection, AnyError> {
        let mut connection = Connection::open(&self.path)?;
        connection.busy_handler(Some(asks_again))?;
        connection.set_prepared_statement_cache_capacity(MAX_STATEMENTS);
        // Else a statement that a value could be used to plan is parsed anew for each value.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        connection.execute_batch(self.schema.tuning)?;
        Ok(connection)
    }

    /// A connection that only reads, for somebody alone.
    ///
    /// # Errors
    ///
    /// What the disk refuses.
    pub fn reader(&self) -> Result<Connection, AnyError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(connection) = idle {
            return Ok(connection);
        }
        let connection = self.writer()?;
        connection.pragma_update(None, "query_only", "ON")?;
        Ok(connection)
    }

    /// Takes back what [`File::reader`] gave, with no transaction open, for whoever reads next.
    pub fn take_back(&self, reader: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push(reader);
        }
    }
}

/// SECURITY: names and addresses of people, and digests of tokens, are for the owner of the file
/// alone; what it is made with is kept by the files that SQLite puts beside it.
fn make_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn told_apart(error: AnyError, schema: &FileSchema) -> AnyError {
    let code = error.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
    match code {
        Some(ErrorCode::NotADatabase) => SchemaError::Foreign { of: schema.of }.into(),
        _ => error,
    }
}

fn prepare(connection: &mut Connection, schema: &FileSchema) -> Result<(), AnyError> {
    // Before anything is changed: a file of another program stays as it is.
    check(connection, schema)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let rest = check(&transaction, schema)?;
    for step in rest {
        transaction.execute_batch(step)?;
    }
    if !rest.is_empty() {
        transaction.pragma_update(None, "application_id", schema.application_id)?;
        transaction.pragma_update(None, "user_version", i64::try_from(schema.steps.len())?)?;
    }
    transaction.commit()?;
    Ok(())
}

/// Steps that the file has not behind it.
fn check(
    connection: &Connection,
    schema: &FileSchema,
) -> Result<&'static [&'static str], AnyError> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (id, found) = (number("application_id")?, number("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let FileSchema { of, steps, .. } = *schema;
    if tables == 0 && found == 0 {
        return Ok(steps);
    }
    if id != i64::from(schema.application_id) {
        return Err(SchemaError::Foreign { of }.into());
    }
    let rest = usize::try_from(found).ok().and_then(|done| steps.get(done..));
    let known = i64::try_from(steps.len())?;
    rest.ok_or_else(|| SchemaError::Newer { of, found, known }.into())
}

/// Waits for another process that writes; `false` when it was waited for long enough.
///
/// SQLite's own pauses grow to a tenth of a second: whoever has waited for long comes too late each
/// time, behind those who have just come.
fn asks_again(tries: i32) -> bool {
    std::thread::sleep(PAUSE);
    PAUSE * tries.unsigned_abs() < PATIENCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_writer_is_waited_for_and_not_for_ever() {
        assert!(asks_again(0) && asks_again(14_999));
        assert!(!asks_again(15_000));
    }
}
