//! Issues by GitHub's importer, which keeps when they were made, changed and closed.
//!
//! Source: GitHub's preview `golden-comet`, which no description has; google/go-github,
//! `github/issue_import.go`; recorded exchanges. It works beside us and tells the number when it
//! is done, so that each issue is waited for: only so do numbers follow one another.

use super::{GithubSink, Order, Path, Told, label::set, text::moment};
use crate::github::{api::is_closed, map::number_in};
use http::Method;
use packhorse_core::{
    HostError, HostErrorKind, Retry,
    model::{Issue, OpenState},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// How long the importer is waited for: the first and the longest pause, and how often.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const MAX_ASKS: u32 = 60;
/// Pages of what was imported that are looked through at most.
const MAX_PAGES: u32 = 1_000;

/// What the importer says of its work.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Import {
    id: Option<u64>,
    status: Option<String>,
    issue_url: Option<String>,
    errors: Option<Value>,
}

impl GithubSink {
    /// Has an issue imported; its number.
    pub(super) async fn import_issue(
        &self,
        order: Order<'_>,
        issue: &Issue,
        told: &mut Told,
    ) -> Result<String, HostError> {
        let operation = "import an issue";
        let (title, body) = (told.title(&issue.title), told.body(issue.body.as_ref()));
        let content = import_body(issue, (&title, &body));
        let below = order.path.below(&["import", "issues"]);
        let taken: Import = match self.api.import(Some(&content), (&below, &[]), operation).await {
            Err(error) if is_closed(error.kind) => {
                let remedy = "it needs a token of an administrator of the project; or leave \
                              `issues=import` out of the address";
                return Err(error.with("remedy", remedy));
            }
            other => other?,
        };
        let done = self.imported(order.path, taken).await?;
        if done.status.as_deref() == Some("failed") {
            let errors = done.errors.unwrap_or_default().to_string();
            let words: String = errors.chars().take(300).collect();
            return Err(HostError::new(HostErrorKind::Rejected, operation)
                .with("issue", &order.record.origin.id)
                .with("answer", words));
        }
        let number = number_in(done.issue_url.as_deref());
        let number = number.ok_or_else(|| super::unnumbered(operation))?.to_string();
        self.complete_import(order, issue, &number, told).await?;
        Ok(number)
    }

    /// Waits until the importer is done with an issue, well or badly.
    async fn imported(&self, path: Path<'_>, mut import: Import) -> Result<Import, HostError> {
        let operation = "wait for the importer of issues";
        let id = import.id.ok_or_else(|| super::unnumbered(operation))?.to_string();
        let below = path.below(&["import", "issues", &id]);
        let mut pause = FIRST_PAUSE;
        for _ in 0..MAX_ASKS {
            if matches!(import.status.as_deref(), Some("imported" | "failed")) {
                return Ok(import);
            }
            // It works beside us, and the next number is not known before it is done.
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            import = self.api.import(None, (&below, &[]), operation).await?;
        }
        let error = HostError::new(HostErrorKind::Unavailable, operation)
            .with("import", id)
            .with("reason", "GitHub has not finished it");
        Err(HostError { retry: Retry::After(Some(LONGEST_PAUSE)), ..error })
    }

    /// Waits until nothing is being imported any more, so that what was taken can be found.
    pub(super) async fn settle_imports(&self, path: Path<'_>) -> Result<(), HostError> {
        let operation = "look what is being imported";
        let below = path.below(&["import", "issues"]);
        for page in 1..=MAX_PAGES {
            let page = page.to_string();
            let query = [("page", page.as_str()), ("per_page", "100")];
            let all: Vec<Import> = match self.api.import(None, (&below, &query), operation).await {
                Err(error) if is_closed(error.kind) => return Ok(()),
                other => other?,
            };
            if all.is_empty() {
                break;
            }
            for import in all {
                self.imported(path, import).await?;
            }
        }
        Ok(())
    }

    /// Adds what the importer does not take.
    async fn complete_import(
        &self,
        order: Order<'_>,
        issue: &Issue,
        number: &str,
        told: &mut Told,
    ) -> Result<(), HostError> {
        let assignees = self.assignees(order.path, &issue.assignees, told).await?;
        if !assignees.is_empty() {
            let path = order.path.below(&["issues", number, "assignees"]);
            let body = json!({"assignees": assignees});
            self.api.tell(Method::POST, &path, &body, "give out an issue").await?;
        }
        let is_usual = issue.state_reason.as_deref().is_none_or(|it| it == "completed");
        if issue.state == OpenState::Open || is_usual {
            return Ok(());
        }
        self.close(order, issue, number, told).await
    }
}

fn import_body(issue: &Issue, (title, body): (&str, &str)) -> Value {
    let is_closed = issue.state == OpenState::Closed;
    let mut content =
        json!({"title": title, "body": body, "labels": issue.labels, "closed": is_closed});
    let moments = [
        ("created_at", issue.created_at),
        ("updated_at", issue.updated_at),
        ("closed_at", issue.closed_at.filter(|_| is_closed)),
    ];
    for (name, at) in moments {
        set(&mut content, name, at.and_then(moment).map(Value::from));
    }
    set(&mut content, "milestone", issue.milestone.map(Value::from));
    json!({"issue": content, "comments": []})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_imported_issue_keeps_its_moments() {
        let at = |text: &str| Some(text.parse().unwrap());
        let issue = Issue {
            state: OpenState::Closed,
            milestone: Some(3),
            labels: vec!["bug".into()],
            created_at: at("2020-01-01T00:00:00Z"),
            updated_at: at("1960-01-01T00:00:00Z"),
            closed_at: at("2020-01-02T01:00:00+01:00"),
            ..Issue::default()
        };

        let body = import_body(&issue, ("title", "body"));

        let expected = json!({"issue": {"title": "title", "body": "body", "labels": ["bug"],
            "closed": true, "created_at": "2020-01-01T00:00:00Z",
            "closed_at": "2020-01-02T00:00:00Z", "milestone": 3}, "comments": []});
        assert_eq!(body, expected);
    }
}
