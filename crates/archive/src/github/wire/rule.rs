//! Protected branches.

use super::{List, wire};
use serde::{Deserialize, Serialize};

/// An enforcement level: a number in some keys, a word in others.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Level {
    /// 0 off, 1 non-admins, 2 everyone.
    Number(u64),
    /// `off`, `non_admins`, `everyone`.
    Word(String),
}

/// A required check: its name alone, or an object with one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Check {
    /// Its name.
    Name(String),
    /// An object.
    Object {
        /// Its name.
        context: String,
    },
}

wire! {
    /// Rules for the branches of a pattern.
    struct ProtectedBranch {
        r#type: String,
        name: String,
        url: String,
        creator_url: Option<String>,
        repository_url: Option<String>,
        admin_enforced: Option<bool>,
        block_deletions_enforcement_level: Option<Level>,
        block_force_pushes_enforcement_level: Option<Level>,
        dismiss_stale_reviews_on_push: Option<bool>,
        pull_request_reviews_enforcement_level: Option<Level>,
        require_code_owner_review: Option<bool>,
        required_status_checks_enforcement_level: Option<Level>,
        strict_required_status_checks_policy: Option<bool>,
        authorized_actors_only: Option<bool>,
        authorized_user_urls: List<String>,
        authorized_team_urls: List<String>,
        dismissal_restricted_user_urls: List<String>,
        dismissal_restricted_team_urls: List<String>,
        required_status_checks: List<Check>,
        #[serde(skip_serializing_if = "Option::is_none")]
        requires_approving_reviews: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        required_approving_review_count: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        requires_commit_signatures: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        requires_linear_history: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        allows_force_pushes: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        allows_deletions: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        requires_status_checks: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        restricts_review_dismissals: Option<bool>,
    }
}
