//! What GitLab's exports can hold.
//!
//! Gaps in writing are found by reading each written record again, so a field that is not listed
//! here and gets lost all the same is an error of the run.

use crate::gaps::{Accounts, gap, gaps};
use packhorse_core::{Gap, ObjectKind, Support};

const NEVER: &str = "GitLab leaves it out of its exports";
const NO_KEY: &str = "the archive has no key for it";
const HOST: &str = "the archive does not say which host an account is of";
const KIND: &str = "is told by the account's name";
const LEFT_OUT: &str = "the archive has no place for those, and they are left out";
const ONCE: &str = "is the same for all that one account did";
const DAY: &str = "is a day, without the time of it";
const STRICTER: &str = "the archive cannot say it, and what it cannot say becomes stricter";

const ACCOUNTS: Accounts = Accounts { host: HOST, kind: KIND, name: ONCE, email: ONCE };
const MARKUP: &str = "everything counts as GitLab's Markdown";

gaps!(PROJECT: [
    gap("website", NO_KEY),
    gap("forked_from", NO_KEY),
    gap("features.boards", NO_KEY),
    gap("features.discussions", NO_KEY),
    gap("features.sponsorships", NO_KEY),
    gap("features.template", NO_KEY),
    gap("features.lfs_in_archives", NO_KEY),
    gap("merge_methods.squash", NO_KEY),
    gap("merge_methods.rebase", NO_KEY),
    gap("merge_methods.auto_merge", NO_KEY),
    gap("merge_methods.update_head", NO_KEY),
    gap("merge_methods.merge_commit", "is the opposite of moving the branch alone"),
    gap("merge_methods.fast_forward", "is the opposite of a merge commit"),
    gap("security", NO_KEY),
    gap("automation", "whether any runs is kept"),
    gap("autolinks", NO_KEY),
    gap("pages", NO_KEY),
    gap("created_at", NEVER),
    gap("updated_at", NEVER),
]);
/// Why a file has no groups.
pub(super) const NO_GROUPS: &str =
    "the export of a project has no groups: give a directory for archives of them too";

gaps!(ORGANIZATION: [
    gap("name", "one without a name is called as its path is"),
    gap("website", "groups have none"),
    gap("location", "groups have none"),
    gap("email", "groups have none"),
    gap("visibility", "one that does not say is private"),
    gap("settings", "of them the archive has locks of membership and sharing, LFS, two factors"),
    gap("created_at", NEVER),
]);
gaps!(MEMBER: [
    gap("role", "becomes the next lower role that GitLab has"),
    gap("pending", "is kept with the time of it alone"),
    gap("expires_at", DAY),
    gap("place", "people of teams are left out, and those of groups where the archive is one project's"),
    gap("grantee.team", LEFT_OUT),
    gap("grantee.group", LEFT_OUT),
], accounts ["grantee.user"]);
gaps!(LABEL: [
    gap("exclusive", "is told by `::` in its name"),
    gap("archived", NO_KEY),
    gap("inherited", "becomes a label of the project, and stands in the archive of its group where there is one"),
    gap("color", "one without a colour gets GitLab's usual one"),
], texts ["description"]);
gaps!(MILESTONE: [
    gap("author", NO_KEY),
    gap("start_at", DAY),
    gap("due_at", DAY),
    gap("closed_at", NO_KEY),
    gap("inherited", "becomes a milestone of the project where its number is not a group's"),
], texts ["description"]);
gaps!(ATTACHMENT: [
    gap("subject", "is what refers to it by its address in the archive, else the project"),
    gap("name", "loses what cannot stand in a path"),
    gap("content_type", NO_KEY),
    gap("url", "becomes the address in the archive"),
    gap("legacy_url", NO_KEY),
    gap("author", NO_KEY),
    gap("created_at", NO_KEY),
]);
gaps!(ISSUE: [
    gap("state_reason", NO_KEY),
    gap("children", NO_KEY),
    gap("due_at", DAY),
], accounts ["author", "assignees", "closed_by"], texts ["body"]);
gaps!(CHANGE_REQUEST: [
    gap("base.project", "is the project itself"),
    gap("base.owner", NO_KEY),
    gap("head.project", "whether it is the project itself is kept"),
    gap("head.owner", NO_KEY),
    gap("review_requests.reviewer.team", LEFT_OUT),
    gap("review_requests.reviewer.group", LEFT_OUT),
    gap("review_requests.updated_at", NO_KEY),
    gap("review_requests.dismissed_at", NO_KEY),
    gap("review_requests", "those of teams and groups are left out"),
    gap("closes", "is read from the text"),
    gap("draft", "one whose title says so is a draft"),
    gap("title", "loses the mark of a draft"),
], accounts [
    "author", "assignees", "merged_by", "closed_by", "review_requests.reviewer.user",
], texts ["body"]);
gaps!(REVIEW: [
    gap("commit", NO_KEY),
    gap("created_at", "an approval has one time"),
    gap("submitted_at", "an approval has one time"),
], accounts ["author"], texts ["body"]);
gaps!(THREAD: [
    gap("review", NO_KEY),
    gap("outdated", NO_KEY),
    gap("position.line", "one whose place is gone stands where it was"),
    gap("position.start_line", "one whose place is gone stands where it was"),
    gap("position.start_side", "one whose place is gone stands where it was"),
    gap("position.side", "is the new text's where nothing is said"),
    gap("position.original_line", NO_KEY),
    gap("position.original_start_line", NO_KEY),
    gap("position.original_commit", NO_KEY),
    gap("position.old_path", NO_KEY),
    gap("position.path", NO_KEY),
    gap("position.commit", NO_KEY),
    gap("position.diff_position", NO_KEY),
    gap("position.original_diff_position", NO_KEY),
    gap("position.start_offset", NO_KEY),
    gap("position.blob_position", NO_KEY),
    gap("created_at", "is its first comment's"),
], accounts ["resolver"]);
gaps!(REVIEW_COMMENT: [
    gap("review", NO_KEY),
    gap("thread", "one without a thread gets one"),
    gap("reply_to", "an answer to an answer becomes one to the first"),
    gap("pending", "becomes one that was handed in"),
    gap("position.line", "one whose place is gone stands where it was"),
    gap("position.start_line", "one whose place is gone stands where it was"),
    gap("position.start_side", "one whose place is gone stands where it was"),
    gap("position.side", "is the new text's where nothing is said"),
    gap("position.original_line", "is its line where nothing is said"),
    gap("position.original_start_line", "is its line where nothing is said"),
    gap("position.original_commit", "is its commit where nothing is said"),
    gap("position.old_path", NO_KEY),
    gap("position.diff_position", NO_KEY),
    gap("position.original_diff_position", NO_KEY),
    gap("position.start_offset", NO_KEY),
    gap("position.blob_position", NO_KEY),
], accounts ["author"], texts ["body"]);
gaps!(SNIPPET: [
    gap("files", "the first file is kept"),
], accounts ["author"], texts ["description"]);
gaps!(COMMIT_COMMENT: [
    gap("diff_position", NO_KEY),
], accounts ["author"], texts ["body"]);
gaps!(COMMENT: [
    gap("task", NO_KEY),
    gap("reply_to", "an answer to an answer becomes one to the first"),
    gap("body", "loses a hidden mark of another migration"),
    gap("subject.project", LEFT_OUT),
    gap("subject.discussion", LEFT_OUT),
    gap("subject.release", LEFT_OUT),
    gap("subject.commit", LEFT_OUT),
    gap("subject.comment", LEFT_OUT),
    gap("subject.review", LEFT_OUT),
    gap("subject.review_comment", LEFT_OUT),
    gap("subject.commit_comment", LEFT_OUT),
], accounts ["author", "resolver"], texts ["body"]);
gaps!(REACTION: [
    gap("subject.project", LEFT_OUT),
    gap("subject.discussion", LEFT_OUT),
    gap("subject.release", LEFT_OUT),
    gap("subject.commit", LEFT_OUT),
], accounts ["author"]);
gaps!(EVENT: [
    gap("action", "what GitLab has no words for becomes a note of the server"),
    gap("target", "is the account's name, for assignments and requests"),
    gap("commit", NO_KEY),
    gap("commit_project", NO_KEY),
    gap("label", "stands in the words of the note"),
    gap("label_color", "is the label's"),
    gap("label_text_color", NO_KEY),
    gap("milestone", "stands in the words of the note"),
    gap("title_before", "stands in the words of the note"),
    gap("title_after", "stands in the words of the note"),
    gap("branch", NO_KEY),
    gap("before", NO_KEY),
    gap("after", NO_KEY),
    gap("reference", "stands in the words of the note"),
    gap("referencing_change_request", NO_KEY),
    gap("subject.project", LEFT_OUT),
    gap("subject.discussion", LEFT_OUT),
    gap("subject.release", LEFT_OUT),
    gap("subject.commit", LEFT_OUT),
    gap("subject.snippet", LEFT_OUT),
], accounts ["actor"]);
gaps!(RELEASE: [
    gap("pending_tag", NO_KEY),
    gap("draft", NO_KEY),
    gap("prerelease", NO_KEY),
    gap("target", "a commit is kept, and no branch"),
    gap("milestones", "those that the archive has are kept"),
    gap("published_at", "is when it was made, where nothing is said"),
], accounts ["author"], texts ["body"]);
gaps!(RELEASE_ASSET: [
    gap("blob", "the archive has links alone, and files are left out"),
    gap("label", NO_KEY),
    gap("content_type", NO_KEY),
    gap("author", NO_KEY),
]);
gaps!(BOARD: [
    gap("description", NO_KEY),
    gap("labels", NO_KEY),
    gap("columns", "those of labels and milestones are kept"),
    gap("milestone", "one that the archive has is kept"),
]);
gaps!(BRANCH_RULE: [
    gap("author", NO_KEY),
    gap("admins_bound", STRICTER),
    gap("block_deletion", STRICTER),
    gap("block_force_push", STRICTER),
    gap("force_push_allowed", STRICTER),
    gap("deletion_allowed", STRICTER),
    gap("restrict_push", STRICTER),
    gap("pushers", "people are kept; teams and groups are left out, which is stricter"),
    gap("restrict_merge", STRICTER),
    gap("mergers", "people are kept; teams and groups are left out, which is stricter"),
    gap("reviews", NO_KEY),
    gap("approval_required", NO_KEY),
    gap("approvals", NO_KEY),
    gap("dismiss_stale", NO_KEY),
    gap("restrict_dismissal", NO_KEY),
    gap("dismissers", NO_KEY),
    gap("checks", NO_KEY),
    gap("checks_required", NO_KEY),
    gap("required_checks", NO_KEY),
    gap("strict_checks", NO_KEY),
    gap("signatures", NO_KEY),
    gap("linear_history", NO_KEY),
    gap("threads_resolved", NO_KEY),
    gap("read_only", "becomes that nobody may push or merge"),
]);
gaps!(TAG_RULE: [
    gap("creators", "people are kept; teams and groups are left out, which is stricter"),
    gap("role", "roles below one that may write become that"),
]);
const LOCKED: &[Gap] = &[
    gap("value.locked", "why is not kept"),
    gap("value.pinned", "GitLab leaves it out of its exports"),
    gap("author", NO_KEY),
    gap("created_at", NO_KEY),
    gap("value", "archived projects, locked issues and locked merge requests are kept"),
];

/// What can be written.
pub(super) fn writes(kind: ObjectKind) -> Support {
    match kind {
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
        ObjectKind::Snippet => Support::Partial(SNIPPET),
        ObjectKind::CommitComment => Support::Partial(COMMIT_COMMENT),
        ObjectKind::Comment => Support::Partial(COMMENT),
        ObjectKind::Reaction => Support::Partial(REACTION),
        ObjectKind::Event => Support::Partial(EVENT),
        ObjectKind::Release => Support::Partial(RELEASE),
        ObjectKind::ReleaseAsset => Support::Partial(RELEASE_ASSET),
        ObjectKind::Board => Support::Partial(BOARD),
        ObjectKind::BranchRule => Support::Partial(BRANCH_RULE),
        ObjectKind::TagRule => Support::Partial(TAG_RULE),
        ObjectKind::State => Support::Partial(LOCKED),
        ObjectKind::Topic | ObjectKind::LfsObject | ObjectKind::Repository | ObjectKind::Wiki => {
            Support::Full
        }
        ObjectKind::User => Support::None("the archive names those who took part, and no others"),
        ObjectKind::Organization => Support::Partial(ORGANIZATION),
        ObjectKind::Team => Support::None("GitLab has none: groups are below groups"),
        ObjectKind::DiscussionCategory | ObjectKind::Discussion => {
            Support::None("GitLab has no discussions")
        }
        ObjectKind::CommitStatus => Support::None("builds are not written"),
        ObjectKind::Webhook | ObjectKind::DeployKey | ObjectKind::Variable => Support::None(NEVER),
    }
}

const READ_ACCOUNT: &[Gap] =
    &[gap("*", "those that no role and no contribution names are called by number")];
const READ_SNIPPET: &[Gap] = &[gap("files", "the first file is read")];
const READ_EVENT: &[Gap] = &[gap(
    "*",
    "what is not a state, a label or a milestone is read from the server's English words",
)];

/// What can be read.
pub(super) fn reads(kind: ObjectKind) -> Support {
    match kind {
        ObjectKind::Member => Support::Partial(READ_ACCOUNT),
        ObjectKind::Snippet => Support::Partial(READ_SNIPPET),
        ObjectKind::Event => Support::Partial(READ_EVENT),
        ObjectKind::Project
        | ObjectKind::Organization
        | ObjectKind::Topic
        | ObjectKind::LfsObject
        | ObjectKind::Repository
        | ObjectKind::Wiki
        | ObjectKind::Label
        | ObjectKind::Milestone
        | ObjectKind::Attachment
        | ObjectKind::Issue
        | ObjectKind::ChangeRequest
        | ObjectKind::Review
        | ObjectKind::ReviewThread
        | ObjectKind::ReviewComment
        | ObjectKind::CommitComment
        | ObjectKind::Comment
        | ObjectKind::Reaction
        | ObjectKind::CommitStatus
        | ObjectKind::Release
        | ObjectKind::ReleaseAsset
        | ObjectKind::Board
        | ObjectKind::BranchRule
        | ObjectKind::TagRule
        | ObjectKind::State => Support::Full,
        ObjectKind::User => Support::None("accounts stand with what they did"),
        ObjectKind::Team | ObjectKind::DiscussionCategory | ObjectKind::Discussion => {
            Support::None("GitLab has none")
        }
        ObjectKind::Webhook | ObjectKind::DeployKey | ObjectKind::Variable => Support::None(NEVER),
    }
}
