//! One lane: its pages are gathered into batches, and batches are settled.

use super::{Carrier, Place, batch::Batch, pages::Pages, under_way::UnderWay};
use crate::EngineError;
use packhorse_core::{
    Event, Lane, ObjectKind, Record, Settle,
    port::{Counts, Position},
};
use tokio::sync::{mpsc, watch};

/// Batches that are written and wait for others to be durable.
const BATCHES_BEHIND: usize = 2;

impl Carrier<'_> {
    /// Carries a lane of records from wherever the journal says it stands.
    pub(super) async fn lane(
        &self,
        place: &Place,
        kind: ObjectKind,
        position: &Position,
    ) -> Result<(), EngineError> {
        let run = self.run;
        let lane = place.lane(kind);
        let counts = Counts { source: place.count(kind), ..Counts::default() };
        if counts.source == Some(0) && *position == Position::Start {
            return self.close_lane(&lane).await;
        }
        self.run.worker.tell(run.claim, progress(&lane, &counts, 0)).await?;
        let pages = Pages::from(&run.ends.source, &lane, position.cursor().cloned());
        let batch = Batch::new(lane, place.target.clone());
        match self.sides.sink.settle {
            Settle::Page => self.write_behind(pages, batch, counts).await,
            Settle::Record => self.write_through(pages, batch, counts).await,
        }
    }

    /// Carries batch after batch, and fills the next meanwhile.
    async fn write_through(
        &self,
        mut pages: Pages,
        mut batch: Batch,
        mut counts: Counts,
    ) -> Result<(), EngineError> {
        let mut next = Batch::new(batch.lane.clone(), batch.target.clone());
        let mut filled = self.fill(&mut pages, &mut batch).await?;
        while let Some(to) = filled {
            let fill = self.fill(&mut pages, &mut next);
            // What was read is carried also when the next page cannot be.
            let (carried, next_filled) =
                futures::join!(self.carry_through(&mut batch, to, &mut counts), fill);
            carried?;
            self.run.worker.listener.on(&progress(&batch.lane, &counts, 0));
            filled = next_filled?;
            std::mem::swap(&mut batch, &mut next);
        }
        Ok(())
    }

    /// Writes a batch while those before it are made durable and settled.
    ///
    /// What was written is settled also when the next page cannot be read.
    async fn write_behind(
        &self,
        mut pages: Pages,
        mut batch: Batch,
        mut counts: Counts,
    ) -> Result<(), EngineError> {
        let (lane, target) = (batch.lane.clone(), batch.target.clone());
        let (written, mut to_settle) = mpsc::channel(BATCHES_BEHIND);
        let (n_settled, settled) = watch::channel(0);
        let mut under_way = UnderWay::new(settled);
        let write = async move {
            // Room first, so that no more are under way than there is room for.
            while let Ok(room) = written.reserve().await
                && let Some(to) = self.fill(&mut pages, &mut batch).await?
            {
                let prepared = self.prepare_batch(&mut batch).await?;
                if !under_way.take(&prepared).await {
                    break;
                }
                room.send(self.write_prepared(&batch, prepared, to).await?);
            }
            Ok(())
        };
        let settle = async move {
            while let Some(mut written) = to_settle.recv().await {
                // The slower the disk, the more is made durable at a time.
                while let Ok(more) = to_settle.try_recv() {
                    written.append(more);
                }
                let n_batches = written.n_batches;
                let bytes = self.settle(&lane, &target, written, &mut counts).await?;
                n_settled.send_modify(|it| *it += n_batches);
                self.run.worker.listener.on(&progress(&lane, &counts, bytes));
            }
            Ok(())
        };
        let (wrote, settled) = futures::join!(write, settle);
        settled.and(wrote)
    }

    /// Reads pages until a batch is full, and says where the lane stands then; `None` at its end.
    async fn fill(
        &self,
        pages: &mut Pages,
        batch: &mut Batch,
    ) -> Result<Option<Position>, EngineError> {
        self.run.stop.check()?;
        while let Some((records, to)) = self.run.stop.or(pages.next()).await? {
            batch.take(records);
            if batch.is_full(&self.run.worker.tuning) || to == Position::Done {
                return Ok(Some(to));
            }
        }
        Ok(None)
    }

    /// Carries the project's own record, which is listed beside all projects.
    pub(super) async fn project_record(
        &self,
        place: &Place,
        record: Record,
    ) -> Result<(), EngineError> {
        let lane = place.lane(ObjectKind::Project);
        let mut counts = Counts { source: Some(1), ..Counts::default() };
        self.run.worker.tell(self.run.claim, progress(&lane, &counts, 0)).await?;
        let mut batch = Batch::new(lane.clone(), place.target.clone());
        batch.take(vec![record]);
        match self.sides.sink.settle {
            Settle::Page => {
                let written = self.write_batch(&mut batch, Position::Done).await?;
                self.settle(&batch.lane, &batch.target, written, &mut counts).await?;
            }
            Settle::Record => self.carry_through(&mut batch, Position::Done, &mut counts).await?,
        }
        self.run.worker.listener.on(&progress(&lane, &counts, 0));
        Ok(())
    }

    /// Notes that a lane has nothing more.
    pub(super) async fn close_lane(&self, lane: &Lane) -> Result<(), EngineError> {
        let (journal, to) = (&self.run.worker.journal, Some(&Position::Done));
        Ok(journal.settle(self.run.claim, lane, &[], &[], to).await?)
    }
}

/// How far a lane is.
pub(super) fn progress(lane: &Lane, counts: &Counts, bytes: u64) -> Event {
    Event::Progress { scope: lane.scope.clone(), kind: lane.kind, counts: *counts, bytes }
}
