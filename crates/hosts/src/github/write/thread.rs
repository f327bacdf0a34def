//! Threads of review comments.
//!
//! GitHub makes a thread by its first comment, whose id the thread has too. So
//! a thread is made with a text of ours, which its first comment replaces.

use super::{
    GithubSink, Order, Told,
    account::{refused, words},
    branch::is_commit,
    unnumbered, wire,
};
use crate::github::wire::graph;
use http::Method;
use packhorse_core::{
    HostError, HostErrorKind, mark,
    model::{Position, ReviewThread, Side},
    port::{Outcome, Written},
};
use serde_json::{Value, json};

/// What a thread says until its first comment comes.
const NOT_YET: &str = "*The first comment of this thread follows.*";

const THREADS: &str = "query($owner: String!, $name: String!, $number: Int!, $after: String) { \
    repository(owner: $owner, name: $name) { pullRequest(number: $number) { \
    reviewThreads(first: 100, after: $after) { pageInfo { hasNextPage endCursor } \
    nodes { id comments(first: 1) { nodes { databaseId } } } } } } }";
const RESOLVE: &str =
    "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { clientMutationId } }";
const UNRESOLVE: &str =
    "mutation($id: ID!) { unresolveReviewThread(input: {threadId: $id}) { clientMutationId } }";

fn side(side: Option<Side>) -> &'static str {
    if side == Some(Side::Left) { "LEFT" } else { "RIGHT" }
}

/// Where a thread stands, as GitHub takes it: where it was made, if it is outdated since.
fn place(at: &Position) -> Value {
    let commit = at.commit.as_ref().filter(|_| at.line.is_some());
    let commit = commit.or(at.original_commit.as_ref()).or(at.commit.as_ref());
    let commit = commit.filter(|it| is_commit(it));
    let mut body = json!({"path": at.path, "commit_id": commit});
    let line = at.line.or(at.original_line);
    match line.filter(|_| !at.whole_file) {
        Some(line) => {
            body["line"] = json!(line);
            body["side"] = json!(side(at.side));
            let start = if at.line.is_some() { at.start_line } else { at.original_start_line };
            if let Some(start) = start.filter(|it| *it < line) {
                body["start_line"] = json!(start);
                body["start_side"] = json!(side(at.start_side.or(at.side)));
            }
        }
        None => body["subject_type"] = json!("file"),
    }
    body
}

impl GithubSink {
    pub(super) async fn review_thread(
        &self,
        order: Order<'_>,
        thread: &ReviewThread,
    ) -> Result<Written, HostError> {
        let mut told = Told::default();
        if let Some(existing) = order.existing {
            self.resolve(order, thread, &existing.0, &mut told).await?;
            return Ok(told.done(&existing.0, order.existing));
        }
        let id = match self.make_thread(order, thread, &mut told).await? {
            Ok(id) => id,
            Err(why) => {
                let why = format!("its comments are below the change request: {why}");
                return Ok(told.missed(why));
            }
        };
        self.resolve(order, thread, &id, &mut told).await?;
        Ok(told.written(id, Outcome::Created))
    }

    /// Makes a thread with a text of ours; gives GitHub's words when it has no place.
    async fn make_thread(
        &self,
        order: Order<'_>,
        thread: &ReviewThread,
        told: &mut Told,
    ) -> Result<Result<String, String>, HostError> {
        let text = format!("{NOT_YET}\n\n{}", mark::of(&order.record.origin));
        self.begin(order, (thread.change_request, &thread.position), &text, told).await
    }

    /// Begins a thread with a comment on its line, else on its file; gives GitHub's words when it
    /// has no place.
    pub(super) async fn begin(
        &self,
        order: Order<'_>,
        (number, at): (u64, &Position),
        text: &str,
        told: &mut Told,
    ) -> Result<Result<String, String>, HostError> {
        let operation = "begin a thread";
        let number = number.to_string();
        let path = order.path.below(&["pulls", &number, "comments"]);
        let mut content = place(at);
        content["body"] = json!(text);
        if content["commit_id"].is_null() {
            content["commit_id"] = json!(self.head(order, &number).await?);
        }
        let made: Result<wire::ReviewComment, _> =
            self.api.send(Method::POST, &path, &content, operation).await;
        let made = match made {
            Err(error) if refused(error.kind) && content.get("line").is_some() => {
                let head = self.head(order, &number).await?;
                let file = json!({"body": text, "path": at.path,
                    "commit_id": head, "subject_type": "file"});
                let made = self.api.send(Method::POST, &path, &file, operation).await;
                if made.is_ok() {
                    let why = "the line is not part of the change here: it is on the file";
                    told.lost("position.line", why);
                }
                made
            }
            other => other,
        };
        match made {
            Ok(made) => Ok(Ok(made.id.ok_or_else(|| unnumbered(operation))?.to_string())),
            Err(error) if refused(error.kind) => Ok(Err(words(&error))),
            Err(error) => Err(error),
        }
    }

    async fn head(&self, order: Order<'_>, number: &str) -> Result<Option<String>, HostError> {
        let below = order.path.below(&["pulls", number]);
        let found: Option<wire::PullRequest> =
            self.api.find(&below, "read a change request").await?;
        Ok(found.and_then(|it| it.head).and_then(|it| it.sha))
    }

    /// Settles a thread that is settled, or opens it again.
    async fn resolve(
        &self,
        order: Order<'_>,
        thread: &ReviewThread,
        first: &str,
        told: &mut Told,
    ) -> Result<(), HostError> {
        let is_settled = thread.resolved_at.is_some() || thread.resolver.is_some();
        if !is_settled && order.existing.is_none() {
            return Ok(());
        }
        let first = first.parse().unwrap_or_default();
        let text = if is_settled { RESOLVE } else { UNRESOLVE };
        let done = match self.thread_id(order, thread.change_request, first).await {
            Ok(Some(id)) => {
                self.api.mutate::<Value>(text, json!({"id": id}), "settle a thread").await.map(drop)
            }
            Ok(None) => Err(HostError::new(HostErrorKind::NotFound, "find a thread again")),
            Err(error) => Err(error),
        };
        match done {
            // SECURITY: an open thread is the stricter of the two.
            Err(error) if refused(error.kind) && is_settled => {
                told.lost("resolved_at", "GitHub did not let it be settled: it is open");
                Ok(())
            }
            Err(error) if refused(error.kind) => Ok(()),
            other => other,
        }
    }

    /// The GraphQL id of a change request's thread by its first comment.
    async fn thread_id(
        &self,
        order: Order<'_>,
        number: u64,
        first: u64,
    ) -> Result<Option<String>, HostError> {
        let operation = "look for a thread";
        let mut after: Option<String> = None;
        loop {
            let variables = json!({"owner": order.path.owner, "name": order.path.name,
                "number": number, "after": after});
            let mut answer: Value = self.api.query(THREADS, variables, operation).await?;
            let found = answer.get_mut("repository").map(Value::take).unwrap_or_default();
            let found: Option<graph::Repository> =
                serde_json::from_value(found).map_err(|error| {
                    HostError::new(HostErrorKind::Protocol, operation).because(error)
                })?;
            let threads = found.and_then(|it| it.pull_request).and_then(|it| it.review_threads);
            let threads = threads.unwrap_or_default();
            let next = threads.next();
            let is_it = |it: &graph::Thread| {
                let comments = it.comments.clone().unwrap_or_default();
                comments.items().next().and_then(|it| it.database_id) == Some(first)
            };
            if let Some(found) = threads.items().find(is_it) {
                return Ok(found.id);
            }
            // SECURITY: the same page again would never end.
            match next.filter(|it| Some(it) != after.as_ref()) {
                Some(next) => after = Some(next),
                None => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = "1111111111111111111111111111111111111111";
    const OLD: &str = "2222222222222222222222222222222222222222";

    #[test]
    fn an_outdated_thread_stands_where_it_was_made() {
        let at = Position {
            path: "a.txt".into(),
            commit: Some(NEW.into()),
            original_commit: Some(OLD.into()),
            original_line: Some(7),
            original_start_line: Some(5),
            side: Some(Side::Left),
            ..Position::default()
        };
        let expected = json!({"path": "a.txt", "commit_id": OLD, "line": 7, "side": "LEFT",
            "start_line": 5, "start_side": "LEFT"});
        assert_eq!(place(&at), expected);

        let now = Position { line: Some(9), ..at };
        let expected = json!({"path": "a.txt", "commit_id": NEW, "line": 9, "side": "LEFT"});
        assert_eq!(place(&now), expected);

        let whole = Position { whole_file: true, ..now };
        let expected = json!({"path": "a.txt", "commit_id": NEW, "subject_type": "file"});
        assert_eq!(place(&whole), expected);
    }
}
