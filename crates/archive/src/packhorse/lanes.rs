//! How many records each lane has in the end.

use super::manifest::LaneLine;
use crate::container::ArchiveError;
use packhorse_core::{ObjectKind, Scope};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};

/// Most revision lines of a lane (section 10).
const MAX_REVISIONS: u64 = 262_144;

/// Records of each lane, revisions taken into account.
#[derive(Default)]
pub(super) struct Lanes {
    plain: BTreeMap<(Scope, ObjectKind), u64>,
    revised: BTreeMap<(Scope, ObjectKind), Revised>,
}

#[derive(Default)]
struct Revised {
    lines: u64,
    /// Whether each revised id is removed in the end, by a hash of it.
    removed: HashMap<[u8; 32], bool>,
}

impl Lanes {
    /// Adds the lines of a plain chunk.
    pub(super) fn add(&mut self, scope: &Scope, kind: ObjectKind, records: u64) {
        *self.plain.entry((scope.clone(), kind)).or_insert(0) += records;
    }

    /// Notes what a revision says of an id.
    ///
    /// # Errors
    ///
    /// When the lane has more revisions than the format allows.
    pub(super) fn revise(
        &mut self,
        scope: &Scope,
        kind: ObjectKind,
        id: &str,
        removed: bool,
    ) -> Result<(), ArchiveError> {
        let lane = self.revised.entry((scope.clone(), kind)).or_default();
        lane.lines += 1;
        if lane.lines > MAX_REVISIONS {
            let what = format!(
                "the number of records of kind `{kind}` in {scope} that changed while the archive was written"
            );
            return Err(ArchiveError::TooMuch { what, limit: MAX_REVISIONS });
        }
        lane.removed.insert(Sha256::digest(id).into(), removed);
        Ok(())
    }

    /// The lines of the manifest, in its order.
    pub(super) fn lines(&self) -> Vec<LaneLine> {
        let line = |(key, n): (&(Scope, ObjectKind), &u64)| {
            let revised = self.revised.get(key);
            let removed = revised.map_or(0, |it| it.removed.values().filter(|it| **it).count());
            LaneLine {
                kind: key.1.name().to_owned(),
                project: key.0.project().map(str::to_owned),
                records: n.saturating_sub(removed as u64),
            }
        };
        self.plain.iter().map(line).collect()
    }
}
