//! What can be read.

use packhorse_core::{Gap, ObjectKind, Support};

/// What can be read from it.
pub(super) fn reads(kind: ObjectKind) -> Support {
    match kind {
        ObjectKind::Project
        | ObjectKind::Topic
        | ObjectKind::Repository
        | ObjectKind::Wiki
        | ObjectKind::Label
        | ObjectKind::Attachment
        | ObjectKind::Comment
        | ObjectKind::Reaction
        | ObjectKind::State
        | ObjectKind::Organization
        | ObjectKind::DeployKey => Support::Full,
        ObjectKind::User => Support::Partial(&[Gap {
            field: "emails",
            why: "only the one that the account shows is given out",
        }]),
        ObjectKind::Team => Support::Partial(&[Gap {
            field: "*",
            why: "only teams of organizations that the token's owner belongs to are given out",
        }]),
        ObjectKind::Member => Support::Partial(&[Gap {
            field: "*",
            why: "rights in units of a project are told as the role of the whole",
        }]),
        ObjectKind::Milestone => {
            Support::Partial(&[Gap { field: "author", why: "the API does not tell it" }])
        }
        ObjectKind::Issue => Support::Partial(&[Gap {
            field: "closed_by",
            why: "the API does not tell it; the event of closing does",
        }]),
        ObjectKind::ChangeRequest => Support::Partial(&[Gap {
            field: "closed_by",
            why: "the API does not tell it; the event of closing does",
        }]),
        ObjectKind::Review => Support::Partial(&[Gap {
            field: "created_at",
            why: "only when it was handed in is told",
        }]),
        ObjectKind::ReviewThread => Support::Partial(&[Gap {
            field: "resolved_at",
            why: "only who called it settled is told",
        }]),
        ObjectKind::ReviewComment => Support::Partial(&[Gap {
            field: "reply_to",
            why: "a thread is the comments on one line, in their order",
        }]),
        ObjectKind::Event => {
            Support::Partial(&[Gap { field: "label_text_color", why: "the API does not tell it" }])
        }
        ObjectKind::Release => {
            Support::Partial(&[Gap { field: "milestones", why: "releases have none" }])
        }
        ObjectKind::ReleaseAsset => {
            Support::Partial(&[Gap { field: "content_type", why: "the API does not tell it" }])
        }
        ObjectKind::BranchRule => Support::Partial(&[Gap {
            field: "block_deletion",
            why: "protected branches cannot be deleted; file patterns have no place in the model",
        }]),
        ObjectKind::TagRule => Support::Full,
        ObjectKind::Webhook => {
            Support::Partial(&[Gap { field: "has_secret", why: "the API does not tell it" }])
        }
        ObjectKind::LfsObject => Support::WithGit,
        ObjectKind::DiscussionCategory | ObjectKind::Discussion => {
            Support::None("it has no discussions")
        }
        ObjectKind::Snippet => Support::None("it has no snippets"),
        ObjectKind::CommitComment => Support::None("it has no comments on commits"),
        ObjectKind::CommitStatus => Support::None("the API lists them for one commit at a time"),
        ObjectKind::Board => Support::None("the API does not give them out"),
        ObjectKind::Variable => Support::None("names of variables are not read"),
    }
}

/// What can be written to it.
pub(super) fn writes(_: ObjectKind) -> Support {
    Support::None("it can be read, and not written yet")
}
