//! Milestones.

use super::{Identity, OpenState, Text, Time, model};

model! {
    /// A milestone.
    pub struct Milestone {
        /// Number in the project.
        pub number: u64,
        /// Title.
        pub title: String,
        /// What it is for.
        pub description: Option<Text>,
        /// Who made it.
        pub author: Option<Identity>,
        /// Open or closed.
        pub state: OpenState,
        /// First day.
        pub start_at: Option<Time>,
        /// Last day.
        pub due_at: Option<Time>,
        /// Whether it belongs to the group above the project.
        pub inherited: bool,
        /// When it was made.
        pub created_at: Option<Time>,
        /// When it last changed.
        pub updated_at: Option<Time>,
        /// When it was closed.
        pub closed_at: Option<Time>,
    }
}
