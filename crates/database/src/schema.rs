//! Tables that a part of the program brings up to date for itself.

use crate::{AnyError, Pool};
use deadpool_postgres::Client;
use tokio::sync::OnceCell;

/// The tables of one part of the program.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// Whose they are, in words for people: `journal`.
    pub of: &'static str,
    /// The table that says in its column `steps` how many steps were made; the first step makes
    /// it, with a row.
    pub version: &'static str,
    /// Number of the lock under which one process at a time makes them.
    pub lock: i64,
    /// Steps, oldest first.
    pub steps: &'static [&'static str],
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// It is a file of something else.
    #[error("the file does not belong to the {of} of Packhorse")]
    Foreign {
        /// Whose tables were looked for.
        of: &'static str,
    },
    /// A newer version made the tables.
    #[error("the {of} has schema {found}, and this version knows {known}: use a newer Packhorse")]
    Newer {
        /// Whose tables they are.
        of: &'static str,
        /// Schema of the database.
        found: i64,
        /// Newest schema that is known here.
        known: i64,
    },
}

/// Connections to a database in which these tables are up to date.
#[derive(Debug)]
pub struct Connections {
    pool: Pool,
    schema: Schema,
    prepared: OnceCell<()>,
}

impl Connections {
    /// Tables in the schema that the connections' `search_path` names first; nothing is made
    /// before the first connection is taken.
    #[must_use]
    pub const fn new(pool: Pool, schema: Schema) -> Self {
        Self { pool, schema, prepared: OnceCell::const_new() }
    }

    /// A connection for one step.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached; [`SchemaError`] when a newer version made its tables.
    pub async fn take(&self) -> Result<Client, AnyError> {
        let mut client = self.pool.take().await?;
        self.prepared.get_or_try_init(|| prepare(&mut client, &self.schema)).await?;
        Ok(client)
    }

    /// Whether anybody has made these tables.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached.
    pub async fn are_made(&self) -> Result<bool, AnyError> {
        let client = self.pool.take().await?;
        let row = client
            .query_one("SELECT to_regclass($1::text) IS NOT NULL", &[&self.schema.version])
            .await?;
        Ok(row.try_get(0)?)
    }
}

/// Makes the tables, or brings them up to date; one process at a time.
async fn prepare(client: &mut Client, schema: &Schema) -> Result<(), AnyError> {
    let transaction = client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&schema.lock]).await?;
    let there = "SELECT to_regclass($1::text) IS NOT NULL";
    let is_there: bool = transaction.query_one(there, &[&schema.version]).await?.try_get(0)?;
    let done: i64 = match is_there {
        true => {
            let steps = format!("SELECT steps FROM {}", schema.version);
            transaction.query_one(&steps, &[]).await?.try_get(0)?
        }
        false => 0,
    };
    let known = i64::try_from(schema.steps.len())?;
    let steps = usize::try_from(done).ok().and_then(|done| schema.steps.get(done..));
    let Some(steps) = steps else {
        return Err(SchemaError::Newer { of: schema.of, found: done, known }.into());
    };
    for step in steps {
        transaction.batch_execute(step).await?;
    }
    if done < known {
        let note = format!("UPDATE {} SET steps = $1", schema.version);
        transaction.execute(&note, &[&known]).await?;
    }
    transaction.commit().await?;
    Ok(())
}
