//! Accounts, organizations, teams, and what the server says of itself.

use super::{
    Desk, invalid, not_found, project, refusal,
    view::{merge, node, told},
};
use crate::{access::Access, exchange::Answer};
use http::{Method, StatusCode};
use packhorse_core::{
    Scope,
    model::{Grantee, Identity, Member, Organization, Place, Project, Role, Team, User},
};
use serde_json::{Value, json};

pub(super) fn route(desk: &mut Desk<'_>, path: &[&str]) -> Answer {
    let method = desk.request.method.clone();
    match (&method, path) {
        (&Method::GET, ["meta"]) => meta(desk),
        (&Method::GET, ["rate_limit"]) => rate_limit(),
        (_, ["user", ..]) if desk.who.is_empty() => {
            refusal(StatusCode::UNAUTHORIZED, "Requires authentication")
        }
        (&Method::GET, ["user"]) => match desk.store.known_user(&desk.who) {
            Some((_, user)) => Answer::ok(&desk.view().profile(user)),
            None => {
                let identity = Identity::login(&desk.who, None);
                Answer::ok(&desk.view().profile(&User { identity, ..User::default() }))
            }
        },
        (&Method::GET, ["user", "repos"]) => projects(desk, ""),
        (&Method::POST, ["user", "repos"]) => {
            let owner = desk.who.clone();
            project::create(desk, &owner)
        }
        (&Method::GET, ["users", login]) => user(desk, login),
        (&Method::GET, ["users", login, "repos"]) => projects(desk, login),
        (_, ["orgs", login, rest @ ..]) => organization(desk, &method, login, rest),
        (&Method::GET, ["user", "orgs"] | ["organizations"]) => {
            let view = desk.view();
            let all = view.store.all::<Organization>(&Scope::Shared);
            desk.page(all.map(|(id, it)| view.organization(id, it)).collect())
        }
        _ => not_found(),
    }
}

fn meta(desk: &Desk<'_>) -> Answer {
    let mut value = json!({ "verifiable_password_authentication": true });
    if desk.api.ends_with("/api/v3") {
        value["installed_version"] = json!("3.17.0");
        return Answer::ok(&value).with("x-github-enterprise-version", "3.17.0");
    }
    Answer::ok(&value)
}

/// The limits as they are published; how they stand is in every other answer's headers.
fn rate_limit() -> Answer {
    let one = |limit: u64| json!({ "limit": limit, "used": 0, "remaining": limit, "reset": 4_102_444_800_u64 });
    Answer::ok(&json!({
        "resources": { "core": one(5000), "search": one(30), "graphql": one(5000) }, "rate": one(5000),
    }))
}

fn user(desk: &Desk<'_>, login: &str) -> Answer {
    if let Some((_, user)) = desk.store.known_user(login) {
        return Answer::ok(&desk.view().profile(user));
    }
    let found =
        desk.store.find::<Organization>(&Scope::Shared, |it| it.path.eq_ignore_ascii_case(login));
    match found {
        Some((id, it)) => {
            let user = User { identity: Identity::login(&it.path, None), ..User::default() };
            let mut value = desk.view().profile(&user);
            merge(
                &mut value,
                json!({ "id": id, "node_id": node("O", id), "type": "Organization", "name": it.name }),
            );
            Answer::ok(&value)
        }
        None => not_found(),
    }
}

fn projects(desk: &Desk<'_>, owner: &str) -> Answer {
    let view = desk.view();
    let mut all: Vec<_> = desk.store.all::<Project>(&Scope::Shared).collect();
    all.retain(|(_, it)| owner.is_empty() || it.path.split('/').next() == Some(owner));
    all.sort_by(|a, b| a.1.path.cmp(&b.1.path));
    desk.page(all.into_iter().map(|(id, it)| view.project(id, it)).collect())
}

fn organization(desk: &mut Desk<'_>, method: &Method, login: &str, rest: &[&str]) -> Answer {
    let found =
        desk.store.find::<Organization>(&Scope::Shared, |it| it.path.eq_ignore_ascii_case(login));
    let Some((id, organization)) = found else { return not_found() };
    let login = organization.path.clone();
    if *method != Method::GET && !desk.request.caller.may(Access::Admin) {
        return refusal(StatusCode::FORBIDDEN, "Must have admin rights to Organization.");
    }
    match (method, rest) {
        (&Method::GET, []) => Answer::ok(&desk.view().organization(id, organization)),
        (&Method::PATCH, []) => {
            let body = desk.request.json();
            if let Some(it) = desk.store.get_mut::<Organization>(&Scope::Shared, id) {
                set(&body, "name", &mut it.name);
                set(&body, "description", &mut it.description);
                set(&body, "blog", &mut it.website);
                set(&body, "location", &mut it.location);
                set(&body, "email", &mut it.email);
            }
            let found = desk.store.get::<Organization>(&Scope::Shared, id);
            found.map_or_else(not_found, |it| Answer::ok(&desk.view().organization(id, it)))
        }
        (&Method::GET, ["repos"]) => projects(desk, &login),
        (&Method::POST, ["repos"]) => project::create(desk, &login),
        (&Method::GET, ["members"]) => {
            let role = desk.request.query("role").unwrap_or("all");
            let place = Place::Organization(login);
            desk.page(people(desk, &place, |it| match role {
                "admin" => it >= Role::Admin,
                "member" => it < Role::Admin,
                _ => true,
            }))
        }
        (_, ["memberships", name]) => membership(desk, method, &login, name),
        (_, ["teams", rest @ ..]) => {
            teams(desk, method, (id, &login), rest).unwrap_or_else(not_found)
        }
        _ => not_found(),
    }
}

/// Sets a text that the body names; `null` and the empty text take it away.
pub(super) fn set(body: &Value, field: &str, to: &mut Option<String>) {
    if let Some(value) = body.get(field) {
        *to = value.as_str().filter(|it| !it.is_empty()).map(str::to_owned);
    }
}

fn people(desk: &Desk<'_>, place: &Place, is: impl Fn(Role) -> bool) -> Vec<Value> {
    let view = desk.view();
    let members = desk.store.all::<Member>(&Scope::Shared).map(|(_, it)| it);
    let members = members.filter(|it| it.place == *place && is(it.role));
    members
        .filter_map(|it| match &it.grantee {
            Grantee::User(identity) => Some(view.user(identity)),
            Grantee::Team { .. } | Grantee::Group(_) => None,
        })
        .collect()
}

/// Somebody's role in an organization. The trimmed description leaves this path out.
fn membership(desk: &mut Desk<'_>, method: &Method, login: &str, name: &str) -> Answer {
    let place = Place::Organization(login.to_owned());
    let role = match desk.request.json()["role"].as_str() {
        Some("admin") => Role::Owner,
        _ => Role::Read,
    };
    if *method == Method::PUT {
        grant(desk, &Scope::Shared, place.clone(), name, role);
    }
    let found = desk.store.all::<Member>(&Scope::Shared).find(|(_, it)| {
        it.place == place && matches!(&it.grantee, Grantee::User(who) if who.login == name)
    });
    let Some((_, member)) = found else { return not_found() };
    let word = if member.role >= Role::Admin { "admin" } else { "member" };
    Answer::ok(&json!({
        "url": format!("{}/orgs/{login}/memberships/{name}", desk.api), "state": "active", "role": word,
        "organization_url": format!("{}/orgs/{login}", desk.api),
        "user": desk.view().user(&Identity::login(name, None)),
    }))
}

/// Gives a user a role in a place, in the place of the one they had.
pub(super) fn grant(desk: &mut Desk<'_>, scope: &Scope, place: Place, login: &str, role: Role) {
    let identity = match desk.store.known_user(login) {
        Some((_, user)) => user.identity.clone(),
        None => Identity::login(login, None),
    };
    let same = |it: &Member| {
        it.place == place && matches!(&it.grantee, Grantee::User(who) if who.login == login)
    };
    desk.store.remove_where::<Member>(scope, same);
    let created_at = desk.store.now();
    let grantee = Grantee::User(identity);
    desk.store.add(scope, Member { place, grantee, role, created_at, ..Member::default() });
}

fn teams(
    desk: &mut Desk<'_>,
    method: &Method,
    (org, login): (u64, &str),
    rest: &[&str],
) -> Option<Answer> {
    let of_organization = |it: &Team| it.organization == login;
    if rest.is_empty() {
        if *method == Method::POST {
            return Some(create_team(desk, (org, login)));
        }
        let view = desk.view();
        let all = desk.store.all::<Team>(&Scope::Shared).filter(|(_, it)| of_organization(it));
        return Some(desk.page(all.map(|(id, it)| view.team(id, it, "pull")).collect()));
    }
    let slug = *rest.first()?;
    let (id, team) =
        desk.store.find::<Team>(&Scope::Shared, |it| of_organization(it) && it.slug == slug)?;
    let place = Place::Team { organization: login.to_owned(), slug: slug.to_owned() };
    match (method, &rest[1..]) {
        (&Method::GET, []) => Some(Answer::ok(&full_team(desk, org, id, team))),
        (&Method::DELETE, []) => {
            desk.store.remove::<Team>(&Scope::Shared, id);
            Some(Answer::no_content())
        }
        (&Method::PATCH, []) => {
            let body = desk.request.json();
            let team = desk.store.get_mut::<Team>(&Scope::Shared, id)?;
            set(&body, "description", &mut team.description);
            let team = desk.store.get::<Team>(&Scope::Shared, id)?;
            Some(Answer::ok(&full_team(desk, org, id, team)))
        }
        (&Method::GET, ["members"]) => {
            let role = desk.request.query("role").unwrap_or("all");
            Some(desk.page(people(desk, &place, |it| match role {
                "maintainer" => it >= Role::Maintain,
                "member" => it < Role::Maintain,
                _ => true,
            })))
        }
        (&Method::PUT, ["memberships", name]) => {
            let is_maintainer = desk.request.json()["role"] == "maintainer";
            let role = if is_maintainer { Role::Maintain } else { Role::Read };
            grant(desk, &Scope::Shared, place, name, role);
            let word = if is_maintainer { "maintainer" } else { "member" };
            let url = format!("{}/teams/{id}/memberships/{name}", desk.api);
            Some(Answer::ok(&json!({ "url": url, "role": word, "state": "active" })))
        }
        (&Method::PUT, ["repos", owner, name]) => {
            let (_, _, scope) = desk.store.project(&format!("{owner}/{name}"))?;
            let role = role(desk.request.json()["permission"].as_str().unwrap_or("push"))?;
            let grantee = Grantee::Team { organization: login.to_owned(), slug: slug.to_owned() };
            desk.store.remove_where::<Member>(&scope, |it| it.grantee == grantee);
            desk.store.add(&scope, Member { grantee, role, ..Member::default() });
            Some(Answer::no_content())
        }
        (&Method::DELETE, ["repos", owner, name]) => {
            let (_, _, scope) = desk.store.project(&format!("{owner}/{name}"))?;
            let grantee = Grantee::Team { organization: login.to_owned(), slug: slug.to_owned() };
            desk.store.remove_where::<Member>(&scope, |it| it.grantee == grantee);
            Some(Answer::no_content())
        }
        _ => None,
    }
}

/// The role of GitHub's word for it.
pub(super) fn role(word: &str) -> Option<Role> {
    match word {
        "pull" | "read" => Some(Role::Read),
        "triage" => Some(Role::Triage),
        "push" | "write" => Some(Role::Write),
        "maintain" => Some(Role::Maintain),
        "admin" => Some(Role::Admin),
        _ => None,
    }
}

fn full_team(desk: &Desk<'_>, org: u64, id: u64, team: &Team) -> Value {
    let view = desk.view();
    let mut value = view.team(id, team, "pull");
    let organization = desk.store.get::<Organization>(&Scope::Shared, org);
    merge(
        &mut value,
        json!({
            "created_at": told(team.created_at), "updated_at": told(team.created_at),
            "members_count": 0, "repos_count": 0,
            "organization": organization.map(|it| view.organization(org, it)),
        }),
    );
    value
}

fn create_team(desk: &mut Desk<'_>, (org, login): (u64, &str)) -> Answer {
    let body = desk.request.json();
    let Some(name) = body["name"].as_str() else { return invalid("Team", "name", "missing_field") };
    let slug = slug(name);
    let same = |it: &Team| it.organization == login && it.slug == slug;
    if desk.store.find::<Team>(&Scope::Shared, same).is_some() {
        return invalid("Team", "name", "already_exists");
    }
    let above = body["parent_team_id"].as_u64();
    let parent =
        above.and_then(|id| desk.store.get::<Team>(&Scope::Shared, id)).map(|it| it.slug.clone());
    let team = Team {
        organization: login.to_owned(),
        slug,
        name: name.to_owned(),
        description: body["description"].as_str().map(str::to_owned),
        parent,
        secret: body["privacy"].as_str() == Some("secret"),
        created_at: desk.store.now(),
    };
    let id = desk.store.add(&Scope::Shared, team);
    match desk.store.get::<Team>(&Scope::Shared, id) {
        Some(team) => Answer::created(&full_team(desk, org, id, team)),
        None => not_found(),
    }
}

/// The word in addresses for a team's name: letters, digits, and `-` for runs of anything else.
fn slug(name: &str) -> String {
    let lower = name.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|it| !it.is_empty())
        .collect();
    words.join("-")
}
