//! Services over smart HTTP.
//!
//! Source: git's gitprotocol-http(5) and git-http-backend(1). Redirects are
//! followed when the service is discovered, and what they led to is asked from
//! then on. Before a large pack is streamed, which can be done only once, a request of
//! four bytes settles credentials; a small one is sent at once. Git's own client does both.

use super::{PushBody, wants_length};
use crate::{
    error::GitError,
    process::Git,
    pump::{
        advertisement::{Advertisement, Service, Version},
        packet::{FLUSH, PacketReader},
        remark::{Place, broken, readable, unanswered},
    },
};
use bytes::{Bytes, BytesMut};
use flate2::{Compression, write::GzEncoder};
use futures::{StreamExt, stream};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use packhorse_core::{GitRemote, HostError, port::ByteStream};
use packhorse_net::{Answer, Auth, Body, Credentials, Request, Transport, Unanswered};
use std::{
    io::{self, Write},
    sync::Arc,
};
use url::Url;

/// Requests of more bytes are compressed, as git's client does.
const COMPRESSED: usize = 1024;
/// Bytes of a push that is sent at once, its length told. Git's own client does so up to 1 MiB
/// (git-config(1), `http.postBuffer`); here many may be under way.
const GATHERED: usize = 256 << 10;
/// Bytes of a refusal that are read for its words.
const MAX_WORDS: usize = 64 << 10;
const DISCOVER: &str = "ask for the refs of a repository";
const FETCH: &str = "fetch from a repository";
const PUSH: &str = "push to a repository";

/// Where a repository is.
#[derive(Clone)]
pub(super) struct Address {
    transport: Arc<dyn Transport>,
    base: Url,
    place: Place,
}

impl Address {
    pub(super) fn new(git: &Git, remote: &GitRemote, place: Place) -> Result<Self, GitError> {
        let base = Url::parse(remote.url.as_str().trim_end_matches('/'));
        let base = base.map_err(|_| place.nonsense("its address is none"))?;
        let credentials = remote.credentials.as_ref().map(|it| Credentials::Basic {
            username: it.username.clone(),
            password: it.password.clone(),
        });
        let live = git.network().map_err(|error| unanswered(&place, error))?;
        let auth = Auth::new(live, &base, credentials.as_ref());
        let auth = auth.map_err(|error| unanswered(&place, error))?;
        Ok(Self { transport: Arc::new(auth), base, place })
    }

    pub(super) async fn connect(
        &self,
        service: Service,
        version: Version,
    ) -> Result<(Conversation, Advertisement), GitError> {
        let mut url = below(&self.base, "info/refs");
        url.query_pairs_mut().append_pair("service", service.name());
        let request = Request::get(url, DISCOVER).header(header::ACCEPT, ANYTHING).streamed();
        let answer = self.send(speaking(request, version)).await?;
        let answer = self.accepted(answer).await?;
        let base = self.led_to(&answer.url)?;
        let mut reader = self.reader(answer, service, "advertisement").await?;
        let found = Advertisement::read(&mut reader, service).await?;
        let address =
            Self { transport: Arc::clone(&self.transport), base, place: self.place.clone() };
        Ok((Conversation { address, service, version, reader }, found))
    }

    /// The repository's address after redirects.
    fn led_to(&self, found: &Url) -> Result<Url, GitError> {
        let mut base = found.clone();
        base.set_query(None);
        let Some(path) = found.path().strip_suffix("/info/refs") else {
            let detail = format!("it led to {base}, which is no repository");
            return Err(self.place.nonsense(detail));
        };
        base.set_path(path);
        Ok(base)
    }

    async fn send(&self, request: Request) -> Result<Answer, GitError> {
        self.transport.send(request).await.map_err(|error| self.failed(error))
    }

    /// What was wrong with a request; what was wrong with the stream that it carried comes first.
    fn failed(&self, mut error: HostError) -> GitError {
        match error.source.take().map(|it| it.downcast::<Unanswered>()) {
            Some(Ok(why)) => {
                if let Unanswered::Upload(error) = *why {
                    return broken(&self.place, error);
                }
                unanswered(&self.place, error.because(*why))
            }
            Some(Err(other)) => unanswered(&self.place, error.because(other)),
            None => unanswered(&self.place, error),
        }
    }

    /// The answer, where it is a good one; else what it says, in words.
    async fn accepted(&self, answer: Answer) -> Result<Answer, GitError> {
        let (status, place) = (answer.status, self.place.to_string());
        if status.is_success() {
            return Ok(answer);
        }
        if status.is_redirection() {
            return Err(self.place.nonsense("it leads elsewhere after it has been discovered"));
        }
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(GitError::Unauthorized { place })
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => Err(GitError::NoRepository { place }),
            status if wants_length(status) => {
                Err(self.place.not_streamed("it takes no body whose length is not known"))
            }
            status => {
                let after = packhorse_net::wait::retry_after(&answer.headers, Timestamp::now());
                let is_text = answer.header("content-type").is_some_and(is_plain_text);
                let words = if is_text { first_words(answer.body).await } else { String::new() };
                let words = if words.is_empty() { advice(status) } else { format!(": {words}") };
                Err(GitError::Status { place, status, words, after })
            }
        }
    }

    /// Asks upload-pack a question of protocol 0, which needs no conversation before it.
    pub(super) async fn ask_v0(&self, question: Bytes) -> Result<PacketReader, GitError> {
        let service = Service::UploadPack;
        let request = self.request((service, Version::V0), FETCH);
        let request = Request { body: Body::Bytes(question), repeatable: true, ..request };
        let answer = self.accepted(self.send(request).await?).await?;
        self.reader(answer, service, "result").await
    }

    fn request(&self, (service, version): (Service, Version), operation: &'static str) -> Request {
        let name = service.name();
        let mut request = Request::new(Method::POST, below(&self.base, name), operation).streamed();
        let types = [(header::CONTENT_TYPE, "request"), (header::ACCEPT, "result")];
        for (header, what) in types {
            if let Ok(value) = HeaderValue::from_str(&format!("application/x-{name}-{what}")) {
                request = request.header(header, value);
            }
        }
        speaking(request, version)
    }

    /// Reads packets from an answer of the right type; a login page is not one.
    async fn reader(
        &self,
        answer: Answer,
        service: Service,
        what: &str,
    ) -> Result<PacketReader, GitError> {
        let expected = format!("application/x-{}-{what}", service.name());
        let found = answer.header("content-type").unwrap_or_default().to_owned();
        if found.split(';').next().map(str::trim) == Some(expected.as_str()) {
            return Ok(PacketReader::new(answer.body, self.place.clone()));
        }
        if found.contains("html") {
            let detail = "it answered with a web page; \
                          the address may be wrong, or a login page may stand before it";
            return Err(self.place.nonsense(detail));
        }
        // A server that only hands out files lists its refs as text.
        let words = first_words(answer.body).await;
        let id = words.split_whitespace().next().unwrap_or_default();
        let is_listing = words.is_empty()
            || (matches!(id.len(), 40 | 64) && id.bytes().all(|it| it.is_ascii_hexdigit()));
        if what == "advertisement" && service == Service::UploadPack && is_listing {
            return Err(self.place.not_streamed("it hands out files and speaks no protocol"));
        }
        Err(self.place.nonsense(format!("it answered with `{}`", readable(&found))))
    }
}

/// A server, each of whose answers is one to a request of its own.
pub(crate) struct Conversation {
    address: Address,
    service: Service,
    version: Version,
    reader: PacketReader,
}

impl Conversation {
    pub(super) async fn ask(&mut self, request: Bytes) -> Result<&mut PacketReader, GitError> {
        let body = if request.len() > COMPRESSED { zipped(&request) } else { None };
        let is_zipped = body.is_some();
        let body = Body::Bytes(body.unwrap_or(request));
        // Asking twice comes to the same as asking once.
        let mut request = Request { body, repeatable: true, ..self.request(FETCH) };
        if is_zipped {
            request = request.header(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let answer = self.address.send(request).await?;
        let answer = self.address.accepted(answer).await?;
        self.reader = self.address.reader(answer, self.service, "result").await?;
        Ok(&mut self.reader)
    }

    /// Whom it is with.
    pub(super) fn address(&self) -> Address {
        self.address.clone()
    }

    pub(super) fn into_rest(self) -> ByteStream {
        self.reader.into_rest()
    }

    pub(super) async fn push(self, body: PushBody) -> Result<ByteStream, GitError> {
        let body = match gathered(body).await.map_err(|it| broken(&self.address.place, it))? {
            Gathered::Whole(bytes) => Body::Bytes(bytes),
            Gathered::More(PushBody { bytes, length }) => {
                let probe = Body::Bytes(Bytes::from_static(FLUSH));
                let probe = Request { body: probe, repeatable: true, ..self.request(PUSH) };
                let answer = self.address.send(probe).await?;
                drop(self.address.accepted(answer).await?);
                Body::Stream { bytes, length }
            }
        };
        let answer = self.address.send(Request { body, ..self.request(PUSH) }).await?;
        let answer = self.address.accepted(answer).await?;
        let reader = self.address.reader(answer, self.service, "result").await?;
        Ok(reader.into_rest())
    }

    fn request(&self, operation: &'static str) -> Request {
        self.address.request((self.service, self.version), operation)
    }
}

/// A push as it is known before anything of it is sent.
enum Gathered {
    /// All of it.
    Whole(Bytes),
    /// More than is kept.
    More(PushBody),
}

/// Waits for a push's end as long as it is small.
async fn gathered(mut body: PushBody) -> io::Result<Gathered> {
    let mut begin = BytesMut::new();
    while let Some(piece) = body.bytes.next().await {
        begin.extend_from_slice(&piece?);
        if begin.len() > GATHERED {
            let begin = stream::once(async move { Ok(begin.freeze()) });
            let bytes = Box::pin(begin.chain(body.bytes));
            return Ok(Gathered::More(PushBody { bytes, length: body.length }));
        }
    }
    Ok(Gathered::Whole(begin.freeze()))
}

const ANYTHING: HeaderValue = HeaderValue::from_static("*/*");
const VERSION: HeaderName = HeaderName::from_static("git-protocol");

fn speaking(request: Request, version: Version) -> Request {
    match version {
        Version::V2 => request.header(VERSION, HeaderValue::from_static("version=2")),
        Version::V0 => request,
    }
}

fn below(base: &Url, name: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{name}", base.path().trim_end_matches('/')));
    url
}

fn zipped(bytes: &[u8]) -> Option<Bytes> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).ok()?;
    gzip.finish().ok().map(Bytes::from)
}

fn is_plain_text(media: &str) -> bool {
    media.starts_with("text/plain")
}

async fn first_words(mut body: ByteStream) -> String {
    let mut words = Vec::new();
    while let Some(Ok(piece)) = body.next().await {
        words.extend_from_slice(&piece);
        if words.len() > MAX_WORDS {
            break;
        }
    }
    readable(&String::from_utf8_lossy(&words))
}

fn advice(status: StatusCode) -> String {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            ": the push is larger than it takes at once; raise the limit of its web server".into()
        }
        _ => String::new(),
    }
}
