//! `cancel`: asks a job to stop.

use crate::{
    cli::Globals,
    config,
    error::{AppError, Status},
    terminal,
};
use packhorse_core::{job::JobId, port::Queue};

/// Asks the job's worker to stop at the next safe place.
pub(super) async fn run(globals: &Globals, job: JobId) -> Result<Status, AppError> {
    let journal = config::journal(globals, false)?;
    if journal.jobs(Some(job)).await?.is_empty() {
        return Err(super::status::unknown(job));
    }
    if journal.cancel(job).await? {
        terminal::talk(&format!("job {job} stops; `packhorse resume {job}` goes on with it"));
        return Ok(Status::Done);
    }
    Err(AppError::failed(format!("job {job} had ended already"))
        .hint(format!("`packhorse rollback {job}` removes what it wrote")))
}
