//! The journal itself: one writer, and the port in terms of the tables.

use crate::{
    clock::{Clock, SystemClock},
    database::{self, AnyError, failed},
    history::SqliteHistory,
    items, lanes,
};
use async_trait::async_trait;
use packhorse_core::{
    Event, Lane, Settle,
    job::JobId,
    port::{
        Begun, Claim, Entry, Failure, Gone, History, Item, ItemQuery, Journal, JournalError,
        Position, Settled,
    },
};
use rusqlite::Connection;
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// A journal in a SQLite file.
#[derive(Clone)]
pub struct SqliteJournal {
    connection: Arc<Mutex<Connection>>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl SqliteJournal {
    /// Opens a journal, and makes it when it is not there.
    ///
    /// # Errors
    ///
    /// With [`crate::OpenError`] underneath when the file is no journal of this
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
        let connection = database::open(path).map_err(failed("open the file"))?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), clock })
    }

    /// Does a step in the database, away from the tasks that must not wait.
    pub(crate) async fn step<T: Send + 'static>(
        &self,
        operation: &'static str,
        step: impl FnOnce(&mut Connection) -> Result<T, AnyError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let connection = self.connection.clone();
        let done = tokio::task::spawn_blocking(move || {
            // A step that panicked left no transaction open: dropping one rolls it back.
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            step(&mut connection)
        });
        let done = done.await.map_err(|error| failed(operation)(error.into()))?;
        done.map_err(failed(operation))
    }
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
        self.step("read a position", move |db| lanes::position(db, &claim, &lane)).await
    }

    async fn begin(
        &self,
        claim: &Claim,
        lane: &Lane,
        settle: Settle,
        entries: &[Entry],
    ) -> Result<Vec<Begun>, JournalError> {
        let (claim, lane, entries) = (claim.clone(), lane.clone(), entries.to_vec());
        self.step("begin records", move |db| items::begin(db, &claim, &lane, settle, &entries))
            .await
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
        self.step("settle records", move |db| {
            items::settle(db, &claim, &lane, &items::Batch { settled, failed, to })
        })
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
        self.step("look for what is gone", move |db| items::gone(db, &claim, &lane, after, limit))
            .await
    }

    async fn forget(&self, claim: &Claim, lane: &Lane, ids: &[String]) -> Result<(), JournalError> {
        let (claim, lane, ids) = (claim.clone(), lane.clone(), ids.to_vec());
        self.step("forget items", move |db| items::forget(db, &claim, &lane, &ids)).await
    }

    async fn items(
        &self,
        route: u64,
        lane: &Lane,
        query: &ItemQuery,
    ) -> Result<Vec<Item>, JournalError> {
        let (lane, query) = (lane.clone(), query.clone());
        self.step("look up items", move |db| items::look_up(db, route, &lane, &query)).await
    }

    async fn note(&self, claim: &Claim, event: &Event) -> Result<(), JournalError> {
        let (claim, event, now) = (claim.clone(), event.clone(), self.clock.now_ms());
        self.step("note an event", move |db| lanes::note(db, &claim, &event, now)).await
    }

    async fn history(&self, job: JobId) -> Result<Box<dyn History>, JournalError> {
        Ok(Box::new(SqliteHistory { journal: self.clone(), job }))
    }
}
