//! Lines on their way into chunks.

use super::super::manifest::BlobLine;
use packhorse_core::{
    HostError, HostErrorKind, ObjectKind, Origin, Record, Scope, fingerprint::exact,
};
use std::collections::{BTreeMap, HashMap};

/// Longest line of a record, in bytes (section 10).
pub(super) const MAX_LINE: usize = 16 << 20;
/// Longest id, in bytes (section 10).
const MAX_ID: usize = 4_096;

/// A line and what it is for.
pub(super) struct Line {
    pub(super) id: String,
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
#[derive(Default)]
pub(super) struct Buffers {
    chunks: HashMap<Scope, BTreeMap<ObjectKind, Chunk>>,
    blobs: HashMap<(Scope, Origin), BlobLine>,
}

impl Buffers {
    /// Adds a record; one that is in a chunk already is revised.
    pub(super) fn put(
        &mut self,
        scope: &Scope,
        origin: &Origin,
        record: &Record,
        is_written: bool,
    ) -> Result<(), HostError> {
        let id = origin.id.clone();
        let blob = self.blobs.remove(&(scope.clone(), record.origin.clone()));
        let text = line(&id, record, blob.as_ref());
        if text.len() > MAX_LINE || id.is_empty() || id.len() > MAX_ID {
            return Err(HostError::new(HostErrorKind::Rejected, "write a record")
                .with("object", &record.origin)
                .because("it, or its id, is longer than the format allows"));
        }
        let chunk = self.chunk(scope, record.origin.kind);
        let line = Line { id: id.clone(), text, removed: false };
        match chunk.places.get(&id) {
            Some(&at) => chunk.plain[at] = line,
            None if is_written => chunk.revised.push(line),
            None => {
                chunk.places.insert(id, chunk.plain.len());
                chunk.plain.push(line);
            }
        }
        Ok(())
    }

    fn chunk(&mut self, scope: &Scope, kind: ObjectKind) -> &mut Chunk {
        self.chunks.entry(scope.clone()).or_default().entry(kind).or_default()
    }

    /// Remembers the blob of a record that comes next.
    pub(super) fn belongs(&mut self, scope: &Scope, origin: &Origin, blob: BlobLine) {
        self.blobs.insert((scope.clone(), origin.clone()), blob);
    }

    /// Whether a record is here, where that can be told: `Some(false)` when it was removed.
    pub(super) fn holds(&self, scope: &Scope, origin: &Origin) -> Option<bool> {
        let chunk = self.chunks.get(scope)?.get(&origin.kind)?;
        if chunk.places.contains_key(&origin.id) {
            return Some(true);
        }
        let last = chunk.revised.iter().rev().find(|it| it.id == origin.id)?;
        Some(!last.removed)
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

    /// Notes that a record in a chunk is removed.
    pub(super) fn remove(&mut self, scope: &Scope, origin: &Origin) {
        let value = serde_json::json!({ "id": origin.id, "removed": true });
        let text = (value.to_string() + "\n").into_bytes();
        let line = Line { id: origin.id.clone(), text, removed: true };
        self.chunk(scope, origin.kind).revised.push(line);
    }

    /// Scopes that have anything here.
    pub(super) fn scopes(&self) -> Vec<Scope> {
        self.chunks.keys().cloned().collect()
    }

    /// Takes out everything of a scope, in load order.
    pub(super) fn take(&mut self, scope: &Scope) -> Vec<(ObjectKind, Chunk)> {
        let chunks = self.chunks.remove(scope).unwrap_or_default();
        chunks.into_iter().filter(|it| !it.1.plain.is_empty() || !it.1.revised.is_empty()).collect()
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
