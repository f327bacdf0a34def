//! GitHub's own storage of archives: in one piece, or in parts that each say where the next goes.
//!
//! Source: github/gh-gei, `ArchiveUploader`.

use crate::{
    address::below,
    github::api::{Api, dressed},
};
use bytes::Bytes;
use futures::stream;
use http::{HeaderValue, Method, header};
use packhorse_core::{HostError, HostErrorKind, port::ByteStream};
use packhorse_net::{Answer, Body, Request, page};
use serde_json::{Value, json};
use std::{io::SeekFrom, path::Path};
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncSeekExt as _},
};
use url::Url;

/// Bytes of a part, and of what goes in one piece. Source: the same.
const PART: u64 = 100 << 20;
/// Bytes read at a time.
const PIECE: u64 = 64 << 10;
/// What an answer may weigh, in bytes.
const ANSWER: u64 = 1 << 20;
const OPERATION: &str = "upload an archive";

fn odd(answer: &str) -> HostError {
    HostError::new(HostErrorKind::Protocol, OPERATION).with("answer", answer)
}

/// Some bytes of a file, a piece at a time.
async fn part(file: &Path, from: u64, length: u64) -> Result<Body, HostError> {
    let fail = |error| HostError::new(HostErrorKind::Unavailable, OPERATION).because(error);
    let mut file = File::open(file).await.map_err(fail)?;
    file.seek(SeekFrom::Start(from)).await.map_err(fail)?;
    let pieces = stream::try_unfold((file, length), |(mut file, left)| async move {
        let size = usize::try_from(left.min(PIECE)).unwrap_or_default();
        let mut piece = vec![0; size];
        let n_read = file.read(&mut piece).await?;
        piece.truncate(n_read);
        let left = left - n_read as u64;
        Ok((n_read > 0).then(|| (Bytes::from(piece), (file, left))))
    });
    let bytes: ByteStream = Box::pin(pieces);
    Ok(Body::Stream { bytes, length: Some(length) })
}

async fn send(
    api: &Api,
    method: Method,
    url: Url,
    body: Option<Body>,
) -> Result<Answer, HostError> {
    let octets = HeaderValue::from_static("application/octet-stream");
    let request = dressed(Request::new(method, url, OPERATION));
    let mut request = request.header(header::CONTENT_TYPE, octets);
    request.body = body.unwrap_or(Body::Empty);
    api.uploads.send(request).await?.success().await
}

/// Where the next part goes.
///
/// SECURITY: never to another host, whoever says so.
fn next(api: &Api, answer: &Answer) -> Result<Url, HostError> {
    let address =
        answer.header("location").ok_or_else(|| odd("does not say where the next part goes"))?;
    page::at_home(&api.place.uploads, address)
}

/// Stores an archive for an organization; what the importer calls it.
pub(super) async fn upload(
    api: &Api,
    organization: u64,
    (name, file, size): (&str, &Path, u64),
) -> Result<String, HostError> {
    let id = organization.to_string();
    let path = ["organizations", id.as_str(), "gei", "archive"];
    if size <= PART {
        let url = below(&api.place.uploads, &path, &[("name", name)])?;
        let body = part(file, 0, size).await?;
        let told: Value = send(api, Method::POST, url, Some(body)).await?.json(ANSWER).await?;
        let uri = told["uri"].as_str().ok_or_else(|| odd("does not say where the archive is"))?;
        return Ok(uri.to_owned());
    }
    let url = below(&api.place.uploads, &[&path[..], &["blobs", "uploads"]].concat(), &[])?;
    let body = json!({ "content_type": "application/octet-stream", "name": name, "size": size });
    let begun = dressed(Request::new(Method::POST, url, OPERATION)).json(&body)?;
    let begun = api.uploads.send(begun).await?.success().await?;
    let mut place = next(api, &begun)?;
    let guid = place.query_pairs().find(|(name, _)| name == "guid").map(|(_, it)| it.into_owned());
    let guid = guid.ok_or_else(|| odd("does not say what the archive is called"))?;
    let mut from = 0;
    while from < size {
        let length = PART.min(size - from);
        let body = part(file, from, length).await?;
        place = next(api, &send(api, Method::PATCH, place, Some(body)).await?)?;
        from += length;
    }
    send(api, Method::PUT, place, None).await?;
    Ok(format!("gei://archive/{guid}"))
}
