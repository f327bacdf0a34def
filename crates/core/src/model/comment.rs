//! Comments and reactions.

use super::{HostId, Identity, Subject, Text, Time, choice, model};

choice! {
    /// Whether a comment that is a task is done.
    pub enum TaskState {
        /// To be done.
        #[default]
        Open,
        /// Done.
        Resolved,
    }
}

model! {
    /// A comment on an issue, a change request, a discussion or a snippet.
    pub struct Comment {
        /// What it is about.
        pub subject: Subject,
        /// Comment that it answers.
        pub reply_to: Option<HostId>,
        /// Who wrote it.
        pub author: Option<Identity>,
        /// What was written.
        pub body: Option<Text>,
        /// Whether only members see it.
        pub internal: bool,
        /// Whether the comment is a task, and whether it is done.
        pub task: Option<TaskState>,
        /// Who called it settled.
        pub resolver: Option<Identity>,
        /// When it was called settled.
        pub resolved_at: Option<Time>,
        /// When it was made.
        pub created_at: Option<Time>,
        /// When it last changed.
        pub updated_at: Option<Time>,
    }

    /// A comment on a commit.
    pub struct CommitComment {
        /// Object id of the commit.
        pub commit: String,
        /// Path of the file, if it is about one.
        pub path: Option<String>,
        /// Line counted in the diff.
        pub diff_position: Option<u64>,
        /// Line counted in the file.
        pub line: Option<u64>,
        /// Who wrote it.
        pub author: Option<Identity>,
        /// What was written.
        pub body: Option<Text>,
        /// When it was made.
        pub created_at: Option<Time>,
        /// When it last changed.
        pub updated_at: Option<Time>,
    }

    /// A reaction.
    pub struct Reaction {
        /// What it is to.
        pub subject: Subject,
        /// Who reacted.
        pub author: Option<Identity>,
        /// Name of the picture: `+1`, `-1`, `laugh`, `confused`, `heart`, `hooray`, `rocket`,
        /// `eyes`, or the host's own word for any other.
        pub content: String,
        /// When.
        pub created_at: Option<Time>,
    }
}
