//! What can be read and written.

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
const REVIECOMMENT_WRITTEN: &[Gap] =
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
        ObjectKind::Attachment => partly(&[
            Gap {
                field: "*",
                why: "found where a text refers to it; a file that nothing refers to is not listed",
            },
            Gap { field: "blob.size", why: "texts tell none" },
        ]),
        ObjectKind::Issue => partly(&[
            Gap { field: "children", why: "they are read as issues; the API does not tell whose" },
            Gap { field: "state_reason", why: "it has none" },
        ]),
        ObjectKind::ChangeRequest => {
            partly(&[Gap { field: "closes", why: "it follows from the text, which is carried" }])
        }
        ObjectKind::Review => partly(REVIEW),
        ObjectKind::ReviewThread => partly(THREAD),
        ObjectKind::ReviewComment => partly(REVIECOMMENT_WRITTEN),
        ObjectKind::CommitComment => partly(COMMIT_COMMENT),
        ObjectKind::Event => partly(EVENT),
        ObjectKind::CommitStatus => partly(&[Gap {
            field: "*",
            why: "of the commits that branches and tags end in, for the API lists one commit at a time",
        }]),
        ObjectKind::Release => partly(&[Gap { field: "draft", why: "it has no drafts" }]),
        ObjectKind::ReleaseAsset => partly(&[
            Gap { field: "created_at", why: "the API does not tell it" },
            Gap { field: "blob.size", why: "links tell none" },
        ]),
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

const NOT_DATED: Gap =
    Gap { field: "created_at", why: "it is of today here, as far as the API can say" };
const NOT_SIGNED: Gap = Gap {
    field: "author",
    why: "the token's owner is its author, unless its scope `sudo` lets it act for who is",
};
const ORDERS: Gap = Gap {
    field: "body.orders",
    why: "a line that would be an order to the server begins with a backslash",
};

/// What can be written to it.
pub(super) fn writes(kind: ObjectKind) -> Support {
    match kind {
        ObjectKind::User => Support::None("accounts are for administrators to make"),
        ObjectKind::Team => Support::None("it has groups within groups, and no teams"),
        ObjectKind::LfsObject => Support::WithGit,
        ObjectKind::DiscussionCategory | ObjectKind::Discussion => {
            Support::None("it has no discussions apart from issues")
        }
        ObjectKind::Event => Support::None("what happened is written by the server alone"),
        ObjectKind::Topic | ObjectKind::Repository | ObjectKind::Wiki => Support::Full,
        ObjectKind::Organization => partly(ORGANIZATION_WRITTEN),
        ObjectKind::Project => partly(PROJECT),
        ObjectKind::Member => partly(MEMBER_WRITTEN),
        ObjectKind::Label => partly(LABEL_WRITTEN),
        ObjectKind::Milestone => partly(MILESTONE_WRITTEN),
        ObjectKind::Attachment => partly(ATTACHMENT_WRITTEN),
        ObjectKind::Issue => partly(ISSUE),
        ObjectKind::ChangeRequest => partly(CHANGE_REQUEST),
        ObjectKind::Review => partly(REVIEW_WRITTEN),
        ObjectKind::ReviewThread => partly(REVIEW_WRITTEN_THREAD),
        ObjectKind::ReviewComment => partly(REVIEW_WRITTEN_COMMENT),
        ObjectKind::Snippet => partly(SNIPPET_WRITTEN),
        ObjectKind::CommitComment => partly(COMMIT_COMMENT_WRITTEN),
        ObjectKind::Comment => partly(COMMENT_WRITTEN),
        ObjectKind::Reaction => partly(REACTION_WRITTEN),
        ObjectKind::CommitStatus => partly(COMMIT_STATUS_WRITTEN),
        ObjectKind::Release => partly(RELEASE_WRITTEN),
        ObjectKind::ReleaseAsset => partly(RELEASE_WRITTEN_ASSET),
        ObjectKind::Board => partly(BOARD_WRITTEN),
        ObjectKind::BranchRule => partly(BRANCH_RULE),
        ObjectKind::TagRule => partly(TAG_RULE_WRITTEN),
        ObjectKind::Webhook => partly(WEBHOOK_WRITTEN),
        ObjectKind::DeployKey => partly(DEPLOY_KEY_WRITTEN),
        ObjectKind::Variable => partly(VARIABLE_WRITTEN),
        ObjectKind::State => partly(STATE_WRITTEN),
    }
}

const ORGANIZATION_WRITTEN: &[Gap] = &[
    Gap { field: "visibility", why: "as it is here, where the source does not tell it" },
    Gap { field: "name", why: "what names may not hold makes it the path" },
    NOT_DATED,
    Gap { field: "website", why: "groups have none" },
    Gap { field: "location", why: "groups have none" },
    Gap { field: "email", why: "groups have none" },
    Gap { field: "settings", why: "to be set by hand" },
];
const MEMBER_WRITTEN: &[Gap] = &[
    NOT_DATED,
    Gap { field: "role", why: "where there is no equal role, the one below it" },
    Gap { field: "pending", why: "it has the role at once" },
];
const LABEL_WRITTEN: &[Gap] = &[
    NOT_DATED,
    Gap { field: "name", why: "a comma becomes a semicolon" },
    Gap { field: "inherited", why: "one of the project, where the group takes none" },
    Gap { field: "updated_at", why: "it is of today here" },
    Gap { field: "exclusive", why: "follows from `::` in the name" },
    Gap { field: "archived", why: "it shows all labels" },
];
const MILESTONE_WRITTEN: &[Gap] = &[
    NOT_SIGNED,
    NOT_DATED,
    Gap { field: "updated_at", why: "it is of today here" },
    Gap { field: "closed_at", why: "it is of today here" },
    Gap { field: "number", why: "the server gives the next one" },
    Gap { field: "inherited", why: "as the group has one of that name, or takes none" },
    Gap { field: "start_at", why: "kept to the day" },
    Gap { field: "due_at", why: "kept to the day" },
];
const ATTACHMENT_WRITTEN: &[Gap] = &[
    NOT_SIGNED,
    NOT_DATED,
    Gap { field: "url", why: "texts lead to where the file is here" },
    Gap { field: "legacy_url", why: "texts lead to where the file is here" },
    Gap { field: "content_type", why: "the server tells it from the bytes" },
];
const REVIEW_WRITTEN: &[Gap] = &[
    ORDERS,
    NOT_SIGNED,
    Gap { field: "verdict", why: "approvals need the scope `sudo`; others become comments" },
    Gap { field: "commit", why: "approvals are of the change request as a whole" },
    Gap { field: "submitted_at", why: "it is of today here" },
    NOT_DATED,
];
const REVIEW_WRITTEN_THREAD: &[Gap] = &[
    Gap { field: "resolver", why: "the token's owner settles it" },
    Gap { field: "resolved_at", why: "it is settled today" },
    Gap { field: "outdated", why: "the server tells it" },
    Gap { field: "review", why: "threads stand by themselves" },
    Gap { field: "position", why: "the server counts in its own differences" },
    Gap { field: "created_at", why: "it is that of its first comment" },
];
const REVIEW_WRITTEN_COMMENT: &[Gap] = &[
    ORDERS,
    NOT_SIGNED,
    Gap { field: "review", why: "comments stand in threads, not in reviews" },
    Gap { field: "updated_at", why: "it is of today here" },
    Gap { field: "position", why: "the server counts in its own differences" },
];
const SNIPPET_WRITTEN: &[Gap] = &[
    NOT_SIGNED,
    NOT_DATED,
    Gap { field: "updated_at", why: "it is of today here" },
    Gap { field: "visibility", why: "gitlab.com has nothing between private and public" },
];
const COMMIT_COMMENT_WRITTEN: &[Gap] = &[
    ORDERS,
    NOT_SIGNED,
    Gap { field: "path", why: "where the line did not change, the text says where it stood" },
    Gap { field: "line", why: "where the line did not change, the text says where it stood" },
    Gap { field: "diff_position", why: "lines are counted in the file" },
    Gap { field: "updated_at", why: "it is of today here" },
];
const COMMENT_WRITTEN: &[Gap] = &[
    ORDERS,
    NOT_SIGNED,
    Gap { field: "resolved_at", why: "only threads of change requests are settled, and today" },
    Gap { field: "resolver", why: "the token's owner settles it" },
    Gap { field: "updated_at", why: "it is of today here" },
];
const REACTION_WRITTEN: &[Gap] = &[
    NOT_DATED,
    Gap { field: "author.name", why: "as the account is called here" },
    Gap { field: "author.email", why: "as the account has it here" },
    Gap { field: "author.kind", why: "as the account is here" },
    Gap { field: "author.host", why: "it is an account of the server" },
];
const COMMIT_STATUS_WRITTEN: &[Gap] =
    &[NOT_SIGNED, NOT_DATED, Gap { field: "state", why: "a broken build is a failed one" }];
const RELEASE_WRITTEN: &[Gap] = &[
    NOT_DATED,
    Gap { field: "target", why: "the tag alone leads to its commit" },
    NOT_SIGNED,
    Gap { field: "draft", why: "drafts are left out: every release is shown to everybody" },
    Gap { field: "prerelease", why: "it does not tell them apart" },
];
const RELEASE_WRITTEN_ASSET: &[Gap] = &[
    Gap { field: "blob.size", why: "the API does not tell it" },
    Gap { field: "blob.sha256", why: "the API does not tell it" },
    Gap { field: "updated_at", why: "it is of today here" },
    NOT_SIGNED,
    NOT_DATED,
    Gap { field: "label", why: "a file has one name" },
    Gap { field: "content_type", why: "the server tells it from the name" },
];
const BOARD_WRITTEN: &[Gap] = &[
    Gap { field: "description", why: "it has none" },
    Gap { field: "milestone", why: "to be set by hand" },
    Gap { field: "labels", why: "to be set by hand" },
    Gap { field: "columns", why: "columns show labels, and hold no issues of their own" },
];
const TAG_RULE_WRITTEN: &[Gap] = &[
    Gap { field: "creators", why: "named people need paid editions; elsewhere they are kept out" },
    Gap { field: "role", why: "where there is no such level, a stricter one" },
    Gap { field: "pattern", why: "knows `*` alone; what else there is becomes one" },
];
const WEBHOOK_WRITTEN: &[Gap] = &[
    Gap { field: "active", why: "it has no switched-off webhooks: they listen to nothing" },
    Gap { field: "events", why: "to be ticked by hand; its description names them" },
    Gap { field: "has_secret", why: "to be entered again" },
    Gap { field: "content_type", why: "it sends JSON" },
];
const DEPLOY_KEY_WRITTEN: &[Gap] =
    &[NOT_DATED, Gap { field: "key_fingerprint", why: "the server works it out" }];
const VARIABLE_WRITTEN: &[Gap] = &[
    Gap { field: "value", why: "to be entered again; what is masked has a stand-in" },
    Gap { field: "masked", why: "what is secret elsewhere is masked" },
    Gap { field: "is_secret", why: "it has variables that are masked" },
    Gap { field: "environment", why: "all, where the source does not tell one" },
];
const STATE_WRITTEN: &[Gap] = &[
    NOT_DATED,
    Gap { field: "author", why: "the token's owner sets it" },
    Gap { field: "value", why: "it pins nothing, and gives no reason for a lock" },
];

const PROJECT: &[Gap] = &[
    Gap { field: "website", why: "it has none" },
    Gap { field: "forked_from", why: "a project of its own" },
    Gap { field: "features", why: "those that it knows are set" },
    Gap { field: "merge_methods", why: "it has one method for a project" },
    Gap { field: "security", why: "to be set by hand" },
    Gap { field: "automation", why: "to be set by hand" },
    Gap { field: "autolinks", why: "it has none" },
    Gap { field: "pages", why: "to be set by hand" },
    Gap { field: "name", why: "what names may not hold makes it the path" },
    Gap { field: "visibility", why: "private, where its group allows nothing wider" },
    Gap { field: "default_branch", why: "where there is such a branch" },
    Gap { field: "updated_at", why: "it is of today here" },
    NOT_DATED,
];
const ISSUE: &[Gap] = &[
    ORDERS,
    NOT_SIGNED,
    NOT_DATED,
    Gap { field: "number", why: "the server gives the next one where it has another" },
    Gap { field: "issue_type", why: "of those that it does not know, a plain one" },
    Gap { field: "due_at", why: "kept to the day" },
    Gap { field: "state_reason", why: "it has none" },
    Gap { field: "children", why: "to be set by hand" },
    Gap { field: "assignees", why: "one person where the edition is free" },
    Gap { field: "weight", why: "paid editions have it" },
    Gap { field: "closed_by", why: "the token's owner closes it" },
    Gap { field: "closed_at", why: "closed today where the token may not date" },
    Gap { field: "updated_at", why: "it is of today here" },
];
const CHANGE_REQUEST: &[Gap] = &[
    Gap { field: "squash", why: "off, where the source does not tell it" },
    Gap { field: "delete_head", why: "off, where the source does not tell it" },
    ORDERS,
    NOT_SIGNED,
    Gap { field: "number", why: "the server gives the next one" },
    Gap { field: "state", why: "what it would not merge is closed, and its text says so" },
    Gap { field: "assignees", why: "people with an account here" },
    NOT_DATED,
    Gap { field: "updated_at", why: "it is of today here" },
    Gap { field: "merged_at", why: "merged again today, into a branch of its own" },
    Gap { field: "closed_at", why: "closed today" },
    Gap { field: "merged_by", why: "the token's owner merges it" },
    Gap { field: "closed_by", why: "the token's owner closes it" },
    Gap { field: "merge_commit", why: "merged again, into a branch of its own" },
    Gap { field: "squash_commit", why: "merged again, into a branch of its own" },
    Gap { field: "base", why: "of what was merged, a branch of its own below `packhorse/`" },
    Gap { field: "head", why: "where its branch is gone, one below `packhorse/` stands in" },
    Gap { field: "closes", why: "follows from the text" },
    Gap { field: "maintainers_may_push", why: "its branch is in the same project" },
    Gap { field: "review_requests", why: "people with an account here" },
];
const BRANCH_RULE: &[Gap] = &[
    Gap { field: "block_force_push", why: "it binds everybody or nobody" },
    Gap { field: "restrict_push", why: "stricter, where changes go by change requests" },
    Gap { field: "restrict_merge", why: "stricter, where it is read-only" },
    Gap { field: "force_push_allowed", why: "it tells only that it is" },
    Gap { field: "deletion_allowed", why: "Git deletes no protected branch" },
    Gap { field: "read_only", why: "nobody may push or merge" },
    Gap { field: "approval_required", why: "approvals are the project's" },
    Gap { field: "checks_required", why: "they are the project's, to be set by hand" },
    Gap { field: "restrict_dismissal", why: "approvals are the project's" },
    Gap { field: "dismissers", why: "approvals are the project's" },
    Gap { field: "author", why: "it does not tell" },
    Gap { field: "pattern", why: "knows `*` alone; what else there is becomes one" },
    Gap { field: "approvals", why: "how many must approve is the project's setting" },
    Gap { field: "required_checks", why: "they are the project's, to be set by hand" },
    Gap { field: "strict_checks", why: "it is the project's, to be set by hand" },
    Gap { field: "dismiss_stale", why: "it is the project's, to be set by hand" },
    Gap { field: "block_deletion", why: "Git deletes no protected branch" },
    Gap { field: "code_owner_review", why: "paid editions have it" },
    Gap { field: "admins_bound", why: "everybody is bound" },
    Gap { field: "pushers", why: "named people need paid editions; elsewhere they are kept out" },
    Gap { field: "mergers", why: "named people need paid editions; elsewhere they are kept out" },
    Gap { field: "reviews", why: "changes go by change requests; approvals are the project's" },
    Gap { field: "checks", why: "they are the project's, to be set by hand" },
    Gap { field: "signatures", why: "it is the project's, to be set by hand" },
    Gap { field: "linear_history", why: "it is the project's, to be set by hand" },
    Gap { field: "threads_resolved", why: "it is the project's, to be set by hand" },
];
