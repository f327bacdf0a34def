//! Repositories, their branches, tags, labels and builds.

use super::{Desk, Place, conflict, invalid, not_found, project_of};
use crate::{access::Access, exchange::Answer};
use http::{Method, StatusCode};
use packhorse_core::{
    RepoKind, Scope,
    model::{CommitState, CommitStatus, Project, State, StateValue, Subject, Topic, Visibility},
};
use serde_json::{Value, json};

/// The repositories of a project, or all.
pub(super) fn list(desk: &Desk<'_>, key: Option<&str>) -> Answer {
    let view = desk.view();
    let may = desk.request.caller.may(Access::Read);
    let is = |it: &Project| {
        let owner = it.path.rsplit_once('/').map(|(owner, _)| owner);
        (may || it.visibility == Visibility::Public) && key.is_none_or(|key| owner == Some(key))
    };
    let all = desk.store.all::<Project>(&Scope::Shared).filter(|(_, it)| is(it));
    let mut all: Vec<_> = all.map(|(id, it)| view.repository(id, it)).collect();
    all.sort_by_key(|it| it["name"].as_str().unwrap_or_default().to_lowercase());
    desk.page(all)
}

pub(super) fn create(desk: &mut Desk<'_>, key: &str) -> Answer {
    let Some(name) = desk.text("name") else {
        return invalid("name", "The repository name is required.");
    };
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let slug: String = name.to_lowercase().chars().map(plain).collect();
    let path = format!("{key}/{slug}");
    if desk.store.project(&path).is_some() {
        let words = "This repository URL is already taken.";
        return conflict(words, "repository.DuplicateRepositoryException");
    }
    if desk.store.make_repository(&path, RepoKind::Code).is_err() {
        return Answer::empty(StatusCode::INTERNAL_SERVER_ERROR);
    }
    let is_public = desk.body["public"] == Value::Bool(true);
    let now = desk.store.now();
    let it = Project {
        path,
        name,
        description: desk.text("description"),
        default_branch: desk.text("defaultBranch"),
        visibility: if is_public { Visibility::Public } else { Visibility::Private },
        created_at: now,
        updated_at: now,
        ..Project::default()
    };
    let id = desk.store.add(&Scope::Shared, it.clone());
    Answer::created(&desk.view().repository(id, &it))
}

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match (&method, rest) {
        (&Method::GET, []) => shown(desk, place).map(|it| Answer::ok(&it)),
        (&Method::PUT, []) => update(desk, place),
        (&Method::DELETE, []) => {
            desk.store.remove_project(&place.path);
            Some(Answer::json(StatusCode::ACCEPTED, &json!({ "message": "accepted" })))
        }
        (&Method::GET, ["branches"]) => {
            let all = refs(desk, place, "refs/heads/", "BRANCH");
            let default = default_branch(desk, place);
            let mark = |mut it: Value| {
                it["isDefault"] = json!(it["displayId"] == default);
                it
            };
            Some(desk.page(all.into_iter().map(mark).collect()))
        }
        (&Method::GET, ["tags"]) => Some(desk.page(refs(desk, place, "refs/tags/", "TAG"))),
        (&Method::GET, ["branches", "default"] | ["default-branch"]) => {
            let name = default_branch(desk, place);
            let found = refs(desk, place, "refs/heads/", "BRANCH");
            let found = found.into_iter().find(|it| it["displayId"] == name);
            let Some(mut found) = found else { return Some(not_found("The default branch")) };
            found["isDefault"] = json!(true);
            Some(Answer::ok(&found))
        }
        (&Method::PUT, ["branches", "default"] | ["default-branch"]) => {
            let name = desk.text("id")?;
            let name = name.trim_start_matches("refs/heads/").to_owned();
            let path = desk.store.repository(&place.path, RepoKind::Code);
            drop(packhorse_git::repository::set_head(&path, &format!("refs/heads/{name}")));
            project_of(desk, place)?.default_branch = Some(name);
            Some(Answer::no_content())
        }
        (_, ["labels", rest @ ..]) => labels(desk, place, &method, rest),
        (&Method::POST, ["settings", "pull-requests"]) => {
            let mut all = checks(desk, place);
            if let (Some(all), Some(told)) = (all.as_object_mut(), desk.body.as_object()) {
                all.extend(told.clone());
            }
            desk.store.aside.insert(format!("checks {}", place.path), all.clone());
            Some(Answer::ok(&all))
        }
        (_, ["commits", sha, "builds"]) => builds(desk, place, &method, sha),
        (&Method::GET, ["settings", "pull-requests"]) => Some(Answer::ok(&checks(desk, place))),
        (&Method::GET, ["forks" | "related" | "commits" | "participants"]) => {
            Some(desk.page(Vec::new()))
        }
        _ => None,
    }
}

fn shown(desk: &Desk<'_>, place: &Place) -> Option<Value> {
    let it = desk.store.get::<Project>(&Scope::Shared, place.id)?;
    Some(desk.view().repository(place.id, it))
}

fn default_branch(desk: &Desk<'_>, place: &Place) -> String {
    let it = desk.store.get::<Project>(&Scope::Shared, place.id);
    it.and_then(|it| it.default_branch.clone()).unwrap_or("main".into())
}

fn refs(desk: &Desk<'_>, place: &Place, prefix: &str, kind: &str) -> Vec<Value> {
    let refs = desk.store.refs(&place.path, RepoKind::Code);
    let view = |(name, id): (&String, &String)| {
        let short = name.strip_prefix(prefix)?;
        Some(json!({ "id": name, "displayId": short, "type": kind, "latestCommit": id,
            "latestChangeset": id }))
    };
    refs.iter().filter_map(view).collect()
}

fn update(desk: &mut Desk<'_>, place: &Place) -> Option<Answer> {
    let (description, is_public) = (desk.text("description"), desk.body["public"].as_bool());
    let (branch, archived) = (desk.text("defaultBranch"), desk.body["archived"].as_bool());
    let it = project_of(desk, place)?;
    it.description = description.or(it.description.take());
    it.default_branch = branch.or(it.default_branch.take());
    if let Some(is_public) = is_public {
        it.visibility = if is_public { Visibility::Public } else { Visibility::Private };
    }
    if let Some(archived) = archived {
        desk.store.remove_where::<State>(&place.scope, |it| it.value == StateValue::Archived);
        if archived {
            let (author, created_at) = (Some(desk.author()), desk.store.now());
            let (subject, value) = (Subject::Project, StateValue::Archived);
            desk.store.add(&place.scope, State { subject, value, author, created_at });
        }
    }
    shown(desk, place).map(|it| Answer::created(&it))
}

/// Labels of the repository: the model's topics.
fn labels(desk: &mut Desk<'_>, place: &Place, method: &Method, rest: &[&str]) -> Option<Answer> {
    match (method, rest) {
        (&Method::GET, []) => {
            let all = desk.store.all::<Topic>(&place.scope);
            Some(desk.page(all.map(|(_, it)| json!({ "name": it.name })).collect()))
        }
        (&Method::POST, []) => {
            let name = desk.text("name")?.to_lowercase();
            if desk.store.find::<Topic>(&place.scope, |it| it.name == name).is_none() {
                desk.store.add(&place.scope, Topic { name: name.clone() });
            }
            Some(Answer::ok(&json!({ "name": name })))
        }
        (&Method::DELETE, [name]) => {
            desk.store.remove_where::<Topic>(&place.scope, |it| it.name == *name);
            Some(Answer::no_content())
        }
        _ => None,
    }
}

/// What is checked before merging, in every branch.
fn checks(desk: &Desk<'_>, place: &Place) -> Value {
    let strategy = json!({ "defaultStrategy": { "id": "no-ff" }, "strategies": [],
        "type": "REPOSITORY" });
    let told = desk.store.aside.get(&format!("checks {}", place.path)).cloned();
    told.unwrap_or_else(|| {
        json!({ "mergeConfig": strategy, "requiredAllApprovers": false,
            "requiredAllTasksComplete": false })
    })
}

/// Branches that are made or removed over the API.
pub(super) fn branch_utils(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let ["branches"] = rest else { return None };
    let name = desk.text("name")?;
    let name = name.trim_start_matches("refs/heads/").to_owned();
    let full = format!("refs/heads/{name}");
    match desk.request.method {
        Method::POST => {
            let start = desk.text("startPoint")?;
            let tip = desk.store.branch(&place.path, start.trim_start_matches("refs/heads/"));
            let Some(tip) = tip.or_else(|| desk.store.object(&place.path, &start)) else {
                let exception = "commit.NoSuchCommitException";
                let words = format!("Commit '{start}' does not exist in the repository.");
                return Some(super::refusal(StatusCode::NOT_FOUND, &words, exception));
            };
            if desk.store.branch(&place.path, &name).is_some() {
                let words = "This branch already exists.";
                return Some(conflict(words, "repository.ref.DuplicateRefException"));
            }
            desk.store.set_ref(&place.path, &full, &tip).ok()?;
            let made = json!({ "id": full, "displayId": name, "type": "BRANCH",
                "latestCommit": tip, "latestChangeset": tip, "isDefault": false });
            Some(Answer::created(&made))
        }
        Method::DELETE => {
            if default_branch(desk, place) == name {
                return Some(invalid("name", "The default branch cannot be deleted."));
            }
            desk.store.delete_ref(&place.path, &full);
            Some(Answer::no_content())
        }
        _ => None,
    }
}

/// Builds of a commit, wherever it is: all of them, and new ones.
pub(super) fn build_status(desk: &mut Desk<'_>, sha: &str) -> Answer {
    let projects: Vec<_> =
        desk.store.all::<Project>(&Scope::Shared).map(|(id, it)| (id, it.path.clone())).collect();
    let has = |(_, path): &&(u64, String)| desk.store.object(path, sha).is_some();
    let Some((id, path)) = projects.iter().find(has) else { return not_found("The commit") };
    let (id, path) = (*id, path.clone());
    let place = Place { id, scope: Scope::Project(path.clone()), path };
    if desk.request.method == Method::POST {
        return builds(desk, &place, &Method::POST, sha).unwrap_or_else(|| not_found("This"));
    }
    let all = desk.store.all::<CommitStatus>(&place.scope).filter(|(_, it)| it.commit == sha);
    desk.page(all.map(|(_, it)| build(it)).collect())
}

/// Builds of a commit: one by its key, which has to be asked for, and new ones.
fn builds(desk: &mut Desk<'_>, place: &Place, method: &Method, sha: &str) -> Option<Answer> {
    if *method == Method::POST {
        let Some(context) = desk.text("key") else {
            return Some(invalid("key", "key is a required field"));
        };
        let state = match desk.text("state").as_deref() {
            Some("SUCCESSFUL") => CommitState::Success,
            Some("FAILED") => CommitState::Failure,
            Some("INPROGRESS") => CommitState::Running,
            Some("CANCELLED") => CommitState::Cancelled,
            Some(_) | None => return Some(invalid("state", "state is a required field")),
        };
        let same = |it: &CommitStatus| it.commit == sha && it.context == context;
        desk.store.remove_where::<CommitStatus>(&place.scope, same);
        let it = CommitStatus {
            commit: sha.to_owned(),
            context: context.clone(),
            state,
            description: desk.text("description"),
            target_url: desk.text("url"),
            git_ref: desk.text("ref"),
            created_at: desk.store.now(),
            ..CommitStatus::default()
        };
        desk.store.add(&place.scope, it);
        return Some(Answer::no_content());
    }
    let key = desk.request.query("key")?;
    let same = |it: &CommitStatus| it.commit == sha && it.context == key;
    let (_, it) = desk.store.find::<CommitStatus>(&place.scope, same)?;
    Some(Answer::ok(&build(it)))
}

fn build(it: &CommitStatus) -> Value {
    let state = match it.state {
        CommitState::Success => "SUCCESSFUL",
        CommitState::Failure | CommitState::Error => "FAILED",
        CommitState::Pending | CommitState::Running => "INPROGRESS",
        CommitState::Cancelled | CommitState::Skipped => "CANCELLED",
    };
    let at = super::view::time(it.created_at);
    json!({
        "key": it.context, "name": it.context, "state": state, "createdDate": at,
        "updatedDate": at, "url": it.target_url.as_deref().unwrap_or(""),
        "description": it.description.as_deref().unwrap_or(""), "dateAdded": at,
    })
}
