//! Records that are written and not settled: the journal does not know them yet.

use super::prepare::Prepared;
use std::{
    collections::{HashSet, VecDeque},
    hash::{BuildHasher, RandomState},
};
use tokio::sync::watch;

/// The ids of what is under way, batch by batch, as hashes: where two ids share one, a batch
/// waits for another for nothing.
///
/// A listing that changes while it is read gives a record twice. The second one has to find the
/// first in the journal, or it would be written as if it were new.
pub(super) struct UnderWay {
    batches: VecDeque<HashSet<u64>>,
    hashes: RandomState,
    n_known_settled: u64,
    n_settled: watch::Receiver<u64>,
}

impl UnderWay {
    /// Nothing yet; `n_settled` counts the batches that have been settled.
    pub(super) fn new(n_settled: watch::Receiver<u64>) -> Self {
        let (batches, hashes) = (VecDeque::new(), RandomState::new());
        Self { batches, hashes, n_known_settled: 0, n_settled }
    }

    /// Takes a batch in as soon as nothing of it is under way; `false` when nobody settles any more.
    pub(super) async fn take(&mut self, batch: &[Prepared]) -> bool {
        self.forget();
        let hash = |it: &Prepared| self.hashes.hash_one(&it.record.origin.id);
        let ids: HashSet<u64> = batch.iter().map(hash).collect();
        while self.batches.iter().any(|it| !it.is_disjoint(&ids)) {
            if self.n_settled.changed().await.is_err() {
                return false;
            }
            self.forget();
        }
        self.batches.push_back(ids);
        true
    }

    fn forget(&mut self) {
        let n_settled = *self.n_settled.borrow_and_update();
        while self.n_known_settled < n_settled && self.batches.pop_front().is_some() {
            self.n_known_settled += 1;
        }
    }
}

/// Leaves one of those that are the same record, the one that was read last, at the first's place.
pub(super) fn once(batch: Vec<Prepared>) -> Vec<Prepared> {
    let mut ids = HashSet::with_capacity(batch.len());
    if batch.iter().all(|it| ids.insert(it.record.origin.id.as_str())) {
        return batch;
    }
    let mut list: Vec<Prepared> = Vec::with_capacity(batch.len());
    for prepared in batch {
        match list.iter_mut().find(|it| it.record.origin.id == prepared.record.origin.id) {
            Some(earlier) => *earlier = prepared,
            None => list.push(prepared),
        }
    }
    list
}
