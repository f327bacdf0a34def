//! The batch API: which files a server has, and where they go.
//!
//! Source: git-lfs, docs/api/batch.md and docs/api/basic-transfers.md.

use super::Pointer;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::Timestamp;
use packhorse_core::Secret;
use packhorse_net::Credentials;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};
use url::Url;

/// Objects in one request. Source: what git-lfs sends, `lfs.transfer.batchSize`.
pub(super) const OBJECTS_A_BATCH: usize = 100;

/// What an answer may weigh in bytes: three signed addresses with headers for each object.
pub(super) const MAX_ANSWER: u64 = 4 << 20;

/// Most headers that an action may ask for.
const MAX_HEADERS: usize = 32;

/// Most of a server's words that is kept, in characters.
const MAX_WORDS: usize = 300;

/// Source: git-lfs, docs/api/batch.md, `expires_in`.
const MAX_EXPIRY: i64 = 2_147_483_647;

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// From the server.
    Download,
    /// To the server.
    Upload,
}

impl Operation {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Download => "download",
            Self::Upload => "upload",
        }
    }
}

/// What a server says of one object.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The object.
    pub pointer: Pointer,
    /// Whether requests for it need no credentials beside an action's headers.
    pub is_authenticated: bool,
    /// What may be done.
    pub verdict: Verdict,
}

/// What may be done with an object.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Nothing is to do: the server has it, if it was asked about an upload.
    Nothing,
    /// It is to be moved.
    Move {
        /// To or from here.
        action: Box<Action>,
        /// To be called when it has arrived.
        verify: Option<Box<Action>>,
    },
    /// The server refuses.
    Refused {
        /// As an HTTP status: 404 and 410 are missing objects, 422 an invalid one.
        code: u16,
        /// The server's words.
        message: String,
    },
}

/// One request that a server asks for.
#[derive(Clone, Debug)]
pub struct Action {
    /// Where to; it may be another host.
    pub href: Url,
    /// Headers that go there; their values are hidden in `Debug`.
    pub headers: HeaderMap,
    /// Until when.
    pub expires: Option<Timestamp>,
}

/// Why an answer cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

#[derive(Serialize)]
pub(super) struct Question<'a> {
    operation: Operation,
    transfers: [&'static str; 1],
    objects: Vec<Asked<'a>>,
    hash_algo: &'static str,
}

#[derive(Serialize)]
pub(super) struct Asked<'a> {
    oid: &'a str,
    size: u64,
}

impl<'a> Question<'a> {
    pub(super) fn new(operation: Operation, objects: &'a [Pointer]) -> Self {
        let objects = objects.iter().map(Asked::of).collect();
        Self { operation, transfers: ["basic"], objects, hash_algo: "sha256" }
    }
}

impl<'a> Asked<'a> {
    pub(super) fn of(pointer: &'a Pointer) -> Self {
        Self { oid: &pointer.sha256, size: pointer.size }
    }
}

#[derive(Deserialize)]
struct Wire {
    transfer: Option<String>,
    hash_algo: Option<String>,
    objects: Vec<WireObject>,
}

#[derive(Deserialize)]
struct WireObject {
    oid: String,
    authenticated: Option<bool>,
    actions: Option<WireActions>,
    /// The name that `actions` had before 2016.
    #[serde(rename = "_links")]
    links: Option<WireActions>,
    error: Option<WireRefusal>,
}

#[derive(Deserialize)]
struct WireActions {
    download: Option<WireAction>,
    upload: Option<WireAction>,
    verify: Option<WireAction>,
}

#[derive(Deserialize)]
pub(super) struct WireAction {
    pub(super) href: Option<String>,
    header: Option<BTreeMap<String, String>>,
    expires_in: Option<i64>,
    expires_at: Option<String>,
}

#[derive(Deserialize)]
struct WireRefusal {
    code: u16,
    message: Option<String>,
}

/// Reads an answer and holds it against what was asked.
///
/// Gives one verdict for each object that was asked about, in the order of the
/// question; what the answer says of others is left out. An object that the
/// answer leaves out is refused with the code 0.
///
/// # Errors
///
/// [`Malformed`] when it is no answer of a batch, or of another way to move files.
pub fn read_answer(
    bytes: &[u8],
    operation: Operation,
    asked: &[Pointer],
    now: Timestamp,
) -> Result<Vec<Granted>, Malformed> {
    // The parser's own words quote what they are about, which may be a token.
    let wire: Wire = serde_json::from_slice(bytes).map_err(|error| {
        let place = (error.line(), error.column());
        Malformed(format!("no answer of a batch at line {}, column {}", place.0, place.1))
    })?;
    let is = |found: Option<&str>, expected| found.is_none_or(|it| it.is_empty() || it == expected);
    if !is(wire.transfer.as_deref(), "basic") {
        return Err(Malformed("it moves files in another way than was asked for".to_owned()));
    }
    if !is(wire.hash_algo.as_deref(), "sha256") {
        return Err(Malformed("it names files by another hash than SHA-256".to_owned()));
    }
    let mut said: HashMap<String, WireObject> = HashMap::new();
    for object in wire.objects {
        said.entry(object.oid.clone()).or_insert(object);
    }
    let verdict = |pointer: &Pointer| {
        let object = said.remove(&pointer.sha256);
        let is_authenticated = object.as_ref().is_some_and(|it| it.authenticated == Some(true));
        let verdict = match object {
            Some(object) => verdict(object, operation, now)?,
            None => Verdict::Refused { code: 0, message: "it is left out".to_owned() },
        };
        Ok(Granted { pointer: pointer.clone(), is_authenticated, verdict })
    };
    asked.iter().map(verdict).collect()
}

fn verdict(object: WireObject, operation: Operation, now: Timestamp) -> Result<Verdict, Malformed> {
    if let Some(error) = object.error {
        let message = plain(&error.message.unwrap_or_default());
        return Ok(Verdict::Refused { code: error.code, message });
    }
    let Some(actions) = object.actions.or(object.links) else { return Ok(Verdict::Nothing) };
    let action = match operation {
        Operation::Download => actions.download,
        Operation::Upload => actions.upload,
    };
    let read = |it: WireAction| it.read(now).map(Box::new);
    let verify = actions.verify.map(read).transpose()?;
    Ok(match action.map(read).transpose()? {
        Some(action) => Verdict::Move { action, verify },
        None => Verdict::Nothing,
    })
}

impl WireAction {
    fn read(self, now: Timestamp) -> Result<Action, Malformed> {
        let href = self.href.clone().unwrap_or_default();
        let href = Url::parse(&href).ok().filter(|it| matches!(it.scheme(), "http" | "https"));
        let Some(mut href) = href.filter(Url::has_host) else {
            return Err(Malformed("an action has no address of the web".to_owned()));
        };
        let (mut headers, expires) = self.terms(now)?;
        if !href.username().is_empty() || href.password().is_some() {
            let username = href.username().to_owned();
            let password = Secret::new(href.password().unwrap_or_default());
            let basic = Credentials::Basic { username, password };
            let (name, value) =
                basic.header().map_err(|_| Malformed("an address has bad credentials".into()))?;
            headers.entry(name).or_insert(value);
            // These fail for addresses without a host alone.
            href.set_username("").ok();
            href.set_password(None).ok();
        }
        Ok(Action { href, headers, expires })
    }

    /// Its headers, and until when it holds.
    pub(super) fn terms(self, now: Timestamp) -> Result<(HeaderMap, Option<Timestamp>), Malformed> {
        let expires = match (self.expires_in, self.expires_at) {
            (Some(seconds), _) if seconds != 0 => {
                let seconds = seconds.clamp(-MAX_EXPIRY, MAX_EXPIRY);
                let wait = Duration::from_secs(seconds.unsigned_abs());
                let at = if seconds > 0 { now.checked_add(wait) } else { now.checked_sub(wait) };
                at.ok()
            }
            // Go writes the year 1 for a time that is not set.
            (_, Some(at)) => at.parse().ok().filter(|it| *it > Timestamp::UNIX_EPOCH),
            (_, None) => None,
        };
        let given = self.header.unwrap_or_default();
        if given.len() > MAX_HEADERS {
            return Err(Malformed(format!("an action asks for {} headers", given.len())));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            let name: Result<HeaderName, _> = name.parse();
            let value = HeaderValue::from_str(&value);
            let (Ok(name), Ok(mut value)) = (name, value) else {
                return Err(Malformed("an action asks for what is no header".to_owned()));
            };
            // How the body is framed is ours to say: some stores refuse chunks.
            let is_framing = [
                header::CONTENT_LENGTH,
                header::TRANSFER_ENCODING,
                header::CONNECTION,
                header::HOST,
                header::RANGE,
                header::EXPECT,
            ]
            .contains(&name);
            if !is_framing {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
        }
        Ok((headers, expires))
    }
}

/// A server's words as they may be shown.
pub(super) fn plain(text: &str) -> String {
    let text = text.chars().map(|it| if it.is_control() { ' ' } else { it });
    text.take(MAX_WORDS).collect()
}

#[cfg(test)]
mod tests;
