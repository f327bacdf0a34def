//! From what was asked for to a job that makes an archive.

use super::{error::GithubError, render::Of, repository::Repository, wire::Start};
use crate::{
    Service,
    service::NewJob,
    store::{Lock, NewPart, NewRequest, now_ms},
    token::Caller,
    work::WITHOUT_PROJECTS,
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use packhorse_core::{
    HostErrorKind, Lane, Location, Object, ObjectKind, Scope,
    error::chain,
    job::JobOptions,
    selection::{Pair, Selection},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::Path;
use uuid::Uuid;

/// Kind of requests for organizations.
pub(super) const ORGANIZATION: &str = "github.organization";
/// Kind of requests for users.
pub(super) const USER: &str = "github.user";

/// The format of its archives.
const FORMAT: &str = "github-archive";

/// Repositories that are looked up at a time.
const LOOKUPS_AT_ONCE: usize = 8;

/// What is kept of a migration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Body {
    pub(super) guid: String,
    pub(super) start: Start,
    pub(super) repositories: Vec<Repository>,
}

/// Starts a migration; its number.
pub(super) async fn start(
    service: &Service,
    caller: &Caller,
    of: Of<'_>,
    start: Start,
) -> Result<u64, GithubError> {
    let (kind, owner) = match of {
        Of::Organization(name) => (ORGANIZATION, name.to_owned()),
        Of::User => (USER, caller.user.clone()),
    };
    let names = full_names(&start.repositories, &owner)?;
    let repositories = look_up(service, &names, of).await?;
    let guid = Uuid::now_v7().to_string();
    let archive = format!("{guid}.tar.gz");
    let mut spec = service.spec(&job(service, &start, &repositories, &archive)).await?;
    spec.to = format!("{FORMAT}:{}", service.archives.place(&archive));
    let expires_at = now_ms()
        .saturating_add(i64::try_from(service.config.lock_lasts.as_millis()).unwrap_or(i64::MAX));
    let without_projects = start.org_metadata_only;
    let place = service.config.github_source.to_string();
    let locked = repositories.iter().filter(|_| start.lock_repositories);
    let locks =
        locked.map(|it| Lock { place: place.clone(), project: it.full_name.clone(), expires_at });
    let locks = locks.collect();
    let body = serde_json::to_value(Body { guid, start, repositories }).map_err(|error| {
        tracing::error!(%error, "a migration could not be kept");
        GithubError::new(http::StatusCode::INTERNAL_SERVER_ERROR, "Server Error")
    })?;
    let part = NewPart {
        spec,
        body: json!({WITHOUT_PROJECTS: without_projects}),
        sealed: None,
        sealed_target: None,
        archive: Some(archive),
        parent: None,
    };
    let user = caller.user.clone();
    Ok(service
        .accept(NewRequest { id: None, kind, owner, user, body, parts: vec![part], locks })
        .await?)
}

/// Names with their owners; each once.
fn full_names(names: &[String], owner: &str) -> Result<Vec<String>, GithubError> {
    let mut list: Vec<String> = Vec::new();
    for name in names {
        let full = if name.contains('/') { name.clone() } else { format!("{owner}/{name}") };
        let is_name = full.split('/').all(|it| !matches!(it, "" | "." | ".."))
            && !full.contains(|it: char| it.is_control() || it == '#');
        if !is_name {
            return Err(GithubError::invalid("repositories", format!("{name:?} is no repository")));
        }
        if !list.contains(&full) {
            list.push(full);
        }
    }
    Ok(list)
}

/// Looks every repository up at the source.
async fn look_up(
    service: &Service,
    names: &[String],
    of: Of<'_>,
) -> Result<Vec<Repository>, GithubError> {
    let scratch = service.scratch()?;
    let path = scratch.path();
    let found: Vec<(String, Option<Repository>)> = stream::iter(names.to_vec())
        .map(|name| async move {
            let found = look_up_one(service, &name, of, path).await?;
            Ok::<_, GithubError>((name, found))
        })
        .buffered(LOOKUPS_AT_ONCE)
        .try_collect()
        .await?;
    if let Some((name, _)) = found.iter().find(|(_, it)| it.is_none()) {
        let why = format!("the repository {name:?} could not be found");
        return Err(GithubError::invalid("repositories", why));
    }
    Ok(found.into_iter().filter_map(|it| it.1).collect())
}

async fn look_up_one(
    service: &Service,
    name: &str,
    of: Of<'_>,
    scratch: &Path,
) -> Result<Option<Repository>, GithubError> {
    let place = Location { project: Some(name.to_owned()), ..service.config.github_source.clone() };
    let lane = Lane::new(Scope::Shared, ObjectKind::Project);
    let page = match service.places.source(&place, scratch) {
        Ok(source) => source.read(&lane, None).await,
        Err(error) => Err(error),
    };
    let records = match page {
        Ok(page) => page.records,
        Err(error) if error.kind == HostErrorKind::NotFound => {
            tracing::info!(name, error = chain(&error), "the source has no such repository");
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let owner = name.split('/').next().unwrap_or(name);
    let by_organization = matches!(of, Of::Organization(org) if org == owner);
    let found = records.into_iter().find(|it| it.origin.id == name);
    let Some(Object::Project(project)) = found.map(|it| it.object) else { return Ok(None) };
    Ok(Some(Repository::of(&project, by_organization)))
}

fn job(service: &Service, start: &Start, repositories: &[Repository], archive: &str) -> NewJob {
    let from = service.config.github_source.clone();
    let to = Location {
        host: FORMAT.to_owned(),
        rest: service.archives.draft(archive).to_string_lossy().into_owned(),
        project: None,
        credentials: None,
        more_credentials: Vec::new(),
    };
    let pairs = repositories.iter().map(|it| Pair {
        source: it.full_name.clone(),
        target: None,
        said: "the migration".to_owned(),
    });
    let mut options = JobOptions { verify: true, ..JobOptions::default() };
    options.selection = Selection { pairs: pairs.collect(), ..Selection::default() };
    let skip = &mut options.skip;
    if start.exclude_metadata {
        options.only.extend([ObjectKind::Project, ObjectKind::Repository, ObjectKind::Wiki]);
        options.only.insert(ObjectKind::LfsObject);
    }
    if start.exclude_git_data {
        skip.extend([ObjectKind::Repository, ObjectKind::Wiki, ObjectKind::LfsObject]);
    }
    if start.exclude_attachments {
        skip.insert(ObjectKind::Attachment);
    }
    if start.exclude_releases {
        skip.extend([ObjectKind::Release, ObjectKind::ReleaseAsset]);
    }
    if start.exclude_owner_projects {
        skip.insert(ObjectKind::Board);
    }
    if start.org_metadata_only {
        options.only = ObjectKind::ALL.iter().copied().filter(|it| it.is_shared()).collect();
        options.skip.clear();
    }
    NewJob { from, to, options }
}
