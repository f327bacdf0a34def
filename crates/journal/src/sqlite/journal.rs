//! The journal itself: the port in terms of the tables.

use super::{
    begin,
    database::{AnyError, Database},
    events,
    history::SqliteHistory,
    items, lanes,
    session::Session,
    settle::{self, Batch},
};
use crate::{Clock, SystemClock};
use async_trait::async_trait;
use packhorse_core::{
    Event, Lane, Settle,
    job::JobId,
    port::{
        Begun, Claim, Entry, Failure, Gone, History, Item, ItemQuery, Journal, JournalError,
        Position, Settled,
    },
};
use rusqlite::Transaction;
use std::{path::Path, sync::Arc};

/// A journal in a SQLite file; clones are the same journal.
#[derive(Clone)]
pub struct SqliteJournal {
    database: Arc<Database>,
    clock: Arc<dyn Clock>,
}

impl SqliteJournal {
    /// Opens a journal, and makes it when it is not there.
    ///
    /// # Errors
    ///
    /// With [`packhorse_database::SchemaError`] underneath when the file is no journal of this
    /// version or an older one.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        Self::open_with(path, Arc::new(SystemClock))
    }

    /// Opens a journal with a clock of the caller's.
    ///
    /// # Errors
    ///
    /// As [`SqliteJournal::open`].
    pub fn open_with(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, JournalError> {
        let database = Database::open(path)
            .map_err(|source| JournalError { operation: "open the file", source })?;
        Ok(Self { database: Arc::new(database), clock })
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Does a step that may write, away from the tasks that must not wait.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        step: impl FnOnce(&mut Session<'_>) -> Result<T, AnyError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let database = self.database.clone();
        blocking(operation, move || database.write(step)).await
    }

    /// Does a step that only reads, away from the tasks that must not wait.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        step: impl FnOnce(&Transaction<'_>) -> Result<T, AnyError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let database = self.database.clone();
        blocking(operation, move || database.read(step)).await
    }
}

async fn blocking<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> Result<T, AnyError> + Send + 'static,
) -> Result<T, JournalError> {
    let done = tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(error.into()));
    done.map_err(|source| JournalError { operation, source })
}

impl std::fmt::Debug for SqliteJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteJournal").finish_non_exhaustive()
    }
}

#[async_trait]
impl Journal for SqliteJournal {
    async fn position(&self, claim: &Claim, lane: &Lane) -> Result<Position, JournalError> {
        let (claim, lane) = (claim.clone(), lane.clone());
        self.read("read a position", move |tx| lanes::position(tx, &claim, &lane)).await
    }

    async fn begin(
        &self,
        claim: &Claim,
        lane: &Lane,
        settle: Settle,
        entries: &[Entry],
    ) -> Result<Vec<Begun>, JournalError> {
        let (claim, lane, entries) = (claim.clone(), lane.clone(), entries.to_vec());
        let begin =
            move |session: &mut Session<'_>| begin::begin(session, &claim, &lane, settle, &entries);
        self.write("begin records", begin).await
    }

    async fn settle(
        &self,
        claim: &Claim,
        lane: &Lane,
        settled: &[Settled],
        failed: &[Failure],
        to: Option<&Position>,
    ) -> Result<(), JournalError> {
        let (claim, lane) = (claim.clone(), lane.clone());
        let (settled, failed, to) = (settled.to_vec(), failed.to_vec(), to.cloned());
        let batch = Batch { settled, failed, to };
        self.write("settle records", move |session| settle::settle(session, &claim, &lane, &batch))
            .await
    }

    async fn gone(
        &self,
        claim: &Claim,
        lane: &Lane,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Gone, JournalError> {
        let (claim, lane) = (claim.clone(), lane.clone());
        let after = after.map(str::to_owned);
        let gone =
            move |tx: &Transaction<'_>| items::gone(tx, &claim, &lane, after.as_deref(), limit);
        self.read("look for what is gone", gone).await
    }

    async fn forget(&self, claim: &Claim, lane: &Lane, ids: &[String]) -> Result<(), JournalError> {
        let (claim, lane, ids) = (claim.clone(), lane.clone(), ids.to_vec());
        self.write("forget items", move |session| items::forget(session, &claim, &lane, &ids)).await
    }

    async fn items(
        &self,
        route: u64,
        lane: &Lane,
        query: &ItemQuery,
    ) -> Result<Vec<Item>, JournalError> {
        let (lane, query) = (lane.clone(), query.clone());
        self.read("look up items", move |tx| items::look_up(tx, route, &lane, &query)).await
    }

    async fn lost_fields(
        &self,
        route: u64,
        lane: &Lane,
        ids: &[String],
    ) -> Result<Vec<(String, String)>, JournalError> {
        let (lane, ids) = (lane.clone(), ids.to_vec());
        self.read("look up losses", move |tx| items::lost_fields(tx, route, &lane, &ids)).await
    }

    async fn note(&self, claim: &Claim, event: &Event) -> Result<(), JournalError> {
        let (claim, event, now) = (claim.clone(), event.clone(), self.now_ms());
        self.write("note an event", move |session| events::note(session, &claim, &event, now)).await
    }

    async fn history(&self, job: JobId) -> Result<Box<dyn History>, JournalError> {
        Ok(Box::new(SqliteHistory { journal: self.clone(), job }))
    }
}
