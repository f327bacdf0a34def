//! Making the index: every record of the archive is read once, and none is kept.
//!
//! Whatever is damaged or hostile is found here, before anything is written
//! anywhere.

use super::{
    expand::{self, expand},
    files::{self, Files, FilesBuilder, NameHash},
    index::{self, Index, ProjectPlace, Repositories, SHARED, Span},
    map::file::TARBALL,
    numbers::Numbers,
    plural::{self, Parsed, Plural},
    shelf::Filling,
    wire::Unknown,
};
use crate::{
    container::{Archive, ArchiveError, JsonArray, Limits, Member},
    kin::Kin,
};
use packhorse_core::{Loss, Object, ObjectKind, port::SourceLoss};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io::Read,
    path::Path,
    sync::Arc,
};

/// Longest `schema.json`.
const MAX_SCHEMA_BYTES: u64 = 1 << 20;
/// Names of losses are cut to this.
const MAX_NAME_CHARS: usize = 64;

/// Reads an archive through.
///
/// # Errors
///
/// Whatever is wrong with it anywhere.
pub(super) fn survey(archive: &Arc<Archive>, scratch: &Path) -> Result<Index, ArchiveError> {
    std::fs::create_dir_all(scratch).map_err(ArchiveError::system("make a scratch directory"))?;
    let mut filling = Filling::default();
    let mut files = FilesBuilder::begin(scratch)?;
    let mut tally = Tally::default();
    let mut has_schema = false;
    let mut kin = None;
    archive.scan(|member, data| {
        kin = kin.or_else(|| Kin::of(&member.name));
        if member.name == "schema.json" {
            has_schema = true;
            return schema(member, data);
        }
        if member.name == "urls.json" {
            // Templates of another host's addresses, which are read by their shape.
            return Ok(());
        }
        match plural::record_file(&member.name) {
            Some((name, number)) => match plural::named(name) {
                Some(plural) => {
                    let order = filling.note((plural, number), member);
                    tally.file((plural, order), member, data, archive.limits())
                }
                None => tally.opaque(name, member, data, archive.limits()),
            },
            None => files.member(member, data, &mut tally.unknown),
        }
    })?;
    if let Some(kin) = kin.filter(|it| *it != Kin::Github && !has_schema) {
        return Err(kin.foreign(archive.path()));
    }
    if !has_schema {
        return Err(ArchiveError::NotAnArchive {
            file: archive.path().display().to_string(),
            detail: "it has no schema.json, so it is not GitHub's".to_owned(),
        });
    }
    let files = files.end()?;
    tally.find_unordered();
    let losses = tally.losses(&files);
    Ok(Index {
        shelf: filling.end(archive),
        files,
        web_url: tally.web_url,
        projects: tally.projects,
        spans: tally.spans,
        counts: tally.counts,
        unordered: tally.unordered,
        blobs: tally.blobs,
        losses,
    })
}

/// Reads the version; any with the major number 1 is known.
///
/// Source: genuine exports have 1.0.1 and 1.1.0, exporters for other hosts write 1.2.0.
fn schema(member: &Member, data: &mut dyn Read) -> Result<(), ArchiveError> {
    #[derive(serde::Deserialize)]
    struct Schema {
        version: String,
    }

    let mut json = Vec::new();
    data.take(MAX_SCHEMA_BYTES)
        .read_to_end(&mut json)
        .map_err(ArchiveError::system("read the archive"))?;
    let schema: Schema = serde_json::from_slice(&json)
        .map_err(|error| ArchiveError::malformed(&member.name, 0, error.to_string()))?;
    if schema.version.split('.').next() == Some("1") {
        return Ok(());
    }
    let found = schema.version.chars().take(MAX_NAME_CHARS).collect();
    Err(ArchiveError::Version { found, known: "1" })
}

/// The numbers of a file's first and last record of a project.
#[derive(Clone, Copy, Debug)]
struct Range {
    file: u32,
    first: u64,
    last: u64,
}

/// What was counted so far.
#[derive(Default)]
struct Tally {
    web_url: Option<String>,
    projects: HashMap<String, ProjectPlace>,
    spans: HashMap<(u32, Plural), Span>,
    counts: BTreeMap<(u32, ObjectKind), u64>,
    ranges: HashMap<(u32, Plural), Vec<Range>>,
    unordered: HashSet<(u32, Plural)>,
    unknown: Unknown,
    odd: Unknown,
    numbers: Numbers,
    unread: BTreeMap<Plural, u64>,
    blobs: HashMap<NameHash, NameHash>,
    n_doubled: u64,
    /// The last record file's.
    buffer: Vec<u8>,
}

impl Tally {
    /// Counts the records of a file; `order` is its place among those of its sort.
    fn file(
        &mut self,
        (plural, order): (Plural, u32),
        member: &Member,
        data: &mut dyn Read,
        limits: &Limits,
    ) -> Result<(), ArchiveError> {
        let buffer = std::mem::take(&mut self.buffer);
        let mut array = JsonArray::with_buffer(data, &member.name, limits, buffer);
        let mut n_record = 0;
        while let Some(json) = array.next()? {
            n_record += 1;
            self.record(plural, order, json).map_err(|error| {
                let detail = format!("record {n_record}: {error}");
                ArchiveError::malformed(&member.name, 0, detail)
            })?;
        }
        self.buffer = array.into_buffer();
        Ok(())
    }

    fn record(&mut self, plural: Plural, file: u32, json: &str) -> Result<(), serde_json::Error> {
        self.unknown.inspect(plural.name(), plural.shape(), json)?;
        let parsed = plural.parse(json)?;
        if self.web_url.is_none() {
            self.web_url = origin(expand::url_of(&parsed));
        }
        let project = if plural.is_shared() {
            SHARED
        } else {
            match expand::project_of(&parsed) {
                Some(path) => self.project(path, &parsed),
                None => {
                    *self.unread.entry(plural).or_default() += 1;
                    return Ok(());
                }
            }
        };
        self.span((project, plural), file);
        if plural == Plural::Repositories {
            // The list of projects stands beside all projects.
            self.span((SHARED, plural), file);
        }
        let expanded = expand(parsed, None);
        if expanded.n_unread > 0 {
            *self.unread.entry(plural).or_default() += expanded.n_unread;
        }
        for (record, blob) in expanded.records {
            *self.counts.entry((project, record.origin.kind)).or_default() += 1;
            self.numbers.note(project, &record.object);
            self.order((project, plural), (file, &record.object));
            for loss in &record.losses {
                self.odd.note(format!("{}.{}", plural.name(), loss.field), 1);
            }
            if let Some(name) = blob.as_deref().and_then(|it| it.strip_prefix(TARBALL)) {
                let key = index::blob_key(project, &record.origin);
                self.blobs.insert(key, files::hash(name));
            }
        }
        Ok(())
    }

    fn project(&mut self, path: String, parsed: &Parsed) -> u32 {
        let next = u32::try_from(self.projects.len()).unwrap_or(u32::MAX - 1) + 1;
        let place =
            self.projects.entry(path).or_insert(ProjectPlace { number: next, repositories: None });
        if let Parsed::Repositories(it) = parsed {
            let directory = |url: &Option<String>| {
                url.as_deref()?.strip_prefix(TARBALL).map(|it| it.trim_end_matches('/').to_owned())
            };
            let repositories =
                Repositories { code: directory(&it.git_url), wiki: directory(&it.wiki_url) };
            self.n_doubled += u64::from(place.repositories.replace(repositories).is_some());
        }
        place.number
    }

    fn span(&mut self, key: (u32, Plural), file: u32) {
        let span = self.spans.entry(key).or_insert(Span { first: file, last: file });
        span.first = span.first.min(file);
        span.last = span.last.max(file);
    }

    /// Notes within which numbers a file's records of a project lie, and whether they ascend there.
    fn order(&mut self, key: (u32, Plural), (file, object): (u32, &Object)) {
        let number = if let Object::Issue(it) = object {
            it.number
        } else if let Object::ChangeRequest(it) = object {
            it.number
        } else {
            return;
        };
        let ranges = self.ranges.entry(key).or_default();
        match ranges.last_mut() {
            Some(range) if range.file == file => {
                if number <= range.last {
                    self.unordered.insert(key);
                }
                range.last = number;
            }
            _ => ranges.push(Range { file, first: number, last: number }),
        }
    }

    /// Finds what does not ascend from file to file.
    fn find_unordered(&mut self) {
        for (key, mut ranges) in std::mem::take(&mut self.ranges) {
            ranges.sort_by_key(|it| it.file);
            if !ranges.is_sorted_by(|a, b| a.last < b.first) {
                self.unordered.insert(key);
            }
        }
    }

    /// Counts the records of a file that nobody here knows.
    fn opaque(
        &mut self,
        name: &str,
        member: &Member,
        data: &mut dyn Read,
        limits: &Limits,
    ) -> Result<(), ArchiveError> {
        let mut array = JsonArray::new(data, &member.name, limits);
        while array.next()?.is_some() {}
        let name = name.chars().take(MAX_NAME_CHARS).collect();
        self.unknown.note(name, array.n_elements());
        Ok(())
    }

    /// What is lost already in reading.
    fn losses(&self, files: &Files) -> Vec<SourceLoss> {
        let listed: HashSet<u32> = self
            .projects
            .values()
            .filter(|it| it.repositories.is_some())
            .map(|it| it.number)
            .chain([SHARED])
            .collect();
        let mut list = Vec::new();
        let mut add = |name: String, why: &str, count: u64| {
            if count > 0 {
                list.push(SourceLoss { name, loss: Loss::source(Loss::WHOLE, why), count });
            }
        };
        for (name, &count) in self.unknown.counts() {
            add(name.clone(), "it has no place in the model, or is not known", count);
        }
        for (name, &count) in self.odd.counts() {
            add(name.clone(), "it holds what is not known here", count);
        }
        for (plural, &count) in &self.unread {
            add(plural.name().to_owned(), "its address names no project or no number", count);
        }
        for (kind, count) in orphans(&self.counts, &listed) {
            add(kind.name().to_owned(), "its project has no record in the archive", count);
        }
        let n_missing = self.blobs.values().filter(|it| !files.has_blob(it)).count() as u64;
        add("asset_url".to_owned(), "the archive does not have the file", n_missing);
        let n_missing = self.numbers.n_missing();
        add(
            "parents".to_owned(),
            "records refer to it, and the archive does not have it",
            n_missing,
        );
        add("repositories".to_owned(), "there are two records of one project", self.n_doubled);
        list
    }
}

/// Records of projects that are not listed, by kind.
fn orphans(
    counts: &BTreeMap<(u32, ObjectKind), u64>,
    listed: &HashSet<u32>,
) -> BTreeMap<ObjectKind, u64> {
    let mut orphans = BTreeMap::new();
    for (&(project, kind), &count) in counts {
        if !listed.contains(&project) {
            *orphans.entry(kind).or_default() += count;
        }
    }
    orphans
}

/// Scheme and host of an address.
pub(super) fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next().filter(|it| !it.is_empty())?;
    matches!(scheme, "https" | "http").then(|| format!("{scheme}://{host}"))
}
