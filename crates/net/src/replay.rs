//! Recorded answers from files, for tests, and what writes them.
//!
//! A file is a request, and its content the answer: a status line (left out
//! means 200), headers, an empty line, the body. Its name is the verb, `_`, and
//! the path with its query, percent-encoded, as in
//! `GET_%2Fapi%2Fv1%2Fversion`. What a request carries is not looked at.

use crate::transport::{Answer, Request, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use packhorse_core::{HostError, HostErrorKind};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// The longest name that a file may have.
const MAX_NAME: usize = 240;
/// What is not recorded: it is somebody's, or true only on the way.
const LEFT_OUT: [HeaderName; 5] = [
    header::SET_COOKIE,
    header::CONTENT_LENGTH,
    header::CONTENT_ENCODING,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
];

/// Answers requests from files.
pub struct Replay {
    files: BTreeMap<String, PathBuf>,
    asked: Mutex<BTreeSet<String>>,
}

impl Replay {
    /// Reads the names of the recordings in a directory.
    ///
    /// # Errors
    ///
    /// When the directory cannot be listed.
    pub fn from_directory(directory: &Path) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|it| it.to_str());
            if let Some(request) = name.and_then(decoded) {
                files.insert(request, path);
            }
        }
        Ok(Self { files, asked: Mutex::default() })
    }

    /// Recordings that nobody has asked for yet, as `GET /path`.
    pub fn unasked(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        self.files.keys().filter(|it| !asked.contains(*it)).cloned().collect()
    }
}

#[async_trait]
impl Transport for Replay {
    async fn send(&self, request: Request) -> Result<Answer, HostError> {
        let wanted = line(&request);
        let fail = |kind| HostError::new(kind, request.operation).with("recording", &wanted);
        let path = self.files.get(&wanted).ok_or_else(|| fail(HostErrorKind::Unavailable))?;
        let recording =
            fs::read(path).map_err(|error| fail(HostErrorKind::Unavailable).because(error))?;
        let (status, headers, body) =
            parse(&recording).ok_or_else(|| fail(HostErrorKind::Protocol))?;
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(wanted);
        let Request { url, operation, .. } = request;
        Ok(Answer::whole(status, headers, url, body, operation))
    }
}

/// Writes down what `inner` answers, for [`Replay`].
pub struct Record<T> {
    inner: T,
    directory: PathBuf,
}

impl<T> Record<T> {
    /// Around `inner`; files go into `directory`, which must be there.
    pub fn new(inner: T, directory: PathBuf) -> Self {
        Self { inner, directory }
    }
}

#[async_trait]
impl<T: Transport> Transport for Record<T> {
    async fn send(&self, request: Request) -> Result<Answer, HostError> {
        let wanted = line(&request);
        let answer = self.inner.send(request).await?;
        let (status, headers) = (answer.status, answer.headers.clone());
        let (url, operation) = (answer.url.clone(), answer.operation);
        let body = answer.bytes(crate::transport::API_ANSWER).await?;
        let fail = |kind| HostError::new(kind, "record an answer").with("request", &wanted);
        let name = encoded(&wanted).ok_or_else(|| fail(HostErrorKind::Unsupported))?;
        fs::write(self.directory.join(name), written(status, &headers, &body))
            .map_err(|error| fail(HostErrorKind::Unavailable).because(error))?;
        Ok(Answer::whole(status, headers, url, body, operation))
    }
}

/// `GET /path?query`.
fn line(request: &Request) -> String {
    let query = request.url.query().map(|it| format!("?{it}")).unwrap_or_default();
    format!("{} {}{query}", request.method, request.url.path())
}

/// The request that a file's name stands for; `None` for other files.
fn decoded(name: &str) -> Option<String> {
    let (method, rest) = name.split_once('_')?;
    let mut bytes = Vec::with_capacity(rest.len());
    let mut rest = rest.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                let digits = std::str::from_utf8(&digits).ok()?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
            }
            _ => bytes.push(byte),
        }
    }
    let is_verb = !method.is_empty() && method.bytes().all(|it| it.is_ascii_uppercase());
    String::from_utf8(bytes).ok().filter(|_| is_verb).map(|it| format!("{method} {it}"))
}

/// The name of a request's file; `None` when it would be too long.
fn encoded(request: &str) -> Option<String> {
    let (method, rest) = request.split_once(' ')?;
    let mut name = format!("{method}_");
    for byte in rest.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'=' | b'&' => {
                name.push(byte.into());
            }
            _ => name.push_str(&format!("%{byte:02X}")),
        }
    }
    (name.len() <= MAX_NAME).then_some(name)
}

fn written(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status}\n").into_bytes();
    for (name, value) in headers.iter().filter(|(name, _)| !LEFT_OUT.contains(name)) {
        text.extend_from_slice(name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.push(b'\n');
    }
    text.push(b'\n');
    text.extend_from_slice(body);
    text
}

/// Reads a recording; lines end with or without a carriage return.
fn parse(recording: &[u8]) -> Option<(StatusCode, HeaderMap, Bytes)> {
    let (mut status, mut headers) = (StatusCode::OK, HeaderMap::new());
    let mut rest = recording;
    loop {
        let end = rest.iter().position(|it| *it == b'\n').unwrap_or(rest.len());
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        rest = rest.get(end + 1..).unwrap_or_default();
        if line.is_empty() {
            return Some((status, headers, Bytes::copy_from_slice(rest)));
        }
        if let Some(version) = line.strip_prefix(b"HTTP/") {
            status = StatusCode::from_bytes(version.split(|it| *it == b' ').nth(1)?).ok()?;
            continue;
        }
        let colon = line.iter().position(|it| *it == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        if !LEFT_OUT.contains(&name) {
            headers.append(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn get(path: &str) -> Request {
        Request::get(format!("https://h.example{path}").parse().unwrap(), "read")
    }

    #[tokio::test]
    async fn what_was_recorded_is_answered_again() {
        let directory = tempfile::tempdir().unwrap();
        let file =
            directory.path().join("GET_%2Fapi%2Fprojects%2Facme%252Fapp%3Fpage=2&per_page=10");
        fs::write(file, "Link: <x>; rel=\"next\"\nSet-Cookie: canary\n\n[1]\n").unwrap();
        let replay = Replay::from_directory(directory.path()).unwrap();
        let again = tempfile::tempdir().unwrap();
        let record = Record::new(replay, again.path().to_owned());
        assert_eq!(record.inner.unasked().len(), 1);

        let wanted = || get("/api/projects/acme%2Fapp?page=2&per_page=10");
        let first = record.send(wanted()).await.unwrap();
        assert!(record.inner.unasked().is_empty());
        let replay = Replay::from_directory(again.path()).unwrap();
        let second = replay.send(wanted()).await.unwrap();

        assert_eq!(first.headers, second.headers);
        assert_eq!(first.header("link"), Some("<x>; rel=\"next\""));
        assert_eq!(first.bytes(10).await.unwrap(), second.bytes(10).await.unwrap());
    }

    #[tokio::test]
    async fn what_was_not_recorded_is_told_by_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let replay = Replay::from_directory(directory.path()).unwrap();

        let error = replay.send(get("/api?page=1")).await.unwrap_err();

        assert!(error.to_string().contains("GET /api?page=1"), "{error}");
    }

    proptest! {
        #[test]
        fn names_are_read_as_they_are_written(path in "/[ -~]{0,60}") {
            let request = format!("GET {path}");
            let name = encoded(&request).unwrap();

            prop_assert_eq!(decoded(&name), Some(request));
        }

        #[test]
        fn no_recording_makes_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            parse(&bytes);
            decoded(&String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn answers_are_read_as_they_are_written(
            status in 200u16..600,
            body in prop::collection::vec(any::<u8>(), 0..50),
        ) {
            let status = StatusCode::from_u16(status).unwrap();
            let headers = HeaderMap::from_iter([(header::ETAG, HeaderValue::from_static("\"1\""))]);

            let read = parse(&written(status, &headers, &body));

            prop_assert_eq!(read, Some((status, headers, body.into())));
        }
    }
}
