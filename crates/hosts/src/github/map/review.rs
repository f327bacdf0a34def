//! Reviews, threads and review comments.

use super::{Notes, host_id, number_in, plain, text};
use crate::github::wire;
use packhorse_core::{
    Object,
    model::{HostId, Position, Review, ReviewComment, ReviewThread, Side, Verdict},
};

pub(in crate::github) fn review(
    it: wire::Review,
    number: u64,
    notes: &mut Notes<'_>,
) -> Option<(String, Object)> {
    let verdict = match it.state.as_deref() {
        Some("APPROVED") => Verdict::Approved,
        Some("CHANGES_REQUESTED") => Verdict::ChangesRequested,
        Some("COMMENTED") => Verdict::Commented,
        Some("DISMISSED") => Verdict::Dismissed,
        Some("PENDING") => Verdict::Pending,
        other => {
            notes.odd("verdict", other.unwrap_or("null"));
            Verdict::Commented
        }
    };
    let review = Review {
        change_request: number,
        author: notes.author(it.user.as_ref()),
        body: text(it.body),
        verdict,
        commit: plain(it.commit_id),
        created_at: None,
        submitted_at: notes.time("submitted_at", it.submitted_at),
    };
    Some((it.id?.to_string(), Object::from(review)))
}

fn side(field: &'static str, word: Option<&str>, notes: &mut Notes<'_>) -> Option<Side> {
    match word? {
        "LEFT" => Some(Side::Left),
        "RIGHT" => Some(Side::Right),
        other => {
            notes.odd(field, other);
            None
        }
    }
}

/// A line, counted from 1; comments on whole files have none.
fn line(number: Option<i64>) -> Option<u64> {
    number.and_then(|it| u64::try_from(it).ok()).filter(|it| *it > 0)
}

fn position(it: &wire::ReviewComment, notes: &mut Notes<'_>) -> Position {
    let whole_file = it.subject_type.as_deref() == Some("file");
    Position {
        path: it.path.clone().unwrap_or_default(),
        commit: plain(it.commit_id.clone()),
        original_commit: plain(it.original_commit_id.clone()),
        side: side("position.side", it.side.as_deref(), notes),
        line: line(it.line),
        start_line: line(it.start_line),
        start_side: side("position.start_side", it.start_side.as_deref(), notes),
        original_line: line(it.original_line),
        original_start_line: line(it.original_start_line),
        diff_position: line(it.position),
        original_diff_position: line(it.original_position),
        hunk: plain(it.diff_hunk.clone()),
        whole_file,
        ..Position::default()
    }
}

/// Number of the change request that a comment is about.
pub(in crate::github) fn number(it: &wire::ReviewComment) -> Option<u64> {
    number_in(it.pull_request_url.as_deref())
}

/// Id of the thread that a comment stands in: that of its first comment.
fn thread_id(it: &wire::ReviewComment) -> Option<HostId> {
    host_id(it.in_reply_to_id.or(it.id))
}

/// The thread that a comment opens, and whether it is settled; `None` of an answer.
pub(in crate::github) fn thread(
    it: &wire::ReviewComment,
    told: Option<&wire::graph::Thread>,
    notes: &mut Notes<'_>,
) -> Option<(String, Object)> {
    if it.in_reply_to_id.is_some() {
        return None;
    }
    let is_resolved = told.is_some_and(|it| it.is_resolved == Some(true));
    let resolver = told.and_then(|it| notes.actor(it.resolved_by.as_ref()));
    let created_at = notes.time("created_at", it.created_at.clone());
    // The moment is not told: the last that is known of the thread stands for it.
    let resolved_at =
        is_resolved.then(|| notes.time("resolved_at", it.updated_at.clone())).flatten();
    let thread = ReviewThread {
        change_request: number(it)?,
        review: host_id(it.pull_request_review_id),
        position: position(it, notes),
        outdated: told.and_then(|it| it.is_outdated),
        resolver: resolver.filter(|_| is_resolved),
        resolved_at: resolved_at.or(created_at.filter(|_| is_resolved)),
        created_at,
    };
    Some((thread_id(it)?.0, Object::from(thread)))
}

pub(in crate::github) fn comment(
    it: wire::ReviewComment,
    notes: &mut Notes<'_>,
) -> Option<(String, Object)> {
    let comment = ReviewComment {
        change_request: number(&it)?,
        review: host_id(it.pull_request_review_id),
        thread: thread_id(&it),
        reply_to: host_id(it.in_reply_to_id),
        author: notes.author(it.user.as_ref()),
        position: position(&it, notes),
        body: text(it.body),
        pending: false,
        created_at: notes.time("created_at", it.created_at),
        updated_at: notes.time("updated_at", it.updated_at),
    };
    Some((it.id?.to_string(), Object::from(comment)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> wire::ReviewComment {
        serde_json::from_str(json).unwrap()
    }

    fn notes() -> Notes<'static> {
        Notes { host: "h.example", losses: Vec::new() }
    }

    const FIRST: &str = r#"{"id": 10, "pull_request_url": "https://h.example/repos/a/b/pulls/3",
        "path": "a.txt", "line": null, "original_line": 5, "position": 1, "side": "LEFT",
        "pull_request_review_id": 7, "created_at": "2026-01-01T00:00:00Z"}"#;

    #[test]
    fn a_thread_is_called_as_its_first_comment() {
        let (id, object) = thread(&read(FIRST), None, &mut notes()).unwrap();

        let Object::ReviewThread(thread) = object else { panic!("a thread") };
        assert_eq!((id.as_str(), thread.change_request), ("10", 3));
        let at = thread.position;
        assert_eq!((at.line, at.original_line, at.side), (None, Some(5), Some(Side::Left)));
        assert_eq!((thread.resolved_at, thread.outdated), (None, None));

        let answer = r#"{"id": 11, "in_reply_to_id": 10,
            "pull_request_url": "https://h.example/repos/a/b/pulls/3"}"#;
        assert!(super::thread(&read(answer), None, &mut notes()).is_none());
        let (_, object) = comment(read(answer), &mut notes()).unwrap();
        let Object::ReviewComment(comment) = object else { panic!("a review comment") };
        assert_eq!(comment.thread.unwrap().0, "10");
    }

    #[test]
    fn a_settled_thread_has_a_moment() {
        let told = serde_json::from_str(
            r#"{"isResolved": true, "isOutdated": true, "resolvedBy": {"login": "bob"}}"#,
        )
        .unwrap();

        let (_, object) = thread(&read(FIRST), Some(&told), &mut notes()).unwrap();

        let Object::ReviewThread(thread) = object else { panic!("a thread") };
        assert_eq!(thread.resolver.unwrap().login, "bob");
        assert!(thread.resolved_at.is_some() && thread.outdated == Some(true));
    }

    #[test]
    fn a_verdict_nobody_knows_is_a_comment_and_never_an_approval() {
        let mut notes = notes();
        let told = serde_json::from_str(r#"{"id": 1, "state": "BLESSED"}"#).unwrap();

        let (_, object) = review(told, 3, &mut notes).unwrap();

        let Object::Review(review) = object else { panic!("a review") };
        assert_eq!((review.verdict, notes.losses.len()), (Verdict::Commented, 1));
    }
}
