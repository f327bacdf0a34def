//! One lane: pages are read one ahead, gathered into batches, and settled.

use super::{Carrier, batch::Batch};
use crate::EngineError;
use packhorse_core::{
    Cursor, Event, HostError, HostErrorKind, Lane, Object, ObjectKind, Record, Scope,
    port::{Counts, Page, Position, Source},
};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// A page that is being read; dropping it stops the reading.
struct Reading(JoinHandle<Result<Page, HostError>>);

impl Reading {
    fn begin(source: &Arc<dyn Source>, lane: &Lane, at: Option<Cursor>) -> Self {
        let (source, lane) = (source.clone(), lane.clone());
        Self(tokio::spawn(async move { source.read(&lane, at.as_ref()).await }))
    }

    async fn page(mut self) -> Result<Page, EngineError> {
        match (&mut self.0).await {
            Ok(page) => Ok(page?),
            Err(error) => Err(EngineError::Scratch(std::io::Error::other(error))),
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Carrier<'_> {
    /// Carries a lane of records from wherever the journal says it stands.
    pub(super) async fn lane(&self, lane: &Lane, target: &Scope) -> Result<(), EngineError> {
        let (run, journal) = (self.run, &self.run.worker.journal);
        let listed = listing(lane);
        let position = journal.position(run.claim, lane).await?;
        let mut at = position.cursor().cloned();
        let mut counts = Counts { source: self.lane_count(lane).await?, ..Counts::default() };
        if counts.source == Some(0) && position == Position::Start {
            let to = Some(&Position::Done);
            return Ok(journal.settle(run.claim, lane, &[], &[], to).await?);
        }
        self.progress(lane, &counts, 0).await?;
        let mut reading = Reading::begin(&run.ends.source, &listed, at.clone());
        let mut batch = Batch::new(lane.clone(), target.clone());
        loop {
            let page = run.stop.or(reading.page()).await?;
            if page.next.is_some() && page.next == at {
                return Err(repeats(lane).into());
            }
            at = page.next;
            // One page is read ahead while this one is written, and no more.
            let next = at.clone().map(|at| Reading::begin(&run.ends.source, &listed, Some(at)));
            batch.take(page.records.into_iter().filter(|it| belongs(lane, it)));
            let is_full = batch.len() >= run.worker.tuning.batch_records
                || batch.n_pages() >= run.worker.tuning.batch_pages;
            if is_full || next.is_none() {
                let to = at.clone().map_or(Position::Done, Position::At);
                let bytes = self.settle_batch(&mut batch, &to, &mut counts).await?;
                self.run.worker.listener.on(&progress(lane, &counts, bytes));
                run.stop.check()?;
            }
            match next {
                Some(next) => reading = next,
                None => return Ok(()),
            }
        }
    }

    /// How many records the lane has; of the project itself there is one.
    async fn lane_count(&self, lane: &Lane) -> Result<Option<u64>, EngineError> {
        if lane.kind == ObjectKind::Project { Ok(Some(1)) } else { self.count(lane).await }
    }

    /// Tells how far a lane is, and notes how much there is in it.
    async fn progress(&self, lane: &Lane, counts: &Counts, bytes: u64) -> Result<(), EngineError> {
        self.run.worker.tell(self.run.claim, progress(lane, counts, bytes)).await
    }
}

fn repeats(lane: &Lane) -> HostError {
    HostError::new(HostErrorKind::Protocol, "read past a page that repeats").with("lane", lane)
}

fn progress(lane: &Lane, counts: &Counts, bytes: u64) -> Event {
    Event::Progress { scope: lane.scope.clone(), kind: lane.kind, counts: *counts, bytes }
}

/// Where a lane's records are listed: those of projects beside all projects.
fn listing(lane: &Lane) -> Lane {
    match lane.kind {
        ObjectKind::Project => Lane::new(Scope::Shared, ObjectKind::Project),
        _other => lane.clone(),
    }
}

/// Of the list of projects, only the lane's own record.
fn belongs(lane: &Lane, record: &Record) -> bool {
    match &record.object {
        Object::Project(project) => lane.scope.project() == Some(&*project.path),
        _ => true,
    }
}
