//! One lane: its pages are gathered into batches, and batches are settled.

use super::{Carrier, Place, batch::Batch, pages::Pages};
use crate::EngineError;
use packhorse_core::{
    Event, Lane, ObjectKind, Record,
    port::{Counts, Position},
};

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
        let mut counts = Counts { source: place.count(kind), ..Counts::default() };
        if counts.source == Some(0) && *position == Position::Start {
            return self.close_lane(&lane).await;
        }
        self.run.worker.tell(run.claim, progress(&lane, &counts, 0)).await?;
        let mut pages = Pages::from(&run.ends.source, &lane, position.cursor().cloned());
        let mut batch = Batch::new(lane.clone(), place.target.clone());
        while let Some((records, to)) = run.stop.or(pages.next()).await? {
            batch.take(records);
            if batch.is_full(&run.worker.tuning) || to == Position::Done {
                let bytes = self.settle_batch(&mut batch, &to, &mut counts).await?;
                run.worker.listener.on(&progress(&lane, &counts, bytes));
                run.stop.check()?;
            }
        }
        Ok(())
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
        self.settle_batch(&mut batch, &Position::Done, &mut counts).await?;
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
