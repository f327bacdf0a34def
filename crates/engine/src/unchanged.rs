//! Whether there is anything to do at all.
//!
//! Ends that can tell a version of their whole content make a second run
//! between two unchanged ends a matter of asking both for it.

use crate::{EngineError, RunOutcome, plan::Sides, run::Run};
use packhorse_core::job::{JobId, JobState};
use serde::{Deserialize, Serialize};

/// Name of the document in the journal.
const DOCUMENT: &str = "versions";

/// What both ends were when a job ended well.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Versions {
    source: String,
    sink: String,
}

/// The newest job of the route, if it ended well, in the same way, and nothing has changed since.
pub(crate) async fn since(run: &Run<'_>, sides: &Sides) -> Result<Option<JobId>, EngineError> {
    let (Some(source), Some(sink)) = (&sides.source.version, &sides.sink.version) else {
        return Ok(None);
    };
    let journal = &run.worker.journal;
    let jobs = journal.jobs(None).await?;
    let mut earlier = jobs.iter().filter(|it| it.route == run.claim.route && it.id < run.claim.job);
    let Some(job) = earlier.next() else { return Ok(None) };
    if job.state != JobState::Finished || job.spec.options != *run.options {
        return Ok(None);
    }
    let Some(kept) = journal.kept(job.id, DOCUMENT).await? else { return Ok(None) };
    let now = Versions { source: source.clone(), sink: sink.clone() };
    if serde_json::from_value::<Versions>(kept).map_err(EngineError::document(DOCUMENT))? != now {
        return Ok(None);
    }
    remember_as(run, &now).await?;
    Ok(Some(job.id))
}

/// Keeps what both ends are, when all arrived and was read back.
pub(crate) async fn remember(
    run: &Run<'_>,
    sides: &Sides,
    outcome: &RunOutcome,
) -> Result<(), EngineError> {
    let is_good = outcome.state == JobState::Finished && outcome.verified == Some(true);
    let Some(source) = sides.source.version.clone().filter(|_| is_good) else { return Ok(()) };
    let Some(sink) = run.ends.sink.probe().await?.version else { return Ok(()) };
    remember_as(run, &Versions { source, sink }).await
}

async fn remember_as(run: &Run<'_>, versions: &Versions) -> Result<(), EngineError> {
    run.keep(DOCUMENT, versions).await
}
