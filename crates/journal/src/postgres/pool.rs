//! Connections, and the schema that they find.

use deadpool_postgres::{Client, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio_postgres::{
    Config, Socket,
    tls::{MakeTlsConnect, TlsConnect},
};

/// Connections of one process; more would only wait for each other's leases.
const MAX_CONNECTIONS: usize = 8;

/// How long a step waits for a connection, and for its answer to begin.
const PATIENCE: Duration = Duration::from_secs(30);

/// Steps of the schema, oldest first.
const MIGRATIONS: &[&str] = &[include_str!("../../migrations/postgres/0001_journal.sql")];

/// Number of the lock under which the schema is brought up to date: `PHJ1`.
const SCHEMA_LOCK: i64 = 0x5048_4a31;

/// What any step in the database can fail with.
pub(super) type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Why a database cannot serve as a journal.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// It was made by a newer version.
    #[error(
        "the journal has schema {found}, and this version knows {known}: use a newer Packhorse"
    )]
    Newer {
        /// Schema of the database.
        found: i64,
        /// Newest schema that is known here.
        known: i64,
    },
}

/// Connections to a database whose schema is up to date.
pub(super) struct Connections {
    pool: Pool,
    prepared: OnceCell<()>,
}

impl Connections {
    pub(super) fn new<T>(config: Config, tls: T) -> Result<Self, AnyError>
    where
        T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
        T::Stream: Sync + Send,
        T::TlsConnect: Sync + Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Verified };
        let manager = Manager::from_config(config, tls, recycling);
        let pool = Pool::builder(manager)
            .max_size(MAX_CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .recycle_timeout(Some(PATIENCE))
            .build()?;
        Ok(Self { pool, prepared: OnceCell::new() })
    }

    /// A connection of its own for a step. A database that went away and came back is found again.
    pub(super) async fn take(&self) -> Result<Client, AnyError> {
        let mut client = self.pool.get().await?;
        self.prepared.get_or_try_init(|| prepare(&mut client)).await?;
        Ok(client)
    }
}

/// Makes the tables, or brings them up to date; one process at a time.
async fn prepare(client: &mut Client) -> Result<(), AnyError> {
    let transaction = client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&SCHEMA_LOCK]).await?;
    let is_there: bool = transaction
        .query_one("SELECT to_regclass('schema_version') IS NOT NULL", &[])
        .await?
        .get(0);
    let done: i64 = match is_there {
        true => transaction.query_one("SELECT steps FROM schema_version", &[]).await?.get(0),
        false => 0,
    };
    let known = MIGRATIONS.len() as i64;
    let steps = usize::try_from(done).ok().and_then(|done| MIGRATIONS.get(done..));
    let Some(steps) = steps else {
        return Err(SchemaError::Newer { found: done, known }.into());
    };
    for step in steps {
        transaction.batch_execute(step).await?;
    }
    if done < known {
        transaction.execute("UPDATE schema_version SET steps = $1", &[&known]).await?;
    }
    transaction.commit().await?;
    Ok(())
}
