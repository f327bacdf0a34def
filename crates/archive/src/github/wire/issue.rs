//! Issues, milestones, comments on issues and commits, reactions, events.

use super::{List, wire};

wire! {
    /// A milestone.
    struct Milestone {
        r#type: String,
        url: String,
        repository: Option<String>,
        user: Option<String>,
        title: Option<String>,
        description: Option<String>,
        state: Option<String>,
        due_on: Option<String>,
        created_at: Option<String>,
        updated_at: Option<String>,
        closed_at: Option<String>,
    }

    /// An issue. It is closed when `closed_at` is there.
    struct Issue {
        r#type: String,
        url: String,
        repository: Option<String>,
        user: Option<String>,
        title: Option<String>,
        body: Option<String>,
        assignee: Option<String>,
        assignees: List<String>,
        milestone: Option<String>,
        labels: List<String>,
        reactions: List<Reaction>,
        closed_at: Option<String>,
        created_at: Option<String>,
        updated_at: Option<String>,
    }
    nested { "reactions": Reaction }

    /// A reaction, within what it is to.
    struct Reaction {
        user: Option<String>,
        content: String,
        subject_type: Option<String>,
        created_at: Option<String>,
    }

    /// A comment on an issue or a pull request.
    struct IssueComment {
        r#type: String,
        url: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        issue: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        pull_request: Option<String>,
        user: Option<String>,
        body: Option<String>,
        formatter: Option<String>,
        reactions: List<Reaction>,
        created_at: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        updated_at: Option<String>,
    }
    nested { "reactions": Reaction }

    /// Something that happened to an issue or a pull request.
    struct IssueEvent {
        r#type: String,
        url: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        issue: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        pull_request: Option<String>,
        actor: Option<String>,
        event: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        subject: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title_was: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title_is: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        commit_id: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        commit_repository: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        referencing_pull_request: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        label: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        label_name: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        label_color: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        label_text_color: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        milestone_title: Option<String>,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        r#ref: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        before_commit_oid: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        after_commit_oid: Option<String>,
        created_at: Option<String>,
    }

    /// A comment on a commit.
    struct CommitComment {
        r#type: String,
        url: String,
        repository: Option<String>,
        user: Option<String>,
        body: Option<String>,
        formatter: Option<String>,
        path: Option<String>,
        position: Option<u64>,
        commit_id: Option<String>,
        reactions: List<Reaction>,
        created_at: Option<String>,
    }
    nested { "reactions": Reaction }
}
