//! A request as a fake sees it, and its answer.

use crate::{access::Caller, page::Window};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use std::path::PathBuf;

/// One request, whole.
#[derive(Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query, as sent.
    pub target: String,
    /// The parts of the path, decoded.
    pub segments: Vec<String>,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Who sent it.
    pub caller: Caller,
    /// The server's own address, without a `/` at its end.
    pub home: String,
}

impl Request {
    /// The first value of that name in the query.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// The header of that name, as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|it| it.to_str().ok())
    }

    /// The body as JSON; an object without fields when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| json!({}))
    }

    /// Whether there is a body, and it is not JSON.
    pub fn is_malformed(&self) -> bool {
        !self.body.is_empty() && serde_json::from_slice::<Value>(&self.body).is_err()
    }

    /// The page that is asked for, by the names of its parameters.
    pub fn window(&self, page: &str, size: &str, default: usize, most: usize) -> Window {
        let number = |name: &str| self.query(name).and_then(|it| it.parse::<usize>().ok());
        Window {
            page: number(page).unwrap_or(1).max(1),
            size: number(size).filter(|it| *it > 0).unwrap_or(default).min(most),
        }
    }
}

/// What an answer holds.
#[derive(Clone, Debug)]
pub enum Content {
    /// Nothing.
    Empty,
    /// Bytes.
    Bytes(Bytes),
    /// A file, sent from where the `Range` of the request says.
    File(PathBuf),
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub content: Content,
}

impl Answer {
    /// An answer without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), content: Content::Empty }
    }

    /// An answer with JSON.
    pub fn json(status: StatusCode, value: &Value) -> Self {
        let content = Content::Bytes(Bytes::from(value.to_string()));
        Self { status, headers: HeaderMap::new(), content }
            .with("content-type", "application/json; charset=utf-8")
    }

    /// `200 OK` with JSON.
    pub fn ok(value: &Value) -> Self {
        Self::json(StatusCode::OK, value)
    }

    /// `201 Created` with JSON.
    pub fn created(value: &Value) -> Self {
        Self::json(StatusCode::CREATED, value)
    }

    /// `204 No Content`.
    pub fn no_content() -> Self {
        Self::empty(StatusCode::NO_CONTENT)
    }

    /// A file's bytes.
    pub fn file(path: PathBuf, content_type: &str) -> Self {
        let content = Content::File(path);
        Self { status: StatusCode::OK, headers: HeaderMap::new(), content }
            .with("content-type", content_type)
    }

    /// Adds a header; one whose value cannot be sent is left out.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }
}

/// One exchange, as the log keeps it. SECURITY: headers of requests, where tokens are, are not kept.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The method.
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    /// Media type of the request's body.
    pub content_type: Option<String>,
    /// The request's body.
    pub body: Bytes,
    /// The status that was sent; `None` where the connection was cut instead.
    pub status: Option<u16>,
    /// Media type of the answer's body.
    pub answer_type: Option<String>,
    /// The answer's body as the host meant it, before any fault; empty for files.
    pub answer: Bytes,
    /// The fault that the fake made of it.
    pub fault: Option<crate::fault::Fault>,
}
