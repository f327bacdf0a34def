//! Notes, the discussions that they stand in, and award emoji.
//!
//! Plain notes are the store's comments; notes on a diff are its review
//! comments. Both share one row of ids at GitLab, so the latter are moved up.

use super::{
    Desk, Place, issue, missing, not_found, refusal,
    view::{content, emoji, text, time, told},
};
use crate::exchange::Answer;
use http::{Method, StatusCode};
use packhorse_core::model::{
    ChangeRequest, Comment, HostId, Issue, Position, Reaction, ReviewComment, ReviewThread, Side,
    Snippet, Subject,
};
use serde_json::{Value, json};

/// What is added to the id of a note on a diff, and to that of its discussion.
const ON_DIFF: u64 = 10_000_000;

/// What is talked about.
struct Topic {
    subject: Subject,
    /// GitLab's word for it, its id, and its number in the project.
    kind: &'static str,
    id: u64,
    number: u64,
}

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let [list, number, rest @ ..] = rest else { return None };
    let number: u64 = number.parse().ok()?;
    let topic = if *list == "snippets" {
        let found = desk.store.get::<Snippet>(&place.scope, number);
        found.map(|_| (Subject::Snippet(HostId(number.to_string())), "Snippet", number))
    } else if *list == "issues" {
        let found = desk.store.find::<Issue>(&place.scope, |it| it.number == number);
        found.map(|(id, _)| (Subject::Issue(number), "Issue", id))
    } else {
        let found = desk.store.find::<ChangeRequest>(&place.scope, |it| it.number == number);
        found.map(|(id, _)| (Subject::ChangeRequest(number), "MergeRequest", id))
    };
    let Some((subject, kind, id)) = topic else { return Some(not_found("")) };
    let topic = Topic { subject, kind, id, number };
    let method = desk.request.method.clone();
    match rest {
        ["award_emoji", rest @ ..] => {
            let (subject, on) = (topic.subject.clone(), (topic.id, topic.kind));
            awards(desk, place, (&subject, on), &method, rest)
        }
        ["notes", id, "award_emoji", rest @ ..] => {
            let id: u64 = id.parse().ok()?;
            let host = |id: u64| HostId(id.to_string());
            let subject = if id > ON_DIFF {
                Subject::ReviewComment(host(id - ON_DIFF))
            } else {
                Subject::Comment(host(id))
            };
            awards(desk, place, (&subject, (id, "Note")), &method, rest)
        }
        ["notes", rest @ ..] => notes(desk, place, &topic, &method, rest),
        ["discussions", rest @ ..] => discussions(desk, place, &topic, &method, rest),
        _ => None,
    }
}

fn note(desk: &Desk<'_>, place: &Place, topic: &Topic, id: u64, it: &Comment) -> Value {
    json!({
        "id": id, "type": null, "body": text(&it.body).as_str().unwrap_or(""), "attachment": null,
        "author": desk.view().somebody(&it.author), "created_at": told(it.created_at),
        "updated_at": told(it.updated_at.or(it.created_at)), "system": false,
        "noteable_id": topic.id, "noteable_type": topic.kind, "project_id": place.id,
        "noteable_iid": topic.number, "resolvable": false, "confidential": it.internal,
        "internal": it.internal, "imported": false, "commands_changes": {},
    })
}

fn diff_note(desk: &Desk<'_>, place: &Place, topic: &Topic, id: u64, it: &ReviewComment) -> Value {
    let thread = it.thread.as_ref().and_then(|it| it.0.parse().ok());
    let thread = thread.and_then(|id| desk.store.get::<ReviewThread>(&place.scope, id));
    let resolved = thread.and_then(|it| it.resolved_at);
    let at = thread.map_or(&it.position, |it| &it.position);
    let is_old = at.side == Some(Side::Left);
    let head = at.commit.as_deref().or(at.original_commit.as_deref());
    json!({
        "id": id + ON_DIFF, "type": "DiffNote", "body": text(&it.body).as_str().unwrap_or(""),
        "attachment": null, "author": desk.view().somebody(&it.author),
        "created_at": told(it.created_at), "updated_at": told(it.updated_at.or(it.created_at)),
        "system": false, "noteable_id": topic.id, "noteable_type": topic.kind,
        "project_id": place.id, "noteable_iid": topic.number, "resolvable": true,
        "resolved": resolved.is_some(), "resolved_at": time(resolved), "confidential": false,
        "resolved_by": thread.map_or(Value::Null, |it| desk.view().maybe(&it.resolver)),
        "internal": false, "imported": false, "commands_changes": {}, "commit_id": null,
        "position": {
            "base_sha": at.base_commit, "start_sha": at.base_commit, "head_sha": head,
            "position_type": if at.whole_file { "file" } else { "text" }, "new_path": at.path,
            "old_path": at.old_path.as_deref().unwrap_or(&at.path), "line_range": null,
            "new_line": at.line.filter(|_| !is_old), "old_line": at.line.filter(|_| is_old),
        },
    })
}

fn about<'a>(
    desk: &'a Desk<'_>,
    place: &Place,
    topic: &Topic,
) -> impl Iterator<Item = (u64, &'a Comment)> {
    let subject = topic.subject.clone();
    desk.store.all::<Comment>(&place.scope).filter(move |(_, it)| it.subject == subject)
}

fn on_diff<'a>(
    desk: &'a Desk<'_>,
    place: &Place,
    topic: &Topic,
) -> impl Iterator<Item = (u64, &'a ReviewComment)> {
    let number = match topic.kind {
        "MergeRequest" => topic.number,
        _ => 0,
    };
    desk.store.all::<ReviewComment>(&place.scope).filter(move |(_, it)| it.change_request == number)
}

fn sorted(desk: &Desk<'_>, mut all: Vec<Value>) -> Vec<Value> {
    let field = desk.request.query("order_by").unwrap_or("created_at").to_owned();
    all.sort_by_key(|it| (it[&field].as_str().unwrap_or_default().to_owned(), it["id"].as_u64()));
    if desk.request.query("sort") != Some("asc") {
        all.reverse();
    }
    all
}

fn notes(
    desk: &mut Desk<'_>,
    place: &Place,
    topic: &Topic,
    method: &Method,
    rest: &[&str],
) -> Option<Answer> {
    match (method, rest) {
        (&Method::GET, []) => {
            let plain = about(desk, place, topic).map(|(id, it)| note(desk, place, topic, id, it));
            let diff =
                on_diff(desk, place, topic).map(|(id, it)| diff_note(desk, place, topic, id, it));
            let all = plain.chain(diff).collect();
            Some(desk.page(sorted(desk, all)))
        }
        (&Method::POST, []) => Some(match comment(desk, place, topic, None) {
            Ok((id, it)) => Answer::created(&note(desk, place, topic, id, &it)),
            Err(refused) => *refused,
        }),
        (_, [id]) => one_note(desk, place, topic, method, id.parse().ok()?),
        _ => None,
    }
}

fn one_note(
    desk: &mut Desk<'_>,
    place: &Place,
    topic: &Topic,
    method: &Method,
    id: u64,
) -> Option<Answer> {
    let (body, now) = (issue::body(desk, "body"), desk.store.now());
    let is_diff = id > ON_DIFF;
    if *method == Method::DELETE {
        let was = if is_diff {
            desk.store.remove::<ReviewComment>(&place.scope, id - ON_DIFF)
        } else {
            desk.store.remove::<Comment>(&place.scope, id)
        };
        return Some(if was { Answer::no_content() } else { not_found("Note") });
    }
    if is_diff {
        let id = id - ON_DIFF;
        let it = desk.store.get_mut::<ReviewComment>(&place.scope, id)?;
        if let Some(body) = body.filter(|_| *method == Method::PUT) {
            (it.body, it.updated_at) = (Some(body), now);
        }
        let it = desk.store.get::<ReviewComment>(&place.scope, id)?;
        return Some(Answer::ok(&diff_note(desk, place, topic, id, it)));
    }
    let it = desk.store.get_mut::<Comment>(&place.scope, id)?;
    if let Some(body) = body.filter(|_| *method == Method::PUT) {
        (it.body, it.updated_at) = (Some(body), now);
    }
    let it = desk.store.get::<Comment>(&place.scope, id)?;
    Some(Answer::ok(&note(desk, place, topic, id, it)))
}

/// A new note.
fn comment(
    desk: &mut Desk<'_>,
    place: &Place,
    topic: &Topic,
    reply_to: Option<u64>,
) -> Result<(u64, Comment), Box<Answer>> {
    let Some(body) = issue::body(desk, "body") else { return Err(Box::new(missing("body"))) };
    if body.as_str().trim().is_empty() {
        let words = "Note {:note=>[\"can't be blank\"]}";
        return Err(Box::new(refusal(StatusCode::BAD_REQUEST, words)));
    }
    let now = desk.moment();
    let it = Comment {
        subject: topic.subject.clone(),
        reply_to: reply_to.map(|it| HostId(it.to_string())),
        author: Some(desk.author()),
        body: Some(body),
        internal: desk.flag("internal").or_else(|| desk.flag("confidential")) == Some(true),
        created_at: now,
        updated_at: now,
        ..Comment::default()
    };
    Ok((desk.store.add(&place.scope, it.clone()), it))
}

/// The id of the discussion that begins with a note, or of a thread on a diff.
fn discussion_id(n: u64) -> String {
    format!("{n:040x}")
}

/// All discussions, in the order of their first notes.
fn all_discussions(desk: &Desk<'_>, place: &Place, topic: &Topic) -> Vec<Value> {
    let plain = about(desk, place, topic).filter(|(_, it)| it.reply_to.is_none());
    let plain = plain.map(|(id, it)| {
        let key = Some(HostId(id.to_string()));
        let replies = about(desk, place, topic).filter(|(_, it)| it.reply_to == key);
        let replies = replies.map(|(id, it)| note(desk, place, topic, id, it));
        let mut notes = vec![note(desk, place, topic, id, it)];
        notes.extend(replies);
        let alone = notes.len() == 1;
        if !alone {
            notes.iter_mut().for_each(|it| it["type"] = json!("DiscussionNote"));
        }
        json!({ "id": discussion_id(id), "individual_note": alone, "notes": notes })
    });
    let threads = desk.store.all::<ReviewThread>(&place.scope);
    let threads =
        threads.filter(|(_, it)| topic.kind == "MergeRequest" && it.change_request == topic.number);
    let threads = threads.filter_map(|(id, _)| thread(desk, place, topic, id));
    let mut all: Vec<_> = plain.chain(threads).collect();
    all.sort_by_key(|it| it["notes"][0]["created_at"].as_str().unwrap_or_default().to_owned());
    all
}

/// A thread on a diff; GitLab has none without notes.
fn thread(desk: &Desk<'_>, place: &Place, topic: &Topic, id: u64) -> Option<Value> {
    let key = Some(HostId(id.to_string()));
    let notes = on_diff(desk, place, topic).filter(|(_, it)| it.thread == key);
    let notes: Vec<_> = notes.map(|(id, it)| diff_note(desk, place, topic, id, it)).collect();
    let id = discussion_id(id + ON_DIFF);
    (!notes.is_empty()).then(|| json!({ "id": id, "individual_note": false, "notes": notes }))
}

fn found(desk: &Desk<'_>, place: &Place, topic: &Topic, id: &str) -> Option<Value> {
    all_discussions(desk, place, topic).into_iter().find(|it| it["id"] == id)
}

fn discussions(
    desk: &mut Desk<'_>,
    place: &Place,
    topic: &Topic,
    method: &Method,
    rest: &[&str],
) -> Option<Answer> {
    match (method, rest) {
        (&Method::GET, []) => Some(desk.page(all_discussions(desk, place, topic))),
        (&Method::POST, []) => {
            let position = desk.body["position"].clone();
            if position.is_object() && topic.kind == "MergeRequest" {
                return Some(begin_thread(desk, place, topic, &position));
            }
            match comment(desk, place, topic, None) {
                Ok((id, _)) => {
                    let shown = found(desk, place, topic, &discussion_id(id))?;
                    Some(Answer::created(&shown))
                }
                Err(refused) => Some(*refused),
            }
        }
        (_, [id, rest @ ..]) => {
            let Some(shown) = found(desk, place, topic, id) else {
                return Some(not_found("Discussion"));
            };
            let n = u64::from_str_radix(id, 16).ok()?;
            let thread = n.checked_sub(ON_DIFF);
            match (method, rest) {
                (&Method::GET, []) => Some(Answer::ok(&shown)),
                (&Method::PUT, []) => resolve(desk, place, topic, (id, thread)),
                (&Method::POST, ["notes"]) => Some(match thread {
                    Some(thread) => reply(desk, place, topic, thread),
                    None => match comment(desk, place, topic, Some(n)) {
                        Ok((id, it)) => Answer::created(&note(desk, place, topic, id, &it)),
                        Err(refused) => *refused,
                    },
                }),
                (_, ["notes", id]) => one_note(desk, place, topic, method, id.parse().ok()?),
                _ => None,
            }
        }
        _ => None,
    }
}

fn resolve(
    desk: &mut Desk<'_>,
    place: &Place,
    topic: &Topic,
    (id, thread): (&str, Option<u64>),
) -> Option<Answer> {
    let Some(resolved) = desk.flag("resolved") else { return Some(missing("resolved")) };
    let (author, now) = (desk.author(), desk.store.now());
    let it = desk.store.get_mut::<ReviewThread>(&place.scope, thread?)?;
    (it.resolver, it.resolved_at) = if resolved { (Some(author), now) } else { (None, None) };
    found(desk, place, topic, id).map(|it| Answer::ok(&it))
}

/// Begins a thread on a line of the diff.
///
/// Source: GitLab, "Discussions API", "Create new merge request thread".
fn begin_thread(desk: &mut Desk<'_>, place: &Place, topic: &Topic, asked: &Value) -> Answer {
    for field in ["base_sha", "head_sha", "start_sha", "position_type"] {
        if !asked[field].is_string() {
            return missing(&format!("position[{field}]"));
        }
    }
    let text = |field: &str| asked[field].as_str().map(str::to_owned);
    let (new, old) = (asked["new_line"].as_u64(), asked["old_line"].as_u64());
    let whole_file = asked["position_type"] == "file";
    if new.is_none() && old.is_none() && !whole_file {
        let words = "400 Bad request - Note {:line_code=>[\"can't be blank\", \"must be a valid line code\"]}";
        return refusal(StatusCode::BAD_REQUEST, words);
    }
    let position = Position {
        path: text("new_path").or_else(|| text("old_path")).unwrap_or_default(),
        old_path: text("old_path").filter(|it| text("new_path").as_ref() != Some(it)),
        commit: text("head_sha"),
        base_commit: text("base_sha"),
        side: Some(if new.is_some() { Side::Right } else { Side::Left }),
        line: new.or(old),
        whole_file,
        ..Position::default()
    };
    if issue::body(desk, "body").is_none() {
        return missing("body");
    }
    let created_at = desk.moment();
    let thread = ReviewThread {
        change_request: topic.number,
        position,
        created_at,
        ..ReviewThread::default()
    };
    let id = desk.store.add(&place.scope, thread);
    let refused = reply(desk, place, topic, id);
    let shown = self::thread(desk, place, topic, id);
    shown.map_or(refused, |it| Answer::created(&it))
}

fn reply(desk: &mut Desk<'_>, place: &Place, topic: &Topic, thread: u64) -> Answer {
    let Some(body) = issue::body(desk, "body") else { return missing("body") };
    let position = desk.store.get::<ReviewThread>(&place.scope, thread);
    let position = position.map(|it| it.position.clone()).unwrap_or_default();
    let now = desk.moment();
    let it = ReviewComment {
        change_request: topic.number,
        thread: Some(HostId(thread.to_string())),
        author: Some(desk.author()),
        body: Some(body),
        position,
        created_at: now,
        updated_at: now,
        ..ReviewComment::default()
    };
    let id = desk.store.add(&place.scope, it.clone());
    Answer::created(&diff_note(desk, place, topic, id, &it))
}

fn awards(
    desk: &mut Desk<'_>,
    place: &Place,
    (subject, on): (&Subject, (u64, &str)),
    method: &Method,
    rest: &[&str],
) -> Option<Answer> {
    let view = desk.view();
    match (method, rest) {
        (&Method::GET, []) => {
            let all = desk.store.all::<Reaction>(&place.scope);
            let all = all.filter(|(_, it)| it.subject == *subject);
            Some(desk.page(all.map(|(id, it)| view.reaction(id, it, on)).collect()))
        }
        (&Method::POST, []) => {
            let Some(name) = desk.text("name") else { return Some(missing("name")) };
            let author = desk.author();
            let same = |it: &Reaction| {
                it.subject == *subject
                    && emoji(&it.content) == name
                    && it.author.as_ref().is_some_and(|it| it.login == author.login)
            };
            if desk.store.find::<Reaction>(&place.scope, same).is_some() {
                let words = "404 Award Emoji Name has already been taken Not Found";
                return Some(refusal(StatusCode::NOT_FOUND, words));
            }
            let it = Reaction {
                subject: subject.clone(),
                author: Some(author),
                content: content(&name).to_owned(),
                created_at: desk.store.now(),
            };
            let id = desk.store.add(&place.scope, it.clone());
            Some(Answer::created(&desk.view().reaction(id, &it, on)))
        }
        (_, [id]) => {
            let id: u64 = id.parse().ok()?;
            if *method == Method::DELETE {
                let was = desk.store.remove::<Reaction>(&place.scope, id);
                return Some(if was { Answer::no_content() } else { not_found("Award Emoji") });
            }
            let it = desk.store.get::<Reaction>(&place.scope, id)?;
            Some(Answer::ok(&view.reaction(id, it, on)))
        }
        _ => None,
    }
}
