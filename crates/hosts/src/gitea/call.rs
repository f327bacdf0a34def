//! One change over the API at a time.

use super::api::{Api, MAX_ANSWER};
use crate::kept::pieces;
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{HeaderName, HeaderValue, Method};
use packhorse_core::{HostError, HostErrorKind, port::ByteStream};
use packhorse_net::{Answer, Body, Request};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::Path;

/// In whose name a change is made.
///
/// Source: Gitea, `routers/api/v1/api.go`, `sudo`: administrators may.
const SUDO: HeaderName = HeaderName::from_static("sudo");

/// A change: what, where, and in whose name.
#[derive(Clone, Copy)]
pub(super) struct Change<'a> {
    pub(super) path: &'a [&'a str],
    /// Account in whose name; that of the token where there is none.
    pub(super) whom: Option<&'a str>,
    /// What is done, for people.
    pub(super) operation: &'static str,
}

impl<'a> Change<'a> {
    /// A change in the name of the token's owner.
    pub(super) fn new(path: &'a [&'a str], operation: &'static str) -> Self {
        Self { path, whom: None, operation }
    }

    /// The same in somebody's name.
    pub(super) fn in_name_of(self, whom: Option<&'a str>) -> Self {
        Self { whom, ..self }
    }
}

impl Api {
    async fn change(
        &self,
        method: Method,
        change: Change<'_>,
        body: Option<&Value>,
    ) -> Result<Answer, HostError> {
        let mut request = Request::new(method, self.url(change.path, &[])?, change.operation);
        if let Some(body) = body {
            request = request.json(body)?;
        }
        if let Some(whom) = change.whom {
            request = request.header(SUDO, header(whom, change.operation)?);
        }
        self.transport.send(request).await?.success().await
    }

    /// Makes something, and reads what it became.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        change: Change<'_>,
        body: &Value,
    ) -> Result<T, HostError> {
        self.change(Method::POST, change, Some(body)).await?.json(MAX_ANSWER).await
    }

    /// Does something that answers nothing worth reading.
    pub(super) async fn act(&self, change: Change<'_>, body: &Value) -> Result<(), HostError> {
        self.change(Method::POST, change, Some(body)).await.map(drop)
    }

    /// Reacts; whether that is new.
    pub(super) async fn react(&self, change: Change<'_>, body: &Value) -> Result<bool, HostError> {
        let answer = self.change(Method::POST, change, Some(body)).await?;
        Ok(answer.status == http::StatusCode::CREATED)
    }

    /// Changes something that is there.
    pub(super) async fn patch(&self, change: Change<'_>, body: &Value) -> Result<(), HostError> {
        self.change(Method::PATCH, change, Some(body)).await.map(drop)
    }

    /// Puts something in its place.
    pub(super) async fn put(
        &self,
        change: Change<'_>,
        body: Option<&Value>,
    ) -> Result<(), HostError> {
        self.change(Method::PUT, change, body).await.map(drop)
    }

    /// Takes something away; what is not there is no error.
    pub(super) async fn delete(
        &self,
        change: Change<'_>,
        body: Option<&Value>,
    ) -> Result<(), HostError> {
        match self.change(Method::DELETE, change, body).await {
            Err(error) if error.kind != HostErrorKind::NotFound => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Uploads a file as a form does.
    pub(super) async fn upload<T: DeserializeOwned>(
        &self,
        change: Change<'_>,
        name: &str,
        file: &Path,
    ) -> Result<T, HostError> {
        let fail =
            |error| HostError::new(HostErrorKind::Unavailable, change.operation).because(error);
        let content = tokio::fs::File::open(file).await.map_err(fail)?;
        let size = content.metadata().await.map_err(fail)?.len();
        let field = format!(
            "name=\"attachment\"; filename=\"{}\"\r\nContent-Type: application/octet-stream",
            quoted(name)
        );
        self.form(change, name, (&field, pieces(content), size)).await
    }

    /// Puts a link in the place of a file.
    ///
    /// Source: Forgejo, `routers/api/v1/repo/release_attachment.go`, `external_url`.
    pub(super) async fn link<T: DeserializeOwned>(
        &self,
        change: Change<'_>,
        name: &str,
        url: &str,
    ) -> Result<T, HostError> {
        let (bytes, size) = (Bytes::from(url.to_owned()), url.len() as u64);
        let bytes: ByteStream = Box::pin(stream::once(async move { Ok(bytes) }));
        self.form(change, name, ("name=\"external_url\"", bytes, size)).await
    }

    /// Sends a form of one field.
    async fn form<T: DeserializeOwned>(
        &self,
        change: Change<'_>,
        name: &str,
        (field, content, size): (&str, ByteStream, u64),
    ) -> Result<T, HostError> {
        let cut = format!("packhorse-{}", uuid::Uuid::now_v7().simple());
        let head = format!("--{cut}\r\nContent-Disposition: form-data; {field}\r\n\r\n");
        let tail = format!("\r\n--{cut}--\r\n");
        let length = Some(size + (head.len() + tail.len()) as u64);
        let one = |text: String| stream::once(async move { Ok(Bytes::from(text)) });
        let bytes: ByteStream = Box::pin(one(head).chain(content).chain(one(tail)));
        let query = [("name", name)];
        let query = if name.is_empty() { &[][..] } else { &query[..] };
        let media = header(&format!("multipart/form-data; boundary={cut}"), change.operation)?;
        let mut request =
            Request::new(Method::POST, self.url(change.path, query)?, change.operation)
                .header(http::header::CONTENT_TYPE, media);
        request.body = Body::Stream { bytes, length };
        if let Some(whom) = change.whom {
            request = request.header(SUDO, header(whom, change.operation)?);
        }
        self.transport.send(request).await?.success().await?.json(MAX_ANSWER).await
    }
}

fn header(text: &str, operation: &'static str) -> Result<HeaderValue, HostError> {
    HeaderValue::try_from(text)
        .map_err(|error| HostError::new(HostErrorKind::Rejected, operation).because(error))
}

/// SECURITY: a file's name cannot end the field that it stands in.
fn quoted(name: &str) -> String {
    let tame = |c: char| if c.is_control() { '_' } else { c };
    name.chars().map(tame).collect::<String>().replace('\\', "\\\\").replace('"', "\\\"")
}
