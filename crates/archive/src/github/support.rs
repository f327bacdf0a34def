//! What GitHub's archive can hold.
//!
//! Gaps in writing are found by reading each written record again, so a field
//! that is not listed here and gets lost all the same is an error of the run.

use crate::gaps::{Accounts, gap, gaps};
use packhorse_core::{ObjectKind, Support};

const NOT_IN_ARCHIVE: &str = "GitHub's archives do not have it";
const NO_KEY: &str = "the archive has no key for it";
const LEFT_OUT: &str = "the archive has no place for those, and they are left out";
const GROUP: &str = "groups have no address, and are left out";
const ROLE: &str = "becomes the next lower role that the archive can name";
const CLOSING: &str = "tells open from closed, so an unknown time becomes a neighbouring one";

/// Accounts are referred to by their address: the rest of them stands in the users' own records.
const ACCOUNTS: Accounts = Accounts {
    host: "an account without a host becomes one of github.com",
    kind: "stands in the user's own record alone",
    name: "stands in the user's own record alone",
    email: "stands in the user's own record alone",
};
const MARKUP: &str = "everything counts as GitHub's Markdown";

gaps!(USER: [
    gap("is_admin", NO_KEY),
    gap("is_blocked", NO_KEY),
    gap("emails", "the one address that is known becomes the list"),
    gap("identity.email", "is the main address of the list"),
    gap("identity.kind", "is told by the file: people and bots"),
    gap("identity.host", "an account without a host becomes one of github.com"),
]);
gaps!(ORGANIZATION: [
    gap("visibility", NO_KEY),
    gap("settings", "settings that GitHub does not have are left out"),
]);
gaps!(PROJECT: [
    gap("visibility", "internal becomes private"),
    gap("forked_from", NO_KEY),
    gap("merge_methods.fast_forward", NO_KEY),
    gap("security", "scanners that GitHub does not have are left out"),
    gap("updated_at", NO_KEY),
]);
gaps!(MEMBER: [
    gap("role", ROLE),
    gap("pending", "is kept for members of organizations alone"),
    gap("created_at", NO_KEY),
    gap("expires_at", NO_KEY),
    gap("grantee.group", GROUP),
    gap("grantee.team", "teams have roles in projects alone, and are left out elsewhere"),
], accounts ["grantee.user"]);
gaps!(LABEL: [
    gap("priority", NO_KEY),
    gap("exclusive", NO_KEY),
    gap("archived", NO_KEY),
    gap("inherited", "becomes a label of the project"),
    gap("updated_at", NO_KEY),
    gap("color", "is written in small letters"),
], texts ["description"]);
gaps!(MILESTONE: [
    gap("start_at", NO_KEY),
    gap("inherited", "becomes a milestone of the project"),
], accounts ["author"], texts ["description"]);
gaps!(ATTACHMENT: [
    gap("url", "one without an address gets one"),
    gap("subject.project", LEFT_OUT),
    gap("subject.discussion", LEFT_OUT),
    gap("subject.release", LEFT_OUT),
    gap("subject.commit", LEFT_OUT),
    gap("subject.snippet", LEFT_OUT),
], accounts ["author"]);
gaps!(ISSUE: [
    gap("state", CLOSING),
    gap("closed_at", CLOSING),
    gap("state_reason", NO_KEY),
    gap("issue_type", NO_KEY),
    gap("confidential", NO_KEY),
    gap("weight", NO_KEY),
    gap("time_estimate", NO_KEY),
    gap("time_spent", NO_KEY),
    gap("due_at", NO_KEY),
    gap("children", NO_KEY),
    gap("closed_by", NO_KEY),
], accounts ["author", "assignees"], texts ["body"]);
gaps!(CHANGE_REQUEST: [
    gap("state", CLOSING),
    gap("closed_at", CLOSING),
    gap("merged_at", CLOSING),
    gap("squash_commit", NO_KEY),
    gap("squash", NO_KEY),
    gap("delete_head", NO_KEY),
    gap("maintainers_may_push", NO_KEY),
    gap("merged_by", NO_KEY),
    gap("closed_by", NO_KEY),
    gap("updated_at", NO_KEY),
    gap("review_requests.reviewer.group", GROUP),
], accounts [
    "author", "assignees", "base.owner", "head.owner", "review_requests.reviewer.user",
    "closes.author",
], texts ["body"]);
gaps!(REVIEW: [
    gap("verdict", "dismissed and pending ones become comments"),
], accounts ["author"], texts ["body"]);
gaps!(THREAD: [
    gap("position.old_path", NO_KEY),
    gap("position.base_commit", NO_KEY),
], accounts ["resolver"]);
gaps!(REVIEW_COMMENT: [
    gap("pending", "becomes one that was handed in"),
    gap("updated_at", NO_KEY),
    gap("position.old_path", NO_KEY),
    gap("position.base_commit", NO_KEY),
    gap("position.side", "stands in the thread"),
    gap("position.line", "stands in the thread"),
    gap("position.start_line", "stands in the thread"),
    gap("position.start_side", "stands in the thread"),
    gap("position.original_line", "stands in the thread"),
    gap("position.original_start_line", "stands in the thread"),
    gap("position.start_offset", "stands in the thread"),
    gap("position.blob_position", "stands in the thread"),
], accounts ["author"], texts ["body"]);
gaps!(DISCUSSION: [
    gap("answer", NO_KEY),
    gap("closed_at", NO_KEY),
], accounts ["author"], texts ["body"]);
gaps!(COMMIT_COMMENT: [
    gap("line", NO_KEY),
    gap("updated_at", NO_KEY),
], accounts ["author"], texts ["body"]);
gaps!(COMMENT: [
    gap("reply_to", NO_KEY),
    gap("internal", NO_KEY),
    gap("task", NO_KEY),
    gap("resolver", NO_KEY),
    gap("resolved_at", NO_KEY),
    gap("updated_at", NO_KEY),
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
    gap("content.other", "pictures that GitHub does not have are left out"),
    gap("subject.project", LEFT_OUT),
    gap("subject.release", LEFT_OUT),
    gap("subject.commit", LEFT_OUT),
    gap("subject.snippet", LEFT_OUT),
], accounts ["author"]);
gaps!(EVENT: [
    gap("reference", "one key holds the account or the address that an event is about"),
    gap("subject.project", LEFT_OUT),
    gap("subject.discussion", LEFT_OUT),
    gap("subject.release", LEFT_OUT),
    gap("subject.commit", LEFT_OUT),
    gap("subject.comment", LEFT_OUT),
    gap("subject.review", LEFT_OUT),
    gap("subject.review_comment", LEFT_OUT),
    gap("subject.commit_comment", LEFT_OUT),
    gap("subject.snippet", LEFT_OUT),
], accounts ["actor", "target"]);
gaps!(RELEASE: [
    gap("milestones", NO_KEY),
], accounts ["author"], texts ["body"]);
gaps!(RELEASE_ASSET: [
    gap("label", NO_KEY),
    gap("updated_at", NO_KEY),
    gap("link", "GitHub's releases have files alone: links are left out"),
], accounts ["author"]);
gaps!(BRANCH_RULE: [
    gap("restrict_merge", NO_KEY),
    gap("mergers", NO_KEY),
    gap("threads_resolved", NO_KEY),
    gap("read_only", NO_KEY),
    gap("pushers.group", GROUP),
    gap("pushers.team", "come after the users"),
    gap("dismissers.group", GROUP),
    gap("dismissers.team", "come after the users"),
], accounts ["author", "pushers.user", "dismissers.user"]);
gaps!(WEBHOOK: [
    gap("name", NO_KEY),
    gap("branch_filter", NO_KEY),
    gap("has_secret", NO_KEY),
    gap("created_at", NO_KEY),
]);
gaps!(DEPLOY_KEY: [gap("expires_at", NO_KEY)]);
gaps!(STATE: [
    gap("value.locked", LEFT_OUT),
    gap("value.pinned", LEFT_OUT),
    gap("author", NO_KEY),
    gap("created_at", NO_KEY),
]);

/// What can be read from it.
pub(super) fn reads(kind: ObjectKind) -> Support {
    match writes(kind) {
        Support::Full | Support::Partial(_) => Support::Full,
        none @ (Support::WithGit | Support::None(_)) => none,
    }
}

/// What can be written to it.
pub(super) fn writes(kind: ObjectKind) -> Support {
    match kind {
        ObjectKind::LfsObject
        | ObjectKind::Snippet
        | ObjectKind::CommitStatus
        | ObjectKind::Board
        | ObjectKind::TagRule
        | ObjectKind::Variable => Support::None(NOT_IN_ARCHIVE),
        ObjectKind::Team
        | ObjectKind::Topic
        | ObjectKind::Repository
        | ObjectKind::Wiki
        | ObjectKind::DiscussionCategory => Support::Full,
        ObjectKind::User => Support::Partial(USER),
        ObjectKind::Organization => Support::Partial(ORGANIZATION),
        ObjectKind::Project => Support::Partial(PROJECT),
        ObjectKind::Member => Support::Partial(MEMBER),
        ObjectKind::Label => Support::Partial(LABEL),
        ObjectKind::Milestone => Support::Partial(MILESTONE),
        ObjectKind::Attachment => Support::Partial(ATTACHMENT),
        ObjectKind::Issue => Support::Partial(ISSUE),
        ObjectKind::ChangeRequest => Support::Partial(CHANGE_REQUEST),
        ObjectKind::Review => Support::Partial(REVIEW),
        ObjectKind::ReviewThread => Support::Partial(THREAD),
        ObjectKind::ReviewComment => Support::Partial(REVIEW_COMMENT),
        ObjectKind::Discussion => Support::Partial(DISCUSSION),
        ObjectKind::CommitComment => Support::Partial(COMMIT_COMMENT),
        ObjectKind::Comment => Support::Partial(COMMENT),
        ObjectKind::Reaction => Support::Partial(REACTION),
        ObjectKind::Event => Support::Partial(EVENT),
        ObjectKind::Release => Support::Partial(RELEASE),
        ObjectKind::ReleaseAsset => Support::Partial(RELEASE_ASSET),
        ObjectKind::BranchRule => Support::Partial(BRANCH_RULE),
        ObjectKind::Webhook => Support::Partial(WEBHOOK),
        ObjectKind::DeployKey => Support::Partial(DEPLOY_KEY),
        ObjectKind::State => Support::Partial(STATE),
    }
}
