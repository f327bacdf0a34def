//! The routes: `/rest/api/{1.0,latest}/migration/{exports,imports}`.

use super::{
    error::BitbucketError,
    messages::{self, Wanted},
    progress::{self, Found},
    render,
    start::{self, Direction},
};
use crate::{
    Service,
    auth::{self, Forms},
    token::{Caller, Scope},
    web::object,
};
use axum::{
    Json, Router,
    extract::{FromRequestParts, Path, RawQuery, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use http::{StatusCode, request::Parts};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Names that the API goes by.
const ROOTS: [&str; 2] = ["/rest/api/1.0/migration", "/rest/api/latest/migration"];

/// Whether a path is one of this API's.
pub(crate) fn is_at(path: &str) -> bool {
    path.starts_with("/rest/")
}

/// The answer where nothing is.
pub(crate) fn not_found() -> Response {
    BitbucketError::not_found().into_response()
}

/// The routes.
pub(crate) fn router() -> Router<Arc<Service>> {
    let mut router = Router::new();
    for root in ROOTS {
        router = router
            .route(&format!("{root}/exports/preview"), post(preview))
            .route(&format!("{root}/{{direction}}"), post(begin))
            .route(&format!("{root}/{{direction}}/{{id}}"), get(show))
            .route(&format!("{root}/{{direction}}/{{id}}/messages"), get(list))
            .route(&format!("{root}/{{direction}}/{{id}}/cancel"), post(cancel));
    }
    router
}

/// Who calls, and about which job.
struct Call {
    caller: Caller,
    direction: Direction,
    id: Option<u64>,
}

impl FromRequestParts<Arc<Service>> for Call {
    type Rejection = BitbucketError;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, BitbucketError> {
        let is_look = parts.method == http::Method::GET || parts.method == http::Method::HEAD;
        let scope = if is_look { Scope::Read } else { Scope::Migrate };
        let caller = auth::caller(service, parts, Forms::Authorization, scope).await?;
        let path = Path::<Vec<(String, String)>>::from_request_parts(parts, service).await;
        let named = path.map(|it| it.0).unwrap_or_default();
        let value = |name: &str| named.iter().find(|it| it.0 == name).map(|it| it.1.as_str());
        let direction = match value("direction") {
            None | Some("exports") => Direction::Export,
            Some("imports") => Direction::Import,
            Some(_) => return Err(BitbucketError::not_found()),
        };
        let id = match value("id") {
            Some(text) => Some(text.parse().map_err(|_| BitbucketError::no_job())?),
            None => None,
        };
        Ok(Self { caller, direction, id })
    }
}

impl Call {
    /// The job that the path names.
    async fn find(&self, service: &Service) -> Result<Found, BitbucketError> {
        let id = self.id.ok_or_else(BitbucketError::no_job)?;
        let request = service.request_of(self.direction.kind(), id, &self.caller).await?;
        let request = request.ok_or_else(BitbucketError::no_job)?;
        let part = service.store.parts(id).await?.into_iter().next();
        let part = part.ok_or_else(BitbucketError::no_job)?;
        let job = service.job(part.job).await?.ok_or_else(BitbucketError::no_job)?;
        let progress = progress::of(service, self.direction, &request, &job).await?;
        Ok(Found { request, part, job, progress })
    }
}

fn fields(body: &[u8]) -> Result<Map<String, Value>, BitbucketError> {
    object(body).ok_or_else(|| BitbucketError::invalid("body", "The request is not a JSON object."))
}

async fn begin(
    State(service): State<Arc<Service>>,
    call: Call,
    body: Bytes,
) -> Result<Json<Value>, BitbucketError> {
    let body = fields(&body)?;
    let id = match call.direction {
        Direction::Export => start::export(&service, &call.caller, &body).await?,
        Direction::Import => start::import(&service, &call.caller, &body).await?,
    };
    let call = Call { id: Some(id), ..call };
    let found = call.find(&service).await?;
    Ok(Json(render::job(&service, call.direction, &found)))
}

async fn preview(
    State(service): State<Arc<Service>>,
    _call: Call,
    body: Bytes,
) -> Result<Json<Value>, BitbucketError> {
    let projects = start::projects(&service, &fields(&body)?).await?;
    Ok(Json(render::scopes(&projects)))
}

async fn show(
    State(service): State<Arc<Service>>,
    call: Call,
) -> Result<Json<Value>, BitbucketError> {
    let found = call.find(&service).await?;
    Ok(Json(render::job(&service, call.direction, &found)))
}

async fn list(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
    call: Call,
) -> Result<Json<Value>, BitbucketError> {
    let wanted = Wanted::of(query.as_deref())?;
    let found = call.find(&service).await?;
    Ok(Json(messages::page(&service, &found, &wanted).await?))
}

async fn cancel(
    State(service): State<Arc<Service>>,
    call: Call,
) -> Result<StatusCode, BitbucketError> {
    let found = call.find(&service).await?;
    if render::has_ended(&found) || found.request.cancelled_at.is_some() {
        return Err(BitbucketError::has_ended());
    }
    service.cancel(found.request.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
