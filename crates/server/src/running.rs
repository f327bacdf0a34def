//! What this process knows of the jobs that it runs, and the journal does not: how much moves.

use crate::metrics::Metrics;
use packhorse_core::{
    Event, Listener,
    port::{Counts, History, JournalError},
};
use std::sync::Arc;

/// Hears of one run.
#[derive(Debug)]
pub(crate) struct Traffic {
    metrics: Arc<Metrics>,
}

impl Traffic {
    pub(crate) fn new(metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { metrics })
    }
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
