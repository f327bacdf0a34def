//! The archive, entry by entry, in the order in which the server writes them.

use super::{adopt, git, queue::Queue, request};
use crate::{
    bitbucket_archive::{
        entry::Entry,
        json::{self, Style},
        map::project,
        wire,
    },
    container::{Compression, TarWriter},
    spool::{ScopeRow, Spool, SpoolError},
    wire::List,
};
use data_encoding::HEXLOWER;
use packhorse_core::{
    Object, ObjectKind, RepoKind,
    model::{Organization, Place, Project},
};
use packhorse_git::repository;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The version whose layout this is.
const VERSION: &str = "9.4.18";
const BUILD_VERSION: &str = "9004018";
const ARCHIVE_VERSION: u64 = 2;
/// A node of no cluster.
const NODE: &str = "00000000-0000-0000-0000-000000000000";

/// A row in a database of no server.
pub(super) type Row = u64;

/// Writes the archive.
pub(super) fn all(spool: &Spool, to: &Path) -> Result<(), SpoolError> {
    spool.index()?;
    let mut tar = TarWriter::create(to, Compression::None, 0)?;
    let details = wire::Details {
        product: Some("Bitbucket Data Center".to_owned()),
        version: Some(VERSION.to_owned()),
        buildVersion: Some(BUILD_VERSION.to_owned()),
        archiveVersion: Some(ARCHIVE_VERSION),
        dataCenter: Some(true),
        instanceName: Some("Packhorse".to_owned()),
        nodeId: Some(NODE.to_owned()),
    };
    put(&mut tar, Entry::Details, &details, Style::Pretty)?;
    let projects = spool.projects()?;
    let owners = owners(spool, &mut tar, &projects)?;
    for (n, scope) in projects.iter().enumerate() {
        adopt(spool, scope)?;
        let key = scope.path.split('/').next().unwrap_or_default();
        let owner = owners.get(key).copied().unwrap_or_default();
        one(spool, scope, (owner, n as Row + 1), &mut tar)?;
    }
    tar.finish()?;
    Ok(())
}

/// Writes an entry that holds one value.
pub(super) fn put<T: Serialize>(
    tar: &mut TarWriter,
    entry: Entry<'_>,
    value: &T,
    style: Style,
) -> Result<(), SpoolError> {
    let bytes = json::packed(value, style)?;
    Ok(tar.incompressible(&entry.name(), bytes.len() as u64, &bytes[..])?)
}

/// Writes all projects of the server, and gives their rows by their keys.
fn owners(
    spool: &Spool,
    tar: &mut TarWriter,
    projects: &[ScopeRow],
) -> Result<BTreeMap<String, Row>, SpoolError> {
    let mut known: BTreeMap<String, Organization> = BTreeMap::new();
    for it in projects {
        let key = it.path.split('/').next().unwrap_or_default();
        let named = Organization { path: key.to_owned(), ..Organization::default() };
        known.entry(key.to_owned()).or_insert(named);
    }
    let shared = spool.shared()?;
    if let Some(shared) = &shared {
        spool.each(shared, ObjectKind::Organization, |it| {
            if let Object::Organization(it) = it.object {
                known.insert(it.path.clone(), *it);
            }
            Ok(())
        })?;
    }
    let mut rows = BTreeMap::new();
    for (n, it) in known.values().enumerate() {
        let row = n as Row + 1;
        let id = row.to_string();
        let mut project = project::write_organization(it);
        project.id = Some(id.clone());
        put(tar, Entry::Project(&id), &project, Style::Compact)?;
        let none = Some(false);
        let all =
            wire::AllPermissions { projectAdmin: none, projectRead: none, projectWrite: none };
        put(tar, Entry::AllPermissions(&id), &all, Style::Compact)?;
        let of = |place: &Place| matches!(place, Place::Organization(key) if *key == it.path);
        let people = match &shared {
            Some(shared) => permissions(spool, shared, of)?,
            None => Vec::new(),
        };
        put(tar, Entry::ProjectPermissions(&id), &people, Style::Compact)?;
        rows.insert(it.path.clone(), row);
    }
    Ok(rows)
}

/// Who may do what at a place: one list for each permission.
fn permissions(
    spool: &Spool,
    scope: &ScopeRow,
    is_meant: impl Fn(&Place) -> bool,
) -> Result<Vec<wire::Permission>, SpoolError> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    spool.each(scope, ObjectKind::Member, |it| {
        let Object::Member(it) = it.object else { return Ok(()) };
        if let Some((permission, user)) = project::write_member(&it).filter(|_| is_meant(&it.place))
        {
            found.entry(permission).or_default().push(user);
        }
        Ok(())
    })?;
    let list = |(permission, users)| wire::Permission {
        groups: List::default(),
        permission: Some(permission),
        userIds: List(users),
    };
    Ok(found.into_iter().map(list).collect())
}

/// What stands for all forks of a repository: 20 hexadecimal digits.
fn hierarchy(path: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(path))[..20].to_owned()
}

/// The repository of a project, where it has one.
pub(super) fn repository_of(spool: &Spool, scope: &ScopeRow) -> Option<PathBuf> {
    let path = spool.repository(&scope.path, RepoKind::Code);
    repository::is_repository(&path).then_some(path)
}

/// Writes one repository with its change requests, in a hierarchy of its own.
fn one(
    spool: &Spool,
    scope: &ScopeRow,
    (owner, row): (Row, Row),
    tar: &mut TarWriter,
) -> Result<(), SpoolError> {
    let record = spool.record(scope, ObjectKind::Project, &scope.path)?.map(|it| it.object);
    let project = match record {
        Some(Object::Project(it)) => *it,
        _ => Project { path: scope.path.clone(), ..Project::default() },
    };
    let (owner, row, hierarchy) = (owner.to_string(), row.to_string(), hierarchy(&scope.path));
    let mut repository = project::write_project(&project);
    repository.id = Some(row.clone());
    repository.projectId = Some(owner.clone());
    repository.hierarchyId = Some(hierarchy.clone());
    tar.small(&Entry::Begin(&hierarchy).name(), b"")?;
    put(tar, Entry::Repository(&owner, &row), &repository, Style::Compact)?;
    let people = permissions(spool, scope, |it| *it == Place::Project)?;
    put(tar, Entry::RepositoryPermissions(&row), &people, Style::Compact)?;
    let queue = Queue::new(spool)?;
    let branch = project.default_branch.as_deref();
    git::write(spool, scope, (&row, branch), &queue, tar)?;
    let settings = wire::LfsSettings { enabled: Some(false) };
    put(tar, Entry::LfsSettings(&row), &settings, Style::Compact)?;
    let repository = repository_of(spool, scope);
    spool.each(scope, ObjectKind::ChangeRequest, |it| {
        let Object::ChangeRequest(it) = &it.object else { return Ok(()) };
        request::write(spool, scope, (&row, it), (&queue, repository.as_deref()), tar)
    })?;
    tar.small(&Entry::End(&hierarchy).name(), b"")?;
    Ok(())
}
