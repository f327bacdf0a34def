//! Repositories, branches, commits, what builds said of them, and files to download.

use super::{Desk, Place, invalid, not_found, refusal, view::time};
use crate::{access::Access, exchange::Answer, form::File, store};
use http::{Method, StatusCode};
use packhorse_core::{
    RepoKind, Scope,
    model::{CommitState, CommitStatus, Project, ReleaseAsset, Visibility},
};
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

/// Longest key of a build status. Source: Atlassian, "Create a build status for a commit".
const LONGEST_KEY: usize = 40;

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match (&method, rest) {
        (&Method::GET, []) => shown(desk, place).map(|it| Answer::ok(&it)),
        (&Method::PUT, []) => update(desk, place),
        (&Method::DELETE, []) => {
            desk.store.remove_project(&place.path);
            desk.store.aside.remove(&super::rule::key(place));
            Some(Answer::no_content())
        }
        (_, ["refs", "branches", rest @ ..]) => branches(desk, place, &method, rest),
        (&Method::GET, ["refs", "tags"]) => {
            let refs = desk.store.refs(&place.path, RepoKind::Code);
            let tags = refs.iter().filter_map(|(name, id)| {
                let name = name.strip_prefix("refs/tags/")?;
                Some(json!({ "type": "tag", "name": name, "target": commit(desk, place, id) }))
            });
            Some(desk.page(tags.collect(), 100))
        }
        (&Method::GET, ["commit", id]) => match known(desk, place, id) {
            Some(id) => Some(Answer::ok(&commit(desk, place, &id))),
            None => Some(not_found("Commit")),
        },
        (_, ["commit", id, "statuses", rest @ ..]) => statuses(desk, place, &method, (id, rest)),
        (_, ["downloads", rest @ ..]) => downloads(desk, place, &method, rest),
        (&Method::GET, ["default-reviewers" | "forks" | "watchers"]) => {
            Some(desk.page(Vec::new(), 100))
        }
        _ => None,
    }
}

/// The whole id of a commit that the repository has.
pub(super) fn known(desk: &Desk<'_>, place: &Place, begins: &str) -> Option<String> {
    desk.store.object(&place.path, begins)
}

fn shown(desk: &Desk<'_>, place: &Place) -> Option<Value> {
    let it = desk.store.get::<Project>(&Scope::Shared, place.id)?;
    Some(desk.view().repository(place.id, it))
}

fn mention(desk: &Desk<'_>, place: &Place) -> Value {
    let it = desk.store.get::<Project>(&Scope::Shared, place.id);
    it.map_or(Value::Null, |it| desk.view().mention(place.id, it))
}

pub(super) fn create(desk: &mut Desk<'_>, workspace: &str, slug: &str) -> Answer {
    if !desk.request.caller.may(Access::Admin) {
        return super::forbidden();
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    if slug.is_empty() || !slug.chars().all(plain) {
        return invalid("Invalid slug. The slug must be lowercase and alphanumerical.");
    }
    let path = format!("{workspace}/{slug}");
    if desk.store.make_repository(&path, RepoKind::Code).is_err() {
        return Answer::empty(StatusCode::INTERNAL_SERVER_ERROR);
    }
    let now = desk.store.now();
    let is_public = desk.body["is_private"] == Value::Bool(false);
    let it = Project {
        path: path.clone(),
        name: desk.text("name").unwrap_or_else(|| slug.to_owned()),
        description: desk.text("description").filter(|it| !it.is_empty()),
        website: desk.text("website").filter(|it| !it.is_empty()),
        visibility: if is_public { Visibility::Public } else { Visibility::Private },
        created_at: now,
        updated_at: now,
        ..Project::default()
    };
    let id = desk.store.add(&Scope::Shared, it);
    let place = Place { id, scope: Scope::Project(path.clone()), path };
    apply(desk, &place);
    let status =
        if desk.request.method == Method::PUT { StatusCode::CREATED } else { StatusCode::OK };
    shown(desk, &place).map_or_else(|| not_found("Repository"), |it| Answer::json(status, &it))
}

/// Writes what a request says of a repository that is there.
fn apply(desk: &mut Desk<'_>, place: &Place) -> Option<()> {
    let body = desk.body.clone();
    let it = desk.store.get_mut::<Project>(&Scope::Shared, place.id)?;
    let text = |name: &str| body[name].as_str().map(|it| (!it.is_empty()).then(|| it.to_owned()));
    it.description = text("description").unwrap_or(it.description.take());
    it.website = text("website").unwrap_or(it.website.take());
    if let Some(is_private) = body["is_private"].as_bool() {
        it.visibility = if is_private { Visibility::Private } else { Visibility::Public };
    }
    if let Some(policy) = body["fork_policy"].as_str() {
        it.features.forking = Some(policy != "no_forks");
    }
    Some(())
}

fn update(desk: &mut Desk<'_>, place: &Place) -> Option<Answer> {
    if let Some(name) = desk.body["mainbranch"]["name"].as_str().map(str::to_owned) {
        if desk.store.branch(&place.path, &name).is_none() {
            return Some(invalid(&format!("mainbranch: {name} is not a branch")));
        }
        let path = desk.store.repository(&place.path, RepoKind::Code);
        packhorse_git::repository::set_head(&path, &format!("refs/heads/{name}")).ok()?;
        desk.store.get_mut::<Project>(&Scope::Shared, place.id)?.default_branch = Some(name);
    }
    apply(desk, place)?;
    let now = desk.store.now();
    desk.store.get_mut::<Project>(&Scope::Shared, place.id)?.updated_at = now;
    shown(desk, place).map(|it| Answer::ok(&it))
}

fn commit(desk: &Desk<'_>, place: &Place, id: &str) -> Value {
    let own = format!("repositories/{}/commit/{id}", place.path);
    let view = desk.view();
    json!({
        "type": "commit", "hash": id, "repository": mention(desk, place),
        "links": { "self": { "href": view.api(&own) },
            "statuses": { "href": view.api(&format!("{own}/statuses")) } },
    })
}

fn branch(desk: &Desk<'_>, place: &Place, name: &str, tip: &str) -> Value {
    let own = desk.view().api(&format!("repositories/{}/refs/branches/{name}", place.path));
    json!({
        "type": "branch", "name": name, "target": commit(desk, place, tip),
        "links": { "self": { "href": own } }, "default_merge_strategy": "merge_commit",
        "merge_strategies": ["merge_commit", "squash", "fast_forward"],
    })
}

/// The word that a filter like `name ~ "word"` or `name = "word"` looks for, and whether it is all.
fn filter(q: &str) -> Option<(&str, bool)> {
    let rest = q.trim().strip_prefix("name")?.trim_start();
    let (operator, word) = rest.split_once(' ')?;
    let word = word.trim().strip_prefix('"')?.strip_suffix('"')?;
    match operator {
        "~" => Some((word, false)),
        "=" => Some((word, true)),
        _ => None,
    }
}

fn branches(desk: &mut Desk<'_>, place: &Place, method: &Method, rest: &[&str]) -> Option<Answer> {
    if rest.is_empty() && *method == Method::GET {
        let q = desk.request.query("q");
        let wanted = q.and_then(filter);
        if q.is_some() && wanted.is_none() {
            return Some(invalid("Invalid query"));
        }
        let refs = desk.store.refs(&place.path, RepoKind::Code);
        let all = refs.iter().filter_map(|(name, id)| {
            let name = name.strip_prefix("refs/heads/")?;
            let is_meant = wanted
                .is_none_or(|(word, whole)| if whole { name == word } else { name.contains(word) });
            is_meant.then(|| branch(desk, place, name, id))
        });
        return Some(desk.page(all.collect(), 100));
    }
    if rest.is_empty() && *method == Method::POST {
        let name = desk.text("name").filter(|it| !it.is_empty());
        let target = desk.body["target"]["hash"].as_str().map(str::to_owned);
        let (Some(name), Some(target)) = (name, target) else {
            return Some(invalid("name and target are required"));
        };
        if desk.store.branch(&place.path, &name).is_some() {
            return Some(invalid(&format!("Branch \"{name}\" already exists.")));
        }
        let Some(tip) = known(desk, place, &target) else {
            return Some(invalid(&format!("target: {target} is not a commit")));
        };
        desk.store.set_ref(&place.path, &format!("refs/heads/{name}"), &tip).ok()?;
        return Some(Answer::created(&branch(desk, place, &name, &tip)));
    }
    let name = rest.join("/");
    let Some(tip) = desk.store.branch(&place.path, &name) else {
        return Some(not_found(&format!("Branch {name}")));
    };
    match *method {
        Method::GET => Some(Answer::ok(&branch(desk, place, &name, &tip))),
        Method::DELETE => {
            let project = desk.store.get::<Project>(&Scope::Shared, place.id)?;
            if project.default_branch.as_ref() == Some(&name) {
                return Some(invalid("You can not delete the main branch."));
            }
            desk.store.delete_ref(&place.path, &format!("refs/heads/{name}"));
            Some(Answer::no_content())
        }
        _ => None,
    }
}

pub(super) fn status(desk: &Desk<'_>, place: &Place, it: &CommitStatus) -> Value {
    let state = match it.state {
        CommitState::Success => "SUCCESSFUL",
        CommitState::Failure | CommitState::Error => "FAILED",
        CommitState::Pending | CommitState::Running => "INPROGRESS",
        CommitState::Cancelled | CommitState::Skipped => "STOPPED",
    };
    let commit = format!("repositories/{}/commit/{}", place.path, it.commit);
    let own = format!("{commit}/statuses/build/{}", escaped(&it.context));
    let view = desk.view();
    json!({
        "type": "build", "key": it.context, "name": it.context, "state": state,
        "url": it.target_url.as_deref().unwrap_or(""), "refname": it.git_ref,
        "description": it.description.as_deref().unwrap_or(""),
        "created_on": time(it.created_at), "updated_on": time(it.updated_at.or(it.created_at)),
        "repository": mention(desk, place),
        "links": { "self": { "href": view.api(&own) }, "commit": { "href": view.api(&commit) } },
    })
}

fn escaped(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

fn statuses(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    (id, rest): (&str, &[&str]),
) -> Option<Answer> {
    let Some(id) = known(desk, place, id) else { return Some(not_found("Commit")) };
    let of = |it: &CommitStatus| it.commit == id;
    match (method, rest) {
        (&Method::GET, []) => {
            let all = desk.store.all::<CommitStatus>(&place.scope).filter(|(_, it)| of(it));
            Some(desk.page(all.map(|(_, it)| status(desk, place, it)).collect(), 100))
        }
        (&Method::POST, ["build"]) => Some(say(desk, place, &id)),
        (&Method::GET, ["build", key @ ..]) => {
            let key = key.join("/");
            let same = |it: &CommitStatus| of(it) && it.context == key;
            match desk.store.find::<CommitStatus>(&place.scope, same) {
                Some((_, it)) => Some(Answer::ok(&status(desk, place, it))),
                None => Some(not_found("Build status")),
            }
        }
        _ => None,
    }
}

fn say(desk: &mut Desk<'_>, place: &Place, id: &str) -> Answer {
    let Some(key) = desk.text("key").filter(|it| !it.is_empty()) else {
        return invalid("key: This field is required.");
    };
    if key.chars().count() > LONGEST_KEY {
        return invalid("key: Ensure this value has at most 40 characters.");
    }
    let state = match desk.text("state").as_deref() {
        Some("SUCCESSFUL") => CommitState::Success,
        Some("FAILED") => CommitState::Failure,
        Some("INPROGRESS") => CommitState::Running,
        Some("STOPPED") => CommitState::Cancelled,
        Some(_) | None => return invalid("state: This field is required."),
    };
    let Some(url) = desk.text("url").filter(|it| it.starts_with("http")) else {
        return invalid("url: Enter a valid URL.");
    };
    let same = |it: &CommitStatus| it.commit == id && it.context == key;
    let before = desk.store.find::<CommitStatus>(&place.scope, same);
    let created_at = before.and_then(|(_, it)| it.created_at).or(desk.store.now());
    desk.store.remove_where::<CommitStatus>(&place.scope, same);
    let it = CommitStatus {
        commit: id.to_owned(),
        context: key.clone(),
        state,
        description: desk.text("description").filter(|it| !it.is_empty()),
        target_url: Some(url),
        git_ref: desk.text("refname"),
        created_at,
        updated_at: desk.store.now(),
        ..CommitStatus::default()
    };
    desk.store.add(&place.scope, it.clone());
    Answer::created(&status(desk, place, &it))
}

fn download(desk: &Desk<'_>, place: &Place, it: &ReleaseAsset) -> Value {
    let own = format!("repositories/{}/downloads/{}", place.path, escaped(&it.name));
    json!({
        "type": "download", "name": it.name, "downloads": 0,
        "size": it.blob.as_ref().and_then(|it| it.size).unwrap_or(0),
        "created_on": time(it.created_at), "user": desk.view().somebody(&it.author),
        "links": { "self": { "href": desk.view().api(&own) } },
    })
}

fn downloads(desk: &mut Desk<'_>, place: &Place, method: &Method, rest: &[&str]) -> Option<Answer> {
    match (method, rest) {
        (&Method::GET, []) => {
            let all = desk.store.all::<ReleaseAsset>(&place.scope);
            let mut all: Vec<_> = all.collect();
            all.reverse();
            Some(desk.page(all.iter().map(|(_, it)| download(desk, place, it)).collect(), 100))
        }
        (&Method::POST, []) => {
            let Some(file) = File::of(desk.request, "files") else {
                return Some(invalid("files: No files were sent."));
            };
            desk.store.remove_where::<ReleaseAsset>(&place.scope, |it| it.name == file.name);
            let it = ReleaseAsset {
                release: "downloads".to_owned(),
                name: file.name.clone(),
                author: Some(desk.author()),
                blob: Some(file.blob()),
                created_at: desk.store.now(),
                ..ReleaseAsset::default()
            };
            let id = desk.store.add(&place.scope, it);
            desk.store.save_blob(&store::asset_blob(&place.path, id), &file.bytes).ok()?;
            Some(Answer::empty(StatusCode::CREATED))
        }
        (_, [name]) => {
            let same = |it: &ReleaseAsset| it.name == *name;
            let Some((id, _)) = desk.store.find::<ReleaseAsset>(&place.scope, same) else {
                return Some(not_found(&format!("Download {name}")));
            };
            if *method == Method::DELETE {
                desk.store.remove::<ReleaseAsset>(&place.scope, id);
                return Some(Answer::no_content());
            }
            Some(elsewhere(desk, &store::asset_blob(&place.path, id)))
        }
        _ => None,
    }
}

/// Sends the client where the bytes are: an address that opens by itself.
pub(super) fn elsewhere(desk: &Desk<'_>, blob: &str) -> Answer {
    let address = format!("{}/storage/{}?Signature=made-up", desk.request.home, escaped(blob));
    Answer::empty(StatusCode::FOUND).with("location", &address)
}

/// The bytes of a file.
pub(super) fn stored(desk: &Desk<'_>, path: &[&str]) -> Answer {
    let path = desk.store.blob(&path.join("/"));
    if desk.request.query("Signature").is_none() || !path.exists() {
        return refusal(StatusCode::FORBIDDEN, "Access denied");
    }
    Answer::file(path, "application/octet-stream")
}
