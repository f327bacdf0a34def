//! Labels, milestones, comments, reactions, events.

use super::{
    Desk, Place, invalid,
    issue::{body_text, subject, too_long, who},
    not_found, refusal,
    view::{View, node, open_state, told},
};
use crate::exchange::Answer;
use http::{Method, StatusCode};
use packhorse_core::model::{
    Comment, CommitComment, Event, HostId, Label, Markup, Milestone, OpenState, Reaction, Subject,
    Text,
};
use serde_json::{Value, json};

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match rest {
        ["labels", rest @ ..] => labels(desk, place, &method, rest),
        ["milestones", rest @ ..] => milestones(desk, place, &method, rest),
        ["issues", "comments"] => Some(comments(desk, place, |_| true)),
        ["issues", "comments", id, rest @ ..] => {
            comment(desk, place, &method, id.parse().ok()?, rest)
        }
        ["issues", "events"] => Some(events(desk, place, None)),
        ["issues", number, "comments"] => {
            let subject = subject(desk, place, number.parse().ok()?)?;
            if method == Method::POST {
                return Some(add_comment(desk, place, subject));
            }
            Some(comments(desk, place, |it| it.subject == subject))
        }
        ["issues", number, "events" | "timeline"] => {
            let subject = subject(desk, place, number.parse().ok()?)?;
            Some(events(desk, place, Some(&subject)))
        }
        ["issues", number, "reactions", rest @ ..] => {
            let subject = subject(desk, place, number.parse().ok()?)?;
            reactions(desk, place, &method, &subject, rest)
        }
        ["comments"] => {
            let view = desk.view();
            let all = desk.store.all::<CommitComment>(&place.scope);
            Some(desk.page(all.map(|(id, it)| commit_comment(&view, place, id, it)).collect()))
        }
        ["comments", id, rest @ ..] => {
            one_commit_comment(desk, place, &method, id.parse().ok()?, rest)
        }
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|it| !it.is_empty()).map(str::to_owned)
}

fn labels(desk: &mut Desk<'_>, place: &Place, method: &Method, rest: &[&str]) -> Option<Answer> {
    let body = desk.request.json();
    let is_color = |it: &str| it.len() == 6 && it.bytes().all(|b| b.is_ascii_hexdigit());
    if body["color"].as_str().is_some_and(|it| !is_color(it)) {
        return Some(invalid("Label", "color", "invalid"));
    }
    if body["description"].as_str().is_some_and(|it| it.chars().count() > 100) {
        return Some(super::unprocessable("description is too long (maximum is 100 characters)"));
    }
    let find = |desk: &Desk<'_>, name: &str| {
        let same = |it: &Label| it.name.to_lowercase() == name.to_lowercase();
        desk.store.find::<Label>(&place.scope, same).map(|it| it.0)
    };
    let description = text(&body["description"]).map(|it| Text::new(it, Markup::Plain));
    let shown = |desk: &Desk<'_>, id| {
        let it = desk.store.get::<Label>(&place.scope, id)?;
        Some(desk.view().label(&place.path, id, it))
    };
    match (method, rest) {
        (&Method::GET, []) => {
            let view = desk.view();
            let all = desk.store.all::<Label>(&place.scope);
            Some(desk.page(all.map(|(id, it)| view.label(&place.path, id, it)).collect()))
        }
        (&Method::POST, []) => {
            let Some(name) = text(&body["name"]) else {
                return Some(invalid("Label", "name", "missing_field"));
            };
            if name.chars().count() > 50 {
                return Some(super::unprocessable("name is too long (maximum is 50 characters)"));
            }
            if find(desk, &name).is_some() {
                return Some(invalid("Label", "name", "already_exists"));
            }
            let color = Some(body["color"].as_str().unwrap_or("ededed").to_lowercase());
            let id = desk
                .store
                .add(&place.scope, Label { name, color, description, ..Label::default() });
            Some(Answer::created(&shown(desk, id)?))
        }
        (&Method::GET, [name]) => Some(Answer::ok(&shown(desk, find(desk, name)?)?)),
        (&Method::PATCH, [name]) => {
            let id = find(desk, name)?;
            let it = desk.store.get_mut::<Label>(&place.scope, id)?;
            if let Some(name) = text(&body["new_name"]) {
                it.name = name;
            }
            if let Some(color) = body["color"].as_str() {
                it.color = Some(color.to_lowercase());
            }
            if body.get("description").is_some() {
                it.description = description;
            }
            Some(Answer::ok(&shown(desk, id)?))
        }
        (&Method::DELETE, [name]) => {
            let id = find(desk, name)?;
            desk.store.remove::<Label>(&place.scope, id);
            Some(Answer::no_content())
        }
        _ => None,
    }
}

fn milestones(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    rest: &[&str],
) -> Option<Answer> {
    let body = desk.request.json();
    let shown = |desk: &Desk<'_>, id| {
        let it = desk.store.get::<Milestone>(&place.scope, id)?;
        Some(desk.view().milestone_of(&place.path, id, it))
    };
    let find = |desk: &Desk<'_>, number: &str| {
        let number: u64 = number.parse().ok()?;
        desk.store.find::<Milestone>(&place.scope, |it| it.number == number).map(|it| it.0)
    };
    match (method, rest) {
        (&Method::GET, []) => {
            let state = desk.request.query("state").unwrap_or("open");
            let view = desk.view();
            let all = desk.store.all::<Milestone>(&place.scope);
            let all = all.filter(|(_, it)| state == "all" || open_state(it.state) == state);
            Some(desk.page(all.map(|(id, it)| view.milestone_of(&place.path, id, it)).collect()))
        }
        (&Method::POST, []) => {
            let Some(title) = text(&body["title"]) else {
                return Some(invalid("Milestone", "title", "missing_field"));
            };
            if desk.store.find::<Milestone>(&place.scope, |it| it.title == title).is_some() {
                return Some(invalid("Milestone", "title", "already_exists"));
            }
            let now = desk.store.now();
            let number = desk.store.next_number(&place.path, &["milestone"]);
            let author = Some(who(desk));
            let mut it = Milestone {
                number,
                title,
                author,
                created_at: now,
                updated_at: now,
                ..Milestone::default()
            };
            change(&mut it, &body, now);
            let id = desk.store.add(&place.scope, it);
            Some(Answer::created(&shown(desk, id)?))
        }
        (&Method::GET, [number]) => Some(Answer::ok(&shown(desk, find(desk, number)?)?)),
        (&Method::PATCH, [number]) => {
            let (id, now) = (find(desk, number)?, desk.store.now());
            let it = desk.store.get_mut::<Milestone>(&place.scope, id)?;
            if let Some(title) = text(&body["title"]) {
                it.title = title;
            }
            change(it, &body, now);
            Some(Answer::ok(&shown(desk, id)?))
        }
        (&Method::DELETE, [number]) => {
            let id = find(desk, number)?;
            desk.store.remove::<Milestone>(&place.scope, id);
            Some(Answer::no_content())
        }
        _ => None,
    }
}

fn change(it: &mut Milestone, body: &Value, now: Option<packhorse_core::model::Time>) {
    if body.get("description").is_some() {
        it.description = text(&body["description"]).map(|it| Text::new(it, Markup::Github));
    }
    // GitHub keeps the day alone, at 07:00 or 08:00 UTC; what was given is shown here as it is.
    if body.get("due_on").is_some() {
        it.due_at = body["due_on"].as_str().and_then(|it| it.parse().ok());
    }
    match body["state"].as_str() {
        Some("closed") => {
            it.state = OpenState::Closed;
            it.closed_at = it.closed_at.or(now);
        }
        Some("open") => (it.state, it.closed_at) = (OpenState::Open, None),
        Some(_) | None => {}
    }
    it.updated_at = now;
}

fn comments(desk: &Desk<'_>, place: &Place, is: impl Fn(&Comment) -> bool) -> Answer {
    let view = desk.view();
    let on_page =
        |it: &Comment| matches!(it.subject, Subject::Issue(_) | Subject::ChangeRequest(_));
    let since = desk.request.query("since").unwrap_or_default();
    let is_late = |it: &Comment| {
        since.is_empty() || told(it.updated_at.or(it.created_at)).as_str() >= Some(since)
    };
    let all = desk.store.all::<Comment>(&place.scope);
    let all = all.filter(|(_, it)| on_page(it) && is(it) && is_late(it));
    desk.page_of(all.collect(), |(id, it)| view.comment(&place.path, id, it))
}

fn add_comment(desk: &mut Desk<'_>, place: &Place, subject: Subject) -> Answer {
    let body = desk.request.json();
    let Some(text) = body_text(&body) else {
        return invalid("IssueComment", "body", "missing_field");
    };
    if let Some(refused) = too_long(&body) {
        return refused;
    }
    let is_locked = desk.view().lock(&place.path, &subject).is_some();
    if is_locked && !desk.request.caller.may(crate::access::Access::Write) {
        return refusal(StatusCode::FORBIDDEN, "Unable to create comment because issue is locked.");
    }
    let now = desk.store.now();
    let author = Some(who(desk));
    let it = Comment {
        subject,
        author,
        body: Some(text),
        created_at: now,
        updated_at: now,
        ..Comment::default()
    };
    let id = desk.store.add(&place.scope, it.clone());
    Answer::created(&desk.view().comment(&place.path, id, &it))
}

fn comment(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    id: u64,
    rest: &[&str],
) -> Option<Answer> {
    desk.store.get::<Comment>(&place.scope, id)?;
    match (method, rest) {
        (_, ["reactions", rest @ ..]) => {
            let subject = Subject::Comment(HostId(id.to_string()));
            return reactions(desk, place, method, &subject, rest);
        }
        (&Method::DELETE, []) => {
            desk.store.remove::<Comment>(&place.scope, id);
            return Some(Answer::no_content());
        }
        (&Method::PATCH, []) => {
            let (body, now) = (desk.request.json(), desk.store.now());
            if let Some(refused) = too_long(&body) {
                return Some(refused);
            }
            let it = desk.store.get_mut::<Comment>(&place.scope, id)?;
            it.body = body_text(&body);
            it.updated_at = now;
        }
        (&Method::GET, []) => {}
        _ => return None,
    }
    let it = desk.store.get::<Comment>(&place.scope, id)?;
    Some(Answer::ok(&desk.view().comment(&place.path, id, it)))
}

/// Reactions to anything. Somebody's second reaction of one sort is the first one again, with `200`.
pub(super) fn reactions(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    subject: &Subject,
    rest: &[&str],
) -> Option<Answer> {
    match (method, rest) {
        (&Method::GET, []) => {
            let view = desk.view();
            let all =
                desk.store.all::<Reaction>(&place.scope).filter(|(_, it)| it.subject == *subject);
            Some(desk.page(all.map(|(id, it)| view.reaction(id, it)).collect()))
        }
        (&Method::POST, []) => {
            let content = text(&desk.request.json()["content"])?;
            let known = ["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"];
            if !known.contains(&content.as_str()) {
                return Some(invalid("Reaction", "content", "invalid"));
            }
            let author = who(desk);
            let same = |it: &Reaction| {
                it.subject == *subject
                    && it.content == content
                    && it.author.as_ref().is_some_and(|it| it.login == author.login)
            };
            if let Some((id, it)) = desk.store.find::<Reaction>(&place.scope, same) {
                return Some(Answer::ok(&desk.view().reaction(id, it)));
            }
            let created_at = desk.store.now();
            let it =
                Reaction { subject: subject.clone(), author: Some(author), content, created_at };
            let id = desk.store.add(&place.scope, it.clone());
            Some(Answer::created(&desk.view().reaction(id, &it)))
        }
        (&Method::DELETE, [id]) => {
            let was = desk.store.remove::<Reaction>(&place.scope, id.parse().ok()?);
            Some(if was { Answer::no_content() } else { not_found() })
        }
        _ => None,
    }
}

fn events(desk: &Desk<'_>, place: &Place, of: Option<&Subject>) -> Answer {
    let view = desk.view();
    let all = desk.store.all::<Event>(&place.scope);
    let all = all.filter(|(_, it)| of.is_none_or(|of| it.subject == *of));
    let mut values: Vec<Value> = all.map(|(id, it)| event(&view, place, id, it)).collect();
    if of.is_none() {
        values.reverse();
        let shown = |desk: &Desk<'_>, it: &Subject| super::issue::shown(desk, place, it);
        let all = desk.store.all::<Event>(&place.scope).collect::<Vec<_>>();
        for (value, (_, it)) in values.iter_mut().zip(all.into_iter().rev()) {
            value["issue"] = shown(desk, &it.subject).unwrap_or(Value::Null);
        }
    }
    desk.page(values)
}

fn event(view: &View<'_>, place: &Place, id: u64, it: &Event) -> Value {
    let url = format!("{}/issues/events/{id}", view.repo(&place.path));
    let mut value = json!({
        "id": id, "node_id": node("EV", id), "url": url, "actor": view.somebody(&it.actor), "event": it.action,
        "commit_id": it.commit, "commit_url": it.commit.as_ref().map(|it| format!("{}/commits/{it}", view.repo(&place.path))),
        "created_at": told(it.created_at), "performed_via_github_app": null,
    });
    if let Some(name) = &it.label {
        value["label"] =
            json!({ "name": name, "color": it.label_color.as_deref().unwrap_or("ededed") });
    }
    if let Some(title) = &it.milestone {
        value["milestone"] = json!({ "title": title });
    }
    if let (Some(from), Some(to)) = (&it.title_before, &it.title_after) {
        value["rename"] = json!({ "from": from, "to": to });
    }
    if let Some(target) = &it.target {
        let field = if it.action.contains("review") { "requested_reviewer" } else { "assignee" };
        value[field] = view.user(target);
        let by = if field == "assignee" { "assigner" } else { "review_requester" };
        value[by] = view.somebody(&it.actor);
    }
    value
}

pub(super) fn commit_comments(desk: &mut Desk<'_>, place: &Place, sha: &str) -> Option<Answer> {
    if desk.request.method == Method::POST {
        let body = desk.request.json();
        let Some(text) = body_text(&body) else {
            return Some(invalid("CommitComment", "body", "missing_field"));
        };
        let now = desk.store.now();
        let it = CommitComment {
            commit: sha.to_owned(),
            path: body["path"].as_str().map(str::to_owned),
            diff_position: body["position"].as_u64(),
            line: body["line"].as_u64(),
            author: Some(who(desk)),
            body: Some(text),
            created_at: now,
            updated_at: now,
        };
        let id = desk.store.add(&place.scope, it.clone());
        return Some(Answer::created(&commit_comment(&desk.view(), place, id, &it)));
    }
    let view = desk.view();
    let all = desk.store.all::<CommitComment>(&place.scope).filter(|(_, it)| it.commit == sha);
    Some(desk.page(all.map(|(id, it)| commit_comment(&view, place, id, it)).collect()))
}

fn commit_comment(view: &View<'_>, place: &Place, id: u64, it: &CommitComment) -> Value {
    let url = format!("{}/comments/{id}", view.repo(&place.path));
    let about = Subject::CommitComment(HostId(id.to_string()));
    json!({
        "url": url, "id": id, "node_id": node("CC", id), "user": view.author(&it.author),
        "html_url": format!("{}/{}/commit/{}#commitcomment-{id}", view.home, place.path, it.commit),
        "position": it.diff_position, "line": it.line, "path": it.path, "commit_id": it.commit,
        "body": it.body.as_ref().map_or("", Text::as_str), "author_association": "MEMBER",
        "created_at": told(it.created_at), "updated_at": told(it.updated_at.or(it.created_at)),
        "reactions": view.rollup(&place.path, &about, &url),
    })
}

fn one_commit_comment(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    id: u64,
    rest: &[&str],
) -> Option<Answer> {
    desk.store.get::<CommitComment>(&place.scope, id)?;
    if let ["reactions", rest @ ..] = rest {
        let subject = Subject::CommitComment(HostId(id.to_string()));
        return reactions(desk, place, method, &subject, rest);
    }
    if *method == Method::DELETE {
        desk.store.remove::<CommitComment>(&place.scope, id);
        return Some(Answer::no_content());
    }
    if *method == Method::PATCH {
        let (body, now) = (desk.request.json(), desk.store.now());
        let it = desk.store.get_mut::<CommitComment>(&place.scope, id)?;
        it.body = body_text(&body);
        it.updated_at = now;
    }
    let it = desk.store.get::<CommitComment>(&place.scope, id)?;
    Some(Answer::ok(&commit_comment(&desk.view(), place, id, it)))
}
