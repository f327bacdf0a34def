//! What was written in a scope and is not durable yet.

use super::{digest::Digest, key};
use packhorse_core::{ObjectKind, Origin};
use std::collections::BTreeMap;

/// Place of a record within its scope: its kind, and its id as a key.
pub(super) type Place = (ObjectKind, String);

/// The place of a record.
pub(super) fn place(origin: &Origin) -> Place {
    (origin.kind, key::encode(&origin.id))
}

/// What is to become of a record.
#[derive(Debug, PartialEq, Eq)]
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

/// What was written in a scope and is not durable yet, in the database's order.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    changes: BTreeMap<Place, Change>,
    blobs: BTreeMap<Place, StoredBlob>,
    bytes: usize,
}

impl Buffer {
    /// Takes in a record.
    pub(super) fn put(&mut self, place: Place, body: Vec<u8>) {
        self.bytes += body.len() + place.1.len();
        self.changes.insert(place, Change::Put(body));
    }

    /// Takes in that a record goes.
    pub(super) fn remove(&mut self, place: Place) {
        self.blobs.remove(&place);
        self.bytes += place.1.len();
        self.changes.insert(place, Change::Remove);
    }

    /// Takes in which bytes belong to a record.
    pub(super) fn link(&mut self, place: Place, blob: StoredBlob) {
        self.blobs.insert(place, blob);
    }

    /// What is to become of a record, if anything.
    pub(super) fn change(&self, place: &Place) -> Option<&Change> {
        self.changes.get(place)
    }

    /// All changes.
    pub(super) fn changes(&self) -> impl Iterator<Item = (&Place, &Change)> {
        self.changes.iter()
    }

    /// All blobs that have arrived.
    pub(super) fn blobs(&self) -> impl Iterator<Item = (&Place, &StoredBlob)> {
        self.blobs.iter()
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.blobs.is_empty()
    }

    /// Bytes taken in since the last [`Buffer::clear`].
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets everything, because it is durable now.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
