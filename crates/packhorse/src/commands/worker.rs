//! `worker`: runs jobs that wait in the journal, one after the other, beside other workers.

use super::{ends::Route, migrate};
use crate::{
    cli::{self, Globals},
    config,
    error::{AppError, Status},
    progress, terminal,
};
use packhorse_core::{
    job::{JobState, JobView},
    port::Claim,
};
use packhorse_engine::Worker;
use std::{sync::Arc, time::Duration};

/// How often the queue is looked at while nothing waits.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Takes job after job until somebody stops it.
///
/// A job whose worker fell silent is taken over when its lease ends. One that cannot be opened
/// here, for want of a host's name or a token, fails with the reason, and the next is taken.
pub(super) async fn run(globals: &Globals, arguments: &cli::Worker) -> Result<Status, AppError> {
    let journal = config::journal(globals, false)?;
    let lease = Duration::from_secs(arguments.tuning.lease);
    let worker = Worker {
        journal: Arc::clone(&journal),
        listener: progress::listener(globals.progress),
        tuning: packhorse_engine::Tuning {
            projects: arguments.tuning.parallel.into(),
            lease,
            ..packhorse_engine::Tuning::default()
        },
    };
    let name = config::worker();
    let mut stopped = std::pin::pin!(migrate::told_to_stop());
    let mut all_well = true;
    loop {
        let Some(claim) = journal.claim(None, &name, lease).await? else {
            if arguments.once {
                break;
            }
            tokio::select! {
                () = &mut stopped => break,
                () = tokio::time::sleep(LOOK_AGAIN) => continue,
            }
        };
        let state = carry(globals, &worker, &claim).await?;
        terminal::talk(&format!("job {}: {}", claim.job, state.name()));
        match state {
            JobState::Stopped => break,
            JobState::Failed => all_well = false,
            JobState::Finished | JobState::Cancelled | JobState::Running | JobState::Waiting => {}
        }
    }
    Ok(if all_well { Status::Done } else { Status::Failed })
}

/// Runs a job that was taken; how it ended.
async fn carry(globals: &Globals, worker: &Worker, claim: &Claim) -> Result<JobState, AppError> {
    let journal = &worker.journal;
    let Some(view) = journal.jobs(Some(claim.job)).await?.into_iter().next() else {
        return Err(AppError::failed(format!("job {} is not in the journal", claim.job)));
    };
    terminal::talk(&format!("job {}: {} → {}", claim.job, view.spec.from, view.spec.to));
    match open_and_run(globals, worker, claim, &view).await {
        Ok(state) => Ok(state),
        Err(error) => {
            let reason = error.reason();
            journal.close(claim, JobState::Failed, Some(&reason)).await?;
            Ok(JobState::Failed)
        }
    }
}

async fn open_and_run(
    globals: &Globals,
    worker: &Worker,
    claim: &Claim,
    view: &JobView,
) -> Result<JobState, AppError> {
    let route = Route::of(globals, &view.spec)?;
    let scratch = config::scratch(globals)?;
    // An earlier worker may have begun it.
    let ends = route.open(scratch.path(), claim.epoch > 1)?;
    Ok(migrate::work(worker, claim, &ends, &route.options).await?.state)
}
