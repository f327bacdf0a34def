//! Comments on pull requests and commits, and the activities among which they are listed.
//!
//! Plain comments are the store's comments; those on a diff are its review
//! comments. Both share one row of ids at Bitbucket, so the latter are moved up.

use super::{
    Desk, Place, conflict, invalid, not_found, outdated,
    view::{time, words},
};
use crate::exchange::Answer;
use http::Method;
use packhorse_core::model::{
    ChangeRequest, ChangeRequestState, Comment, CommitComment, HostId, Identity, Markup, Position,
    Review, ReviewComment, ReviewThread, Side, Subject, TaskState, Text, Time, Verdict,
};
use serde_json::{Value, json};

/// What is added to the id of a comment on a diff.
const ON_DIFF: u64 = 10_000_000;

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match rest {
        ["commits", sha, "comments", rest @ ..] => {
            commit_comments(desk, place, &method, (sha, rest))
        }
        ["pull-requests", number, what, rest @ ..] => {
            let number: u64 = number.parse().ok()?;
            let found = desk.store.find::<ChangeRequest>(&place.scope, |it| it.number == number);
            if found.is_none() {
                return Some(not_found(&format!("Pull request {number}")));
            }
            match (&method, *what, rest) {
                (&Method::GET, "activities", []) => {
                    Some(desk.page(activities(desk, place, number)))
                }
                (&Method::GET, "blocker-comments", []) => {
                    let all = roots(desk, place, number).into_iter().map(|(_, it, _)| it);
                    Some(desk.page(all.filter(|it| it["severity"] == "BLOCKER").collect()))
                }
                (&Method::GET, "comments", []) => {
                    let Some(path) = desk.request.query("path") else {
                        return Some(invalid("path", "The path query parameter is required."));
                    };
                    let all = roots(desk, place, number).into_iter();
                    let all = all.filter(|(_, _, anchor)| anchor["path"] == path);
                    Some(desk.page(all.map(|(_, it, _)| it).collect()))
                }
                (&Method::POST, "comments" | "blocker-comments", []) => {
                    Some(add(desk, place, number, *what == "blocker-comments"))
                }
                (_, "comments" | "blocker-comments", [id]) => {
                    one(desk, place, number, &method, id.parse().ok()?)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// What all comments show alike.
struct Shown<'a> {
    id: u64,
    author: &'a Option<Identity>,
    body: &'a Option<Text>,
    created_at: Option<Time>,
    updated_at: Option<Time>,
}

fn version(desk: &Desk<'_>, place: &Place, id: u64) -> u64 {
    desk.version(&format!("comment {} {id}", place.path))
}

fn frame(desk: &Desk<'_>, place: &Place, it: &Shown<'_>) -> Value {
    json!({
        "id": it.id, "version": version(desk, place, it.id), "text": words(it.body),
        "author": desk.view().somebody(it.author), "createdDate": time(it.created_at),
        "updatedDate": time(it.updated_at.or(it.created_at)), "comments": [],
        "properties": { "repositoryId": place.id }, "threadResolved": false, "severity": "NORMAL",
        "state": "OPEN",
    })
}

fn plain(desk: &Desk<'_>, place: &Place, id: u64, it: &Comment) -> Value {
    let (author, body) = (&it.author, &it.body);
    let (created_at, updated_at) = (it.created_at, it.updated_at);
    let mut value = frame(desk, place, &Shown { id, author, body, created_at, updated_at });
    if let Some(task) = it.task {
        value["severity"] = json!("BLOCKER");
        if task == TaskState::Resolved {
            value["state"] = json!("RESOLVED");
            value["resolvedDate"] = json!(time(it.resolved_at));
            value["resolver"] = desk.view().somebody(&it.resolver);
        }
    }
    let key = Some(HostId(id.to_string()));
    let all = desk.store.all::<Comment>(&place.scope).filter(|(_, it)| it.reply_to == key);
    value["comments"] = all.map(|(id, it)| plain(desk, place, id, it)).collect();
    value
}

fn on_diff(desk: &Desk<'_>, place: &Place, id: u64, it: &ReviewComment) -> Value {
    let (author, body) = (&it.author, &it.body);
    let (created_at, updated_at) = (it.created_at, it.updated_at);
    let id = id + ON_DIFF;
    frame(desk, place, &Shown { id, author, body, created_at, updated_at })
}

/// The comments of a pull request that answer no other, with when they were made and where they stand.
fn roots(desk: &Desk<'_>, place: &Place, number: u64) -> Vec<(Option<Time>, Value, Value)> {
    let about = Subject::ChangeRequest(number);
    let all = desk.store.all::<Comment>(&place.scope);
    let all = all.filter(|(_, it)| it.subject == about && it.reply_to.is_none());
    let mut roots: Vec<_> =
        all.map(|(id, it)| (it.created_at, plain(desk, place, id, it), Value::Null)).collect();
    let threads = desk.store.all::<ReviewThread>(&place.scope);
    for (id, thread) in threads.filter(|(_, it)| it.change_request == number) {
        let key = Some(HostId(id.to_string()));
        let all = desk.store.all::<ReviewComment>(&place.scope).filter(|(_, it)| it.thread == key);
        let mut all = all.map(|(id, it)| (it.created_at, on_diff(desk, place, id, it)));
        let Some((at, mut first)) = all.next() else { continue };
        let anchor = desk.view().anchor(thread);
        first["comments"] = all.map(|(_, it)| it).collect();
        first["anchored"] = json!(true);
        first["anchor"] = anchor.clone();
        if thread.resolved_at.is_some() {
            first["threadResolved"] = json!(true);
            first["threadResolvedDate"] = json!(time(thread.resolved_at));
            first["threadResolver"] = desk.view().somebody(&thread.resolver);
        }
        roots.push((at, first, anchor));
    }
    roots
}

/// Notes that somebody did something with a pull request.
pub(super) fn note_activity(desk: &mut Desk<'_>, place: &Place, number: u64, action: &str) {
    let key = format!("activities {} {number}", place.path);
    let at = time(desk.store.now());
    let user = desk.view().user(&desk.author());
    let list = desk.store.aside.entry(key).or_insert_with(|| json!([]));
    if let Some(list) = list.as_array_mut() {
        list.push(json!({ "action": action, "createdDate": at, "user": user }));
    }
}

/// Everything that happened with a pull request, the newest first.
fn activities(desk: &Desk<'_>, place: &Place, number: u64) -> Vec<Value> {
    let view = desk.view();
    let mut all = Vec::new();
    let found = desk.store.find::<ChangeRequest>(&place.scope, |it| it.number == number);
    let activity = |action: &str, at: Option<Time>, who: &Option<Identity>| json!({ "action": action, "createdDate": time(at), "user": view.somebody(who) });
    if let Some((_, it)) = found {
        all.push(activity("OPENED", it.created_at, &it.author));
        if it.state == ChangeRequestState::Merged {
            let mut merged = activity("MERGED", it.merged_at, &it.merged_by);
            merged["commit"] = json!({ "id": it.merge_commit, "displayId": it.merge_commit });
            all.push(merged);
        }
    }
    for (at, comment, anchor) in roots(desk, place, number) {
        let mut value = activity("COMMENTED", at, &None);
        value["user"] = comment["author"].clone();
        value["commentAction"] = json!("ADDED");
        value["comment"] = comment;
        if anchor.is_object() {
            value["commentAnchor"] = anchor;
        }
        all.push(value);
    }
    let key = format!("activities {} {number}", place.path);
    let noted = desk.store.aside.get(&key).and_then(Value::as_array).cloned().unwrap_or_default();
    let judged = noted.iter().any(|it| it["action"] == "APPROVED" || it["action"] == "REVIEWED");
    // Reviews that were filled in, and not given over the API.
    for (_, it) in desk.store.all::<Review>(&place.scope) {
        let action = match it.verdict {
            Verdict::Approved => "APPROVED",
            Verdict::ChangesRequested => "REVIEWED",
            Verdict::Commented | Verdict::Dismissed | Verdict::Pending => continue,
        };
        if it.change_request == number && !judged {
            all.push(activity(action, it.submitted_at.or(it.created_at), &it.author));
        }
    }
    all.extend(noted);
    all.sort_by_key(|it| it["createdDate"].as_i64());
    for (n, it) in all.iter_mut().enumerate() {
        it["id"] = json!(number * 1_000_000 + n as u64);
    }
    all.reverse();
    all
}

fn body(desk: &Desk<'_>) -> Option<Text> {
    let text = desk.text("text").filter(|it| !it.trim().is_empty())?;
    Some(Text::new(text, Markup::Bitbucket))
}

fn add(desk: &mut Desk<'_>, place: &Place, number: u64, is_task: bool) -> Answer {
    let Some(body) = body(desk) else { return invalid("text", "The comment text is required.") };
    let (author, now) = (Some(desk.author()), desk.store.now());
    let parent = desk.body["parent"]["id"].as_u64();
    if let Some(parent) = parent.and_then(|it| it.checked_sub(ON_DIFF)) {
        let found = desk.store.get::<ReviewComment>(&place.scope, parent);
        let Some(parent) = found.cloned() else { return not_found("The comment") };
        let it =
            ReviewComment { author, body: Some(body), created_at: now, updated_at: now, ..parent };
        let id = desk.store.add(&place.scope, it.clone());
        return Answer::created(&on_diff(desk, place, id, &it));
    }
    if parent.is_none() && desk.body["anchor"].is_object() {
        return anchored(desk, place, number, body);
    }
    let reply_to = match parent {
        Some(id) if desk.store.get::<Comment>(&place.scope, id).is_none() => {
            return not_found("The comment");
        }
        Some(id) => Some(HostId(id.to_string())),
        None => None,
    };
    let is_task = is_task || desk.body["severity"] == "BLOCKER";
    let it = Comment {
        subject: Subject::ChangeRequest(number),
        reply_to,
        author,
        body: Some(body),
        task: is_task.then_some(TaskState::Open),
        created_at: now,
        updated_at: now,
        ..Comment::default()
    };
    let id = desk.store.add(&place.scope, it.clone());
    Answer::created(&plain(desk, place, id, &it))
}

/// Begins a thread on a file or a line.
fn anchored(desk: &mut Desk<'_>, place: &Place, number: u64, body: Text) -> Answer {
    let anchor = desk.body["anchor"].clone();
    let text = |field: &str| anchor[field].as_str().map(str::to_owned);
    let Some(path) = text("path") else {
        return invalid("anchor.path", "A path is required for an anchored comment.");
    };
    let line = anchor["line"].as_u64();
    let side = match anchor["lineType"].as_str() {
        Some("REMOVED") => Some(Side::Left),
        Some(_) => Some(Side::Right),
        None => None,
    };
    if line.is_some() && side.is_none() {
        return invalid("anchor.lineType", "A line type is required with a line.");
    }
    let found = desk.store.find::<ChangeRequest>(&place.scope, |it| it.number == number);
    let (head, base) =
        found.map_or((None, None), |(_, it)| (it.head.commit.clone(), it.base.commit.clone()));
    let position = Position {
        path,
        old_path: text("srcPath"),
        commit: text("toHash").or(head),
        base_commit: text("fromHash").or(base),
        side,
        line,
        whole_file: line.is_none(),
        ..Position::default()
    };
    let now = desk.store.now();
    let thread = ReviewThread {
        change_request: number,
        position: position.clone(),
        created_at: now,
        ..ReviewThread::default()
    };
    let shown = desk.view().anchor(&thread);
    let thread = desk.store.add(&place.scope, thread);
    let it = ReviewComment {
        change_request: number,
        thread: Some(HostId(thread.to_string())),
        author: Some(desk.author()),
        body: Some(body),
        position,
        created_at: now,
        updated_at: now,
        ..ReviewComment::default()
    };
    let id = desk.store.add(&place.scope, it.clone());
    let mut value = on_diff(desk, place, id, &it);
    value["anchor"] = shown;
    value["anchored"] = json!(true);
    Answer::created(&value)
}

fn one(
    desk: &mut Desk<'_>,
    place: &Place,
    number: u64,
    method: &Method,
    id: u64,
) -> Option<Answer> {
    let diff = id.checked_sub(ON_DIFF);
    let show = |desk: &Desk<'_>| match diff {
        Some(id) => {
            desk.store.get::<ReviewComment>(&place.scope, id).map(|it| on_diff(desk, place, id, it))
        }
        None => desk.store.get::<Comment>(&place.scope, id).map(|it| plain(desk, place, id, it)),
    };
    let Some(shown) = show(desk) else {
        return Some(not_found(&format!("Comment {id} of pull request {number}")));
    };
    if *method == Method::GET {
        return Some(Answer::ok(&shown));
    }
    let now = version(desk, place, id);
    if desk.seen() != Some(now) {
        return Some(outdated(now));
    }
    if *method == Method::DELETE {
        if shown["comments"].as_array().is_some_and(|it| !it.is_empty()) {
            let words = "This comment has replies which must be deleted first.";
            return Some(conflict(words, "comment.CommentDeletionException"));
        }
        match diff {
            Some(id) => desk.store.remove::<ReviewComment>(&place.scope, id),
            None => desk.store.remove::<Comment>(&place.scope, id),
        };
        return Some(Answer::no_content());
    }
    let (body, at, author) = (body(desk), desk.store.now(), desk.author());
    let resolved = desk.text("state").map(|it| it == "RESOLVED");
    let thread = desk.body["threadResolved"].as_bool();
    if let Some(id) = diff {
        let it = desk.store.get_mut::<ReviewComment>(&place.scope, id)?;
        it.body = body.or(it.body.take());
        it.updated_at = at;
        let of = it.thread.as_ref().and_then(|it| it.0.parse().ok());
        if let (Some(is), Some(of)) = (thread, of) {
            let it = desk.store.get_mut::<ReviewThread>(&place.scope, of)?;
            (it.resolver, it.resolved_at) = if is { (Some(author), at) } else { (None, None) };
        }
    } else {
        let it = desk.store.get_mut::<Comment>(&place.scope, id)?;
        it.body = body.or(it.body.take());
        it.updated_at = at;
        if let (Some(is), Some(_)) = (resolved, it.task) {
            it.task = Some(if is { TaskState::Resolved } else { TaskState::Open });
            (it.resolver, it.resolved_at) = if is { (Some(author), at) } else { (None, None) };
        }
    }
    desk.count(format!("comment {} {id}", place.path));
    show(desk).map(|it| Answer::ok(&it))
}

fn commit_comments(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    (sha, rest): (&str, &[&str]),
) -> Option<Answer> {
    let show = |desk: &Desk<'_>, id: u64, it: &CommitComment| {
        let (author, body) = (&it.author, &it.body);
        let (created_at, updated_at) = (it.created_at, it.updated_at);
        let mut value = frame(desk, place, &Shown { id, author, body, created_at, updated_at });
        if let Some(path) = &it.path {
            value["anchor"] = json!({ "path": path, "toHash": it.commit, "diffType": "COMMIT" });
            if let Some(line) = it.line {
                value["anchor"]["line"] = json!(line);
            }
        }
        value
    };
    match (method, rest) {
        (&Method::GET, []) => {
            let path = desk.request.query("path");
            let all = desk.store.all::<CommitComment>(&place.scope);
            let all = all.filter(|(_, it)| it.commit == sha && it.path.as_deref() == path);
            Some(desk.page(all.map(|(id, it)| show(desk, id, it)).collect()))
        }
        (&Method::POST, []) => {
            let Some(body) = body(desk) else {
                return Some(invalid("text", "The comment text is required."));
            };
            let now = desk.store.now();
            let it = CommitComment {
                commit: sha.to_owned(),
                path: desk.body["anchor"]["path"].as_str().map(str::to_owned),
                line: desk.body["anchor"]["line"].as_u64(),
                author: Some(desk.author()),
                body: Some(body),
                created_at: now,
                updated_at: now,
                ..CommitComment::default()
            };
            let id = desk.store.add(&place.scope, it.clone());
            Some(Answer::created(&show(desk, id, &it)))
        }
        (&Method::GET, [id]) => {
            let id: u64 = id.parse().ok()?;
            let it = desk.store.get::<CommitComment>(&place.scope, id)?;
            Some(Answer::ok(&show(desk, id, it)))
        }
        _ => None,
    }
}
