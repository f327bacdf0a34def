//! Accounts, organizations, teams, and what the server says of itself.

use super::{Desk, not_found, project, refusal, unprocessable, word};
use crate::{access::Access, exchange::Answer};
use http::{Method, StatusCode};
use packhorse_core::{
    Scope,
    model::{
        Grantee, Identity, Member, Organization, Place, Project, Role, Team, User, Visibility,
    },
};
use serde_json::{Value, json};

pub(super) fn route(desk: &mut Desk<'_>, path: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match (&method, path) {
        (&Method::GET, ["version"]) => {
            let version = if desk.is_forgejo() { "10.0.0+gitea-1.22.0" } else { "1.23.1" };
            Some(Answer::ok(&json!({ "version": version })))
        }
        (&Method::GET, ["settings", what]) => settings(what),
        (_, ["user", ..]) if desk.who.login.is_empty() => {
            Some(refusal(StatusCode::UNAUTHORIZED, "token is required"))
        }
        (&Method::GET, ["user"]) => Some(Answer::ok(&desk.view().user(&desk.who))),
        (&Method::GET, ["user", "orgs"] | ["orgs"] | ["admin", "orgs"]) => {
            let view = desk.view();
            let all = desk.store.all::<Organization>(&Scope::Shared);
            Some(desk.page(all.map(|(id, it)| view.organization(id, it)).collect()))
        }
        (&Method::GET, ["user", "repos"]) => Some(project::list(desk, |_| true)),
        (&Method::POST, ["user", "repos"]) => {
            let owner = desk.who.login.clone();
            Some(project::create(desk, &owner))
        }
        (&Method::GET, ["users", "search"]) => {
            let asked = desk.request.query("q").unwrap_or_default().to_lowercase();
            let view = desk.view();
            let all = desk.store.all::<User>(&Scope::Shared);
            let all = all.filter(|(_, it)| it.identity.login.to_lowercase().contains(&asked));
            let data: Vec<Value> = all.map(|(_, it)| view.user(&it.identity)).collect();
            Some(Answer::ok(&json!({ "ok": true, "data": data })))
        }
        (&Method::GET, ["users", login]) => {
            // An organization is an account too.
            let same = |it: &Organization| it.path.eq_ignore_ascii_case(login);
            if let Some((_, it)) = desk.store.find::<Organization>(&Scope::Shared, same) {
                return Some(Answer::ok(&desk.view().owner(&it.path)));
            }
            let (_, user) = desk.store.known_user(login)?;
            Some(Answer::ok(&desk.view().user(&user.identity)))
        }
        (&Method::GET, ["users", login, "repos"]) => {
            let prefix = format!("{login}/");
            Some(project::list(desk, |it| it.path.starts_with(&prefix)))
        }
        (_, ["admin", ..]) if !desk.request.caller.may(Access::Admin) => {
            Some(refusal(StatusCode::FORBIDDEN, "user should be the site admin"))
        }
        (&Method::GET, ["admin", "users"]) => {
            let view = desk.view();
            let all = desk.store.all::<User>(&Scope::Shared);
            Some(desk.page(all.map(|(_, it)| view.user(&it.identity)).collect()))
        }
        (&Method::POST, ["admin", "users"]) => Some(create_user(desk)),
        (&Method::POST, ["orgs"]) => Some(create_organization(desk)),
        (_, ["orgs" | "org", name, rest @ ..]) => organization(desk, &method, name, rest),
        (_, ["teams", id, rest @ ..]) => team(desk, &method, id.parse().ok()?, rest),
        _ => None,
    }
}

fn settings(what: &str) -> Option<Answer> {
    let value = match what {
        "api" => {
            json!({ "max_response_items": 50, "default_paging_num": 30, "default_git_trees_per_page": 1000, "default_max_blob_size": 10_485_760 })
        }
        "repository" => {
            json!({ "mirrors_disabled": false, "http_git_disabled": false, "migrations_disabled": false, "stars_disabled": false, "time_tracking_disabled": false, "lfs_disabled": false })
        }
        "attachment" => {
            json!({ "enabled": true, "allowed_types": "*/*", "max_size": 2048, "max_files": 5 })
        }
        "ui" => {
            json!({ "default_theme": "gitea-auto", "allowed_reactions": ["+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes"], "custom_emojis": [] })
        }
        _ => return None,
    };
    Some(Answer::ok(&value))
}

fn create_user(desk: &mut Desk<'_>) -> Answer {
    let body = desk.request.json();
    let (Some(login), Some(email)) = (word(&body, "username"), word(&body, "email")) else {
        return unprocessable("[Username]: Required");
    };
    if desk.store.known_user(&login).is_some() {
        return unprocessable(&format!("user already exists [name: {login}]"));
    }
    let identity = Identity {
        name: word(&body, "full_name"),
        email: Some(email),
        ..Identity::login(login, None)
    };
    let created = body["created_at"].as_str().and_then(|it| it.parse().ok());
    let created_at = created.or_else(|| desk.store.now());
    desk.store
        .add(&Scope::Shared, User { identity: identity.clone(), created_at, ..User::default() });
    Answer::created(&desk.view().user(&identity))
}

fn create_organization(desk: &mut Desk<'_>) -> Answer {
    let body = desk.request.json();
    let Some(path) = word(&body, "username") else { return unprocessable("[UserName]: Required") };
    let same = |it: &Organization| it.path.eq_ignore_ascii_case(&path);
    if desk.store.find::<Organization>(&Scope::Shared, same).is_some() {
        return unprocessable(&format!("user already exists [name: {path}]"));
    }
    let mut it = Organization { path, created_at: desk.store.now(), ..Organization::default() };
    change_organization(&mut it, &body);
    let id = desk.store.add(&Scope::Shared, it.clone());
    let owners = Team {
        organization: it.path.clone(),
        slug: "Owners".to_owned(),
        name: "Owners".to_owned(),
        ..Team::default()
    };
    desk.store.add(&Scope::Shared, owners);
    Answer::created(&desk.view().organization(id, &it))
}

fn change_organization(it: &mut Organization, body: &Value) {
    let set = |field: &str, to: &mut Option<String>| {
        if body.get(field).is_some() {
            *to = word(body, field);
        }
    };
    set("full_name", &mut it.name);
    set("description", &mut it.description);
    set("website", &mut it.website);
    set("location", &mut it.location);
    set("email", &mut it.email);
    match body["visibility"].as_str() {
        Some("public") => it.visibility = Some(Visibility::Public),
        Some("limited") => it.visibility = Some(Visibility::Internal),
        Some("private") => it.visibility = Some(Visibility::Private),
        Some(_) | None => {}
    }
}

fn organization(desk: &mut Desk<'_>, method: &Method, name: &str, rest: &[&str]) -> Option<Answer> {
    let (id, it) =
        desk.store.find::<Organization>(&Scope::Shared, |it| it.path.eq_ignore_ascii_case(name))?;
    let path = it.path.clone();
    if *method != Method::GET && !desk.request.caller.may(Access::Admin) {
        return Some(refusal(StatusCode::FORBIDDEN, "Must be an organization owner"));
    }
    match (method, rest) {
        (&Method::GET, []) => Some(Answer::ok(&desk.view().organization(id, it))),
        (&Method::PATCH, []) => {
            let body = desk.request.json();
            let it = desk.store.get_mut::<Organization>(&Scope::Shared, id)?;
            change_organization(it, &body);
            let it = it.clone();
            Some(Answer::ok(&desk.view().organization(id, &it)))
        }
        (&Method::GET, ["repos"]) => {
            let prefix = format!("{path}/");
            Some(project::list(desk, |it: &Project| it.path.starts_with(&prefix)))
        }
        (&Method::POST, ["repos"]) => Some(project::create(desk, &path)),
        (&Method::GET, ["members"]) => {
            let place = Place::Organization(path);
            Some(desk.page(people(desk, &place)))
        }
        (&Method::GET, ["labels"]) => Some(desk.page(Vec::new())),
        (&Method::GET, ["teams"]) => {
            let view = desk.view();
            let all =
                desk.store.all::<Team>(&Scope::Shared).filter(|(_, it)| it.organization == path);
            Some(desk.page(all.map(|(id, it)| view.team(id, it)).collect()))
        }
        (&Method::POST, ["teams"]) => {
            let body = desk.request.json();
            let Some(name) = word(&body, "name") else {
                return Some(unprocessable("[Name]: Required"));
            };
            let same = |it: &Team| it.organization == path && it.slug == name;
            if desk.store.find::<Team>(&Scope::Shared, same).is_some() {
                return Some(unprocessable(&format!("team already exists [name: {name}]")));
            }
            let description = word(&body, "description");
            let team = Team {
                organization: path,
                slug: name.clone(),
                name,
                description,
                ..Team::default()
            };
            let id = desk.store.add(&Scope::Shared, team.clone());
            Some(Answer::created(&desk.view().team(id, &team)))
        }
        _ => None,
    }
}

fn people(desk: &Desk<'_>, place: &Place) -> Vec<Value> {
    let view = desk.view();
    let all = desk.store.all::<Member>(&Scope::Shared).filter(|(_, it)| it.place == *place);
    all.filter_map(|(_, it)| match &it.grantee {
        Grantee::User(who) => Some(view.user(who)),
        Grantee::Team { .. } | Grantee::Group(_) => None,
    })
    .collect()
}

/// Gives a user a role in a place, instead of the one they had.
pub(super) fn grant(desk: &mut Desk<'_>, scope: &Scope, place: Place, login: &str, role: Role) {
    let known = desk.store.known_user(login).map(|(_, it)| it.identity.clone());
    let who = known.unwrap_or_else(|| Identity::login(login, None));
    desk.store.remove_where::<Member>(scope, |it| {
        it.place == place && matches!(&it.grantee, Grantee::User(other) if other.login == login)
    });
    desk.store.add(scope, Member { place, grantee: Grantee::User(who), role, ..Member::default() });
}

fn team(desk: &mut Desk<'_>, method: &Method, id: u64, rest: &[&str]) -> Option<Answer> {
    let it = desk.store.get::<Team>(&Scope::Shared, id)?.clone();
    let place = Place::Team { organization: it.organization.clone(), slug: it.slug.clone() };
    let grantee = Grantee::Team { organization: it.organization.clone(), slug: it.slug.clone() };
    match (method, rest) {
        (&Method::GET, []) => Some(Answer::ok(&desk.view().team(id, &it))),
        (&Method::PATCH, []) => {
            let body = desk.request.json();
            let it = desk.store.get_mut::<Team>(&Scope::Shared, id)?;
            it.description = word(&body, "description");
            let it = it.clone();
            Some(Answer::ok(&desk.view().team(id, &it)))
        }
        (&Method::DELETE, []) => {
            desk.store.remove::<Team>(&Scope::Shared, id);
            Some(Answer::no_content())
        }
        (&Method::GET, ["members"]) => Some(desk.page(people(desk, &place))),
        (&Method::PUT, ["members", login]) => {
            if desk.store.known_user(login).is_none() {
                return Some(not_found());
            }
            grant(desk, &Scope::Shared, place, login, Role::Read);
            Some(Answer::no_content())
        }
        (&Method::PUT, ["repos", owner, name]) => {
            let (_, _, scope) = desk.store.project(&format!("{owner}/{name}"))?;
            desk.store.remove_where::<Member>(&scope, |it| it.grantee == grantee);
            desk.store.add(&scope, Member { grantee, role: Role::Read, ..Member::default() });
            Some(Answer::no_content())
        }
        (&Method::GET, ["repos"]) => Some(project::list(desk, |project| {
            let scope = Scope::Project(project.path.clone());
            desk.store.find::<Member>(&scope, |it| it.grantee == grantee).is_some()
        })),
        _ => None,
    }
}
