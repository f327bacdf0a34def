//! Asks again for what is known only whether it has changed.

use crate::transport::{Answer, Reading, Request, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use packhorse_core::HostError;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};
use url::Url;

/// What all kept answers may weigh, in bytes.
const MOST: u64 = 8 << 20;
/// What one kept answer may weigh, in bytes.
const MOST_EACH: u64 = 1 << 20;
/// What an entry costs beside its body, in bytes: URL, headers, two maps.
const OVERHEAD: u64 = 2 << 10;

/// Asks again for what is known only whether it has changed.
///
/// Answers to `GET`s with an `ETag` are kept, up to a bound, those that were
/// wanted last; a host that has nothing new answers 304, which is cheap and
/// on some hosts not counted. Around one endpoint's transport, never shared by
/// several credentials.
pub struct Conditional<T> {
    inner: T,
    kept: Mutex<Kept>,
}

/// Answers by what was asked; the order of their use.
#[derive(Default)]
struct Kept {
    list: HashMap<Key, Entry>,
    by_use: BTreeMap<u64, Key>,
    clock: u64,
    weight: u64,
}

/// URL and what the answer depends on otherwise.
type Key = (Url, Vec<u8>);

#[derive(Clone)]
struct Entry {
    tag: header::HeaderValue,
    headers: HeaderMap,
    body: Bytes,
    used: u64,
}

impl Entry {
    fn weight(&self) -> u64 {
        self.body.len() as u64 + OVERHEAD
    }
}

impl Kept {
    fn touch(&mut self, key: &Key) -> Option<&Entry> {
        let entry = self.list.get_mut(key)?;
        self.by_use.remove(&entry.used);
        self.clock += 1;
        entry.used = self.clock;
        self.by_use.insert(self.clock, key.clone());
        Some(entry)
    }

    fn drop_entry(&mut self, key: &Key) {
        if let Some(old) = self.list.remove(key) {
            self.by_use.remove(&old.used);
            self.weight -= old.weight();
        }
    }

    fn keep(&mut self, key: Key, mut entry: Entry) {
        self.drop_entry(&key);
        self.clock += 1;
        entry.used = self.clock;
        self.weight += entry.weight();
        self.by_use.insert(self.clock, key.clone());
        self.list.insert(key, entry);
        while self.weight > MOST {
            let Some((_, oldest)) = self.by_use.pop_first() else {
                return;
            };
            self.drop_entry(&oldest);
        }
    }
}

impl<T> Conditional<T> {
    /// Around `inner`, with nothing known.
    pub fn new(inner: T) -> Self {
        Self { inner, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the answer depends on, when it may be kept at all.
fn key(request: &Request) -> Option<Key> {
    let own = [header::IF_NONE_MATCH, header::IF_MATCH, header::IF_RANGE, header::RANGE];
    let is_plain = request.method == Method::GET
        && matches!(request.reading, Reading::Whole { .. })
        && !own.iter().any(|it| request.headers.contains_key(it));
    // Other headers choose the answer too, such as the one to act as somebody.
    let mut chosen = Vec::new();
    for (name, value) in &request.headers {
        chosen.extend_from_slice(name.as_str().as_bytes());
        chosen.extend_from_slice(value.as_bytes());
        chosen.push(b'\n');
    }
    is_plain.then(|| (request.url.clone(), chosen))
}

#[async_trait]
impl<T: Transport> Transport for Conditional<T> {
    async fn send(&self, mut request: Request) -> Result<Answer, HostError> {
        let Some(key) = key(&request) else {
            return self.inner.send(request).await;
        };
        let known = self.kept().touch(&key).cloned();
        if let Some(known) = &known {
            request.headers.insert(header::IF_NONE_MATCH, known.tag.clone());
        }
        let answer = self.inner.send(request).await?;
        let Answer { status, headers, url, body, operation } = answer;
        if let Some(known) = known.filter(|_| status == StatusCode::NOT_MODIFIED) {
            let mut merged = known.headers;
            merged.extend(headers);
            return Ok(Answer::whole(StatusCode::OK, merged, url, known.body, operation));
        }
        let tag = headers.get(header::ETAG).cloned().filter(|_| status == StatusCode::OK);
        let answer = Answer { status, headers, url, body, operation };
        let Some(tag) = tag else {
            return Ok(answer);
        };
        // It was read whole already, so this waits for nothing and is bounded.
        let (headers, url) = (answer.headers.clone(), answer.url.clone());
        let body = answer.bytes(u64::MAX).await?;
        if body.len() as u64 <= MOST_EACH {
            let entry = Entry { tag, headers: headers.clone(), body: body.clone(), used: 0 };
            self.kept().keep(key, entry);
        }
        Ok(Answer::whole(status, headers, url, body, operation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host whose every page has its number of bytes; says how often it sent one.
    #[derive(Default)]
    struct Pages {
        sent: Mutex<u32>,
        version: Mutex<u32>,
    }

    #[async_trait]
    impl Transport for Pages {
        async fn send(&self, request: Request) -> Result<Answer, HostError> {
            let size: usize = request.url.path()[1..].parse().unwrap();
            let tag: header::HeaderValue =
                format!("\"{}\"", self.version.lock().unwrap()).parse().unwrap();
            let same = request.headers.get(header::IF_NONE_MATCH) == Some(&tag);
            let headers = HeaderMap::from_iter([(header::ETAG, tag)]);
            let (status, body) = if same {
                (StatusCode::NOT_MODIFIED, Bytes::new())
            } else {
                *self.sent.lock().unwrap() += 1;
                (StatusCode::OK, Bytes::from(vec![b'a'; size]))
            };
            Ok(Answer::whole(status, headers, request.url, body, request.operation))
        }
    }

    async fn get(pages: &Conditional<Pages>, path: &str) -> usize {
        let url = format!("https://h.example/{path}").parse().unwrap();
        let answer = pages.send(Request::get(url, "read")).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        answer.bytes(MOST).await.unwrap().len()
    }

    #[tokio::test]
    async fn what_has_not_changed_is_not_sent_again() {
        let pages = Conditional::new(Pages::default());

        for _ in 0..3 {
            assert_eq!(get(&pages, "100").await, 100);
        }
        assert_eq!(*pages.inner.sent.lock().unwrap(), 1);

        *pages.inner.version.lock().unwrap() = 2;
        assert_eq!(get(&pages, "100").await, 100);
        assert_eq!(*pages.inner.sent.lock().unwrap(), 2);
    }

    #[tokio::test]
    async fn what_is_kept_is_bounded_and_the_oldest_goes_first() {
        let pages = Conditional::new(Pages::default());
        get(&pages, "7").await;
        for number in 0..40 {
            get(&pages, &format!("{}", 500_000 + number)).await;
            get(&pages, "7").await;
        }
        let (weight, n_kept, n_used) = {
            let kept = pages.kept();
            (kept.weight, kept.list.len(), kept.by_use.len())
        };
        assert!(weight <= MOST);
        assert_eq!(n_kept, n_used);

        let sent = *pages.inner.sent.lock().unwrap();
        assert_eq!(sent, 41);
        get(&pages, "500000").await;
        assert_eq!(*pages.inner.sent.lock().unwrap(), sent + 1);
        // Too large for keeping.
        get(&pages, "2000000").await;
        get(&pages, "2000000").await;
        assert_eq!(*pages.inner.sent.lock().unwrap(), sent + 3);
    }

    #[tokio::test]
    async fn what_was_asked_as_somebody_else_is_another_answer() {
        let pages = Conditional::new(Pages::default());
        get(&pages, "100").await;

        let url = "https://h.example/100".parse().unwrap();
        let sudo = http::HeaderName::from_static("sudo");
        let request = Request::get(url, "read").header(sudo, "alice".parse().unwrap());
        pages.send(request).await.unwrap();

        assert_eq!(*pages.inner.sent.lock().unwrap(), 2);
    }
}
