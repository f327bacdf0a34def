//! Time and chance as parameters.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// What tells the time, and waits.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;
    /// Waits.
    async fn sleep(&self, how_long: Duration);
    /// A number of at least 0 and below 1, another each time.
    fn chance(&self) -> f64;
}

/// The time and the chance of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

#[async_trait]
impl Clock for System {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, how_long: Duration) {
        tokio::time::sleep(how_long).await;
    }

    fn chance(&self) -> f64 {
        // A keyed hash with a key of its own each time: spreads waits, hides nothing.
        let bits = RandomState::new().hash_one(()) >> 11;
        bits as f64 / (1u64 << 53) as f64
    }
}

/// A clock for tests: waiting takes no time, and moves it on.
#[derive(Debug)]
pub struct Manual {
    now: Mutex<Timestamp>,
    slept: Mutex<Vec<Duration>>,
    chance: f64,
}

impl Manual {
    /// A clock at `now`; its chance is always the same number.
    pub fn new(now: Timestamp, chance: f64) -> Self {
        Self { now: Mutex::new(now), slept: Mutex::default(), chance }
    }

    /// Lets time pass.
    pub fn pass(&self, how_long: Duration) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = later(*now, how_long);
    }

    /// How long was waited so far, wait by wait.
    pub fn slept(&self) -> Vec<Duration> {
        self.slept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Clock for Manual {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sleep(&self, how_long: Duration) {
        self.pass(how_long);
        self.slept.lock().unwrap_or_else(PoisonError::into_inner).push(how_long);
        tokio::task::yield_now().await;
    }

    fn chance(&self) -> f64 {
        self.chance
    }
}

/// A moment so much later, or the last one that there is.
pub(crate) fn later(at: Timestamp, how_long: Duration) -> Timestamp {
    let how_long = SignedDuration::try_from(how_long).unwrap_or(SignedDuration::MAX);
    at.checked_add(how_long).unwrap_or(Timestamp::MAX)
}

/// How long it is from one moment to a later one; zero when it is not later.
pub(crate) fn until(from: Timestamp, to: Timestamp) -> Duration {
    to.duration_since(from).try_into().unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_differs_and_stays_in_its_bounds() {
        let list: Vec<f64> = (0..100).map(|_| System.chance()).collect();

        assert!(list.iter().all(|it| (0.0..1.0).contains(it)));
        assert!(list.iter().any(|it| *it < 0.5) && list.iter().any(|it| *it >= 0.5), "{list:?}");
    }

    #[test]
    fn time_has_an_end_and_no_way_back() {
        assert_eq!(later(Timestamp::MAX, Duration::MAX), Timestamp::MAX);
        assert_eq!(until(Timestamp::MAX, Timestamp::MIN), Duration::ZERO);
        assert!(until(Timestamp::UNIX_EPOCH, Timestamp::MAX).as_secs() > 1 << 37);
    }
}
