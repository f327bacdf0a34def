//! From a request to jobs in the journal, so that a crash at any moment forgets none.
//!
//! A request is kept with the wording of its jobs first, then each job is put into the journal,
//! then its number is noted. What a killed process left half done is found at the next start.

use crate::{
    Service,
    places::Opening,
    service::{NewJob, ServiceError},
    store::NewRequest,
};
use packhorse_core::job::{JobId, JobSpec, JobState};

/// Jobs that are looked at at a time.
const PAGE: u64 = 256;

impl Service {
    /// The wording of a job. Both ends are asked who they are, so a place that cannot be reached
    /// is told at once, and which of both it is.
    pub(crate) async fn spec(&self, job: &NewJob) -> Result<JobSpec, ServiceError> {
        let scratch = self.scratch()?;
        let source = self.places.source(&job.from, scratch.path()).map_err(ServiceError::Source)?;
        let ends = self.places.ends(&job.from, &job.to, scratch.path(), Opening::New);
        let sink = ends.map_err(ServiceError::Destination)?.sink;
        Ok(JobSpec {
            from: job.from.to_string(),
            to: job.to.to_string(),
            source_identity: source.probe().await.map_err(ServiceError::Source)?.identity,
            sink_identity: sink.probe().await.map_err(ServiceError::Destination)?.identity,
            options: job.options.clone(),
            queued: false,
        })
    }

    /// Keeps a request, puts its jobs into the journal, locks what it locks, and wakes a worker.
    pub(crate) async fn accept(&self, new: NewRequest) -> Result<u64, ServiceError> {
        let id = self.store.add(new).await?;
        for one in self.store.unqueued(id).await? {
            let job = self.journal.submit(&one.spec).await?;
            self.queued(one.part, job).await?;
        }
        self.lock_all(id).await?;
        self.work.notify_waiters();
        Ok(id)
    }

    /// Notes under which number a job stands in the journal.
    async fn queued(&self, part: u64, job: JobId) -> Result<(), ServiceError> {
        if !self.store.queued(part, job).await? {
            // Another process took this one for dead, and has put the job there itself.
            self.journal.cancel(job).await?;
        }
        Ok(())
    }

    /// Takes up what a killed process left: jobs that are not in the journal, or that are there
    /// and are nobody's, and states that nobody has looked at.
    ///
    /// Must be done before anything is accepted where no other process is: then all that is not in
    /// the journal was left.
    pub(crate) async fn take_up(&self) -> Result<(), ServiceError> {
        if !self.store.is_shared() {
            self.store.let_all_go().await?;
        }
        self.take_up_unqueued().await?;
        self.take_up_states().await
    }

    /// Puts jobs into the journal that somebody was to put there a while ago.
    pub(crate) async fn take_up_unqueued(&self) -> Result<(), ServiceError> {
        let left = self.store.take_unqueued().await?;
        if !left.is_empty() {
            let mut waiting = self.journal.jobs(None).await?;
            waiting.retain(|it| it.state == JobState::Waiting);
            for one in left {
                let mut found = None;
                for view in waiting.iter().filter(|it| it.spec == one.spec) {
                    if !self.store.is_queued(view.id).await? {
                        found = Some(view.id);
                        break;
                    }
                }
                let job = match found {
                    Some(job) => job,
                    None => self.journal.submit(&one.spec).await?,
                };
                self.queued(one.part, job).await?;
                tracing::info!(job = job.0, found = found.is_some(), "took up a job");
            }
        }
        Ok(())
    }

    async fn take_up_states(&self) -> Result<(), ServiceError> {
        loop {
            let parts = self.store.unmirrored(PAGE).await?;
            if parts.is_empty() {
                return Ok(());
            }
            for part in parts {
                match self.job(part.job).await? {
                    Some(job) => self.mirror(&part, job.state).await?,
                    // The journal was put away: what it said can be found out no more.
                    None => self.store.mirror(part.id, JobState::Failed, false).await?,
                }
            }
        }
    }
}
