//! What was written in a scope and is not durable yet.
//!
//! While one batch is on its way into the database, the next one gathers beside it.

use super::{digest::Digest, key};
use packhorse_core::{ObjectKind, Origin};
use std::{collections::BTreeMap, sync::Arc};

/// Place of a record within its scope: its kind, and its id as a key.
pub(super) type Place = (ObjectKind, String);

/// The place of a record.
pub(super) fn place(origin: &Origin) -> Place {
    (origin.kind, key::encode(&origin.id))
}

/// What is to become of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It is written, as this canonical JSON.
    Put(Vec<u8>),
    /// It goes, and so does what is known of its blob.
    Remove,
}

/// A blob that has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StoredBlob {
    /// Its name in the store.
    pub(super) digest: Digest,
    /// Its size in bytes.
    pub(super) size: u64,
}

/// Changes to a scope, in the database's order.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    records: BTreeMap<Place, Change>,
    blobs: BTreeMap<Place, StoredBlob>,
    bytes: usize,
}

impl Changes {
    /// What is to become of records.
    pub(super) fn records(&self) -> impl Iterator<Item = (&Place, &Change)> {
        self.records.iter()
    }

    /// Blobs that have arrived.
    pub(super) fn blobs(&self) -> impl Iterator<Item = (&Place, &StoredBlob)> {
        self.blobs.iter()
    }

    fn is_empty(&self) -> bool {
        self.records.is_empty() && self.blobs.is_empty()
    }

    /// Takes in what came later.
    fn append(&mut self, later: &mut Self) {
        let removed =
            |(place, change): (&Place, &Change)| (*change == Change::Remove).then(|| place.clone());
        for place in later.records.iter().filter_map(removed) {
            self.blobs.remove(&place);
        }
        self.records.append(&mut later.records);
        self.blobs.append(&mut later.blobs);
        self.bytes += std::mem::take(&mut later.bytes);
    }
}

/// What was written in a scope and is not durable yet.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    /// What nobody has asked to be durable.
    open: Changes,
    /// What is on its way into the database, or did not get there; older than what is open.
    leaving: Option<Arc<Changes>>,
}

impl Buffer {
    /// Takes in a record; the bytes taken in since the last flush.
    pub(super) fn put(&mut self, place: Place, body: Vec<u8>) -> usize {
        self.open.bytes += body.len() + place.1.len();
        self.open.records.insert(place, Change::Put(body));
        self.open.bytes
    }

    /// Takes in that a record goes.
    pub(super) fn remove(&mut self, place: Place) {
        self.open.blobs.remove(&place);
        self.open.bytes += place.1.len();
        self.open.records.insert(place, Change::Remove);
    }

    /// Takes in which bytes belong to a record.
    pub(super) fn link(&mut self, place: Place, blob: StoredBlob) {
        self.open.blobs.insert(place, blob);
    }

    /// What is to become of a record, if anything.
    pub(super) fn change(&self, place: &Place) -> Option<&Change> {
        let leaving = || self.leaving.as_ref()?.records.get(place);
        self.open.records.get(place).or_else(leaving)
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.leaving.is_none()
    }

    /// Everything that is to be durable now, if anything; what comes later is kept apart.
    pub(super) fn leave(&mut self) -> Option<Arc<Changes>> {
        let mut later = std::mem::take(&mut self.open);
        // Flushes come one after the other: what is still leaving did not get there.
        if let Some(earlier) = self.leaving.take() {
            let mut earlier = Arc::unwrap_or_clone(earlier);
            earlier.append(&mut later);
            later = earlier;
        }
        self.leaving = (!later.is_empty()).then(|| Arc::new(later));
        self.leaving.clone()
    }

    /// Forgets what has left, because it is durable now.
    pub(super) fn left(&mut self) {
        self.leaving = None;
    }
}
