//! Going through an archive once: what is in it, and where.

use super::{Odd, wire};
use crate::{
    container::{Archive, ArchiveError, Limits, Member},
    kin::Kin,
    spool::SpoolError,
};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, io::Read, path::Path, sync::Arc};

/// A file's bytes.
#[derive(Debug)]
pub(super) struct Stored {
    /// Its name below `uploads/` or `lfs-objects/`.
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) sha256: String,
    offset: u64,
}

impl Stored {
    /// Where the bytes are, in the archive of that number.
    pub(super) fn place(&self, archive: usize) -> String {
        format!("{archive}:{}:{}", self.offset, self.size)
    }
}

/// Reads what [`Stored::place`] has written.
pub(super) fn parse_place(place: &str) -> Option<(usize, Member)> {
    let mut parts = place.split(':');
    let archive = parts.next()?.parse().ok()?;
    let (offset, size) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some((archive, Member { name: String::new(), offset, size, is_executable: false }))
}

/// What is in an archive.
pub(super) struct Found {
    pub(super) archive: Arc<Archive>,
    pub(super) origin: wire::Origin,
    /// `tree/project.json`.
    pub(super) project: Option<Member>,
    /// `project.json` of versions before 12.10, with everything in it.
    pub(super) legacy: Option<Member>,
    relations: BTreeMap<String, Member>,
    /// Groups by id, in the order of `_all.ndjson`.
    pub(super) groups: Vec<(String, Member)>,
    /// Group, relation, rows.
    pub(super) group_relations: Vec<(String, String, Member)>,
    pub(super) code: Option<Member>,
    pub(super) wiki: Option<Member>,
    pub(super) uploads: Vec<Stored>,
    pub(super) lfs_objects: Vec<Stored>,
}

/// Relations in the order in which they are taken; what they embed comes before them.
const ORDER: [&str; 12] = [
    "project_members",
    "labels",
    "milestones",
    "issues",
    "merge_requests",
    "snippets",
    "commit_notes",
    "releases",
    "protected_branches",
    "protected_tags",
    "boards",
    "ci_pipelines",
];

/// Longest version, and longest file of our own.
const MAX_SMALL: u64 = 64 << 10;

impl Found {
    /// Whether it is the export of a group.
    pub(super) fn is_group(&self) -> bool {
        self.project.is_none() && self.legacy.is_none()
    }

    /// Full path of the project or group: as it was asked for, as the archive says, or as the file
    /// is called.
    pub(super) fn path(&self, file: &Path, only: Option<&str>) -> String {
        let own = || self.origin.path.clone().filter(|it| !it.is_empty());
        only.map(str::to_owned).or_else(own).unwrap_or_else(|| named(file))
    }

    /// The relations of a project, what others need first.
    pub(super) fn relations_in_order(&self) -> impl Iterator<Item = (&str, &Member)> {
        let known = ORDER.iter().filter_map(|it| self.relations.get_key_value(*it));
        let rest = self.relations.iter().filter(|(name, _)| !ORDER.contains(&name.as_str()));
        known.chain(rest).map(|(name, member)| (name.as_str(), member))
    }

    /// The files of relations of those names, of the project and of groups.
    pub(super) fn members_of<'a>(
        &'a self,
        names: &'a [&str],
    ) -> impl Iterator<Item = (&'a str, &'a Member)> {
        let own = self.relations.iter().map(|(name, member)| (name.as_str(), member));
        let groups = self.group_relations.iter().map(|(_, name, member)| (name.as_str(), member));
        own.chain(groups).filter(|(name, _)| names.contains(name))
    }

    /// The rows of a relation that a project has once.
    pub(super) fn relation(&self, name: &str) -> Option<&Member> {
        self.relations.get(name)
    }
}

/// A path out of the name of a file, as GitLab calls its exports.
///
/// Source: GitLab, `lib/gitlab/import_export.rb`, `export_filename`: date, time, full path.
fn named(file: &Path) -> String {
    let name = file.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    let name =
        [".tar.gz", ".tgz", ".tar"].iter().find_map(|it| name.strip_suffix(it)).unwrap_or(&name);
    let name = name.strip_suffix("_export").unwrap_or(name);
    let is_time =
        |it: &str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let mut rest = name;
    for _ in 0..2 {
        match rest.split_once('_') {
            Some((head, tail)) if is_time(head) => rest = tail,
            _ => break,
        }
    }
    // Which underscores were slashes is not told: the first one was.
    let plain = |it: char| if it.is_alphanumeric() || "._-".contains(it) { it } else { '-' };
    let rest: String = rest.chars().map(plain).collect();
    match rest.split_once('_') {
        Some((owner, project)) if !owner.is_empty() && !project.is_empty() => {
            format!("{owner}/{project}")
        }
        _ if rest.is_empty() => "imported/project".to_owned(),
        _ => format!("imported/{rest}"),
    }
}

/// What a scan has found so far.
struct Scan<'a> {
    found: Found,
    version: Option<String>,
    owner: Option<Kin>,
    order: Vec<String>,
    odd: &'a mut Odd,
}

/// Goes through an archive.
///
/// # Errors
///
/// Whatever is wrong with it anywhere.
pub(super) fn scan(file: &Path, odd: &mut Odd) -> Result<Found, SpoolError> {
    let archive = Arc::new(Archive::open(file, Limits::of_this_run())?);
    let found = Found {
        archive: Arc::clone(&archive),
        origin: wire::Origin::default(),
        project: None,
        legacy: None,
        relations: BTreeMap::new(),
        groups: Vec::new(),
        group_relations: Vec::new(),
        code: None,
        wiki: None,
        uploads: Vec::new(),
        lfs_objects: Vec::new(),
    };
    let mut scan = Scan { found, version: None, owner: None, order: Vec::new(), odd };
    archive.scan(|member, data| scan.member(member, data))?;
    scan.end(file)
}

fn small(data: &mut dyn Read) -> Result<String, ArchiveError> {
    let mut text = Vec::new();
    let read = data.take(MAX_SMALL).read_to_end(&mut text);
    read.map_err(ArchiveError::system("read the archive"))?;
    Ok(String::from_utf8_lossy(&text).trim().to_owned())
}

impl Scan<'_> {
    fn member(&mut self, member: &Member, data: &mut dyn Read) -> Result<(), ArchiveError> {
        let found = &mut self.found;
        match member.name.as_str() {
            "VERSION" => self.version = Some(small(data)?),
            "packhorse.json" => {
                found.origin = serde_json::from_str(&small(data)?)
                    .map_err(|it| ArchiveError::malformed(&member.name, 0, it.to_string()))?;
            }
            "tree/groups/_all.ndjson" => {
                self.order = small(data)?.lines().map(str::to_owned).collect();
            }
            // What made the archive, and which objects an LFS object belongs to.
            "GITLAB_VERSION" | "GITLAB_REVISION" | "lfs-objects.json" => {}
            "tree/project.json" => found.project = Some(member.clone()),
            "project.json" => found.legacy = Some(member.clone()),
            "project.bundle" => found.code = Some(member.clone()),
            "project.wiki.bundle" => found.wiki = Some(member.clone()),
            name => {
                let name = name.to_owned();
                return self.nested(&name, member, data);
            }
        }
        Ok(())
    }

    fn nested(
        &mut self,
        name: &str,
        member: &Member,
        data: &mut dyn Read,
    ) -> Result<(), ArchiveError> {
        let found = &mut self.found;
        if let Some(relation) =
            name.strip_prefix("tree/project/").and_then(|it| it.strip_suffix(".ndjson"))
        {
            found.relations.insert(relation.to_owned(), member.clone());
        } else if let Some(rest) = name.strip_prefix("tree/groups/") {
            match rest.split_once('/') {
                None => found
                    .groups
                    .extend(rest.strip_suffix(".json").map(|id| (id.to_owned(), member.clone()))),
                Some((id, relation)) => {
                    let relation = relation.strip_suffix(".ndjson").unwrap_or(relation);
                    let of = (id.to_owned(), relation.to_owned(), member.clone());
                    found.group_relations.push(of);
                }
            }
        } else if let Some(name) = name.strip_prefix("uploads/") {
            found.uploads.push(stored(name, member, data)?);
        } else if let Some(oid) = name.strip_prefix("lfs-objects/") {
            let object = stored(oid, member, data)?;
            // Older versions put directories of two digits before it.
            if object.sha256 == oid.replace('/', "") {
                found.lfs_objects.push(object);
            } else {
                self.odd.n_damaged += 1;
            }
        } else {
            self.owner = self.owner.or_else(|| Kin::of(name));
            let first: String =
                name.split('/').next().unwrap_or_default().chars().take(64).collect();
            self.odd.unknown.note(format!("{first} (file)"), 1);
        }
        Ok(())
    }

    fn end(mut self, file: &Path) -> Result<Found, SpoolError> {
        let not = |detail: &str| ArchiveError::NotAnArchive {
            file: file.display().to_string(),
            detail: detail.to_owned(),
        };
        let told = self.owner.filter(|it| *it != Kin::Gitlab).map(Kin::told);
        let Some(version) = self.version else {
            return Err(not(told.unwrap_or("it has no VERSION, so it is not GitLab's")).into());
        };
        // Source: GitLab, `lib/gitlab/import_export.rb`; 0.1.x until version 11, 0.2.4 since 12.
        if version.split('.').next() != Some("0") {
            let found = version.chars().take(64).collect();
            return Err(ArchiveError::Version { found, known: "0" }.into());
        }
        let order = &self.order;
        let at = |id: &str| order.iter().position(|it| it == id).unwrap_or(usize::MAX);
        self.found.groups.sort_by_key(|(id, _)| at(id));
        Ok(self.found)
    }
}

fn stored(name: &str, member: &Member, data: &mut dyn Read) -> Result<Stored, ArchiveError> {
    let mut sum = Sha256::new();
    let mut piece = vec![0; 64 << 10];
    loop {
        let n = data.read(&mut piece).map_err(ArchiveError::system("read the archive"))?;
        if n == 0 {
            break;
        }
        sum.update(&piece[..n]);
    }
    Ok(Stored {
        name: name.to_owned(),
        size: member.size,
        sha256: HEXLOWER.encode(&sum.finalize()),
        offset: member.offset,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file: &str, expected: &str) {
        assert_eq!(named(Path::new(file)), expected);
    }

    #[test]
    fn a_path_is_read_from_the_name_of_a_file() {
        check("2026-01-31_12-05-123_acme_app_export.tar.gz", "acme/app");
        check("acme_big_app_export.tgz", "acme/big_app");
        check("app.tar.gz", "imported/app");
        check("_export.tar.gz", "imported/project");
    }

    #[test]
    fn a_place_comes_back() {
        let stored = Stored { name: "a".to_owned(), size: 7, sha256: String::new(), offset: 512 };

        let (archive, member) = parse_place(&stored.place(3)).unwrap();

        assert_eq!((archive, member.offset, member.size), (3, 512, 7));
        assert!(parse_place("x").is_none());
    }
}
