//! A complete archive taken back into a spool, so that it can be changed.
//!
//! A run that carries only what has changed, or takes back what an earlier one
//! wrote, changes an archive that is there; an archive is made anew of a spool
//! that holds all of it.

use super::{index::Index, read::Lanes, source::unpack, survey::survey};
use crate::{
    container::{Archive, Limits},
    spool::{Prepared, Spool, SpoolError},
};
use packhorse_core::{Carriage, Lane, ObjectKind, Record, RepoKind, Scope, TargetId, fingerprint};
use std::sync::Arc;
use std::{fs::File, io, path::Path};

/// The kinds of records that can stand in a scope; a project's own stands in its scope.
fn kinds(scope: &Scope) -> impl Iterator<Item = ObjectKind> {
    let is_shared = *scope == Scope::Shared;
    ObjectKind::ALL.iter().copied().filter(move |kind| {
        let is_here = if is_shared { kind.is_shared() } else { kind.in_project() };
        is_here && kind.carriage() != Carriage::Git
    })
}

/// Takes an archive into an empty spool.
pub(super) fn seed(spool: &mut Spool, path: &Path) -> Result<(), SpoolError> {
    let archive = Arc::new(Archive::open(path, Limits::of_this_run())?);
    let index = survey(&archive, spool.path())?;
    let shared = Lane::new(Scope::Shared, ObjectKind::Project);
    let mut projects = Vec::new();
    each(&index, &shared, |it| {
        let scope = Scope::Project(it.origin.id.clone());
        put(spool, &scope, &it)?;
        projects.push(it.origin.id);
        Ok(())
    })?;
    let scopes = projects.iter().map(|it| Scope::Project(it.clone())).chain([Scope::Shared]);
    for scope in scopes {
        for kind in kinds(&scope) {
            each(&index, &Lane::new(scope.clone(), kind), |it| {
                save(spool, &archive, (&index, &scope), &it)?;
                put(spool, &scope, &it)
            })?;
        }
    }
    for project in &projects {
        for repo in [RepoKind::Code, RepoKind::Wiki] {
            if let Some(directory) = index.repository(project, repo) {
                unpack(&archive, &index, &directory, &spool.repository(project, repo))?;
                packhorse_git::repository::sanitise(&spool.repository(project, repo))?;
            }
        }
    }
    spool.flush()
}

/// The id of a record in a complete archive, if it is there.
pub(super) fn find(
    index: &Index,
    scope: &Scope,
    (kind, id): (ObjectKind, &str),
) -> Result<Option<TargetId>, SpoolError> {
    let scope = if kind == ObjectKind::Project { &Scope::Shared } else { scope };
    let mut found = None;
    each(index, &Lane::new(scope.clone(), kind), |it| {
        if it.origin.id == id {
            found = Some(TargetId(it.origin.id));
        }
        Ok(())
    })?;
    Ok(found)
}

/// Visits the records of a lane.
fn each(
    index: &Index,
    lane: &Lane,
    mut visit: impl FnMut(Record) -> Result<(), SpoolError>,
) -> Result<(), SpoolError> {
    let lanes = Lanes::default();
    let mut at = None;
    loop {
        let page = lanes.page(index, lane, at.as_ref(), None)?;
        page.records.into_iter().try_for_each(&mut visit)?;
        match page.next {
            Some(next) => at = Some(next),
            None => return Ok(()),
        }
    }
}

fn put(spool: &mut Spool, scope: &Scope, record: &Record) -> Result<(), SpoolError> {
    let id = &record.origin.id;
    let prepared = Prepared {
        target: id.clone(),
        body: fingerprint::exact(&record.object),
        losses: Vec::new(),
        is_left_out: false,
    };
    spool.put(scope, id, &record.object, prepared)
}

/// Takes the bytes of a record, if it has any in the archive.
fn save(
    spool: &mut Spool,
    archive: &Archive,
    (index, scope): (&Index, &Scope),
    record: &Record,
) -> Result<(), SpoolError> {
    let Some(place) = index.blob(scope, &record.origin) else { return Ok(()) };
    let path = spool.blob(&place.sha256());
    let mut file = File::create(&path)?;
    io::copy(&mut archive.member(&place.member(), 0)?, &mut file)?;
    file.sync_all()?;
    spool.link(scope, &record.origin, (place.sha256(), place.size));
    Ok(())
}
