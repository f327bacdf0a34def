//! How often each account has started something of late.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// For how long a start counts.
const WINDOW: Duration = Duration::from_secs(60);

/// Starts of the last minute, by account; only accounts with a token of the service are in it.
#[derive(Debug, Default)]
pub(crate) struct Starts(Mutex<HashMap<String, VecDeque<Instant>>>);

impl Starts {
    /// Counts a start; how long to wait where there were too many already.
    pub(crate) fn too_many(&self, user: &str, most: usize, now: Instant) -> Option<Duration> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = all.entry(user.to_owned()).or_default();
        while of.front().is_some_and(|it| now.duration_since(*it) >= WINDOW) {
            of.pop_front();
        }
        match of.front() {
            Some(first) if of.len() >= most => Some(WINDOW - now.duration_since(*first)),
            _ => {
                of.push_back(now);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_starts_count_in_a_minute_for_each_account() {
        let (starts, begun) = (Starts::default(), Instant::now());
        let at = |seconds| begun + Duration::from_secs(seconds);

        assert_eq!(starts.too_many("alice", 2, at(0)), None);
        assert_eq!(starts.too_many("alice", 2, at(10)), None);
        assert_eq!(starts.too_many("alice", 2, at(20)), Some(Duration::from_secs(40)));
        assert_eq!(starts.too_many("bob", 2, at(20)), None);
        assert_eq!(starts.too_many("alice", 2, at(60)), None);
    }
}
