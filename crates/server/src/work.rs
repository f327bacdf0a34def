//! Workers: they take the jobs that requests stand behind, and run them through the engine.

use crate::{
    Service,
    narrow::WithoutProjects,
    places::Opening,
    rename,
    running::{self, Traffic, total},
    service::{ServiceError, system},
    store::{Part, Wish},
    undo,
};
use packhorse_core::{
    Listener, Location,
    error::chain,
    job::{JobState, JobView},
    port::Claim,
};
use packhorse_engine::{Stop, Tuning, Worker};
use std::{path::Path, sync::Arc, time::Duration};
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
        match (job.state, part.wish) {
            (JobState::Finished | JobState::Failed | JobState::Cancelled, Some(Wish::Rollback)) => {
                let Some(_hand) = service.hands.take(part.id) else { continue };
                if undo::roll_back_alone(service, &part, &job).await? {
                    return Ok(true);
                }
                continue;
            }
            (JobState::Failed | JobState::Cancelled, Some(Wish::Resume)) => {}
            (JobState::Finished | JobState::Failed | JobState::Cancelled, _) => {
                service.ended(&part, job.state).await?;
                continue;
            }
            (JobState::Running, _) if !job.lease_expired => continue,
            (JobState::Waiting | JobState::Stopped | JobState::Running, _) => {}
        }
        let lease = service.config.lease;
        let Some(claim) = service.journal.claim(Some(part.job), name, lease).await? else {
            continue;
        };
        taken(service, part, &job, &claim, stopping).await?;
        return Ok(true);
    }
    Ok(false)
}

/// Runs a job that was taken, and notes what came of it.
async fn taken(
    service: &Arc<Service>,
    part: Part,
    job: &JobView,
    claim: &Claim,
    stopping: &watch::Receiver<bool>,
) -> Result<JobState, ServiceError> {
    service.store.fulfilled(part.id).await?;
    service.mirror(&part, JobState::Running).await?;
    let state = run(service, &part, job, claim, stopping).await?;
    tracing::info!(job = part.job.0, request = part.request, state = state.name(), "ran a job");
    if state != JobState::Stopped {
        // What was mirrored when it was taken is not what stands in `part`.
        let part = Part { state: JobState::Running.name().to_owned(), ..part };
        service.ended(&part, state).await?;
        if let Some(name) = part.archive.as_ref().filter(|_| state == JobState::Finished) {
            // What did not finish may be gone on with.
            service.archives.clear(name)?;
        }
    }
    Ok(state)
}

/// For a process that works for a service and does not serve.
impl Service {
    /// Takes something that clients wait for, and does it: a job, or rolling one back. `false` when
    /// nothing was to do.
    ///
    /// # Errors
    ///
    /// When a database fails; whoever takes the job next goes on with it.
    pub async fn lend_a_hand(self: &Arc<Self>, name: &str) -> Result<bool, ServiceError> {
        next(self, name, &self.stopping.subscribe()).await
    }

    /// Stops what runs at its next safe place.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }
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
    let resume = if claim.epoch > 1 { Opening::Resume } else { Opening::New };
    // What is wrong with the store is told when the ends are opened.
    let stored = service.stored_archive(part, job).ok().flatten();
    if resume == Opening::Resume && stored.is_some_and(|it| !service.archives.has_draft(it)) {
        service.make_anew(part, job, claim).await?;
        return Ok(JobState::Stopped);
    }
    let ends = match ends(service, part, job, (scratch.path(), resume)).await {
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
    let traffic = Traffic::new(Arc::clone(&service.metrics), bytes_before(service, part).await?);
    let worker = Worker {
        journal: Arc::clone(&service.journal),
        listener: Arc::clone(&traffic) as Arc<dyn Listener>,
        tuning: Tuning { lease: service.config.lease, ..Tuning::default() },
    };
    let before = total(&*service.journal.history(part.job).await?).await?;
    let stop = Stop::new();
    let watch = tokio::spawn(stop_when(stopping.clone(), stop.clone()));
    let samples =
        tokio::spawn(running::sample(Arc::clone(service), part.job, Arc::clone(&traffic)));
    let ran = worker.run(claim, &ends, &options, &stop).await;
    watch.abort();
    samples.abort();
    running::note(service, part.job, &traffic).await?;
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

/// Bytes that earlier runs of a job have moved.
async fn bytes_before(service: &Service, part: &Part) -> Result<u64, ServiceError> {
    let samples = service.store.samples(part.job).await?;
    Ok(samples.last().map_or(0, |it| it.bytes))
}

async fn stop_when(mut stopping: watch::Receiver<bool>, stop: Stop) {
    if stopping.wait_for(|it| *it).await.is_ok() {
        stop.stop();
    }
}

/// Opens both ends of a job, with the credentials that came with it.
pub(crate) async fn ends(
    service: &Service,
    part: &Part,
    job: &JobView,
    (scratch, opening): (&Path, Opening),
) -> Result<packhorse_engine::Ends, ServiceError> {
    let from = place(service, &job.spec.from, part.sealed.as_deref()).await?;
    let mut to = place(service, &job.spec.to, part.sealed_target.as_deref()).await?;
    let stored = service.stored_archive(part, job)?;
    if let Some(name) = stored {
        service.archives.prepare(name)?;
        to.rest = service.archives.draft(name).to_string_lossy().into_owned();
    }
    let mut ends = service.places.ends(&from, &to, scratch, opening)?;
    if let Some(name) = stored {
        ends.to.clone_from(&job.spec.to);
        ends.sink = service.archives.shelved(ends.sink, name);
    }
    if part.body[WITHOUT_PROJECTS] == true {
        ends.source = Arc::new(WithoutProjects(ends.source));
    }
    Ok(ends)
}

/// A place of a job, with the credentials that came with it.
async fn place(
    service: &Service,
    text: &str,
    sealed: Option<&[u8]>,
) -> Result<Location, ServiceError> {
    let mut place = text
        .parse::<Location>()
        .map_err(|error| system("read the location of a job")(std::io::Error::other(error)))?;
    if let Some(sealed) = sealed {
        // SECURITY: a client named this address; the name may lead elsewhere by now.
        check_reach(service, &place).await?;
        let password = service.key.open_sealed(sealed, text)?;
        let username = "git".to_owned();
        place.credentials = Some(packhorse_core::GitCredentials { username, password });
    }
    Ok(place)
}

/// Whether the address of a place leads where the service may reach.
async fn check_reach(service: &Service, place: &Location) -> Result<(), ServiceError> {
    let closed = |why: String| system("reach a place")(std::io::Error::other(why));
    let url = place.rest.parse::<url::Url>().map_err(|error| closed(error.to_string()))?;
    service.config.networks.check(&url).await.map_err(|error| closed(error.to_string()))
}
