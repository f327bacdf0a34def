//! Webhooks, deploy keys, and what builds said of commits.

use super::{
    GithubSink, Order, Told,
    account::{refused, words},
    unnumbered, wire,
};
use http::Method;
use packhorse_core::{
    HostError,
    model::{CommitState, CommitStatus, DeployKey, Webhook},
    port::Written,
};
use serde_json::{Value, json};

/// The longest description of a status, in characters.
///
/// Source: GitHub's refusal "description is too long (maximum is 140 characters)".
const MAX_DESCRIPTION: usize = 140;

/// GitHub's word for what a webhook listens to, out of the words of all hosts.
///
/// Source: GitHub, "Webhook events and payloads"; GitLab, "Webhook events"; Gitea and
/// Bitbucket, the same.
fn event(word: &str) -> Option<&'static str> {
    Some(match word {
        "*" => "*",
        "push" | "push_events" | "repo:push" | "repo:refs_changed" => "push",
        "create" | "tag_push_events" => "create",
        "delete" => "delete",
        "fork" | "repo:fork" | "repo:forked" => "fork",
        "issues" | "issues_events" | "issue" | "issue:created" | "issue:updated"
        | "issue_assign" | "issue_label" | "issue_milestone" => "issues",
        "issue_comment" | "note_events" | "issue:comment_created" | "pull_request_comment" => {
            "issue_comment"
        }
        "pull_request"
        | "merge_requests_events"
        | "pullrequest:created"
        | "pr:opened"
        | "pullrequest:updated"
        | "pr:modified"
        | "pullrequest:fulfilled"
        | "pr:merged"
        | "pullrequest:rejected"
        | "pr:declined"
        | "pull_request_assign"
        | "pull_request_label"
        | "pull_request_milestone"
        | "pull_request_sync" => "pull_request",
        "pull_request_review"
        | "pullrequest:approved"
        | "pr:reviewer:approved"
        | "pull_request_review_approved"
        | "pull_request_review_rejected" => "pull_request_review",
        "pull_request_review_comment" | "pull_request_review_request" => {
            "pull_request_review_comment"
        }
        "commit_comment" | "repo:comment:added" => "commit_comment",
        "status" | "pipeline_events" | "repo:commit_status_updated" => "status",
        "release" | "releases_events" => "release",
        "gollum" | "wiki" | "wiki_page_events" => "gollum",
        "repository" => "repository",
        "member" => "member",
        "label" => "label",
        "milestone" => "milestone",
        "deployment" | "deployment_events" => "deployment",
        "deployment_status" => "deployment_status",
        "discussion" => "discussion",
        "discussion_comment" => "discussion_comment",
        "check_run" => "check_run",
        "check_suite" => "check_suite",
        "workflow_run" => "workflow_run",
        "workflow_job" => "workflow_job",
        "public" => "public",
        "star" => "star",
        "watch" => "watch",
        "team_add" => "team_add",
        "deploy_key" => "deploy_key",
        "branch_protection_rule" => "branch_protection_rule",
        "page_build" => "page_build",
        "package" => "package",
        "ping" => "ping",
        _ => return None,
    })
}

/// What a build is called.
pub(super) fn context(status: &CommitStatus) -> &str {
    if status.context.is_empty() { "default" } else { &status.context }
}

/// What a build said, as far as GitHub takes it.
pub(super) fn said(status: &CommitStatus) -> String {
    let said = status.description.as_deref().unwrap_or_default();
    said.chars().take(MAX_DESCRIPTION).collect()
}

impl GithubSink {
    /// A webhook, switched off: nobody is called before somebody has looked.
    pub(super) async fn webhook(
        &self,
        order: Order<'_>,
        hook: &Webhook,
    ) -> Result<Written, HostError> {
        let (mut told, operation) = (Told::default(), "write a webhook");
        let mut events: Vec<&str> = Vec::new();
        for word in &hook.events {
            match event(word) {
                Some(event) if events.contains(&event) => {}
                Some(event) => events.push(event),
                None => told.lost("events", format!("GitHub has no event `{word}`")),
            }
        }
        if events.is_empty() {
            events.push("push");
            told.lost("events", "nothing that it listened to is on GitHub: it listens to `push`");
        }
        if hook.name.is_some() {
            told.lost("name", "webhooks on GitHub have none");
        }
        if hook.active {
            told.lost("active", "it is switched off: look at it, and switch it on");
        }
        if hook.has_secret != Some(false) {
            told.lost("has_secret", "its secret does not travel: enter it again");
        }
        if hook.branch_filter.is_some() {
            told.lost("branch_filter", "webhooks on GitHub hear of all branches");
        }
        let content_type = match hook.content_type.as_deref() {
            Some("form" | "application/x-www-form-urlencoded") => "form",
            Some(_) | None => "json",
        };
        let config = json!({"url": hook.url, "content_type": content_type,
            "insecure_ssl": if hook.verify_tls { "0" } else { "1" }});
        let mut body = json!({"active": false, "events": events, "config": config});
        if let Some(existing) = order.existing {
            let path = order.path.below(&["hooks", &existing.0]);
            self.api.tell(Method::PATCH, &path, &body, operation).await?;
            return Ok(told.done(&existing.0, order.existing));
        }
        body["name"] = json!("web");
        let path = order.path.below(&["hooks"]);
        let made: Result<wire::Hook, _> =
            self.api.send(Method::POST, &path, &body, operation).await;
        match made {
            Err(error) if refused(error.kind) => Ok(told.missed(words(&error))),
            other => Ok(told.done(other?.id.ok_or_else(|| unnumbered(operation))?, None)),
        }
    }

    /// A deploy key; GitHub takes each key once in all of its projects.
    pub(super) async fn deploy_key(
        &self,
        order: Order<'_>,
        key: &DeployKey,
    ) -> Result<Written, HostError> {
        let (mut told, operation) = (Told::default(), "write a deploy key");
        if key.expires_at.is_some() {
            // SECURITY: a key that ends at the source would go on for ever here.
            let why = "deploy keys on GitHub do not end by themselves: make a new one by hand";
            return Ok(told.dropped(why));
        }
        if let Some(existing) = order.existing {
            // SECURITY: keys cannot be changed, and one that may only read by now must not write on.
            let below = order.path.below(&["keys", &existing.0]);
            let found: Option<wire::Key> = self.api.find(&below, "look for a key").await?;
            let is_same = |it: &wire::Key| {
                it.title.as_deref() == Some(&key.title) && it.read_only == Some(key.read_only)
            };
            if found.as_ref().is_some_and(is_same) {
                return Ok(told.done(&existing.0, order.existing));
            }
            self.api.delete(&below, "make a key anew").await?;
        }
        if key.key.split_whitespace().count() > 2 {
            told.lost("key", "the name behind it is left out");
        }
        let body = json!({"title": key.title, "key": key.key, "read_only": key.read_only});
        let path = order.path.below(&["keys"]);
        let made: Result<wire::Key, _> = self.api.send(Method::POST, &path, &body, operation).await;
        match made {
            Err(error) if refused(error.kind) && words(&error).contains("already in use") => {
                let why = "the key is in use elsewhere on GitHub, which takes each key once: \
                    make a new key for this project, or take this one out there";
                Ok(told.dropped(why))
            }
            Err(error) if refused(error.kind) => Ok(told.missed(words(&error))),
            other => {
                let made = other?;
                if made.read_only != Some(key.read_only) {
                    told.lost("read_only", "GitHub has decided otherwise");
                }
                let id = made.id.ok_or_else(|| unnumbered(operation))?;
                Ok(told.done(id, order.existing))
            }
        }
    }

    pub(super) async fn commit_status(
        &self,
        order: Order<'_>,
        status: &CommitStatus,
    ) -> Result<Written, HostError> {
        let (mut told, operation) = (Told::default(), "write what a build said");
        let state = match status.state {
            CommitState::Success => "success",
            CommitState::Failure => "failure",
            CommitState::Error => "error",
            CommitState::Pending => "pending",
            CommitState::Running => {
                told.lost("state", "what runs is pending on GitHub");
                "pending"
            }
            CommitState::Cancelled | CommitState::Skipped => {
                told.lost("state", "what was stopped or left out is an error on GitHub");
                "error"
            }
        };
        let said = said(status);
        if status.description.as_ref().is_some_and(|it| *it != said) {
            told.lost("description", "was cut: GitHub takes 140 characters");
        }
        if let Some(existing) = order.existing.filter(|it| it.0.starts_with(&status.commit)) {
            // A status is never changed: another one would come after it.
            return Ok(told.done(&existing.0, order.existing));
        }
        let mut body = json!({"state": state, "context": context(status), "description": said});
        if let Some(url) = &status.target_url {
            body["target_url"] = json!(url);
        }
        let path = order.path.below(&["statuses", &status.commit]);
        let made: Result<Value, _> = self.api.send(Method::POST, &path, &body, operation).await;
        match made {
            Err(error) if refused(error.kind) => Ok(told.missed(words(&error))),
            other => {
                let made = other?;
                let id = made.get("id").and_then(Value::as_u64);
                let id = id.ok_or_else(|| unnumbered(operation))?;
                Ok(told.done(format!("{}/{id}", status.commit), None))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_hosts_words_for_events_are_understood() {
        for (word, expected) in [
            ("push_events", Some("push")),
            ("merge_requests_events", Some("pull_request")),
            ("pr:opened", Some("pull_request")),
            ("wiki", Some("gollum")),
            ("unheard", None),
        ] {
            assert_eq!(event(word), expected, "{word}");
        }
    }
}
