//! `rollback`: removes what a job wrote, and nothing else.

use super::{ends::Route, status};
use crate::{
    cli::Globals,
    config, document,
    error::{AppError, Status},
    projects::ProjectsJob,
    terminal,
};
use packhorse_core::job::JobId;

/// Removes what a job created at its destination, unless somebody changed it since.
pub(super) async fn run(globals: &Globals, job: JobId) -> Result<Status, AppError> {
    let journal = config::journal(globals, false)?;
    let view = journal.jobs(Some(job)).await?.into_iter().next();
    let view = view.ok_or_else(|| status::unknown(job))?;
    let done = match ProjectsJob::of(globals, &journal, &view).await? {
        Some(projects) => projects.rollback().await?,
        None => {
            let route = Route::of(globals, &view.spec)?;
            let scratch = config::scratch(globals)?;
            let ends = route.open_to_read(scratch.path())?;
            packhorse_engine::rollback(&*journal, &view, &ends).await?
        }
    };
    if globals.json {
        terminal::data(&document::json(&done)?);
    } else {
        terminal::data(&done.to_string());
    }
    Ok(if done.refused.is_empty() { Status::Done } else { Status::Failed })
}
