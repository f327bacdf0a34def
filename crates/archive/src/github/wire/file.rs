//! Attachments.

use super::wire;

wire! {
    /// A file that a body refers to; one of the parents is there.
    struct Attachment {
        r#type: String,
        url: String,
        legacy_url: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        issue: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        issue_comment: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        pull_request: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        pull_request_review: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        pull_request_review_comment: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        commit_comment: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        release: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        discussion: Option<String>,
        user: Option<String>,
        asset_name: Option<String>,
        asset_content_type: Option<String>,
        asset_url: Option<String>,
        created_at: Option<String>,
        #[serde(skip_serializing)]
        created_date: Option<String>,
    }
}
