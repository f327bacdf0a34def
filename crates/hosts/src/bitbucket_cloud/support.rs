//! What can be read and written.

use crate::bitbucket::support::{self as bitbucket, and};
use packhorse_core::{Gap, ObjectKind, Support};

/// What is lost of issues already in reading.
const ISSUE: &[Gap] = &[
    Gap { field: "labels", why: "there are none; kinds are told as types" },
    Gap { field: "*", why: "Bitbucket Cloud removed issues in August 2026" },
];

/// What can be read from it.
pub(super) fn reads(kind: ObjectKind) -> Support {
    match kind {
        ObjectKind::Project | ObjectKind::Repository | ObjectKind::DeployKey => Support::Full,
        ObjectKind::User => {
            Support::Partial(&[Gap { field: "emails", why: "the API never tells them" }])
        }
        ObjectKind::Organization => Support::Partial(&[Gap {
            field: "settings",
            why: "projects, which group repositories of a workspace, have no equal",
        }]),
        ObjectKind::Member => Support::Partial(&[Gap {
            field: "*",
            why: "only what the token administers tells who may do what",
        }]),
        ObjectKind::ChangeRequest => Support::Partial(&[Gap {
            field: "closed_at",
            why: "is when it last changed, which closing is as a rule",
        }]),
        ObjectKind::Review => {
            Support::Partial(&[Gap { field: "commit", why: "the API does not tell it" }])
        }
        ObjectKind::ReviewThread => Support::Partial(&[Gap {
            field: "position.commit",
            why: "places are told by path and line",
        }]),
        ObjectKind::ReviewComment => Support::Partial(&[Gap {
            field: "position.commit",
            why: "places are told by path and line",
        }]),
        ObjectKind::Comment => Support::Partial(&[Gap {
            field: "task",
            why: "tasks become comments; those of a line of code stand beside its thread",
        }]),
        ObjectKind::Event => Support::Partial(&[Gap {
            field: "*",
            why: "of change requests; what was done to issues is not read",
        }]),
        ObjectKind::CommitStatus => Support::Partial(&[Gap {
            field: "*",
            why: "of change requests and the ends of branches; the API asks for each commit",
        }]),
        ObjectKind::Release => Support::Partial(&[Gap {
            field: "*",
            why: "there are none; one draft named `downloads` stands for all downloads",
        }]),
        ObjectKind::ReleaseAsset => Support::Partial(&[Gap {
            field: "release",
            why: "downloads belong to no tag, and become files of one draft",
        }]),
        ObjectKind::Issue => Support::Partial(ISSUE),
        ObjectKind::Milestone => Support::Partial(&[Gap {
            field: "state",
            why: "only names are told; Bitbucket Cloud removed them in August 2026",
        }]),
        ObjectKind::Attachment => {
            Support::Partial(&[Gap { field: "*", why: "only files of issues are given out" }])
        }
        ObjectKind::BranchRule => Support::Partial(&[Gap {
            field: "required_checks",
            why: "builds are counted and not named",
        }]),
        ObjectKind::Webhook => {
            Support::Partial(&[Gap { field: "branch_filter", why: "hooks have none" }])
        }
        ObjectKind::LfsObject => Support::WithGit,
        ObjectKind::CommitComment
        | ObjectKind::Team
        | ObjectKind::Wiki
        | ObjectKind::Topic
        | ObjectKind::Label
        | ObjectKind::Reaction
        | ObjectKind::TagRule
        | ObjectKind::State
        | ObjectKind::DiscussionCategory
        | ObjectKind::Discussion
        | ObjectKind::Snippet
        | ObjectKind::Board
        | ObjectKind::Variable => Support::None(absent(kind)),
    }
}

/// Why a kind is not there.
fn absent(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::CommitComment => "the API lists them for one commit at a time",
        ObjectKind::Team => "groups are told by name where they have rights, and not listed",
        ObjectKind::Wiki => "Bitbucket Cloud removed wikis in August 2026",
        ObjectKind::Topic => "it has no topics",
        ObjectKind::Label => "it has no labels",
        ObjectKind::Reaction => "it has no reactions",
        ObjectKind::TagRule => "it has no rules for tags",
        ObjectKind::State => "nothing is archived, locked or pinned",
        ObjectKind::DiscussionCategory | ObjectKind::Discussion => "it has no discussions",
        ObjectKind::Snippet => "snippets belong to people, and are not carried",
        ObjectKind::Board => "it has no boards",
        ObjectKind::Variable => "names of variables are not carried",
        ObjectKind::User
        | ObjectKind::LfsObject
        | ObjectKind::Organization
        | ObjectKind::Project
        | ObjectKind::Member
        | ObjectKind::Repository
        | ObjectKind::Milestone
        | ObjectKind::Attachment
        | ObjectKind::Issue
        | ObjectKind::ChangeRequest
        | ObjectKind::Review
        | ObjectKind::ReviewThread
        | ObjectKind::ReviewComment
        | ObjectKind::Comment
        | ObjectKind::Event
        | ObjectKind::CommitStatus
        | ObjectKind::Release
        | ObjectKind::ReleaseAsset
        | ObjectKind::BranchRule
        | ObjectKind::Webhook
        | ObjectKind::DeployKey => "there is no place for it",
    }
}

/// What can be written to it.
pub(super) fn writes(kind: ObjectKind) -> Support {
    match kind {
        ObjectKind::Repository => Support::Full,
        ObjectKind::Project => Support::Partial(PROJECT),
        ObjectKind::Member => Support::Partial(MEMBER),
        ObjectKind::ChangeRequest => Support::Partial(CHANGE_REQUEST),
        ObjectKind::Review => Support::Partial(bitbucket::REVIEW),
        ObjectKind::ReviewThread => Support::Partial(THREAD),
        ObjectKind::ReviewComment => Support::Partial(bitbucket::REVIEW_COMMENT),
        ObjectKind::Comment => Support::Partial(bitbucket::COMMENT),
        ObjectKind::CommitStatus => Support::Partial(&[
            Gap { field: "context", why: "40 letters at most" },
            Gap { field: "state", why: "pending is running, an error is a failure" },
        ]),
        ObjectKind::ReleaseAsset => Support::Partial(&[
            Gap { field: "release", why: "becomes a download with the tag in its name" },
            Gap { field: "name", why: "has the tag in it" },
            Gap { field: "label", why: "downloads have none" },
            Gap { field: "content_type", why: "downloads have none" },
            Gap { field: "link", why: "only files are offered for download" },
        ]),
        ObjectKind::BranchRule => Support::Partial(BRANCH_RULE),
        ObjectKind::Webhook => Support::Partial(WEBHOOK),
        ObjectKind::DeployKey => Support::Partial(DEPLOY_KEY),
        ObjectKind::User => Support::None("accounts are people's own to make"),
        ObjectKind::Organization => Support::None("workspaces are their owners' to make"),
        ObjectKind::Attachment => Support::None("the API takes no files"),
        ObjectKind::Event => Support::None("the host writes down itself what happens"),
        ObjectKind::Release => Support::None("it has none; their files become downloads"),
        ObjectKind::Issue | ObjectKind::Milestone => {
            Support::None("Bitbucket Cloud removed issues in August 2026")
        }
        ObjectKind::LfsObject
        | ObjectKind::CommitComment
        | ObjectKind::Team
        | ObjectKind::Wiki
        | ObjectKind::Topic
        | ObjectKind::Label
        | ObjectKind::Reaction
        | ObjectKind::TagRule
        | ObjectKind::State
        | ObjectKind::DiscussionCategory
        | ObjectKind::Discussion
        | ObjectKind::Snippet
        | ObjectKind::Board
        | ObjectKind::Variable => Support::None(absent(kind)),
    }
}

const PROJECT: &[Gap] = &and::<9>(
    bitbucket::PROJECT,
    &[
        Gap { field: "name", why: "stays as it is where the repository is there" },
        Gap { field: "merge_methods", why: "the API does not set them" },
    ],
);

const CHANGE_REQUEST: &[Gap] = &and::<11>(
    bitbucket::CHANGE_REQUEST,
    &[Gap { field: "review_requests", why: "only people of the workspace are asked" }],
);

const THREAD: &[Gap] = &and::<4>(
    bitbucket::THREAD,
    &[
        Gap { field: "position", why: "places are told by path and line alone" },
        Gap { field: "kind", why: "one without a place becomes a comment on the change request" },
    ],
);

const BRANCH_RULE: &[Gap] = &and::<13>(
    bitbucket::BRANCH_RULE,
    &[
        Gap { field: "pushers", why: "only people and groups of the workspace are exempt" },
        Gap { field: "mergers", why: "only people and groups of the workspace are exempt" },
        Gap { field: "approval_required", why: "is told by how many approvals there must be" },
        Gap { field: "checks_required", why: "is told by how many builds must pass" },
        Gap { field: "checks", why: "only paid workspaces can enforce checks before merging" },
        Gap { field: "signatures", why: "there is no such check" },
    ],
);

const WEBHOOK: &[Gap] = &and::<7>(
    bitbucket::WEBHOOK,
    &[Gap { field: "name", why: "one without a name is called as its address" }],
);

const DEPLOY_KEY: &[Gap] = &and::<4>(
    bitbucket::DEPLOY_KEY,
    &[Gap { field: "read_only", why: "keys of a repository may only read" }],
);

const MEMBER: &[Gap] = &and::<6>(
    bitbucket::MEMBER,
    &[
        Gap { field: "place", why: "only repositories have rights that are written" },
        Gap { field: "grantee", why: "only those whom the workspace knows" },
    ],
);
