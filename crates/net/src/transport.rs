//! One HTTP request, one answer, and the trait between them.
//!
//! Everything that stands between a host's adapter and the network is a
//! [`Transport`] around a [`Transport`]: what it adds is its file's name.

use crate::unanswered::Unanswered;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use packhorse_core::{HostError, HostErrorKind, port::ByteStream};
use serde::de::DeserializeOwned;
use std::fmt;
use url::Url;

/// What an answer of an API may weigh where nobody says otherwise, in bytes.
pub const API_ANSWER: u64 = 32 << 20;

/// One request.
#[derive(Debug)]
pub struct Request {
    /// Its verb.
    pub method: Method,
    /// Where to; without user and password, which are [`crate::auth::Credentials`].
    pub url: Url,
    /// Its headers; those that hold a secret are marked as sensitive.
    pub headers: HeaderMap,
    /// What it carries.
    pub body: Body,
    /// How the answer's body is taken in.
    pub reading: Reading,
    /// What becomes of an answer that points elsewhere.
    pub redirects: Redirects,
    /// Whether sending it twice comes to the same as sending it once; set by
    /// the verb (RFC 9110, 9.2.2), to be set for a `POST` that only asks.
    pub repeatable: bool,
    /// What it is for, as errors tell it: `read issues`.
    pub operation: &'static str,
}

/// What a request carries.
pub enum Body {
    /// Nothing.
    Empty,
    /// Bytes that can be sent again.
    Bytes(Bytes),
    /// A stream, which can be sent once, as fast as the host takes it in.
    Stream {
        /// The bytes.
        bytes: ByteStream,
        /// Their number; without it the body is sent in chunks.
        length: Option<u64>,
    },
}

/// How the body of an answer is taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Whole, before the answer is given out, so that what breaks off is tried again.
    Whole {
        /// The most that it may weigh, unpacked, in bytes.
        at_most: u64,
    },
    /// Piece by piece, by whoever asked.
    Streamed,
}

/// What becomes of an answer that points elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirects {
    /// It is an answer like any other.
    Refuse,
    /// A `GET` or `HEAD` goes there, a bounded number of times, and never from
    /// TLS to plain text. To another scheme, host or port it goes with the
    /// headers alone that say nothing about who asks.
    Follow,
}

impl Request {
    /// A request without a body, whose answer is read whole.
    pub fn new(method: Method, url: Url, operation: &'static str) -> Self {
        let repeatable = method.is_idempotent();
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Body::Empty,
            reading: Reading::Whole { at_most: API_ANSWER },
            redirects: Redirects::Refuse,
            repeatable,
            operation,
        }
    }

    /// Reads `url`, also where it is led elsewhere.
    pub fn get(url: Url, operation: &'static str) -> Self {
        Self { redirects: Redirects::Follow, ..Self::new(Method::GET, url, operation) }
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// With a JSON body.
    ///
    /// # Errors
    ///
    /// [`HostErrorKind::Rejected`] when `value` cannot be written as JSON.
    pub fn json(mut self, value: &impl serde::Serialize) -> Result<Self, HostError> {
        let body = serde_json::to_vec(value).map_err(|error| {
            HostError::new(HostErrorKind::Rejected, self.operation).because(error)
        })?;
        self.body = Body::Bytes(body.into());
        let json = HeaderValue::from_static("application/json");
        Ok(self.header(http::header::CONTENT_TYPE, json))
    }

    /// With an answer that is handed on piece by piece.
    #[must_use]
    pub fn streamed(mut self) -> Self {
        self.reading = Reading::Streamed;
        self
    }

    /// The same request again; `None` when its body can be sent only once.
    pub fn again(&self) -> Option<Self> {
        let body = match &self.body {
            Body::Empty => Body::Empty,
            Body::Bytes(bytes) => Body::Bytes(bytes.clone()),
            Body::Stream { .. } => return None,
        };
        Some(Self {
            method: self.method.clone(),
            url: self.url.clone(),
            headers: self.headers.clone(),
            body,
            reading: self.reading,
            redirects: self.redirects,
            repeatable: self.repeatable,
            operation: self.operation,
        })
    }
}

/// SECURITY: tells the size, never the content.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Stream { length, .. } => write!(f, "Stream({length:?})"),
        }
    }
}

/// The head of an answer, with its body still to come.
pub struct Answer {
    /// Its status, whatever it is.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Who answered, after redirects.
    pub url: Url,
    /// The body, unpacked; it ends with an error when the host goes silent.
    pub body: ByteStream,
    /// What it answers to.
    pub operation: &'static str,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Answer {
    /// An answer whose body is at hand.
    pub fn whole(
        status: StatusCode,
        headers: HeaderMap,
        url: Url,
        body: Bytes,
        operation: &'static str,
    ) -> Self {
        let body: ByteStream = Box::pin(stream::iter((!body.is_empty()).then_some(Ok(body))));
        Self { status, headers, url, body, operation }
    }

    /// The header of that name, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|it| it.to_str().ok())
    }

    /// The whole body.
    ///
    /// # Errors
    ///
    /// [`HostErrorKind::Protocol`] when it weighs more than `at_most` bytes,
    /// [`HostErrorKind::Unavailable`] when it breaks off.
    pub async fn bytes(mut self, at_most: u64) -> Result<Bytes, HostError> {
        let mut first = None;
        let mut all = BytesMut::new();
        let mut length = 0u64;
        while let Some(piece) = self.body.next().await {
            let piece = piece.map_err(|error| {
                let why = Unanswered::BrokenOff(error);
                why.into_error(self.operation, &self.url)
            })?;
            length = length.saturating_add(piece.len() as u64);
            if length > at_most {
                return Err(Unanswered::TooLarge { at_most }.into_error(self.operation, &self.url));
            }
            // The usual answer is one piece, which then is not copied.
            match first.take() {
                None if all.is_empty() => first = Some(piece),
                None => all.extend_from_slice(&piece),
                Some(head) => {
                    all.extend_from_slice(&head);
                    all.extend_from_slice(&piece);
                }
            }
        }
        Ok(first.unwrap_or_else(|| all.freeze()))
    }

    /// The whole body, read as JSON.
    ///
    /// # Errors
    ///
    /// As [`Answer::bytes`]; [`HostErrorKind::Protocol`] when it is something else than `T`.
    pub async fn json<T: DeserializeOwned>(self, at_most: u64) -> Result<T, HostError> {
        let (operation, url) = (self.operation, self.url.clone());
        let media = self.header("content-type").unwrap_or("nothing said").to_owned();
        let bytes = self.bytes(at_most).await?;
        serde_json::from_slice(&bytes).map_err(|error| {
            HostError::new(HostErrorKind::Protocol, operation)
                .with("url", crate::redact::shown(&url))
                .with("content type", media)
                .with("answer", crate::redact::without_values(&error.to_string()))
        })
    }
}

/// Something that sends requests.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends a request and gives the answer, whatever its status.
    ///
    /// An answer that comes while the body is still being sent is an answer:
    /// the rest of the body need not be taken from its stream.
    ///
    /// # Errors
    ///
    /// Only when there is no answer; the source of the error then is an
    /// [`Unanswered`], which tells whether the host may have seen the request.
    async fn send(&self, request: Request) -> Result<Answer, HostError>;
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for std::sync::Arc<T> {
    async fn send(&self, request: Request) -> Result<Answer, HostError> {
        (**self).send(request).await
    }
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Box<T> {
    async fn send(&self, request: Request) -> Result<Answer, HostError> {
        (**self).send(request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(pieces: &[&'static str]) -> Answer {
        let pieces: Vec<_> =
            pieces.iter().map(|it| Ok(Bytes::from_static(it.as_bytes()))).collect();
        Answer {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            url: Url::parse("https://h.example/i?token=s3cret").unwrap(),
            body: Box::pin(stream::iter(pieces)),
            operation: "read issues",
        }
    }

    #[tokio::test]
    async fn a_body_comes_in_pieces_and_is_bounded() {
        assert_eq!(answer(&[]).bytes(0).await.unwrap(), "");
        assert_eq!(answer(&["abc"]).bytes(3).await.unwrap(), "abc");
        assert_eq!(answer(&["a", "b", "c", "d"]).bytes(4).await.unwrap(), "abcd");

        let error = answer(&["ab", "cd"]).bytes(3).await.unwrap_err();
        assert_eq!(error.kind, HostErrorKind::Protocol);
    }

    #[tokio::test]
    async fn what_is_not_the_expected_json_is_told_without_its_values() {
        let error = answer(&[r#"["hunter2"]"#]).json::<Vec<u64>>(100).await.unwrap_err();

        let text = error.to_string();
        assert_eq!(error.kind, HostErrorKind::Protocol);
        assert!(text.contains("invalid type") && text.contains("line 1"), "{text}");
        assert!(!text.contains("hunter2") && !text.contains("s3cret"), "{text}");
    }

    #[test]
    fn a_stream_cannot_be_sent_again() {
        let url = Url::parse("https://h.example/").unwrap();
        let request = Request::new(Method::POST, url, "push");
        assert!(request.again().is_some());

        let body = Body::Stream { bytes: Box::pin(stream::empty()), length: None };
        assert!(Request { body, ..request }.again().is_none());
    }
}
