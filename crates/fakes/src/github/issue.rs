//! Issues.

use super::{Desk, Place, invalid, refusal, unprocessable};
use crate::exchange::Answer;
use http::{Method, StatusCode};
use packhorse_core::Scope;
use packhorse_core::model::{
    ChangeRequest, Event, Identity, Issue, Label, Markup, Milestone, OpenState, Project, State,
    StateValue, Subject, Text,
};
use serde_json::Value;

/// Most characters of a body. Source: the message of GitHub's own refusal.
pub(super) const LONGEST_BODY: usize = 65_536;

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match (&method, rest) {
        (&Method::GET, ["issues"]) => Some(list(desk, place)),
        (&Method::POST, ["issues"]) => Some(create(desk, place)),
        (_, ["issues", number, rest @ ..]) => {
            let number = number.parse().ok()?;
            one(desk, place, &method, number, rest)
        }
        _ => None,
    }
}

/// The subject of a number in the row that issues and change requests share.
pub(super) fn subject(desk: &Desk<'_>, place: &Place, number: u64) -> Option<Subject> {
    if desk.store.find::<Issue>(&place.scope, |it| it.number == number).is_some() {
        return Some(Subject::Issue(number));
    }
    let found = desk.store.find::<ChangeRequest>(&place.scope, |it| it.number == number);
    found.map(|_| Subject::ChangeRequest(number))
}

/// What GitHub lists: newest first unless asked otherwise, change requests among the issues.
fn list(desk: &Desk<'_>, place: &Place) -> Answer {
    let view = desk.view();
    let state = desk.request.query("state").unwrap_or("open");
    let wanted = |value: &Value| state == "all" || value["state"] == state;
    let since = desk.request.query("since").unwrap_or_default();
    let issues = desk.store.all::<Issue>(&place.scope);
    let issues = issues.map(|(id, it)| view.issue(&place.path, id, it));
    let changes = desk.store.all::<ChangeRequest>(&place.scope);
    let changes = changes.map(|(id, it)| view.change_as_issue(&place.path, id, it));
    let late = |value: &Value| value["updated_at"].as_str().unwrap_or_default() >= since;
    let mut all: Vec<Value> = issues.chain(changes).filter(|it| wanted(it) && late(it)).collect();
    sort(desk, &mut all);
    desk.page(all)
}

/// Sorts a listing of issues or change requests as the query says.
pub(super) fn sort(desk: &Desk<'_>, all: &mut [Value]) {
    let field = match desk.request.query("sort") {
        Some("updated") => "updated_at",
        _ => "created_at",
    };
    let key =
        |it: &Value| (it[field].as_str().unwrap_or_default().to_owned(), it["number"].as_u64());
    all.sort_by_key(key);
    if desk.request.query("direction") != Some("asc") {
        all.reverse();
    }
}

pub(super) fn names(value: &Value) -> Vec<String> {
    let name = |it: &Value| it.as_str().or_else(|| it["name"].as_str()).map(str::to_owned);
    value.as_array().into_iter().flatten().filter_map(name).collect()
}

/// Labels that an issue names are made where there are none, as GitHub does for those who may write.
pub(super) fn make_labels(desk: &mut Desk<'_>, place: &Place, names: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for name in names {
        let same = |it: &Label| it.name.to_lowercase() == name.to_lowercase();
        match desk.store.find::<Label>(&place.scope, same) {
            Some((_, it)) => found.push(it.name.clone()),
            None => {
                let color = Some("ededed".to_owned());
                desk.store
                    .add(&place.scope, Label { name: name.clone(), color, ..Label::default() });
                found.push(name.clone());
            }
        }
    }
    found.dedup();
    found
}

/// People whom GitHub lets work on an issue: those that it knows; others are left out silently.
pub(super) fn people(desk: &Desk<'_>, logins: &[String]) -> Vec<Identity> {
    let known = |login: &String| desk.store.known_user(login).map(|(_, it)| it.identity.clone());
    logins.iter().filter_map(known).take(10).collect()
}

pub(super) fn body_text(body: &Value) -> Option<Text> {
    body["body"].as_str().filter(|it| !it.is_empty()).map(|it| Text::new(it, Markup::Github))
}

/// What GitHub refuses in any text.
pub(super) fn too_long(body: &Value) -> Option<Answer> {
    let length = body["body"].as_str().map_or(0, |it| it.chars().count());
    let words = format!("body is too long (maximum is {LONGEST_BODY} characters)");
    (length > LONGEST_BODY).then(|| unprocessable(&words))
}

fn create(desk: &mut Desk<'_>, place: &Place) -> Answer {
    let body = desk.request.json();
    let project = desk.store.get::<Project>(&Scope::Shared, place.id);
    if project.is_some_and(|it| it.features.issues == Some(false)) {
        return refusal(StatusCode::GONE, "Issues has been disabled in this repository.");
    }
    let Some(title) = body["title"].as_str().filter(|it| !it.trim().is_empty()) else {
        return invalid("Issue", "title", "missing_field");
    };
    if title.chars().count() > 256 {
        return unprocessable("title is too long (maximum is 256 characters)");
    }
    if let Some(refused) = too_long(&body).or_else(|| no_milestone(desk, place, &body)) {
        return refused;
    }
    let number = desk.store.next_number(&place.path, &["issue", "change_request", "discussion"]);
    let labels = make_labels(desk, place, &names(&body["labels"]));
    let mut logins = names(&body["assignees"]);
    logins.extend(body["assignee"].as_str().map(str::to_owned));
    let now = desk.store.now();
    let issue = Issue {
        number,
        title: title.to_owned(),
        body: body_text(&body),
        author: Some(who(desk)),
        assignees: people(desk, &logins),
        labels,
        milestone: body["milestone"].as_u64(),
        issue_type: body["type"].as_str().map(str::to_owned),
        created_at: now,
        updated_at: now,
        ..Issue::default()
    };
    let id = desk.store.add(&place.scope, issue.clone());
    Answer::created(&desk.view().issue(&place.path, id, &issue))
}

/// The caller, as an author.
pub(super) fn who(desk: &Desk<'_>) -> Identity {
    let known = desk.store.known_user(&desk.who).map(|(_, it)| it.identity.clone());
    known.unwrap_or_else(|| Identity::login(&desk.who, None))
}

fn no_milestone(desk: &Desk<'_>, place: &Place, body: &Value) -> Option<Answer> {
    let number = body["milestone"].as_u64()?;
    let found = desk.store.find::<Milestone>(&place.scope, |it| it.number == number);
    found.is_none().then(|| invalid("Issue", "milestone", "invalid"))
}

fn one(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    number: u64,
    rest: &[&str],
) -> Option<Answer> {
    let subject = subject(desk, place, number)?;
    match (method, rest) {
        (&Method::GET, []) => Some(Answer::ok(&shown(desk, place, &subject)?)),
        (&Method::PATCH, []) => Some(update(desk, place, &subject)),
        (&Method::PUT, ["lock"]) => {
            let reason = desk.request.json()["lock_reason"].as_str().map(str::to_owned);
            let known = ["off-topic", "too heated", "resolved", "spam"];
            if reason.as_deref().is_some_and(|it| !known.contains(&it)) {
                return Some(invalid("Issue", "lock_reason", "invalid"));
            }
            unlock(desk, place, &subject);
            let (value, created_at) = (StateValue::Locked(reason), desk.store.now());
            let author = Some(who(desk));
            desk.store.add(&place.scope, State { subject, value, author, created_at });
            Some(Answer::no_content())
        }
        (&Method::DELETE, ["lock"]) => {
            unlock(desk, place, &subject);
            Some(Answer::no_content())
        }
        (_, ["labels", rest @ ..]) => labels(desk, place, &subject, method, rest),
        (&Method::POST | &Method::DELETE, ["assignees"]) => {
            let asked = people(desk, &names(&desk.request.json()["assignees"]));
            let adds = *method == Method::POST;
            with_fields(desk, place, &subject, |fields| {
                fields.assignees.retain(|it| !asked.iter().any(|other| other.login == it.login));
                if adds {
                    fields.assignees.extend(asked.iter().cloned());
                }
            });
            let value = shown(desk, place, &subject)?;
            Some(if adds { Answer::created(&value) } else { Answer::ok(&value) })
        }
        _ => None,
    }
}

fn unlock(desk: &mut Desk<'_>, place: &Place, subject: &Subject) {
    desk.store.remove_where::<State>(&place.scope, |it| {
        it.subject == *subject && matches!(it.value, StateValue::Locked(_))
    });
}

pub(super) fn shown(desk: &Desk<'_>, place: &Place, subject: &Subject) -> Option<Value> {
    let view = desk.view();
    if let Subject::Issue(number) = subject {
        let (id, it) = desk.store.find::<Issue>(&place.scope, |it| it.number == *number)?;
        return Some(view.issue(&place.path, id, it));
    }
    let Subject::ChangeRequest(number) = subject else { return None };
    let (id, it) = desk.store.find::<ChangeRequest>(&place.scope, |it| it.number == *number)?;
    Some(view.change_as_issue(&place.path, id, it))
}

/// What issues and change requests have in common.
struct Fields<'a> {
    title: &'a mut String,
    body: &'a mut Option<Text>,
    labels: &'a mut Vec<String>,
    assignees: &'a mut Vec<Identity>,
    milestone: &'a mut Option<u64>,
}

fn with_fields(
    desk: &mut Desk<'_>,
    place: &Place,
    subject: &Subject,
    change: impl FnOnce(Fields<'_>),
) {
    let now = desk.store.now();
    if let Subject::Issue(number) = subject {
        let found =
            desk.store.find::<Issue>(&place.scope, |it| it.number == *number).map(|it| it.0);
        if let Some(it) = found.and_then(|id| desk.store.get_mut::<Issue>(&place.scope, id)) {
            it.updated_at = now;
            let (title, body, labels) = (&mut it.title, &mut it.body, &mut it.labels);
            change(Fields {
                title,
                body,
                labels,
                assignees: &mut it.assignees,
                milestone: &mut it.milestone,
            });
        }
    } else if let Subject::ChangeRequest(number) = subject {
        let found = desk
            .store
            .find::<ChangeRequest>(&place.scope, |it| it.number == *number)
            .map(|it| it.0);
        if let Some(it) = found.and_then(|id| desk.store.get_mut::<ChangeRequest>(&place.scope, id))
        {
            it.updated_at = now;
            let (title, body, labels) = (&mut it.title, &mut it.body, &mut it.labels);
            change(Fields {
                title,
                body,
                labels,
                assignees: &mut it.assignees,
                milestone: &mut it.milestone,
            });
        }
    }
}

fn update(desk: &mut Desk<'_>, place: &Place, subject: &Subject) -> Answer {
    let body = desk.request.json();
    if let Some(refused) = too_long(&body).or_else(|| no_milestone(desk, place, &body)) {
        return refused;
    }
    let labels = body.get("labels").map(|it| make_labels(desk, place, &names(it)));
    let assignees = body.get("assignees").map(|it| people(desk, &names(it)));
    with_fields(desk, place, subject, |fields| {
        if let Some(title) = body["title"].as_str() {
            title.clone_into(fields.title);
        }
        if body.get("body").is_some() {
            *fields.body = body_text(&body);
        }
        if let Some(labels) = labels {
            *fields.labels = labels;
        }
        if let Some(assignees) = assignees {
            *fields.assignees = assignees;
        }
        if let Some(milestone) = body.get("milestone") {
            *fields.milestone = milestone.as_u64();
        }
    });
    if let Some(state) = body["state"].as_str() {
        if let Subject::Issue(number) = subject {
            set_state(desk, place, *number, state, &body);
        } else {
            super::change::set_state(desk, place, subject, state);
        }
    }
    shown(desk, place, subject).map_or_else(super::not_found, |it| Answer::ok(&it))
}

fn set_state(desk: &mut Desk<'_>, place: &Place, number: u64, state: &str, body: &Value) {
    let (now, by) = (desk.store.now(), who(desk));
    let Some(id) = desk.store.find::<Issue>(&place.scope, |it| it.number == number).map(|it| it.0)
    else {
        return;
    };
    let Some(issue) = desk.store.get_mut::<Issue>(&place.scope, id) else { return };
    let closes = state == "closed";
    let was_closed = issue.state == OpenState::Closed;
    issue.state = if closes { OpenState::Closed } else { OpenState::Open };
    let reason = body["state_reason"].as_str().map(str::to_owned);
    if closes {
        issue.state_reason = reason.or(Some("completed".to_owned()));
        issue.closed_at = issue.closed_at.or(now);
        issue.closed_by = issue.closed_by.take().or(Some(by.clone()));
    } else {
        issue.state_reason = was_closed.then(|| "reopened".to_owned());
        (issue.closed_at, issue.closed_by) = (None, None);
    }
    if closes != was_closed {
        let action = if closes { "closed" } else { "reopened" };
        note(desk, place, Subject::Issue(number), action);
    }
}

/// Keeps that something happened.
pub(super) fn note(desk: &mut Desk<'_>, place: &Place, subject: Subject, action: &str) {
    let (actor, created_at) = (Some(who(desk)), desk.store.now());
    let event = Event { subject, action: action.to_owned(), actor, created_at, ..Event::default() };
    desk.store.add(&place.scope, event);
}

fn labels(
    desk: &mut Desk<'_>,
    place: &Place,
    subject: &Subject,
    method: &Method,
    rest: &[&str],
) -> Option<Answer> {
    let body = desk.request.json();
    let given = if body.is_array() { names(&body) } else { names(&body["labels"]) };
    if matches!(*method, Method::POST | Method::PUT) {
        let made = make_labels(desk, place, &given);
        let replaces = *method == Method::PUT;
        with_fields(desk, place, subject, |fields| {
            if replaces {
                fields.labels.clear();
            }
            for name in made {
                if !fields.labels.contains(&name) {
                    fields.labels.push(name);
                }
            }
        });
    } else if *method == Method::DELETE {
        let name = rest.first().copied();
        with_fields(desk, place, subject, |fields| {
            fields.labels.retain(|it| name.is_some_and(|name| name != it));
        });
        if name.is_none() {
            return Some(Answer::no_content());
        }
    }
    let mut names = Vec::new();
    with_fields(desk, place, subject, |fields| names.clone_from(fields.labels));
    let all = desk.view().labels(&place.path, &names);
    Some(if *method == Method::GET { desk.page(all) } else { Answer::ok(&Value::Array(all)) })
}
