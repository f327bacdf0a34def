//! One lane: its pages are gathered into batches, and batches are settled.

use super::{
    Carrier, Place, batch::Batch, pages::Pages, prepare::Feed, task::Task, under_way::UnderWay,
};
use crate::{EngineError, Tuning};
use packhorse_core::{
    Event, Lane, ObjectKind, Record, Settle,
    port::{Counts, Position},
};
use tokio::sync::{mpsc, watch};

/// Batches that are written and wait for others to be durable.
const BATCHES_BEHIND: usize = 2;

/// Batches that are read and prepared before they can be written.
const BATCHES_AHEAD: usize = 1;

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
        let is_whole = self.left_open.holds(&lane);
        let only = if is_whole { None } else { self.retried.of_lane(&lane) };
        let at = position.cursor().cloned();
        let pages = Pages::these(&run.ends.source, &lane, at, only);
        let batch = Batch::new(lane, place.target.clone());
        match self.sides.sink.settle {
            Settle::Page => self.write_behind(pages, batch, counts).await,
            Settle::Record => self.write_through(place, pages, batch, counts).await,
        }
    }

    /// Carries batch after batch, and fills the next meanwhile.
    async fn write_through(
        &self,
        place: &Place,
        mut pages: Pages,
        mut batch: Batch,
        mut counts: Counts,
    ) -> Result<(), EngineError> {
        let mut next = Batch::new(batch.lane.clone(), batch.target.clone());
        let stop = self.run.stop;
        // Page by page while others are awaited: a batch waits for all that it refers to.
        let whole = self.run.worker.tuning;
        let tuning = || match place.coming.is_any() {
            true => Tuning { batch_pages: 1, ..whole },
            false => whole,
        };
        let mut filled = batch.fill(&mut pages, stop, &tuning()).await?;
        while let Some(to) = filled {
            let now = tuning();
            let fill = next.fill(&mut pages, stop, &now);
            let carry = async {
                self.await_referents(place, &mut batch).await?;
                // Nobody closes it.
                let _room = place.lanes.acquire().await.ok();
                self.carry_through(place, &mut batch, to, &mut counts).await
            };
            // What was read is carried also when the next page cannot be.
            let (carried, next_filled) = futures::join!(carry, fill);
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
        pages: Pages,
        batch: Batch,
        counts: Counts,
    ) -> Result<(), EngineError> {
        let (lane, target) = (batch.lane.clone(), batch.target.clone());
        let (written, to_settle) = mpsc::channel(BATCHES_BEHIND);
        let (n_settled, settled) = watch::channel(0);
        let mut under_way = UnderWay::new(settled);
        // On tasks of their own, so that neither the disk nor who prepares waits for this one.
        let mut settling =
            Task::begin(self.settler((&lane, &target), counts).run(to_settle, n_settled));
        let (feed, mut batches) = mpsc::channel(BATCHES_AHEAD);
        let mut feeding = Task::begin(self.feed(pages, batch).run(feed));
        let write = async move {
            // Room first, so that no more are under way than there is room for.
            while let Ok(room) = written.reserve().await
                && let Some((prepared, to)) = batches.recv().await
                && under_way.take(&prepared).await
            {
                room.send(self.write_prepared((&lane, &target), prepared, to).await?);
            }
            Ok(())
        };
        let wrote = write.await;
        // Where these went wrong nobody waits for the page that is being read.
        settling.end().await?.and(wrote)?;
        feeding.end().await?
    }

    fn feed(&self, pages: Pages, batch: Batch) -> Feed {
        let (stop, tuning) = (self.run.stop.clone(), self.run.worker.tuning);
        Feed { pages, batch, preparer: self.preparer.clone(), stop, tuning }
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
            Settle::Record => {
                self.carry_through(place, &mut batch, Position::Done, &mut counts).await?
            }
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
