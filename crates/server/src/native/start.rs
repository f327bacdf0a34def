//! From what was asked for to a job, and to a plan of one.

use super::{
    act::{FROM_SEALED, TO_SEALED},
    error::Problem,
    wire::Start,
};
use crate::{
    Service,
    places::{Opening, Standing},
    service::{NewJob, ServiceError},
    store::{NewPart, NewRequest},
    token::{Caller, Scope},
};
use packhorse_core::{GitCredentials, Location, Secret, error::chain, job::JobId, plan::Plan};
use serde_json::json;
use std::{
    path::{Component, Path},
    time::{Duration, Instant},
};
use url::Url;

/// Kind of the requests.
pub(crate) const KIND: &str = "native";

/// What the embedded store is called.
pub(crate) const STORE: &str = "store";

/// Longest location, in bytes.
const LONGEST_LOCATION: usize = 4_096;

/// How long a plan may take before somebody has to make a job of it.
const PLAN_PATIENCE: Duration = Duration::from_secs(120);

/// A place of a request, as it may be used by who named it.
struct Place {
    location: Location,
    token: Option<Secret>,
}

/// Starts a migration; its job.
pub(crate) async fn start(
    service: &Service,
    caller: &Caller,
    start: Start,
) -> Result<JobId, Problem> {
    let asked = json!({"from": start.from, "to": start.to});
    let (job, from, to) = read(service, caller, start).await?;
    let sealed = |place: &Place| -> Result<_, Problem> {
        let Some(token) = &place.token else { return Ok(None) };
        let sealed = service.key.seal(token, &place.location.to_string());
        Ok(Some(sealed.map_err(ServiceError::from)?))
    };
    let part = NewPart {
        spec: service.spec(&job).await?,
        body: json!({FROM_SEALED: from.token.is_some(), TO_SEALED: to.token.is_some()}),
        sealed: sealed(&from)?,
        sealed_target: sealed(&to)?,
        archive: None,
        parent: None,
    };
    let request = NewRequest {
        id: None,
        kind: KIND,
        owner: String::new(),
        user: caller.user.clone(),
        body: asked,
        parts: vec![part],
        locks: Vec::new(),
    };
    let id = service.accept(request).await?;
    let part = service.store.parts(id).await?.into_iter().next();
    part.map(|it| it.job).ok_or_else(Problem::no_job)
}

/// Says what a migration would do; nothing is made and nothing kept.
pub(crate) async fn plan(
    service: &Service,
    caller: &Caller,
    start: Start,
) -> Result<Plan, Problem> {
    let (job, ..) = read(service, caller, start).await?;
    let scratch = service.scratch()?;
    let source = service.places.source(&job.from, scratch.path());
    source.map_err(ServiceError::Source)?;
    let ends = service.places.ends(&job.from, &job.to, scratch.path(), Opening::Plan);
    let ends = ends.map_err(ServiceError::Destination)?;
    let drawn = packhorse_engine::plan(&ends, &job.options, Some(&*service.journal));
    match tokio::time::timeout(PLAN_PATIENCE, drawn).await {
        Ok(plan) => plan.map_err(|error| Problem::invalid(chain(&error))),
        Err(_) => Err(Problem::new(
            http::StatusCode::GATEWAY_TIMEOUT,
            "the plan takes longer than one may wait for here; start the job, its plan comes first",
        )),
    }
}

async fn read(
    service: &Service,
    caller: &Caller,
    start: Start,
) -> Result<(NewJob, Place, Place), Problem> {
    let most = service.config.starts_a_minute;
    if let Some(wait) = service.own_starts.too_many(&caller.user, most, Instant::now()) {
        return Err(Problem::too_many(wait));
    }
    let from = place(service, caller, ("from", &start.from, start.from_token)).await?;
    let to = place(service, caller, ("to", &start.to, start.to_token)).await?;
    let options = start.options.read(from.location.project.clone(), to.location.project.clone())?;
    let with_token = |place: &Place| {
        let credentials = place
            .token
            .clone()
            .map(|password| GitCredentials { username: "git".to_owned(), password });
        Location { credentials, ..place.location.clone() }
    };
    let job = NewJob { from: with_token(&from), to: with_token(&to), options };
    Ok((job, from, to))
}

/// Reads a location, and whether the caller may use it.
///
/// SECURITY: places that the configuration does not name are reached with the caller's own token,
/// over networks that are open; files are those of the service's own directories, unless the
/// caller may do everything.
async fn place(
    service: &Service,
    caller: &Caller,
    (field, text, token): (&str, &str, Option<String>),
) -> Result<Place, Problem> {
    let fail = |why: &str| Problem::invalid(format!("`{field}`: {why}"));
    if text.len() > LONGEST_LOCATION || text.chars().any(char::is_control) {
        return Err(fail("is no location"));
    }
    let own = format!("local:{}", service.config.store().display());
    let text = if text == STORE { &own } else { text };
    let (location, standing) = service.places.locate(text).map_err(|error| fail(&error))?;
    if location.address().1.is_some() {
        return Err(fail("holds a password or token; say it apart from the location"));
    }
    let token = token.filter(|it| !it.is_empty()).map(Secret::new);
    match standing {
        Standing::Configured => {}
        Standing::Elsewhere => {
            let url = location.rest.parse::<Url>();
            let url = url.map_err(|_| fail("is neither a path here nor an address"))?;
            if !matches!(url.scheme(), "http" | "https") {
                return Err(fail("is no address that begins with http:// or https://"));
            }
            let checked = service.config.networks.check(&url).await;
            checked.map_err(|error| fail(&error.to_string()))?;
            if token.is_none() {
                return Err(fail("is no place of the configuration, so it needs a token"));
            }
        }
        Standing::Disk if caller.may(Scope::Admin) => {}
        Standing::Disk => {
            if !is_ours(service, &location.rest) {
                let why = "is outside the service's directories; that needs the scope `admin`";
                return Err(fail(why));
            }
        }
    }
    Ok(Place { location, token })
}

/// Whether a path lies within the store or a directory of archives.
fn is_ours(service: &Service, path: &str) -> bool {
    let path = Path::new(path);
    let is_plain = !path.components().any(|it| matches!(it, Component::ParentDir));
    let config = &service.config;
    let store = config.store();
    let ours = [&store, &config.bitbucket_imports, &config.bitbucket_exports];
    // What is not there yet lies where the nearest directory that is there does, links followed.
    let there = path.ancestors().find_map(|it| it.canonicalize().ok());
    is_plain
        && ours.iter().any(|it| {
            path.starts_with(it)
                && (!it.exists()
                    || it
                        .canonicalize()
                        .is_ok_and(|own| there.as_ref().is_some_and(|it| it.starts_with(own))))
        })
}
