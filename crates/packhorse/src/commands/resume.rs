//! `resume`: goes on with a job.

use super::{ends::Route, handover, migrate, status};
use crate::{
    cli::{Globals, OfRun},
    config,
    error::{AppError, Status},
    projects::ProjectsJob,
};
use packhorse_core::job::JobState;

/// Runs a job that stopped, was cancelled or failed, from where it is.
pub(super) async fn run(globals: &Globals, of: &OfRun) -> Result<Status, AppError> {
    let journal = config::journal(globals, false)?;
    let view = journal.jobs(Some(of.job)).await?.into_iter().next();
    let view = view.ok_or_else(|| status::unknown(of.job))?;
    if let Some(projects) = ProjectsJob::of(globals, &journal, &view).await? {
        return projects.resume(&of.tuning).await;
    }
    if let Some(handing) = handover::of_job(globals, (of.job, &view.spec), &of.tuning).await? {
        return handing.run().await;
    }
    if view.state == JobState::Finished {
        return Err(AppError::failed(format!("job {} has arrived already", of.job))
            .hint("run `packhorse migrate` again to carry what is new"));
    }
    let route = Route::of(globals, &view.spec)?;
    let scratch = config::scratch(globals)?;
    let ends = route.open(scratch.path(), true)?;
    migrate::drive(globals, &journal, of.job, &ends, &route, &of.tuning).await
}
