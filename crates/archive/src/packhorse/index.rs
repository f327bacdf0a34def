//! Where everything is: what one pass over the whole archive leaves behind.
//!
//! A chunk of some thousand records takes 24 bytes, a blob 48; records take none.

use super::{
    layout,
    line::Line,
    manifest::{EndLine, Head, RepositoryState},
    pass::Pass,
};
use crate::container::{Archive, ArchiveError, Lines, Member};
use packhorse_core::{ObjectKind, RepoKind, Scope, port::SourceLoss};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

/// Most revision lines of an archive (section 10).
pub(super) const MAX_REVISIONS: usize = 262_144;

/// A chunk of records.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk {
    pub(super) offset: u64,
    pub(super) size: u64,
    pub(super) number: u32,
    pub(super) revisions: bool,
}

/// The chunks of a scope and kind, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct LaneIndex {
    pub(super) plain: Vec<Chunk>,
    pub(super) revisions: Vec<Chunk>,
    /// Records that are left when revisions are taken into account.
    pub(super) records: u64,
}

/// A repository: its newest state.
#[derive(Clone, Debug, Default)]
pub(super) struct RepositoryIndex {
    pub(super) number: u32,
    pub(super) state: RepositoryState,
    pub(super) bundle: Option<Member>,
}

/// Where everything is.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) head: Head,
    pub(super) lanes: BTreeMap<(Scope, ObjectKind), LaneIndex>,
    pub(super) repositories: BTreeMap<(String, RepoKind), RepositoryIndex>,
    /// Offset and size of each blob, by its SHA-256.
    pub(super) blobs: HashMap<[u8; 32], (u64, u64)>,
    /// Full paths of all projects, in order.
    pub(super) projects: Vec<String>,
    pub(super) losses: Vec<SourceLoss>,
    pub(super) end: EndLine,
}

/// Name of an id among revisions: half a SHA-256 is enough, also against somebody who looks for equals.
pub(super) type IdHash = [u8; 16];

/// Hashes an id.
pub(super) fn id_hash(id: &str) -> IdHash {
    let mut half = [0; 16];
    half.copy_from_slice(&Sha256::digest(id)[..16]);
    half
}

/// Where the last revision of an id is: its chunk and the offset in it; `None` when it is removed.
pub(super) type Revisions = HashMap<IdHash, Option<(usize, u64)>>;

/// Where problems of a kind that does not keep the pass from going on are gathered; without such a
/// place the first one ends it.
pub(super) type Findings = Option<Vec<ArchiveError>>;

impl Index {
    /// Makes the pass; the first thing that is wrong ends it.
    pub(super) fn build(archive: &Archive, scratch: &Path) -> Result<Self, ArchiveError> {
        Pass::run(archive, scratch, None).map(|(index, _)| index)
    }

    /// Makes the pass and gathers what is wrong, as far as the archive can be gone through at all.
    pub(super) fn examine(
        archive: &Archive,
        scratch: &Path,
    ) -> Result<(Self, Vec<ArchiveError>), ArchiveError> {
        Pass::run(archive, scratch, Some(Vec::new()))
            .map(|(index, findings)| (index, findings.unwrap_or_default()))
    }
}

impl Chunk {
    /// The chunk as a member.
    pub(super) fn member(&self, scope: &Scope, kind: ObjectKind) -> Member {
        let directory = layout::lane(scope, kind).unwrap_or_default();
        let name = layout::chunk_in(&directory, self.number, self.revisions);
        Member { name, offset: self.offset, size: self.size, is_executable: false }
    }
}

impl LaneIndex {
    /// The last revision of every revised id.
    pub(super) fn revised(
        &self,
        archive: &Archive,
        (scope, kind): (&Scope, ObjectKind),
    ) -> Result<Revisions, ArchiveError> {
        let mut revisions = Revisions::new();
        for (n, chunk) in self.revisions.iter().enumerate() {
            let member = chunk.member(scope, kind);
            let mut lines = Lines::new(archive.member(&member, 0)?, &member.name, archive.limits());
            let mut at = 0;
            while let Some(text) = lines.next()? {
                let line = Line::read(&member.name, at, text)?;
                revisions.insert(id_hash(&line.id), (!line.removed).then_some((n, at)));
                at = lines.position();
            }
        }
        Ok(revisions)
    }

    /// Revisions of records that are in no plain chunk; how many.
    pub(super) fn strays(
        &self,
        archive: &Archive,
        (scope, kind): (&Scope, ObjectKind),
    ) -> Result<usize, ArchiveError> {
        if self.revisions.is_empty() {
            return Ok(0);
        }
        let mut revisions = self.revised(archive, (scope, kind))?;
        for chunk in &self.plain {
            let member = chunk.member(scope, kind);
            let mut lines = Lines::new(archive.member(&member, 0)?, &member.name, archive.limits());
            while let Some(text) = lines.next()? {
                revisions.remove(&id_hash(&Line::read(&member.name, 0, text)?.id));
            }
        }
        Ok(revisions.len())
    }
}
