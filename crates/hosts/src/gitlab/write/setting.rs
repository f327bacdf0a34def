//! Webhooks, deploy keys and variables.

use super::{Done, GitlabSink, Task, below, odd};
use crate::gitlab::{call::Change, wire};
use packhorse_core::{
    HostErrorKind,
    model::{DeployKey, Variable, Webhook},
    port::Outcome,
};
use serde_json::{Value, json};

/// Everything that a hook can listen to.
///
/// Source: GitLab, "Project webhooks API".
const EVENTS: [&str; 14] = [
    "push",
    "tag_push",
    "issues",
    "confidential_issues",
    "merge_requests",
    "note",
    "confidential_note",
    "job",
    "pipeline",
    "wiki_page",
    "deployment",
    "releases",
    "feature_flag",
    "emoji",
];
/// What stands in the place of a hidden value, until somebody enters it: a value that is masked
/// has eight characters at least.
const NO_VALUE: &str = "to-be-entered";

/// What a hook would have to listen to, in the server's words.
fn event(word: &str) -> Option<&'static str> {
    let own = EVENTS.iter().copied().find(|it| *it == word);
    own.or(match word {
        "repo:push" | "repo:refs_changed" | "branches" => Some("push"),
        "create" | "delete" | "tag" => Some("tag_push"),
        "issue" | "issue_assign" | "issue_label" | "issue_milestone" => Some("issues"),
        "issue_comment"
        | "commit_comment"
        | "comment"
        | "pull_request_review_comment"
        | "pull_request_comment" => Some("note"),
        "pull_request" | "pull_request_review" | "pull_request_sync" | "merge" => {
            Some("merge_requests")
        }
        "gollum" | "wiki" => Some("wiki_page"),
        "release" => Some("releases"),
        "check_run" | "status" | "build" => Some("job"),
        "check_suite" | "workflow_run" => Some("pipeline"),
        "deployment_status" => Some("deployment"),
        other if other.starts_with("pr:") || other.starts_with("pullrequest:") => {
            Some("merge_requests")
        }
        _ => None,
    })
}

impl GitlabSink {
    /// A hook that listens to nothing: there is no switch for hooks, and one that listens calls.
    pub(super) async fn webhook(&self, path: &str, task: &mut Task<'_>, it: &Webhook) -> Done {
        let operation = "write a webhook";
        let mut wanted: Vec<&str> = it.events.iter().filter_map(|it| event(it)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let wanted = if wanted.is_empty() { "nothing".to_owned() } else { wanted.join(", ") };
        task.lose("active", "the server has no switched-off webhooks: this one listens to nothing");
        task.lose("events", format!("to be ticked by hand: {wanted}"));
        if it.has_secret != Some(false) {
            task.lose("has_secret", "its secret, if it had one, is to be entered again");
        }
        if it.content_type.as_deref().is_some_and(|it| it != "json") {
            task.lose("content_type", "the server sends JSON");
        }
        let mut body = json!({"url": it.url, "enable_ssl_verification": it.verify_tls,
            "push_events_branch_filter": it.branch_filter.clone().unwrap_or_default(),
            "name": it.name, "description": format!("Listened to: {wanted}")});
        for name in EVENTS {
            body[format!("{name}_events")] = false.into();
        }
        let sent: wire::Hook = match task.id().map(str::to_owned) {
            Some(id) => {
                let below = below(path, &["hooks", &id]);
                self.api.put(Change::new(&below, operation), &body).await?
            }
            None => {
                let below = below(path, &["hooks"]);
                match self.api.post(Change::new(&below, operation), &body).await {
                    Err(error) if error.kind == HostErrorKind::Rejected => {
                        return task.drop("the server does not call that address, by its rules");
                    }
                    other => other?,
                }
            }
        };
        let outcome = if task.existing.is_some() { Outcome::Updated } else { Outcome::Created };
        Ok((sent.id.ok_or_else(|| odd(operation))?.to_string(), outcome))
    }

    pub(super) async fn deploy_key(&self, path: &str, task: &mut Task<'_>, it: &DeployKey) -> Done {
        let operation = "write a deploy key";
        if let Some(id) = task.id().map(str::to_owned) {
            let below = below(path, &["deploy_keys", &id]);
            let body = json!({ "title": it.title, "can_push": !it.read_only });
            self.api.put::<wire::DeployKey>(Change::new(&below, operation), &body).await?;
            return Ok((id, Outcome::Updated));
        }
        let mut body =
            json!({"title": task.title(&it.title), "key": it.key, "can_push": !it.read_only});
        if let Some(at) = it.expires_at {
            body["expires_at"] = at.to_utc().to_string().into();
        }
        let below = below(path, &["deploy_keys"]);
        match self.api.post::<wire::DeployKey>(Change::new(&below, operation), &body).await {
            Ok(made) => Ok((made.id.ok_or_else(|| odd(operation))?.to_string(), Outcome::Created)),
            Err(error) if error.kind == HostErrorKind::Rejected => {
                task.drop("the server does not take the key, or has it elsewhere already")
            }
            Err(error) => Err(error),
        }
    }

    /// A variable by its name; its value is to be entered again.
    pub(super) async fn variable(&self, path: &str, task: &mut Task<'_>, it: &Variable) -> Done {
        let operation = "write a variable";
        let fits = |it: char| it.is_ascii_alphanumeric() || it == '_';
        if it.name.is_empty() || !it.name.chars().all(fits) {
            return task.drop("the server takes letters, digits and `_` in names alone");
        }
        let environment = it.environment.clone().unwrap_or_else(|| "*".to_owned());
        let id = format!("{}/{environment}", it.name);
        if task.existing.is_some() {
            // Whoever entered its value since must not lose it.
            return Ok((id, Outcome::Adopted));
        }
        task.lose("value", "to be entered again: values do not travel");
        let is_hidden = it.masked || it.is_secret;
        let value = if is_hidden { NO_VALUE } else { "" };
        let body = json!({"key": it.name, "value": value, "protected": it.protected,
            "masked": is_hidden, "environment_scope": environment,
            "description": it.description});
        let below = below(path, &["variables"]);
        match self.api.post::<Value>(Change::new(&below, operation), &body).await {
            Ok(_) => Ok((id, Outcome::Created)),
            Err(error) if super::project::is_about(&error, "already") => Ok((id, Outcome::Adopted)),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hooks_listen_to_elsewhere_has_a_word_here() {
        assert_eq!(event("push"), Some("push"));
        assert_eq!(event("pull_request"), Some("merge_requests"));
        assert_eq!(event("pullrequest:created"), Some("merge_requests"));
        assert_eq!(event("star"), None);
    }
}
