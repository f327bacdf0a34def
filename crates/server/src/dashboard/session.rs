//! Who looks at the pages: a token of the service, behind a signed cookie.
//!
//! The cookie names the token by its public part, so taking the token back ends the session too.

use crate::{
    Service,
    key::Use,
    store::now_ms,
    token::{self, Caller, Scope},
};
use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, Method, header, request::Parts};
use packhorse_core::error::chain;
use std::sync::Arc;
use url::form_urlencoded;

/// How long somebody stays logged in, in seconds.
const LASTS: i64 = 12 * 3_600;

/// Name of the cookie.
const COOKIE: &str = "packhorse";

/// Name of the cookie over TLS, where browsers hold it to this very host.
const SECURE_COOKIE: &str = "__Host-packhorse";

/// Somebody who is logged in.
pub(super) struct Session {
    pub(super) caller: Caller,
    /// What forms of this session carry.
    pub(super) csrf: String,
}

const fn name(is_https: bool) -> &'static str {
    if is_https { SECURE_COOKIE } else { COOKIE }
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    let mut pairs = all.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

fn signed(service: &Service, of: Use, text: &str) -> String {
    URL_SAFE_NO_PAD.encode(service.key.sign(of, text.as_bytes()))
}

fn is_signed(service: &Service, of: Use, text: &str, signature: &str) -> bool {
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
    service.key.is_signed(of, text.as_bytes(), &bytes)
}

/// The header that logs a token's holder in.
pub(super) fn begin(service: &Service, caller: &Caller) -> Option<HeaderValue> {
    let until = now_ms() / 1_000 + LASTS;
    let nonce = service.key.random(9).ok()?;
    let text = format!("{}.{until}.{nonce}", caller.token);
    let signature = signed(service, Use::Sessions, &text);
    set(service, &format!("{text}.{signature}"), LASTS)
}

/// The header that logs anybody out.
pub(super) fn end(service: &Service) -> Option<HeaderValue> {
    set(service, "", 0)
}

/// SECURITY: no script reads it, no other site sends it along with a form.
fn set(service: &Service, value: &str, lasts: i64) -> Option<HeaderValue> {
    let is_https = service.is_https();
    let (name, secure) = (name(is_https), if is_https { "; Secure" } else { "" });
    let text = format!("{name}={value}; Path=/; Max-Age={lasts}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&text).ok()
}

impl Session {
    async fn of(service: &Service, headers: &HeaderMap) -> Option<Self> {
        let value = cookie(headers, name(service.is_https()))?;
        let (text, signature) = value.rsplit_once('.')?;
        if !is_signed(service, Use::Sessions, text, signature) {
            return None;
        }
        let mut fields = text.split('.');
        let (id, until) = (fields.next()?, fields.next()?.parse::<i64>().ok()?);
        if until * 1_000 < now_ms() {
            return None;
        }
        let caller = match token::known(&service.store, id).await {
            Ok(caller) => caller?,
            Err(error) => {
                tracing::error!(error = chain(&error), "a session could not be looked up");
                return None;
            }
        };
        let csrf = signed(service, Use::Forms, text);
        caller.may(Scope::Read).then_some(Self { caller, csrf })
    }

    /// Whether a form was made for this session.
    pub(super) fn made(&self, form: &Form) -> bool {
        let sent = form.text("csrf").unwrap_or_default();
        // Both are of one length, and neither says anything of the other.
        sent.len() == self.csrf.len()
            && sent.bytes().zip(self.csrf.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
    }
}

/// Whether a request that changes something comes from a page of this service.
///
/// SECURITY: beside the token in forms; also for the one form that nobody is logged in for.
pub(super) fn is_ours(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|it| it.to_str().ok());
    let site = text("sec-fetch-site").is_none_or(|it| matches!(it, "same-origin" | "none"));
    let origin = match text("origin") {
        None => true,
        Some(origin) => {
            let host = origin.split_once("://").map_or("", |it| it.1);
            text("host").is_some_and(|it| it.eq_ignore_ascii_case(host))
        }
    };
    site && origin
}

/// To the log-in, and back afterwards.
pub(super) struct LogIn(String);

impl IntoResponse for LogIn {
    fn into_response(self) -> Response {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("to", &self.0);
        Redirect::to(&format!("/login?{}", query.finish())).into_response()
    }
}

impl FromRequestParts<Arc<Service>> for Session {
    type Rejection = LogIn;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, LogIn> {
        let to = match parts.method {
            Method::GET => parts.uri.path_and_query().map_or("/jobs", |it| it.as_str()),
            _ => "/jobs",
        };
        Self::of(service, &parts.headers).await.ok_or_else(|| LogIn(to.to_owned()))
    }
}

/// A page of this service, or the list of jobs.
///
/// SECURITY: nobody is led elsewhere after a log-in.
pub(super) fn way_back(to: Option<String>) -> String {
    let is_ours = |it: &String| {
        it.starts_with('/') && !it.starts_with("//") && !it.contains(['\\', '\r', '\n'])
    };
    to.filter(is_ours).unwrap_or_else(|| "/jobs".to_owned())
}

/// What a form sent.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn read(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        let found = self.0.iter().find(|it| it.0 == name)?.1.trim();
        (!found.is_empty()).then(|| found.to_owned())
    }

    pub(super) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|it| it.0 == name).map(|it| it.1.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_the_service_are_come_back_to() {
        let back = |to: &str| way_back(Some(to.to_owned()));
        assert_eq!(back("/jobs/7?x=1"), "/jobs/7?x=1");
        for elsewhere in ["//evil.example", "https://evil.example", "/\\evil.example", "jobs", ""] {
            assert_eq!(back(elsewhere), "/jobs", "{elsewhere}");
        }
    }

    #[test]
    fn a_form_of_another_site_is_known() {
        let check = |list: &[(&'static str, &'static str)], expected: bool| {
            let mut headers = HeaderMap::new();
            headers.insert("host", HeaderValue::from_static("h.example:8080"));
            for (name, value) in list {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            assert_eq!(is_ours(&headers), expected, "{list:?}");
        };
        check(&[], true);
        check(&[("origin", "http://h.example:8080"), ("sec-fetch-site", "same-origin")], true);
        check(&[("origin", "http://evil.example")], false);
        check(&[("origin", "null")], false);
        check(&[("sec-fetch-site", "cross-site")], false);
        check(&[("sec-fetch-site", "same-site")], false);
    }
}
