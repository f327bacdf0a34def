//! What maintainers set: members, hooks, keys, variables, protections.

use super::{
    Desk, Place, invalid, missing, not_found, refusal,
    view::{level, told},
};
use crate::exchange::Answer;
use http::{Method, StatusCode};
use packhorse_core::{
    Scope,
    model::{
        self, BranchRule, DeployKey, Enforcement, Grantee, Member, Organization, Role, TagRule,
        User, Variable, Webhook,
    },
};
use serde_json::{Value, json};

/// Events of hooks: the flag `…_events` of each.
const EVENTS: [&str; 12] = [
    "push",
    "tag_push",
    "merge_requests",
    "issues",
    "confidential_issues",
    "note",
    "confidential_note",
    "job",
    "pipeline",
    "wiki_page",
    "deployment",
    "releases",
];

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match rest {
        ["members", rest @ ..] => {
            members(desk, (&place.scope, &model::Place::Project), &method, rest)
        }
        ["share", rest @ ..] => share(desk, (&place.scope, &model::Place::Project), &method, rest),
        ["hooks", rest @ ..] => hooks(desk, place, &method, rest),
        ["deploy_keys", rest @ ..] => keys(desk, place, &method, rest),
        ["variables", rest @ ..] => variables(desk, place, &method, rest),
        ["protected_branches", rest @ ..] => branches(desk, place, &method, rest),
        ["protected_tags", rest @ ..] => tags(desk, place, &method, rest),
        _ => None,
    }
}

fn role(level: u64) -> Option<Role> {
    match level {
        10 => Some(Role::Guest),
        15 => Some(Role::Planner),
        20 => Some(Role::Read),
        30 => Some(Role::Write),
        40 => Some(Role::Maintain),
        50 => Some(Role::Owner),
        _ => None,
    }
}

/// Members of a project or a group.
pub(super) fn members(
    desk: &mut Desk<'_>,
    (scope, at): (&Scope, &model::Place),
    method: &Method,
    rest: &[&str],
) -> Option<Answer> {
    let view = desk.view();
    let shown = |it: &Member| {
        let Grantee::User(identity) = &it.grantee else { return None };
        let mut value = view.user(identity);
        value["access_level"] = json!(level(it.role));
        value["created_at"] = told(it.created_at);
        value["expires_at"] = super::view::day(it.expires_at);
        value["membership_state"] = json!("active");
        Some(value)
    };
    let here: Vec<_> = desk.store.all::<Member>(scope).filter(|(_, it)| it.place == *at).collect();
    match (method, rest) {
        (&Method::GET, [] | ["all"]) => {
            Some(desk.page(here.iter().filter_map(|(_, it)| shown(it)).collect()))
        }
        (&Method::POST, []) => {
            let Some(role) = desk.number("access_level").and_then(role) else {
                return Some(missing("access_level"));
            };
            let by_id = desk.number("user_id");
            let found = by_id.and_then(|id| desk.store.get::<User>(&Scope::Shared, id));
            let Some(identity) = found.map(|it| it.identity.clone()) else {
                return Some(not_found("User"));
            };
            let grantee = Grantee::User(identity);
            if here.iter().any(|(_, it)| it.grantee == grantee) {
                return Some(refusal(StatusCode::CONFLICT, "Member already exists"));
            }
            let (place, created_at) = (at.clone(), desk.store.now());
            let it = Member { place, grantee, role, created_at, ..Member::default() };
            let value = shown(&it)?;
            desk.store.add(scope, it);
            Some(Answer::created(&value))
        }
        (_, [id] | ["all", id]) => {
            let id: u64 = id.parse().ok()?;
            let found = here.iter().find(|(_, it)| {
                matches!(&it.grantee, Grantee::User(who) if desk.store.user_id(who) == id)
            });
            let Some((entry, it)) = found.map(|(id, it)| (*id, (*it).clone())) else {
                return Some(not_found("Member"));
            };
            if *method == Method::DELETE {
                desk.store.remove::<Member>(scope, entry);
                return Some(Answer::no_content());
            }
            let role = desk.number("access_level").and_then(role).unwrap_or(it.role);
            let it = Member { role, ..it };
            let value = shown(&it)?;
            *desk.store.get_mut::<Member>(scope, entry)? = it;
            Some(Answer::ok(&value))
        }
        _ => None,
    }
}

/// Shares a project or a group with a group.
pub(super) fn share(
    desk: &mut Desk<'_>,
    (scope, at): (&Scope, &model::Place),
    method: &Method,
    rest: &[&str],
) -> Option<Answer> {
    let by_id = rest.first().and_then(|it| it.parse().ok()).or_else(|| desk.number("group_id"));
    let group = by_id.and_then(|id| desk.store.get::<Organization>(&Scope::Shared, id));
    let Some(path) = group.map(|it| it.path.clone()) else { return Some(not_found("Group")) };
    let same = |it: &Member| it.place == *at && it.grantee == Grantee::Group(path.clone());
    let was = desk.store.find::<Member>(scope, same).is_some();
    if *method == Method::DELETE {
        desk.store.remove_where::<Member>(scope, same);
        return Some(if was { Answer::no_content() } else { not_found("") });
    }
    if was {
        return Some(refusal(StatusCode::CONFLICT, "The group has already been shared with"));
    }
    let Some(role) = desk.number("group_access").and_then(role) else {
        return Some(missing("group_access"));
    };
    let (place, created_at) = (at.clone(), desk.store.now());
    let grantee = Grantee::Group(path);
    desk.store.add(scope, Member { place, grantee, role, created_at, ..Member::default() });
    Some(Answer::created(&json!({ "id": 1, "group_access": level(role), "group_id": by_id })))
}

fn hook(place: &Place, id: u64, it: &Webhook) -> Value {
    let mut value = json!({
        "id": id, "url": it.url, "name": it.name, "description": null, "project_id": place.id,
        "created_at": told(it.created_at), "enable_ssl_verification": it.verify_tls,
        "alert_status": if it.active { "executable" } else { "disabled" }, "disabled_until": null,
        "url_variables": [], "push_events_branch_filter": it.branch_filter,
        "branch_filter_strategy": "wildcard", "repository_update_events": false,
    });
    for event in EVENTS {
        value[format!("{event}_events")] = json!(it.events.iter().any(|it| it == event));
    }
    value
}

fn hooks(desk: &mut Desk<'_>, place: &Place, method: &Method, rest: &[&str]) -> Option<Answer> {
    if let (&Method::GET, []) = (method, rest) {
        let all = desk.store.all::<Webhook>(&place.scope);
        return Some(desk.page(all.map(|(id, it)| hook(place, id, it)).collect()));
    }
    let old: Option<u64> = rest.first().and_then(|it| it.parse().ok());
    let found = old.and_then(|id| desk.store.get::<Webhook>(&place.scope, id)).cloned();
    if old.is_some() && found.is_none() {
        return Some(not_found(""));
    }
    match (method, old) {
        (&Method::GET, Some(id)) => Some(Answer::ok(&hook(place, id, &found?))),
        (&Method::DELETE, Some(id)) => {
            desk.store.remove::<Webhook>(&place.scope, id);
            Some(Answer::no_content())
        }
        (&Method::POST | &Method::PUT, _) => {
            let Some(url) = desk.text("url") else { return Some(missing("url")) };
            let is = |event: &str| match desk.flag(&format!("{event}_events")) {
                Some(is) => is,
                None => event == "push",
            };
            let it = Webhook {
                url,
                name: desk.text("name"),
                events: EVENTS.iter().filter(|it| is(it)).map(|it| (*it).to_owned()).collect(),
                branch_filter: desk.text("push_events_branch_filter").filter(|it| !it.is_empty()),
                verify_tls: desk.flag("enable_ssl_verification") != Some(false),
                active: true,
                has_secret: Some(desk.text("token").is_some()),
                created_at: desk.store.now(),
                ..Webhook::default()
            };
            if let Some(id) = old {
                *desk.store.get_mut::<Webhook>(&place.scope, id)? = it.clone();
                return Some(Answer::ok(&hook(place, id, &it)));
            }
            let id = desk.store.add(&place.scope, it.clone());
            Some(Answer::created(&hook(place, id, &it)))
        }
        _ => None,
    }
}

fn keys(desk: &mut Desk<'_>, place: &Place, method: &Method, rest: &[&str]) -> Option<Answer> {
    let shown = |id: u64, it: &DeployKey| {
        json!({
            "id": id, "title": it.title, "key": it.key, "created_at": told(it.created_at),
            "expires_at": super::view::time(it.expires_at), "can_push": !it.read_only,
            "fingerprint": it.key_fingerprint, "usage_type": "auth_and_signing",
        })
    };
    match (method, rest) {
        (&Method::GET, []) => {
            let all = desk.store.all::<DeployKey>(&place.scope);
            Some(desk.page(all.map(|(id, it)| shown(id, it)).collect()))
        }
        (&Method::POST, []) => {
            let Some(title) = desk.text("title") else { return Some(missing("title")) };
            let Some(key) = desk.text("key") else { return Some(missing("key")) };
            if desk.store.find::<DeployKey>(&place.scope, |it| it.key == key).is_some() {
                return Some(invalid("deploy_key.fingerprint_sha256", "has already been taken"));
            }
            let read_only = desk.flag("can_push") != Some(true);
            let created_at = desk.store.now();
            let it = DeployKey { title, key, read_only, created_at, ..DeployKey::default() };
            let id = desk.store.add(&place.scope, it.clone());
            Some(Answer::created(&shown(id, &it)))
        }
        (_, [id]) => {
            let id: u64 = id.parse().ok()?;
            let (title, can_push) = (desk.text("title"), desk.flag("can_push"));
            let Some(it) = desk.store.get_mut::<DeployKey>(&place.scope, id) else {
                return Some(not_found("Deploy Key"));
            };
            if *method == Method::PUT {
                it.title = title.unwrap_or_else(|| it.title.clone());
                it.read_only = can_push.map_or(it.read_only, |it| !it);
            }
            let it = it.clone();
            if *method == Method::DELETE {
                desk.store.remove::<DeployKey>(&place.scope, id);
                return Some(Answer::no_content());
            }
            Some(Answer::ok(&shown(id, &it)))
        }
        _ => None,
    }
}

fn variables(desk: &mut Desk<'_>, place: &Place, method: &Method, rest: &[&str]) -> Option<Answer> {
    let shown = |it: &Variable, value: &Value| {
        json!({
            "variable_type": "env_var", "key": it.name, "value": value, "hidden": false,
            "protected": it.protected, "masked": it.masked, "raw": false,
            "environment_scope": it.environment.as_deref().unwrap_or("*"),
            "description": it.description,
        })
    };
    let shelf = |name: &str| format!("variable {} {name}", place.path);
    let empty = json!("");
    match (method, rest) {
        (&Method::GET, []) => {
            let value = |it: &Variable| desk.store.aside.get(&shelf(&it.name)).unwrap_or(&empty);
            let all = desk.store.all::<Variable>(&place.scope);
            Some(desk.page(all.map(|(_, it)| shown(it, value(it))).collect()))
        }
        (&Method::POST, []) => {
            let Some(name) = desk.text("key") else { return Some(missing("key")) };
            let value = desk.field("value");
            let environment = desk.text("environment_scope").filter(|it| it != "*");
            let same = |it: &Variable| {
                let told = it.environment.as_deref().filter(|it| *it != "*");
                it.name == name && told == environment.as_deref()
            };
            if desk.store.find::<Variable>(&place.scope, same).is_some() {
                return Some(invalid("key", &format!("({name}) has already been taken")));
            }
            let it = Variable {
                name: name.clone(),
                environment,
                protected: desk.flag("protected") == Some(true),
                masked: desk.flag("masked") == Some(true),
                description: desk.text("description"),
                ..Variable::default()
            };
            desk.store.add(&place.scope, it.clone());
            desk.store.aside.insert(shelf(&name), value.clone());
            Some(Answer::created(&shown(&it, &value)))
        }
        (_, [name]) => {
            let found = desk.store.find::<Variable>(&place.scope, |it| it.name == *name);
            let Some((id, it)) = found.map(|(id, it)| (id, it.clone())) else {
                return Some(not_found("Variable"));
            };
            if *method == Method::DELETE {
                desk.store.remove::<Variable>(&place.scope, id);
                return Some(Answer::no_content());
            }
            if *method == Method::PUT {
                let value = desk.field("value");
                desk.store.aside.insert(shelf(name), value);
            }
            let value = desk.store.aside.get(&shelf(name)).unwrap_or(&empty);
            Some(Answer::ok(&shown(&it, value)))
        }
        _ => None,
    }
}

/// GitLab's words for a level of access.
fn access(level: u64) -> Value {
    let words = match level {
        0 => "No one",
        30 => "Developers + Maintainers",
        40 => "Maintainers",
        _ => "Instance admins",
    };
    json!({ "id": level + 1, "access_level": level, "access_level_description": words,
        "deploy_key_id": null, "user_id": null, "group_id": null })
}

fn rule(desk: &Desk<'_>, place: &Place, id: u64, it: &BranchRule) -> Value {
    let kept = desk.store.aside.get(&format!("branch {} {}", place.path, it.pattern));
    let level = |name: &str, or: u64| access(kept.and_then(|it| it[name].as_u64()).unwrap_or(or));
    let push = if it.restrict_push || it.read_only { 0 } else { 40 };
    json!({
        "id": id, "name": it.pattern, "push_access_levels": [level("push", push)],
        "merge_access_levels": [level("merge", if it.read_only { 0 } else { 40 })],
        "allow_force_push": it.force_push_allowed
            .unwrap_or(it.block_force_push == Enforcement::Off),
        "unprotect_access_levels": [], "code_owner_approval_required": it.code_owner_review,
        "inherited": false,
    })
}

fn branches(desk: &mut Desk<'_>, place: &Place, method: &Method, rest: &[&str]) -> Option<Answer> {
    match (method, rest) {
        (&Method::GET, []) => {
            let all = desk.store.all::<BranchRule>(&place.scope);
            Some(desk.page(all.map(|(id, it)| rule(desk, place, id, it)).collect()))
        }
        (&Method::POST, []) => {
            let Some(name) = desk.text("name") else { return Some(missing("name")) };
            if desk.store.find::<BranchRule>(&place.scope, |it| it.pattern == name).is_some() {
                let words = format!("Protected branch '{name}' already exists");
                return Some(refusal(StatusCode::CONFLICT, &words));
            }
            let push = desk.number("push_access_level").unwrap_or(40);
            let merge = desk.number("merge_access_level").unwrap_or(40);
            let forced = desk.flag("allow_force_push") == Some(true);
            let block = |is: bool| if is { Enforcement::Everyone } else { Enforcement::Off };
            let it = BranchRule {
                pattern: name.clone(),
                block_deletion: Enforcement::Everyone,
                block_force_push: block(!forced),
                force_push_allowed: Some(forced),
                restrict_push: push == 0,
                restrict_merge: merge == 0,
                code_owner_review: desk.flag("code_owner_approval_required") == Some(true),
                ..BranchRule::default()
            };
            let key = format!("branch {} {name}", place.path);
            desk.store.aside.insert(key, json!({ "push": push, "merge": merge }));
            let id = desk.store.add(&place.scope, it.clone());
            Some(Answer::created(&rule(desk, place, id, &it)))
        }
        (_, [name]) => {
            let found = desk.store.find::<BranchRule>(&place.scope, |it| it.pattern == *name);
            let Some((id, it)) = found.map(|(id, it)| (id, it.clone())) else {
                return Some(not_found(""));
            };
            if *method == Method::DELETE {
                desk.store.remove::<BranchRule>(&place.scope, id);
                return Some(Answer::no_content());
            }
            if *method == Method::PATCH {
                let forced = desk.flag("allow_force_push");
                let it = desk.store.get_mut::<BranchRule>(&place.scope, id)?;
                it.force_push_allowed = forced.or(it.force_push_allowed);
            }
            let it = desk.store.get::<BranchRule>(&place.scope, id).cloned().unwrap_or(it);
            Some(Answer::ok(&rule(desk, place, id, &it)))
        }
        _ => None,
    }
}

fn tags(desk: &mut Desk<'_>, place: &Place, method: &Method, rest: &[&str]) -> Option<Answer> {
    let shown = |it: &TagRule| {
        let level = it.role.map_or(40, level).clamp(0, 40);
        json!({ "name": it.pattern, "create_access_levels": [access(level)] })
    };
    match (method, rest) {
        (&Method::GET, []) => {
            let all = desk.store.all::<TagRule>(&place.scope);
            Some(desk.page(all.map(|(_, it)| shown(it)).collect()))
        }
        (&Method::POST, []) => {
            let Some(pattern) = desk.text("name") else { return Some(missing("name")) };
            if desk.store.find::<TagRule>(&place.scope, |it| it.pattern == pattern).is_some() {
                return Some(invalid("name", "has already been taken"));
            }
            let asked = desk.number("create_access_level").unwrap_or(40);
            let role = if asked == 0 { Some(Role::None) } else { role(asked) };
            let it = TagRule { pattern, role, ..TagRule::default() };
            desk.store.add(&place.scope, it.clone());
            Some(Answer::created(&shown(&it)))
        }
        (_, [name]) => {
            let found = desk.store.find::<TagRule>(&place.scope, |it| it.pattern == *name);
            let Some((id, it)) = found.map(|(id, it)| (id, it.clone())) else {
                return Some(not_found(""));
            };
            if *method == Method::DELETE {
                desk.store.remove::<TagRule>(&place.scope, id);
                return Some(Answer::no_content());
            }
            Some(Answer::ok(&shown(&it)))
        }
        _ => None,
    }
}
