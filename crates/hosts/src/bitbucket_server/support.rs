//! What can be read and written.

use packhorse_core::{Gap, ObjectKind, Support};

/// What can be read from it.
pub(super) fn reads(kind: ObjectKind) -> Support {
    match kind {
        ObjectKind::Project
        | ObjectKind::Topic
        | ObjectKind::Repository
        | ObjectKind::Comment
        | ObjectKind::State
        | ObjectKind::Organization
        | ObjectKind::ChangeRequest
        | ObjectKind::DeployKey => Support::Full,
        ObjectKind::User => Support::Partial(&[Gap {
            field: "is_admin",
            why: "only administrators of the server are told",
        }]),
        ObjectKind::Member => Support::Partial(&[Gap {
            field: "*",
            why: "only projects that the token administers tell who may do what",
        }]),
        ObjectKind::Attachment => Support::Partial(&[Gap {
            field: "blob.size",
            why: "files are known by the texts that refer to them",
        }]),
        ObjectKind::Review => Support::Partial(&[Gap {
            field: "commit",
            why: "only the commit of a reviewer's last verdict is told",
        }]),
        ObjectKind::ReviewThread => Support::Partial(&[Gap {
            field: "position.hunk",
            why: "places are told by path and line",
        }]),
        ObjectKind::ReviewComment => Support::Partial(&[Gap {
            field: "task",
            why: "a task on a line of code is told as a comment",
        }]),
        ObjectKind::Reaction => {
            Support::Partial(&[Gap { field: "created_at", why: "the API does not tell it" }])
        }
        ObjectKind::Event => Support::Partial(&[Gap {
            field: "title_before",
            why: "the API does not tell of changes to titles and texts",
        }]),
        ObjectKind::CommitStatus => Support::Partial(&[Gap {
            field: "*",
            why: "of the ends of branches and change requests; the API asks for each commit",
        }]),
        ObjectKind::BranchRule => Support::Partial(&[Gap {
            field: "default_reviewers",
            why: "become a loss of the rule that names them",
        }]),
        ObjectKind::TagRule => Support::Partial(&[Gap {
            field: "creators",
            why: "who may move a tag is not told apart from who may make it",
        }]),
        ObjectKind::Webhook => {
            Support::Partial(&[Gap { field: "branch_filter", why: "hooks have none" }])
        }
        ObjectKind::LfsObject => {
            Support::None("the API does not list them; they go from server to server")
        }
        ObjectKind::CommitComment => {
            Support::None("the API gives them out for one file of one commit at a time")
        }
        ObjectKind::Team => Support::None(
            "groups are the whole server's; they are told by name where they have rights",
        ),
        ObjectKind::Wiki => Support::None("it has no wikis"),
        ObjectKind::Label => Support::None("it has no labels of issues"),
        ObjectKind::Milestone => Support::None("it has no milestones"),
        ObjectKind::Issue => Support::None("it has no issues"),
        ObjectKind::Release | ObjectKind::ReleaseAsset => Support::None("it has no releases"),
        ObjectKind::DiscussionCategory | ObjectKind::Discussion => {
            Support::None("it has no discussions")
        }
        ObjectKind::Snippet => Support::None("it has no snippets"),
        ObjectKind::Board => Support::None("it has no boards"),
        ObjectKind::Variable => Support::None("it has no variables"),
    }
}

/// What can be written to it.
pub(super) fn writes(_: ObjectKind) -> Support {
    Support::None("it can be read, and not written yet")
}
