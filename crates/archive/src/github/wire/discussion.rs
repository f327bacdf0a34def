//! Discussions.

use super::{List, issue::Reaction, wire};

wire! {
    /// A category of discussions.
    struct DiscussionCategory {
        r#type: String,
        url: String,
        repository: Option<String>,
        name: Option<String>,
        emoji: Option<String>,
        description: Option<String>,
    }

    /// A discussion.
    struct Discussion {
        r#type: String,
        url: String,
        repository: Option<String>,
        user: Option<String>,
        title: Option<String>,
        body: Option<String>,
        labels: List<String>,
        reactions: List<Reaction>,
        created_at: Option<String>,
        updated_at: Option<String>,
        discussion_category: Option<String>,
    }
    nested { "reactions": Reaction }

    /// A comment on a discussion; read where there are any, never written.
    struct DiscussionComment {
        r#type: String,
        url: String,
        discussion: Option<String>,
        parent_comment: Option<String>,
        user: Option<String>,
        body: Option<String>,
        formatter: Option<String>,
        reactions: List<Reaction>,
        created_at: Option<String>,
        updated_at: Option<String>,
    }
    nested { "reactions": Reaction }
}
