//! `cancel`: asks a job to stop.

use crate::{
    cli::{Globals, Tuning},
    config,
    error::{AppError, Status},
    terminal,
};
use packhorse_core::job::JobId;

/// Asks the job's worker to stop at the next safe place.
pub(super) async fn run(globals: &Globals, job: JobId) -> Result<Status, AppError> {
    let journal = config::journal(globals, false)?;
    let view = journal.jobs(Some(job)).await?.into_iter().next();
    let view = view.ok_or_else(|| super::status::unknown(job))?;
    let tuning = Tuning { parallel: 1, lease: 15 };
    let handing = super::handover::of_job(globals, (job, &view.spec), &tuning).await?;
    if let Some(handing) = handing
        && handing.cancel().await?
    {
        terminal::talk("the destination was asked to stop its import");
        return Ok(Status::Done);
    }
    if journal.cancel(job).await? {
        terminal::talk(&format!("job {job} stops; `packhorse resume {job}` goes on with it"));
        return Ok(Status::Done);
    }
    Err(AppError::failed(format!("job {job} had ended already"))
        .hint(format!("`packhorse rollback {job}` removes what it wrote")))
}
