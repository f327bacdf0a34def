//! Archives to download, under addresses that are signed and end soon.

use crate::{
    Service,
    key::Use,
    service::{ServiceError, system},
    store::now_ms,
};
use axum::{
    body::Body,
    extract::{Path, RawQuery, State},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream, stream::BoxStream};
use http::{HeaderMap, StatusCode, header};
use packhorse_core::error::chain;
use std::{io, sync::Arc};
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncSeekExt as _},
};
use url::form_urlencoded;

/// Piece in which files are sent, in bytes.
const PIECE: usize = 64 << 10;

/// What is signed of an address.
fn claim(name: &str, expires_at: i64) -> String {
    format!("{name}\n{expires_at}")
}

/// An address of an archive that is good for a while, for whoever has it: the store's own, or one
/// of the service where it sends the archive itself.
pub(crate) async fn address(
    service: &Service,
    entry: &str,
    name: &str,
) -> Result<String, ServiceError> {
    match service.archives.address(name, service.config.address_lasts).await? {
        Some(url) => Ok(url.into()),
        None => Ok(own_address(service, entry, name)),
    }
}

fn own_address(service: &Service, entry: &str, name: &str) -> String {
    let lasts = i64::try_from(service.config.address_lasts.as_millis()).unwrap_or(i64::MAX);
    let expires_at = now_ms().saturating_add(lasts);
    let signature = service.key.sign(Use::Addresses, claim(name, expires_at).as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(signature);
    format!("{entry}/_archives/{name}?expires={expires_at}&signature={signature}")
}

fn is_good(service: &Service, name: &str, query: &str) -> bool {
    let value = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let expires_at = value("expires").and_then(|it| it.parse::<i64>().ok());
    let signature = value("signature").and_then(|it| URL_SAFE_NO_PAD.decode(it).ok());
    let (Some(expires_at), Some(signature)) = (expires_at, signature) else { return false };
    let claim = claim(name, expires_at);
    service.key.is_signed(Use::Addresses, claim.as_bytes(), &signature) && expires_at > now_ms()
}

/// Sends an archive, from a byte on where the client has the rest already.
///
/// SECURITY: the signature is over the file's name, and only names that the service made are
/// signed, so nothing outside the directory can be asked for.
pub(super) async fn download(
    State(service): State<Arc<Service>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if !is_good(&service, &name, &query.unwrap_or_default()) {
        return (StatusCode::FORBIDDEN, "the address is not good any more\n").into_response();
    }
    match send(&service, &name, &headers).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(error = chain(&error), name, "could not send an archive");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn send(
    service: &Service,
    name: &str,
    headers: &HeaderMap,
) -> Result<Response, ServiceError> {
    let from = first_byte(headers);
    let start = from.unwrap_or(0);
    let Some((size, pieces)) = read(service, name, start).await? else {
        return Ok((StatusCode::NOT_FOUND, "the archive is gone\n").into_response());
    };
    if from.is_some_and(|it| it >= size) {
        let range = format!("bytes */{size}");
        let headers = [(header::CONTENT_RANGE, range)];
        return Ok((StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response());
    }
    let headers = [
        (header::CONTENT_TYPE, "application/gzip".to_owned()),
        (header::CONTENT_LENGTH, (size - start).to_string()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    let mut response = (headers, Body::from_stream(pieces)).into_response();
    if from.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let range = format!("bytes {start}-{}/{size}", size - 1);
        if let Ok(range) = range.parse() {
            response.headers_mut().insert(header::CONTENT_RANGE, range);
        }
    }
    Ok(response)
}

/// The size of an archive, and what it holds from a byte on.
type Read = (u64, BoxStream<'static, io::Result<Bytes>>);

/// Reads an archive from where it is; `None` when it is gone.
async fn read(service: &Service, name: &str, from: u64) -> Result<Option<Read>, ServiceError> {
    let mut file = match File::open(service.archives.file(name)).await {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return read_from_store(service, name, from).await;
        }
        Err(error) => return Err(system("open an archive")(error)),
    };
    let size = file.metadata().await.map_err(system("look at an archive"))?.len();
    file.seek(io::SeekFrom::Start(from)).await.map_err(system("read an archive"))?;
    let pieces = stream::try_unfold(file, |mut file| async move {
        let mut piece = vec![0; PIECE];
        let n = file.read(&mut piece).await?;
        piece.truncate(n);
        Ok::<_, io::Error>((n > 0).then(|| (Bytes::from(piece), file)))
    });
    Ok(Some((size, pieces.boxed())))
}

async fn read_from_store(
    service: &Service,
    name: &str,
    from: u64,
) -> Result<Option<Read>, ServiceError> {
    let Some(storage) = service.archives.storage_of(name) else { return Ok(None) };
    // What begins behind its end is asked for by nobody who has part of it.
    match storage.size(name).await? {
        Some(size) if from >= size => Ok(Some((size, stream::empty().boxed()))),
        Some(_) => {
            let found = storage.get(name, from).await?;
            Ok(Some((found.size, found.bytes.map_err(io::Error::other).boxed())))
        }
        None => Ok(None),
    }
}

/// The byte from which a client goes on; ranges of other shapes are answered with all.
fn first_byte(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(header::RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
}
