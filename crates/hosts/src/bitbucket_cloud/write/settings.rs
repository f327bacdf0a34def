//! Hooks, keys and what builds said.

use super::{CloudSink, Done, Path, wire};
use crate::bitbucket::write::settings::{Events, build_state, leads_to};
use data_encoding::HEXLOWER;
use http::Method;
use packhorse_core::{
    HostError, Loss, TargetId,
    model::{CommitStatus, DeployKey, Webhook},
};
use serde_json::json;
use sha2::{Digest, Sha256};

/// What the key of a status may weigh.
///
/// Source: Atlassian, "Create a build status for a commit".
const MAX_KEY: usize = 40;

/// What a hook listens to.
///
/// Source: Atlassian's description of the API, `webhook_subscription`; the events of the
/// other hosts' own documentation.
const EVENTS: Events = Events {
    own: &[
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
    ],
    of: events_of,
    least: "repo:push",
};

/// What a hook listens to for a word of another host; `None` where there is nothing.
fn events_of(word: &str) -> Option<&'static [&'static str]> {
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

/// A key that is not too long, and no other's.
pub(super) fn key_of(context: &str) -> String {
    if context.chars().count() <= MAX_KEY && !context.is_empty() {
        return context.to_owned();
    }
    let hash = Sha256::digest(context.as_bytes());
    let tail = HEXLOWER.encode(&hash[..4]);
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
        let (events, losses) = EVENTS.hook(it, "its address");
        let body = json!({
            "description": it.name.as_deref().unwrap_or(&it.url).chars().take(255).collect::<String>(),
            "url": it.url,
            "events": events,
            "active": false,
            "skip_cert_verification": !it.verify_tls,
        });
        let operation = "write a webhook";
        let made: Result<wire::Webhook, _> = match existing {
            Some(target) => {
                let below = path.below(&["hooks", &target.0]);
                Ok(self.api.put(&below, &body, operation).await?)
            }
            None => self.api.post(&path.below(&["hooks"]), &body, operation).await,
        };
        let id = made.map(|it| it.uuid.unwrap_or_default());
        Done::unless_refused(id, existing, (&it.url, losses))
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
        let made: Result<wire::DeployKey, _> = match existing {
            Some(target) => {
                let below = path.below(&["deploy-keys", &target.0]);
                self.api.put(&below, &body, operation).await
            }
            None => self.api.post(&path.below(&["deploy-keys"]), &body, operation).await,
        };
        let id = made.map(|it| it.id.map(|it| it.to_string()).unwrap_or_default());
        Done::unless_refused(id, existing, (&it.title, losses))
    }

    pub(super) async fn write_status(
        &self,
        path: Path<'_>,
        it: &CommitStatus,
        existing: Option<&TargetId>,
    ) -> Result<Done, HostError> {
        let (state, lost) = build_state(it.state, "STOPPED");
        let mut losses: Vec<Loss> = lost.into_iter().collect();
        let page = format!("{}{}/{}", self.api.place.home, path.workspace, path.slug);
        let url = leads_to(it.target_url.as_deref(), &page, &mut losses);
        let key = key_of(&it.context);
        if key != it.context {
            losses.push(Loss::sink("context", format!("is {key}, for it was too long")));
        }
        let mut body = json!({
            "type": "build",
            "key": key,
            "name": it.context,
            "state": state,
            "url": url,
            "description": it.description.as_deref().unwrap_or_default(),
        });
        if let Some(name) = &it.git_ref {
            body["refname"] = json!(name);
        }
        let id = format!("{}/{key}", it.commit);
        let below = path.below(&["commit", &it.commit, "statuses", "build"]);
        let made = self.api.act(Method::POST, &below, (Some(&body), "write a build status")).await;
        Done::unless_refused(made.map(|()| id.clone()), existing, (&id, losses))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_key_stays_its_own() {
        let (one, two) = ("x".repeat(50), "x".repeat(51));

        assert_eq!(key_of("lint"), "lint");
        assert_eq!(key_of(&one).chars().count(), MAX_KEY);
        assert_ne!(key_of(&one), key_of(&two));
    }
}
