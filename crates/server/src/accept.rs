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
use packhorse_core::job::{JobSpec, JobState};

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
        for one in self.store.unqueued(Some(id)).await? {
            let job = self.journal.submit(&one.spec).await?;
            self.store.queued(one.part, job).await?;
        }
        self.lock_all(id).await?;
        self.work.notify_waiters();
        Ok(id)
    }

    /// Takes up what a killed process left: jobs that are not in the journal, or that are there
    /// and are nobody's, and states that nobody has looked at.
    ///
    /// Must be done before anything is accepted, for a job that is just being put into the journal
    /// looks the same.
    pub(crate) async fn take_up(&self) -> Result<(), ServiceError> {
        let left = self.store.unqueued(None).await?;
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
                self.store.queued(one.part, job).await?;
                tracing::info!(job = job.0, found = found.is_some(), "took up a job");
            }
        }
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
