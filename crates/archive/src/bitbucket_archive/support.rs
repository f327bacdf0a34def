//! What Bitbucket's exports can hold.
//!
//! Gaps in writing are found by reading each written record again, so a field that is not listed
//! here and gets lost all the same is an error of the run.

use crate::gaps::{Accounts, gap, gaps};
use packhorse_core::{ObjectKind, Support};

const NEVER: &str = "Bitbucket leaves it out of its exports";
const NO_KEY: &str = "the archive has no key for it";
const UNKNOWN: &str = "how the archive tells it is not public";
const LEFT_OUT: &str = "the archive has no place for those, and they are left out";
const NO_TIME: &str = "one without a time is of 1970";

const ACCOUNTS: Accounts = Accounts {
    host: "the archive does not say which host an account is of",
    kind: "people and services are told apart, and nothing else",
    name: "a name that is the account's is none",
    email: "the archive has no addresses",
};
const MARKUP: &str = "everything counts as Bitbucket's Markdown";

gaps!(ORGANIZATION: [
    gap("path", "keys have letters, digits, `_` and `-`, and begin with a letter"),
    gap("name", "a name that is the key is none"),
    gap("website", NO_KEY),
    gap("location", NO_KEY),
    gap("email", NO_KEY),
    gap("settings", NO_KEY),
    gap("visibility", "internal becomes private"),
    gap("created_at", NO_KEY),
]);
gaps!(PROJECT: [
    gap("name", "one without a name is called as its address"),
    gap("description", NEVER),
    gap("website", NO_KEY),
    gap("visibility", "internal becomes private, for the archive says it of all projects of an owner"),
    gap("forked_from", UNKNOWN),
    gap("features", "whether it may be forked is kept"),
    gap("merge_methods", NEVER),
    gap("security", NO_KEY),
    gap("automation", NO_KEY),
    gap("autolinks", NO_KEY),
    gap("pages", NO_KEY),
    gap("created_at", NO_KEY),
    gap("updated_at", NO_KEY),
]);
gaps!(MEMBER: [
    gap("role", "becomes the next lower of read, write and admin; those below reading are left out"),
    gap("pending", "what was not accepted yet is left out"),
    gap("expires_at", "a right that ends at a time is left out"),
    gap("created_at", NO_KEY),
    gap("place", "projects and repositories have members"),
    gap("grantee.team", LEFT_OUT),
    gap("grantee.group", UNKNOWN),
], accounts ["grantee.user"]);
gaps!(CHANGE_REQUEST: [
    gap("assignees", NO_KEY),
    gap("labels", NO_KEY),
    gap("milestone", NO_KEY),
    gap("closes", NO_KEY),
    gap("review_requests", "those who have reviewed are among them; when they were asked is not kept"),
    gap("base.project", "is the project itself"),
    gap("base.owner", NO_KEY),
    gap("head.project", "how the archive tells the branch of a fork is not public"),
    gap("head.owner", NO_KEY),
    gap("squash_commit", NO_KEY),
    gap("squash", NO_KEY),
    gap("delete_head", NO_KEY),
    gap("maintainers_may_push", NO_KEY),
    gap("merge_commit", "is kept of those that were merged"),
    gap("merged_by", "is who did it last"),
    gap("closed_by", "of those that were not merged"),
    gap("created_at", NO_TIME),
    gap("updated_at", "is when it was made, where nothing is said"),
    gap("merged_at", "is when it was closed"),
    gap("closed_at", "is when it was merged, where it was"),
], accounts ["author"], texts ["body"]);
gaps!(REVIEW: [
    gap("verdict", "one that was not handed in, or says nothing at all, is left out"),
    gap("commit", "is kept of a reviewer's last verdict"),
    gap("created_at", "is when it was handed in"),
    gap("submitted_at", "is when it was begun, where nothing is said"),
], accounts ["author"], texts ["body"]);
gaps!(REVIEW_THREAD: [
    gap("review", NO_KEY),
    gap("resolver", UNKNOWN),
    gap("resolved_at", "whether it is settled is kept with the time of it"),
    gap("outdated", "what is not known is not"),
    gap("created_at", "is when its first comment was made, where nothing is said"),
    gap("position.old_path", UNKNOWN),
    gap("position.commit", "is where it was, where it is gone"),
    gap("position.original_commit", NO_KEY),
    gap("position.base_commit", "none is zeros"),
    gap("position.line", "one whose place is gone stands where it was"),
    gap("position.side", "is told of lines"),
    gap("position.start_line", UNKNOWN),
    gap("position.start_side", UNKNOWN),
    gap("position.original_line", NO_KEY),
    gap("position.original_start_line", NO_KEY),
    gap("position.diff_position", NO_KEY),
    gap("position.original_diff_position", NO_KEY),
    gap("position.start_offset", NO_KEY),
    gap("position.blob_position", NO_KEY),
    gap("position.hunk", "says which sort of line it is, and is not kept"),
    gap("position.whole_file", "is what has no line"),
]);
gaps!(REVIEW_COMMENT: [
    gap("review", NO_KEY),
    gap("thread", "each begins a thread or stands in one"),
    gap("reply_to", "is kept in threads"),
    gap("pending", "becomes one that was handed in"),
    gap("position", "is that of its thread, as the archive holds it"),
    gap("created_at", NO_TIME),
    gap("updated_at", "is when it was made, where nothing is said"),
], accounts ["author"], texts ["body"]);
gaps!(COMMENT: [
    gap("internal", NO_KEY),
    gap("resolver", "is kept of tasks"),
    gap("resolved_at", "is kept of tasks, and of comments that answer none"),
    gap("created_at", NO_TIME),
    gap("updated_at", "is when it was made, where nothing is said"),
    gap("subject.project", LEFT_OUT),
    gap("subject.issue", LEFT_OUT),
    gap("subject.discussion", LEFT_OUT),
    gap("subject.release", LEFT_OUT),
    gap("subject.commit", LEFT_OUT),
    gap("subject.comment", LEFT_OUT),
    gap("subject.review", LEFT_OUT),
    gap("subject.review_comment", LEFT_OUT),
    gap("subject.commit_comment", LEFT_OUT),
    gap("subject.snippet", LEFT_OUT),
], accounts ["author"], texts ["body"]);
gaps!(EVENT: [
    gap(
        "action",
        "what merged, closed, reopened, rescoped or updated one, asked for reviews or took an \
         approval back is kept; the rest is left out",
    ),
    gap("target", "is told of those who were asked for reviews"),
    gap("commit", "is told of merges, by the change request where nothing is said"),
    gap("commit_project", NO_KEY),
    gap("label", NO_KEY),
    gap("label_color", NO_KEY),
    gap("label_text_color", NO_KEY),
    gap("milestone", NO_KEY),
    gap("title_before", NO_KEY),
    gap("title_after", NO_KEY),
    gap("branch", NO_KEY),
    gap("before", "is told of what was rescoped"),
    gap("after", "is told of what was rescoped"),
    gap("reference", NO_KEY),
    gap("referencing_change_request", NO_KEY),
    gap("created_at", NO_TIME),
    gap("subject", "those of change requests are kept"),
], accounts ["actor", "target"]);

/// What can be written.
pub(super) fn writes(kind: ObjectKind) -> Support {
    match kind {
        ObjectKind::Organization => Support::Partial(ORGANIZATION),
        ObjectKind::Project => Support::Partial(PROJECT),
        ObjectKind::Member => Support::Partial(MEMBER),
        ObjectKind::ChangeRequest => Support::Partial(CHANGE_REQUEST),
        ObjectKind::Review => Support::Partial(REVIEW),
        ObjectKind::ReviewThread => Support::Partial(REVIEW_THREAD),
        ObjectKind::ReviewComment => Support::Partial(REVIEW_COMMENT),
        ObjectKind::Comment => Support::Partial(COMMENT),
        ObjectKind::Event => Support::Partial(EVENT),
        ObjectKind::Repository => Support::Full,
        ObjectKind::User => {
            Support::None("accounts are named where they did something, and nowhere else")
        }
        ObjectKind::LfsObject => Support::None("Bitbucket leaves the bytes of LFS objects out"),
        ObjectKind::Attachment => {
            Support::None("the archive has a section for files, whose layout is not public")
        }
        ObjectKind::Reaction => Support::None("where the archive has reactions is not public"),
        ObjectKind::CommitComment => {
            Support::None("Bitbucket leaves comments on commits out of its exports")
        }
        ObjectKind::CommitStatus => {
            Support::None("Bitbucket leaves build statuses out of its exports")
        }
        ObjectKind::BranchRule | ObjectKind::TagRule => {
            Support::None("Bitbucket leaves permissions of branches out of its exports")
        }
        ObjectKind::Webhook => Support::None("Bitbucket leaves webhooks out of its exports"),
        ObjectKind::DeployKey => Support::None("Bitbucket leaves access keys out of its exports"),
        ObjectKind::Topic => {
            Support::None("Bitbucket leaves labels of repositories out of its exports")
        }
        ObjectKind::State => {
            Support::None("the archive does not tell whether a repository is archived")
        }
        ObjectKind::Team => {
            Support::None("Bitbucket has groups of the whole server, which are not in the archive")
        }
        ObjectKind::Wiki => Support::None("Bitbucket has no wikis"),
        ObjectKind::Label => Support::None("Bitbucket has no labels of change requests"),
        ObjectKind::Milestone => Support::None("Bitbucket has no milestones"),
        ObjectKind::Issue => Support::None("Bitbucket Data Center has no issues"),
        ObjectKind::Release | ObjectKind::ReleaseAsset => {
            Support::None("Bitbucket has no releases")
        }
        ObjectKind::DiscussionCategory | ObjectKind::Discussion => {
            Support::None("Bitbucket has no discussions")
        }
        ObjectKind::Snippet => Support::None("Bitbucket Data Center has no snippets"),
        ObjectKind::Board => Support::None("Bitbucket has no boards"),
        ObjectKind::Variable => Support::None("Bitbucket Data Center has no variables"),
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
