//! Reviews, and the threads that their comments make.

use super::{identity, plain, text, time};
use crate::gitea::wire;
use packhorse_core::model::{
    HostId, Position, Review, ReviewComment, ReviewThread, Side, Text, Verdict,
};
use std::collections::BTreeMap;

/// A review and its id; `None` for what only asks for one.
pub(in crate::gitea) fn review(
    review: wire::Review,
    change_request: u64,
    host: &str,
) -> Option<(String, Review)> {
    let verdict = match (review.dismissed, review.state.as_deref()) {
        (Some(true), _) => Verdict::Dismissed,
        (_, Some("APPROVED")) => Verdict::Approved,
        (_, Some("REQUEST_CHANGES")) => Verdict::ChangesRequested,
        (_, Some("PENDING")) => Verdict::Pending,
        (_, Some("REQUEST_REVIEW")) => return None,
        (_, Some(_) | None) => Verdict::Commented,
    };
    let says_nothing = review.body.as_ref().is_none_or(|it| it.trim().is_empty());
    if says_nothing && verdict == Verdict::Commented {
        // It only carries comments, which say everything themselves.
        return None;
    }
    let mapped = Review {
        change_request,
        author: review.user.as_ref().and_then(|it| identity(it, host)),
        body: text(review.body),
        verdict,
        commit: plain(review.commit_id),
        created_at: None,
        submitted_at: time(review.submitted_at.as_deref()),
    };
    Some((review.id?.to_string(), mapped))
}

/// The id of a thread: where it is.
pub(in crate::gitea) fn thread_id(
    change_request: u64,
    path: &str,
    (line, is_old): (u64, bool),
) -> String {
    format!("{change_request}/{}{line}/{path}", if is_old { "-" } else { "" })
}

/// Comments of one change request, as threads: those on one line of one side of one file.
pub(in crate::gitea) struct Threads(BTreeMap<(String, u64, u64), Vec<wire::ReviewComment>>);

impl Threads {
    pub(in crate::gitea) fn of(comments: Vec<wire::ReviewComment>) -> Self {
        let mut threads: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for comment in comments {
            let place = (
                comment.path.clone().unwrap_or_default(),
                comment.position.unwrap_or_default(),
                comment.original_position.unwrap_or_default(),
            );
            threads.entry(place).or_default().push(comment);
        }
        threads.values_mut().for_each(|it| it.sort_by_key(|it| it.id));
        Self(threads)
    }

    /// Threads, called by where they are.
    pub(in crate::gitea) fn threads(
        &self,
        change_request: u64,
        host: &str,
    ) -> Vec<(String, ReviewThread)> {
        let mapped = self.0.iter().filter_map(|((path, new, old), comments)| {
            let first = comments.first()?;
            let resolver = comments.iter().find_map(|it| it.resolver.as_ref());
            let thread = ReviewThread {
                change_request,
                review: first.pull_request_review_id.map(|it| HostId(it.to_string())),
                position: position(first),
                resolver: resolver.and_then(|it| identity(it, host)),
                created_at: time(first.created_at.as_deref()),
                ..ReviewThread::default()
            };
            Some((thread_id(change_request, path, side(*new, *old)), thread))
        });
        mapped.collect()
    }

    /// Comments, thread by thread.
    pub(in crate::gitea) fn comments(
        self,
        change_request: u64,
        host: &str,
    ) -> Vec<(String, ReviewComment)> {
        let mut list = Vec::new();
        for ((path, new, old), comments) in self.0 {
            let thread = thread_id(change_request, &path, side(new, old));
            let thread = Some(HostId(thread));
            for comment in comments {
                let Some(id) = comment.id else { continue };
                let mapped = ReviewComment {
                    change_request,
                    review: comment.pull_request_review_id.map(|it| HostId(it.to_string())),
                    thread: thread.clone(),
                    author: comment.user.as_ref().and_then(|it| identity(it, host)),
                    position: position(&comment),
                    created_at: time(comment.created_at.as_deref()),
                    updated_at: time(comment.updated_at.as_deref()),
                    body: body(comment.body),
                    ..ReviewComment::default()
                };
                list.push((id.to_string(), mapped));
            }
        }
        list
    }
}

fn body(body: Option<String>) -> Option<Text> {
    text(body)
}

/// Line, and whether it is one of the old text.
fn side(new: u64, old: u64) -> (u64, bool) {
    if new == 0 && old > 0 { (old, true) } else { (new, false) }
}

/// Where a comment is. `position` is the line of the new text, `original_position` that of the
/// old one, and the other of them is zero.
///
/// Source: Gitea, `services/convert/pull_review.go`.
fn position(comment: &wire::ReviewComment) -> Position {
    let new = comment.position.filter(|it| *it > 0);
    let old = comment.original_position.filter(|it| *it > 0);
    let side = match (new, old) {
        (None, Some(_)) => Side::Left,
        (Some(_), _) | (None, None) => Side::Right,
    };
    Position {
        path: comment.path.clone().unwrap_or_default(),
        commit: plain(comment.commit_id.clone()),
        original_commit: plain(comment.original_commit_id.clone()),
        side: Some(side),
        line: new.or(old),
        hunk: plain(comment.diff_hunk.clone()),
        ..Position::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_on_one_line_are_a_thread() {
        let comment = |id, path: &str, position, resolver: Option<&str>| wire::ReviewComment {
            id: Some(id),
            path: Some(path.into()),
            position: Some(position),
            resolver: resolver
                .map(|it| wire::User { login: Some(it.into()), ..wire::User::default() }),
            ..wire::ReviewComment::default()
        };
        let comments = vec![
            comment(3, "a.rs", 7, None),
            comment(1, "a.rs", 7, Some("alice")),
            comment(2, "a.rs", 8, None),
        ];

        let threads = Threads::of(comments.clone()).threads(5, "h.example");
        let comments = Threads::of(comments).comments(5, "h.example");

        let ids: Vec<_> = threads.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["5/7/a.rs", "5/8/a.rs"]);
        assert_eq!(threads[0].1.resolver.as_ref().unwrap().login, "alice");
        let belongs: Vec<_> = comments
            .iter()
            .map(|(id, it)| (id.as_str(), it.thread.as_ref().unwrap().0.as_str()))
            .collect();
        assert_eq!(belongs, [("1", "5/7/a.rs"), ("3", "5/7/a.rs"), ("2", "5/8/a.rs")]);
    }

    #[test]
    fn a_line_of_the_old_text_is_on_the_left() {
        let comment = wire::ReviewComment {
            position: Some(0),
            original_position: Some(4),
            ..wire::ReviewComment::default()
        };

        let found = position(&comment);

        assert_eq!((found.side, found.line), (Some(Side::Left), Some(4)));
    }
}
