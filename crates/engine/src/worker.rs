//! A worker: runs a job that it has claimed, and keeps the claim alive meanwhile.

use crate::{
    Ends, EngineError, RunOutcome, Stop, Stopped, Why, error::chain, retry, run::Run, verify,
};
use packhorse_core::{
    Listener,
    job::{JobOptions, JobState},
    port::{Claim, Journal, Pulse},
};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;

/// How a run uses the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Projects carried side by side.
    pub projects: usize,
    /// Lanes of a project that are written to side by side.
    pub lanes: usize,
    /// Most records between two points at which a run can be killed without repeating work.
    pub batch_records: usize,
    /// Most pages of a batch; a page has up to 2 MiB of records.
    pub batch_pages: usize,
    /// Records that are on their way at once to a destination that settles record by record.
    pub writers: usize,
    /// Repositories whose packs are on their way at once; `None` for as many as there are projects
    /// side by side.
    pub packs: Option<usize>,
    /// Whether the refs of a repository are read again after its push. Whoever compares the refs of
    /// both ends in the end, of all projects, needs that once and not twice.
    pub reads_refs_back: bool,
    /// How long a claim lasts without a heartbeat.
    pub lease: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            projects: 8,
            lanes: 2,
            batch_records: 1_000,
            batch_pages: 4,
            writers: 16,
            packs: None,
            reads_refs_back: true,
            lease: Duration::from_secs(15),
        }
    }
}

/// Somebody who runs jobs.
#[derive(Clone)]
pub struct Worker {
    /// Where it notes every step.
    pub journal: Arc<dyn Journal>,
    /// Who wants to know what is going on.
    pub listener: Arc<dyn Listener>,
    /// How it uses the machine.
    pub tuning: Tuning,
}

impl Worker {
    /// Runs a claimed job to its end, or to where it is stopped, and closes the claim.
    ///
    /// # Errors
    ///
    /// Only when the journal fails or the claim is another's now; whatever else
    /// goes wrong is in the outcome and in the journal.
    pub async fn run(
        &self,
        claim: &Claim,
        ends: &Ends,
        options: &JobOptions,
        stop: &Stop,
    ) -> Result<RunOutcome, EngineError> {
        // Dropping the set ends its task, also when the run itself is dropped.
        let mut beats = JoinSet::new();
        beats.spawn(beat(self.journal.clone(), claim.clone(), stop.clone()));
        let run = Run { worker: self, claim, ends, options, stop };
        let ran = run.run().await;
        let outcome = match ran {
            Ok(outcome) => outcome,
            Err(error @ (EngineError::Journal(_) | EngineError::Stopped(Stopped(Why::Lost)))) => {
                return Err(error);
            }
            Err(EngineError::Stopped(Stopped(Why::Cancelled))) => {
                RunOutcome::ended(JobState::Cancelled, None, options)
            }
            Err(EngineError::Stopped(Stopped(Why::Asked))) => {
                RunOutcome::ended(JobState::Stopped, None, options)
            }
            Err(error) => RunOutcome::ended(JobState::Failed, Some(chain(&error)), options),
        };
        if outcome.state != JobState::Stopped {
            retry::resume_whole(&*self.journal, claim.job).await?;
            if !self.journal.history(claim.job).await?.failures(0, 1).await?.is_empty() {
                // What failed is carried again by the next run, and read back after that.
                verify::forget(&*self.journal, claim.job).await?;
            }
        }
        let whole = outcome.state == JobState::Finished;
        self.tell(claim, packhorse_core::Event::Ended { whole }).await?;
        self.journal.close(claim, outcome.state, outcome.reason.as_deref()).await?;
        Ok(outcome)
    }

    /// Tells the listener, and notes it.
    pub(crate) async fn tell(
        &self,
        claim: &Claim,
        event: packhorse_core::Event,
    ) -> Result<(), EngineError> {
        self.listener.on(&event);
        self.journal.note(claim, &event).await?;
        Ok(())
    }
}

/// Extends the lease until the run ends, and throws the switch when somebody wants that.
async fn beat(journal: Arc<dyn Journal>, claim: Claim, stop: Stop) {
    let mut every = tokio::time::interval(claim.lease / 4);
    loop {
        every.tick().await;
        match journal.heartbeat(&claim).await {
            Ok(Pulse::Beating) => {}
            Ok(Pulse::Cancelling) => stop.because(Why::Cancelled),
            Ok(Pulse::Lost) => return stop.because(Why::Lost),
            // The journal's own writes fail too then, and they tell why.
            Err(_) => return stop.because(Why::Lost),
        }
    }
}
