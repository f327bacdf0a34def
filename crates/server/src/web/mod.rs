//! What all APIs share: connections, request ids, limits, paging.

mod archive;
mod listen;
pub(crate) mod page;
mod request;

pub(crate) use archive::address;
pub use listen::{Listening, serve};
pub(crate) use request::{Entry, object};

use crate::{Service, dialects};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderValue, StatusCode, header::HeaderName},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use packhorse_core::{error::chain, job::JobId};
use serde_json::json;
use std::{sync::Arc, time::Instant};
use uuid::Uuid;

/// Largest body of a request, in bytes.
const LARGEST_BODY: usize = 1 << 20;

/// Name of the header that tells a request from others.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest request id of a client that is taken over, in bytes.
const LONGEST_ID: usize = 64;

/// Everything that the service answers.
pub fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/_archives/{name}", get(archive::download))
        .merge(dialects::github::router())
        .merge(dialects::gitlab::router())
        .merge(dialects::bitbucket::router())
        .fallback(nothing)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn(told))
        .with_state(service)
}

/// Whether the databases answer.
async fn ready(State(service): State<Arc<Service>>) -> Response {
    let journal = service.journal.jobs(Some(JobId(0))).await.err().map(|it| chain(&it));
    let store = service.store.unsettled(1).await.err().map(|it| chain(&it));
    match journal.or(store) {
        None => "ready\n".into_response(),
        Some(why) => {
            tracing::error!(error = why, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "a database does not answer\n").into_response()
        }
    }
}

/// The answer where nothing is, in the words of the API that the path begins with.
async fn nothing(request: Request) -> Response {
    if dialects::github::is_at(request.uri().path()) {
        return dialects::github::not_found();
    }
    if dialects::gitlab::is_at(request.uri().path()) {
        return dialects::gitlab::not_found();
    }
    if dialects::bitbucket::is_at(request.uri().path()) {
        return dialects::bitbucket::not_found();
    }
    (StatusCode::NOT_FOUND, Json(json!({"message": "Not Found"}))).into_response()
}

/// Gives every request an id, and tells how it went.
///
/// SECURITY: a query may hold a token, so it is not told.
async fn told(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = request_id(&request);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = next.run(request).await;
    tracing::info!(
        request = id,
        %method,
        path,
        status = response.status().as_u16(),
        micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
        "answered"
    );
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    response
}

/// The client's own id where it is harmless, or a new one.
fn request_id(request: &Request) -> String {
    let sent = request.headers().get(REQUEST_ID).and_then(|it| it.to_str().ok());
    let is_plain = |it: &&str| {
        (1..=LONGEST_ID).contains(&it.len())
            && it.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
    };
    sent.filter(is_plain).map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}
