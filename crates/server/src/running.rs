//! What this process knows of the jobs that it runs, and the journal does not: how much moves.

use crate::{
    Service,
    metrics::Metrics,
    native::job::carried,
    service::ServiceError,
    store::{Sample, now_ms},
};
use packhorse_core::{
    Event, Listener,
    error::chain,
    job::JobId,
    port::{Counts, History, JournalError},
};
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Hears of one run.
#[derive(Debug)]
pub(crate) struct Traffic {
    bytes: AtomicU64,
    metrics: Arc<Metrics>,
}

impl Traffic {
    /// Counts from what earlier runs of the job have moved.
    pub(crate) fn new(metrics: Arc<Metrics>, bytes: u64) -> Arc<Self> {
        Arc::new(Self { bytes: AtomicU64::new(bytes), metrics })
    }
}

/// Jobs of which this process has something in its hands that no claim guards.
#[derive(Debug, Default)]
pub(crate) struct Hands(Mutex<HashSet<u64>>);

/// Lets go of a job when it goes.
pub(crate) struct Hand<'a> {
    of: &'a Hands,
    part: u64,
}

impl Hands {
    /// Takes a job; `None` when somebody has it.
    pub(crate) fn take(&self, part: u64) -> Option<Hand<'_>> {
        let is_free = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(part);
        is_free.then_some(Hand { of: self, part })
    }
}

impl Drop for Hand<'_> {
    fn drop(&mut self) {
        self.of.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.part);
    }
}

/// How often it is noted how far a job is, at most.
const SAMPLE_EVERY: Duration = Duration::from_secs(2);

/// Notes again and again how far a job is; what noting costs is a small part of the time.
pub(crate) async fn sample(service: Arc<Service>, job: JobId, traffic: Arc<Traffic>) {
    loop {
        let begun = Instant::now();
        if let Err(error) = note(&service, job, &traffic).await {
            tracing::warn!(error = chain(&error), "it could not be noted how far a job is");
        }
        tokio::time::sleep(SAMPLE_EVERY.max(begun.elapsed() * 20)).await;
    }
}

/// Notes how far a job is.
pub(crate) async fn note(
    service: &Service,
    job: JobId,
    traffic: &Traffic,
) -> Result<(), ServiceError> {
    let total = total(&*service.journal.history(job).await?).await?;
    let sample = Sample {
        at: now_ms(),
        read: total.read,
        carried: carried(&total),
        failed: total.failed,
        bytes: traffic.bytes.load(Ordering::Relaxed),
    };
    Ok(service.store.sample(job, sample).await?)
}

impl Listener for Traffic {
    fn on(&self, event: &Event) {
        let moved = match event {
            Event::Progress { bytes, .. } | Event::Transfer { bytes, .. } => *bytes,
            Event::Started { .. }
            | Event::Project { .. }
            | Event::Dropped { .. }
            | Event::Failed { .. }
            | Event::Waiting { .. }
            | Event::Verifying { .. }
            | Event::Ended { .. } => 0,
        };
        if moved > 0 {
            self.bytes.fetch_add(moved, Ordering::Relaxed);
            self.metrics.moved(moved);
        }
    }
}

/// The sum of all lanes of a job.
pub(crate) async fn total(history: &dyn History) -> Result<Counts, JournalError> {
    let mut sum = Counts { source: Some(0), ..Counts::default() };
    history.lanes().await?.iter().for_each(|it| sum.add(&it.counts));
    Ok(sum)
}
