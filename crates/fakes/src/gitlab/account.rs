//! Accounts, groups, namespaces, and what the server says of itself.

use super::{
    Desk, Place, group_import, invalid, issue, missing, not_found, project, refusal, setting,
    view::{View, told},
};
use crate::exchange::Answer;
use http::{Method, StatusCode};
use packhorse_core::{
    Scope,
    model::{Identity, Organization, Project, User, Visibility},
};
use serde_json::{Value, json};

/// The version that the stand-in says it is.
const VERSION: &str = "18.2.0";

pub(super) fn route(desk: &mut Desk<'_>, path: &[&str]) -> Answer {
    let method = desk.request.method.clone();
    match (&method, path) {
        (_, ["version" | "metadata" | "user" | "personal_access_tokens", ..])
            if desk.who.is_empty() =>
        {
            refusal(StatusCode::UNAUTHORIZED, "401 Unauthorized")
        }
        (&Method::GET, ["version" | "metadata"]) => Answer::ok(&json!({
            "version": VERSION, "revision": "0123456789a", "enterprise": false,
            "kas": { "enabled": false, "externalUrl": null, "externalK8sProxyUrl": null, "version": null },
        })),
        (&Method::GET, ["user"]) => {
            let identity = desk.author();
            let user = desk.store.known_user(&desk.who).map(|(_, it)| it.clone());
            let user = user.unwrap_or(User { identity, ..User::default() });
            Answer::ok(&own_account(desk, &user))
        }
        (&Method::GET, ["personal_access_tokens", "self"]) => {
            let user_id = desk.store.user_id(&desk.author());
            let scopes = if desk.is_admin() { json!(["api", "sudo"]) } else { json!(["api"]) };
            Answer::ok(&json!({
                "id": 1, "name": "stand-in", "revoked": false, "created_at": told(None),
                "description": null, "scopes": scopes, "user_id": user_id, "active": true,
                "last_used_at": null, "expires_at": null,
            }))
        }
        (&Method::GET, ["users"]) => users(desk),
        (&Method::POST, ["users"]) => create_user(desk),
        (&(Method::PUT | Method::POST | Method::DELETE), ["users", id, rest @ ..]) => {
            change_user(desk, &method, (id, rest))
        }
        (&Method::GET, ["users", id]) => {
            let found = id.parse().ok().and_then(|id| desk.store.get::<User>(&Scope::Shared, id));
            found.map_or_else(|| not_found("User"), |it| Answer::ok(&profile(&desk.view(), it)))
        }
        (&Method::GET, ["users", login, "projects"]) => projects(desk, login, false),
        (_, ["groups", rest @ ..]) => groups(desk, &method, rest),
        (&Method::GET, ["namespaces", path]) => namespace(desk, path),
        _ => not_found(""),
    }
}

fn users(desk: &Desk<'_>) -> Answer {
    let view = desk.view();
    let wanted = desk.request.query("username").map(str::to_lowercase);
    let is =
        |it: &User| wanted.as_ref().is_none_or(|name| it.identity.login.to_lowercase() == *name);
    let all = desk.store.all::<User>(&Scope::Shared).filter(|(_, it)| is(it));
    desk.page(all.map(|(_, it)| view.user(&it.identity)).collect())
}

/// Administrators make accounts; every one has an address of its own.
fn create_user(desk: &mut Desk<'_>) -> Answer {
    if !desk.is_admin() {
        return refusal(StatusCode::FORBIDDEN, "403 Forbidden");
    }
    let (Some(login), Some(email)) = (desk.text("username"), desk.text("email")) else {
        return missing("username, email");
    };
    let has_address = |it: &User| it.identity.email.as_ref() == Some(&email);
    let is_taken = desk.store.known_user(&login).is_some()
        || desk.store.all::<User>(&Scope::Shared).any(|(_, it)| has_address(it));
    if is_taken {
        return refusal(StatusCode::CONFLICT, "Username has already been taken");
    }
    let identity =
        Identity { name: desk.text("name"), email: Some(email), ..Identity::login(&login, None) };
    let mut it = User { identity, created_at: desk.store.now(), ..User::default() };
    describe(desk, &mut it);
    desk.store.add(&Scope::Shared, it.clone());
    Answer::created(&profile(&desk.view(), &it))
}

fn describe(desk: &Desk<'_>, it: &mut User) {
    it.bio = desk.text("bio").filter(|it| !it.is_empty());
    it.location = desk.text("location").filter(|it| !it.is_empty());
    it.website = desk.text("website_url").filter(|it| !it.is_empty());
    it.company = desk.text("organization").filter(|it| !it.is_empty());
}

fn change_user(desk: &mut Desk<'_>, method: &Method, (id, rest): (&str, &[&str])) -> Answer {
    if !desk.is_admin() {
        return refusal(StatusCode::FORBIDDEN, "403 Forbidden");
    }
    let number = id.parse().unwrap_or_default();
    let Some(mut it) = desk.store.get::<User>(&Scope::Shared, number).cloned() else {
        return not_found("User");
    };
    match (method, rest) {
        (&Method::DELETE, []) => {
            desk.store.remove::<User>(&Scope::Shared, number);
            return Answer::no_content();
        }
        (&Method::PUT, []) => {
            it.identity.name = desk.text("name").or(it.identity.name);
            describe(desk, &mut it);
        }
        (&Method::POST, ["block"]) => it.is_blocked = true,
        _ => return not_found(""),
    }
    if let Some(kept) = desk.store.get_mut::<User>(&Scope::Shared, number) {
        *kept = it.clone();
    }
    if rest.is_empty() {
        return Answer::ok(&profile(&desk.view(), &it));
    }
    Answer::created(&json!(true))
}

fn profile(view: &View<'_>, user: &User) -> Value {
    let mut value = view.user(&user.identity);
    let more = json!({
        "created_at": told(user.created_at), "bio": user.bio.as_deref().unwrap_or(""),
        "location": user.location.as_deref().unwrap_or(""), "public_email": user.identity.email,
        "website_url": user.website.as_deref().unwrap_or(""), "bot": false,
        "organization": user.company.as_deref().unwrap_or(""),
    });
    if let (Some(value), Value::Object(more)) = (value.as_object_mut(), more) {
        value.extend(more);
    }
    value
}

fn own_account(desk: &Desk<'_>, user: &User) -> Value {
    let mut value = profile(&desk.view(), user);
    value["email"] = json!(user.identity.email);
    value["can_create_group"] = json!(true);
    value["can_create_project"] = json!(true);
    value["projects_limit"] = json!(100_000);
    if desk.is_admin() {
        value["is_admin"] = json!(true);
    }
    value
}

fn namespace(desk: &Desk<'_>, name: &str) -> Answer {
    let by_id = name.parse().ok();
    let group = |it: u64| desk.store.get::<Organization>(&Scope::Shared, it);
    if let Some(group) = by_id.and_then(group) {
        return Answer::ok(&desk.view().namespace(&group.path));
    }
    if is_namespace(desk, name) {
        return Answer::ok(&desk.view().namespace(name));
    }
    not_found("Namespace")
}

/// Whether there is a namespace of that path.
pub(super) fn is_namespace(desk: &Desk<'_>, path: &str) -> bool {
    let is_group = desk.store.find::<Organization>(&Scope::Shared, |it| it.path == path).is_some();
    is_group || desk.store.known_user(path).is_some() || path == desk.who
}

/// The projects of a namespace, and of those below it where asked.
fn projects(desk: &Desk<'_>, owner: &str, below: bool) -> Answer {
    let view = desk.view();
    let is = |it: &Project| {
        let rest = it.path.strip_prefix(owner).and_then(|it| it.strip_prefix('/'));
        rest.is_some_and(|it| below || !it.contains('/')) && project::may_see(desk, it)
    };
    let all = desk.store.all::<Project>(&Scope::Shared).filter(|(_, it)| is(it));
    let mut all: Vec<_> = all.map(|(id, it)| view.project(id, it)).collect();
    project::sort(desk, &mut all);
    desk.page(all)
}

fn groups(desk: &mut Desk<'_>, method: &Method, rest: &[&str]) -> Answer {
    let Some((name, rest)) = rest.split_first() else {
        if *method == Method::POST {
            return create(desk);
        }
        let view = desk.view();
        let top = desk.request.query("top_level_only") == Some("true");
        let all = desk.store.all::<Organization>(&Scope::Shared);
        let all = all.filter(|(_, it)| !top || !it.path.contains('/'));
        return desk.page(all.map(|(id, it)| view.group(id, it)).collect());
    };
    if *name == "import" && *method == Method::POST {
        return group_import::begin(desk);
    }
    group_import::go_on(desk);
    let by_id = name.parse().ok();
    let is = |id: u64, it: &Organization| Some(id) == by_id || it.path == *name;
    let found = desk.store.all::<Organization>(&Scope::Shared).find(|(id, it)| is(*id, it));
    let Some((id, group)) = found.map(|(id, it)| (id, it.clone())) else {
        return not_found("Group");
    };
    match (method, rest) {
        (&Method::GET, []) => {
            let mut value = desk.view().group(id, &group);
            value["prevent_sharing_groups_outside_hierarchy"] = json!(false);
            let place = packhorse_core::model::Place::Organization(group.path);
            value["shared_with_groups"] = json!(desk.view().shared_with(&Scope::Shared, &place));
            Answer::ok(&value)
        }
        (&Method::DELETE, []) => {
            desk.store.remove::<Organization>(&Scope::Shared, id);
            Answer::json(StatusCode::ACCEPTED, &json!({ "message": "202 Accepted" }))
        }
        (_, ["share", rest @ ..]) => {
            let place = packhorse_core::model::Place::Organization(group.path);
            setting::share(desk, (&Scope::Shared, &place), method, rest)
                .unwrap_or_else(|| not_found(""))
        }
        (&Method::PUT, []) => {
            let (name, description) = (desk.text("name"), desk.text("description"));
            let seen = asked_visibility(desk);
            if let Some(it) = desk.store.get_mut::<Organization>(&Scope::Shared, id) {
                it.name = name.or(it.name.take());
                it.description = description.or(it.description.take());
                it.visibility = seen.or(it.visibility);
            }
            let found = desk.store.get::<Organization>(&Scope::Shared, id);
            found.map_or_else(|| not_found("Group"), |it| Answer::ok(&desk.view().group(id, it)))
        }
        (&Method::GET, ["projects"]) => {
            projects(desk, &group.path, desk.request.query("include_subgroups") == Some("true"))
        }
        (&Method::GET, ["subgroups" | "descendant_groups"]) => {
            let (view, prefix) = (desk.view(), format!("{}/", group.path));
            let direct = rest == ["subgroups"];
            let is = |it: &Organization| {
                it.path.strip_prefix(&prefix).is_some_and(|it| !direct || !it.contains('/'))
            };
            let all = desk.store.all::<Organization>(&Scope::Shared).filter(|(_, it)| is(it));
            desk.page(all.map(|(id, it)| view.group(id, it)).collect())
        }
        (_, ["members", rest @ ..]) => {
            let place = packhorse_core::model::Place::Organization(group.path);
            setting::members(desk, (&Scope::Shared, &place), method, rest)
                .unwrap_or_else(|| not_found(""))
        }
        (&Method::GET, ["variables"]) => desk.page(Vec::new()),
        (_, ["labels" | "milestones", ..]) => {
            let scope = Scope::Project(group.path.clone());
            let place = Place { id, path: group.path, scope };
            issue::route(desk, &place, rest).unwrap_or_else(|| not_found(""))
        }
        _ => not_found(""),
    }
}

fn create(desk: &mut Desk<'_>) -> Answer {
    let Some(name) = desk.text("name") else { return missing("name") };
    let Some(last) = desk.text("path") else { return missing("path") };
    let above = desk.number("parent_id");
    let above = above.and_then(|id| desk.store.get::<Organization>(&Scope::Shared, id));
    let path = above.map_or_else(|| last.clone(), |it| format!("{}/{last}", it.path));
    if desk.store.find::<Organization>(&Scope::Shared, |it| it.path == path).is_some() {
        return invalid("path", "has already been taken");
    }
    let it = Organization {
        path,
        name: Some(name),
        description: desk.text("description"),
        visibility: Some(asked_visibility(desk).unwrap_or_default()),
        created_at: desk.store.now(),
        ..Organization::default()
    };
    let id = desk.store.add(&Scope::Shared, it.clone());
    Answer::created(&desk.view().group(id, &it))
}

/// The visibility that a request names.
pub(super) fn asked_visibility(desk: &Desk<'_>) -> Option<Visibility> {
    match desk.text("visibility")?.as_str() {
        "public" => Some(Visibility::Public),
        "internal" => Some(Visibility::Internal),
        _ => Some(Visibility::Private),
    }
}

/// The path of the namespace of that number; the caller's own where there is none.
pub(super) fn namespace_path(desk: &Desk<'_>, id: Option<u64>) -> Option<String> {
    let Some(id) = id else { return Some(desk.who.clone()) };
    if let Some(group) = desk.store.get::<Organization>(&Scope::Shared, id) {
        return Some(group.path.clone());
    }
    let own = desk.store.user_id(&Identity::login(&desk.who, None));
    (own == id).then(|| desk.who.clone())
}
