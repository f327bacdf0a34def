//! What can be read and written.

use crate::partial::partial;
use packhorse_core::{Gap, ObjectKind, Support};

const fn partly(gaps: &'static [Gap]) -> Support {
    Support::Partial(gaps)
}

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
        ObjectKind::Issue => ISSUE_READ,
        ObjectKind::ChangeRequest => {
            partly(&[Gap { field: "closes", why: "it follows from the text, which is carried" }])
        }
        ObjectKind::Review => REVIEW_READ,
        ObjectKind::ReviewThread => REVIEW_THREAD_READ,
        ObjectKind::ReviewComment => {
            partly(&[Gap { field: "review", why: "comments are not handed in with an approval" }])
        }
        ObjectKind::CommitComment => COMMIT_COMMENT_READ,
        ObjectKind::Event => EVENT_READ,
        ObjectKind::CommitStatus => partly(&[Gap {
            field: "*",
            why: "of the commits that branches and tags end in, for the API lists one commit at a time",
        }]),
        ObjectKind::Release => partly(&[Gap { field: "draft", why: "it has no drafts" }]),
        ObjectKind::ReleaseAsset => RELEASE_ASSET_READ,
        ObjectKind::BranchRule => BRANCH_RULE_READ,
        ObjectKind::Webhook => {
            partly(&[Gap { field: "has_secret", why: "the API does not tell it" }])
        }
        ObjectKind::DiscussionCategory | ObjectKind::Discussion => {
            Support::None("it has no discussions apart from issues")
        }
    }
}

/// What can be written to it.
pub(super) fn writes(kind: ObjectKind) -> Support {
    match kind {
        ObjectKind::User => USER,
        ObjectKind::Team => Support::None("it has groups within groups, and no teams"),
        ObjectKind::LfsObject => Support::WithGit,
        ObjectKind::DiscussionCategory | ObjectKind::Discussion => {
            Support::None("it has no discussions apart from issues")
        }
        ObjectKind::Event => Support::None("what happened is written by the server alone"),
        ObjectKind::Topic | ObjectKind::Repository | ObjectKind::Wiki => Support::Full,
        ObjectKind::Organization => ORGANIZATION,
        ObjectKind::Project => PROJECT,
        ObjectKind::Member => MEMBER,
        ObjectKind::Label => LABEL,
        ObjectKind::Milestone => MILESTONE,
        ObjectKind::Attachment => ATTACHMENT,
        ObjectKind::Issue => ISSUE,
        ObjectKind::ChangeRequest => CHANGE_REQUEST,
        ObjectKind::Review => REVIEW,
        ObjectKind::ReviewThread => REVIEW_THREAD,
        ObjectKind::ReviewComment => REVIEW_COMMENT,
        ObjectKind::Snippet => SNIPPET,
        ObjectKind::CommitComment => COMMIT_COMMENT,
        ObjectKind::Comment => COMMENT,
        ObjectKind::Reaction => REACTION,
        ObjectKind::CommitStatus => COMMIT_STATUS,
        ObjectKind::Release => RELEASE,
        ObjectKind::ReleaseAsset => RELEASE_ASSET,
        ObjectKind::Board => BOARD,
        ObjectKind::BranchRule => BRANCH_RULE,
        ObjectKind::TagRule => TAG_RULE,
        ObjectKind::Webhook => WEBHOOK,
        ObjectKind::DeployKey => DEPLOY_KEY,
        ObjectKind::Variable => VARIABLE,
        ObjectKind::State => STATE,
    }
}

/// Why something has another date.
const NOT_DATED: &str = "it is of today here, as far as the API can say";
const TODAY: &str = "it is of today here";
/// Why something has another author.
const NOT_SIGNED: &str =
    "the token's owner is its author, unless its scope `sudo` lets it act for who is";
const ORDERS: &str = "a line that would be an order to the server begins with a backslash";
/// Why a rule of a branch has no place.
const BY_HAND: &str = "it is the project's, to be set by hand";
const THE_PROJECTS: &str = "they are the project's, to be set by hand";

partial! {
    USER: [
        "identity.name": "an account that is there already stays as it is",
        "bio": "an account that is there already stays as it is",
        "website": "an account that is there already stays as it is",
        "location": "an account that is there already stays as it is",
        "company": "an account that is there already stays as it is",
        "is_blocked": "an account that is there already stays as it is",
        "created_at": "it is that of the carrying",
        "avatar_url": "pictures are not carried",
        "emails": "an account has one address",
        "links": "accounts have none",
        "is_admin": "nobody becomes an administrator by being carried",
        "identity.email": "an account shows its address only if its owner wants it",
        "identity.host": "it is an account of the server",
        "identity.kind": "all accounts are of one kind",
    ];
    REVIEW_READ: [
        "body": "approvals have none; what was said is a comment",
        "submitted_at": "told since version 17.9",
    ];
    REVIEW_THREAD_READ: [
        "position.hunk": "the API does not tell it",
        "outdated": "the API does not tell it",
    ];
    COMMIT_COMMENT_READ: [
        "*": "asked for commit by commit, of those that branches and tags lead to",
    ];
    EVENT_READ: [
        "*": "what is not a state, a label or a milestone is read from the server's English words",
    ];
    ISSUE_READ: [
        "children": "they are read as issues; the API does not tell whose",
        "state_reason": "it has none",
    ];
    BRANCH_RULE_READ: [
        "reviews": "rules for approvals are the project's, not a branch's",
        "checks": "they are the project's, not a branch's",
        "pushers": "deploy keys that may push are counted, not named",
    ];
    RELEASE_ASSET_READ: [
        "created_at": "the API does not tell it",
        "blob.size": "links tell none",
    ];
    ORGANIZATION: [
        "visibility": "as it is here, where the source does not tell it",
        "name": "what names may not hold makes it the path",
        "created_at": NOT_DATED,
        "website": "groups have none",
        "location": "groups have none",
        "email": "groups have none",
        "settings": "to be set by hand",
    ];
    MEMBER: [
        "created_at": NOT_DATED,
        "role": "where there is no equal role, the one below it",
        "pending": "it has the role at once",
    ];
    LABEL: [
        "created_at": NOT_DATED,
        "name": "a comma becomes a semicolon",
        "inherited": "one of the project, where the group takes none",
        "updated_at": TODAY,
        "exclusive": "follows from `::` in the name",
        "archived": "it shows all labels",
    ];
    MILESTONE: [
        "author": NOT_SIGNED,
        "created_at": NOT_DATED,
        "updated_at": TODAY,
        "closed_at": TODAY,
        "number": "the server gives the next one",
        "inherited": "as the group has one of that name, or takes none",
        "start_at": "kept to the day",
        "due_at": "kept to the day",
    ];
    ATTACHMENT: [
        "author": NOT_SIGNED,
        "created_at": NOT_DATED,
        "url": "texts lead to where the file is here",
        "legacy_url": "texts lead to where the file is here",
        "content_type": "the server tells it from the bytes",
    ];
    REVIEW: [
        "body.orders": ORDERS,
        "author": NOT_SIGNED,
        "verdict": "approvals need the scope `sudo`; others become comments",
        "commit": "approvals are of the change request as a whole",
        "submitted_at": TODAY,
        "created_at": NOT_DATED,
    ];
    REVIEW_THREAD: [
        "resolver": "the token's owner settles it",
        "resolved_at": "it is settled today",
        "outdated": "the server tells it",
        "review": "threads stand by themselves",
        "position": "the server counts in its own differences",
        "created_at": "it is that of its first comment",
    ];
    REVIEW_COMMENT: [
        "body.orders": ORDERS,
        "author": NOT_SIGNED,
        "review": "comments stand in threads, not in reviews",
        "updated_at": TODAY,
        "position": "the server counts in its own differences",
    ];
    SNIPPET: [
        "author": NOT_SIGNED,
        "created_at": NOT_DATED,
        "updated_at": TODAY,
        "visibility": "gitlab.com has nothing between private and public",
    ];
    COMMIT_COMMENT: [
        "body.orders": ORDERS,
        "author": NOT_SIGNED,
        "path": "where the line did not change, the text says where it stood",
        "line": "where the line did not change, the text says where it stood",
        "diff_position": "lines are counted in the file",
        "updated_at": TODAY,
    ];
    COMMENT: [
        "body.orders": ORDERS,
        "author": NOT_SIGNED,
        "resolved_at": "only threads of change requests are settled, and today",
        "resolver": "the token's owner settles it",
        "updated_at": TODAY,
    ];
    REACTION: [
        "created_at": NOT_DATED,
        "author.name": "as the account is called here",
        "author.email": "as the account has it here",
        "author.kind": "as the account is here",
        "author.host": "it is an account of the server",
    ];
    COMMIT_STATUS: [
        "author": NOT_SIGNED,
        "created_at": NOT_DATED,
        "state": "a broken build is a failed one",
    ];
    RELEASE: [
        "created_at": NOT_DATED,
        "target": "the tag alone leads to its commit",
        "author": NOT_SIGNED,
        "draft": "drafts are left out: every release is shown to everybody",
        "prerelease": "it does not tell them apart",
    ];
    RELEASE_ASSET: [
        "blob.size": "the API does not tell it",
        "blob.sha256": "the API does not tell it",
        "updated_at": TODAY,
        "author": NOT_SIGNED,
        "created_at": NOT_DATED,
        "label": "a file has one name",
        "content_type": "the server tells it from the name",
    ];
    BOARD: [
        "description": "it has none",
        "milestone": "to be set by hand",
        "labels": "to be set by hand",
        "columns": "columns show labels, and hold no issues of their own",
    ];
    TAG_RULE: [
        "creators": "named people need paid editions; elsewhere they are kept out",
        "role": "where there is no such level, a stricter one",
        "pattern": "knows `*` alone; what else there is becomes one",
    ];
    WEBHOOK: [
        "active": "it has no switched-off webhooks: they listen to nothing",
        "events": "to be ticked by hand; its description names them",
        "has_secret": "to be entered again",
        "content_type": "it sends JSON",
    ];
    DEPLOY_KEY: [
        "created_at": NOT_DATED,
        "key_fingerprint": "the server works it out",
    ];
    VARIABLE: [
        "value": "to be entered again; what is masked has a stand-in",
        "masked": "what is secret elsewhere is masked",
        "is_secret": "it has variables that are masked",
        "environment": "all, where the source does not tell one",
    ];
    STATE: [
        "created_at": NOT_DATED,
        "author": "the token's owner sets it",
        "value": "it pins nothing, and gives no reason for a lock",
    ];
    PROJECT: [
        "website": "it has none",
        "forked_from": "a project of its own",
        "features": "those that it knows are set",
        "merge_methods": "it has one method for a project",
        "security": "to be set by hand",
        "automation": "to be set by hand",
        "autolinks": "it has none",
        "pages": "to be set by hand",
        "name": "what names may not hold makes it the path",
        "visibility": "private, where its group allows nothing wider",
        "default_branch": "where there is such a branch",
        "updated_at": TODAY,
        "created_at": NOT_DATED,
    ];
    ISSUE: [
        "body.orders": ORDERS,
        "author": NOT_SIGNED,
        "created_at": NOT_DATED,
        "number": "the server gives the next one where it has another",
        "issue_type": "of those that it does not know, a plain one",
        "due_at": "kept to the day",
        "state_reason": "it has none",
        "children": "to be set by hand",
        "assignees": "one person where the edition is free",
        "weight": "paid editions have it",
        "closed_by": "the token's owner closes it",
        "closed_at": "closed today where the token may not date",
        "updated_at": TODAY,
    ];
    CHANGE_REQUEST: [
        "squash": "off, where the source does not tell it",
        "delete_head": "off, where the source does not tell it",
        "body.orders": ORDERS,
        "author": NOT_SIGNED,
        "number": "the server gives the next one",
        "state": "what it would not merge is closed, and its text says so",
        "assignees": "people with an account here",
        "created_at": NOT_DATED,
        "updated_at": TODAY,
        "merged_at": "merged again today, into a branch of its own",
        "closed_at": "closed today",
        "merged_by": "the token's owner merges it",
        "closed_by": "the token's owner closes it",
        "merge_commit": "merged again, into a branch of its own",
        "squash_commit": "merged again, into a branch of its own",
        "base": "of what was merged, a branch of its own below `packhorse/`",
        "head": "where its branch is gone, one below `packhorse/` stands in",
        "closes": "follows from the text",
        "maintainers_may_push": "its branch is in the same project",
        "review_requests": "people with an account here",
    ];
    BRANCH_RULE: [
        "block_force_push": "it binds everybody or nobody",
        "restrict_push": "stricter, where changes go by change requests",
        "restrict_merge": "stricter, where it is read-only",
        "force_push_allowed": "it tells only that it is",
        "deletion_allowed": "Git deletes no protected branch",
        "read_only": "nobody may push or merge",
        "approval_required": "approvals are the project's",
        "checks_required": THE_PROJECTS,
        "restrict_dismissal": "approvals are the project's",
        "dismissers": "approvals are the project's",
        "author": "it does not tell",
        "pattern": "knows `*` alone; what else there is becomes one",
        "approvals": "how many must approve is the project's setting",
        "required_checks": THE_PROJECTS,
        "strict_checks": BY_HAND,
        "dismiss_stale": BY_HAND,
        "block_deletion": "Git deletes no protected branch",
        "code_owner_review": "paid editions have it",
        "admins_bound": "everybody is bound",
        "pushers": "named people need paid editions; elsewhere they are kept out",
        "mergers": "named people need paid editions; elsewhere they are kept out",
        "reviews": "changes go by change requests; approvals are the project's",
        "checks": THE_PROJECTS,
        "signatures": BY_HAND,
        "linear_history": BY_HAND,
        "threads_resolved": BY_HAND,
    ];
}
