//! What can be read.

use packhorse_core::{Gap, ObjectKind, Support};

const fn partly(gaps: &'static [Gap]) -> Support {
    Support::Partial(gaps)
}

const REVIEW: &[Gap] = &[
    Gap { field: "body", why: "approvals have none; what was said is a comment" },
    Gap { field: "submitted_at", why: "told since version 17.9" },
];
const THREAD: &[Gap] = &[
    Gap { field: "position.hunk", why: "the API does not tell it" },
    Gap { field: "outdated", why: "the API does not tell it" },
];
const REVIEW_COMMENT: &[Gap] =
    &[Gap { field: "review", why: "comments are not handed in with an approval" }];
const COMMIT_COMMENT: &[Gap] = &[Gap {
    field: "*",
    why: "asked for commit by commit, of those that branches and tags lead to",
}];
const EVENT: &[Gap] = &[Gap {
    field: "*",
    why: "what is not a state, a label or a milestone is read from the server's English words",
}];

/// What can be read from it.
pub(super) fn reads(kind: ObjectKind) -> Support {
    match kind {
        ObjectKind::Project
        | ObjectKind::Topic
        | ObjectKind::Repository
        | ObjectKind::Wiki
        | ObjectKind::Snippet
        | ObjectKind::Reaction
        | ObjectKind::Board
        | ObjectKind::TagRule
        | ObjectKind::DeployKey
        | ObjectKind::Variable
        | ObjectKind::Comment
        | ObjectKind::State => Support::Full,
        ObjectKind::User => partly(&[Gap {
            field: "emails",
            why: "only the one that the account shows is given out; all of them to administrators",
        }]),
        ObjectKind::Organization => partly(&[Gap { field: "website", why: "groups have none" }]),
        ObjectKind::Team => Support::None("it has groups within groups, which are organizations"),
        ObjectKind::Member => partly(&[Gap {
            field: "*",
            why: "roles that administrators made up are told as the plain role below them",
        }]),
        ObjectKind::LfsObject => Support::WithGit,
        ObjectKind::Label => {
            partly(&[Gap { field: "created_at", why: "the API does not tell it" }])
        }
        ObjectKind::Milestone => {
            partly(&[Gap { field: "author", why: "the API does not tell it" }])
        }
        ObjectKind::Attachment => partly(&[Gap {
            field: "*",
            why: "found where a text refers to it; a file that nothing refers to is not listed",
        }]),
        ObjectKind::Issue => partly(&[
            Gap { field: "children", why: "they are read as issues; the API does not tell whose" },
            Gap { field: "state_reason", why: "it has none" },
        ]),
        ObjectKind::ChangeRequest => {
            partly(&[Gap { field: "closes", why: "it follows from the text, which is carried" }])
        }
        ObjectKind::Review => partly(REVIEW),
        ObjectKind::ReviewThread => partly(THREAD),
        ObjectKind::ReviewComment => partly(REVIEW_COMMENT),
        ObjectKind::CommitComment => partly(COMMIT_COMMENT),
        ObjectKind::Event => partly(EVENT),
        ObjectKind::CommitStatus => partly(&[Gap {
            field: "*",
            why: "of the commits that branches and tags end in, for the API lists one commit at a time",
        }]),
        ObjectKind::Release => partly(&[Gap { field: "draft", why: "it has no drafts" }]),
        ObjectKind::ReleaseAsset => {
            partly(&[Gap { field: "created_at", why: "the API does not tell it" }])
        }
        ObjectKind::BranchRule => partly(&[
            Gap { field: "reviews", why: "rules for approvals are the project's, not a branch's" },
            Gap { field: "checks", why: "they are the project's, not a branch's" },
            Gap { field: "pushers", why: "deploy keys that may push are counted, not named" },
        ]),
        ObjectKind::Webhook => {
            partly(&[Gap { field: "has_secret", why: "the API does not tell it" }])
        }
        ObjectKind::DiscussionCategory | ObjectKind::Discussion => {
            Support::None("it has no discussions apart from issues")
        }
    }
}

/// What can be written to it.
pub(super) fn writes(_: ObjectKind) -> Support {
    Support::None("it can be read, and not written yet")
}
