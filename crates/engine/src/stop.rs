//! How a run is asked to stop.

use crate::EngineError;
use std::{future::Future, sync::Arc};
use tokio::sync::watch;

/// Why a run is to stop; a later reason wins over an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Somebody at this process asked, by a signal.
    Asked,
    /// Somebody asked through the journal.
    Cancelled,
    /// The journal gave the job to another worker, or does not answer: nothing may be written.
    Lost,
}

/// The run was asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the run was asked to stop")]
pub struct Stopped(pub Why);

/// Asks a run to stop at the next safe place. Clones ask the same run.
#[derive(Clone, Debug)]
pub struct Stop {
    why: Arc<watch::Sender<Option<Why>>>,
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

impl Stop {
    /// Nobody has asked yet.
    pub fn new() -> Self {
        Self { why: Arc::new(watch::Sender::new(None)) }
    }

    /// Asks, because somebody at this process wants it.
    pub fn stop(&self) {
        self.because(Why::Asked);
    }

    /// Asks, for that reason.
    pub fn because(&self, why: Why) {
        self.why.send_if_modified(|now| {
            let is_news = *now < Some(why);
            *now = (*now).max(Some(why));
            is_news
        });
    }

    /// Why the run is to stop, if it is.
    pub fn why(&self) -> Option<Why> {
        *self.why.borrow()
    }

    /// Goes on, unless the run is to stop.
    ///
    /// # Errors
    ///
    /// [`Stopped`] when somebody has asked.
    pub fn check(&self) -> Result<(), Stopped> {
        self.why().map_or(Ok(()), |why| Err(Stopped(why)))
    }

    /// Waits until somebody asks.
    pub async fn asked(&self) -> Stopped {
        let mut receiver = self.why.subscribe();
        let asked = receiver.wait_for(Option::is_some).await.map(|it| *it);
        // The sender lives as long as `self`, so waiting cannot fail.
        Stopped(asked.ok().flatten().unwrap_or(Why::Asked))
    }

    /// Waits for work that may fail, or until somebody asks, whichever comes first.
    pub(crate) async fn or<T, E: Into<EngineError>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, EngineError> {
        self.race(work).await?.map_err(Into::into)
    }

    /// Waits for something, or until somebody asks, whichever comes first.
    ///
    /// # Errors
    ///
    /// [`Stopped`] when somebody asked first; the work is dropped where it stands.
    pub async fn race<T>(&self, work: impl Future<Output = T>) -> Result<T, Stopped> {
        self.check()?;
        tokio::select! {
            biased;
            done = work => Ok(done),
            stopped = self.asked() => Err(stopped),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_done_already_wins_and_what_waits_is_dropped() {
        let stop = Stop::new();
        assert_eq!(stop.race(async { 1 }).await, Ok(1));

        let waiting = stop.clone();
        let waits = tokio::spawn(async move { waiting.race(std::future::pending::<()>()).await });
        stop.stop();

        assert_eq!(waits.await.unwrap(), Err(Stopped(Why::Asked)));
        assert_eq!(stop.race(async { 1 }).await, Err(Stopped(Why::Asked)));
    }

    #[test]
    fn a_graver_reason_wins() {
        let stop = Stop::new();

        stop.because(Why::Lost);
        stop.stop();

        assert_eq!(stop.check(), Err(Stopped(Why::Lost)));
    }
}
