//! Issues, comments, reactions.

use super::{Desk, Place, not_found, release, unprocessable, view::told, word, words};
use crate::exchange::Answer;
use http::{Method, StatusCode};
use packhorse_core::{
    Scope,
    model::{
        ChangeRequest, ChangeRequestState, Comment, Event, HostId, Identity, Issue, Label, Markup,
        Milestone, OpenState, Project, Reaction, ReviewComment, State, StateValue, Subject, Text,
    },
};
use serde_json::{Value, json};

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match (&method, rest) {
        (&Method::GET, ["issues"]) => Some(list(desk, place)),
        (&Method::POST, ["issues"]) => Some(create(desk, place)),
        (&Method::GET, ["issues", "comments"]) => {
            let view = desk.view();
            let all = desk.store.all::<Comment>(&place.scope);
            Some(desk.page_of(all.collect(), |(id, it)| view.comment(&place.path, id, it)))
        }
        (_, ["issues", "comments", id, rest @ ..]) => {
            comment(desk, place, &method, id.parse().ok()?, rest)
        }
        (_, ["issues", number, rest @ ..]) => {
            let number = number.parse().ok()?;
            one(desk, place, &method, &subject(desk, place, number)?, rest)
        }
        _ => None,
    }
}

/// The subject of a number in the row that issues and change requests share.
fn subject(desk: &Desk<'_>, place: &Place, number: u64) -> Option<Subject> {
    if desk.store.find::<Issue>(&place.scope, |it| it.number == number).is_some() {
        return Some(Subject::Issue(number));
    }
    let found = desk.store.find::<ChangeRequest>(&place.scope, |it| it.number == number);
    found.map(|_| Subject::ChangeRequest(number))
}

pub(super) fn markdown(body: &Value, field: &str) -> Option<Text> {
    word(body, field).map(|it| Text::new(it, Markup::Gitea))
}

/// What a listing of issues has.
enum Listed<'a> {
    Issue(u64, &'a Issue),
    Pull(&'a ChangeRequest),
}

impl Listed<'_> {
    fn is_open(&self) -> bool {
        match self {
            Self::Issue(_, it) => it.state == OpenState::Open,
            Self::Pull(it) => it.state == ChangeRequestState::Open,
        }
    }

    /// When it was made, as it is told, and its number.
    fn order(&self) -> (String, u64) {
        let (at, number) = match self {
            Self::Issue(_, it) => (it.created_at, it.number),
            Self::Pull(it) => (it.created_at, it.number),
        };
        (told(at).as_str().unwrap_or_default().to_owned(), number)
    }
}

/// Newest first; `type` picks issues or pull requests, both without it.
fn list(desk: &Desk<'_>, place: &Place) -> Answer {
    let view = desk.view();
    let state = desk.request.query("state").unwrap_or("open");
    let kind = desk.request.query("type").unwrap_or("");
    let issues = desk.store.all::<Issue>(&place.scope).filter(|_| kind != "pulls");
    let issues = issues.map(|(id, it)| Listed::Issue(id, it));
    let pulls = desk.store.all::<ChangeRequest>(&place.scope).filter(|_| kind != "issues");
    let pulls = pulls.map(|(_, it)| Listed::Pull(it));
    let wanted = |it: &Listed<'_>| match state {
        "open" => it.is_open(),
        "closed" => !it.is_open(),
        _ => state == "all",
    };
    let mut all: Vec<_> = issues.chain(pulls).filter(wanted).collect();
    all.sort_by_cached_key(Listed::order);
    if desk.request.query("sort") != Some("oldest") {
        all.reverse();
    }
    desk.page_of(all, |it| match it {
        Listed::Issue(id, it) => view.issue(&place.path, id, it),
        Listed::Pull(it) => view.pull_as_issue(&place.path, it),
    })
}

/// People that a body names, all of whom must be known.
pub(super) fn people(desk: &Desk<'_>, body: &Value) -> Result<Vec<Identity>, Box<Answer>> {
    let mut logins = words(&body["assignees"]);
    logins.extend(word(body, "assignee"));
    logins.dedup();
    let find = |login: &String| {
        let known = desk.store.known_user(login).map(|(_, it)| it.identity.clone());
        known.ok_or_else(|| {
            Box::new(unprocessable(&format!("Assignee does not exist: [name: {login}]")))
        })
    };
    logins.iter().map(find).collect()
}

/// The names of labels by their ids, or, where Gitea takes both, by name.
pub(super) fn label_names(desk: &Desk<'_>, place: &Place, asked: &Value) -> Vec<String> {
    let find = |it: &Value| match it.as_u64() {
        Some(id) => desk.store.get::<Label>(&place.scope, id).map(|it| it.name.clone()),
        None => desk
            .store
            .find::<Label>(&place.scope, |label| it == label.name.as_str())
            .map(|(_, it)| it.name.clone()),
    };
    asked.as_array().into_iter().flatten().filter_map(find).collect()
}

/// The number of a milestone by its id; 0 and nothing are none.
pub(super) fn milestone_number(desk: &Desk<'_>, place: &Place, asked: &Value) -> Option<u64> {
    let id = asked.as_u64().filter(|id| *id > 0)?;
    desk.store.get::<Milestone>(&place.scope, id).map(|it| it.number)
}

fn create(desk: &mut Desk<'_>, place: &Place) -> Answer {
    let body = desk.request.json();
    let project = desk.store.get::<Project>(&Scope::Shared, place.id);
    if project.is_some_and(|it| it.features.issues == Some(false)) {
        return not_found();
    }
    let Some(title) = word(&body, "title") else { return unprocessable("[Title]: Required") };
    let assignees = match people(desk, &body) {
        Ok(people) => people,
        Err(answer) => return *answer,
    };
    let now = desk.store.now();
    let closed = body["closed"] == true;
    let it = Issue {
        number: desk.store.next_number(&place.path, &["issue", "change_request"]),
        title: title.chars().take(255).collect(),
        body: markdown(&body, "body"),
        author: Some(desk.who.clone()),
        assignees,
        labels: label_names(desk, place, &body["labels"]),
        milestone: milestone_number(desk, place, &body["milestone"]),
        due_at: body["due_date"].as_str().and_then(|it| it.parse().ok()),
        state: if closed { OpenState::Closed } else { OpenState::Open },
        created_at: now,
        updated_at: now,
        closed_at: now.filter(|_| closed),
        ..Issue::default()
    };
    let id = desk.store.add(&place.scope, it.clone());
    Answer::created(&desk.view().issue(&place.path, id, &it))
}

fn shown(desk: &Desk<'_>, place: &Place, subject: &Subject) -> Option<Value> {
    if let Subject::Issue(number) = subject {
        let (id, it) = desk.store.find::<Issue>(&place.scope, |it| it.number == *number)?;
        return Some(desk.view().issue(&place.path, id, it));
    }
    let is = |it: &ChangeRequest| *subject == Subject::ChangeRequest(it.number);
    let (_, it) = desk.store.find::<ChangeRequest>(&place.scope, is)?;
    Some(desk.view().pull_as_issue(&place.path, it))
}

fn one(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    subject: &Subject,
    rest: &[&str],
) -> Option<Answer> {
    match (method, rest) {
        (&Method::GET, []) => Some(Answer::ok(&shown(desk, place, subject)?)),
        (&Method::PATCH, []) => update(desk, place, subject),
        (&Method::DELETE, []) => {
            desk.store
                .remove_where::<Issue>(&place.scope, |it| *subject == Subject::Issue(it.number));
            Some(Answer::no_content())
        }
        (_, ["comments", rest @ ..]) => comments(desk, place, method, subject, rest),
        (_, ["labels", rest @ ..]) => issue_labels(desk, place, method, subject, rest),
        (_, ["assets", rest @ ..]) => release::attachments(desk, place, method, subject, rest),
        (_, ["reactions"]) => reactions(desk, place, method, subject),
        (_, ["lock" | "pin"]) => {
            let locks = rest == ["lock"];
            let is = |it: &StateValue| {
                matches!(it, StateValue::Locked(_)) == locks && *it != StateValue::Archived
            };
            desk.store
                .remove_where::<State>(&place.scope, |it| it.subject == *subject && is(&it.value));
            if *method != Method::DELETE {
                let reason = word(&desk.request.json(), "lock_reason");
                let value =
                    if locks { StateValue::Locked(reason) } else { StateValue::Pinned(None) };
                let (author, created_at) = (Some(desk.who.clone()), desk.store.now());
                desk.store.add(
                    &place.scope,
                    State { subject: subject.clone(), value, author, created_at },
                );
            }
            Some(Answer::no_content())
        }
        (&Method::GET, ["timeline"]) => Some(timeline(desk, place, subject)),
        _ => None,
    }
}

fn timeline(desk: &Desk<'_>, place: &Place, subject: &Subject) -> Answer {
    let view = desk.view();
    let comments = desk.store.all::<Comment>(&place.scope).filter(|(_, it)| it.subject == *subject);
    let comments = comments.map(|(id, it)| {
        let mut value = view.comment(&place.path, id, it);
        value["type"] = json!("comment");
        value
    });
    let events = desk.store.all::<Event>(&place.scope).filter(|(_, it)| it.subject == *subject);
    let events = events.map(|(id, it)| {
        // Source: Gitea, models/issues/comment.go, the names of kinds of comments.
        let word = match it.action.as_str() {
            "closed" => "close",
            "reopened" => "reopen",
            "labeled" | "unlabeled" => "label",
            "renamed" => "change_title",
            "assigned" | "unassigned" => "assignees",
            "milestoned" | "demilestoned" => "milestone",
            "locked" => "lock",
            "unlocked" => "unlock",
            "merged" => "merge_pull",
            other => other,
        };
        json!({
            "id": id, "type": word, "html_url": "", "pull_request_url": "", "issue_url": "", "user": view.author(&it.actor),
            "body": if it.action == "labeled" { "1" } else { "" }, "created_at": told(it.created_at), "updated_at": told(it.created_at),
            "old_title": it.title_before.as_deref().unwrap_or(""), "new_title": it.title_after.as_deref().unwrap_or(""),
            "label": it.label.as_ref().map(|name| json!({ "id": 0, "name": name, "color": it.label_color.as_deref().unwrap_or("ededed"), "description": "", "url": "" })),
        })
    });
    let mut all: Vec<Value> = comments.chain(events).collect();
    all.sort_by_key(|it| it["created_at"].as_str().unwrap_or_default().to_owned());
    desk.page(all)
}

fn update(desk: &mut Desk<'_>, place: &Place, subject: &Subject) -> Option<Answer> {
    if let Subject::ChangeRequest(number) = subject {
        super::pull::update(desk, place, *number)?;
        return Some(Answer::created(&shown(desk, place, subject)?));
    }
    let (body, now) = (desk.request.json(), desk.store.now());
    let (id, _) =
        desk.store.find::<Issue>(&place.scope, |it| *subject == Subject::Issue(it.number))?;
    let assignees = match people(desk, &body) {
        Ok(people) => people,
        Err(answer) => return Some(*answer),
    };
    let milestone = milestone_number(desk, place, &body["milestone"]);
    let it = desk.store.get_mut::<Issue>(&place.scope, id)?;
    it.title = word(&body, "title").unwrap_or_else(|| it.title.clone());
    if body["body"].is_string() {
        it.body = markdown(&body, "body");
    }
    if body["assignees"].is_array() || body["assignee"].is_string() {
        it.assignees = assignees;
    }
    if body["milestone"].is_u64() {
        it.milestone = milestone;
    }
    if let Some(due) = body["due_date"].as_str() {
        it.due_at = due.parse().ok();
    }
    if body["unset_due_date"] == true {
        it.due_at = None;
    }
    match body["state"].as_str() {
        Some("closed") => (it.state, it.closed_at) = (OpenState::Closed, it.closed_at.or(now)),
        Some("open") => (it.state, it.closed_at) = (OpenState::Open, None),
        Some(_) | None => {}
    }
    it.updated_at = now;
    Some(Answer::created(&shown(desk, place, subject)?))
}

fn comments(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    subject: &Subject,
    rest: &[&str],
) -> Option<Answer> {
    match (method, rest) {
        // Not paged: Gitea gives all comments of an issue at once.
        (&Method::GET, []) => {
            let view = desk.view();
            let all =
                desk.store.all::<Comment>(&place.scope).filter(|(_, it)| it.subject == *subject);
            let all: Vec<Value> = all.map(|(id, it)| view.comment(&place.path, id, it)).collect();
            let total = all.len().to_string();
            Some(Answer::ok(&Value::Array(all)).with("x-total-count", &total))
        }
        (&Method::POST, []) => {
            let body = desk.request.json();
            let Some(text) = markdown(&body, "body") else {
                return Some(unprocessable("[Body]: Required"));
            };
            let now = desk.store.now();
            let author = Some(desk.who.clone());
            let it = Comment {
                subject: subject.clone(),
                author,
                body: Some(text),
                created_at: now,
                updated_at: now,
                ..Comment::default()
            };
            let id = desk.store.add(&place.scope, it.clone());
            Some(Answer::created(&desk.view().comment(&place.path, id, &it)))
        }
        (_, [id]) => comment(desk, place, method, id.parse().ok()?, &[]),
        _ => None,
    }
}

fn comment(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    id: u64,
    rest: &[&str],
) -> Option<Answer> {
    if desk.store.get::<ReviewComment>(&place.scope, id).is_some() {
        return on_code(desk, place, method, id);
    }
    desk.store.get::<Comment>(&place.scope, id)?;
    let about = Subject::Comment(HostId(id.to_string()));
    match (method, rest) {
        (_, ["reactions"]) => return reactions(desk, place, method, &about),
        (_, ["assets", rest @ ..]) => {
            return release::attachments(desk, place, method, &about, rest);
        }
        (&Method::DELETE, []) => {
            desk.store.remove::<Comment>(&place.scope, id);
            return Some(Answer::no_content());
        }
        (&Method::PATCH, []) => {
            let (body, now) = (desk.request.json(), desk.store.now());
            let it = desk.store.get_mut::<Comment>(&place.scope, id)?;
            it.body = markdown(&body, "body");
            it.updated_at = now;
        }
        (&Method::GET, []) => {}
        _ => return None,
    }
    let it = desk.store.get::<Comment>(&place.scope, id)?;
    Some(Answer::ok(&desk.view().comment(&place.path, id, it)))
}

/// A comment on code is changed and removed here like others, and is not shown. Seen at Gitea 1.24.
/// A Forgejo does not remove it here, and does not say so.
///
/// Source: Forgejo, `routers/api/v1/repo/issue_comment.go`, `deleteIssueComment`.
fn on_code(desk: &mut Desk<'_>, place: &Place, method: &Method, id: u64) -> Option<Answer> {
    match *method {
        Method::DELETE if !desk.is_forgejo() => {
            desk.store.remove::<ReviewComment>(&place.scope, id);
        }
        Method::DELETE => {}
        Method::PATCH => {
            let (body, now) = (desk.request.json(), desk.store.now());
            let it = desk.store.get_mut::<ReviewComment>(&place.scope, id)?;
            it.body = markdown(&body, "body");
            it.updated_at = now;
            let it = desk.store.get::<ReviewComment>(&place.scope, id)?;
            let shown =
                Comment { author: it.author.clone(), body: it.body.clone(), ..Comment::default() };
            return Some(Answer::ok(&desk.view().comment(&place.path, id, &shown)));
        }
        Method::GET => {}
        _ => return None,
    }
    Some(Answer::no_content())
}

fn reactions(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    subject: &Subject,
) -> Option<Answer> {
    let content = word(&desk.request.json(), "content").unwrap_or_default();
    let login = desk.who.login.clone();
    let is_own = |it: &Reaction| {
        it.subject == *subject
            && it.content == content
            && it.author.as_ref().is_some_and(|it| it.login == login)
    };
    let view = |desk: &Desk<'_>, it: &Reaction| json!({ "user": desk.view().author(&it.author), "content": it.content, "created_at": told(it.created_at) });
    match *method {
        Method::GET => {
            let all =
                desk.store.all::<Reaction>(&place.scope).filter(|(_, it)| it.subject == *subject);
            Some(desk.page(all.map(|(_, it)| view(desk, it)).collect()))
        }
        Method::POST => {
            let known = ["+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes"];
            if !known.contains(&content.as_str()) {
                return Some(super::refusal(
                    StatusCode::FORBIDDEN,
                    &format!("'{content}' is not an allowed reaction"),
                ));
            }
            if let Some((_, it)) = desk.store.find::<Reaction>(&place.scope, is_own) {
                return Some(Answer::ok(&view(desk, it)));
            }
            let (author, created_at) = (Some(desk.who.clone()), desk.store.now());
            let it =
                Reaction { subject: subject.clone(), author, content: content.clone(), created_at };
            desk.store.add(&place.scope, it.clone());
            Some(Answer::created(&view(desk, &it)))
        }
        Method::DELETE => {
            desk.store.remove_where::<Reaction>(&place.scope, is_own);
            Some(Answer::empty(StatusCode::OK))
        }
        _ => None,
    }
}

fn issue_labels(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    subject: &Subject,
    rest: &[&str],
) -> Option<Answer> {
    let asked = label_names(desk, place, &desk.request.json()["labels"]);
    let gone: Option<u64> = rest.first().and_then(|it| it.parse().ok());
    let gone =
        gone.and_then(|id| desk.store.get::<Label>(&place.scope, id)).map(|it| it.name.clone());
    let issue = desk
        .store
        .find::<Issue>(&place.scope, |it| *subject == Subject::Issue(it.number))
        .map(|it| it.0);
    let names: &mut Vec<String> = match issue {
        Some(id) => &mut desk.store.get_mut::<Issue>(&place.scope, id)?.labels,
        None => {
            let is = |it: &ChangeRequest| *subject == Subject::ChangeRequest(it.number);
            let (id, _) = desk.store.find::<ChangeRequest>(&place.scope, is)?;
            &mut desk.store.get_mut::<ChangeRequest>(&place.scope, id)?.labels
        }
    };
    match (method, rest) {
        (&Method::GET, []) => {}
        (&Method::PUT, []) => *names = asked,
        (&Method::POST, []) => {
            names.retain(|it| !asked.contains(it));
            names.extend(asked);
        }
        (&Method::DELETE, []) => {
            names.clear();
            return Some(Answer::no_content());
        }
        (&Method::DELETE, [_]) => {
            let gone = gone?;
            names.retain(|it| *it != gone);
            return Some(Answer::no_content());
        }
        _ => return None,
    }
    Some(Answer::ok(&shown(desk, place, subject)?["labels"].clone()))
}
