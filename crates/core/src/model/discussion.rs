//! Discussions and snippets.

use super::{HostId, Identity, Text, Time, Visibility, model};

model! {
    /// A category of discussions.
    pub struct DiscussionCategory {
        /// Name.
        pub name: String,
        /// Its picture, as the host names it.
        pub emoji: Option<String>,
        /// What it is for.
        pub description: Option<String>,
    }

    /// A discussion.
    pub struct Discussion {
        /// Number in the project.
        pub number: u64,
        /// Title.
        pub title: String,
        /// What was written.
        pub body: Option<Text>,
        /// Who wrote it.
        pub author: Option<Identity>,
        /// Name of its category.
        pub category: Option<String>,
        /// Names of its labels.
        pub labels: Vec<String>,
        /// Comment that was chosen as the answer.
        pub answer: Option<HostId>,
        /// When it was made.
        pub created_at: Option<Time>,
        /// When it last changed.
        pub updated_at: Option<Time>,
        /// When it was closed.
        pub closed_at: Option<Time>,
    }

    /// A snippet of text or code.
    pub struct Snippet {
        /// Title.
        pub title: String,
        /// What it is for.
        pub description: Option<Text>,
        /// Who wrote it.
        pub author: Option<Identity>,
        /// Who may see it.
        pub visibility: Visibility,
        /// Its files.
        pub files: Vec<SnippetFile>,
        /// When it was made.
        pub created_at: Option<Time>,
        /// When it last changed.
        pub updated_at: Option<Time>,
    }

    /// A file of a snippet.
    pub struct SnippetFile {
        /// Path.
        pub path: String,
        /// What stands in it.
        pub content: String,
    }
}
