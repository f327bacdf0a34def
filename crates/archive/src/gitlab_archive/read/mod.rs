//! Reading: archives are gone through twice, and what they hold is served from a spool.
//!
//! The first time everything is looked at, and where it lies is noted; the second time rows become
//! records, in the order that they need. Bytes are taken from the archives when they are asked for.

mod expand;
mod groups;
mod legacy;
mod rows;
mod scan;
mod uploads;

use super::{FORMAT, id, is_file, map, people::People, support, wire, write::SHAPE};
use crate::{
    container::{Archive, ArchiveError, Member},
    kin::Kin,
    spool::{Contents, Intake, Reading, Spool, SpoolError, Surveyed, copy, version_of_files},
    wire::Unknown,
};
use expand::Taking;
pub(super) use groups::trees as group_trees;
use packhorse_core::{
    Loss, Object, ObjectKind, Origin, RepoKind, Scope, Support,
    model::{Blob, LfsObject},
    port::SourceLoss,
};
use packhorse_git::{Git, bundle};
use rows::Json;
use scan::{Found, Stored};
use std::{
    collections::HashMap,
    io::Read,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};
use uploads::Uploads;

/// GitLab's exports, to be read.
pub(super) struct GitlabExport;

/// Archives that were gone through.
pub(in crate::gitlab_archive) struct Exports {
    archives: Vec<Arc<Archive>>,
    bundles: HashMap<(String, RepoKind), Bundle>,
}

/// The archive that a bundle is in, where it is there, and the branch that its `HEAD` stands for.
type Bundle = (usize, Member, Option<String>);

/// The archives that a location means.
pub(super) fn files(path: &Path) -> Result<Vec<PathBuf>, SpoolError> {
    if is_file(path) {
        return Ok(vec![path.to_owned()]);
    }
    if let Some(kin) = Kin::at(path).filter(|it| *it != Kin::Gitlab) {
        return Err(kin.foreign(path).into());
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        if path.is_file() && is_file(&path) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

impl Reading for GitlabExport {
    type Contents = Exports;

    const FORMAT: &'static str = FORMAT;

    fn reads(kind: ObjectKind) -> Support {
        support::reads(kind)
    }

    fn version(&self, path: &Path) -> Result<String, SpoolError> {
        version_of_files(&files(path)?)
    }

    fn survey(
        &self,
        path: &Path,
        only: Option<&str>,
        scratch: &Path,
    ) -> Result<Surveyed<Exports>, SpoolError> {
        survey(path, only, scratch)
    }
}

/// Keys that hold the number of a row in GitLab's database.
const NUMBERS: [&str; 14] = [
    "id",
    "project_id",
    "issue_id",
    "merge_request_id",
    "label_id",
    "target_id",
    "noteable_id",
    "awardable_id",
    "milestone_id",
    "board_id",
    "release_id",
    "note_id",
    "source_id",
    "protected_branch_id",
];

/// What was found that has no place.
#[derive(Default)]
pub(super) struct Odd {
    unknown: Unknown,
    n_rows: u64,
    n_damaged: u64,
    n_people: u64,
    others: Vec<SourceLoss>,
}

impl Odd {
    fn losses(mut self) -> Vec<SourceLoss> {
        let loss = |name: &str, why: &str, count: u64| SourceLoss {
            name: name.to_owned(),
            loss: Loss::source(Loss::WHOLE, why),
            count,
        };
        let unknown = self.unknown.counts().iter();
        // Numbers of rows in a database mean nothing elsewhere.
        let is_number = |name: &str| {
            let last = name.rsplit('.').next().unwrap_or(name);
            NUMBERS.contains(&last)
        };
        let mut losses: Vec<_> = unknown
            .filter(|(name, _)| !is_number(name))
            .map(|(name, n)| loss(name, "it has no place in the model, or is not known", *n))
            .collect();
        for (name, why, count) in [
            ("rows", "they are not as rows of their relation are", self.n_rows),
            ("lfs_objects", "their bytes are not what their names say", self.n_damaged),
            (
                "users",
                "the archive does not tell who it is: they are called by number",
                self.n_people,
            ),
        ] {
            if count > 0 {
                losses.push(loss(name, why, count));
            }
        }
        losses.append(&mut self.others);
        losses
    }
}

/// Reads everything that a location means into a spool.
pub(in crate::gitlab_archive) fn survey(
    path: &Path,
    only: Option<&str>,
    scratch: &Path,
) -> Result<Surveyed<Exports>, SpoolError> {
    std::fs::create_dir_all(scratch)?;
    let directory = tempfile::Builder::new().prefix("gitlab-archive-").tempdir_in(scratch)?;
    let mut intake = Intake::into(Spool::passing(directory.path(), &SHAPE)?);
    let mut exports = Exports { archives: Vec::new(), bundles: HashMap::new() };
    let (mut odd, mut groups) = (Odd::default(), groups::Groups::default());
    let single = only.filter(|_| is_file(path));
    for file in files(path)? {
        let found = scan::scan(&file, &mut odd)?;
        let n = exports.archives.len();
        exports.archives.push(Arc::clone(&found.archive));
        if found.is_group() {
            groups.take(&mut intake, found, single, &mut odd)?;
            continue;
        }
        let name = found.path(&file, single);
        take(&mut intake, &mut exports, (n, &found), &name, &mut odd)?;
    }
    let mut spool = intake.end()?;
    groups.hand_down(&mut spool, &mut odd)?;
    spool.flush()?;
    let (spool, losses) = (Mutex::new(spool), odd.losses());
    Ok(Surveyed { spool, contents: exports, losses, _directory: directory })
}

/// Takes everything out of one archive.
fn take(
    intake: &mut Intake,
    exports: &mut Exports,
    (n, found): (usize, &Found),
    name: &str,
    odd: &mut Odd,
) -> Result<(), SpoolError> {
    let people = accounts(found)?;
    let scope = Scope::Project(name.to_owned());
    let mut uploads = Uploads::new(n, &found.uploads);
    let mut taking = Taking::new(intake, &scope, &people, &mut uploads, odd);
    taking.project(found)?;
    for (relation, member) in found.relations_in_order() {
        let mut rows = rows::Rows::open(&found.archive, member)?;
        while rows.next(|json| taking.row(relation, json))? {}
    }
    if let Some(legacy) = &found.legacy {
        legacy::each(&found.archive, legacy, |relation, json| {
            taking.row(relation, Json::Whole(json))
        })?;
    }
    uploads.rest(intake, &scope)?;
    for it in &found.lfs_objects {
        lfs_object(intake, &scope, n, it)?;
    }
    for (repo, member) in [(RepoKind::Code, &found.code), (RepoKind::Wiki, &found.wiki)] {
        if let Some(member) = member {
            let head = found.origin.default_branch.clone().filter(|_| repo == RepoKind::Code);
            exports.bundles.insert((name.to_owned(), repo), (n, member.clone(), head));
        }
    }
    odd.n_people += people.n_unknown();
    Ok(())
}

fn lfs_object(intake: &mut Intake, scope: &Scope, n: usize, it: &Stored) -> Result<(), SpoolError> {
    let blob = Blob { size: Some(it.size), sha256: Some(it.sha256.clone()) };
    let origin = Origin::new(ObjectKind::LfsObject, it.sha256.clone());
    intake.take(scope, &origin.id, Object::from(LfsObject { blob }))?;
    intake.link_at(scope, &origin, (it.sha256.clone(), it.size), it.place(n))
}

/// Who the archive says that its ids are.
fn accounts(found: &Found) -> Result<People, SpoolError> {
    let mut people = People::default();
    let mut learn = |relation: &str, json: Json<'_>| {
        let mut unknown = Unknown::default();
        if relation == "user_contributions" {
            if let Ok(Some(it)) = json.parse::<wire::Contribution>(relation, &mut unknown) {
                people.learn(it);
            }
        } else if let Ok(Some(it)) = json.parse::<wire::Member>(relation, &mut unknown)
            && let Some(it) = map::project::account(&it)
        {
            people.learn(it);
        }
        Ok(())
    };
    const RELATIONS: [&str; 4] =
        ["project_members", "group_members", "members", "user_contributions"];
    for (relation, member) in found.members_of(&RELATIONS) {
        let mut rows = rows::Rows::open(&found.archive, member)?;
        while rows.next(|json| learn(relation, json))? {}
    }
    if let Some(legacy) = &found.legacy {
        legacy::each(&found.archive, legacy, |relation, json| {
            if RELATIONS.contains(&relation) { learn(relation, Json::Whole(json)) } else { Ok(()) }
        })?;
    }
    Ok(people)
}

/// Whether a loss of that name means that an archive is not whole, rather than newer.
pub(super) fn is_damage(name: &str) -> bool {
    matches!(name, "rows" | "lfs_objects")
}

impl Exports {
    /// The bundles, by name.
    pub(super) fn bundles(
        &self,
    ) -> Result<Vec<(String, crate::container::MemberData)>, ArchiveError> {
        let mut bundles: Vec<_> = self.bundles.iter().collect();
        bundles.sort_by_key(|((project, repo), _)| (project.clone(), repo.name()));
        let open = |((project, repo), (n, member, _)): (&(String, RepoKind), &Bundle)| {
            let archive = self.archives.get(*n)?;
            let name = format!("{} of {project}", repo.name());
            Some(archive.member(member, 0).map(|it| (name, it)))
        };
        bundles.into_iter().filter_map(open).collect()
    }
}

impl Contents for Exports {
    fn open(&self, place: &str, from: u64) -> Result<Box<dyn Read + Send>, ArchiveError> {
        let gone = || ArchiveError::Inconsistent {
            member: place.to_owned(),
            detail: "it is no place in the archive".to_owned(),
        };
        let (n, member) = scan::parse_place(place).ok_or_else(gone)?;
        let archive = self.archives.get(n).ok_or_else(gone)?;
        Ok(Box::new(archive.member(&member, from)?))
    }

    fn repository_bytes(&self, project: &str, repo: RepoKind) -> Option<u64> {
        self.bundles.get(&(project.to_owned(), repo)).map(|(_, member, _)| member.size)
    }

    fn unpack(&self, project: &str, repo: RepoKind, to: &Path) -> Result<(), SpoolError> {
        let key = (project.to_owned(), repo);
        let Some((n, member, head)) = self.bundles.get(&key) else { return Ok(()) };
        let Some(archive) = self.archives.get(*n) else { return Ok(()) };
        let file = to.with_extension("bundle");
        copy(archive.member(member, 0)?, &file)?;
        let header = bundle::BundleHeader::read(std::fs::File::open(&file)?)?;
        let has = |branch: &str| header.refs.refs.contains_key(&format!("refs/heads/{branch}"));
        let usual = ["main", "master"].into_iter().find(|it| has(it)).map(str::to_owned);
        let head = head.clone().filter(|it| has(it)).or(usual);
        let head = head.map(|it| format!("refs/heads/{it}"));
        let first = || header.refs.refs.keys().find(|it| it.starts_with("refs/heads/")).cloned();
        let head = head.or_else(first);
        tokio::runtime::Handle::current().block_on(async {
            bundle::unbundle(&Git::find().await?, &file, to, head.as_deref()).await
        })?;
        std::fs::remove_file(&file)?;
        Ok(())
    }
}
