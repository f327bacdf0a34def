//! One call of the API at a time.

use super::place::Place;
use crate::{absent::absent, address, bytes, published_limits};
use packhorse_core::{HostError, HostErrorKind, port::ByteStream};
use packhorse_net::{
    Answer, Budgets, Options, Parts, Request, Transport,
    page::{self, LinkHeader, NextPage},
    stack,
};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tokio::sync::OnceCell;
use url::Url;

/// What an answer may weigh, in bytes.
pub(super) const MAX_ANSWER: u64 = 32 << 20;
/// Records on a page where the server does not say how many it allows.
///
/// Source: Gitea, `modules/setting/api.go`, `MAX_RESPONSE_ITEMS`.
const USUAL_LIMIT: u64 = 50;
/// How many pages of one parent's children are read at most.
const MAX_CHILD_PAGES: u64 = 1_000;

/// The API of one server.
pub(super) struct Api {
    pub(super) place: Place,
    pub(super) transport: Arc<dyn Transport>,
    limit: OnceCell<u64>,
}

/// One page of a listing.
#[derive(Debug)]
pub(super) struct Listing<T> {
    pub(super) items: Vec<T>,
    /// Number of the next page.
    pub(super) next: Option<u64>,
    /// Number of items on all pages, where the server says so.
    pub(super) total: Option<u64>,
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self { items: Vec::new(), next: None, total: None }
    }
}

impl<T> Listing<T> {
    /// The page alone, as it is walked.
    pub(super) fn page(self) -> crate::walk::Listing<T> {
        crate::walk::Listing { items: self.items, next: self.next }
    }
}

impl Api {
    /// Over the network.
    pub(super) fn new(place: Place) -> Result<Self, HostError> {
        let credentials = place.api_credentials();
        let transport = stack(&Parts {
            home: &place.home,
            credentials: &credentials,
            rates: &published_limits::GITEA,
            options: &Options::default(),
            listener: Arc::new(()),
            budgets: Budgets::shared(),
        })?;
        Ok(Self::over(place, transport))
    }

    /// Over any transport.
    pub(super) fn over(place: Place, transport: Arc<dyn Transport>) -> Self {
        Self { place, transport, limit: OnceCell::new() }
    }

    /// The address of a path below the API's root; its parts are escaped here.
    pub(super) fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Url, HostError> {
        let path = [&["api", "v1"], path].concat();
        address::below(&self.place.home, &path, query)
    }

    async fn ask(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        operation: &'static str,
    ) -> Result<Answer, HostError> {
        let request = Request::get(self.url(path, query)?, operation);
        self.transport.send(request).await?.success().await
    }

    /// Reads one object.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        operation: &'static str,
    ) -> Result<T, HostError> {
        self.ask(path, &[], operation).await?.json(MAX_ANSWER).await
    }

    /// Reads one object that a query chooses.
    pub(super) async fn get_with<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        operation: &'static str,
    ) -> Result<T, HostError> {
        self.ask(path, query, operation).await?.json(MAX_ANSWER).await
    }

    /// Reads one object, or nothing where there is none.
    pub(super) async fn find<T: DeserializeOwned>(
        &self,
        path: &[&str],
        operation: &'static str,
    ) -> Result<Option<T>, HostError> {
        absent(self.get(path, operation).await)
    }

    /// How many records the server puts on a page.
    pub(super) async fn limit(&self) -> Result<u64, HostError> {
        let told = self.limit.get_or_try_init(|| async {
            let path = ["settings", "api"];
            let settings: Option<super::wire::Settings> =
                self.find(&path, "read the server's settings").await?;
            let told = settings.and_then(|it| it.max_response_items).filter(|it| *it > 0);
            // Larger pages would make larger answers than pays.
            Ok::<_, HostError>(told.unwrap_or(USUAL_LIMIT).min(100))
        });
        told.await.copied()
    }

    /// Reads one page of a listing that has pages, from 1.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        number: u64,
        operation: &'static str,
    ) -> Result<Listing<T>, HostError> {
        let whole = |it: Vec<T>| Some(it);
        self.list_in(path, query, number, operation, whole).await
    }

    /// The same of a listing that stands inside an object, as `within` takes it out.
    pub(super) async fn list_in<O: DeserializeOwned, T>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        number: u64,
        operation: &'static str,
        within: impl Fn(O) -> Option<Vec<T>>,
    ) -> Result<Listing<T>, HostError> {
        let (limit, page) = (self.limit().await?.to_string(), number.to_string());
        let query = [query, &[("limit", limit.as_str()), ("page", page.as_str())]].concat();
        self.listing(path, &query, number, operation, within).await
    }

    async fn listing<O: DeserializeOwned, T>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        number: u64,
        operation: &'static str,
        within: impl Fn(O) -> Option<Vec<T>>,
    ) -> Result<Listing<T>, HostError> {
        let answer = self.ask(path, query, operation).await?;
        let total = answer.header("x-total-count").and_then(|it| it.parse().ok());
        let headers = answer.headers.clone();
        // Some versions answer `null` for nothing.
        let found = answer.json::<Option<O>>(MAX_ANSWER).await?;
        let items = found.and_then(within).unwrap_or_default();
        let head = page::Answer::of(&headers, items.len() as u64);
        let is_linked = head.header("link").is_some();
        let limit = query.iter().find(|it| it.0 == "limit").and_then(|it| it.1.parse().ok());
        let more = match is_linked {
            true => LinkHeader.next(None, &head)?.is_some(),
            false => is_more((number, limit), items.len() as u64, total),
        };
        Ok(Listing { items, next: more.then_some(number + 1), total })
    }

    /// Reads a listing that has no pages.
    pub(super) async fn list_whole<T: DeserializeOwned>(
        &self,
        path: &[&str],
        operation: &'static str,
    ) -> Result<Vec<T>, HostError> {
        let whole = |it: Vec<T>| Some(it);
        Ok(self.listing(path, &[], 1, operation, whole).await?.items)
    }

    /// Reads all children of one parent, which are few as a rule.
    pub(super) async fn children<T: DeserializeOwned>(
        &self,
        path: &[&str],
        operation: &'static str,
    ) -> Result<Vec<T>, HostError> {
        let (mut all, mut next) = (Vec::new(), Some(1));
        while let Some(number) = next {
            let listing: Listing<T> = self.list(path, &[], number, operation).await?;
            all.extend(listing.items);
            next = listing.next.filter(|it| *it <= MAX_CHILD_PAGES);
        }
        Ok(all)
    }

    /// Number of items of a listing, where the server says so; `None` also where it is switched off.
    pub(super) async fn count(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Option<u64>, HostError> {
        let query = [query, &[("limit", "1"), ("page", "1")]].concat();
        let found: Result<Listing<serde_json::Value>, _> =
            self.listing(path, &query, 1, "count what there is", Some).await;
        match found {
            Ok(listing) => Ok(listing.total),
            Err(error) => match error.kind {
                HostErrorKind::NotFound | HostErrorKind::Forbidden => Ok(None),
                HostErrorKind::Unauthorized
                | HostErrorKind::Conflict
                | HostErrorKind::Rejected
                | HostErrorKind::RateLimited
                | HostErrorKind::Protocol
                | HostErrorKind::Unavailable
                | HostErrorKind::Unsupported => Err(error),
            },
        }
    }

    /// Opens the file of an attachment or a release from a byte on.
    pub(super) async fn open(&self, uuid: &str, from: u64) -> Result<ByteStream, HostError> {
        let operation = "open a file";
        if uuid.is_empty() || !uuid.bytes().all(|it| it.is_ascii_hexdigit() || it == b'-') {
            return Err(HostError::new(HostErrorKind::NotFound, operation).with("file", uuid));
        }
        let url =
            self.place.home.join(&format!("attachments/{uuid}")).map_err(|error| {
                HostError::new(HostErrorKind::Rejected, operation).because(error)
            })?;
        bytes::open(self.transport.as_ref(), Request::get(url, operation), from).await
    }
}

/// Whether a listing without links goes on behind a page of so many records.
///
/// Links are left out when all is on one page, and always by listings of comments, reviews, members
/// and what happened; those tell how many there are, the last one how many are on the page.
///
/// Source: Gitea, `routers/api/v1/repo/issue_comment.go`, `ListRepoIssueComments` and
/// `ListIssueCommentsAndTimeline`.
fn is_more((number, limit): (u64, Option<u64>), n_items: u64, total: Option<u64>) -> bool {
    let limit = limit.unwrap_or(n_items);
    let read = limit.saturating_mul(number.saturating_sub(1)).saturating_add(n_items);
    let is_of_page = |total| total <= n_items && n_items >= limit;
    n_items > 0 && total.is_none_or(|total| read < total || is_of_page(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_without_links_goes_on_until_all_is_there() {
        #[track_caller]
        fn check(number: u64, n_items: u64, total: Option<u64>, expected: bool) {
            assert_eq!(is_more((number, Some(50)), n_items, total), expected);
        }
        check(1, 50, Some(120), true);
        check(2, 50, Some(120), true);
        check(3, 20, Some(120), false);
        check(1, 50, Some(50), true);
        check(2, 50, Some(50), true);
        check(2, 20, Some(20), false);
        check(1, 20, Some(20), false);
        check(3, 0, Some(120), false);
        check(7, 1, None, true);
        check(8, 0, None, false);
    }
}
