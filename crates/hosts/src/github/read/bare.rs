//! Parents that have nothing below them, so that they need not be asked one by one.
//!
//! GraphQL tells it for a whole page at once. Where it does not answer, or not whole, each is asked.

use super::{GithubSource, Path, graph::is_silent};
use packhorse_core::HostError;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const REVIEWS: &str = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on PullRequest { \
    id reviews(first: 1) { totalCount } } } }";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Count {
    total_count: u64,
}

#[derive(Deserialize)]
struct Reviewed {
    id: String,
    reviews: Count,
}

#[derive(Deserialize)]
struct Nodes {
    nodes: Vec<Reviewed>,
}

#[derive(Deserialize)]
struct Around {
    repository: BTreeMap<String, Value>,
}

impl GithubSource {
    /// Those of some change requests, by their ids of GraphQL, that nobody has reviewed.
    pub(super) async fn unreviewed(&self, ids: Vec<&str>) -> Result<BTreeSet<String>, HostError> {
        let told: Option<Nodes> =
            self.told_whole(ids.is_empty(), REVIEWS, json!({"ids": ids})).await?;
        let bare = told.into_iter().flat_map(|it| it.nodes);
        Ok(bare.filter(|it| it.reviews.total_count == 0).map(|it| it.id).collect())
    }

    /// Those of some commits of which no build said anything.
    pub(super) async fn unbuilt(
        &self,
        path: Path<'_>,
        commits: BTreeSet<&str>,
    ) -> Result<BTreeSet<String>, HostError> {
        let is_name = |it: &&str| it.bytes().all(|it| it.is_ascii_hexdigit());
        let parts: String = commits.into_iter().filter(is_name).map(part).collect();
        let text = format!(
            "query($owner: String!, $name: String!) {{ \
             repository(owner: $owner, name: $name) {{{parts} }} }}"
        );
        let variables = json!({"owner": path.owner, "name": path.name});
        let told: Option<Around> = self.told_whole(parts.is_empty(), &text, variables).await?;
        let bare = told.into_iter().flat_map(|it| it.repository);
        // A commit that has no status says so; what is not there says nothing.
        let bare = bare.filter(|(_, it)| it.get("status").is_some_and(Value::is_null));
        Ok(bare.filter_map(|(name, _)| Some(name.strip_prefix('c')?.to_owned())).collect())
    }

    /// What is told of all that was asked; `None` where that is nothing, or not told.
    async fn told_whole<T: DeserializeOwned>(
        &self,
        is_nothing: bool,
        text: &str,
        variables: Value,
    ) -> Result<Option<T>, HostError> {
        if is_nothing || !self.has_graph() {
            return Ok(None);
        }
        let operation = "read what has nothing below it";
        // SECURITY: an answer of another shape says nothing, and nothing is passed over for it.
        match self.api.query_whole::<Value>(text, variables, operation).await {
            Err(error) if is_silent(error.kind) => Ok(None),
            other => Ok(other?.and_then(|it| serde_json::from_value(it).ok())),
        }
    }
}

/// Asks for one commit.
fn part(commit: &str) -> String {
    format!(" c{commit}: object(oid: \"{commit}\") {{ ... on Commit {{ status {{ id }} }} }}")
}
