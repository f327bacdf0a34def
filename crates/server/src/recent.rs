//! How far jobs were a moment ago, for the next one who asks.

use crate::native::wire::Progress;
use packhorse_core::job::JobId;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long a moment is: less than people see, and many requests.
const MOMENT: Duration = Duration::from_millis(250);

/// What was looked up of jobs that run or wait, for a moment.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<HashMap<JobId, (Instant, Progress)>>);

impl Recent {
    fn held(&self) -> MutexGuard<'_, HashMap<JobId, (Instant, Progress)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far a job was, where somebody has just asked.
    pub(crate) fn of(&self, job: JobId) -> Option<Progress> {
        let held = self.held();
        held.get(&job).filter(|it| it.0.elapsed() < MOMENT).map(|it| it.1.clone())
    }

    /// Keeps how far a job is; what is older than a moment is forgotten.
    pub(crate) fn keep(&self, job: JobId, progress: &Progress) {
        let mut held = self.held();
        held.retain(|_, it| it.0.elapsed() < MOMENT);
        held.insert(job, (Instant::now(), progress.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_known_for_a_moment() {
        let recent = Recent::default();
        let progress = Progress { read: 7, ..Progress::default() };

        recent.keep(JobId(1), &progress);

        assert_eq!(recent.of(JobId(1)), Some(progress.clone()));
        assert_eq!(recent.of(JobId(2)), None);
        std::thread::sleep(MOMENT);
        assert_eq!(recent.of(JobId(1)), None);
        recent.keep(JobId(2), &progress);
        assert_eq!(recent.held().len(), 1, "the other is forgotten");
    }
}
