//! What can be read and written.

use crate::bitbucket::support::{self as bitbucket, and};
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
        ObjectKind::BranchRule => Support::Partial(&[
            Gap { field: "default_reviewers", why: "become a loss of the rule that names them" },
            Gap { field: "required_checks", why: "builds are counted and not named" },
        ]),
        ObjectKind::TagRule => Support::Partial(&[Gap {
            field: "creators",
            why: "who may move a tag is not told apart from who may make it",
        }]),
        ObjectKind::Webhook => {
            Support::Partial(&[Gap { field: "branch_filter", why: "hooks have none" }])
        }
        ObjectKind::LfsObject => Support::WithGit,
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
pub(super) fn writes(kind: ObjectKind) -> Support {
    match kind {
        ObjectKind::Repository => Support::Full,
        ObjectKind::Topic => Support::Partial(&[Gap {
            field: "name",
            why: "labels are small letters, digits and dashes, 50 at most",
        }]),
        ObjectKind::Organization => Support::Partial(ORGANIZATION),
        ObjectKind::Project => Support::Partial(PROJECT),
        ObjectKind::Member => Support::Partial(MEMBER),
        ObjectKind::ChangeRequest => Support::Partial(CHANGE_REQUEST),
        ObjectKind::Review => Support::Partial(bitbucket::REVIEW),
        ObjectKind::ReviewThread => Support::Partial(THREAD),
        ObjectKind::ReviewComment => Support::Partial(bitbucket::REVIEW_COMMENT),
        ObjectKind::Comment => Support::Partial(bitbucket::COMMENT),
        ObjectKind::Reaction => Support::Partial(&[
            Gap { field: "author", why: "all are given by who writes, one of each picture" },
            Gap { field: "content", why: "there are five pictures, and only comments have them" },
        ]),
        ObjectKind::CommitStatus => Support::Partial(&[
            Gap { field: "git_ref", why: "statuses are of commits alone" },
            Gap { field: "state", why: "pending is running, an error is a failure" },
        ]),
        ObjectKind::BranchRule => Support::Partial(BRANCH_RULE),
        ObjectKind::TagRule => Support::Partial(&[Gap {
            field: "role",
            why: "only those who are named may make them",
        }]),
        ObjectKind::Webhook => Support::Partial(WEBHOOK),
        ObjectKind::DeployKey => Support::Partial(bitbucket::DEPLOY_KEY),
        ObjectKind::State => Support::Partial(&[Gap {
            field: "value",
            why: "projects are archived, from 8.0 on; nothing is locked or pinned",
        }]),
        ObjectKind::LfsObject => Support::WithGit,
        ObjectKind::User => Support::None("accounts are made by the server's administrators"),
        ObjectKind::Team => {
            Support::None("groups are the whole server's, and made by its administrators")
        }
        ObjectKind::Attachment => Support::None("the API takes no files"),
        ObjectKind::CommitComment => {
            Support::None("what was written could not be found again among all commits")
        }
        ObjectKind::Event => Support::None("the server writes down itself what happens"),
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

const ORGANIZATION: &[Gap] = &[
    Gap { field: "website", why: "projects of the server have none" },
    Gap { field: "location", why: "projects of the server have none" },
    Gap { field: "email", why: "projects of the server have none" },
    Gap { field: "settings", why: "there is no equal of them" },
    Gap { field: "visibility", why: "internal becomes private" },
    Gap { field: "created_at", why: "the server does not tell it" },
];

const PROJECT: &[Gap] = &and::<10>(
    bitbucket::PROJECT,
    &[
        Gap { field: "name", why: "the name and the address go together" },
        Gap { field: "website", why: "there is no such field" },
        Gap { field: "merge_methods", why: "branches are not deleted or updated by merging" },
    ],
);

const CHANGE_REQUEST: &[Gap] = &and::<12>(
    bitbucket::CHANGE_REQUEST,
    &[
        Gap { field: "delete_head", why: "chosen when it is merged" },
        Gap { field: "review_requests", why: "only people whom the server knows are asked" },
    ],
);

const THREAD: &[Gap] = &and::<10>(
    bitbucket::THREAD,
    &[
        Gap { field: "kind", why: "one without a place becomes a comment on the change request" },
        Gap { field: "position.commit", why: "places are in the change as a whole" },
        Gap { field: "position.original_commit", why: "places are in the change as a whole" },
        Gap { field: "position.base_commit", why: "places are in the change as a whole" },
        Gap { field: "position.hunk", why: "places are told by path and line" },
        Gap { field: "position.diff_position", why: "places are told by path and line" },
        Gap { field: "position.original_line", why: "places are told by path and line" },
        Gap { field: "position.original_diff_position", why: "places are told by path and line" },
    ],
);

const BRANCH_RULE: &[Gap] = &and::<16>(
    bitbucket::BRANCH_RULE,
    &[
        Gap { field: "reviews", why: "checks before merging hold for every branch" },
        Gap { field: "approval_required", why: "checks before merging hold for every branch" },
        Gap { field: "approvals", why: "checks before merging hold for every branch" },
        Gap { field: "checks", why: "checks before merging hold for every branch" },
        Gap { field: "checks_required", why: "checks before merging hold for every branch" },
        Gap { field: "strict_checks", why: "there is no such check" },
        Gap { field: "threads_resolved", why: "tasks must be done, in every branch" },
        Gap { field: "dismiss_stale", why: "a setting of the server" },
        Gap { field: "signatures", why: "a hook of the repository" },
    ],
);

const WEBHOOK: &[Gap] = &and::<7>(
    bitbucket::WEBHOOK,
    &[Gap { field: "name", why: "one without a name is called as its host" }],
);

const MEMBER: &[Gap] = &and::<6>(
    bitbucket::MEMBER,
    &[
        Gap { field: "place", why: "projects and repositories have members" },
        Gap { field: "grantee", why: "only those whom the server knows" },
    ],
);
