//! Where Packhorse remembers: a PostgreSQL database that its processes share, or files of SQLite's;
//! connections to both, and the tables that each part of the program brings up to date for itself.
//!
//! The journal, what the service remembers, and what is left of hosts' limits may stand in one
//! database, and a process reaches them all through one [`Pool`].

mod away;
mod file;
mod notes;
mod schema;

pub use away::is_away;
pub use file::{File, FileSchema};
pub use notes::Notes;
pub use schema::{Connections, Schema, SchemaError};

pub use deadpool_postgres::{Client, Transaction};

use deadpool_postgres::{
    ClientWrapper, Hook, HookError, Manager, ManagerConfig, Metrics, PoolError, RecyclingMethod,
    Runtime,
};
use std::time::Duration;
use tokio_postgres::{
    Config, Socket,
    tls::{MakeTlsConnect, TlsConnect},
};

/// Connections of one process; more would only wait for each other.
const MAX_CONNECTIONS: usize = 12;

/// How long a step waits for a connection, and for its answer to begin.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that was used so lately is taken to be alive, unless it was seen to close.
const ALIVE: Duration = Duration::from_millis(10);

/// What any step in a database can fail with.
pub type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Connections of this process to a database; clones are the same connections.
///
/// One that the database closed is made anew, so a database that went away and came back is found
/// again. Nobody may hold one while asking for another.
#[derive(Clone)]
pub struct Pool(deadpool_postgres::Pool);

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

impl Pool {
    /// Connections to a database; the first is made when it is needed.
    ///
    /// # Errors
    ///
    /// When connections cannot be made of that configuration.
    pub fn new<T>(config: Config, tls: T) -> Result<Self, AnyError>
    where
        T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
        T::Stream: Sync + Send,
        T::TlsConnect: Sync + Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(config, tls, recycling);
        let pool = deadpool_postgres::Pool::builder(manager)
            .pre_recycle(Hook::async_fn(|client, metrics| Box::pin(is_alive(client, metrics))))
            .max_size(MAX_CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .recycle_timeout(Some(PATIENCE))
            .build()?;
        Ok(Self(pool))
    }

    /// A connection for one step.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached in half a minute.
    pub async fn take(&self) -> Result<Client, AnyError> {
        self.0.get().await.map_err(|error| match error {
            // The database's own words say more than the pool's, which repeat them.
            PoolError::Backend(error) => error.into(),
            PoolError::Timeout(_)
            | PoolError::Closed
            | PoolError::NoRuntimeSpecified
            | PoolError::PostCreateHook(_) => error.into(),
        })
    }
}

/// Asks a connection whether it is still one, where that is in doubt: a database that was started
/// again, or a wall between, may have forgotten it without a word.
async fn is_alive(client: &mut ClientWrapper, metrics: &Metrics) -> Result<(), HookError> {
    if metrics.last_used() < ALIVE {
        return Ok(());
    }
    client.simple_query("").await.map(drop).map_err(HookError::Backend)
}
