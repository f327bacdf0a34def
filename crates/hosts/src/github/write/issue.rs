//! Issues.

use super::{
    GithubSink, Order, Told,
    label::{set, word},
    unnumbered, wire,
};
use crate::github::place::IssueWay;
use http::Method;
use packhorse_core::{
    HostError,
    model::{Issue, OpenState},
    port::Written,
};
use serde_json::{Value, json};

impl GithubSink {
    pub(super) async fn issue(
        &self,
        order: Order<'_>,
        issue: &Issue,
    ) -> Result<Written, HostError> {
        let mut told = Told::default();
        if issue.confidential {
            if self.is_public(order.path).await? {
                // SECURITY: what only members see must not be shown to everybody.
                return Ok(told.dropped("everybody would see it, and only members may"));
            }
            told.lost("confidential", "everybody who sees the project's issues will see it");
        }
        let number = match (order.existing, self.api.place.issues) {
            (Some(existing), _) => {
                self.update_issue(order, issue, &existing.0, &mut told).await?;
                existing.0.clone()
            }
            (None, IssueWay::Plain) => self.plain_issue(order, issue, &mut told).await?,
            (None, IssueWay::Import) => self.import_issue(order, issue, &mut told).await?,
        };
        Ok(told.done(number, order.existing))
    }

    async fn fields(
        &self,
        order: Order<'_>,
        issue: &Issue,
        told: &mut Told,
    ) -> Result<Value, HostError> {
        let assignees = self.assignees(order.path, &issue.assignees, told).await?;
        Ok(json!({"title": told.title(&issue.title), "body": told.body(issue.body.as_ref()),
            "labels": issue.labels, "assignees": assignees}))
    }

    async fn plain_issue(
        &self,
        order: Order<'_>,
        issue: &Issue,
        told: &mut Told,
    ) -> Result<String, HostError> {
        let operation = "make an issue";
        let mut body = self.fields(order, issue, told).await?;
        set(&mut body, "milestone", issue.milestone.map(Value::from));
        let path = order.path.below(&["issues"]);
        let made: wire::Issue = self.api.send(Method::POST, &path, &body, operation).await?;
        let number = made.number.ok_or_else(|| unnumbered(operation))?.to_string();
        if issue.state == OpenState::Closed {
            self.close(order, issue, &number, told).await?;
        }
        Ok(number)
    }

    /// Closes what is closed, for its reason.
    pub(super) async fn close(
        &self,
        order: Order<'_>,
        issue: &Issue,
        number: &str,
        told: &mut Told,
    ) -> Result<(), HostError> {
        let path = order.path.below(&["issues", number]);
        let body = json!({"state": "closed", "state_reason": reason(issue, told)});
        self.api.tell(Method::PATCH, &path, &body, "close an issue").await.map(drop)
    }

    async fn update_issue(
        &self,
        order: Order<'_>,
        issue: &Issue,
        number: &str,
        told: &mut Told,
    ) -> Result<(), HostError> {
        let mut body = self.fields(order, issue, told).await?;
        body["milestone"] = json!(issue.milestone);
        body["state"] = json!(word(issue.state));
        if issue.state == OpenState::Closed {
            body["state_reason"] = json!(reason(issue, told));
        }
        let path = order.path.below(&["issues", number]);
        self.api.tell(Method::PATCH, &path, &body, "change an issue").await.map(drop)
    }
}

/// Why it is closed, in GitHub's words.
pub(super) fn reason(issue: &Issue, told: &mut Told) -> &'static str {
    match issue.state_reason.as_deref() {
        None | Some("completed" | "reopened") => "completed",
        Some("not_planned") => "not_planned",
        Some("duplicate") => "duplicate",
        Some(other) => {
            told.lost("state_reason", format!("GitHub has no `{other}`"));
            "completed"
        }
    }
}
