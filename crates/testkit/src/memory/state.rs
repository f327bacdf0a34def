//! What a host in memory holds.

use packhorse_core::{Lane, Object, ObjectKind, Origin, Record, Scope};
use std::{collections::BTreeMap, sync::Arc};

/// How often each method of a host in memory was called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is called as its method is")]
pub struct Calls {
    pub probe: u64,
    pub inventory: u64,
    pub read: u64,
    pub open: u64,
    pub find: u64,
    pub write: u64,
    pub remove: u64,
    pub save: u64,
    pub flush: u64,
    pub finish: u64,
}

/// A record as the host keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The host's id for it.
    pub id: String,
    /// Where it came from.
    pub origin: Origin,
    /// What it is.
    pub object: Object,
}

impl Stored {
    /// The record as this host gives it when it is read.
    pub fn record(&self) -> Record {
        Record::new(self.id.clone(), self.object.clone())
    }
}

/// Sorts ids as people expect: numbers by their size, before anything else.
type Key = (ObjectKind, Option<u64>, String);

fn key(kind: ObjectKind, id: &str) -> Key {
    let number = id.parse().ok().filter(|number: &u64| number.to_string() == id);
    (kind, Some(number.unwrap_or(u64::MAX)), id.to_owned())
}

type Shelf = BTreeMap<Key, Arc<Stored>>;

#[derive(Debug, Default)]
pub(super) struct State {
    live: BTreeMap<Scope, Shelf>,
    durable: BTreeMap<Scope, Shelf>,
    blobs: BTreeMap<(Scope, Origin), Arc<Vec<u8>>>,
    /// What each origin was last kept as; what is not live any more does not count.
    ids: BTreeMap<(Scope, Origin), String>,
    last_id: u64,
    pub(super) generation: u64,
    pub(super) calls: Calls,
    pub(super) repeated: Vec<(Scope, Origin)>,
    pub(super) finished: Vec<Scope>,
}

impl State {
    pub(super) fn next_id(&mut self) -> String {
        self.last_id += 1;
        (7_000_000 + self.last_id).to_string()
    }

    /// The next number of a row that is shared by these kinds.
    pub(super) fn next_number(&self, scope: &Scope, kinds: &[ObjectKind]) -> u64 {
        let stored = self.live.get(scope).into_iter().flat_map(|it| it.values());
        let of_kind = stored.filter(|it| kinds.contains(&it.object.kind()));
        of_kind.filter_map(|it| it.id.parse::<u64>().ok()).max().unwrap_or(0) + 1
    }

    pub(super) fn keep(&mut self, scope: &Scope, id: &str, origin: Origin, object: Object) {
        self.ids.insert((scope.clone(), origin.clone()), id.to_owned());
        let stored = Stored { id: id.to_owned(), origin, object };
        let key = key(stored.object.kind(), id);
        self.live.entry(scope.clone()).or_default().insert(key, Arc::new(stored));
        self.generation += 1;
    }

    pub(super) fn discard(&mut self, scope: &Scope, kind: ObjectKind, id: &str) {
        if let Some(shelf) = self.live.get_mut(scope) {
            shelf.remove(&key(kind, id));
            self.generation += 1;
        }
    }

    pub(super) fn get(&self, scope: &Scope, kind: ObjectKind, id: &str) -> Option<&Stored> {
        self.live.get(scope)?.get(&key(kind, id)).map(|it| &**it)
    }

    /// The record that came from there, whatever its id is here.
    pub(super) fn came_from(&self, scope: &Scope, origin: &Origin) -> Option<&Stored> {
        let id = self.ids.get(&(scope.clone(), origin.clone()))?;
        self.get(scope, origin.kind, id).filter(|it| it.origin == *origin)
    }

    pub(super) fn flush(&mut self, scope: &Scope) {
        if let Some(shelf) = self.live.get(scope) {
            self.durable.insert(scope.clone(), shelf.clone());
        }
    }

    pub(super) fn crash(&mut self) {
        self.live = self.durable.clone();
        self.generation += 1;
    }

    pub(super) fn lane(&self, lane: &Lane) -> Vec<Stored> {
        let one = |shelf: &Shelf| -> Vec<Stored> {
            let of_kind = shelf.values().filter(|it| it.object.kind() == lane.kind);
            of_kind.map(|it| (**it).clone()).collect()
        };
        if lane.scope == Scope::Shared && lane.kind == ObjectKind::Project {
            return self.live.values().flat_map(one).collect();
        }
        self.live.get(&lane.scope).map(one).unwrap_or_default()
    }

    pub(super) fn projects(&self) -> Vec<String> {
        let lane = Lane::new(Scope::Shared, ObjectKind::Project);
        self.lane(&lane).into_iter().map(|it| it.id).collect()
    }

    pub(super) fn count(&self, scope: &Scope) -> BTreeMap<ObjectKind, u64> {
        let mut counts = BTreeMap::new();
        for (kind, ..) in self.live.get(scope).into_iter().flatten().map(|(key, _)| key) {
            *counts.entry(*kind).or_default() += 1;
        }
        counts
    }

    pub(super) fn keep_blob(&mut self, scope: &Scope, origin: &Origin, bytes: Vec<u8>) {
        self.blobs.insert((scope.clone(), origin.clone()), Arc::new(bytes));
    }

    /// Gives the blob of an origin to the record that it became.
    pub(super) fn hand_over(&mut self, scope: &Scope, origin: &Origin, id: &str) {
        if let Some(bytes) = self.blobs.get(&(scope.clone(), origin.clone())).cloned() {
            self.blobs.insert((scope.clone(), Origin::new(origin.kind, id)), bytes);
        }
    }

    pub(super) fn blob(&self, scope: &Scope, origin: &Origin) -> Option<&[u8]> {
        self.blobs.get(&(scope.clone(), origin.clone())).map(|it| it.as_slice())
    }

    pub(super) fn blob_bytes(&self, scope: &Scope, kind: ObjectKind) -> u64 {
        let shelf = self.live.get(scope).into_iter().flat_map(Shelf::values);
        let of_kind = shelf.filter(|it| it.object.kind() == kind);
        let sizes = of_kind.filter_map(|it| self.blob(scope, &Origin::new(kind, &*it.id)));
        sizes.map(|bytes| bytes.len() as u64).sum()
    }
}
