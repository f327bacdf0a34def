//! Branches, and what is said about commits.

use super::{
    Desk, Place, commit, issue, missing, not_found,
    project::commit_view,
    refusal,
    view::{text, told},
};
use crate::exchange::Answer;
use http::{Method, StatusCode};
use packhorse_core::{RepoKind, model::CommitComment};
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match (&method, rest) {
        (&Method::POST, ["branches"]) => Some(make_branch(desk, place)),
        (&Method::DELETE, ["branches", name]) => {
            let was = desk.store.delete_ref(&place.path, &format!("refs/heads/{name}"));
            Some(if was { Answer::no_content() } else { not_found("Branch") })
        }
        (&Method::GET, ["commits"]) => {
            let refs = desk.store.refs(&place.path, RepoKind::Code);
            let said = desk.store.all::<CommitComment>(&place.scope);
            let mut ids: BTreeSet<String> = said.map(|(_, it)| it.commit.clone()).collect();
            ids.extend(refs.into_values());
            Some(desk.page(ids.iter().map(|it| commit_view(desk, place, it)).collect()))
        }
        (_, ["commits", sha, "discussions", rest @ ..]) => {
            let sha = commit(desk, place, sha);
            discussions(desk, place, &method, (&sha, rest))
        }
        _ => None,
    }
}

fn make_branch(desk: &mut Desk<'_>, place: &Place) -> Answer {
    let (Some(name), Some(at)) = (desk.text("branch"), desk.text("ref")) else {
        return missing("branch, ref");
    };
    let full = format!("refs/heads/{name}");
    let refs = desk.store.refs(&place.path, RepoKind::Code);
    if refs.contains_key(&full) {
        return refusal(StatusCode::BAD_REQUEST, "Branch already exists");
    }
    let id = commit(desk, place, &at);
    if id.len() != 40 || desk.store.set_ref(&place.path, &full, &id).is_err() {
        return refusal(StatusCode::BAD_REQUEST, &format!("Invalid reference name: {at}"));
    }
    Answer::created(&json!({
        "name": name, "commit": commit_view(desk, place, &id), "merged": false, "protected": false,
        "developers_can_push": false, "developers_can_merge": false, "can_push": true,
        "default": false, "web_url": format!("{}/{}/-/tree/{name}", desk.request.home, place.path),
    }))
}

fn note(desk: &Desk<'_>, place: &Place, id: u64, it: &CommitComment) -> Value {
    let position = it.path.as_ref().map(|path| {
        json!({
            "base_sha": it.commit, "start_sha": it.commit, "head_sha": it.commit,
            "old_path": path, "new_path": path, "position_type": "text", "old_line": null,
            "new_line": it.line, "line_range": null,
        })
    });
    json!({
        "id": id, "type": position.as_ref().map(|_| "DiffNote"), "attachment": null,
        "body": text(&it.body).as_str().unwrap_or(""), "author": desk.view().somebody(&it.author),
        "created_at": told(it.created_at), "updated_at": told(it.updated_at.or(it.created_at)),
        "system": false, "noteable_id": null, "noteable_type": "Commit", "noteable_iid": null,
        "project_id": place.id, "commit_id": it.commit, "resolvable": false, "position": position,
        "confidential": false, "internal": false, "imported": false, "commands_changes": {},
    })
}

/// A discussion: each comment is one of its own.
fn discussion(desk: &Desk<'_>, place: &Place, id: u64, it: &CommitComment) -> Value {
    let notes = [note(desk, place, id, it)];
    json!({ "id": format!("{id:040x}"), "individual_note": it.path.is_none(), "notes": notes })
}

fn discussions(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    (sha, rest): (&str, &[&str]),
) -> Option<Answer> {
    match (method, rest) {
        (&Method::GET, []) => {
            let all = desk.store.all::<CommitComment>(&place.scope);
            let all = all.filter(|(_, it)| it.commit == sha);
            Some(desk.page(all.map(|(id, it)| discussion(desk, place, id, it)).collect()))
        }
        (&Method::POST, []) => {
            let Some(body) = issue::body(desk, "body") else { return Some(missing("body")) };
            let at = desk.field("position");
            let it = CommitComment {
                commit: sha.to_owned(),
                path: at["new_path"].as_str().map(str::to_owned),
                line: at["new_line"].as_u64(),
                author: Some(desk.author()),
                body: Some(body),
                created_at: desk.moment(),
                ..CommitComment::default()
            };
            let id = desk.store.add(&place.scope, it.clone());
            Some(Answer::created(&discussion(desk, place, id, &it)))
        }
        (_, [_, "notes", id]) => {
            let id: u64 = id.parse().ok()?;
            let body = issue::body(desk, "body").filter(|_| *method == Method::PUT);
            if *method == Method::DELETE {
                let was = desk.store.remove::<CommitComment>(&place.scope, id);
                return Some(if was { Answer::no_content() } else { not_found("Note") });
            }
            let now = desk.store.now();
            let Some(it) = desk.store.get_mut::<CommitComment>(&place.scope, id) else {
                return Some(not_found("Note"));
            };
            if let Some(body) = body {
                (it.body, it.updated_at) = (Some(body), now);
            }
            let it = desk.store.get::<CommitComment>(&place.scope, id)?;
            Some(Answer::ok(&note(desk, place, id, it)))
        }
        _ => None,
    }
}
