//! Hooks, keys and what builds said.

use super::{Done, Part, Path, ServerSink, is_refusal, wire};
use crate::bitbucket::write::settings::{Events, build_state, leads_to};
use http::Method;
use packhorse_core::{
    HostError, Loss, TargetId,
    model::{CommitStatus, DeployKey, Webhook},
};
use serde_json::json;

/// What a hook listens to.
///
/// Source: Atlassian, "Event payload"; the events of the other hosts' own documentation.
const EVENTS: Events = Events {
    own: &[
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
    ],
    of: events_of,
    least: "repo:refs_changed",
};

/// What a hook listens to for a word of another host; `None` where there is nothing.
fn events_of(word: &str) -> Option<&'static [&'static str]> {
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

impl ServerSink {
    /// A hook, switched off.
    pub(super) async fn write_webhook(
        &self,
        path: Path<'_>,
        it: &Webhook,
        existing: Option<&TargetId>,
    ) -> Result<Done, HostError> {
        let (events, losses) = EVENTS.hook(it, "its host");
        let host = it.url.parse::<url::Url>().ok();
        let host = host.as_ref().and_then(url::Url::host_str).unwrap_or("hook");
        let body = json!({
            "name": it.name.as_deref().unwrap_or(host),
            "url": it.url,
            "events": events,
            "active": false,
            "configuration": {},
            "sslVerificationRequired": it.verify_tls,
        });
        let operation = "write a webhook";
        let made: Result<wire::Webhook, _> = match existing {
            Some(target) => {
                let below = path.below(&["webhooks", &target.0]);
                Ok(self.api.put((Part::Core, &below), &body, operation).await?)
            }
            None => {
                let below = path.below(&["webhooks"]);
                self.api.post((Part::Core, &below), &body, operation).await
            }
        };
        let id = made.map(|it| it.id.map(|it| it.to_string()).unwrap_or_default());
        Done::unless_refused(id, existing, (&it.url, losses))
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
        let made: Result<wire::AccessKey, _> =
            self.api.post((Part::Keys, &below), &body, operation).await;
        let id = made.map(|it| it.key.and_then(|it| it.id).unwrap_or_default().to_string());
        Done::unless_refused(id, existing, (&it.title, Vec::new()))
    }

    pub(super) async fn write_status(
        &self,
        path: Path<'_>,
        it: &CommitStatus,
        existing: Option<&TargetId>,
    ) -> Result<Done, HostError> {
        let (state, lost) = build_state(it.state, "CANCELLED");
        let mut losses: Vec<Loss> = lost.into_iter().collect();
        let page = format!("{}projects/{}/repos/{}", self.api.place.home, path.key, path.slug);
        let url = leads_to(it.target_url.as_deref(), &page, &mut losses);
        let id = format!("{}/{}", it.commit, it.context);
        let mut body = json!({
            "key": it.context,
            "name": it.context,
            "state": state,
            "url": url,
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
        Done::unless_refused(sent.map(|()| id.clone()), existing, (&id, losses))
    }
}
