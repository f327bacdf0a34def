//! Users, projects as Bitbucket means them, and what the server says of itself.

use super::{Desk, conflict, invalid, not_found, project, setting, unauthorized, writes};
use crate::{access::Access, exchange::Answer};
use http::Method;
use packhorse_core::{
    Scope,
    model::{Organization, Place, Project, User, Visibility},
};
use serde_json::{Value, json};

pub(super) fn route(desk: &mut Desk<'_>, path: &[&str]) -> Answer {
    let method = desk.request.method.clone();
    match (&method, path) {
        (&Method::GET, ["application-properties"]) => Answer::ok(&json!({
            "version": "9.2.0", "buildNumber": "9002000", "buildDate": "1728000000000",
            "displayName": "Bitbucket",
        })),
        (&Method::GET, ["users"]) => users(desk),
        (&Method::GET, ["users", name]) => match desk.store.known_user(name) {
            Some((_, user)) => Answer::ok(&desk.view().user(&user.identity)),
            None => not_found(&format!("User {name}")),
        },
        (&Method::GET, ["admin", "users"]) => {
            if !desk.request.caller.may(Access::Admin) {
                return unauthorized();
            }
            users(desk)
        }
        (&Method::GET, ["admin", "groups"] | ["groups"]) => desk.page(Vec::new()),
        (&Method::GET, ["repos"]) => project::list(desk, None),
        (_, ["projects", rest @ ..]) => projects(desk, &method, rest),
        _ => not_found("This"),
    }
}

fn users(desk: &Desk<'_>) -> Answer {
    let view = desk.view();
    let filter = desk.request.query("filter").unwrap_or_default().to_lowercase();
    let is = |it: &User| {
        let (login, name) = (&it.identity.login, it.identity.name.as_deref().unwrap_or_default());
        login.to_lowercase().contains(&filter) || name.to_lowercase().contains(&filter)
    };
    let all = desk.store.all::<User>(&Scope::Shared).filter(|(_, it)| is(it));
    desk.page(all.map(|(_, it)| view.user(&it.identity)).collect())
}

/// The keys of all projects: those that are groups, and those that only own something.
fn keys(desk: &Desk<'_>) -> Vec<String> {
    let groups = desk.store.all::<Organization>(&Scope::Shared).map(|(_, it)| it.path.clone());
    let owners = desk.store.all::<Project>(&Scope::Shared);
    let owners = owners.filter_map(|(_, it)| Some(it.path.rsplit_once('/')?.0.to_owned()));
    let mut keys: Vec<_> = groups.chain(owners).filter(|it| !it.contains('/')).collect();
    keys.sort();
    keys.dedup();
    keys
}

fn projects(desk: &mut Desk<'_>, method: &Method, rest: &[&str]) -> Answer {
    if writes(method) && !desk.request.caller.may(Access::Admin) {
        return unauthorized();
    }
    let Some((key, rest)) = rest.split_first() else {
        if *method == Method::POST {
            return create(desk);
        }
        let view = desk.view();
        return desk.page(keys(desk).iter().map(|it| view.project(it)).collect());
    };
    let Some(key) = keys(desk).into_iter().find(|it| it.eq_ignore_ascii_case(key)) else {
        return not_found(&format!("Project {key}"));
    };
    let same = |it: &Organization| it.path == key;
    match (method, rest) {
        (&Method::GET, []) => Answer::ok(&desk.view().project(&key)),
        (&Method::PUT, []) => {
            let (name, description) = (desk.text("name"), desk.text("description"));
            let found = desk.store.find::<Organization>(&Scope::Shared, same).map(|it| it.0);
            let found = found.and_then(|id| desk.store.get_mut::<Organization>(&Scope::Shared, id));
            if let Some(it) = found {
                it.name = name.or(it.name.take());
                it.description = description.or(it.description.take());
            }
            Answer::ok(&desk.view().project(&key))
        }
        (&Method::DELETE, []) => {
            desk.store.remove_where::<Organization>(&Scope::Shared, same);
            Answer::no_content()
        }
        (&Method::GET, ["repos"]) => project::list(desk, Some(&key)),
        (&Method::POST, ["repos"]) => project::create(desk, &key),
        (&Method::GET, ["webhooks"]) => desk.page(Vec::new()),
        (_, ["permissions", kind @ ("users" | "groups")]) => {
            let here = Place::Organization(key.clone());
            let answer = setting::granted(desk, (&Scope::Shared, here, "PROJECT"), method, kind);
            answer.unwrap_or_else(|| not_found("This"))
        }
        _ => not_found("This"),
    }
}

fn create(desk: &mut Desk<'_>) -> Answer {
    let Some(key) = desk.text("key") else { return invalid("key", "The project key is required.") };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let key = key.to_uppercase();
    if !key.starts_with(|c: char| c.is_ascii_alphabetic()) || !key.chars().all(plain) {
        let words = "The project key must start with a letter and may only contain ASCII letters, \
                     numbers and underscores.";
        return invalid("key", words);
    }
    if keys(desk).iter().any(|it| it.eq_ignore_ascii_case(&key)) {
        return conflict(
            "This project key is already in use.",
            "project.DuplicateProjectException",
        );
    }
    let is_public = desk.body["public"] == Value::Bool(true);
    let it = Organization {
        name: desk.text("name").or_else(|| Some(key.clone())),
        path: key.clone(),
        description: desk.text("description"),
        visibility: is_public.then_some(Visibility::Public),
        created_at: desk.store.now(),
        ..Organization::default()
    };
    desk.store.add(&Scope::Shared, it);
    Answer::created(&desk.view().project(&key))
}
