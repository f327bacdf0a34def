//! One call of the API at a time.

use super::place::Place;
use crate::{
    absent::absent,
    address, bytes,
    lenient::{self, Items},
    published_limits,
    walk::Listing,
};
use http::{Method, StatusCode};
use packhorse_core::{HostError, HostErrorKind, port::ByteStream};
use packhorse_net::{
    Answer, Budgets, Options, Parts, Request, Transport,
    page::{self, NextPage, Offset},
    stack,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::sync::Arc;
use url::Url;

/// What an answer may weigh, in bytes.
const MAX_ANSWER: u64 = 32 << 20;
/// Records that are asked for at once; the server may put fewer on a page.
const LIMIT: &str = "100";
/// How many pages of one parent's children are read at most.
const MAX_CHILD_PAGES: u64 = 1_000;

/// The part of the server that an address belongs to.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Core,
    BranchPermissions,
    BranchUtils,
    Keys,
    DefaultReviewers,
    BuildStatus,
    CommentLikes,
}

impl Part {
    const fn root(self) -> [&'static str; 2] {
        match self {
            Self::Core => ["api", "1.0"],
            Self::BranchPermissions => ["branch-permissions", "2.0"],
            Self::BranchUtils => ["branch-utils", "1.0"],
            Self::Keys => ["keys", "1.0"],
            Self::DefaultReviewers => ["default-reviewers", "1.0"],
            Self::BuildStatus => ["build-status", "1.0"],
            Self::CommentLikes => ["comment-likes", "1.0"],
        }
    }
}

/// One page as the server sends it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: DeserializeOwned")]
struct Paged<T> {
    values: Items<T>,
    #[serde(default)]
    is_last_page: Option<Value>,
    #[serde(default)]
    next_page_start: Option<Value>,
}

/// The API of one server.
pub(super) struct Api {
    pub(super) place: Place,
    transport: Arc<dyn Transport>,
}

impl Api {
    /// Over the network.
    pub(super) fn new(place: Place) -> Result<Self, HostError> {
        let credentials = place.api_credentials();
        let transport = stack(&Parts {
            home: &place.home,
            credentials: &credentials,
            rates: &published_limits::BITBUCKET_SERVER,
            options: &Options::default(),
            listener: Arc::new(()),
            budgets: Budgets::shared(),
        })?;
        Ok(Self::over(place, transport))
    }

    /// Over any transport.
    pub(super) fn over(place: Place, transport: Arc<dyn Transport>) -> Self {
        Self { place, transport }
    }

    /// The address of a path below a part's root; its segments are escaped here.
    fn url(&self, part: Part, path: &[&str], query: &[(&str, &str)]) -> Result<Url, HostError> {
        let path = [&["rest"], &part.root()[..], path].concat();
        address::below(&self.place.home, &path, query)
    }

    async fn send(&self, request: Request) -> Result<Answer, HostError> {
        let answer = self.transport.send(request).await?;
        let is_logged_in = self.place.credentials.is_some();
        answer.success().await.map_err(|error| told(error, is_logged_in))
    }

    async fn ask(
        &self,
        (part, path): (Part, &[&str]),
        query: &[(&str, &str)],
        operation: &'static str,
    ) -> Result<Answer, HostError> {
        self.send(Request::get(self.url(part, path, query)?, operation)).await
    }

    /// What the server says of itself, and the name of who asks, where it says so.
    pub(super) async fn application(
        &self,
    ) -> Result<(Option<super::wire::Application>, Option<String>), HostError> {
        let path = (Part::Core, &["application-properties"][..]);
        match self.ask(path, &[], "ask the server what it is").await {
            Ok(answer) => {
                // Source: Atlassian, the header that every answer to somebody with an account has.
                let name = answer.header("x-ausername").map(str::to_owned);
                Ok((answer.json(MAX_ANSWER).await.ok(), name))
            }
            Err(error) if error.kind == HostErrorKind::NotFound => Ok((None, None)),
            Err(error) => Err(error),
        }
    }

    async fn read<T: DeserializeOwned>(answer: Answer) -> Result<T, HostError> {
        let (operation, url) = (answer.operation, answer.url.clone());
        let bytes = answer.bytes(MAX_ANSWER).await?;
        lenient::parse(&bytes).map_err(|error| {
            let at = format!("{}{}", url.origin().ascii_serialization(), url.path());
            HostError::new(HostErrorKind::Protocol, operation).with("url", at).because(error)
        })
    }

    /// Reads one object.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        part: Part,
        path: &[&str],
        operation: &'static str,
    ) -> Result<T, HostError> {
        Self::read(self.ask((part, path), &[], operation).await?).await
    }

    /// Reads one object, or nothing where there is none.
    pub(super) async fn find<T: DeserializeOwned>(
        &self,
        part: Part,
        path: &[&str],
        operation: &'static str,
    ) -> Result<Option<T>, HostError> {
        match self.ask((part, path), &[], operation).await {
            // Nothing at all is how some say that there is none.
            Ok(answer) if answer.status == StatusCode::NO_CONTENT => Ok(None),
            Ok(answer) => Self::read(answer).await.map(Some),
            Err(error) if error.kind == HostErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads one page of a listing that begins at a place, from 0.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        (part, path): (Part, &[&str]),
        query: &[(&str, &str)],
        start: u64,
        operation: &'static str,
    ) -> Result<Listing<T>, HostError> {
        let text = start.to_string();
        let query = [query, &[("limit", LIMIT), ("start", text.as_str())]].concat();
        let answer = self.ask((part, path), &query, operation).await?;
        let bytes = answer.bytes(MAX_ANSWER).await?;
        let fail = |error| HostError::new(HostErrorKind::Protocol, operation).because(error);
        if let Ok(Items(items)) = lenient::parse(&bytes) {
            // Some listings have no pages.
            return Ok(Listing { items, next: None });
        }
        let found: Paged<T> = lenient::parse(&bytes).map_err(fail)?;
        let mut head = page::Answer::default();
        let told = [("isLastPage", found.is_last_page), ("nextPageStart", found.next_page_start)];
        for (name, value) in told {
            if let Some(value) = value.filter(|it| !it.is_null()) {
                head = head.with(name, value);
            }
        }
        let next = Offset.next(None, &head)?.and_then(|it| it.0.parse().ok());
        if next.is_some_and(|it: u64| it <= start) {
            return Err(HostError::new(HostErrorKind::Protocol, operation)
                .with("answer", "the next page is not further on than this one"));
        }
        Ok(Listing { items: found.values.0, next })
    }

    /// Reads all children of one parent, which are few as a rule.
    pub(super) async fn children<T: DeserializeOwned>(
        &self,
        at: (Part, &[&str]),
        query: &[(&str, &str)],
        operation: &'static str,
    ) -> Result<Vec<T>, HostError> {
        let (mut all, mut next) = (Vec::new(), Some(0));
        for _ in 0..MAX_CHILD_PAGES {
            let Some(start) = next else { break };
            let listing: Listing<T> = self.list(at, query, start, operation).await?;
            all.extend(listing.items);
            next = listing.next;
        }
        Ok(all)
    }

    /// Sends a change; the answer, where it is wanted, is read from it.
    async fn change(
        &self,
        method: Method,
        at: (Part, &[&str]),
        query: &[(&str, &str)],
        (body, operation): (Option<&Value>, &'static str),
    ) -> Result<Answer, HostError> {
        let mut request = Request::new(method, self.url(at.0, at.1, query)?, operation);
        if let Some(body) = body {
            request = request.json(body)?;
        }
        self.send(request).await
    }

    /// Makes an object, and reads it.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        at: (Part, &[&str]),
        body: &Value,
        operation: &'static str,
    ) -> Result<T, HostError> {
        let answer = self.change(Method::POST, at, &[], (Some(body), operation)).await?;
        Self::read(answer).await
    }

    /// Does something of which nothing but its success is read.
    pub(super) async fn act(
        &self,
        method: Method,
        at: (Part, &[&str]),
        query: &[(&str, &str)],
        body: (Option<&Value>, &'static str),
    ) -> Result<(), HostError> {
        self.change(method, at, query, body).await.map(|_| ())
    }

    /// Changes an object, and reads it.
    pub(super) async fn put<T: DeserializeOwned>(
        &self,
        at: (Part, &[&str]),
        body: &Value,
        operation: &'static str,
    ) -> Result<T, HostError> {
        let answer = self.change(Method::PUT, at, &[], (Some(body), operation)).await?;
        Self::read(answer).await
    }

    /// Removes an object; one that is not there is removed already.
    pub(super) async fn delete(
        &self,
        at: (Part, &[&str]),
        query: &[(&str, &str)],
        operation: &'static str,
    ) -> Result<(), HostError> {
        absent(self.change(Method::DELETE, at, query, (None, operation)).await).map(drop)
    }

    /// Opens the file of an attachment from a byte on.
    pub(super) async fn open(&self, path: &[&str], from: u64) -> Result<ByteStream, HostError> {
        let request = Request::get(self.url(Part::Core, path, &[])?, "open a file");
        bytes::open(self.transport.as_ref(), request, from).await
    }
}

/// The server answers 401 also to those whom it knows, where they lack a right.
fn told(mut error: HostError, is_logged_in: bool) -> HostError {
    let lacks_right = |it: &(&str, String)| {
        it.0 == "answer" && ["permission", "not permitted"].iter().any(|word| it.1.contains(word))
    };
    let is_refused = error.kind == HostErrorKind::Unauthorized && is_logged_in;
    if is_refused && error.context.iter().any(lacks_right) {
        error.kind = HostErrorKind::Forbidden;
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_right_is_told_from_wrong_credentials() {
        let answered =
            |words: &str| HostError::new(HostErrorKind::Unauthorized, "read").with("answer", words);
        let lacks = "You are not permitted to access this resource";

        assert_eq!(told(answered(lacks), true).kind, HostErrorKind::Forbidden);
        assert_eq!(told(answered(lacks), false).kind, HostErrorKind::Unauthorized);
        let wrong = "Authentication failed. Please check your credentials";
        assert_eq!(told(answered(wrong), true).kind, HostErrorKind::Unauthorized);
    }
}
