//! What all APIs share: connections, request ids, limits, paging.

mod archive;
mod listen;
pub(crate) mod page;
mod request;
mod tls;
mod told;

pub(crate) use archive::address;
pub use listen::{Listening, serve};
pub(crate) use request::{Entry, object};
pub use tls::{Tls, TlsError};

use crate::{
    Service,
    auth::{self, Forms},
    dashboard, dialects, native,
    token::Scope,
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{StatusCode, header, request::Parts},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use packhorse_core::{error::chain, job::JobId};
use std::sync::Arc;

/// Largest body of a request, in bytes.
const LARGEST_BODY: usize = 1 << 20;

/// Everything that the service answers.
pub fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/_archives/{name}", get(archive::download))
        .merge(dialects::github::router())
        .merge(dialects::gitlab::router())
        .merge(dialects::bitbucket::router())
        .merge(native::router())
        .merge(dashboard::router())
        .fallback(nothing)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn_with_state(Arc::clone(&service), told::told))
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

/// What is counted.
///
/// SECURITY: names of hosts stand in it, so it is for whoever may see everything, unless the
/// configuration says that it is for all.
async fn metrics(State(service): State<Arc<Service>>, parts: Parts) -> Response {
    if !service.config.metrics_are_open {
        let caller = auth::caller(&service, &parts, Forms::Authorization, Scope::Admin).await;
        if let Err(denied) = caller {
            tracing::info!(?denied, "somebody may not see what is counted");
            let ask = [(header::WWW_AUTHENTICATE, "Bearer")];
            let why = "a token with the scope `admin` is needed\n";
            return (StatusCode::UNAUTHORIZED, ask, why).into_response();
        }
    }
    match service.store.states().await {
        Ok(states) => {
            let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
            (kind, service.metrics.text(&states)).into_response()
        }
        Err(error) => {
            tracing::error!(error = chain(&error), "jobs could not be counted");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
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
    native::not_found().into_response()
}
