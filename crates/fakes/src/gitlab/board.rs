//! Snippets and boards.

use super::{Desk, Place, account, issue, missing, not_found, view::told};
use crate::exchange::Answer;
use bytes::Bytes;
use http::{Method, StatusCode};
use packhorse_core::model::{Board, BoardColumn, Label, Snippet, SnippetFile};
use serde_json::{Value, json};

/// The branch of a snippet's repository.
const BRANCH: &str = "main";

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match (&method, rest) {
        (&Method::GET, ["snippets"]) => {
            let all = desk.store.all::<Snippet>(&place.scope);
            Some(desk.page(all.map(|(id, it)| snippet(desk, place, id, it)).collect()))
        }
        (&Method::POST, ["snippets"]) => Some(create_snippet(desk, place)),
        (_, ["snippets", id, rest @ ..]) => {
            let id: u64 = id.parse().ok()?;
            if desk.store.get::<Snippet>(&place.scope, id).is_none() {
                return Some(not_found("Snippet"));
            }
            one_snippet(desk, place, &method, (id, rest))
        }
        (&Method::GET, ["boards"]) => {
            let all = desk.store.all::<Board>(&place.scope);
            Some(desk.page(all.map(|(id, it)| board(desk, place, id, it)).collect()))
        }
        (&Method::POST, ["boards"]) => {
            let Some(name) = desk.text("name") else { return Some(missing("name")) };
            let it = Board { name, ..Board::default() };
            let id = desk.store.add(&place.scope, it.clone());
            Some(Answer::created(&board(desk, place, id, &it)))
        }
        (_, ["boards", id, rest @ ..]) => {
            let id: u64 = id.parse().ok()?;
            if desk.store.get::<Board>(&place.scope, id).is_none() {
                return Some(not_found("Board"));
            }
            one_board(desk, place, &method, (id, rest))
        }
        _ => None,
    }
}

fn snippet(desk: &Desk<'_>, place: &Place, id: u64, it: &Snippet) -> Value {
    let web = format!("{}/{}/-/snippets/{id}", desk.request.home, place.path);
    let file = |it: &SnippetFile| {
        let raw_url = format!("{web}/raw/{BRANCH}/{}", it.path);
        json!({ "path": it.path, "raw_url": raw_url })
    };
    json!({
        "id": id, "title": it.title, "description": super::view::text(&it.description),
        "visibility": super::view::visibility(it.visibility), "web_url": web,
        "author": desk.view().somebody(&it.author), "created_at": told(it.created_at),
        "updated_at": told(it.updated_at.or(it.created_at)), "project_id": place.id,
        "raw_url": format!("{web}/raw"), "imported": false, "imported_from": "none",
        "ssh_url_to_repo": null, "http_url_to_repo": null,
        "file_name": it.files.first().map(|it| it.path.as_str()),
        "files": it.files.iter().map(file).collect::<Vec<_>>(),
    })
}

/// Files that a request names, with what is to be done to each.
fn asked_files(desk: &Desk<'_>) -> Vec<(String, SnippetFile)> {
    let text = |it: &Value, name: &str| it[name].as_str().unwrap_or_default().to_owned();
    let list = desk.field("files").as_array().cloned().unwrap_or_default();
    let file = |it: &Value| {
        let file = SnippetFile { path: text(it, "file_path"), content: text(it, "content") };
        (text(it, "action"), file)
    };
    list.iter().map(file).collect()
}

fn create_snippet(desk: &mut Desk<'_>, place: &Place) -> Answer {
    let Some(title) = desk.text("title") else { return missing("title") };
    let files: Vec<_> = asked_files(desk).into_iter().map(|(_, it)| it).collect();
    if files.is_empty() {
        return missing("files");
    }
    let now = desk.store.now();
    let it = Snippet {
        title,
        description: issue::body(desk, "description"),
        author: Some(desk.author()),
        visibility: account::asked_visibility(desk).unwrap_or_default(),
        files,
        created_at: now,
        updated_at: now,
    };
    let id = desk.store.add(&place.scope, it.clone());
    Answer::created(&snippet(desk, place, id, &it))
}

fn one_snippet(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    (id, rest): (u64, &[&str]),
) -> Option<Answer> {
    match (method, rest) {
        (&Method::DELETE, []) => {
            desk.store.remove::<Snippet>(&place.scope, id);
            return Some(Answer::no_content());
        }
        (&Method::PUT, []) => {
            let (title, text) = (desk.text("title"), issue::body(desk, "description"));
            let (files, seen) = (asked_files(desk), account::asked_visibility(desk));
            let it = desk.store.get_mut::<Snippet>(&place.scope, id)?;
            it.title = title.unwrap_or_else(|| it.title.clone());
            it.description = text.or(it.description.take());
            it.visibility = seen.unwrap_or(it.visibility);
            for (action, file) in files {
                it.files.retain(|it| it.path != file.path);
                if action != "delete" {
                    it.files.push(file);
                }
            }
        }
        (&Method::GET, ["files", _, name, "raw"]) => {
            let it = desk.store.get::<Snippet>(&place.scope, id)?;
            let found = it.files.iter().find(|it| it.path == *name);
            return Some(found.map_or_else(|| not_found("File"), |it| plain(&it.content)));
        }
        (&Method::GET, []) => {}
        _ => return None,
    }
    let it = desk.store.get::<Snippet>(&place.scope, id)?;
    Some(Answer::ok(&snippet(desk, place, id, it)))
}

fn plain(text: &str) -> Answer {
    let mut answer = Answer::empty(StatusCode::OK).with("content-type", "text/plain");
    answer.content = crate::exchange::Content::Bytes(Bytes::copy_from_slice(text.as_bytes()));
    answer
}

fn board(desk: &Desk<'_>, place: &Place, id: u64, it: &Board) -> Value {
    json!({
        "id": id, "name": it.name, "project": null, "milestone": null, "labels": [],
        "hide_backlog_list": false, "hide_closed_list": false, "lists": lists(desk, place, it),
    })
}

fn lists(desk: &Desk<'_>, place: &Place, it: &Board) -> Vec<Value> {
    let list = |(position, column): (usize, &BoardColumn)| {
        let name = column.label.as_deref()?;
        let (id, label) = desk.store.find::<Label>(&place.scope, |it| it.name == name)?;
        let label = desk.view().label(id, label);
        Some(json!({ "id": position + 1, "label": label, "position": position }))
    };
    it.columns.iter().enumerate().filter_map(list).collect()
}

fn one_board(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    (id, rest): (u64, &[&str]),
) -> Option<Answer> {
    match (method, rest) {
        (&Method::DELETE, []) => {
            desk.store.remove::<Board>(&place.scope, id);
            Some(Answer::no_content())
        }
        (&Method::GET, ["lists"]) => {
            let it = desk.store.get::<Board>(&place.scope, id)?;
            Some(desk.page(lists(desk, place, it)))
        }
        (&Method::POST, ["lists"]) => {
            let label = desk.number("label_id");
            let label = label.and_then(|it| desk.store.get::<Label>(&place.scope, it));
            let Some(name) = label.map(|it| it.name.clone()) else {
                return Some(missing("label_id"));
            };
            let it = desk.store.get_mut::<Board>(&place.scope, id)?;
            it.columns.push(BoardColumn {
                name: name.clone(),
                label: Some(name),
                ..BoardColumn::default()
            });
            let it = desk.store.get::<Board>(&place.scope, id)?;
            let made = lists(desk, place, it).pop().unwrap_or_default();
            Some(Answer::created(&made))
        }
        (&Method::GET | &Method::PUT, []) => {
            let name = desk.text("name").filter(|_| *method == Method::PUT);
            let it = desk.store.get_mut::<Board>(&place.scope, id)?;
            it.name = name.unwrap_or_else(|| it.name.clone());
            let it = desk.store.get::<Board>(&place.scope, id)?;
            Some(Answer::ok(&board(desk, place, id, it)))
        }
        _ => None,
    }
}
