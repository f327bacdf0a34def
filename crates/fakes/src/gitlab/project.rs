//! Projects, their branches, tags and commits.

use super::{
    Desk, Place, account, commit, invalid, missing, not_found,
    view::{text, told},
};
use crate::{access::Access, exchange::Answer};
use http::{Method, StatusCode};
use packhorse_core::{
    RepoKind, Scope,
    model::{
        BranchRule, CommitComment, CommitState, CommitStatus, Markup, Project, State, StateValue,
        Subject, Text, Topic, User, Visibility,
    },
};
use serde_json::{Value, json};

/// Whether the caller may see a project in a listing.
pub(super) fn may_see(desk: &Desk<'_>, project: &Project) -> bool {
    project.visibility == Visibility::Public || desk.request.caller.may(Access::Read)
}

/// Sorts projects as the query says: the newest first unless asked otherwise.
pub(super) fn sort(desk: &Desk<'_>, all: &mut [Value]) {
    all.sort_by_key(|it| it["id"].as_u64());
    if desk.request.query("sort") != Some("asc") {
        all.reverse();
    }
}

/// `/projects`, with pages by number or by the last id.
pub(super) fn list(desk: &mut Desk<'_>) -> Answer {
    if desk.request.method == Method::POST {
        return create(desk);
    }
    let (view, request) = (desk.view(), desk.request);
    let owned = request.query("owned") == Some("true");
    let search = request.query("search").unwrap_or_default().to_lowercase();
    let is = |it: &Project| {
        may_see(desk, it)
            && it.path.to_lowercase().contains(&search)
            && (!owned || it.path.starts_with(&format!("{}/", desk.who)))
    };
    let all = desk.store.all::<Project>(&Scope::Shared).filter(|(_, it)| is(it));
    let mut all: Vec<_> = all.map(|(id, it)| view.project(id, it)).collect();
    sort(desk, &mut all);
    if request.query("pagination") != Some("keyset") {
        return desk.page(all);
    }
    // Source: GitLab, "REST API", "Keyset-based pagination".
    let limit = |name: &str| request.query(name).and_then(|it| it.parse::<u64>().ok());
    let (after, before) = (limit("id_after"), limit("id_before"));
    all.retain(|it| {
        let id = it["id"].as_u64().unwrap_or_default();
        after.is_none_or(|it| id > it) && before.is_none_or(|it| id < it)
    });
    let size = request.window("page", "per_page", 20, 100).size;
    let more = all.len() > size;
    all.truncate(size);
    let last = all.last().and_then(|it| it["id"].as_u64());
    let answer = Answer::ok(&Value::Array(all));
    let Some(last) = last.filter(|_| more) else { return answer };
    let word = if request.query("sort") == Some("asc") { "id_after" } else { "id_before" };
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let kept: Vec<_> = query.split('&').filter(|it| !it.starts_with("id_")).collect();
    let next = format!("{}{path}?{}&{word}={last}", request.home, kept.join("&"));
    answer.with("link", &format!("<{next}>; rel=\"next\""))
}

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match (&method, rest) {
        (&Method::GET, []) => shown(desk, place).map(|it| Answer::ok(&it)),
        (&Method::PUT, []) => update(desk, place),
        (&Method::DELETE, []) => {
            desk.store.remove_project(&place.path);
            Some(Answer::json(StatusCode::ACCEPTED, &json!({ "message": "202 Accepted" })))
        }
        (&Method::POST, ["archive" | "unarchive"]) => {
            let archived = |it: &State| it.value == StateValue::Archived;
            desk.store.remove_where::<State>(&place.scope, archived);
            if rest == ["archive"] {
                let (value, created_at) = (StateValue::Archived, desk.store.now());
                let author = Some(desk.author());
                let subject = Subject::Project;
                desk.store.add(&place.scope, State { subject, value, author, created_at });
            }
            shown(desk, place).map(|it| Answer::created(&it))
        }
        (&Method::GET, ["users"]) => {
            let view = desk.view();
            let all = desk.store.all::<User>(&Scope::Shared);
            Some(desk.page(all.map(|(_, it)| view.user(&it.identity)).collect()))
        }
        (_, ["repository", rest @ ..]) => repository(desk, place, &method, rest),
        (&Method::POST, ["statuses", sha]) => Some(add_status(desk, place, sha)),
        _ => None,
    }
}

fn shown(desk: &Desk<'_>, place: &Place) -> Option<Value> {
    let project = desk.store.get::<Project>(&Scope::Shared, place.id)?;
    let mut value = desk.view().project(place.id, project);
    let level = if desk.is_admin() { 50 } else { 30 };
    value["permissions"] = json!({
        "project_access": { "access_level": level, "notification_level": 3 }, "group_access": null,
    });
    Some(value)
}

/// The pages of a wiki, of which no more is known than that there are some.
pub(super) fn wikis(desk: &Desk<'_>, place: &Place) -> Answer {
    let is_there = !desk.store.refs(&place.path, RepoKind::Wiki).is_empty();
    let page = json!({
        "content": null, "encoding": "UTF-8", "format": "markdown", "slug": "home", "title": "home",
        "wiki_page_meta_id": 1,
    });
    desk.page(is_there.then_some(page).into_iter().collect())
}

fn create(desk: &mut Desk<'_>) -> Answer {
    let (name, last) = (desk.text("name"), desk.text("path"));
    let Some(name) = name.or_else(|| last.clone()) else { return missing("name, path") };
    let last = last.unwrap_or_else(|| name.to_lowercase().replace(' ', "-"));
    let id = desk.number("namespace_id");
    let Some(owner) = account::namespace_path(desk, id) else {
        return invalid("namespace", "is not valid");
    };
    let path = format!("{owner}/{last}");
    if desk.store.project(&path).is_some() {
        return invalid("path", "has already been taken");
    }
    let now = desk.store.now();
    let it = Project {
        path: path.clone(),
        name,
        visibility: account::asked_visibility(desk).unwrap_or_default(),
        created_at: now,
        updated_at: now,
        ..Project::default()
    };
    if desk.store.make_repository(&path, RepoKind::Code).is_err() {
        return super::refusal(StatusCode::INTERNAL_SERVER_ERROR, "500 Internal Server Error");
    }
    let id = desk.store.add(&Scope::Shared, it);
    let place = Place { id, path: path.clone(), scope: Scope::Project(path) };
    let made = update(desk, &place);
    made.map_or_else(|| not_found("Project"), |it| Answer { status: StatusCode::CREATED, ..it })
}

fn update(desk: &mut Desk<'_>, place: &Place) -> Option<Answer> {
    let enabled = |plain: &str, level: &str| {
        let level = desk.text(level).map(|it| it != "disabled");
        level.or_else(|| desk.flag(plain))
    };
    let issues = enabled("issues_enabled", "issues_access_level");
    let wiki = enabled("wiki_enabled", "wiki_access_level");
    let visibility = account::asked_visibility(desk);
    let topics = desk.names("topics").or_else(|| desk.names("tag_list"));
    let (forking, squash) = (desk.text("forking_access_level"), desk.text("squash_option"));
    let delete_head = desk.flag("remove_source_branch_after_merge");
    let (name, description) = (desk.text("name"), desk.text("description"));
    let (branch, method) = (desk.text("default_branch"), desk.text("merge_method"));
    let now = desk.store.now();
    let it = desk.store.get_mut::<Project>(&Scope::Shared, place.id)?;
    it.name = name.unwrap_or_else(|| it.name.clone());
    it.description = description.or(it.description.take());
    it.default_branch = branch.or(it.default_branch.take());
    it.visibility = visibility.unwrap_or(it.visibility);
    it.features.issues = issues.or(it.features.issues);
    it.features.wiki = wiki.or(it.features.wiki);
    if let Some(method) = method {
        it.merge_methods.merge_commit = Some(method == "merge");
        it.merge_methods.rebase = Some(method == "rebase_merge");
        it.merge_methods.fast_forward = Some(method == "ff");
    }
    it.features.forking = forking.map(|it| it != "disabled").or(it.features.forking);
    it.merge_methods.squash = squash.map(|it| it != "never").or(it.merge_methods.squash);
    it.merge_methods.delete_head = delete_head.or(it.merge_methods.delete_head);
    it.updated_at = now;
    if let Some(topics) = topics {
        desk.store.remove_where::<Topic>(&place.scope, |_| true);
        for name in topics {
            desk.store.add(&place.scope, Topic { name });
        }
    }
    shown(desk, place).map(|it| Answer::ok(&it))
}

/// A commit of which no more is known than its id.
pub(super) fn commit_view(desk: &Desk<'_>, place: &Place, id: &str) -> Value {
    json!({
        "id": id, "short_id": id.chars().take(8).collect::<String>(), "title": "", "message": "",
        "created_at": told(None), "authored_date": told(None), "committed_date": told(None),
        "author_name": "alice", "author_email": "alice@example.org", "committer_name": "alice",
        "committer_email": "alice@example.org", "parent_ids": [], "trailers": {},
        "web_url": format!("{}/{}/-/commit/{id}", desk.request.home, place.path),
    })
}

fn repository(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    rest: &[&str],
) -> Option<Answer> {
    match (method, rest) {
        (&Method::GET, ["branches"]) => Some(desk.page(branches(desk, place))),
        (&Method::GET, ["branches", name]) => {
            let found = branches(desk, place).into_iter().find(|it| it["name"] == *name);
            Some(found.map_or_else(|| not_found("Branch"), |it| Answer::ok(&it)))
        }
        (&Method::GET, ["tags"]) => Some(desk.page(tags(desk, place))),
        (&Method::GET, ["tags", name]) => {
            let found = tags(desk, place).into_iter().find(|it| it["name"] == *name);
            Some(found.map_or_else(|| not_found("Tag"), |it| Answer::ok(&it)))
        }
        (&Method::GET, ["commits", sha]) => {
            let id = commit(desk, place, sha);
            Some(Answer::ok(&commit_view(desk, place, &id)))
        }
        (&Method::GET, ["commits", sha, "statuses"]) => {
            let id = commit(desk, place, sha);
            let all = desk.store.all::<CommitStatus>(&place.scope);
            let all = all.filter(|(_, it)| it.commit == id);
            Some(desk.page(all.map(|(id, it)| status(desk, id, it)).collect()))
        }
        (&Method::GET, ["commits", sha, "comments"]) => {
            let id = commit(desk, place, sha);
            let all = desk.store.all::<CommitComment>(&place.scope);
            let all = all.filter(|(_, it)| it.commit == id);
            Some(desk.page(all.map(|(_, it)| commit_comment(desk, it)).collect()))
        }
        (&Method::POST, ["commits", sha, "comments"]) => {
            let Some(note) = desk.text("note") else { return Some(missing("note")) };
            let it = CommitComment {
                commit: commit(desk, place, sha),
                path: desk.text("path"),
                line: desk.number("line"),
                author: Some(desk.author()),
                body: Some(Text::new(note, Markup::Gitlab)),
                created_at: desk.moment(),
                ..CommitComment::default()
            };
            desk.store.add(&place.scope, it.clone());
            Some(Answer::created(&commit_comment(desk, &it)))
        }
        _ => super::commit::route(desk, place, rest),
    }
}

fn commit_comment(desk: &Desk<'_>, it: &CommitComment) -> Value {
    json!({
        "note": text(&it.body), "path": it.path, "line": it.line, "created_at": told(it.created_at),
        "line_type": it.line.map(|_| "new"), "author": desk.view().somebody(&it.author),
    })
}

fn tags(desk: &Desk<'_>, place: &Place) -> Vec<Value> {
    let refs = desk.store.refs(&place.path, RepoKind::Code);
    let tag = |(name, id): (&String, &String)| {
        let name = name.strip_prefix("refs/tags/")?;
        Some(json!({ "name": name, "message": "", "target": id, "release": null,
            "commit": commit_view(desk, place, id), "protected": false, "created_at": null }))
    };
    refs.iter().filter_map(tag).collect()
}

fn branches(desk: &Desk<'_>, place: &Place) -> Vec<Value> {
    let refs = desk.store.refs(&place.path, RepoKind::Code);
    let project = desk.store.get::<Project>(&Scope::Shared, place.id);
    let default = project.and_then(|it| it.default_branch.clone()).unwrap_or("main".into());
    let branch = |(name, id): (&String, &String)| {
        let name = name.strip_prefix("refs/heads/")?;
        let rule = desk.store.find::<BranchRule>(&place.scope, |it| it.pattern == name);
        Some(json!({
            "name": name, "commit": commit_view(desk, place, id), "merged": false,
            "protected": rule.is_some(), "developers_can_push": rule.is_none(),
            "developers_can_merge": rule.is_none(), "can_push": true, "default": name == default,
            "web_url": format!("{}/{}/-/tree/{name}", desk.request.home, place.path),
        }))
    };
    refs.iter().filter_map(branch).collect()
}

fn status(desk: &Desk<'_>, id: u64, it: &CommitStatus) -> Value {
    let word = match it.state {
        CommitState::Pending => "pending",
        CommitState::Running => "running",
        CommitState::Success => "success",
        CommitState::Failure | CommitState::Error => "failed",
        CommitState::Cancelled => "canceled",
        CommitState::Skipped => "skipped",
    };
    json!({
        "id": id, "sha": it.commit, "ref": it.git_ref.as_deref().unwrap_or("main"), "status": word,
        "name": it.context, "target_url": it.target_url, "description": it.description,
        "created_at": told(it.created_at), "started_at": null, "finished_at": null,
        "allow_failure": false, "coverage": null, "pipeline_id": 1,
        "author": desk.view().somebody(&it.author),
    })
}

fn add_status(desk: &mut Desk<'_>, place: &Place, sha: &str) -> Answer {
    let state = match desk.text("state").as_deref() {
        Some("pending") => CommitState::Pending,
        Some("running") => CommitState::Running,
        Some("success") => CommitState::Success,
        Some("failed") => CommitState::Failure,
        Some("canceled") => CommitState::Cancelled,
        Some("skipped") => CommitState::Skipped,
        Some(_) => {
            let words = json!({ "error": "state does not have a valid value" });
            return Answer::json(StatusCode::BAD_REQUEST, &words);
        }
        None => return missing("state"),
    };
    let it = CommitStatus {
        commit: commit(desk, place, sha),
        context: desk.text("name").or_else(|| desk.text("context")).unwrap_or("default".into()),
        state,
        description: desk.text("description"),
        target_url: desk.text("target_url"),
        git_ref: desk.text("ref"),
        author: Some(desk.author()),
        created_at: desk.store.now(),
        ..CommitStatus::default()
    };
    let (commit, context) = (it.commit.clone(), it.context.clone());
    let same = |it: &CommitStatus| it.commit == commit && it.context == context;
    desk.store.remove_where::<CommitStatus>(&place.scope, same);
    let id = desk.store.add(&place.scope, it.clone());
    Answer::created(&status(desk, id, &it))
}
