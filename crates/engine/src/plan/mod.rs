//! What will arrive, and how, before anything moves.
//!
//! The plan is the intersection of what the source has and gives out, what the
//! destination holds, and what was asked for. It reads counts, not records, but
//! for the list of projects and, where there is a users file, that of users.

mod conflicts;
mod draft;
mod fate;
mod gaps;
mod large_files;
mod paths;

pub(crate) use draft::{Counted, Sides, draft};
pub(crate) use fate::{SUMMARISED, is_wanted, summarises};
pub(crate) use gaps::HIDDEN_REFS;
pub(crate) use paths::{PathPlan, is_path};

use crate::{Ends, EngineError};
use large_files::too_large;
use packhorse_core::{
    job::{JobOptions, JobView},
    plan::Plan,
    port::{Journal, JournalError, Stage},
};
use std::collections::BTreeSet;

/// Says what a run between these ends would do.
///
/// Projects at the destination that jobs of the journal made between the same ends are ours;
/// without a journal, all count as somebody else's.
///
/// # Errors
///
/// When an end cannot be read, or the options ask for what cannot be.
pub async fn plan(
    ends: &Ends,
    options: &JobOptions,
    journal: Option<&dyn Journal>,
) -> Result<Plan, EngineError> {
    let sides = Sides::probe(ends).await?;
    let ours = match journal {
        None => BTreeSet::new(),
        Some(journal) => {
            let is_same = |it: &JobView| {
                it.spec.source_identity == sides.source.identity
                    && it.spec.sink_identity == sides.sink.identity
            };
            written_by(journal, is_same).await?
        }
    };
    let (mut plan, _) = draft(ends, options, &sides, &ours).await?;
    plan.conflicts.extend(too_large(ends, options, &sides, &plan.projects).await?);
    Ok(plan)
}

/// Paths at the destination of the projects that some jobs have written to.
pub(crate) async fn written_by(
    journal: &dyn Journal,
    jobs: impl Fn(&JobView) -> bool,
) -> Result<BTreeSet<String>, JournalError> {
    let mut ours = BTreeSet::new();
    for job in journal.jobs(None).await?.into_iter().filter(|it| jobs(it)) {
        let views = journal.history(job.id).await?.projects().await?;
        // What was blocked is somebody else's still.
        ours.extend(views.into_iter().filter(|it| it.stage != Stage::Blocked).map(|it| it.target));
    }
    Ok(ours)
}
