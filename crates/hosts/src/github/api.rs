//! One call of the API at a time.

use super::place::Place;
pub(super) use crate::absent::absent;
use crate::{address::below, bytes};
use http::{HeaderName, HeaderValue, Method, header};
use packhorse_core::{Capabilities, HostError, HostErrorKind, ObjectKind, port::ByteStream};
use packhorse_net::{
    Answer, Budgets, Credentials, Options, Parts, Request, Transport,
    page::{self, LinkHeader, NextPage},
    stack,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;
use url::Url;

/// What an answer may weigh, in bytes.
pub(super) const MAX_ANSWER: u64 = 32 << 20;
/// Records on a page: the most that GitHub gives.
///
/// Source: GitHub, "Using pagination in the REST API", `per_page`.
const PER_PAGE: &str = "100";
/// How many pages of one parent's children are read at most.
const MAX_CHILD_PAGES: u64 = 1_000;
/// The version of the API that is spoken.
///
/// Source: GitHub, "API versions"; servers that do not know the header leave it alone.
const VERSION: &str = "2022-11-28";
const MEDIA_TYPE: &str = "application/vnd.github+json";

/// The API of one server.
pub(super) struct Api {
    pub(super) place: Place,
    pub(super) transport: Arc<dyn Transport>,
    /// To where files of releases are sent.
    pub(super) uploads: Arc<dyn Transport>,
    /// To the pages for people, where Git is too.
    web: Arc<dyn Transport>,
}

/// What a server said of itself and of the token.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// What a classic token may do; other tokens do not say.
    scopes: Option<Vec<String>>,
    /// Whether there is a token at all.
    is_known: bool,
    /// Who the token's owner is.
    pub(super) login: Option<String>,
}

/// One page of a listing, and the address of the next one.
pub(super) type Listing<T> = crate::walk::Listing<T, String>;

/// Where a listing is read: from its beginning, or at a page that the server named.
#[derive(Clone, Copy, Debug)]
pub(super) enum At<'a> {
    /// The path and query of the first page.
    Start(&'a [&'a str], &'a [(&'a str, &'a str)]),
    /// The address of a later one.
    Page(&'a str),
}

impl Api {
    /// Over the network.
    pub(super) fn new(place: Place) -> Result<Self, HostError> {
        let transport = network(&place, &place.api, &place.api_credentials())?;
        let git: Vec<_> = place.git_credentials().into_iter().collect();
        let web = network(&place, &place.home, &git)?;
        let uploads = network(&place, &place.uploads, &place.api_credentials())?;
        Ok(Self { place, transport, uploads, web })
    }

    /// Over any transport.
    #[cfg(test)]
    pub(super) fn over(place: Place, transport: Arc<dyn Transport>) -> Self {
        let (uploads, web) = (Arc::clone(&transport), Arc::clone(&transport));
        Self { place, transport, uploads, web }
    }

    /// Asks the server who it is, and who we are.
    pub(super) async fn greet(&self) -> Result<Told, HostError> {
        let operation = "ask the server what it is";
        if self.place.credentials.is_none() {
            let answer = self.ask(&["meta"], &[], operation).await?;
            // Any server answers something at that address; only one of GitHub's this.
            let meta: Value = answer.json(MAX_ANSWER).await?;
            let knows = ["verifiable_password_authentication", "installed_version"];
            if !knows.iter().any(|it| meta.get(it).is_some()) {
                return Err(HostError::new(HostErrorKind::Unsupported, operation)
                    .with("url", &self.place.api)
                    .with("answer", "not of GitHub"));
            }
            return Ok(Told::default());
        }
        // Credentials that are wrong are told here, and not as missing projects later.
        let answer = self.ask(&["user"], &[], "log in").await?;
        let scopes = answer.header("x-oauth-scopes").map(|it| {
            it.split(',').map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect()
        });
        let me: super::wire::User = answer.json(MAX_ANSWER).await?;
        Ok(Told { scopes, is_known: true, login: me.login })
    }

    /// Names in listings of build settings, which stand inside an object.
    pub(super) async fn names(
        &self,
        path: &[&str],
        field: &str,
        operation: &'static str,
    ) -> Result<Vec<super::wire::Named>, HostError> {
        let mut all = Vec::new();
        for number in 1..=MAX_CHILD_PAGES {
            let page = number.to_string();
            let query = [("per_page", "30"), ("page", page.as_str())];
            let answer = self.ask(path, &query, operation).await?;
            let is_last = !answer.header("link").is_some_and(|it| it.contains("rel=\"next\""));
            let mut found: Value = answer.json(MAX_ANSWER).await?;
            let list = found.get_mut(field).map(Value::take).unwrap_or_default();
            let list: Option<Vec<super::wire::Named>> =
                serde_json::from_value(list).map_err(|error| {
                    HostError::new(HostErrorKind::Protocol, operation).because(error)
                })?;
            all.extend(list.unwrap_or_default());
            if is_last {
                break;
            }
        }
        Ok(all)
    }

    /// Whether a Git repository is there, asked as Git asks.
    ///
    /// Source: gitprotocol-http, "Smart clients"; GitHub answers 401 or 404 for none.
    pub(super) async fn has_repository(&self, owner: &str, name: &str) -> Result<bool, HostError> {
        let operation = "look for a repository";
        let query = [("service", "git-upload-pack")];
        let url = below(&self.place.home, &[owner, name, "info", "refs"], &query)?;
        let answer = self.web.send(Request::get(url, operation)).await?;
        match answer.status.as_u16() {
            401 | 403 | 404 => Ok(false),
            _ => answer.success().await.map(|_| true),
        }
    }

    /// The address of a path below the API's root; its parts are escaped here.
    pub(super) fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Url, HostError> {
        below(&self.place.api, path, query)
    }

    fn get_request(&self, url: Url, operation: &'static str) -> Request {
        dressed(Request::get(url, operation))
    }

    /// Sends a request whose refusal is an error.
    pub(super) async fn ask(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        operation: &'static str,
    ) -> Result<Answer, HostError> {
        let request = self.get_request(self.url(path, query)?, operation);
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

    /// Reads one object, or nothing where there is none.
    pub(super) async fn find<T: DeserializeOwned>(
        &self,
        path: &[&str],
        operation: &'static str,
    ) -> Result<Option<T>, HostError> {
        absent(self.get(path, operation).await)
    }

    /// Reads one object, or nothing where there is none or it is not shown to us.
    pub(super) async fn find_open<T: DeserializeOwned>(
        &self,
        path: &[&str],
        operation: &'static str,
    ) -> Result<Option<T>, HostError> {
        match self.find(path, operation).await {
            Err(error) if error.kind == HostErrorKind::Forbidden => Ok(None),
            other => other,
        }
    }

    /// Reads one page of a listing.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        at: At<'_>,
        operation: &'static str,
    ) -> Result<Listing<T>, HostError> {
        let url = match at {
            At::Start(path, query) => {
                self.url(path, &[query, &[("per_page", PER_PAGE)]].concat())?
            }
            At::Page(address) => self.page_url(address, operation)?,
        };
        let answer = self.transport.send(self.get_request(url, operation)).await?;
        let answer = answer.success().await?;
        let head = page::Answer::of(&answer.headers, 0);
        let next = LinkHeader.next(None, &head)?.map(|it| it.0);
        let items = answer.json::<Option<Vec<T>>>(MAX_ANSWER).await?.unwrap_or_default();
        Ok(Listing { items, next })
    }

    /// The address of a page that a cursor names.
    ///
    /// SECURITY: a page outside the API is not asked for, whoever named it.
    fn page_url(&self, address: &str, operation: &'static str) -> Result<Url, HostError> {
        let url = page::at_home(&self.place.api, address)?;
        if !url.path().starts_with(self.place.api.path()) {
            return Err(
                HostError::new(HostErrorKind::Protocol, operation).with("page", "outside the API")
            );
        }
        Ok(url)
    }

    /// Reads all children of one parent, which are few as a rule.
    pub(super) async fn children<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        operation: &'static str,
    ) -> Result<Vec<T>, HostError> {
        let mut listing: Listing<T> = self.list(At::Start(path, query), operation).await?;
        let mut all = listing.items;
        let mut pages = 1;
        while let Some(next) = listing.next.filter(|_| pages < MAX_CHILD_PAGES) {
            listing = self.list(At::Page(&next), operation).await?;
            all.extend(listing.items);
            pages += 1;
        }
        Ok(all)
    }

    /// Number of items of a listing; `None` where the server does not tell, or not us.
    pub(super) async fn count(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Option<u64>, HostError> {
        let operation = "count what there is";
        let query = [query, &[("per_page", "1")]].concat();
        let answer = match self.ask(path, &query, operation).await {
            Err(error) if is_closed(error.kind) => return Ok(None),
            other => other?,
        };
        let last = answer.header("link").and_then(last_page);
        let items: Vec<Value> = answer.json(MAX_ANSWER).await?;
        Ok(last.or(Some(items.len() as u64)))
    }

    /// Asks over GraphQL; gives what stands under `data`.
    ///
    /// # Errors
    ///
    /// The server's words, when it answers errors and no data.
    pub(super) async fn query<T: DeserializeOwned>(
        &self,
        text: &str,
        variables: Value,
        operation: &'static str,
    ) -> Result<T, HostError> {
        data(self.graph(text, variables, operation).await?, operation)
    }

    /// As [`Api::query`]; `None` where the answer leaves something out.
    ///
    /// # Errors
    ///
    /// As [`Api::query`], but for the server's words.
    pub(super) async fn query_whole<T: DeserializeOwned>(
        &self,
        text: &str,
        variables: Value,
        operation: &'static str,
    ) -> Result<Option<T>, HostError> {
        let answer = self.graph(text, variables, operation).await?;
        let errors = answer.get("errors").and_then(Value::as_array);
        if errors.is_some_and(|it| !it.is_empty()) {
            return Ok(None);
        }
        data(answer, operation).map(Some)
    }

    async fn graph(
        &self,
        text: &str,
        variables: Value,
        operation: &'static str,
    ) -> Result<Value, HostError> {
        let body = json!({"query": text, "variables": variables});
        let request = dressed(Request::new(Method::POST, self.graphql_url()?, operation));
        let request = Request { repeatable: true, ..request.json(&body)? };
        let answer = self.transport.send(request).await?.success().await?;
        answer.json(MAX_ANSWER).await
    }

    /// Source: GitHub Enterprise Server, "Forming calls with GraphQL": beside `v3`, not below it.
    pub(super) fn graphql_url(&self) -> Result<Url, HostError> {
        let api = &self.place.api;
        let root = if api.path().ends_with("/v3/") { "../graphql" } else { "graphql" };
        api.join(root).map_err(|error| {
            HostError::new(HostErrorKind::Rejected, "make an address of the API").because(error)
        })
    }

    /// Opens the file of a release from a byte on.
    pub(super) async fn open(&self, path: &[&str], from: u64) -> Result<ByteStream, HostError> {
        let operation = "open a file";
        let octets = HeaderValue::from_static("application/octet-stream");
        let request = self.get_request(self.url(path, &[])?, operation);
        let request = request.header(header::ACCEPT, octets);
        bytes::open(self.transport.as_ref(), request, from).await
    }
}

impl Told {
    /// Whether the token may do one of these things, as far as it says.
    pub(super) fn may(&self, scopes: &[&str]) -> bool {
        let told = self.scopes.as_ref().filter(|it| !it.is_empty());
        self.is_known && told.is_none_or(|it| it.iter().any(|it| scopes.contains(&it.as_str())))
    }

    /// Takes away what is not shown to such a token.
    ///
    /// Source: GitHub, "Scopes for OAuth apps", "Available scopes".
    pub(super) fn narrow_reads(&self, mut capabilities: Capabilities) -> Capabilities {
        let nobody = "it is not shown to those who are not logged in";
        let scope = "the token lacks the scope for it";
        let why = if self.is_known { scope } else { nobody };
        let hooks = &["repo", "admin:repo_hook", "write:repo_hook", "read:repo_hook"];
        let organizations = &["read:org", "write:org", "admin:org", "repo"];
        let wanted: [(ObjectKind, &[&str]); 9] = [
            (ObjectKind::Webhook, hooks),
            (ObjectKind::DeployKey, &["repo"]),
            (ObjectKind::Variable, &["repo"]),
            (ObjectKind::Member, &["repo"]),
            (ObjectKind::BranchRule, &["repo", "public_repo"]),
            (ObjectKind::Team, organizations),
            (ObjectKind::Discussion, &["repo", "public_repo", "read:discussion"]),
            (ObjectKind::DiscussionCategory, &["repo", "public_repo", "read:discussion"]),
            (ObjectKind::CommitStatus, &["repo", "public_repo", "repo:status"]),
        ];
        for (kind, scopes) in wanted {
            // Of public projects everybody is told what builds said.
            let is_open = kind == ObjectKind::CommitStatus && !self.is_known;
            if !is_open && !self.may(scopes) {
                capabilities = capabilities.without(kind, why);
            }
        }
        capabilities
    }
}

/// The transport to one of a server's addresses.
fn network(
    place: &Place,
    home: &Url,
    credentials: &[Credentials],
) -> Result<Arc<dyn Transport>, HostError> {
    stack(&Parts {
        home,
        credentials,
        rates: super::calls::rates(place),
        options: &Options::default(),
        listener: Arc::new(()),
        budgets: Budgets::shared(),
    })
}

/// A request that says what it understands.
pub(super) fn dressed(request: Request) -> Request {
    let version = HeaderName::from_static("x-github-api-version");
    request
        .header(header::ACCEPT, HeaderValue::from_static(MEDIA_TYPE))
        .header(version, HeaderValue::from_static(VERSION))
}

/// Whether something is not there, or not for us.
pub(super) fn is_closed(kind: HostErrorKind) -> bool {
    matches!(kind, HostErrorKind::NotFound | HostErrorKind::Forbidden)
}

/// Number of the last page, out of the `Link` header.
fn last_page(links: &str) -> Option<u64> {
    let link = links.split(',').find(|it| it.contains("rel=\"last\""))?;
    let address = link.split_once('<')?.1.split_once('>')?.0;
    let query = address.split_once('?')?.1;
    query.split('&').find_map(|it| it.strip_prefix("page="))?.parse().ok()
}

/// What stands under `data`, or the words under `errors`.
pub(super) fn data<T: DeserializeOwned>(
    answer: Value,
    operation: &'static str,
) -> Result<T, HostError> {
    let errors = answer.get("errors").and_then(Value::as_array).filter(|it| !it.is_empty());
    let found = answer.get("data").filter(|it| !it.is_null());
    let Some(found) = found else {
        let word = |name: &str| errors.and_then(|it| it[0].get(name)).and_then(Value::as_str);
        let kind = match word("type") {
            Some("NOT_FOUND") => HostErrorKind::NotFound,
            Some("FORBIDDEN" | "INSUFFICIENT_SCOPES") => HostErrorKind::Forbidden,
            Some("RATE_LIMITED") => HostErrorKind::RateLimited,
            Some(_) | None => HostErrorKind::Rejected,
        };
        let words: String = word("message").unwrap_or("no data").chars().take(300).collect();
        return Err(HostError::new(kind, operation).with("answer", words));
    };
    T::deserialize(found)
        .map_err(|error| HostError::new(HostErrorKind::Protocol, operation).because(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_is_in_the_links() {
        let links = "<https://h.example/repositories/1/issues?per_page=1&page=2>; rel=\"next\", \
            <https://h.example/repositories/1/issues?per_page=1&page=412>; rel=\"last\"";

        assert_eq!(last_page(links), Some(412));
        assert_eq!(last_page("<https://h.example/?page=1>; rel=\"first\""), None);
    }

    #[test]
    fn errors_beside_data_are_what_the_token_may_not_see() {
        let answer = json!({"data": {"id": "R_1"}, "errors": [{"message": "x"}]});
        assert_eq!(data::<Value>(answer, "ask").unwrap(), json!({"id": "R_1"}));

        let answer = json!({"data": null, "errors": [{"type": "NOT_FOUND", "message": "none"}]});
        assert_eq!(data::<Value>(answer, "ask").unwrap_err().kind, HostErrorKind::NotFound);
        let nothing = data::<Value>(json!({}), "ask").unwrap_err();
        assert_eq!(nothing.kind, HostErrorKind::Rejected);
    }
}
