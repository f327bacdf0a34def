//! From what was asked for to jobs: one for each group and each project.

use super::{
    error::GitlabError,
    status::{About, KIND},
    wire::{Entity, Start},
};
use crate::{
    Service,
    native::act::FROM_SEALED,
    service::{NewJob, ServiceError},
    store::{NewPart, NewRequest},
    token::Caller,
};
use packhorse_core::{
    GitCredentials, HostError, HostErrorKind, Lane, Location, ObjectKind, Scope, Secret,
    error::chain, job::JobOptions, port::Source,
};
use serde_json::json;
use std::collections::BTreeSet;
use url::Url;

/// Most entities that a migration becomes, with all that is in its groups.
const MOST_PARTS: usize = 10_000;

/// Starts a migration; its number.
///
/// Everything is looked at before anything is kept: the source is asked for every entity, the
/// destination whether their places are free.
pub(super) async fn start(
    service: &Service,
    caller: &Caller,
    start: Start,
) -> Result<u64, GitlabError> {
    reach(service, &start.url).await?;
    let mut parts = Vec::new();
    for entity in &start.entities {
        check_place(service, entity).await?;
        let projects = look(service, &start, entity).await?;
        parts.extend(unfold(entity, &projects, parts.len()));
        if parts.len() > MOST_PARTS {
            return Err(GitlabError::unprocessable(format!(
                "Import failed. More than {MOST_PARTS} groups and projects cannot be imported at once."
            )));
        }
    }
    let mut new = Vec::new();
    for about in parts {
        let from = place(&start.url, &start.token, &about.source_full_path);
        let sealed = service.key.seal(&start.token, &from.to_string());
        let sealed = Some(sealed.map_err(ServiceError::from)?);
        let to = service.config.gitlab_destination.clone();
        let spec = service.spec(&NewJob { from, to, options: options(&about) }).await;
        let spec = match spec {
            Err(ServiceError::Source(error)) => {
                return Err(refused(&error, &start.url, &about.source_full_path));
            }
            Err(ServiceError::Destination(error)) => return Err(unwritable(&error, &about)),
            spec => spec?,
        };
        let (parent, mut body) = (about.parent, about.body());
        body[FROM_SEALED] = true.into();
        new.push(NewPart { spec, body, sealed, sealed_target: None, archive: None, parent });
    }
    let request = NewRequest {
        id: None,
        kind: KIND,
        owner: String::new(),
        user: caller.user.clone(),
        body: json!({"source_url": start.url}),
        parts: new,
        locks: Vec::new(),
    };
    Ok(service.accept(request).await?)
}

/// SECURITY: an address that a client gives leads only where the service may reach.
async fn reach(service: &Service, url: &str) -> Result<(), GitlabError> {
    let checked = match url.parse::<Url>() {
        Ok(url) => service.config.networks.check(&url).await.map_err(|it| it.to_string()),
        Err(error) => Err(error.to_string()),
    };
    checked.map_err(|why| {
        tracing::warn!(url, why, "the address of a source was refused");
        GitlabError::unprocessable(
            "Invalid source URL. Enter only the base URL of the source GitLab instance.",
        )
    })
}

/// Where an entity is at the source.
fn place(url: &str, token: &Secret, path: &str) -> Location {
    let is_below = url.parse::<Url>().is_ok_and(|it| it.path().len() > 1);
    let between = if is_below { "/-/" } else { "/" };
    let credentials = GitCredentials { username: "git".to_owned(), password: token.clone() };
    Location {
        host: "gitlab".to_owned(),
        rest: format!("{url}{between}{path}"),
        project: None,
        credentials: Some(credentials),
        more_credentials: Vec::new(),
    }
}

/// What the source's refusal means to the client.
fn refused(error: &HostError, url: &str, path: &str) -> GitlabError {
    tracing::info!(error = chain(error), "the source refused");
    GitlabError::unprocessable(match error.kind {
        HostErrorKind::Unauthorized => "Import aborted as the provided personal access token does \
            not have the required 'api' scope or is no longer valid."
            .to_owned(),
        HostErrorKind::Forbidden => {
            format!("Import failed. You do not have permission to export '{path}'.")
        }
        HostErrorKind::NotFound => format!("Import failed. '{path}' not found."),
        HostErrorKind::Conflict
        | HostErrorKind::Rejected
        | HostErrorKind::RateLimited
        | HostErrorKind::Protocol
        | HostErrorKind::Unavailable
        | HostErrorKind::Unsupported => format!("Import failed. '{url}' could not be read from."),
    })
}

/// What the destination's refusal means to the client; what it said is for the log alone.
fn unwritable(error: &HostError, about: &About) -> GitlabError {
    tracing::error!(error = chain(error), "the destination refused");
    let path = about.destination();
    GitlabError::unprocessable(match error.kind {
        HostErrorKind::Unauthorized | HostErrorKind::Forbidden => {
            format!("Import failed. You do not have permission to import into '{path}'.")
        }
        HostErrorKind::NotFound => {
            format!(
                "Import failed. Destination '{path}' is invalid, or you do not have permission."
            )
        }
        HostErrorKind::Conflict
        | HostErrorKind::Rejected
        | HostErrorKind::RateLimited
        | HostErrorKind::Protocol
        | HostErrorKind::Unavailable
        | HostErrorKind::Unsupported => {
            format!("Import failed. '{path}' could not be written to.")
        }
    })
}

/// Asks the source for an entity; the paths of its projects.
async fn look(
    service: &Service,
    start: &Start,
    entity: &Entity,
) -> Result<BTreeSet<String>, GitlabError> {
    let path = &entity.source_full_path;
    let scratch = service.scratch()?;
    let place = place(&start.url, &start.token, path);
    let found = match service.places.source(&place, scratch.path()) {
        Ok(source) => projects(&*source).await,
        Err(error) => Err(error),
    };
    let found = found.map_err(|error| refused(&error, &start.url, path))?;
    let is_there = if entity.is_group {
        found.iter().all(|it| it.starts_with(&format!("{path}/")))
    } else {
        found.contains(path)
    };
    if is_there {
        Ok(found)
    } else {
        Err(GitlabError::unprocessable(format!("Import failed. '{path}' not found.")))
    }
}

async fn projects(source: &dyn Source) -> Result<BTreeSet<String>, HostError> {
    source.probe().await?;
    let lane = Lane::new(Scope::Shared, ObjectKind::Project);
    let (mut found, mut at) = (BTreeSet::new(), None);
    loop {
        let page = source.read(&lane, at.as_ref()).await?;
        found.extend(page.records.into_iter().map(|it| it.origin.id));
        match page.next {
            Some(next) if found.len() <= MOST_PARTS => at = Some(next),
            Some(_) | None => return Ok(found),
        }
    }
}

/// Whether an entity may go where it shall, and nothing is there.
async fn check_place(service: &Service, entity: &Entity) -> Result<(), GitlabError> {
    if entity.is_group {
        return Ok(());
    }
    if entity.namespace.is_empty() {
        let why = "Import failed. '' is invalid, or you do not have permission.";
        return Err(GitlabError::unprocessable(why));
    }
    let path = entity.destination();
    let scratch = service.scratch()?;
    let there =
        Location { project: Some(path.clone()), ..service.config.gitlab_destination.clone() };
    let found = match service.places.source(&there, scratch.path()) {
        Ok(source) => projects(&*source).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(found) if found.iter().any(|it| it.eq_ignore_ascii_case(&path)) => {
            Err(GitlabError::unprocessable(format!(
                "Import aborted as '{path}' already exists. Change the destination and try again."
            )))
        }
        // A destination that is not there yet is made.
        Err(error) if error.kind != HostErrorKind::NotFound => Err(error.into()),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// An entity, and what is in it: subgroups and projects, each with the place of its parent.
fn unfold(entity: &Entity, projects: &BTreeSet<String>, first: usize) -> Vec<About> {
    let top = About {
        is_group: entity.is_group,
        source_full_path: entity.source_full_path.clone(),
        destination_slug: entity.slug.clone(),
        destination_namespace: entity.namespace.clone(),
        migrate_projects: entity.migrate_projects,
        migrate_memberships: entity.migrate_memberships,
        parent: None,
    };
    if !entity.is_group || !entity.migrate_projects {
        return vec![top];
    }
    let root = &entity.source_full_path;
    let mut groups = BTreeSet::new();
    for path in projects {
        let mut above = path.as_str();
        while let Some((parent, _)) = above.rsplit_once('/')
            && parent.len() > root.len()
        {
            groups.insert(parent.to_owned());
            above = parent;
        }
    }
    let mut list = vec![top.clone()];
    let all = groups.iter().map(|it| (it, true)).chain(projects.iter().map(|it| (it, false)));
    // Groups come before what is in them, for their paths are shorter and sorted.
    for (path, is_group) in all {
        let (above, slug) = path.rsplit_once('/').unwrap_or(("", path));
        let Some(at) = list.iter().position(|it| it.is_group && it.source_full_path == above)
        else {
            continue;
        };
        list.push(About {
            is_group,
            source_full_path: path.clone(),
            destination_slug: slug.to_owned(),
            destination_namespace: list[at].destination(),
            parent: Some(first + at),
            ..top.clone()
        });
    }
    list
}

fn options(about: &About) -> JobOptions {
    let mut options = JobOptions { verify: true, ..JobOptions::default() };
    if !about.migrate_memberships {
        options.skip.insert(ObjectKind::Member);
    }
    if about.is_group {
        options.only = ObjectKind::ALL.iter().copied().filter(|it| it.is_shared()).collect();
    } else {
        options.project = Some(about.source_full_path.clone());
        options.target = Some(about.destination());
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_unfolds_into_its_subgroups_and_projects() {
        let entity = Entity {
            is_group: true,
            source_full_path: "acme".to_owned(),
            slug: "new".to_owned(),
            namespace: "top".to_owned(),
            migrate_projects: true,
            migrate_memberships: true,
        };
        let projects = ["acme/a", "acme/x/y/b", "acme/x/c"].map(str::to_owned).into();

        let found = unfold(&entity, &projects, 5);

        let rows: Vec<_> = found
            .iter()
            .map(|it| (it.source_full_path.as_str(), it.destination(), it.is_group, it.parent))
            .collect();
        let row = |path, to: &str, is_group, parent| (path, to.to_owned(), is_group, parent);
        assert_eq!(
            rows,
            [
                row("acme", "top/new", true, None),
                row("acme/x", "top/new/x", true, Some(5)),
                row("acme/x/y", "top/new/x/y", true, Some(6)),
                row("acme/a", "top/new/a", false, Some(5)),
                row("acme/x/c", "top/new/x/c", false, Some(6)),
                row("acme/x/y/b", "top/new/x/y/b", false, Some(7)),
            ]
        );
    }
}
