//! One call of the API at a time.

use super::place::Place;
use crate::{
    absent::absent,
    address, bytes,
    lenient::{self, Items},
    published_limits,
    walk::Listing,
};
use http::Method;
use packhorse_core::{HostError, HostErrorKind, port::ByteStream};
use packhorse_net::{Answer, Body, Budgets, Options, Parts, Request, Transport, stack};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::sync::Arc;
use url::Url;

/// What an answer may weigh, in bytes.
const MAX_ANSWER: u64 = 32 << 20;
/// Records on a page; the most that every listing gives.
const PAGE: &str = "50";
/// How many pages of one parent's children are read at most.
const MAX_CHILD_PAGES: u64 = 1_000;

/// One page as it is sent.
#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Paged<T> {
    #[serde(default = "nothing")]
    values: Items<T>,
    #[serde(default)]
    next: Option<String>,
    #[serde(default)]
    size: Option<u64>,
}

fn nothing<T>() -> Items<T> {
    Items(Vec::new())
}

/// The API, for one workspace.
pub(super) struct Api {
    pub(super) place: Place,
    transport: Arc<dyn Transport>,
}

impl Api {
    /// Over the network.
    pub(super) fn new(place: Place) -> Result<Self, HostError> {
        let credentials = place.api_credentials();
        let transport = stack(&Parts {
            home: &place.api,
            credentials: &credentials,
            rates: &published_limits::BITBUCKET_CLOUD,
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

    /// The address of a path below the API's root; its segments are escaped here.
    fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Url, HostError> {
        address::below(&self.place.api, path, query)
    }

    async fn send(&self, request: Request) -> Result<Answer, HostError> {
        self.transport.send(request).await?.success().await
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
        path: &[&str],
        operation: &'static str,
    ) -> Result<T, HostError> {
        let url = self.url(path, &[])?;
        Self::read(self.send(Request::get(url, operation)).await?).await
    }

    /// Reads one object, or nothing where there is none.
    pub(super) async fn find<T: DeserializeOwned>(
        &self,
        path: &[&str],
        operation: &'static str,
    ) -> Result<Option<T>, HostError> {
        absent(self.get(path, operation).await)
    }

    async fn page<T: DeserializeOwned>(
        &self,
        url: Url,
        operation: &'static str,
    ) -> Result<Paged<T>, HostError> {
        Self::read(self.send(Request::get(url, operation)).await?).await
    }

    /// Reads one page of a listing that has numbered pages, from 1.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        number: u64,
        operation: &'static str,
    ) -> Result<Listing<T>, HostError> {
        let text = number.to_string();
        let query = [query, &[("pagelen", PAGE), ("page", text.as_str())]].concat();
        let found: Paged<T> = self.page(self.url(path, &query)?, operation).await?;
        let next = found.next.is_some().then(|| number + 1);
        Ok(Listing { items: found.values.0, next })
    }

    /// How long a listing is, where it says so.
    pub(super) async fn count(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Option<u64>, HostError> {
        let query = [query, &[("pagelen", "1")]].concat();
        let url = self.url(path, &query)?;
        let found = self.page::<serde_json::Value>(url, "count what there is").await;
        match found {
            Ok(found) => Ok(found.size),
            Err(error)
                if matches!(error.kind, HostErrorKind::NotFound | HostErrorKind::Forbidden) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Reads all children of one parent, which are few as a rule; follows pages as they are told.
    pub(super) async fn children<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        operation: &'static str,
    ) -> Result<Vec<T>, HostError> {
        let fail = |why| HostError::new(HostErrorKind::Protocol, operation).with("answer", why);
        let mut url = self.url(path, &[query, &[("pagelen", PAGE)]].concat())?;
        let mut all = Vec::new();
        for _ in 0..MAX_CHILD_PAGES {
            let found: Paged<T> = self.page(url.clone(), operation).await?;
            all.extend(found.values.0);
            let Some(next) = found.next else { break };
            let next: Url = next.parse().map_err(|_| fail("the next page has no address"))?;
            // SECURITY: the answer may not lead us anywhere else.
            if next.origin() != url.origin() {
                return Err(fail("the next page is on another host"));
            }
            if next == url {
                return Err(fail("the next page is this one"));
            }
            url = next;
        }
        Ok(all)
    }

    /// Sends a change.
    async fn change(
        &self,
        method: Method,
        path: &[&str],
        (body, operation): (Option<&Value>, &'static str),
    ) -> Result<Answer, HostError> {
        let mut request = Request::new(method, self.url(path, &[])?, operation);
        if let Some(body) = body {
            request = request.json(body)?;
        }
        self.send(request).await
    }

    /// Makes an object, and reads it.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &Value,
        operation: &'static str,
    ) -> Result<T, HostError> {
        let answer = self.change(Method::POST, path, (Some(body), operation)).await?;
        Self::read(answer).await
    }

    /// Changes an object, and reads it.
    pub(super) async fn put<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &Value,
        operation: &'static str,
    ) -> Result<T, HostError> {
        let answer = self.change(Method::PUT, path, (Some(body), operation)).await?;
        Self::read(answer).await
    }

    /// Does something of which nothing but its success is read.
    pub(super) async fn act(
        &self,
        method: Method,
        path: &[&str],
        body: (Option<&Value>, &'static str),
    ) -> Result<(), HostError> {
        self.change(method, path, body).await.map(|_| ())
    }

    /// Removes an object; one that is not there is removed already.
    pub(super) async fn delete(
        &self,
        path: &[&str],
        operation: &'static str,
    ) -> Result<(), HostError> {
        absent(self.change(Method::DELETE, path, (None, operation)).await).map(drop)
    }

    /// Hands in a file of a form.
    pub(super) async fn upload(
        &self,
        path: &[&str],
        (content_type, length): (http::HeaderValue, u64),
        file: ByteStream,
        operation: &'static str,
    ) -> Result<(), HostError> {
        let mut request = Request::new(Method::POST, self.url(path, &[])?, operation)
            .header(http::header::CONTENT_TYPE, content_type);
        request.body = Body::Stream { bytes: file, length: Some(length) };
        self.send(request).await.map(|_| ())
    }

    /// Opens a file from a byte on.
    pub(super) async fn open(&self, path: &[&str], from: u64) -> Result<ByteStream, HostError> {
        let request = Request::get(self.url(path, &[])?, "open a file");
        bytes::open(self.transport.as_ref(), request, from).await
    }
}
