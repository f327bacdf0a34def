//! `verify`: reads a job's destination back.

use super::{compare, ends::Route, status};
use crate::{
    cli::{Globals, Verify},
    config,
    error::{AppError, Status},
    progress,
    projects::ProjectsJob,
};

/// Holds the destination of a job against what the job wrote.
pub(super) async fn run(globals: &Globals, of: &Verify) -> Result<Status, AppError> {
    let journal = config::journal(globals, false)?;
    let view = journal.jobs(Some(of.job)).await?.into_iter().next();
    let view = view.ok_or_else(|| status::unknown(of.job))?;
    if let Some(projects) = ProjectsJob::of(globals, &journal, &view).await? {
        return projects.verify(of.full_check).await;
    }
    let route = Route::of(globals, &view.spec)?;
    let scratch = config::scratch(globals)?;
    let ends = route.open_to_read(scratch.path())?;
    let listener = progress::listener(globals.progress);
    let found = packhorse_engine::verify(&*journal, &view, &ends, &*listener).await?;
    compare::tell(globals, &found)
}
