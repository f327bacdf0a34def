//! Reactions, embedded in what they are to.

use super::{Notes, id, identity, time, user};
use crate::github::wire;
use packhorse_core::{
    Object,
    model::{Reaction, Subject},
};

/// The model's words and GitHub's in this format, which differ from those of its API.
///
/// Source: exports of 2019 to 2022 (`smile`, `tada`, `thinking_face`); newer
/// exporters write the words of the API, so both are read.
const WORDS: [(&str, &str); 8] = [
    ("+1", "+1"),
    ("-1", "-1"),
    ("laugh", "smile"),
    ("hooray", "tada"),
    ("confused", "thinking_face"),
    ("heart", "heart"),
    ("rocket", "rocket"),
    ("eyes", "eyes"),
];

/// Reads a reaction to `subject`.
pub(in crate::github) fn read(
    subject: &Subject,
    it: wire::Reaction,
    notes: &mut Notes,
) -> (String, Reaction) {
    let word = WORDS.iter().find(|(_, theirs)| *theirs == it.content);
    let reaction = Reaction {
        subject: subject.clone(),
        author: identity(it.user.as_deref()),
        content: word.map_or(it.content, |(ours, _)| (*ours).to_owned()),
        created_at: notes.time("created_at", it.created_at),
    };
    (id::reaction(&reaction), reaction)
}

/// Writes a reaction; `None` when GitHub has no such picture or takes no reactions to that.
pub(in crate::github) fn write(it: &Reaction) -> Option<wire::Reaction> {
    let (_, content) = WORDS.iter().find(|(ours, _)| *ours == it.content)?;
    Some(wire::Reaction {
        user: user(it.author.as_ref()),
        content: (*content).to_owned(),
        subject_type: Some(subject_type(&it.subject)?.to_owned()),
        created_at: time(it.created_at),
    })
}

/// Whether GitHub has no such picture.
pub(in crate::github) fn is_foreign(object: &Object) -> bool {
    matches!(object, Object::Reaction(it) if !WORDS.iter().any(|(ours, _)| *ours == it.content))
}

/// GitHub's word for what is reacted to; change requests are issues here.
fn subject_type(subject: &Subject) -> Option<&'static str> {
    match subject {
        Subject::Issue(_) | Subject::ChangeRequest(_) => Some("Issue"),
        Subject::Comment(_) => Some("IssueComment"),
        Subject::Review(_) => Some("PullRequestReview"),
        Subject::ReviewComment(_) => Some("PullRequestReviewComment"),
        Subject::CommitComment(_) => Some("CommitComment"),
        Subject::Discussion(_) => Some("Discussion"),
        Subject::Project | Subject::Release(_) | Subject::Commit(_) | Subject::Snippet(_) => None,
    }
}
