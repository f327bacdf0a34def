//! Workers: they take the jobs that requests stand behind, and run them through the engine.

use crate::{
    Service,
    narrow::WithoutProjects,
    rename,
    running::{Traffic, total},
    service::{ServiceError, system},
    store::Part,
};
use packhorse_core::{
    Location,
    error::chain,
    job::{JobState, JobView},
    port::Claim,
};
use packhorse_engine::{Stop, Tuning, Worker};
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinSet};

/// Field of a part's body that says that only what stands beside projects is carried.
pub(crate) const WITHOUT_PROJECTS: &str = "without_projects";

/// Field of a part's body that says that projects whose names are taken get others.
pub(crate) const RENAME_COLLISIONS: &str = "rename_collisions";

/// Field of a part's body with the projects that got other names: `from` and `to`.
pub(crate) const RENAMED: &str = "renamed";

/// How often a worker looks for work when nobody wakes it.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Jobs that are looked at before a worker says that there is nothing to do.
const CANDIDATES: u64 = 256;

/// Runs jobs until `stopping` turns true, and then until those that run have stopped.
pub(crate) async fn crew(service: Arc<Service>, stopping: watch::Receiver<bool>) {
    let mut workers = JoinSet::new();
    for n in 0..service.config.workers {
        workers.spawn(work(Arc::clone(&service), n, stopping.clone()));
    }
    while workers.join_next().await.is_some() {}
}

async fn work(service: Arc<Service>, n: usize, mut stopping: watch::Receiver<bool>) {
    let name = format!("pid {} worker {n}", std::process::id());
    while !*stopping.borrow() {
        let woken = service.work.notified();
        match next(&service, &name, &stopping).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::error!(error = chain(&error), "a worker met an error"),
        }
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            _ = stopping.changed() => {}
        }
    }
}

/// Takes a job and runs it; `false` when there is none to take.
async fn next(
    service: &Arc<Service>,
    name: &str,
    stopping: &watch::Receiver<bool>,
) -> Result<bool, ServiceError> {
    for part in service.store.unsettled(CANDIDATES).await? {
        let Some(job) = service.job(part.job).await? else { continue };
        service.mirror(&part, job.state).await?;
        match job.state {
            JobState::Finished | JobState::Failed | JobState::Cancelled => {
                settle(service, &part, job.state).await?;
                continue;
            }
            JobState::Running if !job.lease_expired => continue,
            JobState::Waiting | JobState::Stopped | JobState::Running => {}
        }
        let lease = service.config.lease;
        let Some(claim) = service.journal.claim(Some(part.job), name, lease).await? else {
            continue;
        };
        let state = run(service, &part, &job, &claim, stopping).await?;
        tracing::info!(job = part.job.0, request = part.request, state = state.name(), "ran a job");
        if state != JobState::Stopped {
            settle(service, &part, state).await?;
        }
        return Ok(true);
    }
    Ok(false)
}

/// Runs a job that was taken, until it ends or the service stops.
async fn run(
    service: &Arc<Service>,
    part: &Part,
    job: &JobView,
    claim: &Claim,
    stopping: &watch::Receiver<bool>,
) -> Result<JobState, ServiceError> {
    // A wish to stop that came before the claim would be forgotten by it.
    if service.store.is_cancelled(part.id).await? {
        service.journal.close(claim, JobState::Cancelled, None).await?;
        return Ok(JobState::Cancelled);
    }
    service.lock_all(part.request).await?;
    let scratch = service.scratch()?;
    let ends = match ends(service, part, job, scratch.path()).await {
        Ok(ends) => ends,
        Err(error) => {
            let reason = chain(&error);
            service.journal.close(claim, JobState::Failed, Some(&reason)).await?;
            return Ok(JobState::Failed);
        }
    };
    let options = match rename::options(service, part, job, &ends).await {
        Ok(options) => options,
        Err(error) => {
            let reason = chain(&error);
            service.journal.close(claim, JobState::Failed, Some(&reason)).await?;
            return Ok(JobState::Failed);
        }
    };
    let worker = Worker {
        journal: Arc::clone(&service.journal),
        listener: Traffic::new(Arc::clone(&service.metrics)),
        tuning: Tuning { lease: service.config.lease, ..Tuning::default() },
    };
    let before = total(&*service.journal.history(part.job).await?).await?;
    let stop = Stop::new();
    let watch = tokio::spawn(stop_when(stopping.clone(), stop.clone()));
    let ran = worker.run(claim, &ends, &options, &stop).await;
    watch.abort();
    let after = total(&*service.journal.history(part.job).await?).await?;
    service.metrics.ran(&before, &after);
    match ran {
        Ok(outcome) => Ok(outcome.state),
        // The journal failed, or another worker has it: it goes on from where it is.
        Err(error) => {
            tracing::error!(job = part.job.0, error = chain(&error), "a job was interrupted");
            Ok(JobState::Stopped)
        }
    }
}

async fn stop_when(mut stopping: watch::Receiver<bool>, stop: Stop) {
    if stopping.wait_for(|it| *it).await.is_ok() {
        stop.stop();
    }
}

async fn ends(
    service: &Service,
    part: &Part,
    job: &JobView,
    scratch: &std::path::Path,
) -> Result<packhorse_engine::Ends, ServiceError> {
    let place = |text: &str| {
        text.parse::<Location>()
            .map_err(|error| system("read the location of a job")(std::io::Error::other(error)))
    };
    let (mut from, to) = (place(&job.spec.from)?, place(&job.spec.to)?);
    if let Some(sealed) = &part.sealed {
        // SECURITY: a client named this address; the name may lead elsewhere by now.
        check_reach(service, &from).await?;
        let password = service.key.open_sealed(sealed, &job.spec.from)?;
        let username = "git".to_owned();
        from.credentials = Some(packhorse_core::GitCredentials { username, password });
    }
    let resume = job.started_at.is_some();
    let mut ends = service.places.ends(&from, &to, scratch, resume)?;
    if part.body[WITHOUT_PROJECTS] == true {
        ends.source = Arc::new(WithoutProjects(ends.source));
    }
    Ok(ends)
}

/// Whether the address of a place leads where the service may reach.
async fn check_reach(service: &Service, place: &Location) -> Result<(), ServiceError> {
    let closed = |why: String| system("reach a place")(std::io::Error::other(why));
    let url = place.rest.parse::<url::Url>().map_err(|error| closed(error.to_string()))?;
    service.config.networks.check(&url).await.map_err(|error| closed(error.to_string()))
}

/// Notes the end of a job, and gives back what it held.
async fn settle(service: &Service, part: &Part, state: JobState) -> Result<(), ServiceError> {
    if state != JobState::Finished {
        service.unlock_all(part.request).await?;
    }
    service.mirror(part, state).await?;
    service.store.settle(part.id).await?;
    Ok(())
}
