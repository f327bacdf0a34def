//! What GitHub's archive can hold.
//!
//! Gaps in writing are found by reading each written record again, so a field
//! that is not listed here and gets lost all the same is an error of the run.

use packhorse_core::{Gap, Loss, ObjectKind, Support};

const fn gap(field: &'static str, why: &'static str) -> Gap {
    Gap { field, why }
}

const NOT_IN_ARCHIVE: &str = "GitHub's archives do not have it";
const NO_KEY: &str = "GitHub's archive has no key for it";
const OTHER_ACCOUNT: &str =
    "accounts are referred to by their address alone: the rest stands in the users' own records";
const MARKUP: &str = "everything is marked as GitHub's Markdown";

/// What can be read from it.
pub(super) fn reads(kind: ObjectKind) -> Support {
    match kind {
        ObjectKind::LfsObject
        | ObjectKind::Snippet
        | ObjectKind::CommitStatus
        | ObjectKind::Board
        | ObjectKind::TagRule
        | ObjectKind::Variable => Support::None(NOT_IN_ARCHIVE),
        ObjectKind::User
        | ObjectKind::Organization
        | ObjectKind::Team
        | ObjectKind::Project
        | ObjectKind::Member
        | ObjectKind::Topic
        | ObjectKind::Repository
        | ObjectKind::Wiki
        | ObjectKind::Label
        | ObjectKind::Milestone
        | ObjectKind::Attachment
        | ObjectKind::Issue
        | ObjectKind::ChangeRequest
        | ObjectKind::Review
        | ObjectKind::ReviewThread
        | ObjectKind::ReviewComment
        | ObjectKind::DiscussionCategory
        | ObjectKind::Discussion
        | ObjectKind::CommitComment
        | ObjectKind::Comment
        | ObjectKind::Reaction
        | ObjectKind::Event
        | ObjectKind::Release
        | ObjectKind::ReleaseAsset
        | ObjectKind::BranchRule
        | ObjectKind::Webhook
        | ObjectKind::DeployKey
        | ObjectKind::State => Support::Full,
    }
}
