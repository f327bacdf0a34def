//! Projects, their topics, refs, statuses and links.

use super::{
    Desk, Place,
    account::set,
    invalid, project_of, refusal, unprocessable,
    view::{View, merge, node, time, told},
};
use crate::exchange::Answer;
use http::{Method, StatusCode};
use packhorse_core::{
    RepoKind, Scope,
    model::{
        Autolink, CommitState, CommitStatus, Identity, Project, State, StateValue, Subject, Topic,
        Visibility,
    },
};
use serde_json::{Value, json};

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match (&method, rest) {
        (&Method::GET, []) => Some(Answer::ok(&shown(desk, place)?)),
        (&Method::PATCH, []) => update(desk, place),
        (&Method::DELETE, []) => {
            desk.store.remove_project(&place.path);
            Some(Answer::no_content())
        }
        (&Method::GET, ["topics"]) => {
            Some(Answer::ok(&json!({ "names": topics(&desk.view(), &place.path) })))
        }
        (&Method::PUT, ["topics"]) => Some(set_topics(desk, place)),
        (_, ["git", rest @ ..]) => refs(desk, place, &method, rest),
        (&Method::GET, ["commits", sha, "statuses"]) => {
            let commit = commit(desk, place, sha);
            let view = desk.view();
            let mut all: Vec<_> = desk.store.all::<CommitStatus>(&place.scope).collect();
            all.retain(|(_, it)| it.commit == commit);
            all.reverse();
            Some(desk.page(all.into_iter().map(|(id, it)| status(&view, place, id, it)).collect()))
        }
        (_, ["commits", sha, "comments"]) => super::talk::commit_comments(desk, place, sha),
        (&Method::POST, ["statuses", sha]) => Some(add_status(desk, place, sha)),
        (_, ["autolinks", rest @ ..]) => autolinks(desk, place, &method, rest),
        _ => None,
    }
}

/// The id of a commit by its own id, or by a branch or tag.
fn commit(desk: &Desk<'_>, place: &Place, name: &str) -> String {
    let refs = desk.store.refs(&place.path, RepoKind::Code);
    let found = ["refs/heads/", "refs/tags/", "refs/"]
        .iter()
        .find_map(|it| refs.get(&format!("{it}{name}")));
    found.cloned().unwrap_or_else(|| name.to_owned())
}

fn shown(desk: &Desk<'_>, place: &Place) -> Option<Value> {
    let project = desk.store.get::<Project>(&Scope::Shared, place.id)?;
    Some(desk.view().project(place.id, project))
}

fn topics(view: &View<'_>, path: &str) -> Vec<String> {
    let scope = Scope::Project(path.to_owned());
    view.store.all::<Topic>(&scope).map(|(_, it)| it.name.clone()).collect()
}

/// `full-repository`, which has all that `minimal-repository` and `repository` have.
pub(super) fn project_view(view: &View<'_>, id: u64, it: &Project) -> Value {
    let path = it.path.as_str();
    let (url, html) = (view.repo(path), format!("{}/{path}", view.home));
    let scope = Scope::Project(path.to_owned());
    let is_archived = view.store.find::<State>(&scope, |it| it.value == StateValue::Archived);
    let branch = it.default_branch.as_deref().unwrap_or("main");
    let mut value = json!({
        "id": id, "node_id": node("R", id), "name": path.split('/').next_back().unwrap_or(path),
        "full_name": path, "owner": view.owner(path), "private": it.visibility != Visibility::Public,
        "visibility": View::visibility(it.visibility), "html_url": html, "description": it.description,
        "fork": it.forked_from.is_some(), "url": url, "homepage": it.website, "language": null,
        "clone_url": format!("{html}.git"), "git_url": format!("git:{path}.git"),
        "ssh_url": format!("git@localhost:{path}.git"), "svn_url": html, "mirror_url": null,
        "default_branch": branch, "topics": topics(view, path), "archived": is_archived.is_some(),
        "disabled": false, "is_template": it.features.template.unwrap_or(false), "license": null,
        "has_issues": it.features.issues.unwrap_or(true), "has_projects": it.features.boards.unwrap_or(true),
        "has_wiki": it.features.wiki.unwrap_or(true), "has_pages": it.pages.is_some(),
        "has_discussions": it.features.discussions.unwrap_or(false),
        "has_downloads": it.features.downloads.unwrap_or(true),
        "allow_forking": it.features.forking.unwrap_or(true), "web_commit_signoff_required": false,
        "created_at": told(it.created_at), "updated_at": told(it.updated_at), "pushed_at": told(it.updated_at),
        "permissions": { "admin": true, "maintain": true, "push": true, "triage": true, "pull": true },
        "allow_merge_commit": it.merge_methods.merge_commit.unwrap_or(true),
        "allow_squash_merge": it.merge_methods.squash.unwrap_or(true),
        "allow_rebase_merge": it.merge_methods.rebase.unwrap_or(true),
        "allow_auto_merge": it.merge_methods.auto_merge.unwrap_or(false),
        "delete_branch_on_merge": it.merge_methods.delete_head.unwrap_or(false),
        "allow_update_branch": it.merge_methods.update_head.unwrap_or(false),
    });
    for count in [
        "forks",
        "forks_count",
        "watchers",
        "watchers_count",
        "stargazers_count",
        "open_issues",
        "open_issues_count",
        "size",
        "network_count",
        "subscribers_count",
    ] {
        value[count] = json!(0);
    }
    merge(&mut value, addresses(&url));
    value
}

fn addresses(url: &str) -> Value {
    let plain = [
        "assignees{/user}",
        "blobs{/sha}",
        "branches{/branch}",
        "collaborators{/collaborator}",
        "comments{/number}",
        "commits{/sha}",
        "compare/{base}...{head}",
        "contents/{+path}",
        "contributors",
        "deployments",
        "downloads",
        "events",
        "forks",
        "git_commits{/sha}",
        "git_refs{/sha}",
        "git_tags{/sha}",
        "hooks",
        "issue_comment{/number}",
        "issue_events{/number}",
        "issues{/number}",
        "keys{/key_id}",
        "labels{/name}",
        "languages",
        "merges",
        "milestones{/number}",
        "notifications",
        "pulls{/number}",
        "releases{/id}",
        "stargazers",
        "statuses/{sha}",
        "subscribers",
        "subscription",
        "tags",
        "teams",
        "trees{/sha}",
        "archive/{archive_format}{/ref}",
    ];
    let mut value = json!({});
    for part in plain {
        let name = part.split(['{', '/']).next().unwrap_or(part);
        let path = match name {
            "issue_comment" => part.replacen("issue_comment", "issues/comments", 1),
            "issue_events" => part.replacen("issue_events", "issues/events", 1),
            "blobs" | "trees" => format!("git/{part}"),
            _ if name.starts_with("git_") => part.replacen("git_", "git/", 1),
            _ => part.to_owned(),
        };
        value[format!("{name}_url")] = json!(format!("{url}/{path}"));
    }
    value
}

/// Makes a project for an owner.
pub(super) fn create(desk: &mut Desk<'_>, owner: &str) -> Answer {
    use crate::access::Access;
    if !desk.request.caller.may(Access::Write) {
        return refusal(StatusCode::FORBIDDEN, "Resource not accessible by personal access token");
    }
    let body = desk.request.json();
    let Some(name) = body["name"].as_str().filter(|it| !it.is_empty()) else {
        return invalid("Repository", "name", "missing_field");
    };
    let safe = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = name.chars().map(safe).take(100).collect();
    let path = format!("{owner}/{name}");
    if desk.store.project(&path).is_some() {
        return unprocessable("name already exists on this account");
    }
    let now = desk.store.now();
    let mut project = Project {
        path: path.clone(),
        name,
        created_at: now,
        updated_at: now,
        ..Project::default()
    };
    project.visibility = Visibility::Public;
    apply(&mut project, &body);
    if desk.store.make_repository(&path, RepoKind::Code).is_err() {
        return refusal(StatusCode::INTERNAL_SERVER_ERROR, "Server Error");
    }
    let id = desk.store.add(&Scope::Shared, project);
    let project = desk.store.get::<Project>(&Scope::Shared, id);
    project.map_or_else(super::not_found, |it| Answer::created(&desk.view().project(id, it)))
}

fn flag(body: &Value, field: &str, to: &mut Option<bool>) {
    if let Some(value) = body[field].as_bool() {
        *to = Some(value);
    }
}

fn apply(project: &mut Project, body: &Value) {
    set(body, "description", &mut project.description);
    set(body, "homepage", &mut project.website);
    set(body, "default_branch", &mut project.default_branch);
    match (body["private"].as_bool(), body["visibility"].as_str()) {
        (_, Some("public")) | (Some(false), None) => project.visibility = Visibility::Public,
        (_, Some("internal")) => project.visibility = Visibility::Internal,
        (_, Some(_)) | (Some(true), None) => project.visibility = Visibility::Private,
        (None, None) => {}
    }
    let features = &mut project.features;
    flag(body, "has_issues", &mut features.issues);
    flag(body, "has_wiki", &mut features.wiki);
    flag(body, "has_projects", &mut features.boards);
    flag(body, "has_discussions", &mut features.discussions);
    flag(body, "has_downloads", &mut features.downloads);
    flag(body, "is_template", &mut features.template);
    flag(body, "allow_forking", &mut features.forking);
    let merge = &mut project.merge_methods;
    flag(body, "allow_merge_commit", &mut merge.merge_commit);
    flag(body, "allow_squash_merge", &mut merge.squash);
    flag(body, "allow_rebase_merge", &mut merge.rebase);
    flag(body, "allow_auto_merge", &mut merge.auto_merge);
    flag(body, "delete_branch_on_merge", &mut merge.delete_head);
    flag(body, "allow_update_branch", &mut merge.update_head);
}

fn update(desk: &mut Desk<'_>, place: &Place) -> Option<Answer> {
    let body = desk.request.json();
    if let Some(branch) = body["default_branch"].as_str()
        && desk.store.branch(&place.path, branch).is_none()
    {
        let refs = desk.store.refs(&place.path, RepoKind::Code);
        if refs.is_empty() || !refs.contains_key(&format!("refs/heads/{branch}")) {
            return Some(unprocessable(&format!(
                "The branch {branch} was not found. Please push that ref first or create it via the Git Data API."
            )));
        }
    }
    let is_archived =
        desk.store.find::<State>(&place.scope, |it| it.value == StateValue::Archived).is_some();
    let wanted = body["archived"].as_bool();
    if is_archived && wanted != Some(false) {
        return Some(refusal(StatusCode::FORBIDDEN, "Repository was archived so is read-only."));
    }
    match wanted {
        Some(true) => {
            let subject = Subject::Project;
            let created_at = desk.store.now();
            let value = StateValue::Archived;
            desk.store.add(&place.scope, State { subject, value, created_at, ..State::default() });
        }
        Some(false) => {
            desk.store.remove_where::<State>(&place.scope, |it| it.value == StateValue::Archived);
        }
        None => {}
    }
    let now = desk.store.now();
    let project = project_of(desk, place)?;
    apply(project, &body);
    project.updated_at = now;
    if let Some(branch) = body["default_branch"].as_str() {
        let path = desk.store.repository(&place.path, RepoKind::Code);
        drop(packhorse_git::repository::set_head(&path, &format!("refs/heads/{branch}")));
    }
    Some(Answer::ok(&shown(desk, place)?))
}

fn set_topics(desk: &mut Desk<'_>, place: &Place) -> Answer {
    let body = desk.request.json();
    let names: Vec<String> = body["names"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| it.as_str().map(str::to_lowercase))
        .collect();
    // Source: GitHub, "Classifying your repository with topics": lower-case letters, digits and
    // hyphens, at most 50 characters, at most 20 topics.
    let is_topic = |it: &String| {
        it.len() <= 50
            && it.starts_with(|c: char| c.is_ascii_alphanumeric())
            && it.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    if names.len() > 20 || !names.iter().all(is_topic) {
        return unprocessable(
            "Topics must start with a lowercase letter or number, consist of 50 characters or less, and can include hyphens.",
        );
    }
    desk.store.remove_where::<Topic>(&place.scope, |_| true);
    for name in &names {
        desk.store.add(&place.scope, Topic { name: name.clone() });
    }
    Answer::ok(&json!({ "names": names }))
}

fn refs(desk: &mut Desk<'_>, place: &Place, method: &Method, rest: &[&str]) -> Option<Answer> {
    let api = desk.view().repo(&place.path);
    let shown = |name: &str, id: &str| {
        let url = format!("{api}/git/commits/{id}");
        json!({ "ref": name, "node_id": format!("REF_{name}"), "url": format!("{api}/git/{name}"),
            "object": { "type": "commit", "sha": id, "url": url } })
    };
    let body = desk.request.json();
    let all = desk.store.refs(&place.path, RepoKind::Code);
    match (method, rest) {
        (&Method::POST, ["refs"]) => {
            let (name, id) =
                (body["ref"].as_str().unwrap_or(""), body["sha"].as_str().unwrap_or(""));
            if !name.starts_with("refs/") || name.matches('/').count() < 2 {
                return Some(unprocessable(
                    "Reference name must start with 'refs' and have at least two slashes.",
                ));
            }
            if all.contains_key(name) {
                return Some(unprocessable("Reference already exists"));
            }
            if id.len() != 40 || desk.store.set_ref(&place.path, name, id).is_err() {
                return Some(unprocessable("Object does not exist"));
            }
            Some(Answer::created(&shown(name, id)))
        }
        (&Method::GET, ["ref", name @ ..]) => {
            let name = format!("refs/{}", name.join("/"));
            all.get(&name).map(|id| Answer::ok(&shown(&name, id)))
        }
        (&Method::GET, ["matching-refs", prefix @ ..]) => {
            let prefix = format!("refs/{}", prefix.join("/"));
            let found = all.iter().filter(|(name, _)| name.starts_with(&prefix));
            Some(Answer::ok(&found.map(|(name, id)| shown(name, id)).collect()))
        }
        (&Method::PATCH, ["refs", name @ ..]) => {
            let (name, id) = (format!("refs/{}", name.join("/")), body["sha"].as_str()?);
            all.get(&name)?;
            desk.store.set_ref(&place.path, &name, id).ok()?;
            Some(Answer::ok(&shown(&name, id)))
        }
        (&Method::DELETE, ["refs", name @ ..]) => {
            let was = desk.store.delete_ref(&place.path, &format!("refs/{}", name.join("/")));
            Some(if was { Answer::no_content() } else { unprocessable("Reference does not exist") })
        }
        _ => None,
    }
}

fn status(view: &View<'_>, place: &Place, id: u64, it: &CommitStatus) -> Value {
    let state = match it.state {
        CommitState::Pending | CommitState::Running => "pending",
        CommitState::Success | CommitState::Skipped => "success",
        CommitState::Failure => "failure",
        CommitState::Error | CommitState::Cancelled => "error",
    };
    json!({
        "url": format!("{}/statuses/{}", view.repo(&place.path), it.commit), "avatar_url": null,
        "id": id, "node_id": node("SC", id), "state": state, "description": it.description,
        "target_url": it.target_url, "context": it.context, "creator": view.author(&it.author),
        "created_at": told(it.created_at), "updated_at": told(it.updated_at.or(it.created_at)),
    })
}

fn add_status(desk: &mut Desk<'_>, place: &Place, sha: &str) -> Answer {
    let body = desk.request.json();
    let state = match body["state"].as_str() {
        Some("pending") => CommitState::Pending,
        Some("success") => CommitState::Success,
        Some("failure") => CommitState::Failure,
        Some("error") => CommitState::Error,
        _ => return invalid("Status", "state", "invalid"),
    };
    let text = |field: &str| body[field].as_str().map(str::to_owned);
    if text("description").is_some_and(|it| it.chars().count() > 140) {
        return unprocessable("description is too long (maximum is 140 characters)");
    }
    let now = desk.store.now();
    let it = CommitStatus {
        commit: sha.to_owned(),
        context: text("context").unwrap_or_else(|| "default".to_owned()),
        state,
        description: text("description"),
        target_url: text("target_url"),
        git_ref: None,
        author: Some(Identity::login(&desk.who, None)),
        created_at: now,
        updated_at: now,
    };
    let id = desk.store.add(&place.scope, it.clone());
    Answer::created(&status(&desk.view(), place, id, &it))
}

fn autolinks(desk: &mut Desk<'_>, place: &Place, method: &Method, rest: &[&str]) -> Option<Answer> {
    let shown = |n: usize, it: &Autolink| {
        json!({ "id": n + 1, "key_prefix": it.prefix, "url_template": it.url_template,
            "is_alphanumeric": it.alphanumeric.unwrap_or(true), "updated_at": time(None) })
    };
    let body = desk.request.json();
    let project = project_of(desk, place)?;
    match (method, rest) {
        (&Method::GET, []) => {
            let all = project.autolinks.iter().enumerate().map(|(n, it)| shown(n, it)).collect();
            Some(desk.page(all))
        }
        (&Method::POST, []) => {
            let prefix = body["key_prefix"].as_str()?.to_owned();
            let url_template = body["url_template"].as_str()?.to_owned();
            if project.autolinks.iter().any(|it| it.prefix == prefix) {
                return Some(invalid("KeyLink", "key_prefix", "already_exists"));
            }
            if !url_template.contains("<num>") {
                return Some(unprocessable("url_template must contain <num>"));
            }
            let alphanumeric = Some(body["is_alphanumeric"].as_bool().unwrap_or(true));
            project.autolinks.push(Autolink { prefix, url_template, alphanumeric });
            let n = project.autolinks.len() - 1;
            Some(Answer::created(&shown(n, project.autolinks.last()?)))
        }
        (&Method::DELETE, [n]) => {
            let n =
                n.parse::<usize>().ok()?.checked_sub(1).filter(|n| *n < project.autolinks.len())?;
            project.autolinks.remove(n);
            Some(Answer::no_content())
        }
        _ => None,
    }
}
