//! What an archive holds, found by reading it once, whole, from front to back.
//!
//! Kept are counts, the span of files in which each project has records, and
//! where blobs lie: no records.

use super::{
    files::{self, BlobPlace, Files, NameHash},
    plural::Plural,
    shelf::Shelf,
};
use packhorse_core::{
    ObjectKind, Origin, RepoKind, Scope,
    port::{Inventory, KindCount, SourceLoss},
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Number of a project in the index; what stands beside all projects has this one.
pub(super) const SHARED: u32 = 0;

/// What an archive holds.
#[derive(Debug)]
pub(super) struct Index {
    /// The record files.
    pub(super) shelf: Shelf,
    /// Blobs and repositories.
    pub(super) files: Files,
    /// Scheme and host of the addresses.
    pub(super) web_url: Option<String>,
    pub(super) projects: HashMap<String, ProjectPlace>,
    pub(super) spans: HashMap<(u32, Plural), Span>,
    pub(super) counts: BTreeMap<(u32, ObjectKind), u64>,
    pub(super) unordered: HashSet<(u32, Plural)>,
    /// Hash of a file's name by the hash of its record's place.
    pub(super) blobs: HashMap<NameHash, NameHash>,
    pub(super) losses: Vec<SourceLoss>,
}

/// Hash of a record's place.
pub(super) fn blob_key(project: u32, origin: &Origin) -> NameHash {
    files::hash(&format!("{project}\n{}\n{}", origin.kind, origin.id))
}

/// A project that something belongs to.
#[derive(Clone, Debug)]
pub(super) struct ProjectPlace {
    /// Its number in the index.
    pub(super) number: u32,
    /// Directories of its repositories; `None` when it has no record of its own.
    pub(super) repositories: Option<Repositories>,
}

/// Directories of a project's repositories within the archive.
#[derive(Clone, Debug, Default)]
pub(super) struct Repositories {
    pub(super) code: Option<String>,
    pub(super) wiki: Option<String>,
}

/// Numbers of the first and the last file in which something stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) first: u32,
    pub(super) last: u32,
}

impl Index {
    /// Number of a project, or of what stands beside all of them; `None` where there is no record.
    fn number(&self, project: Option<&str>) -> Option<u32> {
        let Some(path) = project else { return Some(SHARED) };
        let place = self.projects.get(path)?;
        place.repositories.is_some().then_some(place.number)
    }

    /// Whether the archive has a record of that project.
    pub(super) fn has_project(&self, path: &str) -> bool {
        self.number(Some(path)).is_some()
    }

    /// Where on the shelf records of a sort stand, for a project or beside all of them.
    pub(super) fn places(&self, project: Option<&str>, plural: Plural) -> std::ops::Range<usize> {
        match self.number(project).and_then(|it| self.spans.get(&(it, plural))) {
            Some(span) => self.shelf.between(plural, span.first, span.last),
            None => 0..0,
        }
    }

    /// Whether a project's records of a sort ascend by number as they stand.
    pub(super) fn is_ordered(&self, project: Option<&str>, plural: Plural) -> bool {
        self.number(project).is_none_or(|it| !self.unordered.contains(&(it, plural)))
    }

    /// Directory of a project's repository within the archive, if it is there.
    pub(super) fn repository(&self, project: &str, repo: RepoKind) -> Option<String> {
        let repositories = self.projects.get(project)?.repositories.as_ref()?;
        let (named, ending) = match repo {
            RepoKind::Code => (&repositories.code, ".git"),
            RepoKind::Wiki => (&repositories.wiki, ".wiki.git"),
        };
        let usual = || format!("repositories/{project}{ending}");
        let directory = named.clone().unwrap_or_else(usual);
        self.files.repository(&directory).is_some().then_some(directory)
    }

    /// Where the bytes of a record are.
    pub(super) fn blob(&self, scope: &Scope, origin: &Origin) -> Option<BlobPlace> {
        let name = self.blobs.get(&blob_key(self.number(scope.project())?, origin))?;
        self.files.place(name)
    }

    /// What there is beside all projects; `only` restricts them to one.
    pub(super) fn shared_inventory(&self, only: Option<&str>) -> Inventory {
        let mut counts = self.counts_of(SHARED);
        let n_projects = match only {
            Some(path) => usize::from(self.has_project(path)),
            None => self.projects.values().filter(|it| it.repositories.is_some()).count(),
        };
        if n_projects > 0 {
            counts.push(row(ObjectKind::Project, n_projects as u64, None));
        }
        counts.sort_by_key(|it| it.kind);
        Inventory { counts, losses: self.losses.clone() }
    }

    /// What there is in a project.
    pub(super) fn project_inventory(&self, path: &str) -> Inventory {
        let Some(number) = self.number(Some(path)) else { return Inventory::default() };
        let mut counts = self.counts_of(number);
        counts.retain(|it| it.kind != ObjectKind::Project);
        let repositories =
            [(ObjectKind::Repository, RepoKind::Code), (ObjectKind::Wiki, RepoKind::Wiki)];
        for (kind, repo) in repositories {
            let found = self.repository(path, repo).and_then(|it| self.files.repository(&it));
            counts.extend(found.map(|it| row(kind, 1, Some(it.bytes))));
        }
        counts.sort_by_key(|it| it.kind);
        Inventory { counts, losses: Vec::new() }
    }

    fn counts_of(&self, project: u32) -> Vec<KindCount> {
        ObjectKind::ALL
            .iter()
            .filter_map(|&kind| Some(row(kind, *self.counts.get(&(project, kind))?, None)))
            .collect()
    }
}

fn row(kind: ObjectKind, records: u64, bytes: Option<u64>) -> KindCount {
    KindCount { kind, records: Some(records), bytes }
}
