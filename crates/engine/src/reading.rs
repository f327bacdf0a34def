//! Verifying a job, and comparing two places: what both need, put together.

use crate::{
    Ends, EngineError,
    plan::{PathPlan, Sides},
    transform::{self, PathMap, stack},
    verify::{self, Comparison, Inspection, Verification, projects_of},
};
use packhorse_core::{
    Listener,
    job::{JobOptions, JobView},
    port::{Journal, Source, Stage},
};
use packhorse_git::{Git, RefPolicy};
use std::{path::Path, sync::Arc};

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
    let sides = Sides::probe(ends).await?;
    let reader = (ends.reader)()?;
    let reader_caps = reader.probe().await?;
    let mut projects = journal.history(job.id).await?.projects().await?;
    projects.retain(|it| it.stage != Stage::Blocked);
    let options = &job.spec.options;
    let pairs = projects.iter().map(|it| (it.source.clone(), it.target.clone()));
    let paths = Arc::new(PathMap::new(pairs.chain(PathPlan::of(options)?.mapped())));
    let transforms = stack(transform::Route {
        options,
        source: &sides.source,
        sink: &sides.sink,
        paths: &paths,
    })?;
    let inspection = Inspection {
        source: &*ends.source,
        source_caps: &sides.source,
        reader: &*reader,
        reader_caps: &reader_caps,
        sink_caps: &sides.sink,
        transforms: &transforms,
        journal,
        route: job.route,
        paths: Arc::clone(&paths),
        listener,
    };
    let git = Git::find().await?;
    let policy = ends.policy(options)?;
    Ok(verify::verify(&inspection, options, &projects, (&git, policy), &ends.scratch).await?)
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
