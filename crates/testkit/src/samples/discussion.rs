//! Discussions and snippets.

use super::value::{comment, discussion_number, person, text, time};
use packhorse_core::model::{Discussion, DiscussionCategory, Snippet, SnippetFile, Visibility};

pub(super) fn category(n: u64) -> DiscussionCategory {
    DiscussionCategory {
        name: format!("Ideas {n}"),
        emoji: Some(":bulb:".to_owned()),
        description: Some("What could be".to_owned()),
    }
}

pub(super) fn discussion(n: u64) -> Discussion {
    Discussion {
        number: discussion_number(n),
        title: format!("Discussion {n}?"),
        body: text(n, "discussion"),
        author: Some(person(n)),
        category: Some(format!("Ideas {n}")),
        labels: vec![format!("kind: bug/{n} 🐛")],
        answer: n.is_multiple_of(2).then(|| comment(n)),
        created_at: time(n, 1),
        updated_at: time(n, 2),
        closed_at: None,
    }
}

pub(super) fn snippet(n: u64) -> Snippet {
    Snippet {
        title: format!("Snippet {n}"),
        description: text(n, "snippet"),
        author: Some(person(n)),
        visibility: Visibility::Internal,
        files: vec![SnippetFile {
            path: "run.sh".to_owned(),
            content: "#!/bin/sh\r\necho \"$1\"\t\\\n".to_owned(),
        }],
        created_at: time(n, 1),
        updated_at: time(n, 2),
    }
}
