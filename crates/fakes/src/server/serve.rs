//! From a connection to a product and back, with what goes wrong in between.

use super::{Inner, LONGEST_LOG, git, lfs, locked};
use crate::{
    access::Caller,
    exchange::{Answer, Content, Exchange, Request},
    fault::Fault,
};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, stream};
use http::{HeaderMap, StatusCode, request::Parts};
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{body::Frame, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{io, path::Path, sync::Arc, sync::atomic::Ordering, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncSeekExt as _},
    net::TcpListener,
};
use url::form_urlencoded;

/// Largest body of an API request, in bytes: GitHub takes assets up to 2 GiB, a fake far less.
const LARGEST_BODY: usize = 512 << 20;

/// Piece in which files are sent, in bytes.
const PIECE: usize = 64 << 10;

pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;
pub(super) type Response = http::Response<Body>;

/// Serves connections until the task is ended.
pub(super) async fn run(listener: TcpListener, inner: Arc<Inner>) {
    // Ends with this future, so that a dropped fake leaves no connection behind.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        drop(stream.set_nodelay(true));
        let inner = Arc::clone(&inner);
        connections.spawn(async move {
            let service = service_fn(|request| exchange(Arc::clone(&inner), request));
            // A client that goes away, or that we cut off, is no fault of the server.
            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "cut by the fake")
}

async fn exchange(inner: Arc<Inner>, request: http::Request<Incoming>) -> io::Result<Response> {
    let n = inner.n_requests.fetch_add(1, Ordering::Relaxed);
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let (fault, latency) = {
        let mut faults = locked(&inner.faults);
        (faults.next(n, parts.method.as_str(), &path), faults.latency)
    };
    tokio::time::sleep(latency).await;
    if let Some((repository, rest)) = git::split(&path) {
        stall(fault).await;
        if fault == Some(Fault::Reset) {
            return Err(cut());
        }
        if let Some(answer) = instead(&inner, fault) {
            return respond(answer, &parts.headers, None).await;
        }
        let caller = caller(&inner, &parts);
        return match rest.strip_prefix("info/lfs/") {
            Some(rest) => lfs::serve(&inner, &parts, (&repository, rest), &caller, body).await,
            None => git::serve(&inner, &parts, (&repository, &rest), &caller, body).await,
        };
    }
    let Some(body) = whole(body).await? else {
        return respond(Answer::empty(StatusCode::PAYLOAD_TOO_LARGE), &parts.headers, None).await;
    };
    let request = request_of(&inner, parts, body);
    if fault == Some(Fault::Reset) {
        note(&inner, &request, None, fault);
        return Err(cut());
    }
    inner.change(&path);
    let answer = match instead(&inner, fault) {
        Some(answer) => answer,
        None => served(&inner, &request, fault),
    };
    note(&inner, &request, Some(&answer), fault);
    stall(fault).await;
    if fault == Some(Fault::LostAnswer) {
        return Err(cut());
    }
    respond(answer, &request.headers, fault).await
}

async fn stall(fault: Option<Fault>) {
    if let Some(Fault::Stall(millis)) = fault {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
}

/// What comes instead of the host's answer.
fn instead(inner: &Inner, fault: Option<Fault>) -> Option<Answer> {
    let html = |status| Answer {
        status,
        headers: HeaderMap::new(),
        content: Content::Bytes(Bytes::from_static(b"<html><body>Sign in</body></html>")),
    };
    match fault? {
        Fault::BadGateway => Some(html(StatusCode::BAD_GATEWAY).with("content-type", "text/html")),
        Fault::Html => Some(html(StatusCode::OK).with("content-type", "text/html; charset=utf-8")),
        Fault::ServerError => Some(inner.product.broken()),
        Fault::TooMany(wait) => Some(
            Answer::empty(StatusCode::TOO_MANY_REQUESTS).with("retry-after", &wait.to_string()),
        ),
        Fault::Reset
        | Fault::LostAnswer
        | Fault::Stall(_)
        | Fault::Cut
        | Fault::HalfJson
        | Fault::PageTwice
        | Fault::PageMissing => None,
    }
}

/// The host's own answer, limits and all.
fn served(inner: &Inner, request: &Request, fault: Option<Fault>) -> Answer {
    let who = request.caller.login().unwrap_or("");
    let standings = locked(&inner.meter).count(who, &request.method, &request.segments);
    let mut answer = match standings.iter().find(|it| it.is_exceeded) {
        Some(exceeded) => {
            inner.n_refused.fetch_add(1, Ordering::Relaxed);
            inner.product.too_many(exceeded)
        }
        None => {
            let mut store = locked(&inner.store);
            let answer = inner.product.answer(request, &mut store);
            match fault {
                Some(Fault::PageTwice) => {
                    let page = |page: usize| if page == 1 { 2 } else { page - 1 };
                    let other = turned(inner, request, page);
                    Answer { content: inner.product.answer(&other, &mut store).content, ..answer }
                }
                Some(Fault::PageMissing) => {
                    inner.product.answer(&turned(inner, request, |page| page + 1), &mut store)
                }
                Some(_) | None => answer,
            }
        }
    };
    for (name, value) in inner.product.limit_headers(&standings) {
        answer = answer.with(name, &value);
    }
    answer
}

/// The same request for another page.
fn turned(inner: &Inner, request: &Request, page: impl Fn(usize) -> usize) -> Request {
    let name = inner.product.page_parameter();
    let now = request.query(name).and_then(|it| it.parse().ok()).unwrap_or(1);
    let mut query = request.query.clone();
    query.retain(|(it, _)| it != name);
    query.push((name.to_owned(), page(now).to_string()));
    let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(&query).finish();
    let path = request.target.split('?').next().unwrap_or_default();
    Request {
        target: format!("{path}?{text}"),
        query,
        method: request.method.clone(),
        segments: request.segments.clone(),
        headers: request.headers.clone(),
        body: request.body.clone(),
        caller: request.caller.clone(),
        home: request.home.clone(),
    }
}

fn caller(inner: &Inner, parts: &Parts) -> Caller {
    Caller::of(&parts.headers, &query(parts), &inner.tokens)
}

fn query(parts: &Parts) -> Vec<(String, String)> {
    form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
}

fn request_of(inner: &Inner, parts: Parts, body: Bytes) -> Request {
    let target = parts.uri.path_and_query().map_or("/", |it| it.as_str()).to_owned();
    let segments = parts.uri.path().split('/').filter(|it| !it.is_empty()).map(decoded).collect();
    Request {
        caller: caller(inner, &parts),
        query: query(&parts),
        home: inner.home.clone(),
        method: parts.method,
        headers: parts.headers,
        target,
        segments,
        body,
    }
}

/// Percent-decodes a part of a path, where `+`, `&` and `=` are themselves.
fn decoded(text: &str) -> String {
    let text = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(text.as_bytes()).map(|(name, _)| name.into_owned()).collect()
}

/// The body, whole; `None` when it is too large.
async fn whole(mut body: Incoming) -> io::Result<Option<Bytes>> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(io::Error::other)?;
        if let Some(data) = frame.data_ref() {
            if bytes.len() + data.len() > LARGEST_BODY {
                return Ok(None);
            }
            bytes.extend_from_slice(data);
        }
    }
    Ok(Some(bytes.freeze()))
}

fn note(inner: &Inner, request: &Request, answer: Option<&Answer>, fault: Option<Fault>) {
    let mut log = locked(&inner.log);
    if !inner.keeps_log || log.len() >= LONGEST_LOG {
        return;
    }
    let text = |headers: &HeaderMap| {
        headers.get("content-type").and_then(|it| it.to_str().ok()).map(str::to_owned)
    };
    log.push(Exchange {
        method: request.method.to_string(),
        target: request.target.clone(),
        content_type: text(&request.headers),
        body: request.body.clone(),
        status: answer.map(|it| it.status.as_u16()),
        answer_type: answer.and_then(|it| text(&it.headers)),
        answer: match answer.map(|it| &it.content) {
            Some(Content::Bytes(bytes)) => bytes.clone(),
            Some(Content::Empty | Content::File(_)) | None => Bytes::new(),
        },
        fault,
    });
}

/// An answer as it goes over the wire.
pub(super) async fn respond(
    answer: Answer,
    asked: &HeaderMap,
    fault: Option<Fault>,
) -> io::Result<Response> {
    let mut response = http::Response::new(Body::default());
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    let is_cut = fault == Some(Fault::Cut);
    match answer.content {
        Content::Empty => {}
        Content::Bytes(bytes) if is_cut && bytes.len() > 1 => {
            let first = bytes.slice(..bytes.len() / 2);
            response.headers_mut().insert("content-length", bytes.len().into());
            let pieces = [Ok(Frame::data(first)), Err(cut())];
            *response.body_mut() = StreamBody::new(stream::iter(pieces)).boxed_unsync();
        }
        Content::Bytes(bytes) => {
            let end = if fault == Some(Fault::HalfJson) { bytes.len() / 2 } else { bytes.len() };
            let body = Full::new(bytes.slice(..end)).map_err(|never| match never {});
            *response.body_mut() = body.boxed_unsync();
        }
        Content::File(path) => file(&mut response, &path, asked, is_cut).await?,
    }
    Ok(response)
}

/// Sends a file from where `Range: bytes=N-` says.
async fn file(
    response: &mut Response,
    path: &Path,
    asked: &HeaderMap,
    is_cut: bool,
) -> io::Result<()> {
    let Ok(mut file) = tokio::fs::File::open(path).await else {
        *response.status_mut() = StatusCode::NOT_FOUND;
        return Ok(());
    };
    let size = file.metadata().await?.len();
    let range = asked.get("range").and_then(|it| it.to_str().ok());
    let from = range.and_then(|it| it.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let from = from.filter(|from| *from > 0 && *from <= size);
    if let Some(from) = from {
        file.seek(io::SeekFrom::Start(from)).await?;
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let range = format!("bytes {from}-{}/{size}", size.saturating_sub(1));
        if let Ok(range) = range.parse() {
            response.headers_mut().insert("content-range", range);
        }
    }
    let left = size - from.unwrap_or(0);
    response.headers_mut().insert("content-length", left.into());
    let most = if is_cut { left / 2 } else { left };
    let pieces = stream::try_unfold(file.take(most), |mut file| async move {
        let mut piece = BytesMut::with_capacity(PIECE);
        let n = file.read_buf(&mut piece).await?;
        Ok::<_, io::Error>((n > 0).then(|| (Frame::data(piece.freeze()), file)))
    });
    let end = stream::iter(is_cut.then(|| Err(cut())));
    *response.body_mut() = StreamBody::new(pieces.chain(end)).boxed_unsync();
    Ok(())
}
