//! Labels and topics.

use super::{Text, Time, model};

model! {
    /// A label.
    pub struct Label {
        /// Name, unique in the project.
        pub name: String,
        /// Colour, six lower-case hexadecimal digits without `#`.
        pub color: Option<String>,
        /// What it means.
        pub description: Option<Text>,
        /// Rank among labels; lower comes first.
        pub priority: Option<u64>,
        /// Whether an object can have only one label of this one's prefix.
        pub exclusive: Option<bool>,
        /// Whether it is kept for old objects only.
        pub archived: Option<bool>,
        /// Whether it belongs to the group above the project.
        pub inherited: bool,
        /// When it was made.
        pub created_at: Option<Time>,
        /// When it last changed.
        pub updated_at: Option<Time>,
    }

    /// A topic.
    pub struct Topic {
        /// The word.
        pub name: String,
    }
}
