//! What the store can hold: everything, both ways.

use packhorse_core::{ObjectKind, Support};

/// What can be read from it.
pub(super) fn reads(kind: ObjectKind) -> Support {
    holds(kind)
}

/// What can be written to it.
pub(super) fn writes(kind: ObjectKind) -> Support {
    holds(kind)
}

fn holds(kind: ObjectKind) -> Support {
    match kind {
        ObjectKind::User
        | ObjectKind::Organization
        | ObjectKind::Team
        | ObjectKind::Project
        | ObjectKind::Member
        | ObjectKind::Topic
        | ObjectKind::LfsObject
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
        | ObjectKind::Snippet
        | ObjectKind::CommitComment
        | ObjectKind::Comment
        | ObjectKind::Reaction
        | ObjectKind::Event
        | ObjectKind::CommitStatus
        | ObjectKind::Release
        | ObjectKind::ReleaseAsset
        | ObjectKind::Board
        | ObjectKind::BranchRule
        | ObjectKind::TagRule
        | ObjectKind::Webhook
        | ObjectKind::DeployKey
        | ObjectKind::Variable
        | ObjectKind::State => Support::Full,
    }
}
