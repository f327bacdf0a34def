//! The routes: `/orgs/{org}/migrations` and `/user/migrations`, with and without `/api/v3`.

use super::{
    error::GithubError,
    export::{self, Body, ORGANIZATION, USER},
    render::{Addresses, Of, migration},
    wire::{Start, excluded},
};
use crate::{
    Service,
    auth::{self, Forms},
    store::{Part, Query, Request},
    sweep,
    token::{Caller, Scope},
    web::{Entry, address, object, page::Paging},
};
use axum::{
    Json, Router,
    extract::{FromRequestParts, Path, RawQuery, State},
    response::{IntoResponse, Response},
    routing::{delete, get},
};
use bytes::Bytes;
use http::{StatusCode, header, request::Parts};
use packhorse_core::job::{JobState, JobView};
use serde_json::Value;
use std::sync::Arc;
use url::form_urlencoded;

/// Where an enterprise server has its API.
const ENTERPRISE: &str = "/api/v3";

/// Rows of a page, unless something else is said, and at most.
const PER_PAGE: (u64, u64) = (30, 100);

/// Whether a path is one of this API's.
pub(crate) fn is_at(path: &str) -> bool {
    let path = path.strip_prefix(ENTERPRISE).unwrap_or(path);
    path.starts_with("/orgs/") || path.starts_with("/user/")
}

/// The answer where nothing is.
pub(crate) fn not_found() -> Response {
    GithubError::not_found().into_response()
}

/// The routes.
pub(crate) fn router() -> Router<Arc<Service>> {
    Router::new().merge(below("")).merge(below(ENTERPRISE))
}

fn below(prefix: &str) -> Router<Arc<Service>> {
    let mut router = Router::new();
    for list in ["/orgs/{org}/migrations", "/user/migrations"] {
        let list = format!("{prefix}{list}");
        let one = format!("{list}/{{id}}");
        router = router
            .route(&list, get(index).post(start))
            .route(&one, get(show))
            .route(&format!("{one}/archive"), get(archive).delete(delete_archive))
            .route(&format!("{one}/repos/{{repository}}/lock"), delete(unlock))
            .route(&format!("{one}/repositories"), get(repositories));
    }
    router.method_not_allowed_fallback(|| async { not_found() })
}

/// Who calls, about whose migrations, and by which address.
struct Call {
    caller: Caller,
    /// `None` for the caller's own.
    organization: Option<String>,
    id: Option<u64>,
    repository: Option<String>,
    at: Addresses,
}

impl FromRequestParts<Arc<Service>> for Call {
    type Rejection = GithubError;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, GithubError> {
        let is_look = parts.method == http::Method::GET || parts.method == http::Method::HEAD;
        let scope = if is_look { Scope::Read } else { Scope::Migrate };
        let caller = auth::caller(service, parts, Forms::Authorization, scope).await?;
        let Ok(Entry(web)) = Entry::from_request_parts(parts, service).await;
        let path = Path::<Vec<(String, String)>>::from_request_parts(parts, service).await;
        let named = path.map(|it| it.0).unwrap_or_default();
        let value = |name: &str| named.iter().find(|it| it.0 == name).map(|it| it.1.clone());
        let id = match value("id") {
            Some(text) => Some(text.parse().map_err(|_| GithubError::not_found())?),
            None => None,
        };
        let is_enterprise = parts.uri.path().starts_with(ENTERPRISE);
        let api = if is_enterprise { format!("{web}{ENTERPRISE}") } else { web.clone() };
        Ok(Self {
            caller,
            organization: value("org"),
            id,
            repository: value("repository"),
            at: Addresses { api, web },
        })
    }
}

/// A migration with its one job.
struct Found {
    request: Request,
    body: Body,
    part: Part,
    job: JobView,
}

impl Call {
    fn of(&self) -> Of<'_> {
        self.organization.as_deref().map_or(Of::User, Of::Organization)
    }

    fn kind(&self) -> &'static str {
        if self.organization.is_some() { ORGANIZATION } else { USER }
    }

    /// The migration that the path names.
    async fn find(&self, service: &Service) -> Result<Found, GithubError> {
        let id = self.id.ok_or_else(GithubError::not_found)?;
        let request = service.request_of(self.kind(), id, &self.caller).await?;
        let request = request.filter(|it| {
            self.organization.as_ref().is_none_or(|org| it.owner.eq_ignore_ascii_case(org))
        });
        let request = request.ok_or_else(GithubError::not_found)?;
        self.load(service, request).await?.ok_or_else(GithubError::not_found)
    }

    async fn load(
        &self,
        service: &Service,
        request: Request,
    ) -> Result<Option<Found>, GithubError> {
        let Some(part) = service.store.parts(request.id).await?.into_iter().next() else {
            return Ok(None);
        };
        let Some(job) = service.job(part.job).await? else { return Ok(None) };
        let Ok(body) = serde_json::from_value(request.body.clone()) else { return Ok(None) };
        Ok(Some(Found { request, body, part, job }))
    }

    fn render(&self, found: &Found, exclude: &[String]) -> Value {
        migration((&found.request, &found.body), &found.job, (&self.at, self.of()), exclude)
    }
}

/// What a query says to leave out.
fn query_excludes(query: Option<&str>) -> Result<Vec<String>, GithubError> {
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let words = pairs.filter(|(name, _)| name == "exclude" || name == "exclude[]");
    excluded(words.map(|(_, value)| value.into_owned()).collect())
}

async fn start(
    State(service): State<Arc<Service>>,
    call: Call,
    body: Bytes,
) -> Result<Response, GithubError> {
    let body = object(&body).ok_or_else(GithubError::not_json)?;
    let start = Start::read(&body)?;
    let exclude = start.exclude.clone();
    let id = export::start(&service, &call.caller, call.of(), start).await?;
    let found = Call { id: Some(id), ..call };
    let (call, found) = (&found, found.find(&service).await?);
    Ok((StatusCode::CREATED, Json(call.render(&found, &exclude))).into_response())
}

async fn index(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
    call: Call,
) -> Result<Response, GithubError> {
    let exclude = query_excludes(query.as_deref())?;
    let paging = Paging::of(query.as_deref(), PER_PAGE);
    let user = if call.organization.is_some() {
        call.caller.sees()
    } else {
        Some(call.caller.user.clone())
    };
    let wanted = Query {
        kind: call.kind(),
        owner: call.organization.clone(),
        user,
        status: None,
        offset: paging.offset(),
        limit: paging.per_page,
        oldest_first: false,
    };
    let (requests, total) = service.store.requests(wanted).await?;
    let mut list = Vec::new();
    for request in requests {
        if let Some(found) = call.load(&service, request).await? {
            list.push(call.render(&found, &exclude));
        }
    }
    let url = call.at.list(call.of());
    Ok(with_link(paging.link(&url, query.as_deref(), total), Json(list)))
}

fn with_link(link: Option<http::HeaderValue>, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    if let Some(link) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

async fn show(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
    call: Call,
) -> Result<Json<Value>, GithubError> {
    let exclude = query_excludes(query.as_deref())?;
    let found = call.find(&service).await?;
    Ok(Json(call.render(&found, &exclude)))
}

async fn repositories(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
    call: Call,
) -> Result<Response, GithubError> {
    let found = call.find(&service).await?;
    let paging = Paging::of(query.as_deref(), PER_PAGE);
    let all = &found.body.repositories;
    let skip = usize::try_from(paging.offset()).unwrap_or(usize::MAX);
    let take = usize::try_from(paging.per_page).unwrap_or(usize::MAX);
    let page = all.iter().skip(skip).take(take);
    let list: Vec<_> = page.map(|it| it.render(&call.at.api, &call.at.web)).collect();
    let url = format!("{}/{}/repositories", call.at.list(call.of()), found.request.id);
    Ok(with_link(paging.link(&url, query.as_deref(), all.len() as u64), Json(list)))
}

/// The address of the archive, in the header and, for clients that look there, as the body.
async fn archive(
    State(service): State<Arc<Service>>,
    entry: Entry,
    call: Call,
) -> Result<Response, GithubError> {
    let found = call.find(&service).await?;
    let is_made = found.job.state == JobState::Finished;
    let name = found.part.archive.filter(|_| is_made).ok_or_else(GithubError::not_found)?;
    let url = address(&service, &entry.0, &name).await?;
    let headers = [
        (header::LOCATION, url.clone()),
        (header::CONTENT_TYPE, "text/html;charset=utf-8".to_owned()),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok((StatusCode::FOUND, headers, url).into_response())
}

async fn delete_archive(
    State(service): State<Arc<Service>>,
    call: Call,
) -> Result<StatusCode, GithubError> {
    let found = call.find(&service).await?;
    if found.job.state != JobState::Finished || found.part.archive.is_none() {
        return Err(GithubError::not_found());
    }
    sweep::remove_archive(&service, &found.part).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn unlock(
    State(service): State<Arc<Service>>,
    call: Call,
) -> Result<StatusCode, GithubError> {
    let found = call.find(&service).await?;
    let name = call.repository.as_deref().unwrap_or_default();
    let known = found.body.repositories.iter().find(|it| it.name() == name);
    let known = known.ok_or_else(GithubError::not_found)?;
    if service.unlock(found.request.id, &known.full_name).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(GithubError::not_found())
    }
}
