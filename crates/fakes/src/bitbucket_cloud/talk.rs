//! Comments and tasks of pull requests, and what was done with them.
//!
//! Plain comments are the store's comments; those on a diff are its review
//! comments. Both share one row of ids at Bitbucket, so the latter are moved up.
//! A comment that was answered stays when it is deleted, without its words.

use super::{
    Desk, Place, invalid, not_found, refusal,
    view::{content, time},
};
use crate::exchange::Answer;
use http::{Method, StatusCode};
use packhorse_core::{
    Scope,
    model::{
        ChangeRequest, ChangeRequestState, Comment, HostId, Identity, Markup, Position, Project,
        Review, ReviewComment, ReviewThread, Side, Subject, TaskState, Text, Time, Verdict,
    },
};
use serde_json::{Value, json};

/// What is added to the id of a comment on a diff.
const ON_DIFF: u64 = 10_000_000;

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    let ["pullrequests", number, what, rest @ ..] = rest else { return None };
    let number: u64 = number.parse().ok()?;
    let found = desk.store.find::<ChangeRequest>(&place.scope, |it| it.number == number);
    if found.is_none() {
        return Some(not_found(&format!("Pull request {number}")));
    }
    match (&method, *what, rest) {
        (&Method::GET, "activity", []) => Some(desk.stretch(activity(desk, place, number)?)),
        (&Method::GET, "comments", []) => Some(desk.page(comments(desk, place, number), 100)),
        (&Method::POST, "comments", []) => Some(add(desk, place, number)),
        (_, "comments", [id, rest @ ..]) => {
            let id = id.parse().ok()?;
            let Some(shown) = find(desk, place, (number, id)) else {
                return Some(not_found("Comment"));
            };
            match (&method, rest) {
                (&Method::GET, []) => Some(Answer::ok(&shown)),
                (&Method::PUT, []) => amend(desk, place, (number, id)),
                (&Method::DELETE, []) => Some(delete(desk, place, (number, id))),
                (&Method::POST | &Method::DELETE, ["resolve"]) => {
                    resolve(desk, place, id, &shown, method == Method::POST)
                }
                _ => None,
            }
        }
        (_, "tasks", rest) => tasks(desk, place, number, &method, rest),
        _ => None,
    }
}

/// What all comments show alike.
struct Shown<'a> {
    id: u64,
    number: u64,
    author: &'a Option<Identity>,
    body: &'a Option<Text>,
    created_at: Option<Time>,
    updated_at: Option<Time>,
}

fn deleted(place: &Place, id: u64) -> String {
    format!("deleted comment {} {id}", place.path)
}

fn frame(desk: &Desk<'_>, place: &Place, it: &Shown<'_>) -> Value {
    let view = desk.view();
    let is_deleted = desk.store.aside.contains_key(&deleted(place, it.id));
    let own = format!("repositories/{}/pullrequests/{}", place.path, it.number);
    json!({
        "type": "pullrequest_comment", "id": it.id, "deleted": is_deleted, "pending": false,
        "content": if is_deleted { content(&None) } else { content(it.body) },
        "user": view.somebody(it.author), "created_on": time(it.created_at),
        "updated_on": time(it.updated_at.or(it.created_at)),
        "pullrequest": { "type": "pullrequest", "id": it.number,
            "links": { "self": { "href": view.api(&own) } } },
        "links": { "self": { "href": view.api(&format!("{own}/comments/{}", it.id)) } },
    })
}

fn resolution(desk: &Desk<'_>, who: &Option<Identity>, at: Option<Time>) -> Option<Value> {
    if who.is_none() && at.is_none() {
        return None;
    }
    let user = desk.view().somebody(who);
    Some(json!({ "type": "comment_resolution", "user": user, "created_on": time(at) }))
}

fn plain(desk: &Desk<'_>, place: &Place, (number, id): (u64, u64), it: &Comment) -> Value {
    let (author, body) = (&it.author, &it.body);
    let (created_at, updated_at) = (it.created_at, it.updated_at);
    let mut value = frame(desk, place, &Shown { id, number, author, body, created_at, updated_at });
    if let Some(above) = it.reply_to.as_ref().and_then(|it| it.0.parse::<u64>().ok()) {
        value["parent"] = json!({ "type": "pullrequest_comment", "id": above });
    }
    if let Some(settled) = resolution(desk, &it.resolver, it.resolved_at) {
        value["resolution"] = settled;
    }
    value
}

/// Comments of a thread, the oldest first.
fn thread(desk: &Desk<'_>, place: &Place, id: u64) -> Vec<(u64, ReviewComment)> {
    let key = Some(HostId(id.to_string()));
    let all = desk.store.all::<ReviewComment>(&place.scope).filter(|(_, it)| it.thread == key);
    all.map(|(id, it)| (id, it.clone())).collect()
}

fn on_diff(desk: &Desk<'_>, place: &Place, id: u64, it: &ReviewComment) -> Option<Value> {
    let of = it.thread.as_ref()?.0.parse().ok()?;
    let about = desk.store.get::<ReviewThread>(&place.scope, of)?;
    let first = thread(desk, place, of).first().map(|it| it.0)?;
    let (author, body, number) = (&it.author, &it.body, it.change_request);
    let (created_at, updated_at) = (it.created_at, it.updated_at);
    let shown = Shown { id: id + ON_DIFF, number, author, body, created_at, updated_at };
    let mut value = frame(desk, place, &shown);
    value["inline"] = desk.view().inline(&about.position);
    value["pending"] = json!(it.pending);
    if first == id {
        if let Some(settled) = resolution(desk, &about.resolver, about.resolved_at) {
            value["resolution"] = settled;
        }
    } else {
        let above = it.reply_to.as_ref().and_then(|it| it.0.parse::<u64>().ok());
        let above = above.unwrap_or(first) + ON_DIFF;
        value["parent"] = json!({ "type": "pullrequest_comment", "id": above });
    }
    Some(value)
}

fn comments(desk: &Desk<'_>, place: &Place, number: u64) -> Vec<Value> {
    let about = Subject::ChangeRequest(number);
    let all = desk.store.all::<Comment>(&place.scope);
    let all = all.filter(|(_, it)| it.subject == about && it.task.is_none());
    let plain = all.map(|(id, it)| plain(desk, place, (number, id), it));
    let all = desk.store.all::<ReviewComment>(&place.scope);
    let all = all.filter(|(_, it)| it.change_request == number);
    let mut found: Vec<_> =
        plain.chain(all.filter_map(|(id, it)| on_diff(desk, place, id, it))).collect();
    found.sort_by_key(|it| (it["created_on"].as_str().map(str::to_owned), it["id"].as_u64()));
    found
}

fn find(desk: &Desk<'_>, place: &Place, (number, id): (u64, u64)) -> Option<Value> {
    if let Some(own) = id.checked_sub(ON_DIFF) {
        let it = desk.store.get::<ReviewComment>(&place.scope, own)?;
        return on_diff(desk, place, own, it).filter(|_| it.change_request == number);
    }
    let it = desk.store.get::<Comment>(&place.scope, id)?;
    let is_here = it.subject == Subject::ChangeRequest(number) && it.task.is_none();
    is_here.then(|| plain(desk, place, (number, id), it))
}

fn body_of(desk: &Desk<'_>) -> Option<Text> {
    let text = desk.body["content"]["raw"].as_str().filter(|it| !it.trim().is_empty())?;
    Some(Text::new(text, Markup::Bitbucket))
}

fn add(desk: &mut Desk<'_>, place: &Place, number: u64) -> Answer {
    let Some(body) = body_of(desk) else { return invalid("content: This field is required.") };
    let (author, now) = (Some(desk.author()), desk.store.now());
    let parent = desk.body["parent"]["id"].as_u64();
    if parent.is_some_and(|id| find(desk, place, (number, id)).is_none()) {
        return invalid("parent: The comment is not there.");
    }
    let position = match (parent, desk.body["inline"].is_object()) {
        (None, true) => match position(&desk.body["inline"]) {
            Some(position) => Some(position),
            None => return invalid("inline: path is required."),
        },
        (_, _) => None,
    };
    let above = parent.and_then(|it| it.checked_sub(ON_DIFF));
    let id = if let Some(above) = above {
        let Some(first) = desk.store.get::<ReviewComment>(&place.scope, above).cloned() else {
            return not_found("Comment");
        };
        let reply_to = Some(HostId(above.to_string()));
        let (body, created_at, updated_at) = (Some(body), now, now);
        let it = ReviewComment { author, body, reply_to, created_at, updated_at, ..first };
        desk.store.add(&place.scope, it) + ON_DIFF
    } else if let Some(position) = position {
        begin(desk, place, number, (body, position)) + ON_DIFF
    } else {
        let it = Comment {
            subject: Subject::ChangeRequest(number),
            reply_to: parent.map(|it| HostId(it.to_string())),
            author,
            body: Some(body),
            created_at: now,
            updated_at: now,
            ..Comment::default()
        };
        desk.store.add(&place.scope, it)
    };
    let shown = find(desk, place, (number, id));
    shown.map_or_else(|| not_found("Comment"), |it| Answer::created(&it))
}

/// Begins a thread on a file or a line; gives the id of its first comment.
fn begin(desk: &mut Desk<'_>, place: &Place, number: u64, (body, at): (Text, Position)) -> u64 {
    let now = desk.store.now();
    let thread = ReviewThread {
        change_request: number,
        position: at.clone(),
        created_at: now,
        ..ReviewThread::default()
    };
    let thread = desk.store.add(&place.scope, thread);
    let it = ReviewComment {
        change_request: number,
        thread: Some(HostId(thread.to_string())),
        author: Some(desk.author()),
        body: Some(body),
        position: at,
        created_at: now,
        updated_at: now,
        ..ReviewComment::default()
    };
    desk.store.add(&place.scope, it)
}

fn position(inline: &Value) -> Option<Position> {
    let path = inline["path"].as_str().filter(|it| !it.is_empty())?.to_owned();
    let (from, to) = (inline["from"].as_u64(), inline["to"].as_u64());
    let start = inline["start_to"].as_u64().or_else(|| inline["start_from"].as_u64());
    let side = if to.is_some() { Side::Right } else { Side::Left };
    Some(Position {
        path,
        side: to.or(from).map(|_| side),
        line: to.or(from),
        start_line: start,
        whole_file: to.or(from).is_none(),
        ..Position::default()
    })
}

fn amend(desk: &mut Desk<'_>, place: &Place, (number, id): (u64, u64)) -> Option<Answer> {
    let Some(body) = body_of(desk) else {
        return Some(invalid("content: This field is required."));
    };
    let now = desk.store.now();
    if let Some(own) = id.checked_sub(ON_DIFF) {
        let it = desk.store.get_mut::<ReviewComment>(&place.scope, own)?;
        (it.body, it.updated_at) = (Some(body), now);
    } else {
        let it = desk.store.get_mut::<Comment>(&place.scope, id)?;
        (it.body, it.updated_at) = (Some(body), now);
    }
    find(desk, place, (number, id)).map(|it| Answer::ok(&it))
}

fn delete(desk: &mut Desk<'_>, place: &Place, (number, id): (u64, u64)) -> Answer {
    let is_answered =
        comments(desk, place, number).iter().any(|it| it["parent"]["id"].as_u64() == Some(id));
    if is_answered {
        desk.store.aside.insert(deleted(place, id), json!(true));
    } else if let Some(own) = id.checked_sub(ON_DIFF) {
        desk.store.remove::<ReviewComment>(&place.scope, own);
    } else {
        desk.store.remove::<Comment>(&place.scope, id);
    }
    Answer::no_content()
}

fn resolve(
    desk: &mut Desk<'_>,
    place: &Place,
    id: u64,
    shown: &Value,
    settles: bool,
) -> Option<Answer> {
    if shown["parent"].is_object() {
        return Some(refusal(StatusCode::FORBIDDEN, "Only the first comment can be resolved."));
    }
    if shown["resolution"].is_object() == settles {
        let words = "The comment is in this state already.";
        return Some(refusal(StatusCode::CONFLICT, words));
    }
    let (who, at) = if settles { (Some(desk.author()), desk.store.now()) } else { (None, None) };
    if let Some(own) = id.checked_sub(ON_DIFF) {
        let comment = desk.store.get::<ReviewComment>(&place.scope, own)?;
        let of = comment.thread.as_ref()?.0.parse().ok()?;
        let it = desk.store.get_mut::<ReviewThread>(&place.scope, of)?;
        (it.resolver, it.resolved_at) = (who.clone(), at);
    } else {
        let it = desk.store.get_mut::<Comment>(&place.scope, id)?;
        (it.resolver, it.resolved_at) = (who.clone(), at);
    }
    Some(match resolution(desk, &who, at) {
        Some(settled) => Answer::ok(&settled),
        None => Answer::no_content(),
    })
}

fn task(desk: &Desk<'_>, place: &Place, (number, id): (u64, u64), it: &Comment) -> Value {
    let view = desk.view();
    let own = format!("repositories/{}/pullrequests/{number}/tasks/{id}", place.path);
    let is_done = it.task == Some(TaskState::Resolved);
    let mut value = json!({
        "id": id, "state": if is_done { "RESOLVED" } else { "UNRESOLVED" }, "pending": false,
        "content": content(&it.body), "creator": view.somebody(&it.author),
        "created_on": time(it.created_at), "updated_on": time(it.updated_at.or(it.created_at)),
        "resolved_on": it.resolved_at.filter(|_| is_done).map(|it| time(Some(it))),
        "resolved_by": it.resolver.as_ref().filter(|_| is_done).map(|it| view.user(it)),
        "links": { "self": { "href": view.api(&own) } },
    });
    if let Some(about) = it.reply_to.as_ref().and_then(|it| it.0.parse::<u64>().ok()) {
        value["comment"] = json!({ "type": "pullrequest_comment", "id": about });
    }
    value
}

fn tasks(
    desk: &mut Desk<'_>,
    place: &Place,
    number: u64,
    method: &Method,
    rest: &[&str],
) -> Option<Answer> {
    let about = Subject::ChangeRequest(number);
    match (method, rest) {
        (&Method::GET, []) => {
            let all = desk.store.all::<Comment>(&place.scope);
            let all = all.filter(|(_, it)| it.subject == about && it.task.is_some());
            let all = all.map(|(id, it)| task(desk, place, (number, id), it)).collect();
            Some(desk.page(all, 100))
        }
        (&Method::POST, []) => {
            let Some(body) = body_of(desk) else {
                return Some(invalid("content: This field is required."));
            };
            let above = desk.body["comment"]["id"].as_u64();
            if above.is_some_and(|id| find(desk, place, (number, id)).is_none()) {
                return Some(invalid("comment: The comment is not there."));
            }
            let now = desk.store.now();
            let it = Comment {
                subject: about,
                reply_to: above.map(|it| HostId(it.to_string())),
                author: Some(desk.author()),
                body: Some(body),
                task: Some(TaskState::Open),
                created_at: now,
                updated_at: now,
                ..Comment::default()
            };
            let id = desk.store.add(&place.scope, it.clone());
            Some(Answer::created(&task(desk, place, (number, id), &it)))
        }
        (_, [id]) => {
            let id: u64 = id.parse().ok()?;
            let found = desk.store.get::<Comment>(&place.scope, id);
            if !found.is_some_and(|it| it.subject == about && it.task.is_some()) {
                return Some(not_found("Task"));
            }
            if *method == Method::DELETE {
                desk.store.remove::<Comment>(&place.scope, id);
                return Some(Answer::no_content());
            }
            if *method == Method::PUT {
                change_task(desk, place, id)?;
            }
            let it = desk.store.get::<Comment>(&place.scope, id)?;
            Some(Answer::ok(&task(desk, place, (number, id), it)))
        }
        _ => None,
    }
}

fn change_task(desk: &mut Desk<'_>, place: &Place, id: u64) -> Option<()> {
    let (body, now, who) = (body_of(desk), desk.store.now(), desk.author());
    let state = desk.text("state").map(|it| it == "RESOLVED");
    let it = desk.store.get_mut::<Comment>(&place.scope, id)?;
    it.body = body.or(it.body.take());
    it.updated_at = now;
    if let Some(is_done) = state {
        it.task = Some(if is_done { TaskState::Resolved } else { TaskState::Open });
        (it.resolver, it.resolved_at) = if is_done { (Some(who), now) } else { (None, None) };
    }
    Some(())
}

fn notes(place: &Place, number: u64) -> String {
    format!("activity {} {number}", place.path)
}

/// One step of a request, as the activity tells it.
fn step(desk: &Desk<'_>, place: &Place, it: &ChangeRequest, changes: &Value) -> Option<Value> {
    let project = desk.store.get::<Project>(&Scope::Shared, place.id)?;
    let shown = desk.view().change((place.id, project), it, false);
    Some(json!({
        "state": shown["state"], "title": it.title, "description": shown["description"],
        "reason": "", "draft": it.draft, "author": desk.view().somebody(&it.author),
        "date": shown["updated_on"], "source": shown["source"],
        "destination": shown["destination"], "changes": changes, "reviewers": [],
    }))
}

/// Notes that somebody changed a request.
pub(super) fn note(
    desk: &mut Desk<'_>,
    place: &Place,
    (id, number): (u64, u64),
    changes: &Value,
) -> Option<()> {
    let it = desk.store.get::<ChangeRequest>(&place.scope, id)?;
    let mut value = step(desk, place, it, changes)?;
    value["author"] = desk.view().user(&desk.author());
    let list = desk.store.aside.entry(notes(place, number)).or_insert_with(|| json!([]));
    list.as_array_mut()?.push(value);
    Some(())
}

/// Everything that happened with a pull request, the newest first.
fn activity(desk: &Desk<'_>, place: &Place, number: u64) -> Option<Vec<Value>> {
    let view = desk.view();
    let (_, it) = desk.store.find::<ChangeRequest>(&place.scope, |it| it.number == number)?;
    let own = format!("repositories/{}/pullrequests/{number}", place.path);
    let request = json!({ "type": "pullrequest", "id": number, "title": it.title,
        "links": { "self": { "href": view.api(&own) } } });
    let mut all: Vec<(String, Value)> = Vec::new();
    let mut add = |at: String, name: &str, what: Value| {
        all.push((at, json!({ "pull_request": request, name: what })));
    };
    let made =
        ChangeRequest { state: ChangeRequestState::Open, updated_at: it.created_at, ..it.clone() };
    add(time(it.created_at), "update", step(desk, place, &made, &json!({}))?);
    let noted = desk.store.aside.get(&notes(place, number)).and_then(Value::as_array).cloned();
    let noted = noted.unwrap_or_default();
    let is_told = noted.iter().any(|it| it["state"] != "OPEN");
    for it in noted {
        add(it["date"].as_str().unwrap_or_default().to_owned(), "update", it);
    }
    if it.state != ChangeRequestState::Open && !is_told {
        // It was filled in, and not ended over the API.
        let mut ended = step(desk, place, it, &json!({}))?;
        ended["author"] = view.somebody(&it.merged_by.clone().or(it.closed_by.clone()));
        add(time(it.updated_at), "update", ended);
    }
    for (_, it) in desk.store.all::<Review>(&place.scope) {
        let name = match it.verdict {
            Verdict::Approved | Verdict::Dismissed => "approval",
            Verdict::ChangesRequested => "changes_requested",
            Verdict::Commented | Verdict::Pending => continue,
        };
        if it.change_request == number {
            let at = time(it.submitted_at.or(it.created_at));
            let what = json!({ "date": at, "user": view.somebody(&it.author),
                "pullrequest": request });
            add(at, name, what);
        }
    }
    for it in comments(desk, place, number) {
        add(it["created_on"].as_str().unwrap_or_default().to_owned(), "comment", it);
    }
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    Some(all.into_iter().rev().map(|(_, it)| it).collect())
}
