//! What is said: discussions, as comments, threads and comments on lines.

use super::{identity, plain, text, time};
use crate::gitlab::{ours, wire};
use packhorse_core::model::{
    Comment, CommitComment, HostId, Position, Review, ReviewComment, ReviewThread, Side, Subject,
};

/// Whether a discussion stands at a place in a diff.
pub(in crate::gitlab) fn is_in_diff(it: &wire::Discussion) -> bool {
    let first = it.notes.iter().flatten().next();
    first.is_some_and(|it| it.position.is_some() || it.r#type.as_deref() == Some("DiffNote"))
}

/// The notes of a discussion that people wrote.
fn written(it: wire::Discussion) -> impl Iterator<Item = wire::Note> {
    it.notes.into_iter().flatten().filter(|it| it.system != Some(true))
}

/// The comments of a discussion, with the ids that `id` makes of theirs.
pub(in crate::gitlab) fn comments(
    discussion: wire::Discussion,
    subject: &Subject,
    id: impl Fn(u64) -> String,
    host: &str,
) -> Vec<(String, Comment)> {
    let (mut found, mut first) = (Vec::new(), None);
    for note in written(discussion) {
        let Some(own) = note.id.map(&id) else { continue };
        let is_resolved = note.resolved == Some(true);
        let comment = Comment {
            subject: subject.clone(),
            reply_to: first.clone().map(HostId),
            author: note.author.as_ref().and_then(|it| identity(it, host)),
            task: note.body.as_deref().and_then(ours::task),
            body: text(note.body),
            internal: note.internal.or(note.confidential).unwrap_or_default(),
            resolver: note.resolved_by.as_ref().and_then(|it| identity(it, host)),
            resolved_at: time(note.resolved_at.as_deref()).filter(|_| is_resolved),
            created_at: time(note.created_at.as_deref()),
            updated_at: time(note.updated_at.as_deref()),
        };
        first.get_or_insert_with(|| own.clone());
        found.push((own, comment));
    }
    found
}

/// Whether a comment is a verdict, which is read as one.
pub(in crate::gitlab) fn is_verdict(it: &Comment) -> bool {
    it.body.as_ref().is_some_and(|it| ours::verdict(it.as_str()).is_some())
}

/// A verdict that stands in a note.
pub(in crate::gitlab) struct Verdict {
    /// The end of its id.
    pub(in crate::gitlab) id: String,
    pub(in crate::gitlab) review: Review,
    is_given: bool,
}

impl Verdict {
    /// Whose approval it says as well.
    pub(in crate::gitlab) fn given(&self) -> Option<String> {
        let author = self.review.author.as_ref().filter(|_| self.is_given)?;
        Some(author.login.clone())
    }
}

/// The verdict that a note is.
pub(in crate::gitlab) fn verdict(
    it: wire::Note,
    change_request: u64,
    host: &str,
) -> Option<Verdict> {
    let found = ours::verdict(it.body.as_deref()?)?;
    let at = time(it.created_at.as_deref());
    let review = Review {
        change_request,
        author: it.author.as_ref().and_then(|it| identity(it, host)),
        body: text(Some(found.text)),
        verdict: found.verdict,
        created_at: at,
        submitted_at: at,
        ..Review::default()
    };
    Some(Verdict { id: format!("note/{}", it.id?), review, is_given: found.is_given })
}

/// Where in a diff; a position in a picture is about the file as a whole.
///
/// Source: GitLab, "Discussions API", "Create a new thread in the merge request diff".
fn position(it: Option<&wire::Position>) -> Position {
    let Some(it) = it else { return Position::default() };
    let path = plain(it.new_path.clone()).or_else(|| plain(it.old_path.clone()));
    let path = path.unwrap_or_default();
    let (side, line) = match (it.new_line, it.old_line) {
        (None, Some(line)) => (Side::Left, Some(line)),
        (line, _) => (Side::Right, line),
    };
    let start = it.line_range.as_ref().and_then(|it| it.start.as_ref());
    let start = start.and_then(|it| match (it.new_line, it.old_line) {
        (None, Some(line)) => Some((Side::Left, line)),
        (line, _) => line.map(|line| (Side::Right, line)),
    });
    let start = start.filter(|it| line.is_some() && *it != (side, line.unwrap_or_default()));
    let head = plain(it.head_sha.clone());
    Position {
        old_path: plain(it.old_path.clone()).filter(|it| *it != path),
        path,
        commit: head.clone(),
        original_commit: head,
        base_commit: plain(it.base_sha.clone()),
        side: Some(side),
        line,
        start_line: start.map(|(_, line)| line),
        start_side: start.map(|(side, _)| side),
        original_line: line,
        original_start_line: start.map(|(_, line)| line),
        whole_file: it.position_type.as_deref().is_some_and(|it| it != "text"),
        ..Position::default()
    }
}

/// The thread that a discussion in a diff is.
pub(in crate::gitlab) fn thread(
    it: &wire::Discussion,
    change_request: u64,
    host: &str,
) -> Option<ReviewThread> {
    let notes = || it.notes.iter().flatten();
    let first = notes().next()?;
    let is_resolved = notes().any(|it| it.resolvable == Some(true))
        && notes().filter(|it| it.resolvable == Some(true)).all(|it| it.resolved == Some(true));
    let told = |it: &&wire::Note| it.resolved == Some(true) && it.resolved_by.is_some();
    let last = notes().rfind(told).filter(|_| is_resolved);
    Some(ReviewThread {
        change_request,
        position: position(first.position.as_ref()),
        resolver: last.and_then(|it| identity(it.resolved_by.as_ref()?, host)),
        resolved_at: last.and_then(|it| time(it.resolved_at.as_deref())),
        created_at: time(first.created_at.as_deref()),
        ..ReviewThread::default()
    })
}

/// The comments of a thread, with the ids that `id` makes of theirs.
pub(in crate::gitlab) fn review_comments(
    discussion: wire::Discussion,
    (change_request, thread): (u64, &str),
    id: impl Fn(u64) -> String,
    host: &str,
) -> Vec<(String, ReviewComment)> {
    let (mut found, mut first) = (Vec::new(), None);
    for note in written(discussion) {
        let Some(own) = note.id.map(&id) else { continue };
        let comment = ReviewComment {
            change_request,
            thread: Some(thread.into()),
            reply_to: first.clone().map(HostId),
            author: note.author.as_ref().and_then(|it| identity(it, host)),
            position: position(note.position.as_ref()),
            body: text(note.body),
            created_at: time(note.created_at.as_deref()),
            updated_at: time(note.updated_at.as_deref()),
            ..ReviewComment::default()
        };
        first.get_or_insert_with(|| own.clone());
        found.push((own, comment));
    }
    found
}

/// The comments of a discussion on a commit.
pub(in crate::gitlab) fn commit_comments(
    discussion: wire::Discussion,
    commit: &str,
    host: &str,
) -> Vec<(u64, CommitComment)> {
    let mapped = written(discussion).filter_map(|note| {
        let place = note.position.as_ref().map(|it| position(Some(it)));
        let comment = CommitComment {
            commit: commit.to_owned(),
            path: place.as_ref().map(|it| it.path.clone()).filter(|it| !it.is_empty()),
            line: place.and_then(|it| it.line),
            author: note.author.as_ref().and_then(|it| identity(it, host)),
            body: text(note.body),
            created_at: time(note.created_at.as_deref()),
            updated_at: time(note.updated_at.as_deref()),
            ..CommitComment::default()
        };
        Some((note.id?, comment))
    });
    mapped.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> wire::Discussion {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn answers_in_a_thread_name_its_first_comment() {
        let thread = read(
            r#"{"id":"d","notes":[{"id":1,"body":"a"},{"id":2,"system":true,"body":"x"},
                {"id":3,"body":"b","resolved":true,"resolved_at":"2026-01-01T00:00:00Z"}]}"#,
        );

        let found = comments(thread, &Subject::Issue(7), |id| format!("issues/7/{id}"), "h");

        let ids: Vec<_> = found.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["issues/7/1", "issues/7/3"]);
        assert_eq!(found[0].1.reply_to, None);
        assert_eq!(found[1].1.reply_to, Some(HostId("issues/7/1".into())));
        assert!(found[1].1.resolved_at.is_some());
    }

    #[test]
    fn a_thread_is_settled_when_all_of_it_is() {
        let of = |last: bool| {
            let json = format!(
                r#"{{"id":"d","notes":[{{"id":1,"resolvable":true,"resolved":true,
                    "resolved_by":{{"username":"alice"}},"position":{{"new_path":"a.rs"}}}},
                    {{"id":2,"resolvable":true,"resolved":{last}}},{{"id":3,"resolvable":false}}]}}"#
            );
            thread(&read(&json), 5, "h").unwrap().resolver
        };

        assert!(of(false).is_none());
        assert_eq!(of(true).unwrap().login, "alice");
    }

    #[test]
    fn a_place_is_on_the_side_that_has_its_line() {
        #[track_caller]
        fn check(json: &str, expected: (Side, Option<u64>, Option<u64>)) {
            let found = position(Some(&serde_json::from_str(json).unwrap()));

            assert_eq!((found.side.unwrap(), found.line, found.start_line), expected);
        }
        check(r#"{"new_path":"a","old_line":4}"#, (Side::Left, Some(4), None));
        check(r#"{"new_path":"a","old_line":4,"new_line":5}"#, (Side::Right, Some(5), None));
        check(
            r#"{"new_path":"a","new_line":5,"line_range":{"start":{"new_line":3},"end":{"new_line":5}}}"#,
            (Side::Right, Some(5), Some(3)),
        );
        check(
            r#"{"new_path":"a","new_line":5,"line_range":{"start":{"new_line":5},"end":{"new_line":5}}}"#,
            (Side::Right, Some(5), None),
        );
        let file: wire::Position =
            serde_json::from_str(r#"{"new_path":"a","position_type":"file"}"#).unwrap();
        assert!(position(Some(&file)).whole_file);
    }
}
