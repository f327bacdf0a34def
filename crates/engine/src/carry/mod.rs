//! Carrying: lane after lane, page after page, batch after batch.
//!
//! What stands beside all projects comes first, then projects side by side, in
//! each of them stages one after the other, in each stage kinds side by side.
//! A lane reads pages ahead; a batch is begun in the journal, written,
//! flushed and settled, so that a run can die anywhere.

mod batch;
mod beside;
mod blob;
mod deletions;
mod heads;
mod lane;
mod large_files;
mod ledger;
mod left_open;
mod numbered;
mod order;
mod pages;
mod prepare;
mod project;
mod queue;
mod repository;
mod settler;
mod shelf;
mod stage;
mod summaries;
mod tail;
mod task;
mod through;
mod under_way;

use beside::Coming;
pub(crate) use deletions::Gone;
pub(crate) use large_files::LOCKS;
pub(crate) use ledger::{at_server, is_of_source};
pub(crate) use left_open::LeftOpen;
pub(crate) use numbered::filler_of;
pub(crate) use prepare::Preparer;
pub(crate) use repository::{object, repo_of};

use crate::{
    EngineError,
    plan::{Counted, Sides, is_wanted},
    retry::Retried,
    run::Run,
};
use packhorse_core::{
    Carriage, Event, Lane, ObjectKind, Scope, Support,
    port::{Inventory, Position},
};
use packhorse_git::Git;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// What carries a run's records.
pub(crate) struct Carrier<'a> {
    pub(crate) run: &'a Run<'a>,
    pub(crate) sides: Arc<Sides>,
    pub(crate) preparer: Preparer,
    pub(crate) git: Git,
    /// What the plan has counted and nobody has carried yet.
    pub(crate) counted: Mutex<Counted>,
    /// Who may have a pack on its way.
    pub(crate) packs: Option<Arc<Semaphore>>,
    pub(crate) left_open: LeftOpen,
    pub(crate) retried: Retried,
}

/// A scope at both ends, and what there is in it.
pub(super) struct Place {
    source: Scope,
    target: Scope,
    inventory: Inventory,
    /// Whether issues are switched on there: where they are not, a destination takes none.
    has_issues: bool,
    /// What others may have to wait for.
    coming: Coming,
    /// Who may write, of those that go beside each other.
    lanes: Semaphore,
}

impl Place {
    fn lane(&self, kind: ObjectKind) -> Lane {
        Lane::new(self.source.clone(), kind)
    }

    /// How many records of a kind the source says there are.
    fn count(&self, kind: ObjectKind) -> Option<u64> {
        self.inventory.records(kind)
    }
}

impl Carrier<'_> {
    /// Carries what stands beside all projects.
    pub(crate) async fn shared(&self) -> Result<(), EngineError> {
        let place = self.place(Scope::Shared, Scope::Shared).await?;
        for kind in ObjectKind::ALL.iter().copied().filter(|it| it.is_shared()) {
            self.kind(&place, kind).await?;
        }
        Ok(())
    }

    async fn place(&self, source: Scope, target: Scope) -> Result<Place, EngineError> {
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner).remove(&source);
        let inventory = match counted {
            Some(counted) => counted,
            None => self.run.stop.or(self.run.ends.source.inventory(&source)).await?,
        };
        let lanes = Semaphore::new(self.run.worker.tuning.lanes.max(1));
        let coming = Coming::nothing();
        Ok(Place { source, target, inventory, has_issues: true, coming, lanes })
    }

    /// Carries one kind of a scope, or says why not.
    async fn kind(&self, place: &Place, kind: ObjectKind) -> Result<(), EngineError> {
        self.run.stop.check()?;
        if !self.is_wanted(kind) {
            return Ok(());
        }
        let lane = place.lane(kind);
        let position = self.run.worker.journal.position(self.run.claim, &lane).await?;
        let position = match position {
            Position::Done if self.left_open.holds(&lane) => Position::Start,
            Position::Done => return Ok(()),
            Position::Start | Position::At(_) => position,
        };
        match self.sides.sink.of(kind) {
            Support::None(why) => return self.drop_lane(&lane, place.count(kind), why).await,
            Support::WithGit => return Box::pin(self.hand_over(place)).await,
            Support::Full | Support::Partial(_) => {}
        }
        match kind.carriage() {
            Carriage::Git => Box::pin(self.repository(place, kind)).await,
            Carriage::Record | Carriage::Blob => Box::pin(self.lane(place, kind, &position)).await,
        }
    }

    /// Whether a kind is asked for, and can be read.
    fn is_wanted(&self, kind: ObjectKind) -> bool {
        is_wanted(self.run.options, kind) && self.sides.source.of(kind).is_some()
    }

    /// Notes that the destination has no place for a lane; silent when there is nothing in it.
    async fn drop_lane(
        &self,
        lane: &Lane,
        records: Option<u64>,
        why: &str,
    ) -> Result<(), EngineError> {
        if records == Some(0) {
            return Ok(());
        }
        let (scope, kind, why) = (lane.scope.clone(), lane.kind, why.to_owned());
        self.run.worker.tell(self.run.claim, Event::Dropped { scope, kind, records, why }).await?;
        self.close_lane(lane).await
    }
}
