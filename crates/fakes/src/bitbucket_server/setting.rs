//! What administrators set: webhooks, permissions, access keys, restrictions of branches.

use super::{Desk, Place, conflict, invalid, not_found};
use crate::exchange::Answer;
use http::{Method, StatusCode};
use packhorse_core::{
    Scope,
    model::{self, BranchRule, DeployKey, Enforcement, Grantee, Member, Project, Role, Webhook},
};
use serde_json::{Value, json};

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match rest {
        ["webhooks", rest @ ..] => hooks(desk, place, &method, rest),
        ["permissions", kind @ ("users" | "groups")] => {
            let at = (&place.scope, model::Place::Project, "REPO");
            granted(desk, at, &method, kind)
        }
        _ => None,
    }
}

fn hook(id: u64, it: &Webhook) -> Value {
    json!({
        "id": id, "name": it.name.as_deref().unwrap_or("hook"), "url": it.url,
        "events": it.events, "active": it.active, "configuration": {}, "scopeType": "repository",
        "sslVerificationRequired": it.verify_tls,
    })
}

fn hooks(desk: &mut Desk<'_>, place: &Place, method: &Method, rest: &[&str]) -> Option<Answer> {
    if let (&Method::GET, []) = (method, rest) {
        let all = desk.store.all::<Webhook>(&place.scope);
        return Some(desk.page(all.map(|(id, it)| hook(id, it)).collect()));
    }
    let old: Option<u64> = rest.first().and_then(|it| it.parse().ok());
    let found = old.and_then(|id| desk.store.get::<Webhook>(&place.scope, id)).cloned();
    if !rest.is_empty() && found.is_none() {
        return Some(not_found("The webhook"));
    }
    match (method, old) {
        (&Method::GET, Some(id)) => Some(Answer::ok(&hook(id, &found?))),
        (&Method::DELETE, Some(id)) => {
            desk.store.remove::<Webhook>(&place.scope, id);
            Some(Answer::no_content())
        }
        (&Method::POST | &Method::PUT, _) => {
            let Some(url) = desk.text("url") else {
                return Some(invalid("url", "A URL is required."));
            };
            let Some(events) = desk.body["events"].as_array() else {
                return Some(invalid("events", "At least one event is required."));
            };
            let it = Webhook {
                url,
                name: desk.text("name"),
                events: events.iter().filter_map(|it| Some(it.as_str()?.to_owned())).collect(),
                active: desk.body["active"] != Value::Bool(false),
                verify_tls: desk.body["sslVerificationRequired"] != Value::Bool(false),
                has_secret: Some(desk.body["configuration"]["secret"].is_string()),
                created_at: desk.store.now(),
                ..Webhook::default()
            };
            if let Some(id) = old {
                *desk.store.get_mut::<Webhook>(&place.scope, id)? = it.clone();
                return Some(Answer::ok(&hook(id, &it)));
            }
            let id = desk.store.add(&place.scope, it.clone());
            Some(Answer::ok(&hook(id, &it)))
        }
        _ => None,
    }
}

/// Bitbucket's word for a role.
fn word(role: Role) -> &'static str {
    match role {
        Role::None | Role::Guest | Role::Planner | Role::Read | Role::Triage => "READ",
        Role::Write => "WRITE",
        Role::Maintain | Role::Admin | Role::Owner => "ADMIN",
    }
}

/// Permissions in a repository or a project, whose words begin with `prefix`.
pub(super) fn granted(
    desk: &mut Desk<'_>,
    (scope, place, prefix): (&Scope, model::Place, &str),
    method: &Method,
    kind: &str,
) -> Option<Answer> {
    let is_user = kind == "users";
    if *method == Method::GET {
        let view = desk.view();
        let shown = |it: &Member| {
            let permission = format!("{prefix}_{}", word(it.role));
            match &it.grantee {
                Grantee::User(who) if is_user => {
                    Some(json!({ "user": view.user(who), "permission": permission }))
                }
                Grantee::Group(name) | Grantee::Team { slug: name, .. } if !is_user => {
                    Some(json!({ "group": { "name": name }, "permission": permission }))
                }
                Grantee::User(_) | Grantee::Group(_) | Grantee::Team { .. } => None,
            }
        };
        let all = desk.store.all::<Member>(scope);
        let all = all.filter(|(_, it)| it.place == place);
        return Some(desk.page(all.filter_map(|(_, it)| shown(it)).collect()));
    }
    let names: Vec<_> =
        desk.request.query.iter().filter(|it| it.0 == "name").map(|it| it.1.clone()).collect();
    if names.is_empty() {
        return Some(invalid("name", "At least one name is required."));
    }
    let told = desk.request.query("permission").and_then(|it| it.strip_prefix(prefix));
    let role = match told {
        Some("_READ") => Role::Read,
        Some("_WRITE") => Role::Write,
        Some("_ADMIN") => Role::Admin,
        Some(_) | None if *method == Method::PUT => {
            return Some(invalid("permission", "The permission is not one of a repository."));
        }
        Some(_) | None => Role::None,
    };
    for name in names {
        if is_user && desk.store.known_user(&name).is_none() {
            let words = format!("User {name} does not exist.");
            return Some(super::refusal(StatusCode::NOT_FOUND, &words, "user.NoSuchUserException"));
        }
        let grantee =
            if is_user { Grantee::User(desk.identity(&name)) } else { Grantee::Group(name) };
        let same = |it: &Member| it.grantee == grantee && it.place == place;
        desk.store.remove_where::<Member>(scope, same);
        if *method == Method::PUT {
            let created_at = desk.store.now();
            let place = place.clone();
            let it = Member { place, grantee, role, created_at, ..Member::default() };
            desk.store.add(scope, it);
        }
    }
    Some(Answer::no_content())
}

/// Access keys, which have an address of their own.
pub(super) fn keys(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    let shown = |desk: &Desk<'_>, id: u64, it: &DeployKey| {
        let project = desk.store.get::<Project>(&Scope::Shared, place.id);
        json!({
            "key": { "id": id, "text": it.key, "label": it.title },
            "permission": if it.read_only { "REPO_READ" } else { "REPO_WRITE" },
            "repository": project.map(|it| desk.view().repository(place.id, it)),
        })
    };
    match (&method, rest) {
        (&Method::GET, []) => {
            let all = desk.store.all::<DeployKey>(&place.scope);
            Some(desk.page(all.map(|(id, it)| shown(desk, id, it)).collect()))
        }
        (&Method::POST, []) => {
            let Some(key) = desk.body["key"]["text"].as_str().map(str::to_owned) else {
                return Some(invalid("key.text", "A key is required."));
            };
            if desk.store.find::<DeployKey>(&place.scope, |it| it.key == key).is_some() {
                let words = "This access key has been added already.";
                return Some(conflict(words, "ssh.DuplicateKeyException"));
            }
            let label = desk.body["key"]["label"].as_str().map(str::to_owned);
            let comment = || key.split(' ').nth(2).unwrap_or_default().to_owned();
            let it = DeployKey {
                title: label.unwrap_or_else(comment),
                read_only: desk.body["permission"] != "REPO_WRITE",
                key,
                created_at: desk.store.now(),
                ..DeployKey::default()
            };
            let id = desk.store.add(&place.scope, it.clone());
            Some(Answer::created(&shown(desk, id, &it)))
        }
        (_, [id]) => {
            let id: u64 = id.parse().ok()?;
            let found = desk.store.get::<DeployKey>(&place.scope, id).cloned();
            let Some(it) = found else { return Some(not_found("The access key")) };
            if method == Method::DELETE {
                desk.store.remove::<DeployKey>(&place.scope, id);
                return Some(Answer::no_content());
            }
            Some(Answer::ok(&shown(desk, id, &it)))
        }
        (&Method::PUT, [id, "permission", permission]) => {
            let (id, read_only) = (id.parse().ok()?, *permission != "REPO_WRITE");
            let Some(it) = desk.store.get_mut::<DeployKey>(&place.scope, id) else {
                return Some(not_found("The access key"));
            };
            it.read_only = read_only;
            let it = it.clone();
            Some(Answer::ok(&shown(desk, id, &it)))
        }
        _ => None,
    }
}

/// What of a rule is one restriction, by Bitbucket's word for it.
fn parts(it: &BranchRule) -> Vec<&'static str> {
    let mut parts = Vec::new();
    if it.block_force_push != Enforcement::Off {
        parts.push("fast-forward-only");
    }
    if it.block_deletion != Enforcement::Off {
        parts.push("no-deletes");
    }
    if it.read_only || it.restrict_push {
        parts.push("read-only");
    }
    if it.reviews != Enforcement::Off {
        parts.push("pull-request-only");
    }
    parts
}

/// Restrictions of branches, which are listed one for each thing that a rule forbids.
pub(super) fn restrictions(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match (&method, rest) {
        (&Method::GET, []) => {
            let mut all = Vec::new();
            for (id, it) in desk.store.all::<BranchRule>(&place.scope) {
                for (n, part) in (0..).zip(parts(it)) {
                    all.push(restriction(desk, place, (id * 10 + n, part), it));
                }
            }
            Some(desk.page(all))
        }
        (&Method::POST, []) => restrict(desk, place),
        (&Method::GET, [id]) => {
            let id: u64 = id.parse().ok()?;
            let it = desk.store.get::<BranchRule>(&place.scope, id / 10)?;
            let part = parts(it).get((id % 10) as usize).copied()?;
            Some(Answer::ok(&restriction(desk, place, (id, part), it)))
        }
        (&Method::DELETE, [id]) => {
            let id: u64 = id.parse().ok()?;
            desk.store.remove::<BranchRule>(&place.scope, id / 10);
            Some(Answer::no_content())
        }
        _ => None,
    }
}

fn restriction(desk: &Desk<'_>, place: &Place, (id, part): (u64, &str), it: &BranchRule) -> Value {
    let view = desk.view();
    let (mut users, mut groups) = (Vec::new(), Vec::new());
    for grantee in &it.pushers {
        match grantee {
            Grantee::User(who) => users.push(view.user(who)),
            Grantee::Group(name) | Grantee::Team { slug: name, .. } => groups.push(name.clone()),
        }
    }
    let is_pattern = it.pattern.contains('*');
    let (kind, name) = if is_pattern { ("PATTERN", "Pattern") } else { ("BRANCH", "Branch") };
    let matcher =
        if is_pattern { it.pattern.clone() } else { format!("refs/heads/{}", it.pattern) };
    json!({
        "id": id, "type": part, "scope": { "type": "REPOSITORY", "resourceId": place.id },
        "matcher": { "id": matcher, "displayId": it.pattern, "active": true,
            "type": { "id": kind, "name": name } },
        "users": users, "groups": groups, "accessKeys": [],
    })
}

fn restrict(desk: &mut Desk<'_>, place: &Place) -> Option<Answer> {
    let Some(part) = desk.text("type") else {
        return Some(invalid("type", "The type of the restriction is required."));
    };
    let Some(id) = desk.body["matcher"]["id"].as_str() else {
        return Some(invalid("matcher", "The matcher is required."));
    };
    let pattern = id.trim_start_matches("refs/heads/").to_owned();
    let names = |field: &str| {
        let list = desk.body[field].as_array().cloned().unwrap_or_default();
        list.into_iter().filter_map(|it| {
            let text = it.as_str().or_else(|| it["name"].as_str())?;
            Some(text.to_owned())
        })
    };
    let users = names("users").map(|it| Grantee::User(desk.identity(&it)));
    let pushers = users.chain(names("groups").map(Grantee::Group)).collect();
    let is = |word: &str| if part == word { Enforcement::Everyone } else { Enforcement::Off };
    let it = BranchRule {
        pattern,
        pushers,
        block_force_push: is("fast-forward-only"),
        block_deletion: is("no-deletes"),
        reviews: is("pull-request-only"),
        restrict_push: part == "read-only",
        ..BranchRule::default()
    };
    let Some(part) = parts(&it).first().copied() else {
        return Some(invalid("type", "There is no such restriction."));
    };
    let id = desk.store.add(&place.scope, it.clone());
    Some(Answer::ok(&restriction(desk, place, (id * 10, part), &it)))
}
