//! Projects, side by side.

use super::{Carrier, Gone, Place, left_open::closed, pages::Pages, stage};
use crate::{EngineError, error::chain};
use futures::{StreamExt, TryStreamExt, stream};
use packhorse_core::{
    Event, Lane, Loss, Object, ObjectKind, Origin, Record, Scope, Support, TargetId,
    plan::{Plan, PlannedProject},
    port::{ItemQuery, Outcome, Position, Settled, Stage},
};
use std::collections::{BTreeMap, BTreeSet};

/// What carrying all projects came to.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    /// Projects that stopped with an error.
    pub(crate) n_failed: u64,
    /// What is gone at the source and was left at the destination.
    pub(crate) gone: Vec<Gone>,
}

impl Carrier<'_> {
    /// Carries the plan's projects, in the order in which the source lists them.
    ///
    /// A project that fails leaves the others alone.
    pub(crate) async fn projects(&self, plan: &Plan) -> Result<Carried, EngineError> {
        let mut planned: BTreeMap<&str, &PlannedProject> =
            plan.projects.iter().map(|it| (it.source.as_str(), it)).collect();
        for (path, why) in plan.blocked() {
            let target = planned.remove(path).map_or(path, |it| it.target.as_str());
            self.tell_stage((path, target), Stage::Blocked, Some(why.to_owned())).await?;
        }
        let done = self.carried_before().await?;
        let mut waiting: BTreeSet<&str> = planned.keys().copied().collect();
        let lane = Lane::new(Scope::Shared, ObjectKind::Project);
        let pages = Pages::from(&self.run.ends.source, &lane, None);
        let listed = stream::try_unfold(pages, |mut pages| async {
            let page = self.run.stop.or(pages.next()).await?;
            Ok::<_, EngineError>(page.map(|(records, _)| (records, pages)))
        });
        let listed = listed
            .map_ok(|records| stream::iter(records.into_iter().map(Ok::<_, EngineError>)))
            .try_flatten();
        let mut running = listed
            .map_ok(|record| (planned.get(record.origin.id.as_str()).copied(), record))
            .map(|listed| async {
                match listed? {
                    (None, _) => Ok(None),
                    (Some(project), record) => {
                        let before = done.contains(&project.source);
                        let result = self.project(project, record, before).await;
                        // Told here, and not by whoever collects: that may wait for a step of
                        // another project's in the journal, which has to go on meanwhile.
                        let ended = self.end_project(project, result).await?;
                        Ok(Some((project, ended)))
                    }
                }
            })
            .buffer_unordered(self.run.worker.tuning.projects.max(1))
            .boxed();
        let mut carried = Carried::default();
        while let Some(ended) = running.next().await {
            let ended: Result<_, EngineError> = ended;
            let Some((project, gone)) = ended? else { continue };
            waiting.remove(project.source.as_str());
            match gone {
                Some(gone) => carried.gone.extend(gone),
                None => carried.n_failed += 1,
            }
        }
        drop(running);
        for path in waiting {
            let reason = "the source does not list it any more".to_owned();
            self.tell_stage(ends(planned[path]), Stage::Failed, Some(reason)).await?;
            carried.n_failed += 1;
        }
        Ok(carried)
    }

    /// Projects that an earlier run of this job has carried to their end, with nothing to make up for.
    async fn carried_before(&self) -> Result<BTreeSet<String>, EngineError> {
        let history = self.run.worker.journal.history(self.run.claim.job).await?;
        let mut list = closed(history.projects().await?);
        for lane in history.lanes().await?.iter().filter(|it| it.position != Position::Done) {
            list.remove(lane.scope.key());
        }
        Ok(list)
    }

    /// Tells how a project ended; what of it is gone at the source, or `None` when it failed.
    async fn end_project(
        &self,
        project: &PlannedProject,
        result: Result<Vec<Gone>, EngineError>,
    ) -> Result<Option<Vec<Gone>>, EngineError> {
        let (stage, reason, gone) = match result {
            Ok(gone) => (Stage::Carried, None, Some(gone)),
            Err(error) if error.ends_run() => return Err(error),
            Err(error) => (Stage::Failed, Some(chain(&error)), None),
        };
        self.tell_stage(ends(project), stage, reason).await?;
        Ok(gone)
    }

    async fn tell_stage(
        &self,
        (path, target): (&str, &str),
        stage: Stage,
        reason: Option<String>,
    ) -> Result<(), EngineError> {
        let (path, target) = (path.to_owned(), target.to_owned());
        let event = Event::Project { path, target, stage, reason };
        self.run.worker.tell(self.run.claim, event).await
    }

    /// Carries a project; what of it is gone at the source and was left at the destination.
    async fn project(
        &self,
        project: &PlannedProject,
        record: Record,
        before: bool,
    ) -> Result<Vec<Gone>, EngineError> {
        let source = Scope::Project(project.source.clone());
        let target = Scope::Project(project.target.clone());
        if before {
            return self.deletions(&source, &target).await;
        }
        self.look_whether_left_open(&source).await?;
        self.tell_stage(ends(project), Stage::Carrying, None).await?;
        let mut place = self.place(source, target).await?;
        if let Object::Project(it) = &record.object {
            place.has_issues = it.features.issues != Some(false);
        }
        self.head(&place, record).await?;
        let by_number = self.goes_by_number(&place).await?;
        let summarises = self.summarises();
        let mut through = BTreeSet::new();
        if summarises {
            through.insert(ObjectKind::Event);
        }
        for mut kinds in stage::all() {
            // When all is said, and before doors are closed.
            if summarises && kinds.contains(&ObjectKind::State) {
                self.summaries(&place).await?;
            }
            if by_number && kinds.contains(&ObjectKind::Issue) {
                self.by_number_and_beside(&place, &mut through).await?;
            }
            kinds.retain(|it| !through.contains(it));
            self.side_by_side(&place, kinds).await?;
        }
        let gone = self.deletions(&place.source, &place.target).await?;
        let late = self.run.ends.sink.finish(&place.target).await?;
        self.drop_late(&place.source, late).await?;
        Ok(gone)
    }

    /// Carries kinds that do not refer to each other.
    pub(super) async fn side_by_side(
        &self,
        place: &Place,
        kinds: Vec<ObjectKind>,
    ) -> Result<(), EngineError> {
        stream::iter(kinds)
            .map(|kind| self.kind(place, kind))
            .buffer_unordered(self.run.worker.tuning.lanes.max(1))
            .try_collect::<Vec<()>>()
            .await?;
        Ok(())
    }

    /// Notes what the destination turned out to have no place for, only when all was there.
    pub(crate) async fn drop_late(
        &self,
        scope: &Scope,
        late: Vec<(Origin, Loss)>,
    ) -> Result<(), EngineError> {
        let (journal, claim) = (&self.run.worker.journal, self.run.claim);
        let mut lanes: BTreeMap<ObjectKind, BTreeMap<String, Vec<Loss>>> = BTreeMap::new();
        for (origin, loss) in late {
            lanes.entry(origin.kind).or_default().entry(origin.id).or_default().push(loss);
        }
        for (kind, mut losses) in lanes {
            let lane = Lane::new(scope.clone(), kind);
            let query = ItemQuery::Origins(losses.keys().cloned().collect());
            let items = journal.items(claim.route, &lane, &query).await?;
            let dropped = items.into_iter().map(|item| Settled {
                losses: losses.remove(&item.origin.id).unwrap_or_default(),
                id: item.origin.id,
                fingerprint: item.fingerprint,
                target: TargetId(String::new()),
                outcome: Some(Outcome::Dropped),
            });
            journal.settle(claim, &lane, &dropped.collect::<Vec<_>>(), &[], None).await?;
        }
        Ok(())
    }

    /// Carries the project's own record, unless that is done or was not asked for.
    async fn head(&self, place: &Place, record: Record) -> Result<(), EngineError> {
        let kind = ObjectKind::Project;
        let lane = place.lane(kind);
        let position = self.run.worker.journal.position(self.run.claim, &lane).await?;
        let is_done = position == Position::Done && !self.left_open.holds(&lane);
        if is_done || !self.is_wanted(kind) {
            return Ok(());
        }
        if let Support::None(why) = self.sides.sink.of(kind) {
            return self.drop_lane(&lane, Some(1), why).await;
        }
        self.project_record(place, record).await
    }
}

/// Paths of a project at both ends.
fn ends(project: &PlannedProject) -> (&str, &str) {
    (&project.source, &project.target)
}
