//! Reviews, review threads, review comments.

use super::{List, issue::Reaction, wire};

wire! {
    /// A review; `state` is a number.
    struct Review {
        r#type: String,
        url: String,
        pull_request: Option<String>,
        user: Option<String>,
        body: Option<String>,
        head_sha: Option<String>,
        formatter: Option<String>,
        state: Option<u64>,
        reactions: List<Reaction>,
        created_at: Option<String>,
        submitted_at: Option<String>,
    }
    nested { "reactions": Reaction }

    /// A thread of review comments.
    struct ReviewThread {
        r#type: String,
        url: String,
        pull_request: Option<String>,
        pull_request_review: Option<String>,
        diff_hunk: Option<String>,
        path: Option<String>,
        position: Option<u64>,
        original_position: Option<u64>,
        commit_id: Option<String>,
        original_commit_id: Option<String>,
        start_position_offset: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        blob_position: Option<u64>,
        start_line: Option<u64>,
        line: Option<u64>,
        start_side: Option<String>,
        side: Option<String>,
        original_start_line: Option<u64>,
        original_line: Option<u64>,
        created_at: Option<String>,
        resolved_at: Option<String>,
        resolver: Option<String>,
        subject_type: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        outdated: Option<bool>,
    }

    /// A comment in a review thread.
    struct ReviewComment {
        r#type: String,
        url: String,
        pull_request: Option<String>,
        pull_request_review: Option<String>,
        pull_request_review_thread: Option<String>,
        user: Option<String>,
        body: Option<String>,
        formatter: Option<String>,
        diff_hunk: Option<String>,
        path: Option<String>,
        position: Option<u64>,
        original_position: Option<u64>,
        commit_id: Option<String>,
        original_commit_id: Option<String>,
        state: Option<u64>,
        in_reply_to: Option<String>,
        reactions: List<Reaction>,
        created_at: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        updated_at: Option<String>,
        subject_type: Option<String>,
    }
    nested { "reactions": Reaction }
}
