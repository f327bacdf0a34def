//! Heads of change requests that no ref of the source leads to.
//!
//! Their branches are gone, and the host keeps no ref of its own to them; the source may give the
//! commits all the same, by their ids.

use super::{Carrier, Place};
use crate::{EngineError, verify::pages::Pages};
use packhorse_core::{GitRemote, Object, ObjectKind, model::ObjectFormat};
use packhorse_git::{GitError, refs, repository};
use std::collections::{BTreeMap, BTreeSet};

impl Carrier<'_> {
    /// Heads of a project's change requests by number, but for those that a ref leads to.
    ///
    /// Change requests are listed a second time for it, so only where the source has fewer refs to
    /// heads than it has change requests.
    pub(super) async fn heads(
        &self,
        place: &Place,
        source: &GitRemote,
    ) -> Result<BTreeMap<u64, String>, EngineError> {
        let kind = ObjectKind::ChangeRequest;
        let mut heads = BTreeMap::new();
        let n_changes = place.count(kind);
        if !self.is_wanted(kind) || n_changes == Some(0) {
            return Ok(heads);
        }
        let stop = self.run.stop;
        if source.url.as_path().is_some_and(|path| !repository::is_repository(path)) {
            return Ok(heads);
        }
        let list = match stop.race(refs::list(&self.git, source)).await? {
            Err(GitError::NoRepository { .. }) => return Ok(heads),
            list => list?,
        };
        if n_changes.is_some_and(|n| n <= list.change_requests() as u64) {
            return Ok(heads);
        }
        let n_digits = match list.object_format() {
            ObjectFormat::Sha1 => 40,
            ObjectFormat::Sha256 => 64,
        };
        let tips: BTreeSet<&String> = list.refs.values().collect();
        let lane = place.lane(kind);
        let mut pages = Pages::of(&*self.run.ends.source, &lane);
        while let Some(records) = stop.or(pages.next()).await? {
            for record in records {
                let Object::ChangeRequest(change) = record.object else { continue };
                let Some(commit) = change.head.commit else { continue };
                // Some hosts tell the beginning of an id, which cannot be asked for.
                let is_whole = commit.len() == n_digits
                    && commit.bytes().all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it));
                if is_whole && !tips.contains(&commit) {
                    heads.insert(change.number, commit);
                }
            }
        }
        Ok(heads)
    }
}
