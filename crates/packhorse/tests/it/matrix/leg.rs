//! One way of a pair: planned, carried, read back.

use super::place::Place;
use packhorse_core::{
    Capabilities, Lane, ObjectKind, Scope,
    job::{JobId, JobOptions, JobSpec, JobState},
    port::{ItemQuery, Journal as _, NotedLoss, Queue as _},
};
use packhorse_engine::{Ends, Stop, Tuning, Worker};
use packhorse_journal::SqliteJournal;
use std::{collections::BTreeMap, error::Error, path::Path, sync::Arc, time::Duration};

/// Most that is looked at of a lane.
const ALL: usize = 100_000;

/// A run that is through, and what its journal knows.
pub(crate) struct Leg {
    pub(crate) journal: Arc<SqliteJournal>,
    route: u64,
    /// Projects: paths at the source and at the destination.
    pub(crate) projects: BTreeMap<String, String>,
    pub(crate) losses: Vec<NotedLoss>,
    pub(crate) source: Capabilities,
    pub(crate) sink: Capabilities,
}

/// An error and what is underneath.
pub(crate) fn explain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", explain(source)),
        None => error.to_string(),
    }
}

pub(crate) fn options() -> JobOptions {
    JobOptions { verify: true, ..JobOptions::default() }
}

/// Both ends, open.
pub(crate) fn ends(from: &Place, to: &Place, scratch: &Path, resume: bool) -> Result<Ends, String> {
    std::fs::create_dir_all(scratch).unwrap();
    let fail = |error| explain(&error);
    Ok(Ends {
        from: from.location().to_string(),
        to: to.location().to_string(),
        source: from.source(scratch).map_err(fail)?,
        sink: to.sink(scratch, resume).map_err(fail)?,
        reader: to.reader(&scratch.join("read-back")),
        source_host: from.spec.id,
        sink_host: to.spec.id,
        scratch: scratch.to_owned(),
    })
}

/// Puts a run into a journal.
pub(crate) async fn submit(journal: &SqliteJournal, ends: &Ends) -> Result<JobId, String> {
    let fail = |error| explain(&error);
    let spec = JobSpec {
        from: ends.from.clone(),
        to: ends.to.clone(),
        source_identity: ends.source.probe().await.map_err(fail)?.identity,
        sink_identity: ends.sink.probe().await.map_err(fail)?.identity,
        options: options(),
        queued: false,
    };
    journal.submit(&spec).await.map_err(|error| explain(&error))
}

/// A worker of a journal.
pub(crate) fn worker(journal: &Arc<SqliteJournal>, lease: Duration) -> Worker {
    let tuning = Tuning { lease, ..Tuning::default() };
    Worker { journal: journal.clone(), listener: Arc::new(()), tuning }
}

impl Leg {
    /// Plans and carries everything from one place to another, and reads it back.
    pub(crate) async fn run(from: &Place, to: &Place, directory: &Path) -> Result<Self, String> {
        let (scratch, lease) = (directory.join("scratch"), Duration::from_secs(60));
        let whole = ends(from, to, &scratch, false)?;
        let planned = to.planned(&scratch).map_err(|error| explain(&error))?;
        let looking = Ends { sink: planned, ..whole.clone() };
        let plan = packhorse_engine::plan(&looking, &options(), None).await;
        let plan = plan.map_err(|error| format!("plan: {}", explain(&error)))?;
        if let Some(conflict) = plan.conflicts.iter().find(|it| it.blocks) {
            return Err(format!("plan: {conflict:?}"));
        }
        let journal = Arc::new(SqliteJournal::open(&directory.join("journal.sqlite")).unwrap());
        let job = submit(&journal, &whole).await?;
        let claim = journal.claim(Some(job), "matrix", lease).await.unwrap().unwrap();
        let ran = worker(&journal, lease).run(&claim, &whole, &options(), &Stop::new()).await;
        let outcome = ran.map_err(|error| explain(&error))?;
        if outcome.state != JobState::Finished {
            return Err(reasons(&journal, job, outcome.reason).await);
        }
        Self::of(journal, job, &whole).await
    }

    /// What the journal knows of a run that is through.
    pub(crate) async fn of(
        journal: Arc<SqliteJournal>,
        job: JobId,
        ends: &Ends,
    ) -> Result<Self, String> {
        let history = journal.history(job).await.unwrap();
        let projects = history.projects().await.unwrap();
        let projects = projects.into_iter().map(|it| (it.source, it.target)).collect();
        let losses = history.losses(0, ALL).await.unwrap();
        let route = journal.jobs(Some(job)).await.unwrap()[0].route;
        let source = ends.source.probe().await.map_err(|error| explain(&error))?;
        let sink = ends.sink.probe().await.map_err(|error| explain(&error))?;
        Ok(Self { journal, route, projects, losses, source, sink })
    }

    /// What the records of a lane became, by their ids.
    pub(crate) async fn became(&self, scope: &Scope, kind: ObjectKind) -> BTreeMap<String, String> {
        let lane = Lane::new(scope.clone(), kind);
        let items = self.journal.items(self.route, &lane, &ItemQuery::After(None, ALL)).await;
        items.unwrap().into_iter().map(|it| (it.origin.id, it.target.0)).collect()
    }

    /// The scope at the destination.
    pub(crate) fn target(&self, scope: &Scope) -> Scope {
        match scope {
            Scope::Shared => Scope::Shared,
            Scope::Project(path) => Scope::Project(self.projects.get(path).unwrap_or(path).clone()),
        }
    }

    /// The fields that a record lost on this way.
    pub(crate) fn lost(&self, scope: &Scope, kind: ObjectKind, id: &str) -> Vec<String> {
        let own =
            self.losses.iter().filter(|it| it.scope == *scope && it.kind == kind && it.id == id);
        own.map(|it| it.loss.field.to_string()).collect()
    }
}

/// Everything that a journal says of a run that did not go well, the first of each sort.
async fn reasons(journal: &Arc<SqliteJournal>, job: JobId, reason: Option<String>) -> String {
    let mut lines = vec![reason.unwrap_or_default()];
    let report = packhorse_engine::report::report(&**journal, job).await.unwrap();
    let failures = report.failures.iter();
    lines.extend(
        failures.map(|it| format!("{:?} {} {:?}: {}", it.scope, it.kind, it.id, it.reason)),
    );
    let unplanned = report.losses.iter().filter(|it| !it.planned);
    lines.extend(unplanned.map(|it| {
        format!("not foreseen: {} `{}`: {} ({:?})", it.kind, it.field, it.detail, it.examples)
    }));
    let findings = report.verification.iter().flat_map(|it| &it.findings);
    let findings = findings.filter(|it| it.what != packhorse_engine::verify::What::Extra);
    lines.extend(findings.map(|it| format!("{:?} {} {}: {:?}", it.scope, it.kind, it.id, it.what)));
    lines.extend(report.projects.iter().filter_map(|it| it.reason.clone()));
    lines.truncate(12);
    lines.join("\n      ")
}
