//! Discussions, which GraphQL alone tells.

use super::{Notes, host_id, plain, text};
use crate::github::wire::graph;
use packhorse_core::{
    Object,
    model::{Comment, Discussion, DiscussionCategory, HostId, Identity, IdentityKind, Subject},
};

/// Whoever wrote something; accounts that are gone are told as `null`.
fn author(actor: Option<&graph::Actor>, notes: &Notes<'_>) -> Option<Identity> {
    notes.actor(actor).or_else(|| {
        let ghost = Identity::login(super::GHOST, Some(notes.host));
        Some(Identity { kind: IdentityKind::Deleted, ..ghost })
    })
}

/// Id of a comment on a discussion: apart from those on issues, which count for themselves.
fn comment_id(database_id: Option<u64>) -> Option<HostId> {
    host_id(database_id).map(|it| HostId(format!("discussioncomment-{}", it.0)))
}

pub(in crate::github) fn category(it: graph::Category) -> Option<(String, Object)> {
    let name = plain(it.name)?;
    let emoji = plain(it.emoji);
    let description = plain(it.description);
    Some((name.clone(), Object::from(DiscussionCategory { name, emoji, description })))
}

pub(in crate::github) fn discussion(
    it: graph::Discussion,
    notes: &mut Notes<'_>,
) -> Option<(String, Object)> {
    let labels = it.labels.unwrap_or_default();
    let discussion = Discussion {
        number: it.number?,
        title: it.title.unwrap_or_default(),
        body: text(it.body),
        author: author(it.author.as_ref(), notes),
        category: it.category.and_then(|it| it.name),
        labels: labels.items().filter_map(|it| it.name).collect(),
        answer: it.answer.and_then(|it| comment_id(it.database_id)),
        created_at: notes.time("created_at", it.created_at),
        updated_at: notes.time("updated_at", it.updated_at),
        closed_at: notes.time("closed_at", it.closed_at),
    };
    Some((discussion.number.to_string(), Object::from(discussion)))
}

/// A comment on a discussion.
pub(in crate::github) fn comment(
    it: graph::DiscussionComment,
    number: u64,
    notes: &mut Notes<'_>,
) -> Option<(String, Object)> {
    let id = comment_id(it.database_id)?;
    let comment = Comment {
        subject: Subject::Discussion(number),
        author: author(it.author.as_ref(), notes),
        body: text(it.body),
        created_at: notes.time("created_at", it.created_at),
        updated_at: notes.time("updated_at", it.updated_at),
        ..Comment::default()
    };
    Some((id.0, Object::from(comment)))
}

/// An answer to such a comment.
pub(in crate::github) fn reply(
    it: graph::Reply,
    (number, parent): (u64, Option<u64>),
    notes: &mut Notes<'_>,
) -> Option<(String, Object)> {
    let id = comment_id(it.database_id)?;
    let comment = Comment {
        subject: Subject::Discussion(number),
        reply_to: comment_id(parent),
        author: author(it.author.as_ref(), notes),
        body: text(it.body),
        created_at: notes.time("created_at", it.created_at),
        updated_at: notes.time("updated_at", it.updated_at),
        ..Comment::default()
    };
    Some((id.0, Object::from(comment)))
}
