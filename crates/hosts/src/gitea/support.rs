//! What can be read and written.

use crate::partial::partial;
use packhorse_core::{Gap, ObjectKind, Support};

const CLOSED_BY: Gap =
    Gap { field: "closed_by", why: "the API does not tell it; the event of closing does" };
const BASE: Gap = Gap {
    field: "base.commit",
    why: "where the change begins is told, and not where its base was",
};

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
        ObjectKind::Issue => Support::Partial(&[CLOSED_BY]),
        ObjectKind::ChangeRequest => Support::Partial(&[CLOSED_BY, BASE]),
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
        ObjectKind::CommitStatus => Support::Partial(&[Gap {
            field: "*",
            why: "only those of the ends of branches and of change requests are read",
        }]),
        ObjectKind::Board => Support::None("the API does not give them out"),
        ObjectKind::Variable => Support::None("names of variables are not read"),
    }
}

/// What can be written to it.
pub(super) fn writes(kind: ObjectKind) -> Support {
    match kind {
        ObjectKind::User => USER,
        ObjectKind::Organization => ORGANIZATION,
        ObjectKind::Team => TEAM,
        ObjectKind::Member => MEMBER,
        ObjectKind::Project => PROJECT,
        ObjectKind::Label => LABEL,
        ObjectKind::Milestone => MILESTONE,
        ObjectKind::Issue => ISSUE,
        ObjectKind::ChangeRequest => CHANGE_REQUEST,
        ObjectKind::Review => REVIEW,
        ObjectKind::ReviewThread => REVIEW_THREAD,
        ObjectKind::ReviewComment => REVIEW_COMMENT,
        ObjectKind::Comment => COMMENT,
        ObjectKind::Reaction => REACTION,
        ObjectKind::Attachment => ATTACHMENT,
        ObjectKind::Release => RELEASE,
        ObjectKind::ReleaseAsset => RELEASE_ASSET,
        ObjectKind::BranchRule => BRANCH_RULE,
        ObjectKind::TagRule => TAG_RULE,
        ObjectKind::Webhook => WEBHOOK,
        ObjectKind::DeployKey => DEPLOY_KEY,
        ObjectKind::State => STATE,
        ObjectKind::CommitStatus => COMMIT_STATUS,
        ObjectKind::Topic => TOPIC,
        ObjectKind::Repository | ObjectKind::Wiki => Support::Full,
        ObjectKind::LfsObject => Support::WithGit,
        ObjectKind::DiscussionCategory | ObjectKind::Discussion => {
            Support::None("it has no discussions")
        }
        ObjectKind::Snippet => Support::None("it has no snippets"),
        ObjectKind::CommitComment => Support::None("it has no comments on commits"),
        ObjectKind::Event => Support::None("the server alone writes down what happens"),
        ObjectKind::Board => Support::None("the API takes no boards"),
        ObjectKind::Variable => Support::None("a variable without its value cannot be made"),
    }
}

partial! {
    USER: [
        "identity.name": "an account that is there already stays as it is",
        "bio": "an account that is there already stays as it is",
        "website": "an account that is there already stays as it is",
        "location": "an account that is there already stays as it is",
        "is_blocked": "an account that is there already stays as it is",
        "created_at": "an account that is there already stays as it is",
        "avatar_url": "pictures are not carried",
        "company": "accounts have none",
        "emails": "an account has one address",
        "links": "accounts have none",
        "is_admin": "nobody becomes an administrator by being carried",
        "identity.email": "an account shows its address only if its owner wants it",
        "identity.host": "it is an account of the server",
        "identity.kind": "all accounts are of one kind",
    ];
    ORGANIZATION: [
        "name": "one that is there already stays as it is",
        "description": "one that is there already stays as it is",
        "website": "one that is there already stays as it is",
        "location": "one that is there already stays as it is",
        "settings": "organizations have others",
        "created_at": "it is that of the carrying",
        "email": "not every version keeps it",
        "visibility": "public where the source does not say",
    ];
    TEAM: [
        "description": "one that is there already stays as it is",
        "name": "a team is called as in its address",
        "slug": "a team that is there keeps its capitals",
        "parent": "teams have none above them",
        "secret": "a team is seen by its organization",
        "created_at": "teams tell none",
    ];
    MEMBER: [
        "place.team.slug": "a team that is there keeps its capitals",
        "role": "a team has one right in all its projects, and its members have it",
        "created_at": "members tell none",
    ];
    PROJECT: [
        "name": "a project is called as in its address",
        "visibility": "internal becomes private; a project that is there already keeps its own",
        "website": "only addresses of pages are taken",
        "forked_from": "what is carried is no fork",
        "features": "only issues, wiki, boards, releases and being a template can be set",
        "merge_methods": "only those that the server has can be set",
        "security": "it has none",
        "automation": "its builds have other rules",
        "autolinks": "it has none",
        "pages": "it has none",
        "created_at": "it is that of the carrying",
        "updated_at": "it is that of the carrying",
    ];
    TOPIC: [
        "name": "written in lower case",
    ];
    LABEL: [
        "inherited": "becomes one of the project where the owner's cannot be made",
        "priority": "labels have none",
        "created_at": "labels tell none",
        "updated_at": "labels tell none",
    ];
    MILESTONE: [
        "author": "milestones have none",
        "number": "the server numbers milestones over all its projects",
        "start_at": "milestones have only their end",
        "due_at": "kept to the day",
        "inherited": "becomes one of the project",
    ];
    ISSUE: [
        "state_reason": "an issue is open or closed",
        "issue_type": "issues have none",
        "confidential": "issues are seen by all who see the project's",
        "weight": "issues have none",
        "time_estimate": "the API does not take it",
        "time_spent": "the API does not take it",
        "due_at": "kept to the day",
        "children": "issues have none",
        "closed_by": "it is who carries it",
        "assignees": "only people who may write there can be assigned",
    ];
    CHANGE_REQUEST: [
        "base.project": "it is the project itself",
        "base.owner": "it is the project's",
        "base.commit": "it is where the branch is now",
        "state": "merged becomes closed where the commit that merged it is not in its base",
        "body": "says that it was merged, where it could only be closed",
        "base.name": "a branch that is gone becomes the default branch",
        "head.commit": "commits that are not in the repository are gone",
        "head.name": "a branch that is gone is told as a hidden ref",
        "head.project": "heads in other projects become branches of the project",
        "head.owner": "heads in other projects become branches of the project",
        "closes": "the server reads it out of the text",
        "review_requests": "who is asked for a review is asked by who carries it",
        "merge_commit": "one that merging would make is not kept",
        "squash_commit": "it is the commit that merged it",
        "squash": "the server asks when it is merged",
        "delete_head": "the server asks when it is merged",
        "maintainers_may_push": "heads are branches of the project",
        "closed_by": "it is who carries it",
        "assignees": "only people who may write there can be assigned",
        "merged_by": "it is who carries it, where who merged has no account",
    ];
    REVIEW: [
        "verdict": "nobody judges what they opened: it becomes a comment",
        "body": "where the verdict becomes a comment, a line says what was decided",
        "created_at": "only when it was handed in is told",
        "commit": "kept where the commit has arrived",
    ];
    REVIEW_THREAD: [
        "review": "a comment is handed in by itself",
        "position.old_path": "only one path is kept",
        "position.commit": "the server looks for it itself",
        "position.original_commit": "the server looks for it itself",
        "position.base_commit": "the server looks for it itself",
        "position.start_line": "comments are on one line",
        "position.start_side": "comments are on one line",
        "position.original_line": "comments are on one line",
        "position.original_start_line": "comments are on one line",
        "position.diff_position": "lines are counted in the file",
        "position.original_diff_position": "lines are counted in the file",
        "position.start_offset": "lines are counted in the file",
        "position.blob_position": "lines are counted in the file",
        "position.hunk": "the server makes its own",
        "position.whole_file": "comments are on a line",
        "position.line": "counted from the diff where the source says nothing else",
        "position.side": "counted from the diff where the source says nothing else",
        "outdated": "the server tells by itself",
        "resolver": "the API does not take it",
        "resolved_at": "the API does not take it",
        "created_at": "it is that of its first comment",
    ];
    REVIEW_COMMENT: [
        "review": "a comment is handed in by itself",
        "reply_to": "a thread is the comments on one line, in their order",
        "position.old_path": "only one path is kept",
        "position.commit": "the server looks for it itself",
        "position.original_commit": "the server looks for it itself",
        "position.base_commit": "the server looks for it itself",
        "position.start_line": "comments are on one line",
        "position.start_side": "comments are on one line",
        "position.original_line": "comments are on one line",
        "position.original_start_line": "comments are on one line",
        "position.diff_position": "lines are counted in the file",
        "position.original_diff_position": "lines are counted in the file",
        "position.start_offset": "lines are counted in the file",
        "position.blob_position": "lines are counted in the file",
        "position.hunk": "the server makes its own",
        "position.whole_file": "comments are on a line",
        "position.line": "counted from the diff where the source says nothing else",
        "position.side": "counted from the diff where the source says nothing else",
    ];
    COMMENT: [
        "reply_to": "comments stand in one row",
        "task": "comments are no tasks",
        "resolver": "comments are not settled",
        "resolved_at": "comments are not settled",
    ];
    REACTION: [
        "author": "without an administrator's token it is who carries it",
    ];
    ATTACHMENT: [
        "content_type": "the server tells by itself",
        "url": "it has one of the server's",
        "legacy_url": "it has one of the server's",
        "author": "it is who carries it",
        "blob.sha256": "the API does not tell it",
    ];
    RELEASE: [
        "pending_tag": "a draft has the tag that it will make",
        "draft": "becomes one where its tag has not arrived",
        "milestones": "releases have none",
    ];
    RELEASE_ASSET: [
        "label": "a file has only its name",
        "content_type": "the server tells by itself",
        "author": "it is who carries it",
        "blob.sha256": "the API does not tell it",
        "link": "only Forgejo has links in the place of files",
        "updated_at": "files tell none",
    ];
    BRANCH_RULE: [
        "author": "rules have none",
        "checks_required": "follows from whether there are checks",
        "block_deletion": "nobody can delete a protected branch",
        "deletion_allowed": "nobody can delete a protected branch",
        "block_force_push": "it binds everybody or nobody",
        "force_push_allowed": "whoever is not kept from it may",
        "approval_required": "reviews that are needed must approve",
        "pushers": "only people with an account and teams of the owner",
        "mergers": "only people with an account and teams of the owner",
        "code_owner_review": "it has no such rule",
        "restrict_dismissal": "it has no such rule",
        "dismissers": "it has no such rule",
        "linear_history": "it has no such rule",
        "threads_resolved": "it has no such rule",
    ];
    TAG_RULE: [
        "role": "only people and teams can be named",
        "creators": "only people with an account and teams of the owner",
    ];
    WEBHOOK: [
        "name": "hooks have none",
        "events": "only those that the server has",
        "active": "hooks arrive switched off",
        "has_secret": "a secret has to be entered again",
        "verify_tls": "the server has one setting for all hooks",
        "created_at": "it is that of the carrying",
    ];
    DEPLOY_KEY: [
        "key_fingerprint": "the server makes its own",
        "created_at": "it is that of the carrying",
        "expires_at": "keys do not end by themselves",
    ];
    STATE: [
        "author": "it is who carries it",
        "value": "the reason of a lock is not told again",
        "created_at": "states tell none",
    ];
    COMMIT_STATUS: [
        "git_ref": "it is the commit's",
        "state": "it is one of five",
        "created_at": "it is that of the carrying",
        "updated_at": "it is that of the carrying",
    ];
}
