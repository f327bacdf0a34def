//! One pass over the whole archive, before anything is read from it.
//!
//! Every member is held against the manifest, every line is JSON with an id, and
//! what is kept is where the chunks are: a few dozen bytes each.

use super::{
    FORMAT, VERSION,
    hashing::Hashing,
    lanes::Lanes,
    layout,
    layout::Name,
    manifest::{BlobLine, EndLine, Head, Line, MemberLine, RepositoryState},
    newer::Newer,
};
use crate::{
    container::{Archive, ArchiveError, Limits, Lines, Member},
    kin::Kin,
};
use packhorse_core::{Loss, Object, ObjectKind, RepoKind, Scope, port::SourceLoss};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write},
    path::Path,
};

/// Longest document, in bytes (section 10).
const MAX_DOCUMENT: u64 = 64 << 10;

/// A chunk of records.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    pub(super) member: Member,
    number: u32,
}

/// The chunks of a scope and kind, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct LaneIndex {
    pub(super) plain: Vec<Chunk>,
    pub(super) revisions: Vec<Chunk>,
    /// Records that are left when revisions are taken into account.
    pub(super) records: u64,
    pub(super) bytes: u64,
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
    pub(super) blobs: HashMap<String, Member>,
    pub(super) losses: Vec<SourceLoss>,
    pub(super) end: EndLine,
}

/// A record's line, as far as every pass looks into it.
#[derive(Deserialize)]
pub(super) struct Sketch<'a> {
    #[serde(default)]
    pub(super) blob: Option<BlobLine>,
    pub(super) id: String,
    #[serde(default)]
    pub(super) removed: bool,
    #[serde(borrow, default)]
    pub(super) value: Option<&'a RawValue>,
}

/// Reads a line as far as every pass needs it.
pub(super) fn sketch<'a>(
    member: &str,
    at: u64,
    line: &'a [u8],
) -> Result<Sketch<'a>, ArchiveError> {
    let sketch: Sketch<'_> = serde_json::from_slice(line)
        .map_err(|error| ArchiveError::malformed(member, at, error.to_string()))?;
    if sketch.value.is_some() == sketch.removed {
        return Err(ArchiveError::malformed(member, at, "a line has a value or is removed"));
    }
    Ok(sketch)
}

impl Index {
    /// Makes the pass.
    pub(super) fn build(archive: &Archive, scratch: &Path) -> Result<Self, ArchiveError> {
        let found = tempfile::tempfile_in(scratch).map_err(ArchiveError::system("make a list"))?;
        let mut pass = Pass {
            index: Self::default(),
            found: BufWriter::new(found),
            lanes: Lanes::default(),
            sums: EndLine::default(),
            n_members: 0,
            is_complete: false,
            unknown: BTreeMap::new(),
            newer: None,
        };
        archive.scan(|member, data| pass.member(archive, member, data))?;
        pass.end()
    }

    /// Full paths of all projects, in order.
    pub(super) fn projects(&self) -> Vec<String> {
        let of_lanes = self.lanes.keys().filter_map(|(scope, _)| scope.project());
        let of_repositories = self.repositories.keys().map(|(project, _)| project.as_str());
        let all: std::collections::BTreeSet<&str> = of_lanes.chain(of_repositories).collect();
        all.into_iter().map(str::to_owned).collect()
    }
}

/// The pass, under way.
struct Pass {
    index: Index,
    /// The member lines that the manifest must have.
    found: BufWriter<File>,
    lanes: Lanes,
    sums: EndLine,
    n_members: u64,
    is_complete: bool,
    /// Lines of kinds that are not known here.
    unknown: BTreeMap<String, u64>,
    /// Of a later version: what of it is not known here.
    newer: Option<Newer>,
}

impl Pass {
    fn member(
        &mut self,
        archive: &Archive,
        member: &Member,
        data: &mut dyn Read,
    ) -> Result<(), ArchiveError> {
        let name = layout::parse(&member.name).ok_or_else(|| match Kin::of(&member.name) {
            Some(kin) if self.n_members == 0 && kin != Kin::Packhorse => {
                kin.foreign(archive.path())
            }
            Some(_) | None => {
                ArchiveError::malformed(&member.name, 0, "its name is not one of the format's")
            }
        })?;
        self.n_members += 1;
        if (self.n_members == 1) != (name == Name::Head) {
            return Err(ArchiveError::NotAnArchive {
                file: archive.path().display().to_string(),
                detail: format!("its first member is not `{}`", layout::HEAD),
            });
        }
        if self.is_complete {
            return Err(inconsistent(&member.name, "it comes after the manifest"));
        }
        let mut data = Hashing::new(data);
        let records = match &name {
            Name::Head => self.head(member, &mut data).map(|()| None)?,
            Name::Manifest => return self.manifest(member, &mut data),
            Name::Chunk { scope, kind, number, revisions } => {
                let n = self.chunk(archive, member, (scope, *kind, *revisions), &mut data)?;
                self.place(member, (scope, *kind), *number, *revisions)?;
                Some(n)
            }
            Name::UnknownKind { kind } => {
                let mut lines = Lines::new(&mut data, &member.name, archive.limits());
                let mut n = 0;
                while lines.next()?.is_some() {
                    n += 1;
                }
                *self.unknown.entry(kind.clone()).or_insert(0) += n;
                Some(n)
            }
            Name::Blob { sha256 } => {
                self.index.blobs.insert(sha256.clone(), member.clone());
                None
            }
            Name::Bundle { project, repo, number } => {
                let entry = self.repository(project, *repo);
                if *number >= entry.number {
                    entry.bundle = Some(member.clone());
                }
                None
            }
            Name::Repository { project, repo, number } => {
                let (state, _): (RepositoryState, _) = document(member, &mut data)?;
                let entry = self.repository(project, *repo);
                if *number > entry.number {
                    entry.number = *number;
                    entry.state = state;
                }
                None
            }
            Name::Unknown => {
                self.lose(&member.name, "a member of a newer version of the format", 1);
                None
            }
        };
        self.note(member, records, data)?;
        Ok(())
    }

    fn note(
        &mut self,
        member: &Member,
        records: Option<u64>,
        mut data: Hashing<&mut dyn Read>,
    ) -> Result<(), ArchiveError> {
        io::copy(&mut data, &mut io::sink()).map_err(ArchiveError::system("read a member"))?;
        let sha256 = data.end();
        if let Some(Name::Blob { sha256: named }) = layout::parse(&member.name)
            && named != sha256
        {
            return Err(inconsistent(
                &member.name,
                "its bytes have not the hash that it is named by",
            ));
        }
        let (name, size) = (member.name.clone(), member.size);
        let line = Line::Member(MemberLine { name, records, sha256, size });
        self.sums.members += 1;
        self.sums.bytes += member.size;
        let text = serde_json::to_string(&line).unwrap_or_default() + "\n";
        self.found.write_all(text.as_bytes()).map_err(ArchiveError::system("make a list"))
    }

    fn head(
        &mut self,
        member: &Member,
        data: &mut Hashing<&mut dyn Read>,
    ) -> Result<(), ArchiveError> {
        let (head, text): (Head, _) = document(member, data)?;
        if head.format != FORMAT {
            let detail = format!("it is a `{}`", head.format);
            return Err(ArchiveError::NotAnArchive { file: member.name.clone(), detail });
        }
        if head.version.split('.').next() != Some("1") {
            return Err(ArchiveError::Version { found: head.version, known: "1" });
        }
        if head.version != VERSION {
            let known = ["addresses", "format", "version", "writer"];
            self.newer.get_or_insert_default().keys("archive", &text, &known);
        }
        self.index.head = head;
        Ok(())
    }

    fn repository(&mut self, project: &str, repo: RepoKind) -> &mut RepositoryIndex {
        self.index.repositories.entry((project.to_owned(), repo)).or_default()
    }

    /// Looks at every line of a chunk; how many.
    fn chunk(
        &mut self,
        archive: &Archive,
        member: &Member,
        (scope, kind, revisions): (&Scope, ObjectKind, bool),
        data: &mut Hashing<&mut dyn Read>,
    ) -> Result<u64, ArchiveError> {
        let mut lines = Lines::new(data, &member.name, archive.limits());
        let (mut n, mut at) = (0, 0);
        while let Some(line) = lines.next()? {
            let sketch = sketch(&member.name, at, line)?;
            if revisions {
                self.lanes.revise(scope, kind, &sketch.id, sketch.removed)?;
            } else if sketch.removed {
                return Err(ArchiveError::malformed(&member.name, at, "only revisions remove"));
            }
            if let Some(value) = sketch.value {
                let value = value.get().as_bytes();
                let object = Object::from_fields(kind, value).map_err(|error| {
                    let detail = format!("`{}` is no {kind}: {error}", sketch.id);
                    ArchiveError::malformed(&member.name, at, detail)
                })?;
                if let Some(newer) = &mut self.newer {
                    newer.keys(kind.name(), line, &["blob", "id", "removed", "value"]);
                    newer.fields(&object, value);
                }
            }
            n += 1;
            at = lines.position();
        }
        if !revisions {
            self.lanes.add(scope, kind, n);
        }
        Ok(n)
    }

    fn place(
        &mut self,
        member: &Member,
        (scope, kind): (&Scope, ObjectKind),
        number: u32,
        revisions: bool,
    ) -> Result<(), ArchiveError> {
        let lane = self.index.lanes.entry((scope.clone(), kind)).or_default();
        lane.bytes += member.size;
        let chunks = if revisions { &mut lane.revisions } else { &mut lane.plain };
        if chunks.last().is_some_and(|it| it.number >= number) {
            return Err(inconsistent(&member.name, "its number is not above the one before it"));
        }
        chunks.push(Chunk { member: member.clone(), number });
        Ok(())
    }

    /// Holds the manifest against what was found, line by line.
    fn manifest(
        &mut self,
        member: &Member,
        data: &mut Hashing<&mut dyn Read>,
    ) -> Result<(), ArchiveError> {
        self.is_complete = true;
        let fail = || ArchiveError::system("make a list");
        self.found.flush().map_err(fail())?;
        let file = self.found.get_ref().try_clone().map_err(fail())?;
        let mut found = BufReader::new(file);
        found.rewind().map_err(fail())?;
        let mut expected = String::new();
        let lanes = self.lanes.lines();
        let mut lanes = lanes.iter().filter(|it| ObjectKind::named(&it.kind).is_some());
        let limits = Limits { max_record_bytes: MAX_DOCUMENT as usize, ..Limits::of_this_run() };
        let mut lines = Lines::new(data, &member.name, &limits);
        let mut at = 0;
        while let Some(line) = lines.next()? {
            let parsed: Line = serde_json::from_slice(line)
                .map_err(|error| ArchiveError::malformed(&member.name, at, error.to_string()))?;
            match parsed {
                Line::Member(listed) => {
                    expected.clear();
                    found.read_line(&mut expected).map_err(fail())?;
                    let found = serde_json::from_str::<Line>(&expected).ok();
                    if found != Some(Line::Member(listed.clone())) {
                        return Err(differs(&listed, found));
                    }
                }
                Line::Lane(listed) if ObjectKind::named(&listed.kind).is_none() => {
                    self.sums.records += listed.records;
                }
                Line::Lane(listed) => {
                    if lanes.next() != Some(&listed) {
                        let what = format!("the count of {} is not what is there", listed.kind);
                        return Err(inconsistent(&member.name, &what));
                    }
                    self.sums.records += listed.records;
                    let scope = listed.project.map_or(Scope::Shared, Scope::Project);
                    let kind = ObjectKind::named(&listed.kind);
                    if let Some(lane) = kind.and_then(|it| self.index.lanes.get_mut(&(scope, it))) {
                        lane.records = listed.records;
                    }
                }
                Line::End(end) => self.index.end = end,
            }
            at = lines.position();
        }
        if lanes.next().is_some() {
            return Err(inconsistent(&member.name, "it does not count all that is there"));
        }
        expected.clear();
        if found.read_line(&mut expected).map_err(fail())? > 0 {
            return Err(inconsistent(
                &member.name,
                &format!("it does not list {}", expected.trim_end()),
            ));
        }
        Ok(())
    }

    fn lose(&mut self, name: &str, detail: &str, count: u64) {
        let loss = Loss::source(Loss::WHOLE, detail);
        self.index.losses.push(SourceLoss { name: name.to_owned(), loss, count });
    }

    fn end(mut self) -> Result<Index, ArchiveError> {
        if !self.is_complete {
            let detail = "the export was interrupted; go on with it or export again";
            return Err(inconsistent(layout::MANIFEST, detail));
        }
        let (end, sums) = (&self.index.end, &self.sums);
        let is_same = |a: &EndLine, b: &EndLine| {
            (a.members, a.bytes, a.records) == (b.members, b.bytes, b.records)
        };
        if !is_same(end, sums) {
            return Err(inconsistent(layout::MANIFEST, "its sums are not those of what is there"));
        }
        for ((project, repo), entry) in &self.index.repositories {
            if entry.state.bundle != entry.bundle.is_some() || entry.number == 0 {
                let name = layout::repository(project, *repo).unwrap_or_default();
                return Err(inconsistent(&name, "the repository has no bundle, or one too many"));
            }
        }
        self.index.losses.extend(self.newer.take().into_iter().flat_map(Newer::losses));
        for (kind, count) in std::mem::take(&mut self.unknown) {
            self.lose(&kind, "records of a kind that is not known here", count);
        }
        Ok(self.index)
    }
}

fn inconsistent(member: &str, detail: &str) -> ArchiveError {
    ArchiveError::Inconsistent { member: member.to_owned(), detail: detail.to_owned() }
}

fn differs(listed: &MemberLine, found: Option<Line>) -> ArchiveError {
    let detail = match found {
        Some(Line::Member(it)) if it.name == listed.name && it.sha256 != listed.sha256 => {
            "its bytes have not the hash that the manifest says"
        }
        Some(Line::Member(it)) if it.name == listed.name => "it is not as the manifest says",
        _ => "the manifest lists it where another member is",
    };
    inconsistent(&listed.name, detail)
}

/// Reads a short JSON document.
fn document<T: serde::de::DeserializeOwned>(
    member: &Member,
    data: &mut Hashing<&mut dyn Read>,
) -> Result<(T, Vec<u8>), ArchiveError> {
    if member.size > MAX_DOCUMENT {
        let what = format!("the size of `{}`", member.name);
        return Err(ArchiveError::TooMuch { what, limit: MAX_DOCUMENT });
    }
    let mut text = Vec::new();
    data.read_to_end(&mut text).map_err(ArchiveError::system("read a member"))?;
    let parsed = serde_json::from_slice(&text)
        .map_err(|error| ArchiveError::malformed(&member.name, 0, error.to_string()))?;
    Ok((parsed, text))
}
