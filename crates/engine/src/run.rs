//! A run, from its plan to its verdict.

use crate::{
    Ends, EngineError, Stop, Worker,
    carry::{Carrier, Gone, LeftOpen, Preparer},
    plan::{Counted, PathPlan, Sides, draft, written_by},
    reading,
    relink::{Relinking, relink},
    report,
    retry::Retried,
    rollback,
    transform::{self, PathMap, stack},
    unchanged,
    verify::{SoFar, Verification, What, forget},
};
use packhorse_core::{
    Event, Scope,
    job::{JobOptions, JobState},
    plan::Plan,
    port::{Claim, Stage},
};
use packhorse_git::Git;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};
use tokio::sync::Semaphore;

/// Name of the document that says what is gone at the source.
const GONE: &str = "gone";

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunOutcome {
    /// Where the job stands now.
    pub state: JobState,
    /// Why it failed.
    pub reason: Option<String>,
    /// Losses noted.
    pub n_losses: u64,
    /// Losses that the plan did not foresee.
    pub n_unplanned: u64,
    /// Records that failed.
    pub n_failures: u64,
    /// Objects that are gone at the source and were left at the destination.
    pub n_gone: u64,
    /// Whether reading back found everything as it should be; `None` when it was not read back.
    pub verified: Option<bool>,
    /// Whether any loss counts.
    pub strict: bool,
    /// Whether nothing had changed at either end since an earlier job.
    pub unchanged: bool,
}

impl RunOutcome {
    /// An outcome without counts.
    pub(crate) fn ended(state: JobState, reason: Option<String>, options: &JobOptions) -> Self {
        Self {
            state,
            reason,
            n_losses: 0,
            n_unplanned: 0,
            n_failures: 0,
            n_gone: 0,
            verified: None,
            strict: options.strict,
            unchanged: false,
        }
    }
}

/// A run of a claimed job.
pub(crate) struct Run<'a> {
    pub(crate) worker: &'a Worker,
    pub(crate) claim: &'a Claim,
    pub(crate) ends: &'a Ends,
    pub(crate) options: &'a JobOptions,
    pub(crate) stop: &'a Stop,
}

impl Run<'_> {
    pub(crate) async fn run(&self) -> Result<RunOutcome, EngineError> {
        let job = self.claim.job;
        if self.worker.journal.kept(job, rollback::MARK).await?.is_some() {
            return Err(EngineError::RolledBack { job });
        }
        let sides = Arc::new(self.stop.or(Sides::probe(self.ends)).await?);
        if let Some(earlier) = unchanged::since(self, &sides).await? {
            let reason = format!("nothing has changed at either end since job {earlier}");
            let mut outcome = RunOutcome::ended(JobState::Finished, Some(reason), self.options);
            outcome.unchanged = true;
            return Ok(outcome);
        }
        let ours = self.our_projects().await?;
        let drafted = self.stop.or(draft(self.ends, self.options, &sides, &ours)).await?;
        let (plan, counted) = drafted;
        self.keep("plan", &plan).await?;
        let blocked = plan.blocked();
        if !plan.projects.is_empty()
            && plan.projects.iter().all(|it| blocked.contains_key(it.source.as_str()))
        {
            let conflicts = plan.conflicts.iter().filter(|it| it.blocks).cloned().collect();
            return Err(EngineError::Blocked { conflicts });
        }
        let failed = self.carry(&sides, &plan, counted).await?;
        let verification = self.verify(failed).await?;
        let outcome = self.judge(&plan, failed, verification).await?;
        unchanged::remember(self, &sides, &outcome).await?;
        Ok(outcome)
    }

    pub(crate) async fn keep(
        &self,
        name: &str,
        document: &impl Serialize,
    ) -> Result<(), EngineError> {
        let document = serde_json::to_value(document).map_err(EngineError::document("of a run"))?;
        Ok(self.worker.journal.keep(self.claim.job, name, &document).await?)
    }

    /// Destination projects that jobs of this route have written to.
    async fn our_projects(&self) -> Result<BTreeSet<String>, EngineError> {
        let route = self.claim.route;
        Ok(written_by(&*self.worker.journal, |job| job.route == route).await?)
    }

    /// Carries everything; the number of projects that failed.
    async fn carry(
        &self,
        sides: &Arc<Sides>,
        plan: &Plan,
        counted: Counted,
    ) -> Result<u64, EngineError> {
        let records: Option<u64> = plan.kinds.iter().map(|it| it.records).sum();
        let projects = plan.projects.len() as u64;
        self.worker.tell(self.claim, Event::Started { projects, records }).await?;
        let blocked = plan.blocked();
        let carried = plan.projects.iter().filter(|it| !blocked.contains_key(it.source.as_str()));
        let pairs = carried.map(|it| (it.source.clone(), it.target.clone()));
        let mapped = PathPlan::of(self.options)?.mapped();
        let paths = Arc::new(PathMap::new(pairs.chain(mapped)));
        let route = transform::Route {
            options: self.options,
            source: &sides.source,
            sink: &sides.sink,
            paths: &paths,
        };
        let git = Git::find().await?;
        let transforms = stack(route)?;
        let carrier = Carrier {
            run: self,
            sides: Arc::clone(sides),
            preparer: Preparer {
                journal: Arc::clone(&self.worker.journal),
                route: self.claim.route,
                sides: Arc::clone(sides),
                transforms: transforms.into(),
                paths: Arc::clone(&paths),
            },
            git,
            counted: Mutex::new(counted),
            packs: self.worker.tuning.packs.map(|n| Arc::new(Semaphore::new(n.max(1)))),
            left_open: LeftOpen::default(),
            retried: Retried::of(&*self.worker.journal, self.claim.job).await?,
        };
        self.stop.or(self.ends.sink.remember(&sides.source.webs())).await?;
        carrier.shared().await?;
        let mut carried = carrier.projects(plan).await?;
        if carried.n_failed == 0 {
            self.relink(&carrier).await?;
            let planned = plan.projects.iter().map(|it| it.source.as_str()).collect();
            carried.gone.extend(carrier.vanished(&planned).await?);
            carried.gone.extend(carrier.deletions(&Scope::Shared, &Scope::Shared).await?);
            // Whatever is completed here is whole: an archive gets its name only now.
            let late = self.ends.sink.finish(&Scope::Shared).await?;
            carrier.drop_late(&Scope::Shared, late).await?;
        }
        self.keep(GONE, &carried.gone).await?;
        Ok(carried.n_failed)
    }

    /// Writes again what referred to what had not arrived.
    async fn relink(&self, carrier: &Carrier<'_>) -> Result<(), EngineError> {
        let relinking = Relinking {
            ends: self.ends,
            source: &carrier.sides.source,
            sink: &carrier.sides.sink,
            transforms: &carrier.preparer.transforms,
            paths: &carrier.preparer.paths,
            journal: &*self.worker.journal,
            claim: self.claim,
        };
        self.stop.check()?;
        if relink(&relinking).await?.rewritten > 0 {
            // An earlier run may have read them back as they were.
            forget(&*self.worker.journal, self.claim.job).await?;
        }
        Ok(())
    }

    async fn verify(&self, failed: u64) -> Result<Option<Verification>, EngineError> {
        if !self.options.verify || failed > 0 {
            return Ok(None);
        }
        let job = self.worker.journal.jobs(Some(self.claim.job)).await?.into_iter().next();
        let Some(job) = job else { return Ok(None) };
        let journal = &*self.worker.journal;
        let so_far = SoFar::of(journal, self.claim).await?;
        let ends = (journal, Some(&so_far));
        let work = reading::verify_on(ends, &job, self.ends, &*self.worker.listener);
        let verification = self.stop.or(work).await?;
        self.keep("verification", &verification).await?;
        forget(journal, self.claim.job).await?;
        let history = journal.history(self.claim.job).await?;
        let begun = history.projects().await?.into_iter().filter(|it| it.stage != Stage::Blocked);
        for view in begun {
            let stage = if is_clean(&verification, &view.source) {
                Stage::Verified
            } else {
                Stage::Differs
            };
            let event =
                Event::Project { path: view.source, target: view.target, stage, reason: None };
            self.worker.tell(self.claim, event).await?;
        }
        Ok(Some(verification))
    }

    /// Holds what happened against the plan.
    async fn judge(
        &self,
        plan: &Plan,
        failed_projects: u64,
        verification: Option<Verification>,
    ) -> Result<RunOutcome, EngineError> {
        let report = report::report(&*self.worker.journal, self.claim.job).await?;
        let verified = verification.as_ref().map(|it| it.clean);
        let unplanned = report.losses.iter().find(|it| !it.planned);
        let mut all: BTreeSet<&str> = plan.blocked().into_keys().collect();
        all.extend(plan.projects.iter().map(|it| it.source.as_str()));
        let total = all.len();
        let reason = if failed_projects > 0 {
            Some(format!("{failed_projects} of {total} projects failed"))
        } else if let Some((project, why)) = plan.blocked().first_key_value() {
            let n = plan.blocked().len();
            Some(format!("{n} of {total} projects wait for a decision: {project}: {why}"))
        } else if report.n_failures > 0 {
            Some(format!("{} records did not arrive", report.n_failures))
        } else if verified == Some(false) {
            Some("the destination is not as it should be".to_owned())
        } else {
            unplanned.map(|it| {
                format!(
                    "a loss that the plan did not foresee: {} `{}`: {}",
                    it.kind, it.field, it.detail
                )
            })
        };
        let n_gone = match self.worker.journal.kept(self.claim.job, GONE).await? {
            Some(value) => serde_json::from_value::<Vec<Gone>>(value)
                .map_err(EngineError::document(GONE))?
                .iter()
                .map(|it| it.count)
                .sum(),
            None => 0,
        };
        let state = if reason.is_some() { JobState::Failed } else { JobState::Finished };
        Ok(RunOutcome {
            n_losses: report.n_losses() + plan.source_losses.iter().map(|it| it.count).sum::<u64>(),
            n_unplanned: report.n_unplanned(),
            n_failures: report.n_failures,
            n_gone,
            verified,
            ..RunOutcome::ended(state, reason, self.options)
        })
    }
}

/// Whether reading back found a project as it should be.
fn is_clean(verification: &Verification, path: &str) -> bool {
    let is_about = |scope: &Scope, id: &str| match scope.project() {
        Some(project) => project == path,
        None => id == path,
    };
    let mut lanes = verification.lanes.iter().filter(|it| it.scope.project() == Some(path));
    let mut findings = verification.findings.iter().filter(|it| is_about(&it.scope, &it.id));
    lanes.all(|it| it.tally.different + it.tally.missing == 0)
        && findings.all(|it| it.what == What::Extra)
}
