//! The routes: `/api/v4/bulk_imports`.

use super::{
    error::GitlabError,
    form, render, start,
    status::{self, Found, KIND, STATUSES},
    wire::Start,
};
use crate::{
    Service,
    auth::{self, Forms},
    store::{PartQuery, Query, Request},
    token::{Caller, Scope},
    web::{Entry, object, page::Paging},
};
use axum::{
    Json, Router,
    extract::{FromRequestParts, Path, RawQuery, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use serde_json::Value;
use std::{sync::Arc, time::Instant};
use url::form_urlencoded;

/// Where the API is.
const ROOT: &str = "/api/v4/bulk_imports";

/// Rows of a page, unless something else is said, and at most.
const PER_PAGE: (u64, u64) = (20, 100);

/// Whether a path is one of this API's.
pub(crate) fn is_at(path: &str) -> bool {
    path.starts_with("/api/v4/")
}

/// The answer where nothing is.
pub(crate) fn not_found() -> Response {
    GitlabError::not_found().into_response()
}

/// The routes.
pub(crate) fn router() -> Router<Arc<Service>> {
    Router::new()
        .route(ROOT, get(index).post(begin))
        .route(&format!("{ROOT}/entities"), get(all_entities))
        .route(&format!("{ROOT}/{{id}}"), get(show))
        .route(&format!("{ROOT}/{{id}}/cancel"), post(cancel))
        .route(&format!("{ROOT}/{{id}}/entities"), get(entities))
        .route(&format!("{ROOT}/{{id}}/entities/{{entity}}"), get(entity))
        .route(&format!("{ROOT}/{{id}}/entities/{{entity}}/failures"), get(failures))
}

/// Who calls, and about what.
struct Call {
    caller: Caller,
    id: Option<u64>,
    entity: Option<u64>,
}

impl FromRequestParts<Arc<Service>> for Call {
    type Rejection = GitlabError;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, GitlabError> {
        let is_look = parts.method == http::Method::GET || parts.method == http::Method::HEAD;
        let scope = if is_look { Scope::Read } else { Scope::Migrate };
        let caller = auth::caller(service, parts, Forms::PrivateToken, scope).await?;
        let path = Path::<Vec<(String, String)>>::from_request_parts(parts, service).await;
        let named = path.map(|it| it.0).unwrap_or_default();
        let number = |name: &str| match named.iter().find(|it| it.0 == name) {
            None => Ok(None),
            Some((_, text)) => match text.parse::<u64>() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(GitlabError::parameters(format!(
                    "{} is invalid",
                    if name == "id" { "import_id" } else { "entity_id" }
                ))),
            },
        };
        Ok(Self { caller, id: number("id")?, entity: number("entity")? })
    }
}

impl Call {
    /// The migration that the path names.
    async fn request(&self, service: &Service) -> Result<Request, GitlabError> {
        let id = self.id.ok_or_else(GitlabError::not_found)?;
        let found = service.request_of(KIND, id, &self.caller).await?;
        found.ok_or_else(GitlabError::not_found)
    }

    /// The entity that the path names.
    async fn found(&self, service: &Service) -> Result<(Request, Found), GitlabError> {
        let request = self.request(service).await?;
        let parts = service.store.parts(request.id).await?;
        let part = parts.into_iter().find(|it| Some(it.id) == self.entity);
        let part = part.ok_or_else(GitlabError::not_found)?;
        let found = status::entity(service, &request, part).await?;
        Ok((request, found.ok_or_else(GitlabError::not_found)?))
    }
}

/// What a client wants of a list.
struct Wanted {
    paging: Paging,
    status: Option<String>,
    oldest_first: bool,
}

impl Wanted {
    fn of(query: Option<&str>) -> Result<Self, GitlabError> {
        let value = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
            pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let status = value("status");
        if status.as_deref().is_some_and(|it| !STATUSES.contains(&it)) {
            return Err(GitlabError::parameters("status does not have a valid value"));
        }
        let oldest_first = match value("sort").as_deref() {
            None | Some("desc") => false,
            Some("asc") => true,
            Some(_) => return Err(GitlabError::parameters("sort does not have a valid value")),
        };
        Ok(Self { paging: Paging::of(query, PER_PAGE), status, oldest_first })
    }

    fn query(&self, caller: &Caller) -> Query {
        Query {
            kind: KIND,
            owner: None,
            user: caller.sees(),
            status: self.status.clone(),
            offset: self.paging.offset(),
            limit: self.paging.per_page,
            oldest_first: self.oldest_first,
        }
    }

    fn entities(&self, caller: &Caller, request: Option<u64>) -> PartQuery {
        PartQuery {
            kind: Some(KIND),
            request,
            user: caller.sees(),
            entity: self.status.clone(),
            offset: self.paging.offset(),
            limit: self.paging.per_page,
            oldest_first: self.oldest_first,
        }
    }

    /// A page, with the headers that tell where to go on.
    fn answer(
        &self,
        entry: &Entry,
        path: &str,
        query: Option<&str>,
        (rows, total): (Vec<Value>, u64),
    ) -> Response {
        let Paging { page, per_page } = self.paging;
        let pages = self.paging.pages(total);
        let text = |number: Option<u64>| number.map(|it| it.to_string()).unwrap_or_default();
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-page", Some(page)),
            ("x-per-page", Some(per_page)),
            ("x-next-page", (page < pages).then_some(page + 1)),
            ("x-prev-page", (page > 1).then(|| page - 1)),
            ("x-total", Some(total)),
            ("x-total-pages", Some(pages)),
        ] {
            if let Ok(value) = HeaderValue::from_str(&text(value)) {
                headers.insert(name, value);
            }
        }
        if let Some(link) = self.paging.link(&format!("{}{path}", entry.0), query, total) {
            headers.insert(header::LINK, link);
        }
        (headers, Json(rows)).into_response()
    }
}

async fn begin(
    State(service): State<Arc<Service>>,
    call: Call,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, GitlabError> {
    let most = service.config.gitlab_starts_a_minute;
    if let Some(wait) = service.starts.too_many(&call.caller.user, most, Instant::now()) {
        return Err(GitlabError::too_many(wait.as_secs().max(1)));
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let is_form = kind.is_some_and(|it| it.starts_with("application/x-www-form-urlencoded"));
    // A program that sends JSON without saying so is understood.
    let fields = if is_form && !body.starts_with(b"{") { form::read(&body) } else { object(&body) };
    let fields = fields.ok_or_else(|| GitlabError::parameters("The request is not valid JSON"))?;
    let id = start::start(&service, &call.caller, Start::read(&fields)?).await?;
    let request = Call { id: Some(id), ..call }.request(&service).await?;
    let entities = status::entities(&service, &request).await?;
    Ok((StatusCode::CREATED, Json(render::migration(&request, &entities))).into_response())
}

async fn index(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
    entry: Entry,
    call: Call,
) -> Result<Response, GitlabError> {
    let wanted = Wanted::of(query.as_deref())?;
    let (requests, total) = service.store.requests(wanted.query(&call.caller)).await?;
    let mut list = Vec::new();
    for request in requests {
        let entities = status::entities(&service, &request).await?;
        list.push(render::migration(&request, &entities));
    }
    Ok(wanted.answer(&entry, ROOT, query.as_deref(), (list, total)))
}

async fn show(State(service): State<Arc<Service>>, call: Call) -> Result<Json<Value>, GitlabError> {
    let request = call.request(&service).await?;
    let entities = status::entities(&service, &request).await?;
    Ok(Json(render::migration(&request, &entities)))
}

/// The entities that a client wants, and how many there are of those.
async fn listed(service: &Service, wanted: PartQuery) -> Result<(Vec<Value>, u64), GitlabError> {
    let (page, total) = service.store.listed(wanted).await?;
    let mut rows = Vec::new();
    for (request, part) in page {
        if let Some(found) = status::entity(service, &request, part).await? {
            rows.push(render::entity(service, &request, &found).await?);
        }
    }
    Ok((rows, total))
}

async fn all_entities(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
    entry: Entry,
    call: Call,
) -> Result<Response, GitlabError> {
    let wanted = Wanted::of(query.as_deref())?;
    let page = listed(&service, wanted.entities(&call.caller, None)).await?;
    Ok(wanted.answer(&entry, &format!("{ROOT}/entities"), query.as_deref(), page))
}

async fn entities(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
    entry: Entry,
    call: Call,
) -> Result<Response, GitlabError> {
    let wanted = Wanted::of(query.as_deref())?;
    let request = call.request(&service).await?;
    let path = format!("{ROOT}/{}/entities", request.id);
    let page = listed(&service, wanted.entities(&call.caller, Some(request.id))).await?;
    Ok(wanted.answer(&entry, &path, query.as_deref(), page))
}

async fn entity(
    State(service): State<Arc<Service>>,
    call: Call,
) -> Result<Json<Value>, GitlabError> {
    let (request, found) = call.found(&service).await?;
    Ok(Json(render::entity(&service, &request, &found).await?))
}

async fn failures(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
    call: Call,
) -> Result<Json<Vec<Value>>, GitlabError> {
    let paging = Paging::of(query.as_deref(), PER_PAGE);
    let (request, found) = call.found(&service).await?;
    let limit = usize::try_from(paging.per_page).unwrap_or(usize::MAX);
    let page = (paging.offset(), limit);
    Ok(Json(render::all_failures(&service, &request, &found, page).await?))
}

async fn cancel(
    State(service): State<Arc<Service>>,
    call: Call,
) -> Result<Json<Value>, GitlabError> {
    let request = call.request(&service).await?;
    let entities = status::entities(&service, &request).await?;
    if entities.iter().any(|it| matches!(it.status, "created" | "started")) {
        service.cancel(request.id).await?;
    }
    let request = call.request(&service).await?;
    let entities = status::entities(&service, &request).await?;
    Ok(Json(render::migration(&request, &entities)))
}
