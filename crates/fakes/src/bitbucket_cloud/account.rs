//! Workspaces, the people in them, and the list of their repositories.

use super::{Desk, not_found, refusal, unauthorized};
use crate::{access::Access, exchange::Answer};
use http::{Method, StatusCode};
use packhorse_core::{
    Scope,
    model::{Grantee, Member, Organization, Place, Project, Role, User},
};
use serde_json::{Value, json};

pub(super) fn route(desk: &mut Desk<'_>, path: &[&str]) -> Answer {
    if desk.request.method != Method::GET {
        return refusal(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed");
    }
    match path {
        ["user"] if desk.who.is_empty() => unauthorized(),
        ["user"] => Answer::ok(&desk.view().user(&desk.author())),
        ["users", name] => match desk.account(name) {
            Some(who) => Answer::ok(&desk.view().user(&who)),
            None => not_found(&format!("User {name}")),
        },
        ["workspaces"] => {
            let view = desk.view();
            desk.page(slugs(desk).iter().map(|it| view.workspace(it)).collect(), 100)
        }
        ["workspaces", slug, rest @ ..] => {
            let found = slugs(desk).into_iter().find(|it| it.eq_ignore_ascii_case(slug));
            match found {
                Some(slug) => workspace(desk, &slug, rest),
                None => refusal(
                    StatusCode::NOT_FOUND,
                    &format!("No workspace with identifier '{slug}'."),
                ),
            }
        }
        ["repositories", slug] => repositories(desk, slug),
        _ => refusal(StatusCode::NOT_FOUND, "Resource not found"),
    }
}

/// All workspaces: organizations, and owners of repositories.
fn slugs(desk: &Desk<'_>) -> Vec<String> {
    let organizations = desk.store.all::<Organization>(&Scope::Shared);
    let organizations = organizations.map(|(_, it)| it.path.clone());
    let owners = desk.store.all::<Project>(&Scope::Shared);
    let owners = owners.filter_map(|(_, it)| Some(it.path.split_once('/')?.0.to_owned()));
    let mut slugs: Vec<_> = organizations.chain(owners).filter(|it| !it.contains('/')).collect();
    slugs.sort();
    slugs.dedup();
    slugs
}

fn workspace(desk: &Desk<'_>, slug: &str, rest: &[&str]) -> Answer {
    let view = desk.view();
    match rest {
        [] => Answer::ok(&view.workspace(slug)),
        ["members"] => {
            if !desk.request.caller.may(Access::Read) {
                return unauthorized();
            }
            let all = desk.store.all::<User>(&Scope::Shared);
            let member = |(_, it): (u64, &User)| {
                json!({ "type": "workspace_membership", "user": view.user(&it.identity),
                    "workspace": view.workspace(slug) })
            };
            desk.page(all.map(member).collect(), 100)
        }
        ["permissions"] => {
            if !desk.request.caller.may(Access::Admin) {
                return super::forbidden();
            }
            desk.page(permissions(desk, slug), 100)
        }
        ["projects"] => desk.page(Vec::new(), 100),
        _ => refusal(StatusCode::NOT_FOUND, "Resource not found"),
    }
}

fn permissions(desk: &Desk<'_>, slug: &str) -> Vec<Value> {
    let view = desk.view();
    let here = Place::Organization(slug.to_owned());
    let all = desk.store.all::<Member>(&Scope::Shared).filter(|(_, it)| it.place == here);
    let permission = |(_, it): (u64, &Member)| {
        let Grantee::User(who) = &it.grantee else { return None };
        let word = if it.role >= Role::Admin { "owner" } else { "member" };
        Some(json!({ "type": "workspace_membership", "permission": word, "user": view.user(who),
            "workspace": view.workspace(slug) }))
    };
    all.filter_map(permission).collect()
}

fn repositories(desk: &Desk<'_>, slug: &str) -> Answer {
    if !slugs(desk).iter().any(|it| it.eq_ignore_ascii_case(slug)) {
        return refusal(StatusCode::NOT_FOUND, &format!("No workspace with identifier '{slug}'."));
    }
    let view = desk.view();
    let own = |it: &Project| {
        let owner = it.path.split_once('/').map(|(owner, _)| owner);
        owner.is_some_and(|it| it.eq_ignore_ascii_case(slug)) && desk.sees(it.visibility)
    };
    let all = desk.store.all::<Project>(&Scope::Shared).filter(|(_, it)| own(it));
    let mut all: Vec<_> = all.map(|(id, it)| view.repository(id, it)).collect();
    let order = desk.request.query("sort").unwrap_or("name");
    let field = order.trim_start_matches('-');
    all.sort_by_key(|it| it[field].as_str().unwrap_or_default().to_owned());
    if order.starts_with('-') {
        all.reverse();
    }
    desk.page(all, 100)
}
