//! Issues.

use super::{
    GithubSink, Order, Told,
    label::{set, word},
    unnumbered, wire,
};
use crate::github::place::IssueWay;
use http::Method;
use packhorse_core::{
    HostError, Loss, TargetId,
    model::{Issue, OpenState},
    port::{Numbered, Written},
};
use serde_json::{Value, json};

impl GithubSink {
    pub(super) async fn issue(
        &self,
        order: Order<'_>,
        issue: &Issue,
    ) -> Result<Written, HostError> {
        let Numbered { mut written, is_open } = self.number_issue(order, issue).await?;
        if is_open {
            written.losses.extend(self.complete_issue(order, issue, &written.target).await?);
        }
        Ok(written)
    }

    /// Makes an issue, or changes one; one that is made is open.
    pub(super) async fn number_issue(
        &self,
        order: Order<'_>,
        issue: &Issue,
    ) -> Result<Numbered, HostError> {
        let mut told = Told::default();
        if issue.confidential {
            if self.is_public(order.path).await? {
                // SECURITY: what only members see must not be shown to everybody.
                let written = told.dropped("everybody would see it, and only members may");
                return Ok(Numbered { written, is_open: false });
            }
            told.lost("confidential", "everybody who sees the project's issues will see it");
        }
        let mut is_open = false;
        let number = match (order.existing, self.api.place.issues) {
            (Some(existing), _) => {
                self.update_issue(order, issue, &existing.0, &mut told).await?;
                existing.0.clone()
            }
            (None, IssueWay::Plain) => {
                is_open = issue.state == OpenState::Closed;
                self.plain_issue(order, issue, &mut told).await?
            }
            (None, IssueWay::Import) => self.import_issue(order, issue, &mut told).await?,
        };
        Ok(Numbered { written: told.done(number, order.existing), is_open })
    }

    /// Closes an issue that was made of a closed one, for its reason.
    pub(super) async fn complete_issue(
        &self,
        order: Order<'_>,
        issue: &Issue,
        target: &TargetId,
    ) -> Result<Vec<Loss>, HostError> {
        let mut told = Told::default();
        self.close(order, issue, &target.0, &mut told).await?;
        Ok(told.losses)
    }

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
        Ok(made.number.ok_or_else(|| unnumbered(operation))?.to_string())
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
