//! Reviews, their threads, and the comments in them.

use super::{HostId, Identity, Text, Time, choice, model};

choice! {
    /// What a reviewer decided.
    pub enum Verdict {
        /// Nothing: a comment.
        #[default]
        Commented,
        /// It is good.
        Approved,
        /// It needs work.
        ChangesRequested,
        /// A verdict that was withdrawn.
        Dismissed,
        /// A review that has not been handed in.
        Pending,
    }

    /// Side of a diff.
    pub enum Side {
        /// The old text.
        Left,
        /// The new text.
        #[default]
        Right,
    }
}

model! {
    /// A verdict on a change request.
    pub struct Review {
        /// Number of the change request.
        pub change_request: u64,
        /// Who reviewed.
        pub author: Option<Identity>,
        /// What was written.
        pub body: Option<Text>,
        /// What was decided.
        pub verdict: Verdict,
        /// Object id of the commit that was reviewed.
        pub commit: Option<String>,
        /// When it was begun.
        pub created_at: Option<Time>,
        /// When it was handed in.
        pub submitted_at: Option<Time>,
    }

    /// A place in a diff.
    pub struct Position {
        /// Path of the file, as it is after the change.
        pub path: String,
        /// Path of the file before the change, where it differs.
        pub old_path: Option<String>,
        /// Object id of the commit the place is in now.
        pub commit: Option<String>,
        /// Object id of the commit the place was in when the comment was made.
        pub original_commit: Option<String>,
        /// Object id of the commit that the diff starts from.
        pub base_commit: Option<String>,
        /// Side of the diff.
        pub side: Option<Side>,
        /// Last line, counted in the file from 1; absent when the place is gone.
        pub line: Option<u64>,
        /// First line, where there are several.
        pub start_line: Option<u64>,
        /// Side of the first line.
        pub start_side: Option<Side>,
        /// Last line when the comment was made.
        pub original_line: Option<u64>,
        /// First line when the comment was made.
        pub original_start_line: Option<u64>,
        /// Line counted in the diff below its first `@@`, from 1.
        pub diff_position: Option<u64>,
        /// The same when the comment was made.
        pub original_diff_position: Option<u64>,
        /// Lines between first and last in the diff.
        pub start_offset: Option<i64>,
        /// Line counted in the file from 0, in hosts that count so.
        pub blob_position: Option<u64>,
        /// The piece of the diff that the comment was made on.
        pub hunk: Option<String>,
        /// Whether it is about the file as a whole.
        pub whole_file: bool,
    }

    /// A thread of review comments.
    pub struct ReviewThread {
        /// Number of the change request.
        pub change_request: u64,
        /// Review that opened the thread.
        pub review: Option<HostId>,
        /// Where it is.
        pub position: Position,
        /// Whether the code has changed since.
        pub outdated: Option<bool>,
        /// Who called it settled.
        pub resolver: Option<Identity>,
        /// When it was called settled.
        pub resolved_at: Option<Time>,
        /// When it was opened.
        pub created_at: Option<Time>,
    }

    /// A comment in a review thread.
    pub struct ReviewComment {
        /// Number of the change request.
        pub change_request: u64,
        /// Review that it was handed in with.
        pub review: Option<HostId>,
        /// Thread that it stands in.
        pub thread: Option<HostId>,
        /// Comment that it answers.
        pub reply_to: Option<HostId>,
        /// Who wrote it.
        pub author: Option<Identity>,
        /// What was written; suggestions are part of the text.
        pub body: Option<Text>,
        /// Where it is.
        pub position: Position,
        /// Whether it has not been handed in.
        pub pending: bool,
        /// When it was made.
        pub created_at: Option<Time>,
        /// When it last changed.
        pub updated_at: Option<Time>,
    }
}
