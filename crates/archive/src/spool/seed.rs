//! What was read out of a complete archive taken back into a spool, so that it can be changed.

use super::{Contents, Spool, SpoolError, Surveyed, copy};
use packhorse_core::{Carriage, Cursor, Lane, ObjectKind, Origin, RepoKind, Scope};

/// Takes everything into an empty spool.
pub(crate) fn seed_from<C: Contents>(
    spool: &mut Spool,
    surveyed: &Surveyed<C>,
) -> Result<(), SpoolError> {
    let projects = surveyed.with(Spool::projects)?;
    let scopes = projects.iter().map(|it| Scope::Project(it.path.clone()));
    for scope in scopes.chain([Scope::Shared]) {
        for &kind in ObjectKind::ALL.iter().filter(|it| it.carriage() != Carriage::Git) {
            records(spool, surveyed, &Lane::new(scope.clone(), kind))?;
        }
    }
    for project in &projects {
        for repo in [RepoKind::Code, RepoKind::Wiki] {
            if surveyed.contents.repository_bytes(&project.path, repo).is_some() {
                let path = spool.repository(&project.path, repo);
                surveyed.contents.unpack(&project.path, repo, &path)?;
                packhorse_git::repository::sanitise(&path)?;
            }
        }
    }
    spool.flush()
}

fn records<C: Contents>(
    spool: &mut Spool,
    surveyed: &Surveyed<C>,
    lane: &Lane,
) -> Result<(), SpoolError> {
    let mut at: Option<Cursor> = None;
    loop {
        let page = surveyed.with(|it| it.page(lane, at.as_ref()))?;
        for it in page.records {
            if lane.kind.carriage() == Carriage::Blob {
                save(spool, surveyed, &lane.scope, &it.origin)?;
            }
            spool.take(&lane.scope, &it.origin.id, &it.object)?;
        }
        match page.next {
            Some(next) => at = Some(next),
            None => return Ok(()),
        }
    }
}

/// Takes the bytes of a record, if it has any in the archive.
fn save<C: Contents>(
    spool: &mut Spool,
    surveyed: &Surveyed<C>,
    scope: &Scope,
    origin: &Origin,
) -> Result<(), SpoolError> {
    let Some(place) = surveyed.with(|it| it.blob_place(scope, origin))? else { return Ok(()) };
    let Some(sha256) = surveyed.with(|it| it.blob_hash(scope, origin))? else { return Ok(()) };
    let size = copy(surveyed.contents.open(&place, 0)?, &spool.blob(&sha256))?;
    spool.link(scope, origin, (sha256, size));
    Ok(())
}
