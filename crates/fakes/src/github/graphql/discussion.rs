//! Discussions, their categories and what is said in them.

use super::{
    Desk, Fault, Field, Found, Place, actor, connection, must, node_of, object, project::missing,
    refused, unknown,
};
use crate::{
    access::Access,
    github::{
        issue::{LONGEST_BODY, who},
        view::{node, told},
    },
};
use packhorse_core::{
    Scope,
    model::{
        Comment, Discussion, DiscussionCategory, HostId, Markup, Project, Subject, Text, Time,
    },
};
use serde_json::{Value, json};

/// What every project has whose discussions are switched on.
///
/// Source: GitHub, "Managing categories for discussions", "About categories for discussions".
const OFFERED: [(&str, &str, &str); 6] = [
    ("Announcements", ":mega:", "Updates from maintainers"),
    ("General", ":speech_balloon:", "Chat about anything and everything here"),
    ("Ideas", ":bulb:", "Share ideas for new features"),
    ("Polls", ":ballot_box:", "Take a vote from the community"),
    ("Q&A", ":pray:", "Ask the community for help"),
    ("Show and tell", ":raised_hands:", "Show off something you've made"),
];

/// Whether a project has discussions.
fn is_on(desk: &Desk<'_>, place: &Place) -> bool {
    let project = desk.store.get::<Project>(&Scope::Shared, place.id);
    project.is_some_and(|it| it.features.discussions == Some(true))
}

/// Makes the categories that there are from the beginning.
pub(super) fn offer_categories(desk: &mut Desk<'_>, place: &Place) {
    let has_some = desk.store.all::<DiscussionCategory>(&place.scope).next().is_some();
    if has_some || !is_on(desk, place) {
        return;
    }
    for (name, emoji, description) in OFFERED {
        let text = |it: &str| Some(it.to_owned());
        let category = DiscussionCategory {
            name: name.to_owned(),
            emoji: text(emoji),
            description: text(description),
        };
        desk.store.add(&place.scope, category);
    }
}

pub(super) fn categories(desk: &Desk<'_>, place: &Place, field: &Field) -> Found {
    let all: Vec<_> = desk.store.all::<DiscussionCategory>(&place.scope).collect();
    connection(field, &all, |(id, it), fields| category(*id, it, fields))
}

fn category(id: u64, it: &DiscussionCategory, fields: &[Field]) -> Found {
    object("DiscussionCategory", fields, |field| match field.name.as_str() {
        "id" => Ok(json!(node("DIC", id))),
        "name" => Ok(json!(it.name)),
        "emoji" => Ok(json!(it.emoji.as_deref().unwrap_or(":speech_balloon:"))),
        "description" => Ok(json!(it.description)),
        "isAnswerable" => Ok(json!(it.name == "Q&A")),
        _ => unknown("DiscussionCategory", field),
    })
}

pub(super) fn list(desk: &Desk<'_>, place: &Place, field: &Field) -> Found {
    let mut all: Vec<(Option<Time>, u64)> =
        desk.store.all::<Discussion>(&place.scope).map(|(id, it)| (it.created_at, id)).collect();
    all.sort_by_key(|(at, id)| (at.map(|it| it.instant()), *id));
    // What was touched last comes first, unless it is said otherwise.
    if field.argument("orderBy")["direction"] != "ASC" {
        all.reverse();
    }
    connection(field, &all, |(_, id), fields| discussion(desk, place, *id, fields))
}

pub(super) fn numbered(desk: &Desk<'_>, place: &Place, number: u64, fields: &[Field]) -> Found {
    match desk.store.find::<Discussion>(&place.scope, |it| it.number == number) {
        Some((id, _)) => discussion(desk, place, id, fields),
        None => missing("Discussion", number),
    }
}

fn discussion(desk: &Desk<'_>, place: &Place, id: u64, fields: &[Field]) -> Found {
    let Some(it) = desk.store.get::<Discussion>(&place.scope, id) else { return Ok(Value::Null) };
    object("Discussion", fields, |field| match field.name.as_str() {
        "id" => Ok(json!(node("D", id))),
        "number" => Ok(json!(it.number)),
        "title" => Ok(json!(it.title)),
        "body" => Ok(json!(it.body.as_ref().map_or("", Text::as_str))),
        "author" => actor(it.author.as_ref(), field),
        "category" => {
            let name = it.category.as_deref().unwrap_or("General");
            let found = desk.store.find::<DiscussionCategory>(&place.scope, |it| it.name == name);
            found.map_or(Ok(Value::Null), |(id, it)| category(id, it, &field.fields))
        }
        "labels" => connection(field, &it.labels, |name, fields| {
            object("Label", fields, |field| match field.name.as_str() {
                "name" => Ok(json!(name)),
                _ => unknown("Label", field),
            })
        }),
        "answer" => {
            let answer = it.answer.as_ref().and_then(|it| it.0.parse().ok());
            answer.map_or(Ok(Value::Null), |id| comment(desk, place, id, &field.fields))
        }
        "createdAt" => Ok(told(it.created_at)),
        "updatedAt" => Ok(told(it.updated_at.or(it.created_at))),
        "closedAt" => Ok(it.closed_at.map_or(Value::Null, |at| told(Some(at)))),
        "comments" => {
            let ids = comments(desk, place, it.number, None);
            connection(field, &ids, |id, fields| comment(desk, place, *id, fields))
        }
        _ => unknown("Discussion", field),
    })
}

/// What is said in a discussion: its comments, or the answers to one of them.
fn comments(desk: &Desk<'_>, place: &Place, number: u64, to: Option<u64>) -> Vec<u64> {
    let to = to.map(|it| HostId(it.to_string()));
    let is_meant = |it: &Comment| it.subject == Subject::Discussion(number) && it.reply_to == to;
    let all = desk.store.all::<Comment>(&place.scope);
    all.filter(|(_, it)| is_meant(it)).map(|(id, _)| id).collect()
}

fn comment(desk: &Desk<'_>, place: &Place, id: u64, fields: &[Field]) -> Found {
    let Some(it) = desk.store.get::<Comment>(&place.scope, id) else { return Ok(Value::Null) };
    let Subject::Discussion(number) = it.subject else { return Ok(Value::Null) };
    object("DiscussionComment", fields, |field| match field.name.as_str() {
        "id" => Ok(json!(node("DC", id))),
        "databaseId" => Ok(json!(id)),
        "author" => actor(it.author.as_ref(), field),
        "body" => Ok(json!(it.body.as_ref().map_or("", Text::as_str))),
        "createdAt" => Ok(told(it.created_at)),
        "updatedAt" => Ok(told(it.updated_at.or(it.created_at))),
        "replies" => {
            let ids = comments(desk, place, number, Some(id));
            connection(field, &ids, |id, fields| comment(desk, place, *id, fields))
        }
        _ => unknown("DiscussionComment", field),
    })
}

/// A text that must say something, and not too much.
fn words(input: &Value, name: &str) -> Result<String, Fault> {
    let text = input[name].as_str().unwrap_or_default();
    if text.trim().is_empty() {
        return refused("UNPROCESSABLE", format!("{name} can't be blank"));
    }
    if text.chars().count() > LONGEST_BODY {
        return refused("UNPROCESSABLE", format!("{name} is too long"));
    }
    Ok(text.to_owned())
}

/// What a mutation shows of a discussion.
fn shown(desk: &Desk<'_>, place: &Place, id: u64, fields: &[Field]) -> Found {
    object("DiscussionPayload", fields, |field| match field.name.as_str() {
        "clientMutationId" => Ok(Value::Null),
        "discussion" => discussion(desk, place, id, &field.fields),
        _ => unknown("DiscussionPayload", field),
    })
}

fn shown_comment(desk: &Desk<'_>, place: &Place, id: u64, fields: &[Field]) -> Found {
    object("DiscussionCommentPayload", fields, |field| match field.name.as_str() {
        "clientMutationId" => Ok(Value::Null),
        "comment" => comment(desk, place, id, &field.fields),
        _ => unknown("DiscussionCommentPayload", field),
    })
}

pub(super) fn create(desk: &mut Desk<'_>, input: &Value, field: &Field) -> Found {
    let id = input["repositoryId"].as_str().and_then(|it| it.strip_prefix("R_"));
    let id: Option<u64> = id.and_then(|it| it.parse().ok());
    let project = id.and_then(|id| desk.store.get::<Project>(&Scope::Shared, id));
    let path = project.map(|it| it.path.clone()).unwrap_or_default();
    let place = super::project_at(desk, &path)?;
    if !is_on(desk, &place) {
        return refused("UNPROCESSABLE", "Discussions are disabled for this repository.");
    }
    let (_, category) = node_of::<DiscussionCategory>(desk, "DIC", &input["categoryId"])?;
    let category = desk.store.get::<DiscussionCategory>(&place.scope, category);
    let Some(category) = category.map(|it| it.name.clone()) else {
        return refused("NOT_FOUND", "The category is of another repository.");
    };
    if category == "Polls" {
        return refused("UNPROCESSABLE", "Polls are made on the pages alone.");
    }
    let (title, body) = (words(input, "title")?, words(input, "body")?);
    let rows = ["issue", "change_request", "discussion"];
    let it = Discussion {
        number: desk.store.next_number(&place.path, &rows),
        title,
        body: Some(Text::new(body, Markup::Github)),
        author: Some(who(desk)),
        category: Some(category),
        created_at: desk.store.now(),
        updated_at: desk.store.now(),
        ..Discussion::default()
    };
    let id = desk.store.add(&place.scope, it);
    shown(desk, &place, id, &field.fields)
}

/// Changes a discussion, whose id is in the input under that name.
pub(super) fn change(
    desk: &mut Desk<'_>,
    (input, name): (&Value, &str),
    field: &Field,
    change: impl FnOnce(&mut Discussion, Option<Time>) -> Result<(), Fault>,
) -> Found {
    let (place, id) = node_of::<Discussion>(desk, "D", &input[name])?;
    must(desk, Access::Write)?;
    let now = desk.store.now();
    if let Some(it) = desk.store.get_mut::<Discussion>(&place.scope, id) {
        change(it, now)?;
        it.updated_at = now;
    }
    shown(desk, &place, id, &field.fields)
}

pub(super) fn update(desk: &mut Desk<'_>, input: &Value, field: &Field) -> Found {
    change(desk, (input, "discussionId"), field, |it, _| {
        if !input["title"].is_null() {
            it.title = words(input, "title")?;
        }
        if !input["body"].is_null() {
            it.body = Some(Text::new(words(input, "body")?, Markup::Github));
        }
        Ok(())
    })
}

pub(super) fn delete(desk: &mut Desk<'_>, input: &Value, field: &Field) -> Found {
    let (place, id) = node_of::<Discussion>(desk, "D", &input["id"])?;
    must(desk, Access::Admin)?;
    let answer = shown(desk, &place, id, &field.fields)?;
    let number = desk.store.get::<Discussion>(&place.scope, id).map(|it| it.number);
    desk.store.remove::<Discussion>(&place.scope, id);
    desk.store.remove_where::<Comment>(&place.scope, |it| {
        number.is_some_and(|number| it.subject == Subject::Discussion(number))
    });
    Ok(answer)
}

pub(super) fn add_comment(desk: &mut Desk<'_>, input: &Value, field: &Field) -> Found {
    let (place, id) = node_of::<Discussion>(desk, "D", &input["discussionId"])?;
    let number = desk.store.get::<Discussion>(&place.scope, id).map_or(0, |it| it.number);
    let body = words(input, "body")?;
    let mut reply_to = None;
    if !input["replyToId"].is_null() {
        let (_, to) = node_of::<Comment>(desk, "DC", &input["replyToId"])?;
        let first = desk.store.get::<Comment>(&place.scope, to);
        if first.is_none_or(|it| it.reply_to.is_some()) {
            return refused("UNPROCESSABLE", "Parent comment is already in a thread");
        }
        reply_to = Some(HostId(to.to_string()));
    }
    let it = Comment {
        subject: Subject::Discussion(number),
        reply_to,
        author: Some(who(desk)),
        body: Some(Text::new(body, Markup::Github)),
        created_at: desk.store.now(),
        updated_at: desk.store.now(),
        ..Comment::default()
    };
    let id = desk.store.add(&place.scope, it);
    shown_comment(desk, &place, id, &field.fields)
}

pub(super) fn update_comment(desk: &mut Desk<'_>, input: &Value, field: &Field) -> Found {
    let (place, id) = node_of::<Comment>(desk, "DC", &input["commentId"])?;
    let (body, now) = (words(input, "body")?, desk.store.now());
    if let Some(it) = desk.store.get_mut::<Comment>(&place.scope, id) {
        it.body = Some(Text::new(body, Markup::Github));
        it.updated_at = now;
    }
    shown_comment(desk, &place, id, &field.fields)
}

/// Chooses an answer, which only some categories have.
pub(super) fn answered(desk: &mut Desk<'_>, input: &Value, field: &Field) -> Found {
    let (place, comment) = node_of::<Comment>(desk, "DC", &input["id"])?;
    must(desk, Access::Write)?;
    let said = desk.store.get::<Comment>(&place.scope, comment).map(|it| it.subject.clone());
    let is_it = |it: &Discussion| said == Some(Subject::Discussion(it.number));
    let found = desk.store.find::<Discussion>(&place.scope, is_it);
    let Some((id, it)) = found else { return refused("NOT_FOUND", "There is no discussion.") };
    if it.category.as_deref() != Some("Q&A") {
        return refused("UNPROCESSABLE", "Discussion category does not support answers");
    }
    if let Some(it) = desk.store.get_mut::<Discussion>(&place.scope, id) {
        it.answer = Some(HostId(comment.to_string()));
    }
    shown(desk, &place, id, &field.fields)
}
