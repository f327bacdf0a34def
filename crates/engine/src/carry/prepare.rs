//! Preparing: what is read becomes what is written.

use super::{batch::Batch, pages::Pages, under_way::once};
use crate::{
    EngineError, Stop, Tuning,
    plan::Sides,
    relink::link,
    transform::{
        PathMap,
        links::{looks_up, missing_parent},
    },
};
use packhorse_core::{
    Fingerprint, Lane, Origin, Record, TargetId,
    port::{Context, Entry, Journal, Position, Settled, Transform},
};
use std::sync::Arc;
use tokio::sync::mpsc;

/// A record as it will be written.
pub(super) struct Prepared {
    pub(super) record: Record,
    pub(super) fingerprint: Fingerprint,
    /// What it belongs to, when that has not arrived.
    pub(super) missing: Option<Origin>,
}

impl Prepared {
    /// What is noted of a record that is about to be written.
    pub(super) fn entry(&self) -> Entry {
        Entry { id: self.record.origin.id.clone(), fingerprint: self.fingerprint }
    }

    /// What is settled of a record that is at the destination already, just so.
    pub(super) fn unchanged(&self) -> Settled {
        let id = self.record.origin.id.clone();
        let target = TargetId(id.clone());
        let fingerprint = self.fingerprint;
        Settled { id, fingerprint, target, outcome: None, losses: Vec::new() }
    }
}

/// Makes what is read into what is written. Clones share everything.
#[derive(Clone)]
pub(crate) struct Preparer {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) route: u64,
    pub(crate) sides: Arc<Sides>,
    pub(crate) transforms: Arc<[Box<dyn Transform>]>,
    pub(crate) paths: Arc<PathMap>,
}

impl Preparer {
    /// Prepares what a batch holds, and leaves it empty.
    pub(super) async fn batch(&self, batch: &mut Batch) -> Result<Vec<Prepared>, EngineError> {
        let mut records = batch.empty();
        self.link(&batch.lane, &mut records).await?;
        Ok(once(records.into_iter().map(|record| self.record(&batch.lane, record)).collect()))
    }

    /// Prepares one record.
    pub(super) fn record(&self, lane: &Lane, mut record: Record) -> Prepared {
        let missing = match looks_up(&self.sides.sink) {
            true => missing_parent(&mut record, &self.sides.sink),
            false => None,
        };
        self.transforms.apply(&self.context(lane), &mut record);
        let fingerprint = Fingerprint::of(&record.object);
        Prepared { record, fingerprint, missing }
    }

    /// Tells records what they refer to has become, where the destination gives other ids.
    async fn link(&self, lane: &Lane, records: &mut [Record]) -> Result<(), EngineError> {
        if !looks_up(&self.sides.sink) {
            return Ok(());
        }
        Ok(link(&*self.journal, self.route, &self.context(lane), &self.paths, records).await?)
    }

    pub(super) fn context<'a>(&'a self, lane: &'a Lane) -> Context<'a> {
        Context { source: &self.sides.source, sink: &self.sides.sink, scope: &lane.scope }
    }
}

/// Reads a lane and prepares its batches ahead of who writes them.
pub(super) struct Feed {
    pub(super) pages: Pages,
    pub(super) batch: Batch,
    pub(super) preparer: Preparer,
    pub(super) stop: Stop,
    pub(super) tuning: Tuning,
}

impl Feed {
    /// Gives batch after batch, each with where the lane stands after it, as long as somebody
    /// takes them.
    pub(super) async fn run(
        mut self,
        batches: mpsc::Sender<(Vec<Prepared>, Position)>,
    ) -> Result<(), EngineError> {
        while let Ok(room) = batches.reserve().await
            && let Some(to) = self.batch.fill(&mut self.pages, &self.stop, &self.tuning).await?
        {
            room.send((self.preparer.batch(&mut self.batch).await?, to));
        }
        Ok(())
    }
}
