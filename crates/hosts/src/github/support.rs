//! What can be read.

use crate::partial::partial;
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
pub(super) fn writes(kind: ObjectKind) -> Support {
    match kind {
        ObjectKind::Team => TEAM,
        ObjectKind::Project => PROJECT,
        ObjectKind::Member => MEMBER,
        ObjectKind::Topic => TOPIC,
        ObjectKind::Wiki => WIKI,
        ObjectKind::Label => LABEL,
        ObjectKind::Milestone => MILESTONE,
        ObjectKind::Issue => ISSUE,
        ObjectKind::ChangeRequest => CHANGE_REQUEST,
        ObjectKind::Review => REVIEW,
        ObjectKind::ReviewThread => REVIEW_THREAD,
        ObjectKind::ReviewComment => REVIEW_COMMENT,
        ObjectKind::DiscussionCategory => DISCUSSION_CATEGORY,
        ObjectKind::Discussion => DISCUSSION,
        ObjectKind::CommitComment => COMMIT_COMMENT,
        ObjectKind::Comment => COMMENT,
        ObjectKind::Reaction => REACTION,
        ObjectKind::CommitStatus => COMMIT_STATUS,
        ObjectKind::Release => RELEASE,
        ObjectKind::ReleaseAsset => RELEASE_ASSET,
        ObjectKind::BranchRule => BRANCH_RULE,
        ObjectKind::TagRule => TAG_RULE,
        ObjectKind::Webhook => WEBHOOK,
        ObjectKind::DeployKey => DEPLOY_KEY,
        ObjectKind::Variable => VARIABLE,
        ObjectKind::State => STATE,
        ObjectKind::Repository => Support::Full,
        ObjectKind::LfsObject => Support::WithGit,
        ObjectKind::User => Support::None("people make their accounts themselves"),
        ObjectKind::Organization => {
            Support::None("organizations are made on its pages alone: make them before")
        }
        ObjectKind::Attachment => {
            Support::None("the API takes no files of issues; their addresses stay in the texts")
        }
        ObjectKind::Event => Support::None("the server alone writes down what happens"),
        ObjectKind::Snippet => Support::None("gists belong to people and to no project"),
        ObjectKind::Board => Support::None("projects with boards belong to no repository"),
    }
}

partial! {
    TEAM: [
        "slug": "made of the name",
        "parent": "a secret team has none above it",
        "created_at": "teams tell none",
    ];
    PROJECT: [
        "name": "a project is called as in its address",
        "visibility": "internal becomes private where there is no enterprise",
        "default_branch": "chosen when its branch is there",
        "forked_from": "what is carried is no fork",
        "features": "only issues, wiki, boards, discussions and being a template can be set",
        "merge_methods": "only those that GitHub has can be set, and one of them stays",
        "security": "it is switched on by hand",
        "automation": "it is switched on by hand",
        "autolinks": "they are not written",
        "pages": "they are published by hand",
        "created_at": "it is that of the carrying",
        "updated_at": "it is that of the carrying",
    ];
    MEMBER: [
        "place": "its owners ask people into an organization; only teams and projects get members",
        "role": "in a team, only who looks after it is told; in a project, never more than it was",
        "grantee": "only accounts of this very server, and teams that are there",
        "pending": "nobody is asked who has not accepted",
        "expires_at": "a role that ends is not given, for it would not end",
        "created_at": "members tell none",
    ];
    TOPIC: [
        "name": "of small letters, digits and dashes; twenty to a project",
    ];
    WIKI: [
        "*": "only where the wiki's first page was made on GitHub's pages before",
    ];
    LABEL: [
        "name": "names that differ in case alone are one label",
        "priority": "labels have none",
        "exclusive": "labels have none",
        "archived": "labels have none",
        "inherited": "becomes one of the project",
        "created_at": "labels tell none",
        "updated_at": "labels tell none",
    ];
    MILESTONE: [
        "title": "one that is empty gets words",
        "author": "it is who carries it",
        "number": "given in the order of writing",
        "start_at": "milestones have only their end",
        "due_at": "kept to the day",
        "inherited": "becomes one of the project",
        "closed_at": "it is that of the carrying",
    ];
    ISSUE: [
        "title": "one that is empty gets words",
        "state_reason": "completed, not planned or a duplicate",
        "issue_type": "types belong to the organization",
        "confidential": "in a public project it is left out; in others all who see it see it",
        "weight": "issues have none",
        "time_estimate": "issues have none",
        "time_spent": "issues have none",
        "due_at": "issues have none",
        "children": "issues below others are not written",
        "closed_by": "it is who carries it",
        "closed_at": "it is that of the carrying, but for the importer of issues",
        "assignees": "ten at most, of those who have rights in the project",
    ];
    CHANGE_REQUEST: [
        "*": "one whose commits are not there is a closed issue",
        "title": "one that is empty gets words",
        "state": "merged becomes closed: GitHub calls merged only what it merged itself",
        "body": "ends with a line that says that it was merged",
        "base.name": "of a merged one, a passing branch where its base was then",
        "base.project": "it is the project itself",
        "base.owner": "it is the project's",
        "base.commit": "it is where the branch is now",
        "head.name": "a branch that is gone, or elsewhere, becomes one of ours",
        "head.commit": "it is where the branch is now",
        "head.project": "heads in other projects become branches of the project",
        "head.owner": "heads in other projects become branches of the project",
        "draft": "only some plans have drafts",
        "closes": "GitHub reads it out of the text",
        "review_requests": "who has rights in the project is asked about what is open",
        "merge_commit": "GitHub keeps that of its own merges",
        "squash_commit": "GitHub keeps that of its own merges",
        "squash": "GitHub asks when it is merged",
        "delete_head": "the project says it for all",
        "maintainers_may_push": "heads are branches of the project",
        "merged_by": "GitHub keeps that of its own merges",
        "merged_at": "GitHub keeps that of its own merges",
        "closed_by": "it is who carries it",
        "closed_at": "it is that of the carrying",
        "assignees": "ten at most, of those who have rights in the project",
    ];
    REVIEW: [
        "verdict": "nobody judges what they opened, and all is opened by one: it becomes a comment",
        "body": "ends with a line that says what was decided",
        "commit": "kept where the commit is part of the change request",
        "submitted_at": "it is that of the carrying",
    ];
    REVIEW_THREAD: [
        "review": "a comment is handed in by itself",
        "position.old_path": "only one path is kept",
        "position.commit": "GitHub counts it anew",
        "position.original_commit": "GitHub counts it anew",
        "position.base_commit": "GitHub looks for it itself",
        "position.line": "a line that is not part of the change becomes the whole file",
        "position.start_line": "a line that is not part of the change becomes the whole file",
        "position.side": "a line that is not part of the change becomes the whole file",
        "position.start_side": "a line that is not part of the change becomes the whole file",
        "position.original_line": "it is the line",
        "position.original_start_line": "it is the line",
        "position.diff_position": "GitHub counts it anew",
        "position.original_diff_position": "GitHub counts it anew",
        "position.start_offset": "lines are counted in the file",
        "position.blob_position": "lines are counted in the file",
        "position.hunk": "GitHub makes its own",
        "position.whole_file": "a line that is not part of the change becomes the whole file",
        "outdated": "GitHub tells by itself",
        "resolver": "it is who carries it",
        "resolved_at": "it is that of the carrying",
        "created_at": "it is that of the carrying",
    ];
    REVIEW_COMMENT: [
        "*": "one that GitHub takes nowhere is left out",
        "kind": "one without a place becomes a comment below the change",
        "body": "one that is empty gets words",
        "review": "a comment is handed in by itself",
        "reply_to": "a thread is its comments in their order",
        "position": "it is that of the thread",
    ];
    DISCUSSION_CATEGORY: [
        "description": "categories are made on GitHub's pages: one of the same name serves",
        "emoji": "one that is there keeps its own",
    ];
    DISCUSSION: [
        "number": "given in the order of writing",
        "category": "the usual one, where there is none of that name",
        "labels": "labels of discussions are not written",
        "answer": "chosen when its comment is there, by the next run",
        "closed_at": "it is that of the carrying",
    ];
    COMMIT_COMMENT: [
        "path": "kept where the line is counted in the diff",
        "line": "GitHub counts it from the diff",
        "diff_position": "kept where the path is",
    ];
    COMMENT: [
        "body": "one that is empty gets words",
        "reply_to": "comments stand in one row, but in discussions",
        "internal": "what only members see is left out",
        "task": "comments are no tasks",
        "resolver": "comments are not settled",
        "resolved_at": "comments are not settled",
    ];
    REACTION: [
        "author": "it is who carries it, once for each picture",
        "content": "only GitHub's eight",
        "created_at": "it is that of the carrying",
    ];
    COMMIT_STATUS: [
        "git_ref": "it is the commit's",
        "state": "success, failure, error or pending",
        "description": "cut at 140 characters",
        "author": "it is who carries it",
        "created_at": "it is that of the carrying",
        "updated_at": "it is that of the carrying",
    ];
    RELEASE: [
        "draft": "one whose tag is not there becomes a draft",
        "pending_tag": "a draft has the tag that it will make",
        "target": "kept where the branch or commit is there",
        "milestones": "releases have none",
        "published_at": "it is that of the carrying",
    ];
    RELEASE_ASSET: [
        "name": "GitHub puts dots for what it does not like",
        "content_type": "octets where the source does not say",
        "blob.sha256": "GitHub counts it itself",
        "author": "it is who carries it",
        "link": "releases have files and no links",
        "created_at": "it is that of the carrying",
        "updated_at": "it is that of the carrying",
    ];
    BRANCH_RULE: [
        "author": "rules have none",
        "block_deletion": "it binds everybody or nobody",
        "deletion_allowed": "it binds everybody or nobody",
        "block_force_push": "it binds everybody or nobody",
        "force_push_allowed": "it binds everybody or nobody",
        "admins_bound": "all parts of a rule bind administrators, or none does",
        "reviews": "all parts of a rule bind administrators, or none does",
        "checks": "all parts of a rule bind administrators, or none does",
        "approval_required": "reviews that are needed must approve",
        "approvals": "six at most",
        "restrict_push": "where nobody can be named, only administrators may",
        "pushers": "only accounts of this very server and teams, and none for a pattern",
        "restrict_merge": "who may merge is who may push",
        "mergers": "who may merge is who may push",
        "restrict_dismissal": "not for a pattern",
        "dismissers": "only accounts of this very server and teams, and none for a pattern",
        "read_only": "for a pattern, only administrators may push",
        "checks_required": "checks without names are not asked for",
        "signatures": "GitHub says of it whether it is on or off",
        "linear_history": "GitHub says of it whether it is on or off",
        "threads_resolved": "GitHub says of it whether it is on or off",
    ];
    TAG_RULE: [
        "creators": "rulesets let teams and roles by, and nobody by name",
        "role": "becomes one of administrators, maintainers and writers",
    ];
    WEBHOOK: [
        "name": "hooks have none",
        "events": "only those that GitHub has",
        "branch_filter": "hooks hear of all branches",
        "content_type": "json or form",
        "active": "hooks arrive switched off",
        "has_secret": "a secret has to be entered again",
        "created_at": "it is that of the carrying",
    ];
    DEPLOY_KEY: [
        "key": "the name behind it is left out",
        "key_fingerprint": "the API does not tell it; it follows from the key",
        "expires_at": "a key that ends is not made, for it would not end",
        "created_at": "it is that of the carrying",
    ];
    VARIABLE: [
        "*": "values do not travel: each name is listed, to be entered again",
    ];
    STATE: [
        "author": "it is who carries it",
        "value": "only GitHub's reasons of a lock; three pinned issues at most",
        "created_at": "states tell none",
    ];
}
