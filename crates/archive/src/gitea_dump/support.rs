//! What Gitea's dumps can hold.
//!
//! Gaps in writing are found by reading each written record again, so a field that is not listed
//! here and gets lost all the same is an error of the run.

use crate::gaps::{Accounts, gap, gaps};
use packhorse_core::{ObjectKind, Support};

const NO_FILE: &str = "Gitea's dumps have no file for those";
const NO_KEY: &str = "the dump has no key for it";
const LEFT_OUT: &str = "the dump has no place for those, and they are left out";

const ACCOUNTS: Accounts = Accounts {
    host: "the dump does not say which host an account is of",
    kind: NO_KEY,
    name: NO_KEY,
    email: "is kept of those who wrote issues, comments and releases",
};
const MARKUP: &str = "everything counts as Gitea's Markdown";

gaps!(PROJECT: [
    gap("name", "is the last part of its path"),
    gap("website", NO_KEY),
    gap("visibility", "internal becomes private"),
    gap("forked_from", NO_KEY),
    gap("features", NO_KEY),
    gap("merge_methods", NO_KEY),
    gap("security", NO_KEY),
    gap("automation", NO_KEY),
    gap("autolinks", NO_KEY),
    gap("pages", NO_KEY),
    gap("created_at", NO_KEY),
    gap("updated_at", NO_KEY),
]);
gaps!(LABEL: [
    gap("color", "one without a colour gets one"),
    gap("priority", NO_KEY),
    gap("exclusive", "whether it is is kept"),
    gap("archived", NO_KEY),
    gap("inherited", "becomes a label of the project"),
    gap("created_at", NO_KEY),
    gap("updated_at", NO_KEY),
], texts ["description"]);
gaps!(MILESTONE: [
    gap("author", NO_KEY),
    gap("start_at", NO_KEY),
    gap("inherited", "becomes a milestone of the project"),
    gap("created_at", "one without a time gets one"),
], texts ["description"]);
gaps!(ISSUE: [
    gap("state_reason", NO_KEY),
    gap("issue_type", NO_KEY),
    gap("confidential", NO_KEY),
    gap("weight", NO_KEY),
    gap("time_estimate", NO_KEY),
    gap("time_spent", NO_KEY),
    gap("due_at", NO_KEY),
    gap("children", NO_KEY),
    gap("closed_by", NO_KEY),
    gap("created_at", "one without a time gets one"),
    gap("updated_at", "one without a time gets one"),
], accounts ["author", "assignees"], texts ["body"]);
gaps!(CHANGE_REQUEST: [
    gap("number", "Gitea gives one with an issue's number another, which packhorse.yml tells"),
    gap("base.project", "is the project itself"),
    gap("base.owner", NO_KEY),
    gap("head.project", "is the project itself, as in Gitea's own dumps"),
    gap("head.owner", NO_KEY),
    gap("review_requests", NO_KEY),
    gap("closes", "is read from the text"),
    gap("squash_commit", NO_KEY),
    gap("squash", NO_KEY),
    gap("delete_head", NO_KEY),
    gap("maintainers_may_push", NO_KEY),
    gap("merged_by", NO_KEY),
    gap("closed_by", NO_KEY),
    gap("created_at", "one without a time gets one"),
    gap("updated_at", "one without a time gets one"),
], accounts ["author", "assignees"], texts ["body"]);
gaps!(REVIEW: [
    gap("verdict", "dismissed ones become comments"),
    gap("created_at", "is when it was handed in"),
    gap("submitted_at", "is when it was begun, where nothing is said"),
], accounts ["author"], texts ["body"]);
gaps!(REVIEW_COMMENT: [
    gap("thread", NO_FILE),
    gap("pending", "becomes one that was handed in"),
    gap("author", "becomes nobody where no account is told"),
    gap("position.old_path", NO_KEY),
    gap("position.original_commit", NO_KEY),
    gap("position.base_commit", NO_KEY),
    gap("position.line", "one whose place is gone stands where it was"),
    gap("position.side", "is told by the line"),
    gap("position.start_line", NO_KEY),
    gap("position.start_side", NO_KEY),
    gap("position.original_line", NO_KEY),
    gap("position.original_start_line", NO_KEY),
    gap("position.original_diff_position", NO_KEY),
    gap("position.start_offset", NO_KEY),
    gap("position.blob_position", NO_KEY),
    gap("position.whole_file", NO_KEY),
    gap("created_at", "one without a time gets one"),
    gap("updated_at", "one without a time gets one"),
], accounts ["author"], texts ["body"]);
gaps!(COMMENT: [
    gap("reply_to", NO_KEY),
    gap("internal", NO_KEY),
    gap("task", NO_KEY),
    gap("resolver", NO_KEY),
    gap("resolved_at", NO_KEY),
    gap("created_at", "one without a time gets one"),
    gap("updated_at", "one without a time gets one"),
    gap("subject.project", LEFT_OUT),
    gap("subject.discussion", LEFT_OUT),
    gap("subject.release", LEFT_OUT),
    gap("subject.commit", LEFT_OUT),
    gap("subject.comment", LEFT_OUT),
    gap("subject.review", LEFT_OUT),
    gap("subject.review_comment", LEFT_OUT),
    gap("subject.commit_comment", LEFT_OUT),
    gap("subject.snippet", LEFT_OUT),
], accounts ["author"], texts ["body"]);
gaps!(REACTION: [
    gap("created_at", NO_KEY),
    gap("subject.project", LEFT_OUT),
    gap("subject.discussion", LEFT_OUT),
    gap("subject.release", LEFT_OUT),
    gap("subject.commit", LEFT_OUT),
    gap("subject.review", LEFT_OUT),
    gap("subject.commit_comment", LEFT_OUT),
    gap("subject.snippet", LEFT_OUT),
], accounts ["author"]);
gaps!(EVENT: [
    gap("action", "what closed, reopened, merged, renamed or locked is kept; the rest is left out"),
    gap("target", NO_KEY),
    gap("commit", NO_KEY),
    gap("commit_project", NO_KEY),
    gap("label", NO_KEY),
    gap("label_color", NO_KEY),
    gap("label_text_color", NO_KEY),
    gap("milestone", NO_KEY),
    gap("title_before", "is kept of those that renamed"),
    gap("title_after", "is kept of those that renamed"),
    gap("branch", NO_KEY),
    gap("before", NO_KEY),
    gap("after", NO_KEY),
    gap("reference", NO_KEY),
    gap("referencing_change_request", NO_KEY),
    gap("created_at", "one without a time gets one"),
    gap("subject", "those of issues and change requests are kept"),
], accounts ["actor"]);
gaps!(RELEASE: [
    gap("pending_tag", NO_KEY),
    gap("milestones", NO_KEY),
    gap("created_at", "one without a time gets one"),
    gap("published_at", "one without a time gets one"),
], accounts ["author"], texts ["body"]);
gaps!(RELEASE_ASSET: [
    gap("link", "the dump has files alone, and links are left out"),
    gap("label", NO_KEY),
    gap("author", NO_KEY),
    gap("created_at", "one without a time gets one"),
    gap("updated_at", "one without a time gets one"),
]);
gaps!(STATE: [
    gap("value.archived", NO_KEY),
    gap("value.pinned", NO_KEY),
    gap("value.locked", "why is not kept"),
    gap("value", "locked issues and change requests are kept"),
    gap("author", NO_KEY),
    gap("created_at", NO_KEY),
]);

/// What can be written.
pub(super) fn writes(kind: ObjectKind) -> Support {
    match kind {
        ObjectKind::Project => Support::Partial(PROJECT),
        ObjectKind::Label => Support::Partial(LABEL),
        ObjectKind::Milestone => Support::Partial(MILESTONE),
        ObjectKind::Issue => Support::Partial(ISSUE),
        ObjectKind::ChangeRequest => Support::Partial(CHANGE_REQUEST),
        ObjectKind::Review => Support::Partial(REVIEW),
        ObjectKind::ReviewComment => Support::Partial(REVIEW_COMMENT),
        ObjectKind::Comment => Support::Partial(COMMENT),
        ObjectKind::Reaction => Support::Partial(REACTION),
        ObjectKind::Event => Support::Partial(EVENT),
        ObjectKind::Release => Support::Partial(RELEASE),
        ObjectKind::ReleaseAsset => Support::Partial(RELEASE_ASSET),
        ObjectKind::State => Support::Partial(STATE),
        ObjectKind::Topic | ObjectKind::Repository | ObjectKind::Wiki => Support::Full,
        ObjectKind::ReviewThread => Support::None(
            "comments keep their place and what they answer; whether it is settled is lost",
        ),
        ObjectKind::User
        | ObjectKind::Organization
        | ObjectKind::Team
        | ObjectKind::Member
        | ObjectKind::LfsObject
        | ObjectKind::Attachment
        | ObjectKind::DiscussionCategory
        | ObjectKind::Discussion
        | ObjectKind::Snippet
        | ObjectKind::CommitComment
        | ObjectKind::CommitStatus
        | ObjectKind::Board
        | ObjectKind::BranchRule
        | ObjectKind::TagRule
        | ObjectKind::Webhook
        | ObjectKind::DeployKey
        | ObjectKind::Variable => Support::None(NO_FILE),
    }
}

/// What can be read: what can be written.
pub(super) fn reads(kind: ObjectKind) -> Support {
    match writes(kind) {
        Support::Full | Support::Partial(_) => Support::Full,
        Support::WithGit => Support::WithGit,
        Support::None(why) => Support::None(why),
    }
}
