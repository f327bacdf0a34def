//! Comments on issues, change requests, snippets and commits.

use super::{
    super::{id, people::People, wire},
    body, owned, plain, position, text, time, told,
};
use packhorse_core::model::{Comment, CommitComment, HostId, Subject};

/// What a note of that subject stands under, in the server's words.
pub(in super::super) fn noteable(subject: &Subject) -> Option<&'static str> {
    match subject {
        Subject::Issue(_) => Some("Issue"),
        Subject::ChangeRequest(_) => Some("MergeRequest"),
        Subject::Snippet(_) => Some("Snippet"),
        Subject::Commit(_) => Some("Commit"),
        Subject::Project
        | Subject::Discussion(_)
        | Subject::Release(_)
        | Subject::Comment(_)
        | Subject::Review(_)
        | Subject::ReviewComment(_)
        | Subject::CommitComment(_) => None,
    }
}

/// What the server noted by itself.
pub(in super::super) fn is_system(it: &wire::Note) -> bool {
    it.system == Some(true)
}

/// Whether a note stands at a place in a diff.
pub(in super::super) fn is_in_diff(it: &wire::Note) -> bool {
    matches!(it.r#type.as_deref(), Some("DiffNote" | "LegacyDiffNote")) || it.position.is_some()
}

/// Who wrote a note: of an account that the archive does not tell, the name stands in the note.
pub(in super::super) fn author(
    it: &wire::Note,
    people: &People,
) -> Option<packhorse_core::model::Identity> {
    let mut who = people.identity(it.author_id)?;
    if who.name.is_none() {
        who.name = it.author.as_ref().and_then(|it| plain(it.name.clone()));
    }
    Some(who)
}

/// Reads a comment; `first` is the note that opened its discussion, if it did not itself.
pub(in super::super) fn comment(
    it: &wire::Note,
    subject: &Subject,
    first: Option<u64>,
    people: &People,
) -> Option<(String, Comment)> {
    let comment = Comment {
        subject: subject.clone(),
        reply_to: first.map(|it| HostId(it.to_string())),
        author: author(it, people),
        body: text(it.note.clone()),
        internal: it.internal.or(it.confidential).unwrap_or_default(),
        resolver: people.identity(it.resolved_by_id),
        resolved_at: time(it.resolved_at.as_deref()),
        created_at: time(it.created_at.as_deref()),
        updated_at: time(it.updated_at.as_deref()),
        ..Comment::default()
    };
    Some((it.id?.to_string(), comment))
}

/// What all notes have.
pub(super) fn blank(number: &str, under: &str) -> wire::Note {
    wire::Note {
        id: Some(id::number(number)),
        noteable_type: owned(under),
        system: Some(false),
        ..wire::Note::default()
    }
}

/// Writes a comment; `root` is the id of the note that opened its discussion.
pub(in super::super) fn write_comment(
    target: &str,
    it: &Comment,
    root: &str,
    people: &mut People,
) -> Option<wire::Note> {
    let is_answer = root != target;
    let in_thread = is_answer || it.resolved_at.is_some();
    Some(wire::Note {
        note: body(it.body.as_ref()).or_else(|| Some(String::new())),
        author_id: people.id_of(it.author.as_ref()),
        author: name_of(it.author.as_ref()),
        created_at: told(it.created_at),
        updated_at: told(it.updated_at),
        r#type: in_thread.then(|| "DiscussionNote".to_owned()),
        resolved_at: told(it.resolved_at),
        resolved_by_id: people.id_of(it.resolver.as_ref()),
        discussion_id: Some(id::discussion(root)),
        internal: it.internal.then_some(true),
        confidential: it.internal.then_some(true),
        ..blank(target, noteable(&it.subject)?)
    })
}

/// The name for importers that do not know the account.
pub(super) fn name_of(who: Option<&packhorse_core::model::Identity>) -> Option<wire::NoteAuthor> {
    let who = who?;
    Some(wire::NoteAuthor { name: who.name.clone().or_else(|| Some(who.login.clone())) })
}

/// Reads a comment on a commit.
pub(in super::super) fn commit_comment(
    it: &wire::Note,
    people: &People,
) -> Option<(String, CommitComment)> {
    let place = position::read(it);
    let comment = CommitComment {
        commit: plain(it.commit_id.clone())?,
        path: place.as_ref().map(|it| it.path.clone()),
        line: place.and_then(|it| it.line),
        diff_position: None,
        author: author(it, people),
        body: text(it.note.clone()),
        created_at: time(it.created_at.as_deref()),
        updated_at: time(it.updated_at.as_deref()),
    };
    Some((it.id?.to_string(), comment))
}

/// Writes a comment on a commit.
pub(in super::super) fn write_commit_comment(
    target: &str,
    it: &CommitComment,
    people: &mut People,
) -> wire::Note {
    let mut note = wire::Note {
        note: body(it.body.as_ref()).or_else(|| Some(String::new())),
        author_id: people.id_of(it.author.as_ref()),
        author: name_of(it.author.as_ref()),
        created_at: told(it.created_at),
        updated_at: told(it.updated_at),
        commit_id: Some(it.commit.clone()),
        discussion_id: Some(id::discussion(target)),
        ..blank(target, "Commit")
    };
    if let Some(path) = &it.path {
        let place = packhorse_core::model::Position {
            path: path.clone(),
            commit: Some(it.commit.clone()),
            line: it.line,
            original_line: it.line,
            whole_file: it.line.is_none(),
            ..packhorse_core::model::Position::default()
        };
        note.r#type = owned("DiffNote");
        position::write(&place, &mut note);
    }
    note
}
