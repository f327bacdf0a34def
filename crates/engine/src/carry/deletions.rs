//! What is gone at the source: found always, removed only on request.

use super::{
    Carrier,
    batch::{concerns_one, event},
};
use crate::{EngineError, error::chain, plan::PathPlan};
use packhorse_core::{
    Lane, ObjectKind, Scope,
    port::{Failure, Item, ItemQuery, ProjectView, Stage},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Items that are looked at at a time.
const PAGE: usize = 1_000;

/// Ids that are named as examples.
const EXAMPLES: usize = 5;

/// What of a lane is gone at the source and was left at the destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gone {
    pub(crate) scope: Scope,
    pub(crate) kind: ObjectKind,
    pub(crate) count: u64,
    pub(crate) examples: Vec<String>,
}

impl Gone {
    fn add<'a>(&mut self, items: impl IntoIterator<Item = &'a Item>) {
        for item in items {
            self.count += 1;
            if self.examples.len() < EXAMPLES {
                self.examples.push(item.origin.id.clone());
            }
        }
    }
}

impl Carrier<'_> {
    /// Goes through a scope's lanes from the last to the first, so that what refers goes first.
    pub(crate) async fn deletions(
        &self,
        source: &Scope,
        target: &Scope,
    ) -> Result<Vec<Gone>, EngineError> {
        let mut left = Vec::new();
        for kind in ObjectKind::ALL.iter().rev().copied() {
            if self.is_wanted(kind) && self.sides.sink.of(kind).is_some() {
                let gone = self.gone(&Lane::new(source.clone(), kind), target).await?;
                left.extend((gone.count > 0).then_some(gone));
            }
        }
        Ok(left)
    }

    /// What is gone with projects that earlier jobs of the route carried and that are gone whole.
    ///
    /// Projects that this job leaves out have not gone anywhere.
    pub(crate) async fn vanished(
        &self,
        planned: &BTreeSet<&str>,
    ) -> Result<Vec<Gone>, EngineError> {
        let paths = PathPlan::of(self.run.options)?;
        let mut left = Vec::new();
        for (source, target) in self.earlier_projects().await? {
            if planned.contains(source.as_str()) || !paths.picks(&source) {
                continue;
            }
            let (source, target) = (Scope::Project(source), Scope::Project(target));
            for kind in ObjectKind::ALL.iter().copied() {
                let lane = Lane::new(source.clone(), kind);
                if self.has_items(&lane).await? {
                    self.close_lane(&lane).await?;
                }
            }
            left.extend(self.deletions(&source, &target).await?);
        }
        Ok(left)
    }

    /// Paths at both ends of the projects that earlier jobs of this route carried.
    async fn earlier_projects(&self) -> Result<BTreeMap<String, String>, EngineError> {
        let (journal, claim) = (&self.run.worker.journal, self.run.claim);
        let mut list = BTreeMap::new();
        let jobs = journal.jobs(None).await?.into_iter();
        for job in jobs.filter(|it| it.route == claim.route && it.id < claim.job) {
            let views = journal.history(job.id).await?.projects().await?;
            let pair = |it: ProjectView| (it.source, it.target);
            let begun = views.into_iter().filter(|it| it.stage != Stage::Blocked);
            begun.map(pair).for_each(|(source, target)| {
                list.entry(source).or_insert(target);
            });
        }
        Ok(list)
    }

    async fn has_items(&self, lane: &Lane) -> Result<bool, EngineError> {
        let (journal, route) = (&self.run.worker.journal, self.run.claim.route);
        Ok(!journal.items(route, lane, &ItemQuery::After(None, 1)).await?.is_empty())
    }

    async fn gone(&self, lane: &Lane, target: &Scope) -> Result<Gone, EngineError> {
        let (journal, claim) = (&self.run.worker.journal, self.run.claim);
        let mut gone =
            Gone { scope: lane.scope.clone(), kind: lane.kind, count: 0, examples: Vec::new() };
        let mut after: Option<String> = None;
        loop {
            self.run.stop.check()?;
            let items = journal.gone(claim, lane, after.as_deref(), PAGE).await?;
            let Some(last) = items.last() else { return Ok(gone) };
            after = Some(last.origin.id.clone());
            // What was there before any of our jobs is not ours to take away.
            let (ours, others): (Vec<_>, Vec<_>) =
                items.into_iter().partition(|it| it.created_by.is_some());
            gone.add(&others);
            if self.run.options.delete {
                self.remove(lane, target, ours).await?;
            } else {
                gone.add(&ours);
            }
        }
    }

    /// Removes objects; one that the destination does not let go is a failure.
    async fn remove(
        &self,
        lane: &Lane,
        target: &Scope,
        items: Vec<Item>,
    ) -> Result<(), EngineError> {
        let (journal, claim) = (&self.run.worker.journal, self.run.claim);
        let sink = &self.run.ends.sink;
        let (mut removed, mut failed) = (Vec::new(), Vec::new());
        for item in items {
            let id = item.origin.id.clone();
            match self.run.stop.race(sink.remove(target, &item.origin, &item.target)).await? {
                Ok(()) => removed.push(id),
                Err(error) if concerns_one(&error) => {
                    let (scope, kind) = (lane.scope.clone(), lane.kind);
                    let failure = Failure { scope, kind, id: Some(id), reason: chain(&error) };
                    self.run.worker.listener.on(&event(&failure));
                    failed.push(failure);
                }
                Err(error) => return Err(error.into()),
            }
        }
        sink.flush(target).await?;
        journal.forget(claim, lane, &removed).await?;
        if !failed.is_empty() {
            journal.settle(claim, lane, &[], &failed, None).await?;
        }
        Ok(())
    }
}
