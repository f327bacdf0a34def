//! How far a job is, in Bitbucket's words.

use super::start::Direction;
use crate::{
    Service,
    service::ServiceError,
    store::{Part, Request},
};
use packhorse_core::{
    job::{JobState, JobView},
    plan::Plan,
    port::Stage,
};

/// A job with what is told of it.
pub(super) struct Found {
    pub(super) request: Request,
    pub(super) part: Part,
    pub(super) job: JobView,
    pub(super) progress: Progress,
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) state: &'static str,
    pub(super) message: String,
    /// Between 0 and 100.
    pub(super) percentage: u64,
}

/// Looks how far a job is.
pub(super) async fn of(
    service: &Service,
    direction: Direction,
    request: &Request,
    job: &JobView,
) -> Result<Progress, ServiceError> {
    let name = direction.name();
    let told = |state, message: String, percentage| Progress { state, message, percentage };
    let plan = service.journal.kept(job.id, "plan").await?;
    match job.state {
        JobState::Finished => return Ok(told("COMPLETED", format!("The {name} is complete"), 100)),
        JobState::Cancelled => return Ok(told("CANCELED", format!("The {name} was canceled"), 0)),
        JobState::Failed => {
            // Before there was a plan, nothing can have been carried.
            let state = if plan.is_some() { "FAILED" } else { "ABORTED" };
            let message = job.reason.clone().unwrap_or_else(|| format!("The {name} failed"));
            return Ok(told(state, message, 0));
        }
        JobState::Waiting | JobState::Running | JobState::Stopped => {}
    }
    if request.cancelled_at.is_some() || job.cancelling {
        return Ok(told("CANCELING", format!("The {name} is being canceled"), 0));
    }
    if job.state == JobState::Waiting {
        return Ok(told("READY", format!("The {name} has been scheduled"), 0));
    }
    let Some(plan) = plan.and_then(|it| serde_json::from_value::<Plan>(it).ok()) else {
        return Ok(told("INITIALISING", format!("Preparing the {name}"), 0));
    };
    running(service, job, &plan).await
}

async fn running(service: &Service, job: &JobView, plan: &Plan) -> Result<Progress, ServiceError> {
    let history = service.journal.history(job.id).await?;
    let projects = history.projects().await?;
    let through = projects.iter().filter(|it| it.stage >= Stage::Carried).count();
    let all = plan.projects.len();
    if all > 0 && through >= all {
        let message = "Verifying what was carried".to_owned();
        return Ok(Progress { state: "FINALISING", message, percentage: 99 });
    }
    let expected: u64 = plan.projects.iter().filter_map(|it| it.records).sum();
    let read: u64 = history.lanes().await?.iter().map(|it| it.counts.read).sum();
    // Records that cannot be counted before take the projects' share.
    let percentage = match (expected, all as u64) {
        (0, 0) => 0,
        (0, all) => through as u64 * 100 / all,
        (expected, _) => read.saturating_mul(100) / expected,
    };
    let at_work = projects.iter().find(|it| it.stage == Stage::Carrying);
    let message = match at_work {
        Some(project) => format!("Working on {} ({through} of {all} done)", project.source),
        None => format!("{through} of {all} repositories done"),
    };
    Ok(Progress { state: "RUNNING", message, percentage: percentage.min(98) })
}
