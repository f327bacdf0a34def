//! A stand-in for an S3-compatible store: one bucket on loopback, as strict as the published API
//! about signatures, parts and names.
//!
//! It knows what is asked of it and no more: objects are put whole or in parts, fetched from a byte
//! on, looked at and removed. Source: Amazon, *Amazon S3 API Reference*.

mod signature;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use sha2::{Digest as _, Sha256};
use signature::{Asked, Keys, value};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};
use tokio::sync::oneshot;

/// The least size of a part but the last, in bytes.
const LEAST_PART: usize = 5 << 20;

/// The longest body that is taken, in bytes.
const LONGEST: usize = 64 << 20;

/// A store with one bucket; it ends with this value.
#[derive(Debug)]
pub struct Bucket {
    name: String,
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    stop: Option<oneshot::Sender<()>>,
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, Object>,
    uploads: BTreeMap<String, Unfinished>,
    n_uploads: u64,
    log: Vec<String>,
    failures: (usize, String),
}

/// An object of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What it is said to be.
    pub content_type: Option<String>,
    /// Sizes of the parts in which it came; empty for one that came whole.
    pub parts: Vec<usize>,
}

#[derive(Debug)]
struct Unfinished {
    key: String,
    content_type: Option<String>,
    parts: BTreeMap<u32, Vec<u8>>,
}

/// A request that is answered with an error.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    fn missing(code: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, "it does not exist")
    }

    fn malformed(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidRequest", message)
    }
}

type Answer = Response<Full<Bytes>>;

impl Bucket {
    /// The key by which it is asked.
    pub const KEY: &str = "AKIAPACKHORSETEST";
    /// The secret of that key.
    pub const SECRET: &str = "a secret/with+signs of the stand-in";

    /// Starts a store with a bucket of that name.
    ///
    /// # Errors
    ///
    /// When no port of loopback is to be had.
    pub fn start(name: &str) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let state = Arc::<Mutex<State>>::default();
        let (shared, bucket) = (Arc::clone(&state), Arc::<str>::from(name));
        thread::spawn(move || runtime.block_on(serve(listener, bucket, shared, stopped)));
        Ok(Self { name: name.to_owned(), address, state, stop: Some(stop) })
    }

    /// The endpoint of its API.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The variables that lead a client there.
    pub fn variables(&self) -> [(String, String); 4] {
        let variables = [
            ("AWS_ACCESS_KEY_ID", Self::KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", Self::SECRET.to_owned()),
            ("AWS_REGION", "eu-central-1".to_owned()),
            ("AWS_ENDPOINT_URL", self.endpoint()),
        ];
        variables.map(|(name, value)| (name.to_owned(), value))
    }

    /// The address of a place in it.
    pub fn address(&self, prefix: &str) -> String {
        format!("s3://{}/{prefix}", self.name)
    }

    /// An object that is there.
    pub fn object(&self, key: &str) -> Option<Object> {
        self.state().objects.get(key).cloned()
    }

    /// Keys of all objects.
    pub fn keys(&self) -> Vec<String> {
        self.state().objects.keys().cloned().collect()
    }

    /// Uploads that were begun, and neither completed nor given up.
    pub fn n_unfinished(&self) -> usize {
        self.state().uploads.len()
    }

    /// The requests since the last look, such as `PUT /acme/x?partNumber=1&uploadId=1`.
    pub fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.state().log)
    }

    /// Answers that many of the next requests with 503 whose line in the log holds a text.
    pub fn fail_next(&self, n: usize, holding: &str) {
        self.state().failures = (n, holding.to_owned());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It may have ended by itself.
            stop.send(()).ok();
        }
    }
}

async fn serve(
    listener: std::net::TcpListener,
    bucket: Arc<str>,
    state: Arc<Mutex<State>>,
    mut stopped: oneshot::Receiver<()>,
) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stopped => return,
        };
        let Ok((stream, _)) = accepted else { continue };
        let (bucket, state) = (Arc::clone(&bucket), Arc::clone(&state));
        let service = service_fn(move |request| {
            let (bucket, state) = (Arc::clone(&bucket), Arc::clone(&state));
            async move { Ok::<_, Infallible>(answer(&bucket, &state, request).await) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(bucket: &str, state: &Mutex<State>, request: Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, LONGEST).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return refuse(&Refusal::malformed("the body broke off or is too long")),
    };
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let line = format!("{} {}", head.method, logged(&head.uri));
    let is_to_fail = state.failures.0 > 0 && line.contains(&state.failures.1);
    state.log.push(line);
    if is_to_fail {
        state.failures.0 -= 1;
        let busy = "Please reduce your request rate.";
        return refuse(&Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", busy));
    }
    let asked = Asked {
        method: &head.method,
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        headers: &head.headers,
        body: &body,
    };
    let keys = Keys { id: Bucket::KEY, secret: Bucket::SECRET };
    let answered = signature::check(&keys, &asked).and_then(|()| state.serve(bucket, &asked));
    answered.unwrap_or_else(|refusal| refuse(&refusal))
}

/// What is noted of an address: nothing of signatures.
fn logged(uri: &http::Uri) -> String {
    let query = uri.query().unwrap_or_default();
    let named = query.split('&').filter(|it| !it.starts_with("X-Amz-") && !it.is_empty());
    let named = named.collect::<Vec<_>>().join("&");
    if named.is_empty() { uri.path().to_owned() } else { format!("{}?{named}", uri.path()) }
}

fn refuse(refusal: &Refusal) -> Answer {
    let Refusal { status, code, message } = refusal;
    let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = *status;
    answer
}

fn etag(bytes: &[u8]) -> String {
    format!("\"{}\"", &HEXLOWER.encode(&Sha256::digest(bytes))[..32])
}

fn xml(body: String) -> Answer {
    Response::new(Full::from(body))
}

impl State {
    fn serve(&mut self, bucket: &str, asked: &Asked<'_>) -> Result<Answer, Refusal> {
        let path = signature::decoded(asked.path);
        let (named, key) = path.trim_start_matches('/').split_once('/').unwrap_or((&path, ""));
        if named != bucket {
            return Err(Refusal::missing("NoSuchBucket"));
        }
        if key.is_empty() {
            return Err(Refusal::malformed("nothing is known of buckets as such"));
        }
        let upload = value(asked.query, "uploadId");
        let number = value(asked.query, "partNumber");
        match (asked.method, upload, number) {
            (&Method::POST, None, None) if value(asked.query, "uploads").is_some() => {
                Ok(self.begin(key, asked))
            }
            (&Method::PUT, Some(upload), Some(number)) => self.part(&upload, &number, key, asked),
            (&Method::POST, Some(upload), None) => self.complete(&upload, key, asked),
            (&Method::DELETE, Some(upload), None) => match self.uploads.remove(&upload) {
                Some(_) => Ok(empty(StatusCode::NO_CONTENT)),
                None => Err(Refusal::missing("NoSuchUpload")),
            },
            (&Method::PUT, None, None) => {
                let bytes = asked.body.to_vec();
                let etag = etag(&bytes);
                let object = Object { bytes, content_type: content_type(asked), parts: vec![] };
                self.objects.insert(key.to_owned(), object);
                Ok(tagged(&etag))
            }
            (&Method::GET | &Method::HEAD, None, None) => self.get(key, asked),
            (&Method::DELETE, None, None) => {
                self.objects.remove(key);
                Ok(empty(StatusCode::NO_CONTENT))
            }
            _ => Err(Refusal::malformed("nothing is known of that")),
        }
    }

    fn begin(&mut self, key: &str, asked: &Asked<'_>) -> Answer {
        self.n_uploads += 1;
        let id = format!("upload-{}", self.n_uploads);
        let (key, content_type) = (key.to_owned(), content_type(asked));
        self.uploads.insert(id.clone(), Unfinished { key, content_type, parts: BTreeMap::new() });
        xml(format!(
            "<InitiateMultipartUploadResult><UploadId>{id}</UploadId>\
             </InitiateMultipartUploadResult>"
        ))
    }

    fn part(
        &mut self,
        upload: &str,
        number: &str,
        key: &str,
        asked: &Asked<'_>,
    ) -> Result<Answer, Refusal> {
        let found = self.uploads.get_mut(upload).filter(|it| it.key == key);
        let found = found.ok_or_else(|| Refusal::missing("NoSuchUpload"))?;
        let number = number.parse().ok().filter(|it| (1..=10_000).contains(it));
        let number = number.ok_or_else(|| Refusal::malformed("that is no number of a part"))?;
        found.parts.insert(number, asked.body.to_vec());
        Ok(tagged(&etag(asked.body)))
    }

    fn complete(&mut self, upload: &str, key: &str, asked: &Asked<'_>) -> Result<Answer, Refusal> {
        let found = self.uploads.get(upload).filter(|it| it.key == key);
        let found = found.ok_or_else(|| Refusal::missing("NoSuchUpload"))?;
        let told = String::from_utf8_lossy(asked.body).replace("&quot;", "\"");
        let listed: Vec<_> = told.split("<Part>").skip(1).collect();
        let mut parts = Vec::new();
        for (at, one) in listed.iter().enumerate() {
            let inner = |name: &str| {
                let rest = one.split_once(&format!("<{name}>"))?.1;
                Some(rest.split_once(&format!("</{name}>"))?.0)
            };
            let number = inner("PartNumber").and_then(|it| it.parse::<u32>().ok());
            let bytes = number.and_then(|it| found.parts.get(&it));
            let bytes = bytes.filter(|it| inner("ETag") == Some(&etag(it)));
            let bytes = bytes.ok_or_else(|| {
                Refusal::new(StatusCode::BAD_REQUEST, "InvalidPart", "a part is not there")
            })?;
            if bytes.len() < LEAST_PART && at + 1 < listed.len() {
                let why = "a part is smaller than the least";
                return Err(Refusal::new(StatusCode::BAD_REQUEST, "EntityTooSmall", why));
            }
            parts.push(bytes.clone());
        }
        if parts.is_empty() {
            return Err(Refusal::malformed("no part was listed"));
        }
        let object = Object {
            parts: parts.iter().map(Vec::len).collect(),
            bytes: parts.concat(),
            content_type: found.content_type.clone(),
        };
        let etag = etag(&object.bytes);
        self.uploads.remove(upload);
        self.objects.insert(key.to_owned(), object);
        Ok(xml(format!(
            "<CompleteMultipartUploadResult><ETag>{etag}</ETag></CompleteMultipartUploadResult>"
        )))
    }

    fn get(&self, key: &str, asked: &Asked<'_>) -> Result<Answer, Refusal> {
        let found = self.objects.get(key).ok_or_else(|| Refusal::missing("NoSuchKey"))?;
        let size = found.bytes.len();
        let range = asked.headers.get(header::RANGE).and_then(|it| it.to_str().ok());
        let from = range.and_then(|it| it.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
        if from.is_some_and(|it: usize| it >= size) {
            return Err(Refusal::new(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", "no"));
        }
        let bytes = &found.bytes[from.unwrap_or(0)..];
        let mut builder = Response::builder()
            .header(header::ETAG, etag(&found.bytes))
            .header(header::LAST_MODIFIED, "Wed, 21 Oct 2015 07:28:00 GMT")
            .header(header::CONTENT_LENGTH, bytes.len());
        if let Some(kind) = &found.content_type {
            builder = builder.header(header::CONTENT_TYPE, kind);
        }
        if let Some(from) = from {
            let range = format!("bytes {from}-{}/{size}", size - 1);
            builder = builder.status(StatusCode::PARTIAL_CONTENT).header("content-range", range);
        }
        let is_look = asked.method == Method::HEAD;
        let body = if is_look { Bytes::new() } else { Bytes::copy_from_slice(bytes) };
        builder.body(Full::from(body)).map_err(|_| Refusal::malformed("a header cannot be sent"))
    }
}

fn content_type(asked: &Asked<'_>) -> Option<String> {
    asked.headers.get(header::CONTENT_TYPE)?.to_str().ok().map(str::to_owned)
}

fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}

fn tagged(etag: &str) -> Answer {
    let mut answer = Response::new(Full::default());
    if let Ok(etag) = etag.parse() {
        answer.headers_mut().insert(header::ETAG, etag);
    }
    answer
}
