//! Change requests: pull requests and merge requests.

use super::{Grantee, Identity, Text, Time, choice, model};

choice! {
    /// Where a change request stands.
    pub enum ChangeRequestState {
        /// Open.
        #[default]
        Open,
        /// Closed without being merged; also declined or superseded.
        Closed,
        /// Merged.
        Merged,
    }
}

model! {
    /// One end of a change request.
    pub struct Branch {
        /// Name without `refs/heads/`.
        pub name: String,
        /// Object id of the commit at the end.
        pub commit: Option<String>,
        /// Full path of the project that has the branch; absent when that project is gone.
        pub project: Option<String>,
        /// Who owns that project.
        pub owner: Option<Identity>,
    }

    /// Somebody who was asked for a review.
    pub struct ReviewRequest {
        /// Who was asked.
        pub reviewer: Grantee,
        /// When they were asked.
        pub created_at: Option<Time>,
        /// When the request last changed.
        pub updated_at: Option<Time>,
        /// When it was withdrawn.
        pub dismissed_at: Option<Time>,
    }

    /// An issue that merging closes.
    pub struct CloseReference {
        /// Number of the issue.
        pub issue: u64,
        /// Full path of the issue's project.
        pub project: Option<String>,
        /// Who made the reference.
        pub author: Option<Identity>,
        /// How it was made, in the host's words.
        pub origin: Option<String>,
        /// When it was made.
        pub created_at: Option<Time>,
    }

    /// A change request.
    pub struct ChangeRequest {
        /// Number in the project.
        pub number: u64,
        /// Title.
        pub title: String,
        /// What was written.
        pub body: Option<Text>,
        /// Who wrote it.
        pub author: Option<Identity>,
        /// Where it stands.
        pub state: ChangeRequestState,
        /// Whether it is not ready yet.
        pub draft: bool,
        /// What it asks to change.
        pub base: Branch,
        /// What it asks to bring in.
        pub head: Branch,
        /// Who works on it.
        pub assignees: Vec<Identity>,
        /// Who was asked for a review.
        pub review_requests: Vec<ReviewRequest>,
        /// Names of its labels.
        pub labels: Vec<String>,
        /// Number of its milestone.
        pub milestone: Option<u64>,
        /// Issues that merging closes.
        pub closes: Vec<CloseReference>,
        /// Object id of the commit that merging made, or would make.
        pub merge_commit: Option<String>,
        /// Object id of the squashed commit.
        pub squash_commit: Option<String>,
        /// Whether commits are squashed when it is merged.
        pub squash: Option<bool>,
        /// Whether the head branch is deleted when it is merged.
        pub delete_head: Option<bool>,
        /// Whether maintainers of the base may push to the head.
        pub maintainers_may_push: Option<bool>,
        /// Who merged it.
        pub merged_by: Option<Identity>,
        /// Who closed it.
        pub closed_by: Option<Identity>,
        /// When it was made.
        pub created_at: Option<Time>,
        /// When it last changed.
        pub updated_at: Option<Time>,
        /// When it was merged.
        pub merged_at: Option<Time>,
        /// When it was closed.
        pub closed_at: Option<Time>,
    }
}
