//! Hooks, keys and what builds said.

use super::{Done, Part, Path, ServerSink, is_refusal, wire, words};
use http::Method;
use packhorse_core::{
    HostError, Loss, TargetId,
    model::{CommitState, CommitStatus, DeployKey, Webhook},
};
use serde_json::json;
use std::collections::BTreeSet;

/// What a hook listens to, in this server's words; `None` where it has none.
///
/// Source: Atlassian, "Event payload"; the events of the other hosts' own documentation.
fn events_of(word: &str) -> Option<&'static [&'static str]> {
    const OWN: &[&str] = &[
        "repo:refs_changed",
        "repo:modified",
        "repo:forked",
        "repo:comment:added",
        "repo:comment:edited",
        "repo:comment:deleted",
        "mirror:repo_synchronized",
        "pr:opened",
        "pr:from_ref_updated",
        "pr:modified",
        "pr:reviewer:updated",
        "pr:reviewer:approved",
        "pr:reviewer:unapproved",
        "pr:reviewer:needs_work",
        "pr:reviewer:changes_requested",
        "pr:merged",
        "pr:declined",
        "pr:deleted",
        "pr:comment:added",
        "pr:comment:edited",
        "pr:comment:deleted",
    ];
    if let Some(at) = OWN.iter().position(|it| *it == word) {
        return OWN.get(at..=at);
    }
    Some(match word {
        "push" | "create" | "delete" | "repo:push" | "push_events" | "tag_push_events" => {
            &["repo:refs_changed"]
        }
        "fork" | "repo:fork" => &["repo:forked"],
        "repository" | "repo:updated" => &["repo:modified"],
        "commit_comment" | "repo:commit_comment_created" => &["repo:comment:added"],
        "pull_request" | "pull_request_only" | "merge_requests_events" => {
            &["pr:opened", "pr:modified", "pr:merged", "pr:declined", "pr:from_ref_updated"]
        }
        "pullrequest:created" => &["pr:opened"],
        "pullrequest:updated" | "pull_request_sync" => &["pr:modified", "pr:from_ref_updated"],
        "pullrequest:fulfilled" => &["pr:merged"],
        "pullrequest:rejected" => &["pr:declined"],
        "pullrequest:approved" => &["pr:reviewer:approved"],
        "pullrequest:unapproved" => &["pr:reviewer:unapproved"],
        "pull_request_review" | "pull_request_review_approved" => {
            &["pr:reviewer:approved", "pr:reviewer:needs_work"]
        }
        "pull_request_comment"
        | "pull_request_review_comment"
        | "note_events"
        | "pullrequest:comment_created" => &["pr:comment:added", "pr:comment:edited"],
        "pullrequest:comment_updated" => &["pr:comment:edited"],
        "pullrequest:comment_deleted" => &["pr:comment:deleted"],
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

impl ServerSink {
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
            losses.push(Loss::sink("name", "it had none, and is called as its host"));
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
            known.insert("repo:refs_changed");
        }
        let host = it.url.parse::<url::Url>().ok();
        let host = host.as_ref().and_then(url::Url::host_str).unwrap_or("hook");
        let body = json!({
            "name": it.name.as_deref().unwrap_or(host),
            "url": it.url,
            "events": known,
            "active": false,
            "configuration": {},
            "sslVerificationRequired": it.verify_tls,
        });
        let operation = "write a webhook";
        let found = match existing {
            Some(target) => {
                let below = path.below(&["webhooks", &target.0]);
                self.api.put::<wire::Webhook>((Part::Core, &below), &body, operation).await
            }
            None => {
                let below = path.below(&["webhooks"]);
                self.api.post((Part::Core, &below), &body, operation).await
            }
        };
        match found {
            Ok(hook) => {
                let id = hook.id.map(|it| it.to_string()).unwrap_or_default();
                Ok(Done::new(id, existing).with(losses))
            }
            Err(error) if existing.is_none() && is_refusal(&error) => {
                Ok(Done::dropped(&it.url, words(&error)))
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn write_key(
        &self,
        path: Path<'_>,
        it: &DeployKey,
        existing: Option<&TargetId>,
    ) -> Result<Done, HostError> {
        if it.expires_at.is_some() {
            // SECURITY: a key that never ends would be one that opens more than it did.
            let why = "it ends at a time, which the API sets in days from now only";
            return Ok(Done::dropped(&it.title, why));
        }
        let operation = "write an access key";
        let permission = if it.read_only { "REPO_READ" } else { "REPO_WRITE" };
        if let Some(target) = existing {
            // Its words cannot be changed, and its right can.
            let below = path.below(&["ssh", &target.0, "permission", permission]);
            let at = (Part::Keys, &below[..]);
            self.api.act(Method::PUT, at, &[], (None, operation)).await?;
            return Ok(Done::new(&target.0, existing));
        }
        let below = path.below(&["ssh"]);
        let body = json!({"key": {"text": it.key, "label": it.title}, "permission": permission});
        match self.api.post((Part::Keys, &below), &body, operation).await {
            Ok(wire::AccessKey { key, .. }) => {
                let id = key.and_then(|it| it.id).map(|it| it.to_string()).unwrap_or_default();
                Ok(Done::new(id, existing))
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
        let state = match it.state {
            CommitState::Success => "SUCCESSFUL",
            CommitState::Failure => "FAILED",
            CommitState::Running => "INPROGRESS",
            CommitState::Pending => {
                losses.push(Loss::sink("state", "it is told as running"));
                "INPROGRESS"
            }
            CommitState::Error => {
                losses.push(Loss::sink("state", "it is told as failed"));
                "FAILED"
            }
            CommitState::Cancelled => "CANCELLED",
            CommitState::Skipped => {
                losses.push(Loss::sink("state", "it is told as cancelled"));
                "CANCELLED"
            }
        };
        // An address is asked for; the repository's page is one that leads somewhere.
        let page = format!("{}projects/{}/repos/{}", self.api.place.home, path.key, path.slug);
        if it.target_url.is_none() {
            losses.push(Loss::sink(
                "target_url",
                "leads to the repository, for it must lead somewhere",
            ));
        }
        let id = format!("{}/{}", it.commit, it.context);
        let mut body = json!({
            "key": it.context,
            "name": it.context,
            "state": state,
            "url": it.target_url.as_deref().unwrap_or(&page),
            "description": it.description.as_deref().unwrap_or_default(),
        });
        let at = ["commits", it.commit.as_str()];
        let operation = "write a build status";
        let send = async |body: &serde_json::Value| {
            self.api.act(Method::POST, (Part::BuildStatus, &at), &[], (Some(body), operation)).await
        };
        let mut sent = send(&body).await;
        if sent.as_ref().is_err_and(is_refusal) && state == "CANCELLED" {
            // Older versions have no such word; the stricter one is that it did not pass.
            body["state"] = json!("FAILED");
            losses.push(Loss::sink("state", "it is told as failed"));
            sent = send(&body).await;
        }
        match sent {
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
        let words = ["push", "issues", "pr:merged", "pullrequest:fulfilled"].map(str::to_owned);

        let (known, unknown) = events(&words);

        assert_eq!(known.into_iter().collect::<Vec<_>>(), ["pr:merged", "repo:refs_changed"]);
        assert_eq!(unknown, ["issues"]);
    }
}
