//! Taking entries as they come: projects, repositories, permissions, and where Git's parts lie.

use super::{
    Odd,
    git::{self, Parts, Repositories},
    request::Requests,
};
use crate::{
    bitbucket_archive::{
        entry::Entry,
        map::project::{self, is_part},
        wire,
    },
    container::{Archive, ArchiveError, Limits, Member, gunzip, scan_within},
    spool::{Intake, SpoolError},
    wire::Wire,
};
use packhorse_core::{Object, Scope, model::Place};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io::Read,
    path::Path,
    sync::Arc,
};

/// The only version of the layout that is known.
const VERSION: u64 = 2;

/// A project of the server.
struct Owner {
    key: String,
    is_public: bool,
    for_all: bool,
}

/// A repository, which is put into the spool once everything of it has come.
struct Repository {
    wire: wire::Repository,
    owner: String,
    path: String,
    default_branch: Option<String>,
}

/// Takes entries into a spool.
pub(super) struct Taking<'a> {
    intake: &'a mut Intake,
    archive: &'a Arc<Archive>,
    odd: &'a mut Odd,
    limits: Limits,
    is_told: bool,
    owners: HashMap<String, Owner>,
    /// Paths by row.
    paths: HashMap<String, String>,
    taken: HashSet<String>,
    current: Option<Repository>,
    requests: Requests,
    parts: BTreeMap<String, Parts>,
    hierarchies: HashMap<String, u64>,
}

impl<'a> Taking<'a> {
    pub(super) fn new(intake: &'a mut Intake, archive: &'a Arc<Archive>, odd: &'a mut Odd) -> Self {
        Self {
            intake,
            archive,
            odd,
            limits: *archive.limits(),
            is_told: false,
            owners: HashMap::new(),
            paths: HashMap::new(),
            taken: HashSet::new(),
            current: None,
            requests: Requests::default(),
            parts: BTreeMap::new(),
            hierarchies: HashMap::new(),
        }
    }

    /// Takes an entry.
    pub(super) fn entry(&mut self, member: &Member, data: &mut dyn Read) -> Result<(), SpoolError> {
        match Entry::of(&member.name) {
            Entry::Details => self.details(member, data),
            Entry::Project(id) => self.owner(id, member, data),
            Entry::AllPermissions(id) => self.all_permissions(id, member, data),
            Entry::ProjectPermissions(id) => {
                let key = self.owners.get(id).map(|it| it.key.clone());
                let key = key.ok_or_else(|| unknown(member, "project", id))?;
                self.permissions(&Scope::Shared, &Place::Organization(key), member, data)
            }
            Entry::Begin(_) | Entry::End(_) => Ok(()),
            Entry::Repository(owner, id) => self.repository((owner, id), member, data),
            Entry::RepositoryPermissions(id) => {
                let scope = Scope::Project(self.path(id, member)?);
                self.permissions(&scope, &Place::Project, member, data)
            }
            Entry::Skeleton(id) => self.skeleton(id, member, data),
            Entry::Hooks(id) => {
                self.path(id, member)?;
                let n = &mut self.odd.n_hooks;
                let limits = self.limits;
                Ok(scan_within(gunzip(data, &limits), limits, |_, _| {
                    *n += 1;
                    Ok(())
                })?)
            }
            Entry::Objects(id) => {
                let path = self.path(id, member)?;
                scan_within(data, self.limits, |_, _| Ok(()))?;
                self.parts.entry(path).or_default().objects = Some(member.clone());
                Ok(())
            }
            Entry::LfsSettings(id) => {
                self.path(id, member)?;
                let it: wire::LfsSettings = self.json("git_lfs_settings", member, data)?;
                self.odd.n_lfs += u64::from(it.enabled == Some(true));
                Ok(())
            }
            Entry::Request(id, number) => {
                let path = self.path(id, member)?;
                let it: wire::Request = self.json("pull_requests", member, data)?;
                self.requests.begin(self.intake, self.odd, (&path, number), it)
            }
            Entry::Activities(id, number) => {
                let path = self.path(id, member)?;
                let data = gunzip(data, &self.limits);
                self.requests.activities(self.intake, self.odd, (&path, number), (member, data))
            }
            Entry::Caches(id, _) => {
                self.path(id, member)?;
                let limits = self.limits;
                Ok(scan_within(gunzip(data, &limits), limits, |_, _| Ok(()))?)
            }
            Entry::Other(section) => {
                let section: String = section.chars().take(64).collect();
                self.odd.unknown.note(section, 1);
                Ok(())
            }
        }
    }

    /// The bytes of a small entry.
    fn bytes(&self, member: &Member, data: &mut dyn Read) -> Result<Vec<u8>, ArchiveError> {
        let most = self.limits.max_record_bytes;
        let mut bytes = Vec::new();
        let read = gunzip(data, &self.limits).take(most as u64 + 1).read_to_end(&mut bytes);
        read.map_err(ArchiveError::system("read the archive"))?;
        if bytes.len() > most {
            let what = format!("the size of `{}`", member.name);
            return Err(ArchiveError::OverLimit { what, limit: most as u64 });
        }
        Ok(bytes)
    }

    /// An entry that holds one object.
    fn json<T: Wire>(
        &mut self,
        name: &str,
        member: &Member,
        data: &mut dyn Read,
    ) -> Result<T, ArchiveError> {
        let bytes = self.bytes(member, data)?;
        let bad = |it: serde_json::Error| ArchiveError::malformed(&member.name, 0, it.to_string());
        let found = serde_json::from_slice(&bytes).map_err(bad)?;
        self.odd.unknown.inspect(name, &T::SHAPE, &String::from_utf8_lossy(&bytes)).map_err(bad)?;
        Ok(found)
    }

    fn path(&self, id: &str, member: &Member) -> Result<String, ArchiveError> {
        self.paths.get(id).cloned().ok_or_else(|| unknown(member, "repository", id))
    }

    fn details(&mut self, member: &Member, data: &mut dyn Read) -> Result<(), SpoolError> {
        let it: wire::Details = self.json("instance_details", member, data)?;
        if it.archiveVersion != Some(VERSION) {
            let found = it.archiveVersion.map_or_else(|| "none".to_owned(), |it| it.to_string());
            return Err(ArchiveError::Version { found, known: "2" }.into());
        }
        self.is_told = true;
        Ok(())
    }

    fn owner(&mut self, id: &str, member: &Member, data: &mut dyn Read) -> Result<(), SpoolError> {
        let it: wire::Project = self.json("projects", member, data)?;
        let Some(key) = it.key.clone().filter(|it| is_part(it)) else {
            return Err(refused(member, "its key is none"));
        };
        // A person's own place is the person's.
        if let Some(organization) = project::organization(&it).filter(|_| !key.starts_with('~')) {
            self.intake.take(&Scope::Shared, &key, Object::from(organization))?;
        }
        let is_public = it.public == Some(true);
        self.owners.insert(id.to_owned(), Owner { key, is_public, for_all: false });
        Ok(())
    }

    fn all_permissions(
        &mut self,
        id: &str,
        member: &Member,
        data: &mut dyn Read,
    ) -> Result<(), SpoolError> {
        let it: wire::AllPermissions = self.json("all_permissions", member, data)?;
        let all = [it.projectRead, it.projectWrite, it.projectAdmin];
        let owner = self.owners.get_mut(id).ok_or_else(|| unknown(member, "project", id))?;
        owner.for_all = all.contains(&Some(true));
        Ok(())
    }

    fn permissions(
        &mut self,
        scope: &Scope,
        place: &Place,
        member: &Member,
        data: &mut dyn Read,
    ) -> Result<(), SpoolError> {
        let bytes = self.bytes(member, data)?;
        let bad = |it: serde_json::Error| ArchiveError::malformed(&member.name, 0, it.to_string());
        let list: Vec<wire::Permission> = serde_json::from_slice(&bytes).map_err(bad)?;
        for it in list {
            let (found, lost) = project::members(&it, place);
            self.odd.n_members += lost;
            for (id, member) in found {
                self.intake.take(scope, &id, Object::from(member))?;
            }
        }
        Ok(())
    }

    fn repository(
        &mut self,
        (owner, id): (&str, &str),
        member: &Member,
        data: &mut dyn Read,
    ) -> Result<(), SpoolError> {
        self.finish()?;
        let it: wire::Repository = self.json("repositories", member, data)?;
        let key = self.owners.get(owner).map(|it| it.key.clone());
        let key = key.ok_or_else(|| unknown(member, "project", owner))?;
        let slug = it.slug.clone().or_else(|| it.name.clone()).filter(|it| is_part(it));
        let Some(slug) = slug else { return Err(refused(member, "its slug is none")) };
        let path = format!("{key}/{slug}");
        // Keys and slugs are told apart without case.
        if !self.taken.insert(path.to_lowercase()) {
            return Err(refused(member, "there is another repository of its name"));
        }
        self.paths.insert(id.to_owned(), path.clone());
        let hierarchy = it.hierarchyId.clone().unwrap_or_else(|| path.clone());
        let n = self.hierarchies.entry(hierarchy.clone()).or_default();
        self.odd.n_forks += u64::from(*n > 0);
        *n += 1;
        self.parts.entry(path.clone()).or_default().hierarchy = hierarchy;
        let owner = owner.to_owned();
        self.current = Some(Repository { wire: it, owner, path, default_branch: None });
        Ok(())
    }

    fn skeleton(
        &mut self,
        id: &str,
        member: &Member,
        data: &mut dyn Read,
    ) -> Result<(), SpoolError> {
        let path = self.path(id, member)?;
        let found = git::glance(data, self.limits)?;
        if let Some(it) = self.current.as_mut().filter(|it| it.path == path) {
            it.default_branch = found.head;
        }
        self.parts.entry(path).or_default().skeleton = Some(member.clone());
        Ok(())
    }

    /// Puts away the repository that was being taken.
    fn finish(&mut self) -> Result<(), SpoolError> {
        self.requests.finish(self.intake, self.odd)?;
        let Some(it) = self.current.take() else { return Ok(()) };
        let owner = self.owners.get(&it.owner);
        let seen = owner.map_or((false, false), |it| (it.is_public, it.for_all));
        let project = project::project(&it.wire, &it.path, seen, it.default_branch);
        let scope = Scope::Project(it.path.clone());
        self.intake.take(&scope, &it.path, Object::from(project))
    }

    /// Where the repositories are, once all entries have come.
    pub(super) fn end(mut self, file: &Path) -> Result<Repositories, SpoolError> {
        self.finish()?;
        if !self.is_told {
            return Err(ArchiveError::NotAnArchive {
                file: file.display().to_string(),
                detail: "there is no instance-details.json in it, so it is not Bitbucket's"
                    .to_owned(),
            }
            .into());
        }
        Ok(Repositories::new(Arc::clone(self.archive), self.parts))
    }
}

fn refused(member: &Member, detail: &'static str) -> SpoolError {
    ArchiveError::Refused { member: member.name.clone(), detail }.into()
}

/// What an entry is about has not come before it.
fn unknown(member: &Member, what: &str, id: &str) -> ArchiveError {
    let detail = format!("it is of {what} {id}, of which nothing has come before");
    ArchiveError::Inconsistent { member: member.name.clone(), detail }
}
