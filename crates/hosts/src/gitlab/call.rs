//! One change over the API at a time.

use super::api::{Api, Path};
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{HeaderName, HeaderValue, Method};
use packhorse_core::{HostError, HostErrorKind, port::ByteStream};
use packhorse_net::{Answer, Body, Request};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::AsyncReadExt;

/// In whose name a change is made.
///
/// Source: GitLab, "REST API authentication", "Sudo": administrators may.
const SUDO: HeaderName = HeaderName::from_static("sudo");
/// What of a file is read at a time, in bytes.
const PIECE: usize = 64 << 10;
/// What an answer to a change may weigh, in bytes.
const MAX_ANSWER: u64 = 32 << 20;

/// A change: what, where, and in whose name.
#[derive(Clone, Copy)]
pub(super) struct Change<'a> {
    pub(super) path: Path<'a>,
    /// Account in whose name; that of the token where there is none.
    pub(super) whom: Option<&'a str>,
    /// What is done, for people.
    pub(super) operation: &'static str,
}

impl<'a> Change<'a> {
    /// A change in the name of the token's owner.
    pub(super) fn new(path: Path<'a>, operation: &'static str) -> Self {
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
        self.send(request).await?.success().await
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

    /// Changes something that is there, and reads what it became.
    pub(super) async fn put<T: DeserializeOwned>(
        &self,
        change: Change<'_>,
        body: &Value,
    ) -> Result<T, HostError> {
        self.change(Method::PUT, change, Some(body)).await?.json(MAX_ANSWER).await
    }

    /// Takes something away; what is not there is no error.
    pub(super) async fn delete(&self, change: Change<'_>) -> Result<(), HostError> {
        match self.change(Method::DELETE, change, None).await {
            Err(error) if error.kind != HostErrorKind::NotFound => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Puts bytes in their place, as they are.
    pub(super) async fn put_bytes(
        &self,
        change: Change<'_>,
        file: &std::path::Path,
    ) -> Result<(), HostError> {
        let (bytes, size) = opened(file, change.operation).await?;
        let mut request = Request::new(Method::PUT, self.url(change.path, &[])?, change.operation);
        request.body = Body::Stream { bytes, length: Some(size) };
        self.send(request).await?.success().await.map(drop)
    }

    /// Uploads a file as a form does.
    pub(super) async fn upload<T: DeserializeOwned>(
        &self,
        change: Change<'_>,
        name: &str,
        file: &std::path::Path,
    ) -> Result<T, HostError> {
        self.form(change, Form { fields: &[], name, file }).await
    }

    /// Sends a form with a file.
    pub(super) async fn form<T: DeserializeOwned>(
        &self,
        change: Change<'_>,
        form: Form<'_>,
    ) -> Result<T, HostError> {
        let (content, size) = opened(form.file, change.operation).await?;
        let cut = format!("packhorse-{}", uuid::Uuid::now_v7().simple());
        let (head, tail) = (form.head(&cut), format!("\r\n--{cut}--\r\n"));
        let length = Some(size + (head.len() + tail.len()) as u64);
        let one = |text: String| stream::once(async move { Ok(Bytes::from(text)) });
        let bytes: ByteStream = Box::pin(one(head).chain(content).chain(one(tail)));
        let media = header(&format!("multipart/form-data; boundary={cut}"), change.operation)?;
        let mut request = Request::new(Method::POST, self.url(change.path, &[])?, change.operation)
            .header(http::header::CONTENT_TYPE, media);
        request.body = Body::Stream { bytes, length };
        self.send(request).await?.success().await?.json(MAX_ANSWER).await
    }
}

/// A form with a file.
#[derive(Clone, Copy)]
pub(super) struct Form<'a> {
    /// Fields before the file, whose values hold no line breaks.
    pub(super) fields: &'a [(&'static str, &'a str)],
    /// What the file is called.
    pub(super) name: &'a str,
    /// Where it is.
    pub(super) file: &'a std::path::Path,
}

impl Form<'_> {
    /// All that stands before the file's bytes.
    fn head(&self, cut: &str) -> String {
        let mut head = String::new();
        for (name, value) in self.fields {
            // SECURITY: a value cannot end the part that it stands in.
            let value: String = value.chars().filter(|it| !it.is_control()).collect();
            head += &format!("--{cut}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
            head += &format!("{value}\r\n");
        }
        head + &format!(
            "--{cut}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n",
            quoted(self.name)
        )
    }
}

/// A file, a piece at a time, and its size in bytes.
async fn opened(
    file: &std::path::Path,
    operation: &'static str,
) -> Result<(ByteStream, u64), HostError> {
    let fail = |error| HostError::new(HostErrorKind::Unavailable, operation).because(error);
    let file = tokio::fs::File::open(file).await.map_err(fail)?;
    let size = file.metadata().await.map_err(fail)?.len();
    let pieces = stream::try_unfold(file, |mut file| async move {
        let mut piece = vec![0; PIECE];
        let n_read = file.read(&mut piece).await?;
        piece.truncate(n_read);
        Ok((n_read > 0).then(|| (Bytes::from(piece), file)))
    });
    Ok((Box::pin(pieces), size))
}

fn header(text: &str, operation: &'static str) -> Result<HeaderValue, HostError> {
    HeaderValue::try_from(text)
        .map_err(|error| HostError::new(HostErrorKind::Rejected, operation).because(error))
}

/// SECURITY: a file's name cannot end the field that it stands in.
fn quoted(name: &str) -> String {
    let tame = |it: char| if it.is_control() || "\"\\/".contains(it) { '_' } else { it };
    let tame: String = name.chars().map(tame).collect();
    if matches!(tame.as_str(), "" | "." | "..") { "file".to_owned() } else { tame }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_end_its_field() {
        assert_eq!(quoted("a\"b\r\nX: y/z"), "a_b__X: y_z");
        assert_eq!(quoted(".."), "file");
        assert_eq!(quoted("grün.txt"), "grün.txt");
    }
}
