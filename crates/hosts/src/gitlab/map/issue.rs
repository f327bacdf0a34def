//! Issues, reactions, snippets, and files that texts refer to.

use super::{identities, identity, milestone_number, plain, project::open_state, text, time};
use crate::gitlab::wire;
use packhorse_core::model::{
    Attachment, Issue, Reaction, Snippet, SnippetFile, State, StateValue, Subject,
};

pub(in crate::gitlab) fn issue(it: wire::Issue, host: &str) -> Option<Issue> {
    let spent = it.time_stats.unwrap_or_default();
    Some(Issue {
        number: it.iid?,
        title: it.title.unwrap_or_default(),
        body: text(it.description),
        author: it.author.as_ref().and_then(|it| identity(it, host)),
        state: open_state(it.state.as_deref()),
        // The plain sort is not worth a word.
        issue_type: plain(it.issue_type).filter(|it| it != "issue"),
        assignees: identities(it.assignees.as_ref(), host),
        labels: it.labels.unwrap_or_default(),
        milestone: it.milestone.as_ref().and_then(milestone_number),
        confidential: it.confidential.unwrap_or_default(),
        weight: it.weight,
        time_estimate: spent.time_estimate.filter(|it| *it > 0),
        time_spent: spent.total_time_spent.filter(|it| *it > 0),
        due_at: time(it.due_date.as_deref()),
        closed_by: it.closed_by.as_ref().and_then(|it| identity(it, host)),
        created_at: time(it.created_at.as_deref()),
        updated_at: time(it.updated_at.as_deref()),
        closed_at: time(it.closed_at.as_deref()),
        ..Issue::default()
    })
}

/// Whether an issue or a change request takes no more comments.
pub(in crate::gitlab) fn locked(subject: Subject, is_locked: Option<bool>) -> Option<State> {
    let state = State { subject, value: StateValue::Locked(None), ..State::default() };
    (is_locked == Some(true)).then_some(state)
}

/// The model's word for a picture.
///
/// Source: GitHub's and GitLab's lists of reactions.
pub(in crate::gitlab) fn reaction_word(name: &str) -> &str {
    match name {
        "thumbsup" => "+1",
        "thumbsdown" => "-1",
        "laughing" => "laugh",
        "tada" => "hooray",
        other => other,
    }
}

/// A reaction and the last part of its id.
pub(in crate::gitlab) fn reaction(
    it: wire::Award,
    subject: &Subject,
    host: &str,
) -> Option<(u64, Reaction)> {
    let mapped = Reaction {
        subject: subject.clone(),
        author: it.user.as_ref().and_then(|it| identity(it, host)),
        content: reaction_word(&plain(it.name)?).to_owned(),
        created_at: time(it.created_at.as_deref()),
    };
    Some((it.id?, mapped))
}

pub(in crate::gitlab) fn snippet(
    it: wire::Snippet,
    files: Vec<SnippetFile>,
    host: &str,
) -> Option<(u64, Snippet)> {
    let mapped = Snippet {
        title: it.title.unwrap_or_default(),
        description: text(it.description),
        author: it.author.as_ref().and_then(|it| identity(it, host)),
        visibility: super::project::visibility(it.visibility.as_deref()),
        files,
        created_at: time(it.created_at.as_deref()),
        updated_at: time(it.updated_at.as_deref()),
    };
    Some((it.id?, mapped))
}

/// Files that a text refers to, as `secret/name`.
///
/// Source: GitLab, "Project uploads API": a file is at `/uploads/`, 32 hexadecimal digits, its name.
pub(in crate::gitlab) fn uploads(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, start) in text.match_indices("/uploads/") {
        let rest = &text[at + start.len()..];
        let Some((secret, rest)) = rest.split_once('/') else { continue };
        if secret.len() != 32 || !secret.bytes().all(|it| it.is_ascii_hexdigit()) {
            continue;
        }
        let end = rest.find(|it: char| it.is_whitespace() || ")\"'<>]}|`\\?#/".contains(it));
        let name = &rest[..end.unwrap_or(rest.len())];
        let id = format!("{secret}/{name}");
        if !name.is_empty() && !matches!(name, "." | "..") && !found.contains(&id) {
            found.push(id);
        }
    }
    found
}

pub(in crate::gitlab) fn attachment(id: &str, subject: &Subject) -> Attachment {
    Attachment {
        subject: subject.clone(),
        name: id.split_once('/').map_or(id, |(_, name)| name).to_owned(),
        url: Some(format!("/uploads/{id}")),
        ..Attachment::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn files_are_found_in_texts_once_each() {
        let secret = "0123456789abcdef0123456789abcdef";
        let text = format!(
            "![a](/uploads/{secret}/a.png) and [b](https://h.example/x/y/uploads/{secret}/b%20c.txt \
             \"t\") again /uploads/{secret}/a.png not /uploads/{secret}/.. nor /uploads/short/a"
        );

        assert_eq!(uploads(&text), [format!("{secret}/a.png"), format!("{secret}/b%20c.txt")]);
    }

    #[test]
    fn nulls_and_absences_are_nothing() {
        let json = r#"{"iid": 1, "assignees": null, "labels": null, "milestone": null}"#;

        let found = issue(serde_json::from_str(json).unwrap(), "h.example").unwrap();

        assert_eq!(found, Issue { number: 1, ..Issue::default() });
        assert!(issue(wire::Issue::default(), "h.example").is_none());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_search_panic(text in "(/uploads/|[0-9a-f]{32}|/|é|\\PC){0,12}") {
            uploads(&text);
        }
    }
}
