//! Lines on their way into chunks.

use super::super::manifest::BlobLine;
use crate::container::{ArchiveError, KeySet};
use packhorse_core::{
    HostError, HostErrorKind, ObjectKind, Origin, Record, Scope, fingerprint::exact,
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
};

/// Longest line of a record, in bytes (section 10).
pub(super) const MAX_LINE: usize = 16 << 20;
/// Longest id, in bytes (section 10).
const MAX_ID: usize = 4_096;

/// A line and what it is for.
pub(super) struct Line {
    pub(super) id: String,
    /// Of its name among those that were flushed.
    key: u64,
    pub(super) text: Vec<u8>,
    pub(super) removed: bool,
}

/// Lines of one kind, in the order they came.
#[derive(Default)]
pub(super) struct Chunk {
    pub(super) plain: Vec<Line>,
    pub(super) revised: Vec<Line>,
    places: HashMap<String, usize>,
}

/// Lines of all scopes, and the blobs of records that have not come yet.
pub(super) struct Buffers {
    chunks: HashMap<Scope, BTreeMap<ObjectKind, Chunk>>,
    blobs: HashMap<(Scope, Origin), BlobLine>,
    flushed: Flushed,
}

/// Names of the records in the archive.
pub(super) struct Flushed {
    known: KeySet,
    /// Those that their newest revision removes.
    removed: HashSet<(Scope, Origin)>,
}

impl Flushed {
    /// Of an archive with nothing in it; names may be kept in that directory.
    pub(super) fn new(work: &Path) -> Self {
        Self { known: KeySet::new(work), removed: HashSet::new() }
    }

    /// Notes a line; whether its record was not in the archive before.
    pub(super) fn note(
        &mut self,
        scope: &Scope,
        (kind, id, removed): (ObjectKind, &str, bool),
    ) -> Result<bool, ArchiveError> {
        self.mark(scope, Origin::new(kind, id), removed);
        self.known.insert(&(scope.key(), kind, id))
    }

    fn mark(&mut self, scope: &Scope, origin: Origin, removed: bool) {
        if removed {
            self.removed.insert((scope.clone(), origin));
        } else if !self.removed.is_empty() {
            self.removed.remove(&(scope.clone(), origin));
        }
    }

    fn key(&self, scope: &Scope, origin: &Origin) -> u64 {
        self.known.key(&(scope.key(), origin.kind, origin.id.as_str()))
    }

    fn has_removed(&self, scope: &Scope, origin: &Origin) -> bool {
        !self.removed.is_empty() && self.removed.contains(&(scope.clone(), origin.clone()))
    }
}

impl Buffers {
    /// Empty ones beside an archive that holds that.
    pub(super) fn new(flushed: Flushed) -> Self {
        Self { chunks: HashMap::new(), blobs: HashMap::new(), flushed }
    }

    /// Adds a record; one that is in the archive already is revised. Whether it was there.
    pub(super) fn put(
        &mut self,
        scope: &Scope,
        origin: &Origin,
        record: &Record,
    ) -> Result<bool, HostError> {
        let id = origin.id.clone();
        let blob = self.blobs.remove(&(scope.clone(), record.origin.clone()));
        let text = line(&id, record, blob.as_ref());
        if text.len() > MAX_LINE || id.is_empty() || id.len() > MAX_ID {
            return Err(HostError::new(HostErrorKind::Rejected, "write a record")
                .with("object", &record.origin)
                .because("it, or its id, is longer than the format allows"));
        }
        let key = self.flushed.key(scope, origin);
        let is_flushed = self.flushed.known.holds(key)?;
        let was_there = is_flushed && !self.flushed.has_removed(scope, origin);
        if is_flushed {
            self.flushed.mark(scope, origin.clone(), false);
        }
        let chunk = self.chunk(scope, record.origin.kind);
        let line = Line { id, key, text, removed: false };
        if is_flushed {
            chunk.revised.push(line);
            return Ok(was_there);
        }
        if let Some(&at) = chunk.places.get(&line.id) {
            chunk.plain[at] = line;
            return Ok(true);
        }
        chunk.places.insert(line.id.clone(), chunk.plain.len());
        chunk.plain.push(line);
        Ok(false)
    }

    fn chunk(&mut self, scope: &Scope, kind: ObjectKind) -> &mut Chunk {
        self.chunks.entry(scope.clone()).or_default().entry(kind).or_default()
    }

    /// Remembers the blob of a record that comes next.
    pub(super) fn belongs(&mut self, scope: &Scope, origin: &Origin, blob: BlobLine) {
        self.blobs.insert((scope.clone(), origin.clone()), blob);
    }

    /// Whether a record is here or in the archive.
    pub(super) fn holds(&self, scope: &Scope, origin: &Origin) -> Result<bool, ArchiveError> {
        let chunk = self.chunks.get(scope).and_then(|it| it.get(&origin.kind));
        if chunk.is_some_and(|it| it.places.contains_key(&origin.id)) {
            return Ok(true);
        }
        let is_known = self.flushed.known.holds(self.flushed.key(scope, origin))?;
        Ok(is_known && !self.flushed.has_removed(scope, origin))
    }

    /// Takes back a record that has not been flushed; `false` when it is not here.
    pub(super) fn take_back(&mut self, scope: &Scope, origin: &Origin) -> bool {
        let Some(chunk) = self.chunks.get_mut(scope).and_then(|it| it.get_mut(&origin.kind)) else {
            return false;
        };
        let Some(at) = chunk.places.remove(&origin.id) else { return false };
        chunk.plain.remove(at);
        chunk.places.values_mut().filter(|it| **it > at).for_each(|it| *it -= 1);
        true
    }

    /// Notes that a record in the archive is removed.
    pub(super) fn remove(&mut self, scope: &Scope, origin: &Origin) {
        let value = serde_json::json!({ "id": origin.id, "removed": true });
        let text = (value.to_string() + "\n").into_bytes();
        let key = self.flushed.key(scope, origin);
        let line = Line { id: origin.id.clone(), key, text, removed: true };
        self.chunk(scope, origin.kind).revised.push(line);
        self.flushed.mark(scope, origin.clone(), true);
    }

    /// Scopes that have anything here.
    pub(super) fn scopes(&self) -> Vec<Scope> {
        self.chunks.keys().cloned().collect()
    }

    /// Takes out everything of a scope, in load order; from now on it counts as written.
    pub(super) fn take(&mut self, scope: &Scope) -> Result<Vec<(ObjectKind, Chunk)>, ArchiveError> {
        let chunks = self.chunks.remove(scope).unwrap_or_default();
        for line in chunks.values().flat_map(|it| &it.plain) {
            self.flushed.known.add(line.key)?;
        }
        let is_used = |it: &(ObjectKind, Chunk)| !it.1.plain.is_empty() || !it.1.revised.is_empty();
        Ok(chunks.into_iter().filter(is_used).collect())
    }
}

/// A record's line, in canonical form (section 4).
fn line(id: &str, record: &Record, blob: Option<&BlobLine>) -> Vec<u8> {
    let value = exact(&record.object);
    let id = serde_json::Value::from(id).to_string();
    let blob = blob.map(|it| format!(r#""blob":{{"sha256":"{}","size":{}}},"#, it.sha256, it.size));
    let parts: [&[u8]; 7] = [
        b"{",
        blob.as_deref().unwrap_or_default().as_bytes(),
        b"\"id\":",
        id.as_bytes(),
        b",\"value\":",
        &value,
        b"}\n",
    ];
    parts.concat()
}
