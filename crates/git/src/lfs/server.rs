//! A Git LFS server, as its API is spoken.
//!
//! SECURITY: our own credentials go to the origin that they are for and to no
//! other, wherever a server's answers point.

use super::{
    LfsError, Pointer,
    batch::{self, Action, Granted, MAX_ANSWER, Malformed, Operation, Question, WireAction},
    endpoint::SshEndpoint,
};
use crate::{guard, process::Git};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE},
};
use jiff::{SignedDuration, Timestamp};
use packhorse_core::GitRemote;
use packhorse_net::{
    Answer, Body, Credentials, Origin, Reading, Redirects, Request, Transport, clock::Clock,
    redact::shown,
};
use serde::Serialize;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Mutex;
use url::Url;

/// How LFS names its JSON. Source: git-lfs, docs/api/batch.md.
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/vnd.git-lfs+json");

/// A right that ends within this is asked for anew.
const MARGIN: SignedDuration = SignedDuration::from_secs(15);

/// A Git LFS server.
pub(super) struct Server {
    transport: Arc<dyn Transport>,
    pub(super) clock: Arc<dyn Clock>,
    /// What it may be asked for with our own credentials.
    own: Option<(Origin, HeaderValue)>,
    access: Access,
    /// Objects in a batch that the server has not yet found too many.
    at_once: AtomicUsize,
}

/// How we come to the server's address.
enum Access {
    Known(Url),
    Ssh { ssh: SshEndpoint, git: Git, operation: Operation, granted: Box<Mutex<Option<Given>>> },
}

/// What `git-lfs-authenticate` answered.
#[derive(Clone)]
struct Given {
    url: Url,
    headers: HeaderMap,
    expires: Option<Timestamp>,
}

impl Server {
    /// A server at a known address.
    pub(super) fn at(
        url: Url,
        remote: &GitRemote,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LfsError> {
        let own = match (&remote.credentials, Url::parse(remote.url.as_str())) {
            (Some(it), Ok(home)) => {
                let (username, password) = (it.username.clone(), it.password.clone());
                let (_, value) = Credentials::Basic { username, password }.header()?;
                Origin::of(&home).map(|origin| (origin, value))
            }
            (Some(_) | None, _) => None,
        };
        let at_once = AtomicUsize::new(batch::OBJECTS_A_BATCH);
        Ok(Self { transport, clock, own, access: Access::Known(url), at_once })
    }

    /// A server that is asked for over ssh.
    pub(super) fn over_ssh(
        ssh: SshEndpoint,
        operation: Operation,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        // The environment and the bounds are those of every program that we start.
        let git = Git::at("ssh");
        let access = Access::Ssh { ssh, git, operation, granted: Box::default() };
        let at_once = AtomicUsize::new(batch::OBJECTS_A_BATCH);
        Self { transport, clock, own: None, access, at_once }
    }

    /// Asks about objects, in as many requests as it takes.
    pub(super) async fn batch(
        &self,
        operation: Operation,
        objects: &[Pointer],
    ) -> Result<Vec<Granted>, LfsError> {
        let mut granted = Vec::with_capacity(objects.len());
        let mut rest = objects;
        while !rest.is_empty() {
            let n = rest.len().min(self.at_once.load(Ordering::Relaxed));
            let question = Question::new(operation, &rest[..n]);
            let answer = self.post("objects/batch", &question, "ask about large files").await?;
            if answer.status == StatusCode::PAYLOAD_TOO_LARGE && n > 1 {
                self.at_once.store(n.div_ceil(2), Ordering::Relaxed);
                continue;
            }
            let url = answer.url.clone();
            let bytes = self.whole(answer).await?;
            let now = self.clock.now();
            let read = batch::read_answer(&bytes, operation, &rest[..n], now);
            granted.extend(read.map_err(|why| protocol(&url, &why))?);
            rest = &rest[n..];
        }
        Ok(granted)
    }

    /// Sends JSON to a place below the server's address.
    pub(super) async fn post(
        &self,
        place: &str,
        body: &(impl Serialize + Sync),
        operation: &'static str,
    ) -> Result<Answer, LfsError> {
        let body = Body::Bytes(json(body)?);
        self.ask(Method::POST, place, &[], body, operation).await
    }

    /// Reads from a place below the server's address.
    pub(super) async fn get(
        &self,
        place: &str,
        query: &[(&str, &str)],
        operation: &'static str,
    ) -> Result<Answer, LfsError> {
        self.ask(Method::GET, place, query, Body::Empty, operation).await
    }

    async fn ask(
        &self,
        method: Method,
        place: &str,
        query: &[(&str, &str)],
        body: Body,
        operation: &'static str,
    ) -> Result<Answer, LfsError> {
        let given = self.access(false).await?;
        let mut request = Request::new(method, below(&given.url, place, query), operation);
        request.headers = given.headers;
        request.headers.insert(ACCEPT, MEDIA_TYPE);
        request.headers.insert(CONTENT_TYPE, MEDIA_TYPE);
        request.body = body;
        request.reading = Reading::Whole { at_most: MAX_ANSWER };
        // A batch only asks, and so does a list; a lock that exists already says so.
        request.repeatable = true;
        self.add_own(&mut request);
        let again = request.again();
        let answer = self.transport.send(request).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let (Some(mut again), Access::Ssh { .. }) = (again, &self.access) else {
            return Ok(answer);
        };
        let given = self.access(true).await?;
        again.headers.extend(given.headers);
        Ok(self.transport.send(again).await?)
    }

    /// The body of an answer, if it is a good one.
    pub(super) async fn whole(&self, answer: Answer) -> Result<Bytes, LfsError> {
        if has_no_lfs(answer.status) {
            return Err(LfsError::NoServer { url: shown(&answer.url) });
        }
        Ok(answer.success().await?.bytes(MAX_ANSWER).await?)
    }

    /// Sends a request that the server asked for.
    pub(super) async fn act(
        &self,
        method: Method,
        action: &Action,
        is_authenticated: bool,
        body: Body,
        operation: &'static str,
    ) -> Result<Answer, LfsError> {
        let mut request = Request::new(method, action.href.clone(), operation);
        request.headers = action.headers.clone();
        if request.method == Method::GET {
            request.redirects = Redirects::Follow;
            request.reading = Reading::Streamed;
            // The bytes as they were put there, and places in them that mean the same.
            request.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        } else {
            let default = HeaderValue::from_static("application/octet-stream");
            request.headers.entry(CONTENT_TYPE).or_insert(default);
        }
        if request.method == Method::POST {
            request.headers.insert(ACCEPT, MEDIA_TYPE);
            request.headers.insert(CONTENT_TYPE, MEDIA_TYPE);
            request.repeatable = true;
        }
        request.body = body;
        if !is_authenticated {
            self.add_own(&mut request);
        }
        Ok(self.transport.send(request).await?)
    }

    /// Sends a request for a part of an object, from a place on.
    pub(super) async fn act_from(&self, action: &Action, at: u64) -> Result<Answer, LfsError> {
        let mut action = action.clone();
        let range = HeaderValue::try_from(format!("bytes={at}-"));
        if let (Ok(range), 1..) = (range, at) {
            action.headers.insert(http::header::RANGE, range);
        }
        self.act(Method::GET, &action, true, Body::Empty, "read a large file").await
    }

    /// Adds our credentials, where they belong and nothing stands in their place.
    pub(super) fn add_own(&self, request: &mut Request) {
        let Some((origin, value)) = &self.own else { return };
        if origin.is_of(&request.url) && !request.headers.contains_key(AUTHORIZATION) {
            request.headers.insert(AUTHORIZATION, value.clone());
        }
    }

    /// An action as it is to be called, with our credentials where they belong.
    pub(super) fn complete(&self, granted: &Granted, action: &Action) -> Action {
        let mut action = action.clone();
        if let Some((origin, value)) = self.own.as_ref().filter(|_| !granted.is_authenticated)
            && origin.is_of(&action.href)
        {
            action.headers.entry(AUTHORIZATION).or_insert_with(|| value.clone());
        }
        action
    }

    /// Whether an action's right has ended, or is about to.
    pub(super) fn is_over(&self, action: &Action) -> bool {
        ends(action.expires, self.clock.now())
    }

    /// An error that says what is wrong with this server.
    pub(super) fn refuses(&self, why: &Malformed) -> LfsError {
        match &self.access {
            Access::Known(url) => protocol(url, why),
            Access::Ssh { ssh, .. } => protocol(&ssh.guess, why),
        }
    }

    async fn access(&self, anew: bool) -> Result<Given, LfsError> {
        let (ssh, git, operation, granted) = match &self.access {
            Access::Known(url) => {
                let url = url.clone();
                return Ok(Given { url, headers: HeaderMap::new(), expires: None });
            }
            Access::Ssh { ssh, git, operation, granted } => (ssh, git, operation, granted),
        };
        let mut granted = granted.lock().await;
        let now = self.clock.now();
        if let Some(given) = granted.as_ref().filter(|it| !anew && !ends(it.expires, now)) {
            return Ok(given.clone());
        }
        guard::check_ssh(git, &ssh.target)?;
        let answer = git.command(ssh.arguments(operation.name())).run(&[]).await?;
        let given = read_given(&answer, ssh, now).map_err(|why| protocol(&ssh.guess, &why))?;
        Ok(granted.insert(given).clone())
    }
}

/// Reads what `git-lfs-authenticate` prints.
fn read_given(answer: &[u8], ssh: &SshEndpoint, now: Timestamp) -> Result<Given, Malformed> {
    let malformed = |why: &str| Malformed(format!("git-lfs-authenticate {why}"));
    let wire: WireAction =
        serde_json::from_slice(answer).map_err(|_| malformed("answered no JSON"))?;
    let url = match wire.href.as_deref() {
        None | Some("") => ssh.guess.clone(),
        Some(href) => Url::parse(href)
            .ok()
            .filter(|it| matches!(it.scheme(), "http" | "https"))
            .ok_or_else(|| malformed("named no address of the web"))?,
    };
    let (headers, expires) = wire.terms(now)?;
    Ok(Given { url, headers, expires })
}

fn ends(expires: Option<Timestamp>, now: Timestamp) -> bool {
    expires.is_some_and(|it| it.duration_since(now) < MARGIN)
}

/// Whether a status means that there is no such API.
pub(super) fn has_no_lfs(status: StatusCode) -> bool {
    [
        StatusCode::NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED,
        StatusCode::GONE,
        StatusCode::NOT_IMPLEMENTED,
    ]
    .contains(&status)
}

pub(super) fn protocol(url: &Url, why: &Malformed) -> LfsError {
    LfsError::Protocol { url: shown(url), detail: why.to_string() }
}

pub(super) fn json(value: &impl Serialize) -> Result<Bytes, LfsError> {
    serde_json::to_vec(value)
        .map(Bytes::from)
        .map_err(|error| LfsError::System { operation: "write a request", source: error.into() })
}

/// An address below another.
fn below(base: &Url, place: &str, query: &[(&str, &str)]) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{place}", base.path().trim_end_matches('/')));
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ssh() -> SshEndpoint {
        SshEndpoint {
            target: "git@h.example".into(),
            port: None,
            path: "a/b.git".into(),
            guess: Url::parse("https://h.example/a/b.git/info/lfs").unwrap(),
        }
    }

    #[test]
    fn what_ssh_answers_names_the_server_or_leaves_it_at_the_guess() {
        let now = Timestamp::UNIX_EPOCH;
        let read = |text: &str| read_given(text.as_bytes(), &ssh(), now);

        let named = read(
            r#"{"href": "https://lfs.example/x", "header": {"Authorization": "RemoteAuth t"},
                "expires_in": 60}"#,
        );
        let named = named.ok().unwrap();
        assert_eq!(named.url.as_str(), "https://lfs.example/x");
        assert_eq!(named.headers[AUTHORIZATION], "RemoteAuth t");
        assert!(
            !ends(named.expires, now)
                && ends(named.expires, "1970-01-01T00:00:50Z".parse().unwrap())
        );
        let guessed = read(r#"{"header": {}}"#).ok().unwrap();
        assert_eq!(guessed.url, ssh().guess);
        for bad in ["", "Welcome!", r#"{"href": "file:///etc"}"#] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn places_are_below_the_address() {
        let base = Url::parse("https://h.example/a/b.git/info/lfs/").unwrap();
        assert_eq!(
            below(&base, "locks", &[("cursor", "a&b")]).as_str(),
            "https://h.example/a/b.git/info/lfs/locks?cursor=a%26b"
        );
    }
}
