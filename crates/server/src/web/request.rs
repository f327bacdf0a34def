//! How a request is looked at, whichever API it is for.

use crate::Service;
use axum::extract::FromRequestParts;
use http::{HeaderMap, header::HOST, request::Parts};
use serde_json::{Map, Value};
use std::convert::Infallible;
use std::sync::Arc;

/// The address by which a client reached the service, without a slash at its end.
#[derive(Clone, Debug)]
pub(crate) struct Entry(pub(crate) String);

impl FromRequestParts<Arc<Service>> for Entry {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Infallible> {
        if let Some(url) = &service.config.external_url {
            return Ok(Self(url.as_str().trim_end_matches('/').to_owned()));
        }
        let scheme = if service.is_https() { "https" } else { "http" };
        Ok(Self(format!("{scheme}://{}", host(&parts.headers).unwrap_or("localhost"))))
    }
}

/// The host that a client named, where it can be one.
fn host(headers: &HeaderMap) -> Option<&str> {
    let host = headers.get(HOST)?.to_str().ok()?;
    let is_plain = |it: char| it.is_ascii_alphanumeric() || ".:-[]".contains(it);
    (!host.is_empty() && host.len() < 256 && host.chars().all(is_plain)).then_some(host)
}

/// A body as a JSON object; an empty one counts as an object without fields.
pub(crate) fn object(body: &[u8]) -> Option<Map<String, Value>> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Some(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Some(map),
        Ok(_) | Err(_) => None,
    }
}
