//! The journal itself: the port in terms of the tables.

use super::{
    begin, events,
    history::PostgresHistory,
    items, lanes,
    pool::{self, AnyError, Connections, Pool},
    settle::{self, Batch},
};
use crate::Clock;
use async_trait::async_trait;
use deadpool_postgres::Transaction;
use packhorse_core::{
    Event, Lane, Settle,
    job::JobId,
    port::{
        Begun, Claim, Entry, Failure, Gone, History, Item, ItemQuery, Journal, JournalError,
        Position, Settled,
    },
};
use std::sync::Arc;
use tokio_postgres::{
    Config, Row, Socket,
    tls::{MakeTlsConnect, TlsConnect},
    types::ToSql,
};

/// A journal in a PostgreSQL database; clones are the same journal.
#[derive(Clone)]
pub struct PostgresJournal {
    connections: Arc<Connections>,
    clock: Option<Arc<dyn Clock>>,
}

/// Does a step in a transaction of its own.
///
/// A macro, because a future that borrows the transaction cannot be told as `Send` by a bound.
macro_rules! step {
    ($journal:expr, $operation:literal, |$tx:ident| $step:expr) => {
        async {
            let mut client = $journal.connection().await?;
            let transaction = client.transaction().await?;
            let $tx = &transaction;
            let value = $step.await?;
            transaction.commit().await?;
            Ok(value)
        }
        .await
        .map_err(|source: AnyError| JournalError { operation: $operation, source })
    };
}

pub(super) use step;

impl PostgresJournal {
    /// A journal in the schema that the connection's `search_path` names first; its tables are
    /// made when it is first used. Leases are measured by the database's clock.
    ///
    /// # Errors
    ///
    /// When connections cannot be made of that configuration.
    pub fn new<T>(config: Config, tls: T) -> Result<Self, JournalError>
    where
        T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
        T::Stream: Sync + Send,
        T::TlsConnect: Sync + Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let pool = Pool::new(config, tls)
            .map_err(|source| JournalError { operation: "connect to the database", source })?;
        Ok(Self::over(pool))
    }

    /// The same through connections that others use too.
    #[must_use]
    pub fn over(pool: Pool) -> Self {
        Self { connections: Arc::new(pool::connections(pool)), clock: None }
    }

    /// The same with a clock of the caller's.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock: Some(clock), ..self }
    }

    /// Connects, and brings the schema up to date.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached; with [`super::SchemaError`] underneath when a newer
    /// version made its tables.
    pub async fn prepare(&self) -> Result<(), JournalError> {
        let connecting = self.connections.take().await;
        connecting
            .map(drop)
            .map_err(|source| JournalError { operation: "connect to the database", source })
    }

    pub(super) async fn connection(&self) -> Result<deadpool_postgres::Client, AnyError> {
        self.connections.take().await
    }

    /// Milliseconds since 1970: workers on several machines go by one clock.
    pub(super) async fn now_ms(&self, tx: &Transaction<'_>) -> Result<i64, AnyError> {
        if let Some(clock) = &self.clock {
            return Ok(clock.now_ms());
        }
        let now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
        let now = tx.prepare_cached(now).await?;
        Ok(tx.query_one(&now, &[]).await?.try_get(0)?)
    }

    /// The moment that the caller's clock says, where there is one.
    pub(super) fn told_now(&self) -> Option<i64> {
        self.clock.as_ref().map(|it| it.now_ms())
    }

    /// The rows of one query.
    pub(super) async fn rows(
        &self,
        operation: &'static str,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, JournalError> {
        let reading = async {
            let client = self.connection().await?;
            let statement = client.prepare_cached(sql).await?;
            Ok(client.query(&statement, parameters).await?)
        };
        reading.await.map_err(|source| JournalError { operation, source })
    }
}

impl std::fmt::Debug for PostgresJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresJournal").finish_non_exhaustive()
    }
}

#[async_trait]
impl Journal for PostgresJournal {
    async fn position(&self, claim: &Claim, lane: &Lane) -> Result<Position, JournalError> {
        step!(self, "read a position", |tx| lanes::position(tx, claim, lane))
    }

    async fn begin(
        &self,
        claim: &Claim,
        lane: &Lane,
        settle: Settle,
        entries: &[Entry],
    ) -> Result<Vec<Begun>, JournalError> {
        step!(self, "begin records", |tx| begin::begin(tx, claim, lane, settle, entries))
    }

    async fn settle(
        &self,
        claim: &Claim,
        lane: &Lane,
        settled: &[Settled],
        failed: &[Failure],
        to: Option<&Position>,
    ) -> Result<(), JournalError> {
        let batch = Batch { settled, failed, to };
        step!(self, "settle records", |tx| settle::settle(tx, claim, lane, &batch))
    }

    async fn gone(
        &self,
        claim: &Claim,
        lane: &Lane,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Gone, JournalError> {
        step!(self, "look for what is gone", |tx| items::gone(tx, claim, lane, after, limit))
    }

    async fn forget(&self, claim: &Claim, lane: &Lane, ids: &[String]) -> Result<(), JournalError> {
        step!(self, "forget items", |tx| items::forget(tx, claim, lane, ids))
    }

    async fn items(
        &self,
        route: u64,
        lane: &Lane,
        query: &ItemQuery,
    ) -> Result<Vec<Item>, JournalError> {
        step!(self, "look up items", |tx| items::look_up(tx, route, lane, query))
    }

    async fn lost_fields(
        &self,
        route: u64,
        lane: &Lane,
        ids: &[String],
    ) -> Result<Vec<(String, String)>, JournalError> {
        step!(self, "look up losses", |tx| items::lost_fields(tx, route, lane, ids))
    }

    async fn note(&self, claim: &Claim, event: &Event) -> Result<(), JournalError> {
        step!(self, "note an event", |tx| async {
            let now = self.now_ms(tx).await?;
            events::note(tx, claim, event, now).await
        })
    }

    async fn history(&self, job: JobId) -> Result<Box<dyn History>, JournalError> {
        Ok(Box::new(PostgresHistory { journal: self.clone(), job }))
    }
}
