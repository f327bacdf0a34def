//! Verifying a job, and comparing two places: what both need, put together.

use crate::{
    Ends, EngineError,
    plan::{PathPlan, Sides},
    transform::{self, PathMap, stack},
    verify::{self, Comparison, Facing, Inspection, SoFar, Verification, Which, projects_of},
};
use packhorse_core::{
    Capabilities, Lane, Listener, ObjectKind, Scope,
    job::{JobOptions, JobView},
    port::{Journal, ProjectView, Source, Stage, Transform},
};
use packhorse_git::{Git, RefPolicy};
use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

/// Reads back what a job should have left at its destination.
///
/// # Errors
///
/// When an end or the journal cannot be read. What differs is no error.
pub async fn verify(
    journal: &dyn Journal,
    job: &JobView,
    ends: &Ends,
    listener: &dyn Listener,
) -> Result<Verification, EngineError> {
    verify_on((journal, None), job, ends, listener).await
}

/// Reads back what [`verify`] does, but for what an earlier run has read back already.
pub(crate) async fn verify_on(
    (journal, so_far): (&dyn Journal, Option<&SoFar<'_>>),
    job: &JobView,
    ends: &Ends,
    listener: &dyn Listener,
) -> Result<Verification, EngineError> {
    let reading = Reading::of(journal, job, ends).await?;
    let options = &job.spec.options;
    let inspection = reading.inspection((journal, job), ends, listener);
    let git = Git::find().await?;
    let policy = ends.policy(options)?;
    let (projects, beside) = (&reading.projects, (&*ends.scratch, so_far));
    Ok(verify::verify_on(&inspection, options, projects, (&git, policy), beside).await?)
}

/// One record of a job at both ends, which are looked through for it no longer than `patience`
/// each: of a project, named in full as at the source, or of what stands beside all projects.
///
/// # Errors
///
/// When an end or the journal cannot be read. What differs or is missing is no error.
pub async fn record(
    (journal, job): (&dyn Journal, &JobView),
    ends: &Ends,
    project: Option<&str>,
    (kind, which): (ObjectKind, Which<'_>),
    patience: Duration,
) -> Result<Facing, EngineError> {
    let reading = Reading::of(journal, job, ends).await?;
    let inspection = reading.inspection((journal, job), ends, &());
    let scopes = match project {
        None => (Scope::Shared, Scope::Shared),
        Some(source) => {
            let known = reading.projects.iter().find(|it| it.source == source);
            let target = known.map_or(source, |it| it.target.as_str());
            (Scope::Project(source.to_owned()), Scope::Project(target.to_owned()))
        }
    };
    Ok(inspection.record((&scopes.0, &scopes.1), kind, which, patience).await?)
}

/// What reading a job back needs, but for what its caller has.
struct Reading {
    sides: Sides,
    reader: Arc<dyn Source>,
    reader_caps: Capabilities,
    projects: Vec<ProjectView>,
    doubtful: BTreeSet<Lane>,
    paths: Arc<PathMap>,
    transforms: Vec<Box<dyn Transform>>,
}

impl Reading {
    async fn of(journal: &dyn Journal, job: &JobView, ends: &Ends) -> Result<Self, EngineError> {
        let sides = Sides::probe(ends).await?;
        let reader = (ends.reader)()?;
        let reader_caps = reader.probe().await?;
        let history = journal.history(job.id).await?;
        let mut projects = history.projects().await?;
        projects.retain(|it| it.stage != Stage::Blocked);
        let lanes = history.lanes().await?.into_iter().filter(|it| it.counts.failed > 0);
        let doubtful = lanes.map(|it| Lane::new(it.scope, it.kind)).collect();
        let options = &job.spec.options;
        let pairs = projects.iter().map(|it| (it.source.clone(), it.target.clone()));
        let paths = Arc::new(PathMap::new(pairs.chain(PathPlan::of(options)?.mapped())));
        let transforms = stack(transform::Route {
            options,
            source: &sides.source,
            sink: &sides.sink,
            paths: &paths,
        })?;
        Ok(Self { sides, reader, reader_caps, projects, doubtful, paths, transforms })
    }

    fn inspection<'a>(
        &'a self,
        (journal, job): (&'a dyn Journal, &JobView),
        ends: &'a Ends,
        listener: &'a dyn Listener,
    ) -> Inspection<'a> {
        Inspection {
            source: &*ends.source,
            source_caps: &self.sides.source,
            reader: &*self.reader,
            reader_caps: &self.reader_caps,
            sink_caps: &self.sides.sink,
            transforms: &self.transforms,
            journal,
            route: job.route,
            doubtful: self.doubtful.clone(),
            paths: Arc::clone(&self.paths),
            listener,
        }
    }
}

/// Compares two places, without any job.
///
/// # Errors
///
/// When an end cannot be read, or what was selected is not there. What differs is no error.
pub async fn compare(
    from: &dyn Source,
    to: &dyn Source,
    options: &JobOptions,
    policy: RefPolicy,
    (scratch, listener): (&Path, &dyn Listener),
) -> Result<Verification, EngineError> {
    let paths = PathPlan::of(options)?;
    let projects = projects_of(from).await?.into_iter();
    let pairs: Vec<_> = projects
        .filter_map(|source| paths.target(&source).map(|target| (source, target)))
        .collect();
    let there = pairs.iter().map(|(source, _)| source.as_str()).collect();
    let unmatched = paths.unmatched(&there);
    if unmatched.iter().any(|it| it.blocks) || (pairs.is_empty() && !options.selection.is_all()) {
        let why = unmatched.into_iter().map(|it| it.detail).collect();
        return Err(EngineError::NothingSelected { from: "the first place".to_owned(), why });
    }
    let git = Git::find().await?;
    let comparison =
        Comparison { from, to, projects: &pairs, options, git: (&git, policy), scratch, listener };
    Ok(verify::compare(&comparison).await?)
}
