//! Issues as they were until August 2026: read, and not written.

use super::{
    Desk, Place, not_found, project, refusal,
    view::{content, time},
};
use crate::{exchange::Answer, store};
use http::{Method, StatusCode};
use packhorse_core::{
    Scope,
    model::{Attachment, Comment, Issue, Milestone, OpenState, Project, Subject},
};
use serde_json::{Value, json};

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let project = desk.store.get::<Project>(&Scope::Shared, place.id)?;
    if !desk.has_issues || project.features.issues == Some(false) {
        return Some(refusal(StatusCode::NOT_FOUND, "Repository has no issue tracker."));
    }
    if desk.request.method != Method::GET {
        return Some(refusal(StatusCode::METHOD_NOT_ALLOWED, "Issues are read-only."));
    }
    match rest {
        ["milestones"] => {
            let all = desk.store.all::<Milestone>(&place.scope);
            Some(desk.page(all.map(|(_, it)| milestone(desk, place, it)).collect(), 100))
        }
        ["components" | "versions"] => Some(desk.page(Vec::new(), 100)),
        ["issues"] => {
            let all = desk.store.all::<Issue>(&place.scope);
            let mut all: Vec<_> = all.map(|(_, it)| issue(desk, place, it)).collect();
            let order = desk.request.query("sort").unwrap_or("-updated_on");
            let field = order.trim_start_matches('-');
            all.sort_by_key(|it| (it[field].as_str().map(str::to_owned), it["id"].as_u64()));
            if order.starts_with('-') {
                all.reverse();
            }
            Some(desk.page(all, 100))
        }
        ["issues", number, rest @ ..] => {
            let number: u64 = number.parse().ok()?;
            let found = desk.store.find::<Issue>(&place.scope, |it| it.number == number);
            let Some((_, it)) = found else { return Some(not_found("Issue")) };
            let it = it.clone();
            one(desk, place, &it, rest)
        }
        _ => None,
    }
}

fn milestone(desk: &Desk<'_>, place: &Place, it: &Milestone) -> Value {
    let own = format!("repositories/{}/milestones/{}", place.path, it.number);
    json!({ "type": "milestone", "id": it.number, "name": it.title,
        "links": { "self": { "href": desk.view().api(&own) } } })
}

fn issue(desk: &Desk<'_>, place: &Place, it: &Issue) -> Value {
    let view = desk.view();
    let own = format!("repositories/{}/issues/{}", place.path, it.number);
    let state = match (it.state, it.state_reason.as_deref()) {
        (OpenState::Open, Some("on_hold")) => "on hold",
        (OpenState::Open, _) => "new",
        (OpenState::Closed, Some("not_planned")) => "wontfix",
        (OpenState::Closed, Some("duplicate")) => "duplicate",
        (OpenState::Closed, _) => "resolved",
    };
    let kinds = ["bug", "enhancement", "proposal", "task"];
    let kind = it.issue_type.as_deref().filter(|it| kinds.contains(it)).unwrap_or("bug");
    let milestones = desk.store.all::<Milestone>(&place.scope);
    let mut milestones = milestones.filter(|(_, found)| Some(found.number) == it.milestone);
    let project = desk.store.get::<Project>(&Scope::Shared, place.id);
    json!({
        "type": "issue", "id": it.number, "title": it.title, "content": content(&it.body),
        "reporter": it.author.as_ref().map(|it| view.user(it)),
        "assignee": it.assignees.first().map(|it| view.user(it)),
        "state": state, "kind": kind, "priority": "major", "component": null, "version": null,
        "milestone": milestones.next().map(|(_, it)| milestone(desk, place, it)),
        "votes": 0, "created_on": time(it.created_at), "edited_on": null,
        "updated_on": time(it.updated_at.or(it.created_at)),
        "repository": project.map(|it| view.mention(place.id, it)),
        "links": { "self": { "href": view.api(&own) } },
    })
}

fn one(desk: &Desk<'_>, place: &Place, it: &Issue, rest: &[&str]) -> Option<Answer> {
    let (view, subject) = (desk.view(), Subject::Issue(it.number));
    let own = format!("repositories/{}/issues/{}", place.path, it.number);
    match rest {
        [] => Some(Answer::ok(&issue(desk, place, it))),
        ["comments"] => {
            let all = desk.store.all::<Comment>(&place.scope);
            let comment = |(id, it): (u64, &Comment)| {
                json!({
                    "type": "issue_comment", "id": id, "content": content(&it.body),
                    "user": view.somebody(&it.author), "created_on": time(it.created_at),
                    "updated_on": time(it.updated_at),
                    "links": { "self": { "href": view.api(&format!("{own}/comments/{id}")) } },
                })
            };
            let all = all.filter(|(_, it)| it.subject == subject).map(comment);
            Some(desk.page(all.collect(), 100))
        }
        ["changes"] => Some(desk.page(Vec::new(), 100)),
        ["attachments"] => {
            let all = desk.store.all::<Attachment>(&place.scope);
            let file = |(_, it): (u64, &Attachment)| {
                let address = view.api(&format!("{own}/attachments/{}", it.name));
                json!({ "type": "issue_attachment", "name": it.name,
                    "links": { "self": { "href": address.replace(' ', "%20") } } })
            };
            let all = all.filter(|(_, it)| it.subject == subject).map(file);
            Some(desk.page(all.collect(), 100))
        }
        ["attachments", name] => {
            let same = |it: &Attachment| it.subject == subject && it.name == *name;
            match desk.store.find::<Attachment>(&place.scope, same) {
                Some((id, _)) => {
                    Some(project::elsewhere(desk, &store::attachment_blob(&place.path, id)))
                }
                None => Some(not_found("Attachment")),
            }
        }
        _ => None,
    }
}
