//! Issues.

use super::{Identity, Text, Time, choice, model};

choice! {
    /// Open or closed.
    pub enum OpenState {
        /// Open.
        #[default]
        Open,
        /// Closed.
        Closed,
    }
}

model! {
    /// An issue.
    pub struct Issue {
        /// Number in the project.
        pub number: u64,
        /// Title.
        pub title: String,
        /// What was written.
        pub body: Option<Text>,
        /// Who wrote it.
        pub author: Option<Identity>,
        /// Open or closed.
        pub state: OpenState,
        /// Why it is in this state, such as `completed`, `not_planned` or `duplicate`.
        pub state_reason: Option<String>,
        /// What sort of issue, such as `incident` or `task`.
        pub issue_type: Option<String>,
        /// Who works on it.
        pub assignees: Vec<Identity>,
        /// Names of its labels.
        pub labels: Vec<String>,
        /// Number of its milestone.
        pub milestone: Option<u64>,
        /// Whether only members see it.
        pub confidential: bool,
        /// Its weight in planning.
        pub weight: Option<u64>,
        /// Estimated work, in seconds.
        pub time_estimate: Option<u64>,
        /// Work spent, in seconds.
        pub time_spent: Option<u64>,
        /// By when it should be done.
        pub due_at: Option<Time>,
        /// Numbers of issues that are parts of it.
        pub children: Vec<u64>,
        /// Who closed it.
        pub closed_by: Option<Identity>,
        /// When it was made.
        pub created_at: Option<Time>,
        /// When it last changed.
        pub updated_at: Option<Time>,
        /// When it was closed.
        pub closed_at: Option<Time>,
    }
}
