//! `status`: all jobs, or one with its projects and counts.

use crate::{
    cli::Globals,
    config, document,
    error::{AppError, Status},
    terminal,
};
use packhorse_core::{
    job::{JobId, JobView},
    port::{Counts, LaneView, ProjectView},
};
use serde::Serialize;

#[derive(Serialize)]
struct OneJob {
    #[serde(flatten)]
    job: JobView,
    projects: Vec<ProjectView>,
    lanes: Vec<LaneView>,
}

/// Shows all jobs, or one.
pub(super) async fn run(globals: &Globals, job: Option<JobId>) -> Result<Status, AppError> {
    let journal = config::journal(globals, false)?;
    let jobs = journal.jobs(job).await?;
    let Some(id) = job else {
        return all(globals, &jobs);
    };
    let Some(job) = jobs.into_iter().next() else {
        return Err(unknown(id));
    };
    let history = journal.history(id).await?;
    let one = OneJob { job, projects: history.projects().await?, lanes: history.lanes().await? };
    if globals.json {
        terminal::data(&document::json(&one)?);
    } else {
        terminal::data(&text(&one));
    }
    Ok(Status::Done)
}

/// The journal has no such job.
pub(super) fn unknown(id: JobId) -> AppError {
    AppError::failed(format!("there is no job {id} in this journal"))
        .hint("`packhorse status` lists all jobs")
}

fn all(globals: &Globals, jobs: &[JobView]) -> Result<Status, AppError> {
    if globals.json {
        terminal::data(&document::json(&jobs)?);
    } else {
        jobs.iter().for_each(|job| terminal::data(&headline(job)));
    }
    Ok(Status::Done)
}

fn headline(job: &JobView) -> String {
    let state = if job.lease_expired { "interrupted" } else { job.state.name() };
    let reason = job.reason.as_ref().map(|it| format!("  ({it})")).unwrap_or_default();
    format!("{:>4}  {state:<11}  {} → {}{reason}\n", job.id.0, job.spec.from, job.spec.to)
}

fn text(one: &OneJob) -> String {
    let mut text = headline(&one.job);
    for project in &one.projects {
        let stage = format!("{:?}", project.stage).to_lowercase();
        let reason = project.reason.as_ref().map(|it| format!("  {it}")).unwrap_or_default();
        text += &format!("      {:<40} {stage}{reason}\n", project.source);
    }
    // A lane that had nothing says nothing.
    for lane in one.lanes.iter().filter(|it| it.counts != Counts::default()) {
        let counts = &lane.counts;
        let of = counts.source.map(|it| format!(" of {it}")).unwrap_or_default();
        text += &format!(
            "      {:<40} {:<18} {}{of} read, {} created, {} updated, {} unchanged, {} failed\n",
            lane.scope.to_string(),
            lane.kind.name(),
            counts.read,
            counts.created,
            counts.updated,
            counts.unchanged + counts.adopted,
            counts.failed,
        );
    }
    text
}
