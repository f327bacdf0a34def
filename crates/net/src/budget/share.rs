//! How many requests of one credential are under way at once, in all processes together.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, hash_map::RandomState},
    hash::BuildHasher,
    sync::Arc,
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a process counts that has asked for nothing since.
const PRESENT: Duration = Duration::from_secs(60);

/// Which processes have asked lately, and until when each counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Askers(BTreeMap<String, Timestamp>);

impl Askers {
    /// A name that no other process has.
    pub(super) fn name() -> String {
        format!("{:016x}", RandomState::new().hash_one(std::process::id()))
    }

    /// Notes that a process asks, and forgets those that do not any more.
    pub(super) fn note(&mut self, name: &str, now: Timestamp) {
        self.0.retain(|_, until| *until > now);
        self.0.insert(name.to_owned(), crate::clock::later(now, PRESENT));
    }

    /// How many there are, with the one that wants to know.
    fn count(&self) -> usize {
        self.0.len().max(1)
    }
}

/// Room for requests that are under way.
#[derive(Debug)]
pub(super) struct Share {
    room: Arc<Semaphore>,
    /// What all processes together may have under way.
    at_most: usize,
    /// What this one may.
    own: usize,
}

impl Share {
    /// All of it.
    pub(super) fn new(at_most: usize) -> Self {
        let at_most = at_most.clamp(1, Semaphore::MAX_PERMITS);
        Self { room: Arc::new(Semaphore::new(at_most)), at_most, own: at_most }
    }

    pub(super) fn room(&self) -> Arc<Semaphore> {
        Arc::clone(&self.room)
    }

    /// Its part of what there is for so many processes; one at least.
    fn part(&self, askers: &Askers) -> usize {
        (self.at_most / askers.count()).max(1)
    }

    /// Takes its part; what is under way beyond that comes to its end.
    pub(super) fn fit(&mut self, askers: &Askers) {
        let part = self.part(askers);
        if part > self.own {
            self.room.add_permits(part - self.own);
            self.own = part;
        } else {
            self.own -= self.room.forget_permits(self.own - part);
        }
    }

    /// Something that was under way has ended; whoever waits gets its room, unless there is more under
    /// way than this process's part.
    pub(super) fn end(&mut self, permit: OwnedSemaphorePermit, askers: &Askers) {
        if self.own > self.part(askers) {
            permit.forget();
            self.own -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn each_process_has_its_part_as_long_as_others_ask() {
        let (mut askers, mut share) = (Askers::default(), Share::new(9));
        let mut free = |askers: &Askers| {
            share.fit(askers);
            share.room().available_permits()
        };

        askers.note("a", at(0));
        assert_eq!(free(&askers), 9);
        askers.note("b", at(30));
        assert_eq!(free(&askers), 4);
        for n in 0..20 {
            askers.note(&n.to_string(), at(31));
        }
        assert_eq!(free(&askers), 1);
        askers.note("a", at(100));
        assert_eq!(free(&askers), 9, "the others have asked for nothing since");
    }

    #[tokio::test]
    async fn who_waits_gets_no_room_that_is_another_process_s_now() {
        let (mut askers, mut share) = (Askers::default(), Share::new(4));
        askers.note("a", at(0));
        let mut under_way: Vec<_> =
            (0..4).map(|_| share.room().try_acquire_owned().unwrap()).collect();
        let waiting = tokio::spawn(share.room().acquire_owned());
        tokio::task::yield_now().await;

        askers.note("b", at(0));
        share.fit(&askers);
        for _ in 0..2 {
            share.end(under_way.pop().unwrap(), &askers);
            tokio::task::yield_now().await;
            assert!(!waiting.is_finished());
        }
        share.end(under_way.pop().unwrap(), &askers);

        assert!(waiting.await.unwrap().is_ok());
        assert_eq!(share.own, 2);
    }
}
