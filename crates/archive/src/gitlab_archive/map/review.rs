//! Verdicts, threads in diffs, and the comments in them.

use super::{
    super::{id, people::People, wire},
    body,
    note::{author, blank, name_of},
    owned, position, text, time, told,
};
use packhorse_core::{
    ObjectKind, Origin, mark,
    model::{HostId, Review, ReviewComment, ReviewThread, Verdict},
};

/// Verdicts as a first line says them. All but the first have no row of their own.
const VERDICTS: [(Verdict, &str); 4] = [
    (Verdict::Approved, "**Approved:**"),
    (Verdict::ChangesRequested, "**Changes requested**"),
    (Verdict::Dismissed, "**Dismissed review**"),
    (Verdict::Pending, "**Pending review**"),
];

/// Reads an approval.
pub(in super::super) fn approval(
    it: &wire::Approval,
    change_request: u64,
    people: &People,
) -> Option<(String, Review)> {
    let at = time(it.created_at.as_deref());
    let review = Review {
        change_request,
        author: people.identity(it.user_id),
        verdict: Verdict::Approved,
        created_at: at,
        submitted_at: at,
        ..Review::default()
    };
    Some((it.id?.to_string(), review))
}

/// Whether a review needs a note: the rows of approvals hold no words and no other verdict.
pub(in super::super) fn has_note(it: &Review) -> bool {
    it.verdict != Verdict::Approved || it.body.as_ref().is_some_and(|it| !it.as_str().is_empty())
}

/// Writes an approval, of reviews that approve.
pub(in super::super) fn write_approval(
    target: &str,
    it: &Review,
    people: &mut People,
) -> Option<wire::Approval> {
    let at = told(it.submitted_at.or(it.created_at));
    (it.verdict == Verdict::Approved).then(|| wire::Approval {
        id: Some(id::number(target)),
        user_id: people.id_of(it.author.as_ref()),
        created_at: at.clone(),
        updated_at: at,
    })
}

/// Writes what a review says as a note, which a hidden mark tells from a comment.
pub(in super::super) fn write_note(target: &str, it: &Review, people: &mut People) -> wire::Note {
    let said = body(it.body.as_ref()).unwrap_or_default();
    let word = VERDICTS.iter().find(|(verdict, _)| *verdict == it.verdict).map(|(_, word)| *word);
    let parts = [word.unwrap_or_default(), &said];
    let parts: Vec<&str> = parts.into_iter().filter(|it| !it.is_empty()).collect();
    // An approval's note is told apart by its id, the approval's.
    let of = mark::of(&Origin::new(ObjectKind::Review, target));
    wire::Note {
        note: Some(format!("{}\n\n{of}", parts.join("\n\n"))),
        author_id: people.id_of(it.author.as_ref()),
        author: name_of(it.author.as_ref()),
        created_at: told(it.created_at),
        updated_at: told(it.submitted_at),
        commit_id: None,
        discussion_id: Some(id::discussion(&format!("review/{target}"))),
        ..blank(target, "MergeRequest")
    }
}

/// Reads a note that is a review; `approves` tells whether that id is an approval's.
pub(in super::super) fn from_note(
    it: &wire::Note,
    change_request: u64,
    approves: impl Fn(u64) -> bool,
    people: &People,
) -> Option<(String, Review)> {
    let note = it.note.as_deref()?;
    let (origin, _) = mark::parse(note)?;
    let is_own = |id: &u64| origin.kind == ObjectKind::Review && id::number(&origin.id) == *id;
    let number = it.id.filter(is_own)?;
    // All that was written, white space and all: what `parse` gives has lost some at its end.
    let end = note.rfind(&mark::of(&origin)).unwrap_or(note.len());
    let mut said = note[..end].strip_suffix("\n\n").unwrap_or(&note[..end]);
    let mut verdict = if approves(number) { Verdict::Approved } else { Verdict::Commented };
    for (known, word) in VERDICTS {
        if let Some(rest) = said.strip_prefix(word) {
            (verdict, said) = (known, rest.strip_prefix("\n\n").unwrap_or(rest));
            break;
        }
    }
    let review = Review {
        change_request,
        author: author(it, people),
        body: text(Some(said.to_owned())),
        verdict,
        created_at: time(it.created_at.as_deref()),
        submitted_at: time(it.updated_at.as_deref()),
        ..Review::default()
    };
    Some((number.to_string(), review))
}

/// Reads the thread that notes of one discussion in a diff are.
pub(in super::super) fn thread(
    notes: &[&wire::Note],
    change_request: u64,
    people: &People,
) -> Option<ReviewThread> {
    let first = notes.first()?;
    // Settled is what all of it is; who did it last says when.
    let is_settled = notes.iter().all(|it| it.resolved_at.is_some());
    let last = notes.iter().rfind(|it| it.resolved_at.is_some()).filter(|_| is_settled);
    Some(ReviewThread {
        change_request,
        position: position::read(first).unwrap_or_default(),
        resolver: last.and_then(|it| people.identity(it.resolved_by_id)),
        resolved_at: last.and_then(|it| time(it.resolved_at.as_deref())),
        created_at: time(first.created_at.as_deref()),
        ..ReviewThread::default()
    })
}

/// Reads a comment of a thread; `first` is the one that opened it, if that is another.
pub(in super::super) fn comment(
    it: &wire::Note,
    (change_request, thread): (u64, &str),
    first: Option<u64>,
    people: &People,
) -> Option<(String, ReviewComment)> {
    let comment = ReviewComment {
        change_request,
        thread: Some(HostId(thread.to_owned())),
        reply_to: first.map(|it| HostId(it.to_string())),
        author: author(it, people),
        body: text(it.note.clone()),
        position: position::read(it).unwrap_or_default(),
        created_at: time(it.created_at.as_deref()),
        updated_at: time(it.updated_at.as_deref()),
        ..ReviewComment::default()
    };
    Some((it.id?.to_string(), comment))
}

/// Writes a comment on a line; who settled its thread stands in each of its notes.
pub(in super::super) fn write_comment(
    target: &str,
    it: &ReviewComment,
    (discussion, thread): (&str, Option<&ReviewThread>),
    people: &mut People,
) -> wire::Note {
    let mut note = wire::Note {
        note: body(it.body.as_ref()).or_else(|| Some(String::new())),
        author_id: people.id_of(it.author.as_ref()),
        author: name_of(it.author.as_ref()),
        created_at: told(it.created_at),
        updated_at: told(it.updated_at),
        r#type: owned("DiffNote"),
        commit_id: it.position.commit.clone(),
        discussion_id: Some(discussion.to_owned()),
        resolved_at: thread.and_then(|it| told(it.resolved_at)),
        resolved_by_id: thread.and_then(|it| people.id_of(it.resolver.as_ref())),
        ..blank(target, "MergeRequest")
    };
    position::write(&it.position, &mut note);
    note
}

/// A thread by itself, as the first of its notes will tell it.
pub(in super::super) fn write_thread(
    discussion: &str,
    it: &ReviewThread,
    people: &mut People,
) -> wire::Note {
    let comment = ReviewComment {
        change_request: it.change_request,
        position: it.position.clone(),
        created_at: it.created_at,
        ..ReviewComment::default()
    };
    write_comment("0", &comment, (discussion, Some(it)), people)
}
