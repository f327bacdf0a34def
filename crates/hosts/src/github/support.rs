//! What can be read.

use packhorse_core::{Gap, ObjectKind, Support};

/// Gaps of one field each.
macro_rules! gap {
    ($field:literal, $why:literal) => {
        Support::Partial(&[Gap { field: $field, why: $why }])
    };
}

/// What can be read from it.
pub(super) fn reads(kind: ObjectKind) -> Support {
    match kind {
        ObjectKind::Organization
        | ObjectKind::Topic
        | ObjectKind::Repository
        | ObjectKind::Wiki
        | ObjectKind::Milestone
        | ObjectKind::Issue
        | ObjectKind::Discussion
        | ObjectKind::DiscussionCategory
        | ObjectKind::CommitComment
        | ObjectKind::Comment
        | ObjectKind::Release
        | ObjectKind::ReleaseAsset => Support::Full,
        ObjectKind::Project => Support::Partial(&[
            Gap { field: "autolinks", why: "only administrators of the project are told" },
            Gap { field: "automation", why: "only administrators of the project are told" },
        ]),
        ObjectKind::User => gap!(
            "emails",
            "only the one that the account shows is given out, and only members are listed"
        ),
        ObjectKind::Team => {
            gap!("*", "only teams of organizations that the token's owner belongs to are given out")
        }
        ObjectKind::Member => {
            gap!("role", "a role of the organization's own is told as the rights that it gives")
        }
        ObjectKind::Label => {
            gap!("created_at", "the API does not tell it")
        }
        ObjectKind::ChangeRequest => Support::Partial(&[
            Gap { field: "closed_by", why: "the API does not tell it; the event of closing does" },
            Gap { field: "merged_by", why: "only GraphQL tells it, which wants a token" },
        ]),
        ObjectKind::Review => gap!("created_at", "only when it was handed in is told"),
        ObjectKind::ReviewThread => gap!(
            "resolved_at",
            "only who called it settled is told; the moment is that of its last change"
        ),
        ObjectKind::ReviewComment => {
            gap!("pending", "only what was handed in is told")
        }
        ObjectKind::Reaction => {
            gap!("subject", "reactions to reviews and in discussions are not read")
        }
        ObjectKind::Event => gap!(
            "reference",
            "what refers to something from elsewhere is not among the events of a project"
        ),
        ObjectKind::CommitStatus => gap!(
            "commit",
            "only what was said of the heads of branches is read, and not by checks of apps"
        ),
        ObjectKind::BranchRule => gap!(
            "pattern",
            "what a ruleset leaves out, and rules that the model does not have, are told as losses"
        ),
        ObjectKind::TagRule => gap!("creators", "who may pass a ruleset by is not told by name"),
        ObjectKind::Webhook => Support::Full,
        ObjectKind::DeployKey => {
            gap!("key_fingerprint", "the API does not tell it; it follows from the key")
        }
        ObjectKind::Variable => gap!("environment", "only those of the whole project are read"),
        ObjectKind::State => gap!("created_at", "who set it and when is told by the event alone"),
        ObjectKind::LfsObject => Support::WithGit,
        ObjectKind::Attachment => {
            Support::None("the API does not give them out; their addresses stay in the texts")
        }
        ObjectKind::Snippet => Support::None("gists belong to people and to no project"),
        ObjectKind::Board => Support::None("projects with boards belong to no repository"),
    }
}

/// What can be written to it.
pub(super) fn writes(_: ObjectKind) -> Support {
    Support::None("it can be read, and not written yet")
}
