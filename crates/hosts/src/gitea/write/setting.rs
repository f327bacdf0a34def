//! Webhooks and deploy keys.

use super::{Done, GiteaSink, Path, Task, issue::unnumbered};
use crate::gitea::{call::Change, server::Product, wire};
use packhorse_core::{
    HostError, HostErrorKind,
    model::{DeployKey, Webhook},
    port::Outcome,
};
use serde_json::json;

/// What hooks listen to, in the server's words.
///
/// Source: Gitea, `modules/webhook/type.go`.
const EVENTS: &[&str] = &[
    "create",
    "delete",
    "fork",
    "push",
    "issues",
    "issue_assign",
    "issue_label",
    "issue_milestone",
    "issue_comment",
    "pull_request",
    "pull_request_assign",
    "pull_request_label",
    "pull_request_milestone",
    "pull_request_comment",
    "pull_request_review_approved",
    "pull_request_review_rejected",
    "pull_request_review_comment",
    "pull_request_sync",
    "pull_request_review_request",
    "wiki",
    "repository",
    "release",
    "package",
    "status",
];

/// The server's word for what a hook of another host listens to.
fn event(word: &str) -> Option<&'static str> {
    let word = word.strip_suffix("_events").unwrap_or(word);
    let word = match word {
        "tag_push" | "repo:refs_changed" | "repo:push" => "push",
        "merge_requests" | "pr:opened" | "pullrequest:created" => "pull_request",
        "note" | "pr:comment:added" | "pullrequest:comment_created" => "issue_comment",
        "wiki_page" | "gollum" => "wiki",
        "releases" => "release",
        "pull_request_review" => "pull_request_review_approved",
        "repo:forked" | "repo:fork" => "fork",
        other => other,
    };
    EVENTS.iter().find(|it| **it == word).copied()
}

impl GiteaSink {
    /// A hook, which calls nobody until somebody switches it on.
    pub(super) async fn webhook(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        hook: &Webhook,
    ) -> Done {
        let mut events: Vec<&str> = Vec::new();
        for word in &hook.events {
            match event(word) {
                Some(event) if events.contains(&event) => {}
                Some(event) => events.push(event),
                None => task.lose("events", format!("the server has no event `{word}`")),
            }
        }
        if events.is_empty() {
            events.push("push");
        }
        if hook.active {
            task.lose("active", "hooks arrive switched off");
        }
        if hook.has_secret != Some(false) {
            task.lose("has_secret", "a secret, if it had one, has to be entered again");
        }
        if !hook.verify_tls {
            task.lose("verify_tls", "the server checks certificates for all hooks or for none");
        }
        if hook.name.is_some() {
            task.lose("name", "hooks have no names");
        }
        let media = hook.content_type.as_deref().filter(|it| *it == "form").unwrap_or("json");
        let product = self.server().await?.product;
        let mut body = json!({
            "config": { "url": hook.url, "content_type": media },
            "events": events, "active": false,
            "branch_filter": hook.branch_filter.clone().unwrap_or_default(),
        });
        let existing = match task.existing {
            Some(existing) => Some((existing.0.clone(), Outcome::Updated)),
            None => self.find_hook(path, &hook.url).await?.map(|id| (id, Outcome::Adopted)),
        };
        if let Some((id, outcome)) = existing {
            let below = path.below(&["hooks", &id]);
            self.api.patch(Change::new(&below, "change a webhook"), &body).await?;
            return Ok((id, outcome));
        }
        body["type"] = json!(if product == Product::Gogs { "gogs" } else { "gitea" });
        let below = path.below(&["hooks"]);
        let operation = "make a webhook";
        let made: wire::Hook = self.api.post(Change::new(&below, operation), &body).await?;
        let id = made.id.ok_or_else(|| unnumbered(operation))?;
        Ok((id.to_string(), Outcome::Created))
    }

    pub(super) async fn find_hook(
        &self,
        path: Path<'_>,
        url: &str,
    ) -> Result<Option<String>, HostError> {
        let below = path.below(&["hooks"]);
        let hooks: Vec<wire::Hook> = self.api.children(&below, "look for a webhook").await?;
        let is_it =
            |it: &&wire::Hook| it.config.as_ref().and_then(|it| it.url.as_deref()) == Some(url);
        Ok(hooks.iter().find(is_it).and_then(|it| it.id).map(|it| it.to_string()))
    }

    pub(super) async fn deploy_key(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        key: &DeployKey,
    ) -> Done {
        if key.expires_at.is_some() {
            // Without its end it would open more than it did.
            return task.drop("the server has no keys that end by themselves");
        }
        let title = task.title(&key.title);
        if let Some(there) = self.key_there(path, &key.key).await?
            && let Some(id) = there.id.map(|it| it.to_string())
        {
            if task.existing.is_none_or(|it| it.0 != id) {
                return Ok((id, Outcome::Adopted));
            }
            if there.title.as_ref() == Some(&title) && there.read_only == Some(key.read_only) {
                return Ok((id, Outcome::Updated));
            }
            // A key cannot be changed, only be taken away and be given anew.
            let below = path.below(&["keys", &id]);
            self.api.delete(Change::new(&below, "change a deploy key"), None).await?;
        }
        let operation = "make a deploy key";
        let below = path.below(&["keys"]);
        let body = json!({ "title": title, "key": key.key, "read_only": key.read_only });
        let made: Result<wire::Key, _> = self.api.post(Change::new(&below, operation), &body).await;
        let made = match made {
            Err(error) if error.kind == HostErrorKind::Rejected => {
                return task.drop("the server takes no such key, or has it elsewhere already");
            }
            other => other?,
        };
        let id = made.id.ok_or_else(|| unnumbered(operation))?;
        Ok((id.to_string(), task.outcome()))
    }

    pub(super) async fn find_key(
        &self,
        path: Path<'_>,
        key: &str,
    ) -> Result<Option<String>, HostError> {
        Ok(self.key_there(path, key).await?.and_then(|it| it.id).map(|it| it.to_string()))
    }

    async fn key_there(&self, path: Path<'_>, key: &str) -> Result<Option<wire::Key>, HostError> {
        // What follows the key itself is a remark.
        let core = |it: &str| it.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        let below = path.below(&["keys"]);
        let keys: Vec<wire::Key> = self.api.children(&below, "look for a deploy key").await?;
        let is_it = |it: &wire::Key| it.key.as_deref().is_some_and(|it| core(it) == core(key));
        Ok(keys.into_iter().find(is_it))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_other_hosts_have_words_here() {
        assert_eq!(event("push"), Some("push"));
        assert_eq!(event("merge_requests_events"), Some("pull_request"));
        assert_eq!(event("repo:refs_changed"), Some("push"));
        assert_eq!(event("deployment"), None);
    }
}
