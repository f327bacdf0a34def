//! Hooks, keys and what builds said.

use super::{CloudSink, Done, Path, is_refusal, wire, words};
use http::Method;
use packhorse_core::{
    HostError, Loss, TargetId,
    model::{CommitState, CommitStatus, DeployKey, Webhook},
};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// What the key of a status may weigh.
///
/// Source: Atlassian, "Create a build status for a commit".
const MAX_KEY: usize = 40;

/// What a hook listens to, in this host's words; `None` where it has none.
///
/// Source: Atlassian's description of the API, `webhook_subscription`; the events of the
/// other hosts' own documentation.
fn events_of(word: &str) -> Option<&'static [&'static str]> {
    const OWN: &[&str] = &[
        "repo:push",
        "repo:fork",
        "repo:updated",
        "repo:commit_comment_created",
        "repo:commit_status_created",
        "repo:commit_status_updated",
        "pullrequest:created",
        "pullrequest:updated",
        "pullrequest:push",
        "pullrequest:approved",
        "pullrequest:unapproved",
        "pullrequest:changes_request_created",
        "pullrequest:changes_request_removed",
        "pullrequest:fulfilled",
        "pullrequest:rejected",
        "pullrequest:comment_created",
        "pullrequest:comment_updated",
        "pullrequest:comment_deleted",
        "pullrequest:comment_resolved",
        "pullrequest:comment_reopened",
    ];
    if let Some(at) = OWN.iter().position(|it| *it == word) {
        return OWN.get(at..=at);
    }
    Some(match word {
        "push" | "create" | "delete" | "repo:refs_changed" | "push_events" | "tag_push_events" => {
            &["repo:push"]
        }
        "fork" | "repo:forked" => &["repo:fork"],
        "repository" | "repo:modified" => &["repo:updated"],
        "commit_comment" | "repo:comment:added" => &["repo:commit_comment_created"],
        "status" => &["repo:commit_status_created", "repo:commit_status_updated"],
        "pull_request" | "pull_request_only" | "merge_requests_events" => &[
            "pullrequest:created",
            "pullrequest:updated",
            "pullrequest:fulfilled",
            "pullrequest:rejected",
        ],
        "pr:opened" => &["pullrequest:created"],
        "pr:modified" => &["pullrequest:updated"],
        "pr:from_ref_updated" | "pull_request_sync" => &["pullrequest:push"],
        "pr:merged" => &["pullrequest:fulfilled"],
        "pr:declined" => &["pullrequest:rejected"],
        "pr:reviewer:approved" => &["pullrequest:approved"],
        "pr:reviewer:unapproved" => &["pullrequest:unapproved"],
        "pr:reviewer:needs_work" | "pr:reviewer:changes_requested" => {
            &["pullrequest:changes_request_created"]
        }
        "pull_request_review" => &["pullrequest:approved", "pullrequest:changes_request_created"],
        "pull_request_comment"
        | "pull_request_review_comment"
        | "note_events"
        | "pr:comment:added" => &["pullrequest:comment_created"],
        "pr:comment:edited" => &["pullrequest:comment_updated"],
        "pr:comment:deleted" => &["pullrequest:comment_deleted"],
        _ => return None,
    })
}

/// The events, and the words that have none.
fn events(words: &[String]) -> (BTreeSet<&'static str>, Vec<&str>) {
    let (mut known, mut unknown) = (BTreeSet::new(), Vec::new());
    for word in words {
        match events_of(word) {
            Some(events) => known.extend(events),
            None => unknown.push(word.as_str()),
        }
    }
    (known, unknown)
}

/// A key that is not too long, and no other's.
pub(super) fn key_of(context: &str) -> String {
    if context.chars().count() <= MAX_KEY && !context.is_empty() {
        return context.to_owned();
    }
    let hash = Sha256::digest(context.as_bytes());
    let tail: String = hash.iter().take(4).map(|it| format!("{it:02x}")).collect();
    let head: String = context.chars().take(MAX_KEY - tail.len() - 1).collect();
    format!("{head}-{tail}")
}

impl CloudSink {
    /// A hook, switched off.
    pub(super) async fn write_webhook(
        &self,
        path: Path<'_>,
        it: &Webhook,
        existing: Option<&TargetId>,
    ) -> Result<Done, HostError> {
        let mut losses = vec![Loss::policy("active", "arrives switched off; look at it first")];
        if it.has_secret != Some(false) {
            losses.push(Loss::sink("has_secret", "enter the secret again, where there was one"));
        }
        if it.name.is_none() {
            losses.push(Loss::sink("name", "it had none, and is called as its address"));
        }
        if it.branch_filter.is_some() {
            losses.push(Loss::sink("branch_filter", "it listens to all branches"));
        }
        let (mut known, unknown) = events(&it.events);
        if !unknown.is_empty() {
            let detail = format!("there is no such event here: {}", unknown.join(", "));
            losses.push(Loss::sink("events", detail));
        }
        if known.is_empty() {
            // A hook must listen to something.
            known.insert("repo:push");
        }
        let body = json!({
            "description": it.name.as_deref().unwrap_or(&it.url).chars().take(255).collect::<String>(),
            "url": it.url,
            "events": known,
            "active": false,
            "skip_cert_verification": !it.verify_tls,
        });
        let operation = "write a webhook";
        let found = match existing {
            Some(target) => {
                let below = path.below(&["hooks", &target.0]);
                self.api.put::<wire::Webhook>(&below, &body, operation).await
            }
            None => self.api.post(&path.below(&["hooks"]), &body, operation).await,
        };
        match found {
            Ok(hook) => Ok(Done::new(hook.uuid.unwrap_or_default(), existing).with(losses)),
            Err(error) if existing.is_none() && is_refusal(&error) => {
                Ok(Done::dropped(&it.url, words(&error)))
            }
            Err(error) => Err(error),
        }
    }

    /// A key, which may only read.
    pub(super) async fn write_key(
        &self,
        path: Path<'_>,
        it: &DeployKey,
        existing: Option<&TargetId>,
    ) -> Result<Done, HostError> {
        if it.expires_at.is_some() {
            // SECURITY: a key that never ends would be one that opens more than it did.
            return Ok(Done::dropped(&it.title, "keys have no end here, and it had one"));
        }
        let mut losses = Vec::new();
        if !it.read_only {
            losses.push(Loss::sink("read_only", "keys of a repository may only read here"));
        }
        let operation = "write an access key";
        let body = json!({"type": "deploy_key", "key": it.key, "label": it.title});
        let found = match existing {
            Some(target) => {
                let below = path.below(&["deploy-keys", &target.0]);
                self.api.put::<wire::DeployKey>(&below, &body, operation).await
            }
            None => self.api.post(&path.below(&["deploy-keys"]), &body, operation).await,
        };
        match found {
            Ok(key) => {
                let id = key.id.map(|it| it.to_string()).unwrap_or_default();
                Ok(Done::new(id, existing).with(losses))
            }
            Err(error) if is_refusal(&error) => Ok(Done::dropped(&it.title, words(&error))),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn write_status(
        &self,
        path: Path<'_>,
        it: &CommitStatus,
        existing: Option<&TargetId>,
    ) -> Result<Done, HostError> {
        let mut losses = Vec::new();
        let mut told = |word, detail: &str| {
            losses.push(Loss::sink("state", format!("it is told as {detail}")));
            word
        };
        let state = match it.state {
            CommitState::Success => "SUCCESSFUL",
            CommitState::Failure => "FAILED",
            CommitState::Running => "INPROGRESS",
            CommitState::Pending => told("INPROGRESS", "running"),
            CommitState::Error => told("FAILED", "failed"),
            CommitState::Cancelled => "STOPPED",
            CommitState::Skipped => told("STOPPED", "stopped"),
        };
        let page = format!("{}{}/{}", self.api.place.home, path.workspace, path.slug);
        if it.target_url.is_none() {
            let detail = "leads to the repository, for it must lead somewhere";
            losses.push(Loss::sink("target_url", detail));
        }
        let key = key_of(&it.context);
        if key != it.context {
            losses.push(Loss::sink("context", format!("is {key}, for it was too long")));
        }
        let mut body = json!({
            "type": "build",
            "key": key,
            "name": it.context,
            "state": state,
            "url": it.target_url.as_deref().unwrap_or(&page),
            "description": it.description.as_deref().unwrap_or_default(),
        });
        if let Some(name) = &it.git_ref {
            body["refname"] = json!(name);
        }
        let id = format!("{}/{key}", it.commit);
        let below = path.below(&["commit", &it.commit, "statuses", "build"]);
        match self.api.act(Method::POST, &below, (Some(&body), "write a build status")).await {
            Ok(()) => Ok(Done::new(id, existing).with(losses)),
            Err(error) if is_refusal(&error) => Ok(Done::dropped(id, words(&error))),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_other_hosts_have_words_here_or_are_told() {
        let words = ["push", "issues", "pr:merged", "repo:fork"].map(str::to_owned);

        let (known, unknown) = events(&words);

        let known: Vec<_> = known.into_iter().collect();
        assert_eq!(known, ["pullrequest:fulfilled", "repo:fork", "repo:push"]);
        assert_eq!(unknown, ["issues"]);
    }

    #[test]
    fn a_long_key_stays_its_own() {
        let (one, two) = ("x".repeat(50), "x".repeat(51));

        assert_eq!(key_of("lint"), "lint");
        assert_eq!(key_of(&one).chars().count(), MAX_KEY);
        assert_ne!(key_of(&one), key_of(&two));
    }
}
