//! What goes around every answer: an id, a line of the log, a count, headers that guard.

use crate::{Service, dialects};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header, header::HeaderName},
    middleware::Next,
    response::Response,
};
use http::Method;
use std::{sync::Arc, time::Instant};
use uuid::Uuid;

/// Name of the header that tells a request from others.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest request id of a client that is taken over, in bytes.
const LONGEST_ID: usize = 64;

/// What a browser may do with an answer that says nothing else.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";

/// Which API a path belongs to.
pub(super) fn api(path: &str) -> &'static str {
    match path {
        "/healthz" | "/readyz" | "/metrics" => "operation",
        _ if dialects::github::is_at(path) => "github",
        _ if dialects::gitlab::is_at(path) => "gitlab",
        _ if dialects::bitbucket::is_at(path) => "bitbucket",
        _ if path.starts_with("/api/v1") => "native",
        _ if path.starts_with("/_archives/") => "archives",
        _ => "pages",
    }
}

/// A method that there is; what a client makes up is no label.
const fn method(of: &Method) -> &'static str {
    match *of {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Gives every request an id, and tells how it went.
///
/// SECURITY: a query may hold a token, so it is not told.
pub(super) async fn told(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let id = request_id(&request);
    let (of, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = next.run(request).await;
    let took = begun.elapsed();
    let status = response.status().as_u16();
    tracing::info!(
        request = id,
        method = %of,
        path,
        status,
        micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "answered"
    );
    service.metrics.answered(api(&path), method(&of), (status, took));
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    guard(headers, service.is_https());
    response
}

/// SECURITY: nobody frames what is answered, guesses its type, or learns where people came from;
/// the service itself does, or browsers would not say which site a form is of.
fn guard(headers: &mut HeaderMap, is_https: bool) {
    let always = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in always {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(NOTHING));
    if is_https {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
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
