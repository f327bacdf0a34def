//! One pass over the whole archive, before anything is read from it.
//!
//! Every member is held against the manifest, every line is read as the record
//! that it is, every bundle's refs are compared with what is said of them.

use super::{
    FORMAT,
    audit::{Audit, Hashing, inconsistent},
    index::{Chunk, Findings, Index, MAX_REVISIONS, id_hash},
    layout::{self, Name},
    line::{Line, Unread},
    manifest::{Head, RepositoryState},
};
use crate::container::{Archive, ArchiveError, Lines, Member};
use packhorse_core::{Carriage, ObjectKind, RepoKind, Scope};
use packhorse_git::{bundle::BundleHeader, refs, repository::format_name};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read},
    path::Path,
};

/// Longest document, in bytes (section 10).
const MAX_DOCUMENT: u64 = 64 << 10;
/// Longest chunk, in bytes (section 10).
const MAX_CHUNK: u64 = 64 << 20;

/// A bundle whose repository's state has not come yet.
struct Waiting {
    number: u32,
    member: Member,
    header: Option<BundleHeader>,
}

/// The pass, under way.
pub(super) struct Pass<'a> {
    archive: &'a Archive,
    index: Index,
    audit: Audit,
    findings: Findings,
    waiting: BTreeMap<(String, RepoKind), Waiting>,
    n_members: u64,
    n_revisions: usize,
    is_complete: bool,
    /// Fields and kinds that are not known here.
    fields: Unread,
    kinds: Unread,
}

impl<'a> Pass<'a> {
    /// Makes the pass.
    pub(super) fn run(
        archive: &'a Archive,
        scratch: &Path,
        findings: Findings,
    ) -> Result<(Index, Findings), ArchiveError> {
        let mut pass = Self {
            archive,
            index: Index::default(),
            audit: Audit::begin(scratch)?,
            findings,
            waiting: BTreeMap::new(),
            n_members: 0,
            n_revisions: 0,
            is_complete: false,
            fields: Unread::default(),
            kinds: Unread::default(),
        };
        archive.scan(|member, data| pass.member(member, data))?;
        pass.end()
    }

    /// Notes that something is wrong, or ends the pass with it.
    fn fault(&mut self, error: ArchiveError) -> Result<(), ArchiveError> {
        match &mut self.findings {
            Some(findings) => {
                findings.push(error);
                Ok(())
            }
            None => Err(error),
        }
    }

    /// The same for something that may have gone wrong.
    fn noted<T>(&mut self, done: Result<T, ArchiveError>) -> Result<Option<T>, ArchiveError> {
        match done {
            Ok(it) => Ok(Some(it)),
            Err(error) => self.fault(error).map(|()| None),
        }
    }

    fn member(&mut self, member: &Member, data: &mut dyn Read) -> Result<(), ArchiveError> {
        self.n_members += 1;
        if (self.n_members == 1) != (member.name == layout::HEAD) {
            return Err(ArchiveError::NotAnArchive {
                file: self.archive.path().display().to_string(),
                detail: format!("its first member is not `{}`", layout::HEAD),
            });
        }
        if self.is_complete {
            return Err(inconsistent(&member.name, "it comes after the manifest"));
        }
        let Some(name) = layout::parse(&member.name) else {
            self.fault(inconsistent(&member.name, "its name is not one of the format's"))?;
            return self.audit.note(member, None, Hashing::new(data)).map(drop);
        };
        if name == Name::Manifest {
            self.is_complete = true;
            let done = self.audit.manifest(self.archive, member, data);
            self.index.end = self.noted(done)?.unwrap_or_default();
            return Ok(());
        }
        let mut data = Hashing::new(data);
        let records = self.content(member, &name, &mut data)?;
        let sha256 = self.audit.note(member, records, data)?;
        if let Name::Blob { sha256: named } = &name {
            self.index.blobs.insert(sha256, (member.offset, member.size));
            if super::hex(&sha256) != *named {
                let detail = "its bytes have not the hash that it is named by";
                self.fault(inconsistent(&member.name, detail))?;
            }
        }
        Ok(())
    }

    /// Looks into a member; the number of its lines, if it has any.
    fn content(
        &mut self,
        member: &Member,
        name: &Name,
        data: &mut Hashing<'_>,
    ) -> Result<Option<u64>, ArchiveError> {
        match name {
            Name::Head => self.index.head = head(member, data)?,
            Name::Chunk { scope, kind, number, revisions } => {
                let chunk = Chunk {
                    offset: member.offset,
                    size: member.size,
                    number: *number,
                    revisions: *revisions,
                };
                return self.chunk(member, (scope, *kind), chunk, data).map(Some);
            }
            Name::UnknownKind { kind } => {
                let mut lines = Lines::new(data, &member.name, self.archive.limits());
                let mut n = 0;
                while lines.next()?.is_some() {
                    n += 1;
                }
                self.kinds.add(kind.clone(), n);
                return Ok(Some(n));
            }
            Name::Bundle { project, repo, number } => {
                let header = BundleHeader::read(data).map_err(|error| {
                    ArchiveError::malformed(&member.name, 0, error.to_string())
                });
                let header = self.noted(header)?;
                if header.as_ref().is_some_and(|it| !it.prerequisites.is_empty()) {
                    let detail = "it wants objects that are not in it";
                    self.fault(inconsistent(&member.name, detail))?;
                }
                let waiting = Waiting { number: *number, member: member.clone(), header };
                if let Some(old) = self.waiting.insert((project.clone(), *repo), waiting) {
                    self.fault(inconsistent(&old.member.name, "nothing says what it is of"))?;
                }
            }
            Name::Repository { project, repo, number } => {
                let state = document(member, data);
                if let Some(state) = self.noted(state)? {
                    self.repository(member, (project, *repo), *number, state)?;
                }
            }
            Name::Unknown => self.kinds.add(member.name.chars().take(200).collect(), 1),
            // Its bytes are hashed like all others, and the hash is its name.
            Name::Blob { .. } | Name::Manifest => {}
        }
        Ok(None)
    }

    /// Takes in the state of a repository, which comes after its bundle.
    fn repository(
        &mut self,
        member: &Member,
        (project, repo): (&str, RepoKind),
        number: u32,
        state: RepositoryState,
    ) -> Result<(), ArchiveError> {
        let key = (project.to_owned(), repo);
        let waiting = self.waiting.remove(&key);
        let bundle = waiting.filter(|it| it.number == number);
        if let Some(detail) = wrong(&state, bundle.as_ref()) {
            self.fault(inconsistent(&member.name, detail))?;
        }
        let entry = self.index.repositories.entry(key).or_default();
        if number <= entry.number {
            let detail = "its number is not above the one before it";
            return self.fault(inconsistent(&member.name, detail));
        }
        entry.number = number;
        entry.state = state;
        entry.bundle = bundle.map(|it| it.member);
        Ok(())
    }

    /// Reads every line of a chunk; how many there are.
    fn chunk(
        &mut self,
        member: &Member,
        (scope, kind): (&Scope, ObjectKind),
        chunk: Chunk,
        data: &mut Hashing<'_>,
    ) -> Result<u64, ArchiveError> {
        if member.size > MAX_CHUNK {
            let what = format!("the size of `{}`", member.name);
            return Err(ArchiveError::OverLimit { what, limit: MAX_CHUNK });
        }
        let mut lines = Lines::new(data, &member.name, self.archive.limits());
        let (mut n, mut at) = (0, 0);
        while let Some(text) = lines.next()? {
            let done = self.line(member, at, (scope, kind), chunk.revisions, text);
            self.noted(done)?;
            n += 1;
            at = lines.position();
        }
        if !chunk.revisions {
            self.audit.lanes.add(scope, kind, n);
        }
        let lane = self.index.lanes.entry((scope.clone(), kind)).or_default();
        let last = lane.plain.last().into_iter().chain(lane.revisions.last());
        let is_above = last.map(|it| it.number).max().is_none_or(|it| it < chunk.number);
        let chunks = if chunk.revisions { &mut lane.revisions } else { &mut lane.plain };
        chunks.push(chunk);
        if !is_above {
            let detail = "its number is not above the one before it";
            self.fault(inconsistent(&member.name, detail))?;
        }
        Ok(n)
    }

    fn line(
        &mut self,
        member: &Member,
        at: u64,
        (scope, kind): (&Scope, ObjectKind),
        revisions: bool,
        text: &[u8],
    ) -> Result<(), ArchiveError> {
        let bad = |detail: String| Err(ArchiveError::malformed(&member.name, at, detail));
        let line = Line::read(&member.name, at, text)?;
        if revisions {
            self.n_revisions += 1;
            if self.n_revisions > MAX_REVISIONS {
                let what = "the number of revisions in the archive".to_owned();
                return Err(ArchiveError::OverLimit { what, limit: MAX_REVISIONS as u64 });
            }
            self.audit.lanes.revise(scope, kind, id_hash(&line.id), line.removed);
        } else if line.removed {
            return bad(format!("`{}` is removed, which only revisions do", line.id));
        }
        if kind == ObjectKind::Project && scope.key() != line.id {
            return bad(format!("`{}` is not the project that it stands in", line.id));
        }
        if let Some(object) = line.object(&member.name, at, kind)? {
            self.fields.look(kind, text, &line, &object);
        }
        let Some(blob) = &line.blob else { return Ok(()) };
        let place = super::unhex(&blob.sha256).and_then(|it| self.index.blobs.get(&it));
        if kind.carriage() != Carriage::Blob || place.is_none_or(|it| it.1 != blob.size) {
            return bad(format!("the bytes of `{}` are not there before it", line.id));
        }
        Ok(())
    }

    fn end(mut self) -> Result<(Index, Findings), ArchiveError> {
        if !self.is_complete {
            let detail =
                "the archive is incomplete: the export was interrupted; resume it or export again";
            return Err(inconsistent(layout::MANIFEST, detail));
        }
        for waiting in std::mem::take(&mut self.waiting).into_values() {
            self.fault(inconsistent(&waiting.member.name, "nothing says what it is of"))?;
        }
        for line in self.audit.lanes.lines() {
            let scope = line.project.map_or(Scope::Shared, Scope::Project);
            let key = ObjectKind::named(&line.kind).map(|kind| (scope, kind));
            if let Some(lane) = key.and_then(|key| self.index.lanes.get_mut(&key)) {
                lane.records = line.records;
            }
        }
        self.strays()?;
        let index = &mut self.index;
        let of_lanes = index.lanes.keys().filter_map(|(scope, _)| scope.project());
        let of_repositories = index.repositories.keys().map(|(project, _)| project.as_str());
        let all: BTreeSet<&str> = of_lanes.chain(of_repositories).collect();
        index.projects = all.into_iter().map(str::to_owned).collect();
        index.losses.extend(self.kinds.losses("this version does not know it"));
        index.losses.extend(self.fields.losses("this version does not know the field"));
        index.losses.extend(std::mem::take(&mut self.audit.unread).losses("an unknown line"));
        Ok((self.index, self.findings))
    }

    /// Revisions stand for records that are there, and a project has one record.
    fn strays(&mut self) -> Result<(), ArchiveError> {
        let mut wrong = Vec::new();
        for ((scope, kind), lane) in &self.index.lanes {
            let directory = layout::lane(scope, *kind).unwrap_or_default();
            if lane.strays(self.archive, (scope, *kind)).is_ok_and(|it| it > 0) {
                wrong.push(inconsistent(&directory, "a record is revised that is not there"));
            }
            if *kind == ObjectKind::Project && lane.records > 1 {
                wrong.push(inconsistent(&directory, "a project has one record"));
            }
        }
        wrong.into_iter().try_for_each(|error| self.fault(error))
    }
}

/// What is wrong with the state of a repository, if anything.
fn wrong(state: &RepositoryState, bundle: Option<&Waiting>) -> Option<&'static str> {
    if state.head.as_deref().is_some_and(|it| !refs::is_valid_name(it)) {
        return Some("its default branch has a name that Git does not allow");
    }
    if !matches!(&*state.object_format, "sha1" | "sha256") {
        return Some("its object format is not known");
    }
    let Some(bundle) = bundle else {
        return (state.bundle || state.refs > 0).then_some("its bundle is not there");
    };
    // A bundle that could not be read was told of before.
    let header = bundle.header.as_ref().filter(|_| state.bundle);
    let is_right = header.is_none_or(|it| {
        it.refs.digest() == state.refs_digest
            && it.refs.refs.len() as u64 == state.refs
            && format_name(it.object_format) == state.object_format
    });
    (!is_right || !state.bundle).then_some("its bundle is of another state")
}

/// Reads the first member (section 3).
pub(super) fn head(member: &Member, data: &mut impl Read) -> Result<Head, ArchiveError> {
    let head: Head = document(member, data)?;
    if head.format != FORMAT {
        let detail = format!("it is a `{}`", head.format);
        return Err(ArchiveError::NotAnArchive { file: member.name.clone(), detail });
    }
    if head.version.split('.').next() != Some("1") {
        return Err(ArchiveError::Version { found: head.version, known: "1" });
    }
    Ok(head)
}

/// Reads a short JSON document.
fn document<T: serde::de::DeserializeOwned>(
    member: &Member,
    data: &mut impl Read,
) -> Result<T, ArchiveError> {
    if member.size > MAX_DOCUMENT {
        let what = format!("the size of `{}`", member.name);
        return Err(ArchiveError::OverLimit { what, limit: MAX_DOCUMENT });
    }
    let mut text = Vec::new();
    let read: io::Result<usize> = data.read_to_end(&mut text);
    read.map_err(ArchiveError::system("read a member"))?;
    serde_json::from_slice(&text)
        .map_err(|error| ArchiveError::malformed(&member.name, 0, error.to_string()))
}
