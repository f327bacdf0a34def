//! Carrying: lane after lane, page after page, batch after batch.

mod batch;
mod blob;
mod deletions;
mod lane;
mod repository;
mod stage;

pub(crate) use deletions::Gone;

use crate::{
    EngineError,
    plan::{Sides, is_wanted},
    run::Run,
    transform::PathMap,
};
use futures::{StreamExt, TryStreamExt, stream};
use packhorse_core::{
    Carriage, Event, Lane, ObjectKind, Scope, Support,
    plan::PlannedProject,
    port::{Position, Stage, Transform},
};
use packhorse_git::Git;
use std::sync::Arc;

/// What carries a run's records.
pub(crate) struct Carrier<'a> {
    pub(crate) run: &'a Run<'a>,
    pub(crate) sides: &'a Sides,
    pub(crate) transforms: Vec<Box<dyn Transform>>,
    pub(crate) paths: Arc<PathMap>,
    pub(crate) git: Git,
}

impl Carrier<'_> {
    /// Carries what stands beside all projects.
    pub(crate) async fn shared(&self) -> Result<(), EngineError> {
        for kind in ObjectKind::ALL.iter().copied().filter(|it| it.is_shared()) {
            self.kind(&Scope::Shared, &Scope::Shared, kind).await?;
        }
        Ok(())
    }

    /// Carries a project; what of it is gone at the source and was left at the destination.
    pub(crate) async fn project(&self, project: &PlannedProject) -> Result<Vec<Gone>, EngineError> {
        let (path, target) = (project.source.clone(), project.target.clone());
        let stage = Stage::Carrying;
        let event = Event::Project { path, target, stage, reason: None };
        self.run.worker.tell(self.run.claim, event).await?;
        let source = Scope::Project(project.source.clone());
        let target = Scope::Project(project.target.clone());
        for stage in stage::all() {
            let kinds = stage::kinds(stage);
            stream::iter(kinds)
                .map(|kind| self.kind(&source, &target, kind))
                .buffer_unordered(self.run.worker.tuning.lanes.max(1))
                .try_collect::<Vec<()>>()
                .await?;
        }
        let gone = self.deletions(&source, &target).await?;
        self.run.ends.sink.finish(&target).await?;
        Ok(gone)
    }

    /// Carries one kind of a scope, or says why not.
    async fn kind(
        &self,
        source: &Scope,
        target: &Scope,
        kind: ObjectKind,
    ) -> Result<(), EngineError> {
        self.run.stop.check()?;
        let lane = Lane::new(source.clone(), kind);
        if !self.is_wanted(&lane) {
            return Ok(());
        }
        let journal = &self.run.worker.journal;
        if journal.position(self.run.claim, &lane).await? == Position::Done {
            return Ok(());
        }
        if let Support::None(why) = self.sides.sink.of(kind) {
            return self.drop_lane(&lane, why).await;
        }
        match kind.carriage() {
            Carriage::Git => self.repository(&lane, target).await,
            Carriage::Record | Carriage::Blob => self.lane(&lane, target).await,
        }
    }

    /// Whether the lane is asked for, and the source has anything in it.
    fn is_wanted(&self, lane: &Lane) -> bool {
        is_wanted(self.run.options, lane.kind) && self.sides.source.of(lane.kind).is_some()
    }

    /// How many records the source says the lane has.
    async fn count(&self, lane: &Lane) -> Result<Option<u64>, EngineError> {
        let inventory = self.run.ends.source.inventory(&lane.scope);
        Ok(self.run.stop.or(inventory).await?.records(lane.kind))
    }

    /// Notes that the destination has no place for a lane; silent when there is nothing in it.
    async fn drop_lane(&self, lane: &Lane, why: &str) -> Result<(), EngineError> {
        let records = self.count(lane).await?;
        if records == Some(0) {
            return Ok(());
        }
        let (scope, kind, why) = (lane.scope.clone(), lane.kind, why.to_owned());
        self.run.worker.tell(self.run.claim, Event::Dropped { scope, kind, records, why }).await?;
        let journal = &self.run.worker.journal;
        Ok(journal.settle(self.run.claim, lane, &[], &[], Some(&Position::Done)).await?)
    }
}
