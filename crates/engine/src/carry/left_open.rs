//! Projects that the run which met them last did not bring to their end.
//!
//! Some of what a destination is told can be done only when all else is there: its default branch,
//! an archive's closed door. Its adapter remembers that from the record which says it until the
//! project is finished, and a run that dies in between takes it along. These records are
//! therefore written again, although they are as they were.

use super::{Carrier, prepare::Prepared};
use crate::EngineError;
use packhorse_core::{
    Lane, ObjectKind, Scope, Settle,
    job::JobId,
    port::{Begun, ItemQuery, ProjectView, Stage},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Projects whose last run left them open, and what is known of runs.
#[derive(Debug, Default)]
pub(crate) struct LeftOpen {
    projects: Mutex<BTreeSet<Scope>>,
    /// What each earlier job brought to its end.
    closed: Mutex<BTreeMap<JobId, Arc<BTreeSet<String>>>>,
}

impl LeftOpen {
    /// Whether the records of a lane are written again.
    pub(super) fn holds(&self, lane: &Lane) -> bool {
        [ObjectKind::Project, ObjectKind::State].contains(&lane.kind)
            && lock(&self.projects).contains(&lane.scope)
    }
}

impl Carrier<'_> {
    /// Remembers whether the run that met a project last left it open.
    pub(super) async fn look_whether_left_open(&self, project: &Scope) -> Result<(), EngineError> {
        let Some(path) = project.project().filter(|_| self.sides.sink.settle == Settle::Record)
        else {
            return Ok(());
        };
        let lane = Lane::new(project.clone(), ObjectKind::Project);
        let (journal, route) = (&self.run.worker.journal, self.run.claim.route);
        let items = journal.items(route, &lane, &ItemQuery::After(None, 1)).await?;
        let Some(job) = items.first().and_then(|it| it.seen_by) else { return Ok(()) };
        if !self.closed_by(job).await?.contains(path) {
            lock(&self.left_open.projects).insert(project.clone());
        }
        Ok(())
    }

    /// The projects that a job brought to their end, as of when this run first asks.
    async fn closed_by(&self, job: JobId) -> Result<Arc<BTreeSet<String>>, EngineError> {
        if let Some(known) = lock(&self.left_open.closed).get(&job) {
            return Ok(Arc::clone(known));
        }
        let history = self.run.worker.journal.history(job).await?;
        let found = Arc::new(closed(history.projects().await?));
        lock(&self.left_open.closed).insert(job, Arc::clone(&found));
        Ok(found)
    }

    /// What is told of a record that is written again.
    pub(super) async fn again(
        &self,
        lane: &Lane,
        prepared: &Prepared,
    ) -> Result<Begun, EngineError> {
        let (journal, route) = (&self.run.worker.journal, self.run.claim.route);
        let query = ItemQuery::Origins(vec![prepared.record.origin.id.clone()]);
        let items = journal.items(route, lane, &query).await?;
        // What the destination had no place for has no item, and no place now.
        Ok(items.into_iter().next().map_or(Begun::Done, |it| Begun::Changed(it.target)))
    }
}

/// Paths of the projects that were brought to their end.
pub(super) fn closed(projects: Vec<ProjectView>) -> BTreeSet<String> {
    let is_closed = |stage| match stage {
        Stage::Carried | Stage::Verified | Stage::Differs => true,
        Stage::Waiting | Stage::Carrying | Stage::Failed | Stage::Blocked => false,
    };
    projects.into_iter().filter(|it| is_closed(it.stage)).map(|it| it.source).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
