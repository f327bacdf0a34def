//! From a request to jobs in the journal, so that a crash at any moment forgets none.
//!
//! A request is kept with the wording of its jobs first, then each job is put into the journal,
//! then its number is noted. What a killed process left half done is found at the next start.

use crate::{
    Service,
    places::Opening,
    service::{NewJob, ServiceError, system},
    store::{NewRequest, Part},
};
use packhorse_core::{
    Location,
    job::{JobId, JobSpec, JobState, JobView},
    port::Claim,
};
use std::io;

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

    /// The name of the archive that a job makes for the store.
    ///
    /// # Errors
    ///
    /// When that is another store than the configuration names.
    pub(crate) fn stored_archive<'a>(
        &self,
        part: &'a Part,
        job: &JobView,
    ) -> Result<Option<&'a str>, ServiceError> {
        let Some(name) = &part.archive else { return Ok(None) };
        let place = location(&job.spec.to)?.rest;
        Ok(self.archives.is_stored(&place, name)?.then_some(name.as_str()))
    }

    /// Has another job make the archive of one that was begun elsewhere, under a name of its own:
    /// the journal says what was written there, and there it is of no use.
    pub(crate) async fn make_anew(
        &self,
        part: &Part,
        job: &JobView,
        claim: &Claim,
    ) -> Result<(), ServiceError> {
        let Some(name) = part.archive.as_deref().map(next_name) else { return Ok(()) };
        let to = Location { rest: self.archives.place(&name), ..location(&job.spec.to)? };
        let to = to.to_string();
        let spec = JobSpec { sink_identity: to.clone(), to, ..job.spec.clone() };
        // A process that was killed here may have put it into the journal.
        let mut waiting = self.journal.jobs(None).await?.into_iter();
        let waiting = waiting.find(|it| it.state == JobState::Waiting && it.spec == spec);
        let anew = match waiting {
            Some(it) => it.id,
            None => self.journal.submit(&spec).await?,
        };
        self.store.replace_job(part, anew, name).await?;
        let why =
            format!("what was made of the archive is on another machine; job {anew} makes it");
        self.journal.close(claim, JobState::Cancelled, Some(&why)).await?;
        tracing::info!(job = job.id.0, anew = anew.0, "an archive is made anew");
        self.work.notify_waiters();
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

fn location(text: &str) -> Result<Location, ServiceError> {
    text.parse().map_err(|error| system("read the location of a job")(io::Error::other(error)))
}

/// What an archive is called that is begun once more: its number stands before its ending.
fn next_name(name: &str) -> String {
    let (stem, ending) = name.split_once('.').unwrap_or((name, ""));
    let (n, ending) = ending.split_once('.').unwrap_or(("", ending));
    match n.parse::<u32>() {
        Ok(n) => format!("{stem}.{}.{ending}", n.saturating_add(1)),
        Err(_) => format!("{stem}.2.{}", [n, ending].join(".").trim_start_matches('.')),
    }
}

#[cfg(test)]
mod tests {
    use super::next_name;

    #[test]
    fn an_archive_that_is_begun_once_more_has_the_next_number() {
        assert_eq!(next_name("0a-1b.tar.gz"), "0a-1b.2.tar.gz");
        assert_eq!(next_name("0a-1b.2.tar.gz"), "0a-1b.3.tar.gz");
        assert_eq!(next_name("0a-1b.tar"), "0a-1b.2.tar");
    }
}
