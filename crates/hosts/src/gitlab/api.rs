//! One call of the API at a time.

use super::place::Place;
use crate::{absent::absent, address, bytes};
use packhorse_core::{HostError, HostErrorKind, port::ByteStream};
use packhorse_net::{
    Answer, Budgets, Options, Parts, Request, Transport,
    page::{self, LinkHeader, NextPage},
    stack,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use url::Url;

/// What an answer may weigh, in bytes.
const MAX_ANSWER: u64 = 32 << 20;
/// Records on a page.
///
/// Source: GitLab, "REST API", "Pagination".
pub(super) const PER_PAGE: u64 = 100;
/// How many pages of one parent's children are read at most.
const MAX_CHILD_PAGES: u64 = 1_000;

/// The API of one server.
pub(super) struct Api {
    pub(super) place: Place,
    transport: Arc<dyn Transport>,
}

/// One page of a listing.
#[derive(Debug)]
pub(super) struct Listing<T> {
    pub(super) items: Vec<T>,
    /// Number of the next page.
    pub(super) next: Option<u64>,
    /// Number of items on all pages, where the server says so: it counts up to 10,000.
    pub(super) total: Option<u64>,
}

/// Parts of a path below the API's root; each is escaped, so that a project's path is one part.
pub(super) type Path<'a> = &'a [&'a str];
/// Names and values of a query.
pub(super) type Query<'a> = &'a [(&'a str, &'a str)];

impl Api {
    /// Over the network.
    pub(super) fn new(place: Place) -> Result<Self, HostError> {
        let credentials = place.api_credentials();
        let rates = super::calls::rates(&place);
        let transport = stack(&Parts {
            home: &place.home,
            credentials: &credentials,
            rates,
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

    /// The address of a path below the API's root.
    pub(super) fn url(&self, path: Path<'_>, query: Query<'_>) -> Result<Url, HostError> {
        self.address(&[&["api", "v4"], path].concat(), query)
    }

    /// The address of a path below the server's first page.
    fn address(&self, path: Path<'_>, query: Query<'_>) -> Result<Url, HostError> {
        address::below(&self.place.home, path, query)
    }

    pub(super) async fn send(&self, request: Request) -> Result<Answer, HostError> {
        self.transport.send(request).await
    }

    async fn ask(
        &self,
        path: Path<'_>,
        query: Query<'_>,
        operation: &'static str,
    ) -> Result<Answer, HostError> {
        let request = Request::get(self.url(path, query)?, operation);
        self.send(request).await?.success().await
    }

    /// Reads one object.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: Path<'_>,
        query: Query<'_>,
        operation: &'static str,
    ) -> Result<T, HostError> {
        self.ask(path, query, operation).await?.json(MAX_ANSWER).await
    }

    /// Reads one object, or nothing where there is none.
    pub(super) async fn find<T: DeserializeOwned>(
        &self,
        path: Path<'_>,
        query: Query<'_>,
        operation: &'static str,
    ) -> Result<Option<T>, HostError> {
        absent(self.get(path, query, operation).await)
    }

    /// Reads a text.
    pub(super) async fn text(
        &self,
        path: Path<'_>,
        operation: &'static str,
    ) -> Result<String, HostError> {
        let bytes = self.ask(path, &[], operation).await?.bytes(MAX_ANSWER).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Reads one page of a listing, from 1.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        path: Path<'_>,
        query: Query<'_>,
        number: u64,
        operation: &'static str,
    ) -> Result<Listing<T>, HostError> {
        let (size, page) = (PER_PAGE.to_string(), number.to_string());
        let query = [query, &[("per_page", size.as_str()), ("page", page.as_str())]].concat();
        let (items, more, total) = self.page_of(path, &query, operation).await?;
        Ok(Listing { items, next: more.then_some(number + 1), total })
    }

    /// Reads the page that a query alone chooses; its number does not matter.
    pub(super) async fn select<T: DeserializeOwned>(
        &self,
        path: Path<'_>,
        query: Query<'_>,
        operation: &'static str,
    ) -> Result<Vec<T>, HostError> {
        let size = PER_PAGE.to_string();
        let query = [query, &[("per_page", size.as_str())]].concat();
        Ok(self.page_of(path, &query, operation).await?.0)
    }

    async fn page_of<T: DeserializeOwned>(
        &self,
        path: Path<'_>,
        query: Query<'_>,
        operation: &'static str,
    ) -> Result<(Vec<T>, bool, Option<u64>), HostError> {
        let answer = self.ask(path, query, operation).await?;
        let total = answer.header("x-total").and_then(|it| it.parse().ok());
        let next = answer.header("x-next-page").map(|it| !it.trim().is_empty());
        let headers = answer.headers.clone();
        let found = answer.json::<Option<Vec<Value>>>(MAX_ANSWER).await?.unwrap_or_default();
        let head = page::Answer::of(&headers, found.len() as u64);
        let more = match next {
            Some(more) => more,
            None => LinkHeader.next(None, &head)?.is_some(),
        };
        // What is no object at all has nothing to carry, and must not stop the others.
        let items = found.into_iter().filter_map(|it| serde_json::from_value(it).ok()).collect();
        Ok((items, more, total))
    }

    /// Reads all children of one parent, which are few as a rule.
    pub(super) async fn children<T: DeserializeOwned>(
        &self,
        path: Path<'_>,
        query: Query<'_>,
        operation: &'static str,
    ) -> Result<Vec<T>, HostError> {
        let (mut all, mut next) = (Vec::new(), Some(1));
        while let Some(number) = next {
            let listing: Listing<T> = self.list(path, query, number, operation).await?;
            all.extend(listing.items);
            next = listing.next.filter(|it| *it <= MAX_CHILD_PAGES);
        }
        Ok(all)
    }

    /// Number of items of a listing, where the server says so; `None` also where it is closed to us.
    pub(super) async fn count(
        &self,
        path: Path<'_>,
        query: Query<'_>,
    ) -> Result<Option<u64>, HostError> {
        let query = [query, &[("per_page", "1")]].concat();
        let found = self.page_of::<Value>(path, &query, "count what there is").await;
        match found {
            Ok((_, _, total)) => Ok(total),
            Err(error) if is_closed(error.kind) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens what stands at a path below the API, from a byte on.
    pub(super) async fn open(&self, path: Path<'_>, from: u64) -> Result<ByteStream, HostError> {
        self.open_at(self.url(path, &[])?, from).await
    }

    /// Opens what stands at a path below the first page, as browsers do.
    pub(super) async fn open_page(
        &self,
        path: Path<'_>,
        from: u64,
    ) -> Result<ByteStream, HostError> {
        self.open_at(self.address(path, &[])?, from).await
    }

    pub(super) async fn open_at(&self, url: Url, from: u64) -> Result<ByteStream, HostError> {
        bytes::open(self.transport.as_ref(), Request::get(url, "open a file"), from).await
    }
}

/// Whether a part of a project is switched off, or closed to the token.
pub(super) fn is_closed(kind: HostErrorKind) -> bool {
    use HostErrorKind::{Forbidden, NotFound, Unauthorized};
    matches!(kind, Forbidden | NotFound | Unauthorized)
}
