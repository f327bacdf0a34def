//! What records are counted for.

use super::super::{
    expand::{self, expand},
    files::{self, Files, NameHash},
    index::{self, ProjectPlace, Repositories, SHARED, Span},
    map::file::TARBALL,
    numbers::Numbers,
    owners::Owners,
    plural::{Parsed, Plural},
    wire::Unknown,
};
use packhorse_core::{Loss, Object, ObjectKind, port::SourceLoss};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The numbers of a file's first and last record of a project.
#[derive(Clone, Copy, Debug)]
struct Range {
    file: u32,
    first: u64,
    last: u64,
}

/// What was counted so far.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) web_url: Option<String>,
    pub(super) projects: Projects,
    pub(super) spans: HashMap<(u32, Plural), Span>,
    pub(super) counts: BTreeMap<(u32, ObjectKind), u64>,
    ranges: HashMap<(u32, Plural), Vec<Range>>,
    pub(super) unordered: HashSet<(u32, Plural)>,
    pub(super) unknown: Unknown,
    odd: Unknown,
    numbers: Numbers,
    owners: Owners,
    unread: BTreeMap<Plural, u64>,
    pub(super) blobs: HashMap<NameHash, NameHash>,
}

/// The projects that records belong to.
#[derive(Default)]
pub(super) struct Projects {
    pub(super) places: HashMap<String, ProjectPlace>,
    /// Further records of projects that have one.
    n_doubled: u64,
}

impl Projects {
    /// Notes that a record belongs to a project; the project's number.
    fn note(&mut self, path: &str, parsed: &Parsed) -> u32 {
        let place = match self.places.get_mut(path) {
            Some(place) => place,
            None => {
                let number = u32::try_from(self.places.len()).unwrap_or(u32::MAX - 1) + 1;
                let place = ProjectPlace { number, repositories: None };
                self.places.entry(path.to_owned()).or_insert(place)
            }
        };
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
}

impl Tally {
    /// Counts a record; `file` is the place of its file among those of its sort.
    pub(super) fn record(
        &mut self,
        (plural, file): (Plural, u32),
        json: &str,
    ) -> Result<(), serde_json::Error> {
        let parsed = plural.parse(json)?;
        if self.web_url.is_none() {
            self.web_url = super::origin(expand::url_of(&parsed));
        }
        let project = if plural.is_shared() {
            SHARED
        } else {
            match self.owners.of(&parsed) {
                Some(path) => self.projects.note(path, &parsed),
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
    pub(super) fn find_unordered(&mut self) {
        for (key, mut ranges) in std::mem::take(&mut self.ranges) {
            ranges.sort_by_key(|it| it.file);
            if !ranges.is_sorted_by(|a, b| a.last < b.first) {
                self.unordered.insert(key);
            }
        }
    }

    /// What is lost already in reading.
    pub(super) fn losses(&self, files: &Files) -> Vec<SourceLoss> {
        let listed: HashSet<u32> = self
            .projects
            .places
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
        add(
            "repositories".to_owned(),
            "there are two records of one project",
            self.projects.n_doubled,
        );
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
