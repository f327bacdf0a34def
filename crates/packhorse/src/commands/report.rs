//! `report`: what a job did, held against its plan.

use crate::{
    cli::{Format, Globals, Report},
    config,
    error::{AppError, Status},
    projects, terminal,
};
use packhorse_core::{job::JobId, port::Journal};
use packhorse_engine::report;

/// Prints the report of a job.
pub(super) async fn run(globals: &Globals, of: &Report) -> Result<Status, AppError> {
    let journal = config::journal(globals, false)?;
    let view = journal.jobs(Some(of.job)).await?.into_iter().next();
    let view = view.ok_or_else(|| super::status::unknown(of.job))?;
    let format = if globals.json { Format::Json } else { of.format };
    let mut found = report::report(&*journal, of.job).await?;
    let history = journal.history(of.job).await?;
    if let Some((text, told)) = projects::told_of(&*journal, &view).await? {
        if format == Format::Text {
            terminal::data(&format!("{text}\n"));
        }
        found.told = told;
    }
    let mut out = std::io::stdout();
    match format {
        Format::Text => report::text(&found, &mut out)?,
        Format::Html => report::html(&found, &mut out)?,
        Format::Json => report::json_with_details(&found, &*history, &mut out).await?,
        Format::Csv => report::csv(&found, &*history, &mut out).await?,
    }
    Ok(Status::Done)
}

/// The report of a run that has just ended, for reading.
pub(super) async fn summary(journal: &dyn Journal, job: JobId) -> Result<String, AppError> {
    let mut text = Vec::new();
    report::text(&report::report(journal, job).await?, &mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
