//! Pull requests.

use super::{List, issue::Reaction, wire};

wire! {
    /// A pull request. It is merged when `merged_at` is there, else closed when `closed_at` is.
    struct PullRequest {
        r#type: String,
        url: String,
        user: Option<String>,
        repository: Option<String>,
        title: Option<String>,
        body: Option<String>,
        base: Option<End>,
        head: Option<End>,
        assignee: Option<String>,
        assignees: List<String>,
        milestone: Option<String>,
        labels: List<String>,
        reactions: List<Reaction>,
        review_requests: List<ReviewRequest>,
        close_issue_references: List<CloseReference>,
        work_in_progress: Option<bool>,
        merged_at: Option<String>,
        closed_at: Option<String>,
        created_at: Option<String>,
        merge_commit_sha: Option<String>,
    }
    nested {
        "base": End,
        "head": End,
        "reactions": Reaction,
        "review_requests": ReviewRequest,
        "close_issue_references": CloseReference,
    }

    /// One end of a pull request; `repo` is `null` when the fork is gone.
    struct End {
        #[serde(rename = "ref")]
        r#ref: Option<String>,
        sha: Option<String>,
        user: Option<String>,
        repo: Option<String>,
    }

    /// Somebody who was asked for a review.
    struct ReviewRequest {
        reviewer: String,
        reviewer_type: Option<String>,
        created_at: Option<String>,
        updated_at: Option<String>,
        dismissed_at: Option<String>,
    }

    /// An issue that merging closes.
    struct CloseReference {
        issue: String,
        issue_repository: Option<String>,
        actor: Option<String>,
        source: Option<String>,
        created_at: Option<String>,
    }
}
