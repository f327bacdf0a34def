//! Taking back what was written.

use super::{GithubSink, Path, branch, discussion, review::PLAIN, rule, wire};
use crate::github::api::absent;
use http::Method;
use packhorse_core::{HostError, HostErrorKind, ObjectKind, Origin, TargetId};
use serde_json::{Value, json};

const DELETE_ISSUE: &str =
    "mutation($id: ID!) { deleteIssue(input: {issueId: $id}) { clientMutationId } }";
const DELETE_DISCUSSION: &str =
    "mutation($id: ID!) { deleteDiscussion(input: {id: $id}) { clientMutationId } }";
const UNPIN: &str = "mutation($id: ID!) { unpinIssue(input: {issueId: $id}) { clientMutationId } }";

/// The number in an id like `issue/12/…`.
fn number_in(id: &str) -> Option<u64> {
    id.split('/').nth(1)?.parse().ok()
}

/// Where the reactions of an id like `comment/12/34` are, and which of them it is.
fn reaction_path(id: &str) -> Option<Vec<&str>> {
    let (head, reaction) = id.rsplit_once('/')?;
    let (word, parent) = head.split_once('/')?;
    let mut path = match word {
        "issue" | "change_request" => vec!["issues", parent],
        "comment" => vec!["issues", "comments", parent],
        "review_comment" => vec!["pulls", "comments", parent],
        "commit_comment" => vec!["comments", parent],
        _ => return None,
    };
    path.extend(["reactions", reaction]);
    Some(path)
}

/// The path below a project at which something can be removed; `None` where that takes more.
fn place(kind: ObjectKind, id: &str) -> Option<Vec<&str>> {
    Some(match kind {
        ObjectKind::Label => vec!["labels", id],
        ObjectKind::Milestone => vec!["milestones", id],
        ObjectKind::Comment => vec!["issues", "comments", id],
        ObjectKind::ReviewThread => vec!["pulls", "comments", id],
        ObjectKind::ReviewComment => match id.strip_prefix(PLAIN) {
            Some(id) => vec!["issues", "comments", id],
            None => vec!["pulls", "comments", id],
        },
        ObjectKind::CommitComment => vec!["comments", id],
        ObjectKind::Release => vec!["releases", id],
        ObjectKind::ReleaseAsset => vec!["releases", "assets", id],
        ObjectKind::Webhook => vec!["hooks", id],
        ObjectKind::DeployKey => vec!["keys", id],
        ObjectKind::Reaction => reaction_path(id)?,
        ObjectKind::TagRule => vec!["rulesets", rule::ruleset_number(id)?],
        ObjectKind::BranchRule => match rule::ruleset_number(id) {
            Some(number) => vec!["rulesets", number],
            None => vec!["branches", id, "protection"],
        },
        ObjectKind::Project => Vec::new(),
        ObjectKind::User
        | ObjectKind::Organization
        | ObjectKind::Team
        | ObjectKind::Member
        | ObjectKind::Topic
        | ObjectKind::LfsObject
        | ObjectKind::Repository
        | ObjectKind::Wiki
        | ObjectKind::Attachment
        | ObjectKind::Issue
        | ObjectKind::ChangeRequest
        | ObjectKind::Review
        | ObjectKind::DiscussionCategory
        | ObjectKind::Discussion
        | ObjectKind::Snippet
        | ObjectKind::Event
        | ObjectKind::CommitStatus
        | ObjectKind::Board
        | ObjectKind::Variable
        | ObjectKind::State => return None,
    })
}

impl GithubSink {
    pub(super) async fn remove_shared(
        &self,
        origin: &Origin,
        target: &TargetId,
    ) -> Result<(), HostError> {
        let operation = "remove what was written";
        let parts: Vec<&str> = target.0.split('/').collect();
        match (origin.kind, &parts[..]) {
            (ObjectKind::Team, [organization, slug]) => {
                self.api.delete(&["orgs", organization, "teams", slug], operation).await
            }
            (ObjectKind::Member, [organization, slug, login]) => {
                let Some(organization) = organization.strip_prefix("team:") else { return Ok(()) };
                let path = ["orgs", organization, "teams", slug, "memberships", login];
                self.api.delete(&path, operation).await
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn remove_in(
        &self,
        path: Path<'_>,
        origin: &Origin,
        target: &TargetId,
    ) -> Result<(), HostError> {
        let (operation, id) = ("remove what was written", target.0.as_str());
        let is_discussions = origin.kind == ObjectKind::Comment && id.starts_with(discussion::HEAD);
        if let Some(below) = place(origin.kind, id).filter(|_| !is_discussions) {
            return self.api.delete(&path.below(&below), operation).await;
        }
        let refuse = |reason: &'static str| {
            Err(HostError::new(HostErrorKind::Unsupported, operation)
                .with("object", origin)
                .with("reason", reason))
        };
        if origin.kind == ObjectKind::Issue {
            match self.node(path, id.parse().unwrap_or_default()).await? {
                Some(node) => self.undo(DELETE_ISSUE, &node).await,
                None => Ok(()),
            }
        } else if origin.kind == ObjectKind::ChangeRequest {
            self.withdraw(path, id).await
        } else if origin.kind == ObjectKind::Discussion {
            let text = "query($owner: String!, $name: String!, $number: Int!) { repository(owner: \
                $owner, name: $name) { discussion(number: $number) { id } } }";
            let variables = json!({"owner": path.owner, "name": path.name,
                "number": id.parse::<u64>().unwrap_or_default()});
            let found = absent(self.api.query::<Value>(text, variables, operation).await)?;
            let node =
                found.as_ref().and_then(|it| it.pointer("/repository/discussion/id")?.as_str());
            match node {
                Some(node) => self.undo(DELETE_DISCUSSION, node).await,
                None => Ok(()),
            }
        } else if origin.kind == ObjectKind::Topic {
            self.remove_topic(path, id).await
        } else if origin.kind == ObjectKind::Member {
            self.remove_member(path, id).await
        } else if origin.kind == ObjectKind::State {
            self.remove_state(path, id).await
        } else if matches!(origin.kind, ObjectKind::Review | ObjectKind::CommitStatus) {
            refuse("GitHub keeps reviews that were handed in, and what builds said")
        } else if is_discussions {
            refuse("it goes with its discussion")
        } else {
            Ok(())
        }
    }

    async fn undo(&self, text: &str, node: &str) -> Result<(), HostError> {
        let done = self.api.mutate::<Value>(text, json!({"id": node}), "remove what was written");
        absent(done.await).map(drop)
    }

    /// GitHub keeps change requests: one that is taken back is closed, without its branches.
    async fn withdraw(&self, path: Path<'_>, id: &str) -> Result<(), HostError> {
        let operation = "close a change request";
        let below = path.below(&["pulls", id]);
        let found: Option<wire::PullRequest> = self.api.find(&below, operation).await?;
        let Some(found) = found else {
            let node = self.node(path, id.parse().unwrap_or_default()).await?;
            return match node {
                Some(node) => self.undo(DELETE_ISSUE, &node).await,
                None => Ok(()),
            };
        };
        if found.state.as_deref() == Some("open") {
            self.api.tell(Method::PATCH, &below, &json!({"state": "closed"}), operation).await?;
        }
        for end in [found.head, found.base].into_iter().flatten().filter_map(|it| it.r#ref) {
            if branch::is_ours(&end) {
                self.remove_branch(path, &end).await?;
            }
        }
        Ok(())
    }

    async fn remove_topic(&self, path: Path<'_>, name: &str) -> Result<(), HostError> {
        let (below, operation) = (path.below(&["topics"]), "remove a topic");
        let found: Option<wire::Topics> = self.api.find(&below, operation).await?;
        let mut names = found.and_then(|it| it.names).unwrap_or_default();
        let before = names.len();
        names.retain(|it| it != name);
        if names.len() < before {
            self.api.tell(Method::PUT, &below, &json!({"names": names}), operation).await?;
        }
        Ok(())
    }

    async fn remove_member(&self, path: Path<'_>, id: &str) -> Result<(), HostError> {
        let operation = "remove a member";
        let Some(grantee) = id.strip_prefix("project/") else { return Ok(()) };
        match grantee.strip_prefix("team:").and_then(|it| it.split_once('/')) {
            Some((organization, slug)) => {
                let below = ["orgs", organization, "teams", slug, "repos", path.owner, path.name];
                self.api.delete(&below, operation).await
            }
            // Whoever owns the project cannot leave it.
            None if grantee.eq_ignore_ascii_case(path.owner) => Ok(()),
            None => self.api.delete(&path.below(&["collaborators", grantee]), operation).await,
        }
    }

    async fn remove_state(&self, path: Path<'_>, id: &str) -> Result<(), HostError> {
        let operation = "remove a state";
        if id == "project/archived" {
            return self.archive(path, false).await;
        }
        let Some(number) = number_in(id) else { return Ok(()) };
        if id.ends_with("/locked") {
            let number = number.to_string();
            return self.api.delete(&path.below(&["issues", &number, "lock"]), operation).await;
        }
        match self.node(path, number).await? {
            Some(node) => self.undo(UNPIN, &node).await,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_where_its_object_is() {
        let at = |kind, id| place(kind, id).map(|it| it.join("/"));

        let reaction = at(ObjectKind::Reaction, "review_comment/12/34");
        assert_eq!(reaction.as_deref(), Some("pulls/comments/12/reactions/34"));
        let rule = at(ObjectKind::BranchRule, "ruleset/42/release/*");
        assert_eq!(rule.as_deref(), Some("rulesets/42"));
        let rule = at(ObjectKind::BranchRule, "main");
        assert_eq!(rule.as_deref(), Some("branches/main/protection"));
        assert_eq!(at(ObjectKind::Review, "1"), None);
        assert_eq!(number_in("issue/7/locked"), Some(7));
    }
}
