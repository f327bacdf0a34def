//! What REST does not tell: discussions, threads that are settled, who merged, what is pinned.

use super::{
    GithubSource, Page, Path, Spot,
    lists::{page, spot},
    map,
    nested::walk,
    plain,
    spot::in_part,
    wire,
};
use crate::github::{
    api::Listing,
    map::{discussion, issue, review},
    wire::graph,
};
use futures::FutureExt;
use packhorse_core::{
    Cursor, HostError, HostErrorKind, Record,
    model::{StateValue, Subject},
};
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Change requests whose threads are asked for at once.
const THREADS_AT_ONCE: usize = 20;
/// Pages of threads, or of comments on a discussion, that are read at most.
const MAX_PAGES: usize = 1_000;

const NODES: &str = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on PullRequest { number \
    mergedBy { login __typename } maintainerCanModify closingIssuesReferences(first: 50) { \
    nodes { number repository { nameWithOwner } } } } } }";

const THREAD: &str = "id isResolved isOutdated resolvedBy { login __typename } \
    comments(first: 1) { nodes { databaseId } }";

const PINNED: &str = "query($owner: String!, $name: String!) { repository(owner: $owner, \
    name: $name) { pinnedIssues(first: 10) { nodes { issue { number } } } } }";

const CATEGORIES: &str = "query($owner: String!, $name: String!) { repository(owner: $owner, \
    name: $name) { discussionCategories(first: 100) { nodes { id name emoji description } } } }";

const DISCUSSIONS: &str = "query($owner: String!, $name: String!, $after: String) { \
    repository(owner: $owner, name: $name) { discussions(first: 50, after: $after, \
    orderBy: {field: CREATED_AT, direction: ASC}) { pageInfo { hasNextPage endCursor } nodes { \
    id number title body author { login __typename } category { name } \
    labels(first: 50) { nodes { name } } answer { databaseId } createdAt updatedAt closedAt } } } }";

const NUMBERS: &str = "query($owner: String!, $name: String!, $after: String) { \
    repository(owner: $owner, name: $name) { discussions(first: 50, after: $after, \
    orderBy: {field: CREATED_AT, direction: ASC}) { pageInfo { hasNextPage endCursor } \
    nodes { number } } } }";

const COMMENTS: &str = "query($owner: String!, $name: String!, $number: Int!, $after: String) { \
    repository(owner: $owner, name: $name) { discussion(number: $number) { \
    comments(first: 50, after: $after) { pageInfo { hasNextPage endCursor } nodes { databaseId \
    author { login __typename } body createdAt updatedAt replies(first: 100) { nodes { \
    databaseId author { login __typename } body createdAt updatedAt } } } } } } }";

/// What stands around an answer about one project.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Around {
    pub(super) repository: Option<graph::Repository>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Nodes {
    nodes: Option<Vec<Option<graph::PullRequest>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Aliased {
    repository: Option<BTreeMap<String, Option<graph::PullRequest>>>,
}

/// Whether an error means that GraphQL does not answer us, rather than that something broke.
pub(super) fn is_silent(kind: HostErrorKind) -> bool {
    matches!(
        kind,
        HostErrorKind::Unauthorized
            | HostErrorKind::Forbidden
            | HostErrorKind::NotFound
            | HostErrorKind::Rejected
            | HostErrorKind::Unsupported
    )
}

impl GithubSource {
    /// One page of something of a project.
    pub(super) async fn about(
        &self,
        path: Path<'_>,
        text: &str,
        after: Option<&str>,
        operation: &'static str,
    ) -> Result<graph::Repository, HostError> {
        let variables = json!({"owner": path.owner, "name": path.name, "after": after});
        let around: Around = self.api.query(text, variables, operation).await?;
        // A project that is not there is nothing beside an error, and no error alone.
        around
            .repository
            .ok_or_else(|| HostError::new(HostErrorKind::NotFound, operation).with("project", path))
    }

    /// What only GraphQL tells of change requests, by number; `None` where it does not answer.
    pub(super) async fn more_of_change_requests(
        &self,
        ids: Vec<&str>,
    ) -> Result<Option<BTreeMap<u64, graph::PullRequest>>, HostError> {
        if !self.has_graph() || ids.is_empty() {
            return Ok(None);
        }
        let operation = "read who merged";
        let nodes: Result<Nodes, _> = self.api.query(NODES, json!({"ids": ids}), operation).await;
        match nodes {
            Err(error) if is_silent(error.kind) => Ok(None),
            other => {
                let found = other?.nodes.into_iter().flatten().flatten();
                Ok(Some(found.filter_map(|it| Some((it.number?, it))).collect()))
            }
        }
    }

    /// Threads by the id of their first comment; none where GraphQL does not answer.
    async fn told_threads(
        &self,
        path: Path<'_>,
        numbers: BTreeSet<u64>,
    ) -> Result<BTreeMap<u64, graph::Thread>, HostError> {
        let mut told = BTreeMap::new();
        if !self.has_graph() {
            return Ok(told);
        }
        let operation = "read which threads are settled";
        let mut asked: Vec<(u64, Option<String>)> =
            numbers.into_iter().map(|it| (it, None)).collect();
        for _ in 0..MAX_PAGES {
            let rest = asked.split_off(asked.len().min(THREADS_AT_ONCE));
            let text = threads_query(&asked);
            let variables = json!({"owner": path.owner, "name": path.name});
            let answer: Result<Aliased, _> = self.api.query(&text, variables, operation).await;
            let answer = match answer {
                Err(error) if is_silent(error.kind) => return Ok(told),
                other => other?,
            };
            asked = rest;
            for request in answer.repository.into_iter().flatten().filter_map(|(_, it)| it) {
                let threads = request.review_threads.unwrap_or_default();
                let (number, next) = (request.number, threads.next());
                for thread in threads.items() {
                    let first = thread.comments.clone().unwrap_or_default().items().next();
                    let id = first.and_then(|it| it.database_id);
                    told.extend(id.map(|it| (it, thread)));
                }
                asked.extend(number.zip(next).map(|(number, next)| (number, Some(next))));
            }
            if asked.is_empty() {
                break;
            }
        }
        Ok(told)
    }

    pub(super) async fn review_threads(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let (spot, operation) = (spot(at)?, "read threads");
        let below = path.below(&["pulls", "comments"]);
        let listing: Listing<wire::ReviewComment> =
            self.listing((&below, &super::lists::CREATED), &spot, operation).await?;
        let first = |it: &&wire::ReviewComment| it.in_reply_to_id.is_none();
        let numbers = listing.items.iter().filter(first).filter_map(review::number).collect();
        let told = self.told_threads(path, numbers).await?;
        Ok(page(plain(self.host(), listing, spot, |it: wire::ReviewComment, notes| {
            review::thread(&it, it.id.and_then(|it| told.get(&it)), notes)
        })))
    }

    /// What is shown first among issues; nothing where GraphQL does not answer.
    pub(super) async fn pinned(&self, path: Path<'_>) -> Result<Vec<Record>, HostError> {
        if !self.has_graph() {
            return Ok(Vec::new());
        }
        let found = match self.about(path, PINNED, None, "read what is pinned").await {
            Err(error) if is_silent(error.kind) => return Ok(Vec::new()),
            other => other?,
        };
        let numbers = found.pinned_issues.unwrap_or_default();
        let numbers = numbers.items().filter_map(|it| it.issue?.number);
        let record = |(place, number)| {
            let value = StateValue::Pinned(Some(place));
            let (id, object) = issue::state(&Subject::Issue(number), value);
            Record::new(id, object)
        };
        Ok((1_u64..).zip(numbers).map(record).collect())
    }

    pub(super) async fn categories(&self, path: Path<'_>) -> Result<Page, HostError> {
        if !self.has_graph() {
            return Ok(Page::default());
        }
        let operation = "read categories of discussions";
        let found = self.about(path, CATEGORIES, None, operation).await?;
        let list = found.discussion_categories.unwrap_or_default();
        let record = |(id, it)| Record::new(id, it);
        let records = list.items().filter_map(discussion::category).map(record).collect();
        Ok(Page { records, next: None })
    }

    pub(super) async fn discussions(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let spot = spot(at)?;
        let listing = self.discussion_listing(path, DISCUSSIONS, &spot).await?;
        Ok(page(plain(self.host(), listing, spot, discussion::discussion)))
    }

    async fn discussion_listing(
        &self,
        path: Path<'_>,
        text: &str,
        spot: &Spot,
    ) -> Result<Listing<graph::Discussion>, HostError> {
        if !self.has_graph() {
            return Ok(Listing { items: Vec::new(), next: None });
        }
        let found = self.about(path, text, spot.page.as_deref(), "read discussions").await?;
        let list = found.discussions.unwrap_or_default();
        let next = list.next();
        // SECURITY: the same page again would never end.
        let next = next.filter(|it| Some(it) != spot.page.as_ref());
        Ok(Listing { items: list.items().collect(), next })
    }

    /// Comments on discussions, and answers to them.
    pub(super) async fn discussion_comments(
        &self,
        path: Path<'_>,
        place: Option<&str>,
    ) -> Result<Page, HostError> {
        let spot = Spot::of(place)?;
        let listing = self.discussion_listing(path, NUMBERS, &spot).await?;
        let (records, next) = walk(listing, spot, |it| {
            async move {
                match it.number {
                    Some(number) => self.comments_of_discussion(path, number).await,
                    None => Ok(Vec::new()),
                }
            }
            .boxed()
        })
        .await?;
        Ok(Page { records, next: next.map(|it| in_part("discussions", &it.text())) })
    }

    async fn comments_of_discussion(
        &self,
        path: Path<'_>,
        number: u64,
    ) -> Result<Vec<Record>, HostError> {
        let (mut records, mut after) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let variables = json!({"owner": path.owner, "name": path.name, "number": number,
                "after": after});
            let around: Around =
                self.api.query(COMMENTS, variables, "read comments on discussions").await?;
            let found = around.repository.and_then(|it| it.discussion).unwrap_or_default();
            let list = found.comments.unwrap_or_default();
            let next = list.next();
            for mut comment in list.items() {
                let replies = comment.replies.take().unwrap_or_default();
                let place = (number, comment.database_id);
                let host = self.host();
                records.extend(map::record(host, comment, |it, notes| {
                    discussion::comment(it, number, notes)
                }));
                records.extend(replies.items().filter_map(|it| {
                    map::record(host, it, |it, notes| discussion::reply(it, place, notes))
                }));
            }
            match next.filter(|it| Some(it) != after.as_ref()) {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        Ok(records)
    }
}

/// Asks for the threads of several change requests, each from its own place on.
fn threads_query(asked: &[(u64, Option<String>)]) -> String {
    let mut parts = String::new();
    for (number, after) in asked {
        // A string of JSON is one of GraphQL too.
        let after = after.as_ref().map(|it| format!(", after: {}", json!(it))).unwrap_or_default();
        parts.push_str(&format!(
            " c{number}: pullRequest(number: {number}) {{ number \
            reviewThreads(first: 50{after}) {{ pageInfo {{ hasNextPage endCursor }} \
            nodes {{ {THREAD} }} }} }}"
        ));
    }
    format!(
        "query($owner: String!, $name: String!) {{ repository(owner: $owner, name: $name) {{{parts} }} }}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_cannot_leave_its_place_in_a_query() {
        let query = threads_query(&[(3, None), (4, Some("a\") { x } #".into()))]);

        assert!(query.contains("c3: pullRequest(number: 3) { number reviewThreads(first: 50)"));
        assert!(query.contains(r#"after: "a\") { x } #""#), "{query}");
    }
}
