//! Labels, milestones and issues.

use super::{Desk, Place, invalid, missing, not_found, refusal, view::OF_GROUPS};
use crate::exchange::Answer;
use http::{Method, StatusCode};
use packhorse_core::{
    Scope,
    model::{Issue, Label, Markup, Milestone, OpenState, State, StateValue, Subject, Text, Time},
};
use serde_json::Value;

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match rest {
        ["labels", rest @ ..] => labels(desk, place, &method, rest),
        ["milestones", rest @ ..] => milestones(desk, place, &method, rest),
        ["issues"] if method == Method::POST => Some(create(desk, place)),
        ["issues"] => Some(list(desk, place)),
        ["issues", number, rest @ ..] => {
            let number: u64 = number.parse().ok()?;
            let found = desk.store.find::<Issue>(&place.scope, |it| it.number == number);
            let Some((id, it)) = found else { return Some(not_found("Issue")) };
            let at = (place.id, place.path.as_str());
            match (&method, rest) {
                (&Method::GET, []) => Some(Answer::ok(&desk.view().issue(at, id, it))),
                (&Method::PUT, []) => update(desk, place, id, number),
                (&Method::DELETE, []) => {
                    desk.store.remove::<Issue>(&place.scope, id);
                    Some(Answer::no_content())
                }
                (&Method::POST, ["time_estimate" | "add_spent_time"]) => {
                    note_time(desk, place, id, rest == ["time_estimate"])
                }
                (&Method::GET, [_]) => Some(desk.page(Vec::new())),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Sorts issues or merge requests as the query says, the newest first unless asked otherwise, and
/// keeps those of the state that is asked for.
pub(super) fn chosen(desk: &Desk<'_>, mut all: Vec<Value>) -> Vec<Value> {
    let request = desk.request;
    let state = request.query("state").unwrap_or("all");
    let since = request.query("updated_after").unwrap_or_default();
    let numbers = desk.numbers();
    let search = request.query("search").unwrap_or_default().to_lowercase();
    let says = |it: &Value| {
        ["title", "description"]
            .iter()
            .any(|field| it[field].as_str().unwrap_or_default().to_lowercase().contains(&search))
    };
    all.retain(|it| {
        let number = it["iid"].as_u64().unwrap_or_default();
        (state == "all" || it["state"] == state)
            && it["updated_at"].as_str().unwrap_or_default() >= since
            && numbers.as_ref().is_none_or(|all| all.contains(&number))
            && says(it)
    });
    let field = request.query("order_by").unwrap_or("created_at");
    let field = if field == "updated_at" { "updated_at" } else { "created_at" };
    all.sort_by_key(|it| (it[field].as_str().unwrap_or_default().to_owned(), it["iid"].as_u64()));
    if request.query("sort") != Some("asc") {
        all.reverse();
    }
    all
}

fn list(desk: &Desk<'_>, place: &Place) -> Answer {
    let view = desk.view();
    let at = (place.id, place.path.as_str());
    let all = desk.store.all::<Issue>(&place.scope).map(|(id, it)| view.issue(at, id, it));
    desk.page(chosen(desk, all.collect()))
}

/// Groups that a project or a group is in, the nearest first. Their labels and milestones are held
/// as if they were those of a project of that path.
pub(super) fn above(path: &str) -> Vec<String> {
    let ends = path.rmatch_indices('/').map(|(at, _)| at);
    ends.map(|at| path[..at].to_owned()).collect()
}

/// A label as one of a group.
fn of_group(mut label: Value) -> Value {
    label["is_project_label"] = false.into();
    label
}

/// Labels that are named and not there are made, as GitLab does.
pub(super) fn make_labels(desk: &mut Desk<'_>, place: &Place, names: &[String]) {
    for name in names {
        let scopes = above(&place.path).into_iter().map(Scope::Project);
        let mut scopes = scopes.chain([place.scope.clone()]);
        if !scopes.any(|it| desk.store.find::<Label>(&it, |it| it.name == *name).is_some()) {
            let color = Some("6699cc".to_owned());
            desk.store.add(&place.scope, Label { name: name.clone(), color, ..Label::default() });
        }
    }
}

/// The number in the project of the milestone of that id; `Some(None)` where none is asked for.
pub(super) fn milestone(desk: &Desk<'_>, place: &Place) -> Option<Option<u64>> {
    let id = desk.number("milestone_id")?;
    let own = desk.store.get::<Milestone>(&place.scope, id).map(|it| it.number);
    let shared = above(&place.path).into_iter().find_map(|above| {
        desk.store.get::<Milestone>(&Scope::Project(above), id).map(|_| OF_GROUPS + id)
    });
    Some(own.or(shared))
}

pub(super) fn body(desk: &Desk<'_>, field: &str) -> Option<Text> {
    desk.text(field).map(|it| Text::new(it, Markup::Gitlab))
}

/// A day, as a moment.
fn date(desk: &Desk<'_>, field: &str) -> Option<Time> {
    let text = desk.text(field)?;
    format!("{}T00:00:00Z", text.get(..10)?).parse().ok()
}

/// What GitLab refuses of a title.
pub(super) fn bad_title(title: &str) -> Option<Answer> {
    if title.trim().is_empty() {
        return Some(invalid("title", "can't be blank"));
    }
    let is_long = title.chars().count() > 255;
    is_long.then(|| invalid("title", "is too long (maximum is 255 characters)"))
}

fn create(desk: &mut Desk<'_>, place: &Place) -> Answer {
    let Some(title) = desk.text("title") else { return missing("title") };
    if let Some(refused) = bad_title(&title) {
        return refused;
    }
    let next = desk.store.next_number(&place.path, &["issue"]);
    let number = desk.number("iid").filter(|_| desk.may_date()).unwrap_or(next);
    if desk.store.find::<Issue>(&place.scope, |it| it.number == number).is_some() {
        return refusal(StatusCode::CONFLICT, "Duplicated issue");
    }
    let labels = desk.names("labels").unwrap_or_default();
    make_labels(desk, place, &labels);
    let now = desk.moment();
    let it = Issue {
        number,
        title,
        body: body(desk, "description"),
        author: Some(desk.author()),
        assignees: desk.people("assignee_ids").unwrap_or_default(),
        labels,
        milestone: milestone(desk, place).flatten(),
        confidential: desk.flag("confidential") == Some(true),
        issue_type: desk.text("issue_type").filter(|it| it != "issue"),
        weight: desk.number("weight"),
        due_at: date(desk, "due_date"),
        created_at: now,
        updated_at: now,
        ..Issue::default()
    };
    let id = desk.store.add(&place.scope, it.clone());
    Answer::created(&desk.view().issue((place.id, &place.path), id, &it))
}

/// Notes how long something takes, or has taken, in GitLab's words: seconds alone are understood.
fn note_time(desk: &mut Desk<'_>, place: &Place, id: u64, is_estimate: bool) -> Option<Answer> {
    let told = desk.text("duration")?;
    let Some(seconds) = told.strip_suffix('s').and_then(|it| it.parse::<u64>().ok()) else {
        return Some(refusal(StatusCode::BAD_REQUEST, "400 Bad request"));
    };
    let it = desk.store.get_mut::<Issue>(&place.scope, id)?;
    if is_estimate {
        it.time_estimate = Some(seconds);
    } else {
        it.time_spent = Some(it.time_spent.unwrap_or_default() + seconds);
    }
    let (estimate, spent) = (it.time_estimate, it.time_spent);
    Some(Answer::created(&desk.view().time_stats(estimate, spent)))
}

/// Locks a discussion, or unlocks it.
pub(super) fn lock(desk: &mut Desk<'_>, place: &Place, subject: Subject) {
    let Some(is) = desk.flag("discussion_locked") else { return };
    desk.store.remove_where::<State>(&place.scope, |it| {
        it.subject == subject && matches!(it.value, StateValue::Locked(_))
    });
    if is {
        let (value, created_at) = (StateValue::Locked(None), desk.store.now());
        let author = Some(desk.author());
        desk.store.add(&place.scope, State { subject, value, author, created_at });
    }
}

fn update(desk: &mut Desk<'_>, place: &Place, id: u64, number: u64) -> Option<Answer> {
    if let Some(refused) = desk.text("title").and_then(|it| bad_title(&it)) {
        return Some(refused);
    }
    let labels = desk.names("labels");
    make_labels(desk, place, labels.as_deref().unwrap_or_default());
    lock(desk, place, Subject::Issue(number));
    let (title, text, milestone) =
        (desk.text("title"), body(desk, "description"), milestone(desk, place));
    let (people, event, author) =
        (desk.people("assignee_ids"), desk.text("state_event"), desk.author());
    let (due, secret, weight) =
        (date(desk, "due_date"), desk.flag("confidential"), desk.number("weight"));
    let told = desk.text("updated_at").and_then(|it| it.parse().ok());
    let now = told.filter(|_| desk.may_date()).or_else(|| desk.store.now());
    let it = desk.store.get_mut::<Issue>(&place.scope, id)?;
    it.title = title.unwrap_or_else(|| it.title.clone());
    it.body = text.or(it.body.take());
    it.labels = labels.unwrap_or_else(|| std::mem::take(&mut it.labels));
    it.milestone = milestone.unwrap_or(it.milestone);
    it.assignees = people.unwrap_or_else(|| std::mem::take(&mut it.assignees));
    it.due_at = due.or(it.due_at);
    it.confidential = secret.unwrap_or(it.confidential);
    it.weight = weight.or(it.weight);
    it.updated_at = now;
    if event.as_deref() == Some("close") {
        (it.state, it.closed_at, it.closed_by) = (OpenState::Closed, now, Some(author));
    } else if event.as_deref() == Some("reopen") {
        (it.state, it.closed_at, it.closed_by) = (OpenState::Open, None, None);
    }
    let it = desk.store.get::<Issue>(&place.scope, id)?;
    Some(Answer::ok(&desk.view().issue((place.id, &place.path), id, it)))
}

fn color(desk: &Desk<'_>) -> Option<String> {
    desk.text("color").map(|it| it.trim_start_matches('#').to_lowercase())
}

fn labels(desk: &mut Desk<'_>, place: &Place, method: &Method, rest: &[&str]) -> Option<Answer> {
    let view = desk.view();
    match (method, rest) {
        (&Method::GET, []) => {
            let all = desk.store.all::<Label>(&place.scope);
            let mut all: Vec<_> = all.map(|(id, it)| view.label(id, it)).collect();
            let has_above = desk.request.query("include_ancestor_groups") != Some("false");
            for above in above(&place.path).into_iter().filter(|_| has_above) {
                let scope = Scope::Project(above);
                let shared = desk.store.all::<Label>(&scope);
                all.extend(shared.map(|(id, it)| of_group(view.label(id, it))));
            }
            all.sort_by_key(|it| it["name"].as_str().unwrap_or_default().to_lowercase());
            Some(desk.page(all))
        }
        (&Method::POST, []) => {
            let Some(name) = desk.text("name") else { return Some(missing("name")) };
            let Some(color) = color(desk) else { return Some(missing("color")) };
            if desk.store.find::<Label>(&place.scope, |it| it.name == name).is_some() {
                return Some(refusal(StatusCode::CONFLICT, "Label already exists"));
            }
            let it = Label {
                name,
                color: Some(color),
                description: body(desk, "description"),
                priority: desk.number("priority"),
                created_at: desk.store.now(),
                ..Label::default()
            };
            let id = desk.store.add(&place.scope, it.clone());
            Some(Answer::created(&desk.view().label(id, &it)))
        }
        (_, [name]) => {
            let by_id: Option<u64> = name.parse().ok();
            let mut all = desk.store.all::<Label>(&place.scope);
            let found = all.find(|(id, it)| Some(*id) == by_id || it.name == *name);
            let found = found.map(|(id, _)| id);
            drop(all);
            let Some(id) = found else {
                let shared = above(&place.path).into_iter().find_map(|above| {
                    let scope = Scope::Project(above);
                    let (id, it) = desk.store.find::<Label>(&scope, |it| it.name == *name)?;
                    Some(of_group(view.label(id, it)))
                });
                let shared = shared.filter(|_| *method == Method::GET);
                return Some(shared.map_or_else(|| not_found("Label"), |it| Answer::ok(&it)));
            };
            if *method == Method::DELETE {
                desk.store.remove::<Label>(&place.scope, id);
                return Some(Answer::no_content());
            }
            if *method == Method::PUT {
                let (name, color, text) =
                    (desk.text("new_name"), color(desk), body(desk, "description"));
                let priority = desk.number("priority");
                let it = desk.store.get_mut::<Label>(&place.scope, id)?;
                it.name = name.unwrap_or_else(|| it.name.clone());
                it.color = color.or(it.color.take());
                it.description = text.or(it.description.take());
                it.priority = priority.or(it.priority);
            }
            let it = desk.store.get::<Label>(&place.scope, id)?;
            Some(Answer::ok(&desk.view().label(id, it)))
        }
        _ => None,
    }
}

/// A milestone of a project, or of a group.
fn shown_milestone(desk: &Desk<'_>, place: &Place, id: u64, it: &Milestone) -> Value {
    let is_group = desk.store.project(&place.path).is_none();
    let view = desk.view();
    if is_group {
        view.group_milestone(id, it)
    } else {
        view.milestone((place.id, &place.path), id, it)
    }
}

/// Milestones as they are asked for, those of groups among them.
fn list_milestones(desk: &Desk<'_>, place: &Place) -> Answer {
    let at = (place.id, place.path.as_str());
    let view = desk.view();
    let state = desk.request.query("state").filter(|it| *it != "all");
    let all = desk.store.all::<Milestone>(&place.scope);
    let mut all: Vec<_> = all.map(|(id, it)| view.milestone(at, id, it)).collect();
    if desk.request.query("include_ancestors") == Some("true") {
        for above in above(&place.path) {
            let scope = Scope::Project(above);
            let shared = desk.store.all::<Milestone>(&scope);
            all.extend(shared.map(|(id, it)| view.group_milestone(id, it)));
        }
    }
    let (numbers, title) = (desk.numbers(), desk.request.query("title"));
    all.retain(|it| {
        let number = it["iid"].as_u64().unwrap_or_default();
        state.is_none_or(|state| it["state"] == state)
            && title.is_none_or(|title| it["title"] == title)
            && numbers.as_ref().is_none_or(|all| all.contains(&number))
    });
    desk.page(all)
}

fn milestones(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    rest: &[&str],
) -> Option<Answer> {
    match (method, rest) {
        (&Method::GET, []) => Some(list_milestones(desk, place)),
        (&Method::POST, []) => {
            let Some(title) = desk.text("title") else { return Some(missing("title")) };
            if let Some(refused) = bad_title(&title) {
                return Some(refused);
            }
            let scopes = above(&place.path).into_iter().map(Scope::Project);
            let mut scopes = scopes.chain([place.scope.clone()]);
            let same = |it: &Milestone| it.title == title;
            if scopes.any(|it| desk.store.find::<Milestone>(&it, same).is_some()) {
                return Some(invalid(
                    "title",
                    "already being used for another group or project milestone.",
                ));
            }
            let now = desk.store.now();
            let it = Milestone {
                number: desk.store.next_number(&place.path, &["milestone"]),
                title,
                description: body(desk, "description"),
                start_at: date(desk, "start_date"),
                due_at: date(desk, "due_date"),
                created_at: now,
                updated_at: now,
                ..Milestone::default()
            };
            let id = desk.store.add(&place.scope, it.clone());
            Some(Answer::created(&shown_milestone(desk, place, id, &it)))
        }
        (_, [id]) => {
            let id: u64 = id.parse().ok()?;
            if desk.store.get::<Milestone>(&place.scope, id).is_none() {
                return Some(not_found("Milestone"));
            }
            if *method == Method::DELETE {
                desk.store.remove::<Milestone>(&place.scope, id);
                return Some(Answer::no_content());
            }
            if *method == Method::PUT {
                let (title, text, event) =
                    (desk.text("title"), body(desk, "description"), desk.text("state_event"));
                let (start, due, now) =
                    (date(desk, "start_date"), date(desk, "due_date"), desk.store.now());
                let it = desk.store.get_mut::<Milestone>(&place.scope, id)?;
                it.title = title.unwrap_or_else(|| it.title.clone());
                it.description = text.or(it.description.take());
                (it.start_at, it.due_at) = (start.or(it.start_at), due.or(it.due_at));
                it.updated_at = now;
                if event.as_deref() == Some("close") {
                    (it.state, it.closed_at) = (OpenState::Closed, now);
                } else if event.as_deref() == Some("activate") {
                    (it.state, it.closed_at) = (OpenState::Open, None);
                }
            }
            let it = desk.store.get::<Milestone>(&place.scope, id)?;
            Some(Answer::ok(&shown_milestone(desk, place, id, it)))
        }
        _ => None,
    }
}
