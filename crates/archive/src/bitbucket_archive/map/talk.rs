//! Comments, threads, and comments in them.

use super::{NO_COMMIT, commit, millis, plain, text, time};
use crate::bitbucket_archive::{who, wire};
use packhorse_core::model::{
    Comment, HostId, Position, ReviewComment, ReviewThread, Side, Subject, TaskState,
};

/// Where a place is.
fn position(anchor: &wire::Anchor) -> Position {
    let line = anchor.line.filter(|it| *it > 0);
    let side = match (anchor.fileType.as_deref(), anchor.lineType.as_deref()) {
        (Some("FROM"), _) | (None, Some("REMOVED")) => Side::Left,
        (Some(_) | None, _) => Side::Right,
    };
    let path = anchor.path.clone().unwrap_or_default();
    let now = commit(anchor.toHash.clone());
    Position {
        old_path: anchor.srcPath.clone().filter(|it| !it.is_empty() && *it != path),
        path,
        commit: now.clone(),
        original_commit: now,
        base_commit: commit(anchor.fromHash.clone()),
        side: line.map(|_| side),
        line,
        original_line: line,
        whole_file: line.is_none(),
        ..Position::default()
    }
}

/// Which line of a change a place is on: as the change that was shown says, else by its side.
fn line_type(it: &Position) -> &'static str {
    let last = it.hunk.as_deref().and_then(|it| it.lines().last());
    match last.and_then(|it| it.chars().next()) {
        Some('+') => "ADDED",
        Some('-') => "REMOVED",
        Some(' ') => "CONTEXT",
        _ if it.side == Some(Side::Left) => "REMOVED",
        _ => "ADDED",
    }
}

/// A place; one whose line is gone stands where it was.
fn anchor(it: &Position, is_outdated: Option<bool>) -> wire::Anchor {
    let line = it.line.or(it.original_line).filter(|_| !it.whole_file);
    let is_left = it.side == Some(Side::Left);
    let to = it.commit.clone().or_else(|| it.original_commit.clone());
    wire::Anchor {
        diffType: Some("EFFECTIVE".to_owned()),
        fileType: line.map(|_| if is_left { "FROM" } else { "TO" }.to_owned()),
        fromHash: Some(it.base_commit.clone().unwrap_or_else(|| NO_COMMIT.to_owned())),
        line: Some(line.unwrap_or_default()),
        lineType: line.map(|_| line_type(it).to_owned()),
        orphaned: Some(is_outdated.unwrap_or_default()),
        path: Some(it.path.clone()),
        srcPath: None,
        toHash: Some(to.unwrap_or_else(|| NO_COMMIT.to_owned())),
    }
}

fn task(it: &wire::Comment) -> Option<TaskState> {
    let is_settled = it.state.as_deref() == Some("RESOLVED");
    let is_task = it.severity.as_deref() == Some("BLOCKER");
    is_task.then_some(if is_settled { TaskState::Resolved } else { TaskState::Open })
}

/// When what a comment began was called settled: the last thing that happened to it.
fn settled(it: &wire::Comment) -> Option<i64> {
    let thread = it.thread.as_ref().filter(|it| it.resolved == Some(true))?;
    thread.updatedTimestamp.or(it.updatedTimestamp)
}

/// A comment that stands at no place; `answers` is what it answers.
pub(in crate::bitbucket_archive) fn comment(
    it: &wire::Comment,
    number: u64,
    answers: Option<&str>,
) -> Comment {
    Comment {
        subject: Subject::ChangeRequest(number),
        reply_to: answers.map(HostId::from),
        author: it.authorId.as_deref().and_then(who::read),
        body: text(it.text.clone()),
        task: task(it),
        resolver: it.resolverId.as_deref().and_then(who::read),
        resolved_at: time(it.resolvedTimestamp.or_else(|| settled(it))),
        created_at: time(it.createdTimestamp),
        updated_at: time(it.updatedTimestamp),
        ..Comment::default()
    }
}

fn begun(it: &wire::Comment, anchor: Option<wire::Anchor>, settled: Option<i64>) -> wire::Thread {
    let last = it.updatedTimestamp.max(it.createdTimestamp);
    wire::Thread {
        anchor,
        createdTimestamp: it.createdTimestamp,
        resolved: Some(settled.is_some()),
        updatedTimestamp: settled.or(last),
    }
}

/// A comment without its answers.
pub(in crate::bitbucket_archive) fn write_comment(id: &str, it: &Comment) -> wire::Comment {
    let is_resolved = it.task == Some(TaskState::Resolved);
    let mut written = wire::Comment {
        authorId: Some(who::write(it.author.as_ref())),
        createdTimestamp: Some(millis(it.created_at)),
        id: Some(id.to_owned()),
        resolvedTimestamp: is_resolved.then(|| millis(it.resolved_at)),
        resolverId: is_resolved.then(|| who::write(it.resolver.as_ref())),
        severity: Some(if it.task.is_some() { "BLOCKER" } else { "NORMAL" }.to_owned()),
        state: Some(if is_resolved { "RESOLVED" } else { "OPEN" }.to_owned()),
        text: Some(plain(it.body.as_ref())),
        updatedTimestamp: Some(millis(it.updated_at.or(it.created_at))),
        ..wire::Comment::default()
    };
    if it.reply_to.is_none() {
        let settled = it.resolved_at.filter(|_| it.task.is_none());
        written.thread = Some(begun(&written, None, settled.map(|it| millis(Some(it)))));
    }
    written
}

/// What a comment at a place began.
pub(in crate::bitbucket_archive) fn thread(
    it: &wire::Comment,
    number: u64,
) -> Option<ReviewThread> {
    let begun = it.thread.as_ref()?;
    let anchor = begun.anchor.as_ref()?;
    Some(ReviewThread {
        change_request: number,
        position: position(anchor),
        outdated: Some(anchor.orphaned.unwrap_or_default()),
        resolver: it.resolverId.as_deref().and_then(who::read),
        resolved_at: time(it.resolvedTimestamp.or_else(|| settled(it))),
        created_at: time(begun.createdTimestamp.or(it.createdTimestamp)),
        ..ReviewThread::default()
    })
}

/// A comment at the place of the thread that it stands in.
pub(in crate::bitbucket_archive) fn review_comment(
    it: &wire::Comment,
    number: u64,
    (thread, place): (&str, &wire::Anchor),
    answers: Option<&str>,
) -> ReviewComment {
    ReviewComment {
        change_request: number,
        thread: Some(HostId::from(thread)),
        reply_to: answers.map(HostId::from),
        author: it.authorId.as_deref().and_then(who::read),
        body: text(it.text.clone()),
        position: position(place),
        pending: it.state.as_deref() == Some("PENDING"),
        created_at: time(it.createdTimestamp),
        updated_at: time(it.updatedTimestamp),
        ..ReviewComment::default()
    }
}

/// A comment at a place, without its answers; the first of a thread is told of that.
pub(in crate::bitbucket_archive) fn write_review_comment(
    id: &str,
    it: &ReviewComment,
    begins: Option<Option<&ReviewThread>>,
) -> wire::Comment {
    let mut written = wire::Comment {
        authorId: Some(who::write(it.author.as_ref())),
        createdTimestamp: Some(millis(it.created_at)),
        id: Some(id.to_owned()),
        severity: Some("NORMAL".to_owned()),
        state: Some("OPEN".to_owned()),
        text: Some(plain(it.body.as_ref())),
        updatedTimestamp: Some(millis(it.updated_at.or(it.created_at))),
        ..wire::Comment::default()
    };
    if let Some(thread) = begins {
        let place = thread.map_or(&it.position, |it| &it.position);
        let anchor = anchor(place, thread.and_then(|it| it.outdated));
        let settled = thread.and_then(|it| it.resolved_at).map(|it| millis(Some(it)));
        let mut begun = begun(&written, Some(anchor), settled);
        if let Some(at) = thread.and_then(|it| it.created_at) {
            begun.createdTimestamp = Some(millis(Some(at)));
        }
        written.thread = Some(begun);
    }
    written
}

/// A comment at a place as the archive gives it back.
pub(in crate::bitbucket_archive) fn review_comment_back(
    id: &str,
    it: &ReviewComment,
) -> ReviewComment {
    let written = write_review_comment(id, it, Some(None));
    let anchor = anchor(&it.position, None);
    let answers = it.reply_to.as_ref().map(|it| it.0.as_str()).filter(|_| it.thread.is_some());
    let thread = it.thread.as_ref().map_or(id, |it| it.0.as_str());
    review_comment(&written, it.change_request, (thread, &anchor), answers)
}

/// A thread as the archive gives it back, with its first comment.
pub(in crate::bitbucket_archive) fn thread_back(
    id: &str,
    it: &ReviewThread,
) -> Option<ReviewThread> {
    let first = ReviewComment {
        change_request: it.change_request,
        position: it.position.clone(),
        created_at: it.created_at,
        ..ReviewComment::default()
    };
    thread(&write_review_comment(id, &first, Some(Some(it))), it.change_request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(place: Position, expected: (&str, u64, Option<&str>)) {
        let written = anchor(&place, None);

        let found = (
            written.fileType.as_deref().unwrap_or("-"),
            written.line.unwrap(),
            written.lineType.as_deref(),
        );
        assert_eq!(found, expected);
    }

    #[test]
    fn a_place_is_on_the_line_that_was_shown() {
        let at = |side, hunk: Option<&str>| Position {
            line: Some(3),
            side: Some(side),
            hunk: hunk.map(str::to_owned),
            ..Position::default()
        };
        check(at(Side::Right, None), ("TO", 3, Some("ADDED")));
        check(at(Side::Left, None), ("FROM", 3, Some("REMOVED")));
        check(at(Side::Right, Some("@@ -1 +1 @@\n same")), ("TO", 3, Some("CONTEXT")));
        check(Position { whole_file: true, ..Position::default() }, ("-", 0, None));
    }
}
