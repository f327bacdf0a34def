//! Requests over the network.
//!
//! The client is `reqwest` over `rustls` with `ring`. It follows no redirects
//! and repeats nothing by itself: redirects are followed here, where it is
//! decided what goes along, and repeating is [`crate::retry`]'s.

use crate::{
    auth::Origin,
    options::{Options, Proxy},
    reach::{self, OutOfReach, Reach},
    redact::is_impersonal,
    transport::{Answer, Body, Reading, Redirects, Request, Transport},
    unanswered::{Unanswered, has_cause, innermost},
    upload::{Progress, Upload},
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use http::{HeaderMap, Method, StatusCode, header};
use packhorse_core::{HostError, HostErrorKind, port::ByteStream};
use std::{collections::BTreeSet, fs, io, path::Path, sync::Arc, time::Duration};
use url::Url;

/// How often one place may lead to the next.
const MAX_REDIRECTS: usize = 10;
/// What setting up is called in errors.
const SET_UP: &str = "set up the connection to hosts";
/// The largest certificate file that is read, in bytes.
const MAX_CERTIFICATES: u64 = 4 << 20;

/// Sends requests over the network. Clones share their connections.
#[derive(Clone)]
pub struct Live {
    client: reqwest::Client,
    reach: Option<Reach>,
    connect: Duration,
    first_byte: Duration,
    idle: Duration,
}

impl Live {
    /// Reads the certificates that `options` name; connects to nobody yet.
    ///
    /// # Errors
    ///
    /// [`HostErrorKind::Rejected`] when a certificate, key or proxy cannot be used.
    pub fn new(options: &Options) -> Result<Self, HostError> {
        // Fails where a provider is installed already, which then serves as well.
        rustls::crypto::ring::default_provider().install_default().ok();
        let mut builder = reqwest::Client::builder()
            .user_agent(&options.user_agent)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(options.connect)
            .http2_adaptive_window(true);
        for path in &options.ca_files {
            let pem = read(path)?;
            let list = reqwest::Certificate::from_pem_bundle(&pem);
            let list = list.map_err(|error| unusable(path, &error))?;
            if list.is_empty() {
                return Err(unusable(path, &io::Error::other("there is no certificate in it")));
            }
            builder = builder.tls_certs_merge(list);
        }
        if let Some(path) = &options.client_certificate {
            let identity = reqwest::Identity::from_pem(&read(path)?);
            builder = builder.identity(identity.map_err(|error| unusable(path, &error))?);
        }
        builder = match &options.proxy {
            Proxy::Environment => builder,
            Proxy::Direct => builder.no_proxy(),
            Proxy::Through { url, credentials } => {
                builder.proxy(through(url, credentials.as_ref())?)
            }
        };
        if let Some(reach) = &options.reach {
            builder = builder.dns_resolver(reach.clone());
        }
        if options.http1_only {
            builder = builder.http1_only();
        }
        let client = builder.build().map_err(|error| {
            HostError::new(HostErrorKind::Rejected, SET_UP).with("reason", innermost(&error))
        })?;
        let Options { connect, first_byte, idle, .. } = *options;
        Ok(Self { client, reach: options.reach.clone(), connect, first_byte, idle })
    }

    /// One request and its answer, wherever that points.
    async fn ask(&self, request: Request) -> Result<Answer, HostError> {
        let Request { method, url, headers, body, operation, reading, redirects: _, repeatable: _ } =
            request;
        // SECURITY: also for where a redirect leads.
        if self.reach.as_ref().is_some_and(|it| !it.admits(&url)) {
            return Err(Unanswered::Address(reach::WHY).into_error(operation, &url));
        }
        let mut outgoing = reqwest::Request::new(method, url.clone());
        *outgoing.headers_mut() = headers;
        let progress = match body {
            Body::Empty => Progress::sent(),
            Body::Bytes(bytes) => {
                *outgoing.body_mut() = Some(bytes.into());
                Progress::sent()
            }
            Body::Stream { bytes, length } => {
                if let Some(length) = length {
                    outgoing.headers_mut().insert(header::CONTENT_LENGTH, length.into());
                }
                let (upload, progress) = Upload::new(bytes, length);
                *outgoing.body_mut() = Some(reqwest::Body::wrap_stream(upload));
                progress
            }
        };
        let found = tokio::select! {
            biased;
            found = self.client.execute(outgoing) => found,
            is_sent = progress.overdue(self.idle, self.first_byte) => {
                let why = if is_sent {
                    Unanswered::FirstByteTimeOut(self.first_byte)
                } else {
                    Unanswered::UploadIdle(self.idle)
                };
                return Err(why.into_error(operation, &url));
            }
        };
        let found =
            found.map_err(|error| self.unanswered(error, &progress).into_error(operation, &url))?;
        let (status, headers) = (found.status(), found.headers().clone());
        let body = incoming(found, self.idle, Rest::of(status, progress));
        let answer = Answer { status, headers, url, body, operation };
        match reading {
            Reading::Streamed => Ok(answer),
            Reading::Whole { at_most } => {
                let (url, headers) = (answer.url.clone(), answer.headers.clone());
                let bytes = answer.bytes(at_most).await?;
                Ok(Answer::whole(status, headers, url, bytes, operation))
            }
        }
    }

    fn unanswered(&self, error: reqwest::Error, progress: &Progress) -> Unanswered {
        if let Some(failure) = progress.take_failure() {
            return Unanswered::Upload(failure);
        }
        // SECURITY: the words of the client hold the URL, and that may hold a secret.
        let error = error.without_url();
        if error.is_builder() {
            return Unanswered::Address("the client cannot ask such an address");
        }
        if has_cause::<OutOfReach>(&error) {
            return Unanswered::Address(reach::WHY);
        }
        if has_cause::<rustls::Error>(&error) {
            return Unanswered::Trust(innermost(&error));
        }
        match (error.is_connect(), error.is_timeout()) {
            (true, true) => Unanswered::ConnectTimeOut(self.connect),
            (true, false) => Unanswered::Connect(innermost(&error)),
            (false, _) => Unanswered::Connection(innermost(&error)),
        }
    }
}

#[async_trait]
impl Transport for Live {
    async fn send(&self, mut request: Request) -> Result<Answer, HostError> {
        let refused = |why: &'static str, request: &Request| {
            Err(Unanswered::Address(why).into_error(request.operation, &request.url))
        };
        if !matches!(request.url.scheme(), "http" | "https") {
            return refused("only http and https are spoken here", &request);
        }
        if !request.url.username().is_empty() || request.url.password().is_some() {
            // SECURITY: they would go wherever the URL leads, bound to no origin.
            return refused("credentials do not belong into the address", &request);
        }
        let follows = request.redirects == Redirects::Follow
            && matches!(request.method, Method::GET | Method::HEAD);
        let mut seen = BTreeSet::new();
        loop {
            let next = if follows { request.again() } else { None };
            let answer = self.ask(request).await?;
            let (Some(mut next), Some(url)) = (next, elsewhere(&answer)) else {
                return Ok(answer);
            };
            let url = url.map_err(|why| why.into_error(answer.operation, &answer.url))?;
            seen.insert(answer.url.clone());
            if seen.contains(&url) || seen.len() > MAX_REDIRECTS {
                let why = Unanswered::RedirectLoop { times: seen.len() };
                return Err(why.into_error(answer.operation, &answer.url));
            }
            if !Origin::of(&next.url).is_some_and(|it| it.is_of(&url)) {
                strip(&mut next.headers);
            }
            next.url = url;
            request = next;
        }
    }
}

/// SECURITY: what goes along to another origin says nothing about who asks.
fn strip(headers: &mut HeaderMap) {
    let kept = headers.iter().filter(|(name, value)| is_impersonal(name) && !value.is_sensitive());
    *headers = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
}

/// Where an answer points, if it points anywhere.
fn elsewhere(answer: &Answer) -> Option<Result<Url, Unanswered>> {
    let redirects = [
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::FOUND,
        StatusCode::SEE_OTHER,
        StatusCode::TEMPORARY_REDIRECT,
        StatusCode::PERMANENT_REDIRECT,
    ];
    if !redirects.contains(&answer.status) {
        return None;
    }
    let location = answer.headers.get(header::LOCATION)?;
    let found = location.to_str().ok().and_then(|it| answer.url.join(it).ok());
    Some(match found {
        None => Err(Unanswered::RedirectRefused("not an address")),
        Some(url) if answer.url.scheme() == "https" && url.scheme() != "https" => {
            Err(Unanswered::RedirectRefused("from TLS to plain text"))
        }
        Some(url) if !matches!(url.scheme(), "http" | "https") => {
            Err(Unanswered::RedirectRefused("not http"))
        }
        Some(url) if !url.username().is_empty() || url.password().is_some() => {
            Err(Unanswered::RedirectRefused("the address holds credentials"))
        }
        Some(mut url) => {
            // RFC 9110, 10.2.2: the fragment is the client's business.
            url.set_fragment(None);
            Ok(url)
        }
    })
}

/// Ends the upload, when the answer's body is done with, where nobody wants the rest.
struct Rest(Option<Arc<Progress>>);

impl Rest {
    /// A host that refuses early would otherwise get all of the body for nothing.
    fn of(status: StatusCode, progress: Arc<Progress>) -> Self {
        let is_refusal = status.is_client_error() || status.is_server_error();
        Self((is_refusal && !progress.is_sent()).then_some(progress))
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        self.0.iter().for_each(|it| it.stop());
    }
}

/// The body of an answer, which ends with an error when the host goes silent.
fn incoming(found: reqwest::Response, idle: Duration, rest: Rest) -> ByteStream {
    let pieces = found.bytes_stream().map_err(|error| {
        let error = error.without_url();
        io::Error::new(io::ErrorKind::UnexpectedEof, innermost(&error))
    });
    let state = Some((pieces.boxed(), rest));
    Box::pin(stream::unfold(state, move |state| async move {
        let (mut pieces, rest) = state?;
        // The time in which nobody asks for the next piece is not the host's.
        match tokio::time::timeout(idle, pieces.next()).await {
            Ok(Some(Ok(piece))) => Some((Ok::<Bytes, _>(piece), Some((pieces, rest)))),
            Ok(Some(Err(error))) => Some((Err(error), None)),
            Ok(None) => None,
            Err(_) => {
                let what = format!("the host sent nothing for {idle:?}");
                Some((Err(io::Error::new(io::ErrorKind::TimedOut, what)), None))
            }
        }
    }))
}

fn through(
    url: &Url,
    credentials: Option<&(String, packhorse_core::Secret)>,
) -> Result<reqwest::Proxy, HostError> {
    let proxy = reqwest::Proxy::all(url.as_str()).map_err(|error| {
        HostError::new(HostErrorKind::Rejected, SET_UP)
            .with("proxy", crate::redact::shown(url))
            .with("reason", innermost(&error.without_url()))
    })?;
    Ok(match credentials {
        None => proxy,
        Some((name, password)) => proxy.basic_auth(name, password.expose()),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, HostError> {
    let size = fs::metadata(path).map_err(|error| unusable(path, &error))?.len();
    if size > MAX_CERTIFICATES {
        return Err(unusable(path, &io::Error::other("it is too large for certificates")));
    }
    fs::read(path).map_err(|error| unusable(path, &error))
}

fn unusable(path: &Path, error: &(dyn std::error::Error + 'static)) -> HostError {
    HostError::new(HostErrorKind::Rejected, SET_UP)
        .with("file", path.display())
        .with("reason", innermost(error))
}
