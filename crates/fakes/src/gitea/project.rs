//! Projects, and what hangs on them directly.

use super::{
    Desk, Place,
    account::grant,
    not_found, refusal, unprocessable,
    view::{View, told},
    word, words,
};
use crate::exchange::Answer;
use http::{Method, StatusCode};
use packhorse_core::{
    RepoKind, Scope,
    model::{
        BranchRule, CommitState, CommitStatus, Grantee, Member, Project, Role, State, StateValue,
        Subject, Team, Topic, User, Visibility,
    },
};
use serde_json::{Value, json};

pub(super) fn list(desk: &Desk<'_>, is: impl Fn(&Project) -> bool) -> Answer {
    desk.page(all(desk, is))
}

fn all(desk: &Desk<'_>, is: impl Fn(&Project) -> bool) -> Vec<Value> {
    let view = desk.view();
    let mut all: Vec<_> =
        desk.store.all::<Project>(&Scope::Shared).filter(|(_, it)| is(it)).collect();
    all.sort_by(|a, b| a.1.path.cmp(&b.1.path));
    all.into_iter().map(|(id, it)| view.project(id, it)).collect()
}

/// The search over all projects, whose page stands in an envelope.
pub(super) fn search(desk: &Desk<'_>) -> Answer {
    let asked = desk.request.query("q").unwrap_or_default().to_lowercase();
    let found = all(desk, |it| it.path.to_lowercase().contains(&asked));
    let page = desk.page(found.clone());
    let data = desk.request.window("page", "limit", 30, 50).of(found);
    Answer { headers: page.headers, ..Answer::ok(&json!({ "ok": true, "data": data })) }
}

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    let body = desk.request.json();
    match (&method, rest) {
        (&Method::GET, []) => Some(Answer::ok(&shown(desk, place)?)),
        (&Method::PATCH, []) => update(desk, place, &body),
        (&Method::DELETE, []) => {
            desk.store.remove_project(&place.path);
            Some(Answer::no_content())
        }
        (&Method::GET, ["topics"]) => {
            let all = desk.store.all::<Topic>(&place.scope);
            let page = desk.page(all.map(|(_, it)| json!(it.name)).collect());
            let window = desk.request.window("page", "limit", 30, 50);
            let all = desk.store.all::<Topic>(&place.scope).map(|(_, it)| it.name.clone());
            let topics = json!({ "topics": window.of(all.collect()) });
            Some(Answer { headers: page.headers, ..Answer::ok(&topics) })
        }
        // The page is not made: its commit would need Git.
        (&Method::POST, ["wiki", "new"]) => {
            desk.store.make_repository(&place.path, RepoKind::Wiki).ok()?;
            let html = format!("{}/{}/wiki/Home", desk.request.home, place.path);
            let commit = json!({ "sha": "0".repeat(40), "message": "make room" });
            Some(Answer::created(&json!({ "title": "Home", "html_url": html, "sub_url": "Home",
                "last_commit": commit, "content_base64": "", "commit_count": 1 })))
        }
        (&Method::GET, ["wiki", "pages"]) => {
            if desk.store.refs(&place.path, RepoKind::Wiki).is_empty() {
                return None;
            }
            let html = format!("{}/{}/wiki/Home", desk.request.home, place.path);
            let page = json!({ "title": "Home", "html_url": html, "sub_url": "Home", "last_commit": null });
            Some(desk.page(vec![page]))
        }
        (&Method::PUT, ["topics"]) => Some(set_topics(desk, place, &words(&body["topics"]))),
        (&Method::PUT | &Method::DELETE, ["topics", name]) => {
            let all = desk.store.all::<Topic>(&place.scope).map(|(_, it)| it.name.clone());
            let mut all: Vec<String> = all.filter(|it| it != name).collect();
            if method == Method::PUT {
                all.push((*name).to_owned());
            }
            Some(set_topics(desk, place, &all))
        }
        (&Method::GET, ["branches"]) => {
            let view = desk.view();
            let refs = desk.store.refs_told(&place.path);
            let all =
                refs.iter().filter_map(|(name, id)| Some((name.strip_prefix("refs/heads/")?, id)));
            Some(desk.page(all.map(|(name, id)| branch(&view, place, name, id)).collect()))
        }
        (&Method::GET, ["branches", name @ ..]) => {
            let name = name.join("/");
            let id = desk.store.refs_told(&place.path).remove(&format!("refs/heads/{name}"))?;
            Some(Answer::ok(&branch(&desk.view(), place, &name, &id)))
        }
        (&Method::DELETE, ["branches", name @ ..]) => {
            let was = desk.store.delete_ref(&place.path, &format!("refs/heads/{}", name.join("/")));
            Some(if was { Answer::no_content() } else { not_found() })
        }
        (&Method::POST, ["branches"]) => Some(create_branch(desk, place, &body)),
        (&Method::GET, ["tags", name @ ..]) if !name.is_empty() => {
            Some(tag(desk, place, &name.join("/")))
        }
        (&Method::GET, ["statuses", commit] | ["commits", commit, "statuses"]) => {
            Some(statuses(desk, place, commit))
        }
        (&Method::POST, ["statuses", commit]) => Some(add_status(desk, place, commit, &body)),
        (&Method::GET, ["assignees" | "reviewers"]) => {
            let view = desk.view();
            let all = desk.store.all::<User>(&Scope::Shared);
            Some(Answer::ok(&all.map(|(_, it)| view.user(&it.identity)).collect()))
        }
        (_, ["collaborators", rest @ ..]) => collaborators(desk, place, &method, rest),
        (_, ["teams", rest @ ..]) => teams(desk, place, &method, rest),
        _ => None,
    }
}

fn shown(desk: &Desk<'_>, place: &Place) -> Option<Value> {
    let it = desk.store.get::<Project>(&Scope::Shared, place.id)?;
    Some(desk.view().project(place.id, it))
}

/// Makes a project for an owner.
pub(super) fn create(desk: &mut Desk<'_>, owner: &str) -> Answer {
    use crate::access::Access;
    if !desk.request.caller.may(Access::Write) {
        return refusal(
            StatusCode::FORBIDDEN,
            "token does not have at least one of required scope(s)",
        );
    }
    let body = desk.request.json();
    let Some(name) = word(&body, "name") else { return unprocessable("[Name]: Required") };
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !name.chars().all(is_safe) || name.len() > 100 {
        return unprocessable(
            "[Name]: Must be valid alphanumeric, dash, underscore or dot characters",
        );
    }
    let path = format!("{owner}/{name}");
    if desk.store.project(&path).is_some() {
        return refusal(StatusCode::CONFLICT, "The repository with the same name already exists.");
    }
    if desk.store.make_repository(&path, RepoKind::Code).is_err() {
        return refusal(StatusCode::INTERNAL_SERVER_ERROR, "internal server error");
    }
    let now = desk.store.now();
    let mut it = Project {
        path,
        name,
        created_at: now,
        updated_at: now,
        visibility: Visibility::Public,
        ..Project::default()
    };
    apply(&mut it, &body);
    let id = desk.store.add(&Scope::Shared, it.clone());
    Answer::created(&desk.view().project(id, &it))
}

fn apply(it: &mut Project, body: &Value) {
    let set = |field: &str, to: &mut Option<String>| {
        if body.get(field).is_some() {
            *to = word(body, field);
        }
    };
    set("description", &mut it.description);
    set("website", &mut it.website);
    set("default_branch", &mut it.default_branch);
    if let Some(private) = body["private"].as_bool() {
        it.visibility = if private { Visibility::Private } else { Visibility::Public };
    }
    let flag = |field: &str, to: &mut Option<bool>| *to = body[field].as_bool().or(*to);
    flag("has_issues", &mut it.features.issues);
    flag("has_wiki", &mut it.features.wiki);
    flag("has_projects", &mut it.features.boards);
    flag("template", &mut it.features.template);
    let merge = &mut it.merge_methods;
    flag("allow_merge_commits", &mut merge.merge_commit);
    flag("allow_squash_merge", &mut merge.squash);
    flag("allow_rebase", &mut merge.rebase);
    flag("allow_fast_forward_only_merge", &mut merge.fast_forward);
    flag("allow_rebase_update", &mut merge.update_head);
    flag("default_delete_branch_after_merge", &mut merge.delete_head);
}

fn update(desk: &mut Desk<'_>, place: &Place, body: &Value) -> Option<Answer> {
    if let Some(archived) = body["archived"].as_bool() {
        desk.store.remove_where::<State>(&place.scope, |it| it.value == StateValue::Archived);
        if archived {
            let (subject, created_at) = (Subject::Project, desk.store.now());
            desk.store.add(
                &place.scope,
                State { subject, value: StateValue::Archived, created_at, ..State::default() },
            );
        }
    }
    let now = desk.store.now();
    let it = desk.store.get_mut::<Project>(&Scope::Shared, place.id)?;
    apply(it, body);
    it.updated_at = now;
    if let Some(branch) = body["default_branch"].as_str() {
        let path = desk.store.repository(&place.path, RepoKind::Code);
        drop(packhorse_git::repository::set_head(&path, &format!("refs/heads/{branch}")));
    }
    Some(Answer::ok(&shown(desk, place)?))
}

fn set_topics(desk: &mut Desk<'_>, place: &Place, asked: &[String]) -> Answer {
    // Source: Gitea, models/repo/topic.go: 25 topics, `^[a-z0-9][-.a-z0-9]*$`, 35 characters.
    let is_topic = |it: &&String| {
        it.len() <= 35
            && it.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && it.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c))
    };
    let invalid: Vec<_> = asked.iter().filter(|it| !is_topic(it)).collect();
    if asked.len() > 25 || !invalid.is_empty() {
        let words = json!({ "invalidTopics": invalid, "message": "Topic names are invalid" });
        return Answer::json(StatusCode::UNPROCESSABLE_ENTITY, &words);
    }
    desk.store.remove_where::<Topic>(&place.scope, |_| true);
    for name in asked {
        desk.store.add(&place.scope, Topic { name: name.clone() });
    }
    Answer::no_content()
}

fn branch(view: &View<'_>, place: &Place, name: &str, id: &str) -> Value {
    let rule = view.store.find::<BranchRule>(&place.scope, |it| it.pattern == name);
    let person = json!({ "name": "alice", "email": "alice@example.org", "username": "" });
    json!({
        "name": name, "protected": rule.is_some(), "required_approvals": 0, "enable_status_check": false,
        "status_check_contexts": [], "user_can_push": true, "user_can_merge": true,
        "effective_branch_protection_name": rule.map_or("", |(_, it)| it.pattern.as_str()),
        "commit": { "id": id, "message": "", "url": format!("{}/{}/commit/{id}", view.home, place.path),
            "author": person, "committer": person, "verification": null, "timestamp": told(None),
            "added": null, "removed": null, "modified": null },
    })
}

fn create_branch(desk: &mut Desk<'_>, place: &Place, body: &Value) -> Answer {
    let Some(name) = word(body, "new_branch_name") else {
        return unprocessable("[BranchName]: Required");
    };
    let refs = desk.store.refs_told(&place.path);
    if refs.is_empty() {
        return refusal(StatusCode::NOT_FOUND, "Git Repository is empty.");
    }
    if refs.contains_key(&format!("refs/heads/{name}")) {
        return refusal(StatusCode::CONFLICT, "The branch already exists.");
    }
    let from = word(body, "old_ref_name")
        .or_else(|| word(body, "old_branch_name"))
        .unwrap_or_else(|| "main".to_owned());
    let found = ["", "refs/heads/", "refs/tags/"]
        .iter()
        .find_map(|it| refs.get(&format!("{it}{from}")).cloned());
    let Some(id) = found.or_else(|| Some(from).filter(|it| it.len() == 40)) else {
        return refusal(StatusCode::NOT_FOUND, "The old branch does not exist");
    };
    if desk.store.set_ref(&place.path, &format!("refs/heads/{name}"), &id).is_err() {
        return refusal(StatusCode::INTERNAL_SERVER_ERROR, "internal server error");
    }
    Answer::created(&branch(&desk.view(), place, &name, &id))
}

fn tag(desk: &Desk<'_>, place: &Place, name: &str) -> Answer {
    let refs = desk.store.refs(&place.path, RepoKind::Code);
    let Some(id) = refs.get(&format!("refs/tags/{name}")) else { return not_found() };
    let view = desk.view();
    let commit = json!({
        "sha": id, "url": format!("{}/git/tags/{id}", view.api(&place.path)), "created": told(None),
    });
    let archive = |kind: &str| format!("{}/{}/archive/{name}.{kind}", view.home, place.path);
    Answer::ok(&json!({
        "name": name, "id": id, "message": "", "commit": commit,
        "zipball_url": archive("zip"), "tarball_url": archive("tar.gz"),
    }))
}

fn statuses(desk: &Desk<'_>, place: &Place, commit: &str) -> Answer {
    let view = desk.view();
    let all = desk.store.all::<CommitStatus>(&place.scope).filter(|(_, it)| it.commit == commit);
    desk.page(all.map(|(id, it)| status(&view, place, id, it)).collect())
}

fn status(view: &View<'_>, place: &Place, id: u64, it: &CommitStatus) -> Value {
    let word = match it.state {
        CommitState::Pending | CommitState::Running => "pending",
        CommitState::Success => "success",
        CommitState::Skipped => "warning",
        CommitState::Failure => "failure",
        CommitState::Error | CommitState::Cancelled => "error",
    };
    json!({
        "id": id, "status": word, "target_url": it.target_url.as_deref().unwrap_or(""),
        "description": it.description.as_deref().unwrap_or(""), "context": it.context,
        "url": format!("{}/statuses/{}", view.api(&place.path), it.commit), "creator": view.author(&it.author),
        "created_at": told(it.created_at), "updated_at": told(it.updated_at.or(it.created_at)),
    })
}

fn add_status(desk: &mut Desk<'_>, place: &Place, commit: &str, body: &Value) -> Answer {
    let state = match body["state"].as_str() {
        Some("pending") => CommitState::Pending,
        Some("success") => CommitState::Success,
        Some("failure") => CommitState::Failure,
        Some("error") => CommitState::Error,
        Some("warning") => CommitState::Skipped,
        _ => return unprocessable("invalid state"),
    };
    let now = desk.store.now();
    let it = CommitStatus {
        commit: commit.to_owned(),
        context: word(body, "context").unwrap_or_default(),
        state,
        description: word(body, "description"),
        target_url: word(body, "target_url"),
        git_ref: None,
        author: Some(desk.who.clone()),
        created_at: now,
        updated_at: now,
    };
    let id = desk.store.add(&place.scope, it.clone());
    Answer::created(&status(&desk.view(), place, id, &it))
}

fn role_word(role: Role) -> &'static str {
    match role {
        Role::None | Role::Guest | Role::Planner | Role::Read | Role::Triage => "read",
        Role::Write | Role::Maintain => "write",
        Role::Admin | Role::Owner => "admin",
    }
}

fn collaborators(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    rest: &[&str],
) -> Option<Answer> {
    let is =
        |it: &Member, login: &str| matches!(&it.grantee, Grantee::User(who) if who.login == login);
    match (method, rest) {
        (&Method::GET, []) => {
            let view = desk.view();
            let all =
                desk.store.all::<Member>(&place.scope).filter_map(|(_, it)| match &it.grantee {
                    Grantee::User(who) => Some(view.user(who)),
                    Grantee::Team { .. } | Grantee::Group(_) => None,
                });
            Some(desk.page(all.collect()))
        }
        (&Method::GET, [login]) => {
            let found = desk.store.find::<Member>(&place.scope, |it| is(it, login));
            Some(if found.is_some() { Answer::no_content() } else { not_found() })
        }
        (&Method::GET, [login, "permission"]) => {
            let (_, user) = desk.store.known_user(login)?;
            let role = desk
                .store
                .find::<Member>(&place.scope, |it| is(it, login))
                .map_or(Role::Read, |(_, it)| it.role);
            let user = desk.view().user(&user.identity);
            Some(Answer::ok(
                &json!({ "permission": role_word(role), "role_name": role_word(role), "user": user }),
            ))
        }
        (&Method::PUT, [login]) => {
            if desk.store.known_user(login).is_none() {
                return Some(unprocessable("user does not exist"));
            }
            let role = match desk.request.json()["permission"].as_str() {
                Some("read") => Role::Read,
                Some("admin") => Role::Admin,
                Some(_) | None => Role::Write,
            };
            grant(desk, &place.scope, packhorse_core::model::Place::Project, login, role);
            Some(Answer::no_content())
        }
        (&Method::DELETE, [login]) => {
            desk.store.remove_where::<Member>(&place.scope, |it| is(it, login));
            Some(Answer::no_content())
        }
        _ => None,
    }
}

fn teams(desk: &mut Desk<'_>, place: &Place, method: &Method, rest: &[&str]) -> Option<Answer> {
    let owner = place.path.split('/').next().unwrap_or_default().to_owned();
    if let (&Method::GET, []) = (method, rest) {
        let view = desk.view();
        let all = desk.store.all::<Member>(&place.scope).filter_map(|(_, member)| {
            let Grantee::Team { organization, slug } = &member.grantee else { return None };
            let same = |it: &Team| it.organization == *organization && it.slug == *slug;
            let (id, it) = desk.store.find::<Team>(&Scope::Shared, same)?;
            let mut value = view.team(id, it);
            value["permission"] = json!(role_word(member.role));
            Some(value)
        });
        return Some(Answer::ok(&all.collect()));
    }
    let slug = (*rest.first()?).to_owned();
    desk.store.find::<Team>(&Scope::Shared, |it| it.organization == owner && it.slug == slug)?;
    let grantee = Grantee::Team { organization: owner, slug };
    desk.store.remove_where::<Member>(&place.scope, |it| it.grantee == grantee);
    if *method == Method::PUT {
        desk.store.add(&place.scope, Member { grantee, role: Role::Read, ..Member::default() });
    }
    Some(Answer::no_content())
}
