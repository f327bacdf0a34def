//! How many records each lane has in the end.

use super::manifest::LaneLine;
use packhorse_core::{ObjectKind, Scope};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};

/// Records of each lane, revisions taken into account.
#[derive(Default)]
pub(super) struct Lanes {
    plain: BTreeMap<(Scope, ObjectKind), u64>,
    /// Whether each revised id is removed in the end, by a hash of it.
    revised: BTreeMap<(Scope, ObjectKind), HashMap<[u8; 32], bool>>,
}

impl Lanes {
    /// Adds the lines of a plain chunk.
    pub(super) fn add(&mut self, scope: &Scope, kind: ObjectKind, records: u64) {
        *self.plain.entry((scope.clone(), kind)).or_insert(0) += records;
    }

    /// Notes what a revision says of an id.
    pub(super) fn revise(&mut self, scope: &Scope, kind: ObjectKind, id: &str, removed: bool) {
        let ids = self.revised.entry((scope.clone(), kind)).or_default();
        ids.insert(Sha256::digest(id).into(), removed);
    }

    /// The lines of the manifest, in its order.
    pub(super) fn lines(&self) -> Vec<LaneLine> {
        let line = |(key, n): (&(Scope, ObjectKind), &u64)| {
            let removed =
                self.revised.get(key).map_or(0, |it| it.values().filter(|it| **it).count());
            LaneLine {
                kind: key.1.name().to_owned(),
                project: key.0.project().map(str::to_owned),
                records: n.saturating_sub(removed as u64),
            }
        };
        self.plain.iter().map(line).collect()
    }
}
