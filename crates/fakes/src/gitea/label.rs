//! Labels and milestones.

use super::{Desk, Place, issue::markdown, unprocessable, view::open_state, word};
use crate::exchange::Answer;
use http::Method;
use packhorse_core::model::{Label, Markup, Milestone, OpenState, Text};

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match rest {
        ["labels", rest @ ..] => labels(desk, place, &method, rest),
        ["milestones", rest @ ..] => milestones(desk, place, &method, rest),
        _ => None,
    }
}

fn labels(desk: &mut Desk<'_>, place: &Place, method: &Method, rest: &[&str]) -> Option<Answer> {
    let body = desk.request.json();
    let shown = |desk: &Desk<'_>, id: u64| {
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
            let (Some(name), Some(color)) = (word(&body, "name"), word(&body, "color")) else {
                return Some(unprocessable("[Name]: Required"));
            };
            let color = color.trim_start_matches('#').to_lowercase();
            if color.len() != 6 || !color.bytes().all(|it| it.is_ascii_hexdigit()) {
                return Some(unprocessable(&format!("bad colour code: {color}")));
            }
            let it = Label {
                name,
                color: Some(color),
                description: word(&body, "description").map(|it| Text::new(it, Markup::Plain)),
                exclusive: body["exclusive"].as_bool(),
                archived: body["is_archived"].as_bool(),
                ..Label::default()
            };
            let id = desk.store.add(&place.scope, it);
            Some(Answer::created(&shown(desk, id)?))
        }
        (&Method::GET, [id]) => Some(Answer::ok(&shown(desk, id.parse().ok()?)?)),
        (&Method::PATCH, [id]) => {
            let id = id.parse().ok()?;
            let it = desk.store.get_mut::<Label>(&place.scope, id)?;
            it.name = word(&body, "name").unwrap_or_else(|| it.name.clone());
            if let Some(color) = word(&body, "color") {
                it.color = Some(color.trim_start_matches('#').to_lowercase());
            }
            if body.get("description").is_some() {
                it.description = word(&body, "description").map(|it| Text::new(it, Markup::Plain));
            }
            it.exclusive = body["exclusive"].as_bool().or(it.exclusive);
            it.archived = body["is_archived"].as_bool().or(it.archived);
            Some(Answer::ok(&shown(desk, id)?))
        }
        (&Method::DELETE, [id]) => {
            desk.store.remove::<Label>(&place.scope, id.parse().ok()?);
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
    let (body, now) = (desk.request.json(), desk.store.now());
    let shown = |desk: &Desk<'_>, id: u64| {
        let it = desk.store.get::<Milestone>(&place.scope, id)?;
        Some(desk.view().milestone_of(&place.path, id, it))
    };
    let change = |it: &mut Milestone| {
        it.title = word(&body, "title").unwrap_or_else(|| it.title.clone());
        if body.get("description").is_some() {
            it.description = markdown(&body, "description");
        }
        if body.get("due_on").is_some() {
            it.due_at = body["due_on"].as_str().and_then(|it| it.parse().ok());
        }
        match body["state"].as_str() {
            Some("closed") => (it.state, it.closed_at) = (OpenState::Closed, it.closed_at.or(now)),
            Some("open") => (it.state, it.closed_at) = (OpenState::Open, None),
            Some(_) | None => {}
        }
        it.updated_at = now;
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
            if word(&body, "title").is_none() {
                return Some(unprocessable("[Title]: Required"));
            }
            let number = desk.store.next_number(&place.path, &["milestone"]);
            let mut it = Milestone { number, created_at: now, ..Milestone::default() };
            change(&mut it);
            let id = desk.store.add(&place.scope, it);
            Some(Answer::created(&shown(desk, id)?))
        }
        (&Method::GET, [id]) => Some(Answer::ok(&shown(desk, id.parse().ok()?)?)),
        (&Method::PATCH, [id]) => {
            let id = id.parse().ok()?;
            change(desk.store.get_mut::<Milestone>(&place.scope, id)?);
            Some(Answer::ok(&shown(desk, id)?))
        }
        (&Method::DELETE, [id]) => {
            desk.store.remove::<Milestone>(&place.scope, id.parse().ok()?);
            Some(Answer::no_content())
        }
        _ => None,
    }
}
