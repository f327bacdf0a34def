//! Rules for branches and tags, hooks, keys, variables.

use super::{
    Desk, Place, not_found, refusal, unprocessable,
    view::{View, told},
    word, words,
};
use crate::exchange::Answer;
use http::{Method, StatusCode};
use packhorse_core::{
    Scope,
    model::{BranchRule, DeployKey, Enforcement, Grantee, TagRule, Team, Variable, Webhook},
};
use serde_json::{Value, json};

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match rest {
        ["branch_protections", rest @ ..] => branches(desk, place, &method, rest),
        ["tag_protections", rest @ ..] => tags(desk, place, &method, rest),
        ["hooks", rest @ ..] => hooks(desk, place, &method, rest),
        ["keys", rest @ ..] => keys(desk, place, &method, rest),
        ["actions", "variables" | "secrets", rest @ ..] => variables(desk, place, &method, rest),
        _ => None,
    }
}

fn split(all: &[Grantee]) -> (Vec<&str>, Vec<&str>) {
    let users = all.iter().filter_map(|it| match it {
        Grantee::User(who) => Some(who.login.as_str()),
        Grantee::Team { .. } | Grantee::Group(_) => None,
    });
    let teams = all.iter().filter_map(|it| match it {
        Grantee::Team { slug, .. } => Some(slug.as_str()),
        Grantee::User(_) | Grantee::Group(_) => None,
    });
    (users.collect(), teams.collect())
}

/// Those whom two fields name; somebody who is not there is an error of Gitea's.
fn grantees(
    desk: &Desk<'_>,
    place: &Place,
    users: &Value,
    teams: &Value,
) -> Result<Vec<Grantee>, Box<Answer>> {
    let owner = place.path.split('/').next().unwrap_or_default();
    let mut all = Vec::new();
    for login in words(users) {
        match desk.store.known_user(&login) {
            Some((_, it)) => all.push(Grantee::User(it.identity.clone())),
            None => return Err(Box::new(unprocessable("User does not exist"))),
        }
    }
    for slug in words(teams) {
        let same = |it: &Team| it.organization == owner && it.slug == slug;
        if desk.store.find::<Team>(&Scope::Shared, same).is_none() {
            return Err(Box::new(unprocessable("Team does not exist")));
        }
        all.push(Grantee::Team { organization: owner.to_owned(), slug });
    }
    Ok(all)
}

fn branch_rule(it: &BranchRule) -> Value {
    let (pushers, push_teams) = split(&it.pushers);
    let (mergers, merge_teams) = split(&it.mergers);
    json!({
        "branch_name": it.pattern, "rule_name": it.pattern, "priority": 1, "enable_push": !it.read_only,
        "enable_push_whitelist": it.restrict_push, "push_whitelist_usernames": pushers, "push_whitelist_teams": push_teams,
        "push_whitelist_deploy_keys": false, "enable_force_push": it.force_push_allowed.unwrap_or(it.block_force_push == Enforcement::Off),
        "enable_force_push_allowlist": false, "force_push_allowlist_usernames": [], "force_push_allowlist_teams": [],
        "force_push_allowlist_deploy_keys": false, "enable_merge_whitelist": it.restrict_merge,
        "merge_whitelist_usernames": mergers, "merge_whitelist_teams": merge_teams,
        "enable_status_check": it.checks != Enforcement::Off, "status_check_contexts": it.required_checks,
        "required_approvals": it.approvals.unwrap_or(0), "enable_approvals_whitelist": false,
        "approvals_whitelist_username": [], "approvals_whitelist_teams": [], "block_on_rejected_reviews": it.approval_required.unwrap_or(false),
        "block_on_official_review_requests": false, "block_on_outdated_branch": it.strict_checks,
        "dismiss_stale_approvals": it.dismiss_stale, "ignore_stale_approvals": false,
        "require_signed_commits": it.signatures.unwrap_or(false), "protected_file_patterns": "", "unprotected_file_patterns": "",
        "block_admin_merge_override": it.admins_bound, "created_at": told(None), "updated_at": told(None),
    })
}

fn apply(
    desk: &Desk<'_>,
    place: &Place,
    it: &mut BranchRule,
    body: &Value,
) -> Result<(), Box<Answer>> {
    let flag = |field: &str, to: &mut bool| *to = body[field].as_bool().unwrap_or(*to);
    flag("enable_push_whitelist", &mut it.restrict_push);
    flag("enable_merge_whitelist", &mut it.restrict_merge);
    flag("block_on_outdated_branch", &mut it.strict_checks);
    flag("dismiss_stale_approvals", &mut it.dismiss_stale);
    flag("block_admin_merge_override", &mut it.admins_bound);
    if let Some(may) = body["enable_push"].as_bool() {
        it.read_only = !may;
    }
    if body["push_whitelist_usernames"].is_array() || body["push_whitelist_teams"].is_array() {
        it.pushers = grantees(
            desk,
            place,
            &body["push_whitelist_usernames"],
            &body["push_whitelist_teams"],
        )?;
    }
    if body["merge_whitelist_usernames"].is_array() || body["merge_whitelist_teams"].is_array() {
        it.mergers = grantees(
            desk,
            place,
            &body["merge_whitelist_usernames"],
            &body["merge_whitelist_teams"],
        )?;
    }
    let level = |is: bool| if is { Enforcement::Everyone } else { Enforcement::Off };
    if let Some(may) = body["enable_force_push"].as_bool() {
        (it.block_force_push, it.force_push_allowed) = (level(!may), Some(may));
    }
    if let Some(checks) = body["enable_status_check"].as_bool() {
        it.checks = level(checks);
    }
    if body["status_check_contexts"].is_array() {
        it.required_checks = words(&body["status_check_contexts"]);
    }
    if let Some(approvals) = body["required_approvals"].as_u64() {
        (it.approvals, it.reviews) = (Some(approvals), level(approvals > 0));
    }
    it.approval_required = body["block_on_rejected_reviews"].as_bool().or(it.approval_required);
    it.signatures = body["require_signed_commits"].as_bool().or(it.signatures);
    Ok(())
}

fn branches(desk: &mut Desk<'_>, place: &Place, method: &Method, rest: &[&str]) -> Option<Answer> {
    let body = desk.request.json();
    let find = |desk: &Desk<'_>, name: &str| {
        desk.store
            .find::<BranchRule>(&place.scope, |it| it.pattern == name)
            .map(|(id, it)| (id, it.clone()))
    };
    match (method, rest) {
        (&Method::GET, []) => Some(Answer::ok(
            &desk.store.all::<BranchRule>(&place.scope).map(|(_, it)| branch_rule(it)).collect(),
        )),
        (&Method::POST, []) => {
            let Some(pattern) = word(&body, "rule_name").or_else(|| word(&body, "branch_name"))
            else {
                return Some(unprocessable("both rule_name and branch_name are empty"));
            };
            if find(desk, &pattern).is_some() {
                return Some(refusal(StatusCode::FORBIDDEN, "Branch protection already exist"));
            }
            let mut it = BranchRule {
                pattern,
                block_deletion: Enforcement::Everyone,
                block_force_push: Enforcement::Everyone,
                ..BranchRule::default()
            };
            if let Err(answer) = apply(desk, place, &mut it, &body) {
                return Some(*answer);
            }
            desk.store.add(&place.scope, it.clone());
            Some(Answer::created(&branch_rule(&it)))
        }
        (_, name) => {
            let (id, mut it) = find(desk, &name.join("/"))?;
            if *method == Method::DELETE {
                desk.store.remove::<BranchRule>(&place.scope, id);
                return Some(Answer::no_content());
            }
            if *method == Method::PATCH {
                if let Err(answer) = apply(desk, place, &mut it, &body) {
                    return Some(*answer);
                }
                *desk.store.get_mut::<BranchRule>(&place.scope, id)? = it.clone();
            }
            Some(Answer::ok(&branch_rule(&it)))
        }
    }
}

fn tag_rule(id: u64, it: &TagRule) -> Value {
    let (users, teams) = split(&it.creators);
    json!({ "id": id, "name_pattern": it.pattern, "whitelist_usernames": users, "whitelist_teams": teams,
        "created_at": told(None), "updated_at": told(None) })
}

fn tags(desk: &mut Desk<'_>, place: &Place, method: &Method, rest: &[&str]) -> Option<Answer> {
    let body = desk.request.json();
    let id: Option<u64> = rest.first().and_then(|it| it.parse().ok());
    match (method, id) {
        (&Method::GET, None) => Some(Answer::ok(
            &desk.store.all::<TagRule>(&place.scope).map(|(id, it)| tag_rule(id, it)).collect(),
        )),
        (&Method::POST | &Method::PATCH, _) => {
            let creators =
                match grantees(desk, place, &body["whitelist_usernames"], &body["whitelist_teams"])
                {
                    Ok(all) => all,
                    Err(answer) => return Some(*answer),
                };
            let Some(pattern) = word(&body, "name_pattern") else {
                return Some(unprocessable("name_pattern are empty"));
            };
            let it = TagRule { pattern, creators, role: None };
            if let Some(id) = id {
                *desk.store.get_mut::<TagRule>(&place.scope, id)? = it.clone();
                return Some(Answer::ok(&tag_rule(id, &it)));
            }
            let id = desk.store.add(&place.scope, it.clone());
            Some(Answer::created(&tag_rule(id, &it)))
        }
        (&Method::GET, Some(id)) => {
            desk.store.get::<TagRule>(&place.scope, id).map(|it| Answer::ok(&tag_rule(id, it)))
        }
        (&Method::DELETE, Some(id)) => {
            desk.store.remove::<TagRule>(&place.scope, id);
            Some(Answer::no_content())
        }
        _ => None,
    }
}

fn hook(id: u64, it: &Webhook) -> Value {
    json!({
        "id": id, "type": "gitea", "branch_filter": it.branch_filter.as_deref().unwrap_or(""), "active": it.active,
        "config": { "url": it.url, "content_type": it.content_type.as_deref().unwrap_or("json") }, "events": it.events,
        "authorization_header": "", "created_at": told(it.created_at), "updated_at": told(it.created_at),
    })
}

fn hooks(desk: &mut Desk<'_>, place: &Place, method: &Method, rest: &[&str]) -> Option<Answer> {
    let body = desk.request.json();
    let id: Option<u64> = rest.first().and_then(|it| it.parse().ok());
    if let (&Method::GET, None) = (method, id) {
        let all = desk.store.all::<Webhook>(&place.scope).map(|(id, it)| hook(id, it)).collect();
        return Some(desk.page(all));
    }
    if let (&Method::DELETE, Some(id)) = (method, id) {
        let was = desk.store.remove::<Webhook>(&place.scope, id);
        return Some(if was { Answer::no_content() } else { not_found() });
    }
    let mut it = match id {
        Some(id) => desk.store.get::<Webhook>(&place.scope, id)?.clone(),
        None => Webhook { verify_tls: true, created_at: desk.store.now(), ..Webhook::default() },
    };
    if *method != Method::GET {
        if id.is_none() && (word(&body, "type").is_none() || word(&body["config"], "url").is_none())
        {
            return Some(unprocessable("Missing config option: url"));
        }
        it.url = word(&body["config"], "url").unwrap_or(it.url);
        it.content_type = word(&body["config"], "content_type").or(it.content_type);
        it.branch_filter = word(&body, "branch_filter").or(it.branch_filter);
        it.active = body["active"].as_bool().unwrap_or(it.active);
        if body["events"].is_array() {
            it.events = words(&body["events"]);
        }
    }
    match id {
        Some(id) => {
            *desk.store.get_mut::<Webhook>(&place.scope, id)? = it.clone();
            Some(Answer::ok(&hook(id, &it)))
        }
        None => {
            let id = desk.store.add(&place.scope, it.clone());
            Some(Answer::created(&hook(id, &it)))
        }
    }
}

fn key(view: &View<'_>, place: &Place, id: u64, it: &DeployKey) -> Value {
    json!({
        "id": id, "key_id": id, "key": it.key, "url": format!("{}/keys/{id}", view.api(&place.path)), "title": it.title,
        "fingerprint": it.key_fingerprint.as_deref().unwrap_or("SHA256:fake"), "created_at": told(it.created_at), "read_only": it.read_only,
    })
}

fn keys(desk: &mut Desk<'_>, place: &Place, method: &Method, rest: &[&str]) -> Option<Answer> {
    let id: Option<u64> = rest.first().and_then(|it| it.parse().ok());
    match (method, id) {
        (&Method::GET, None) => {
            let view = desk.view();
            let all = desk.store.all::<DeployKey>(&place.scope);
            Some(desk.page(all.map(|(id, it)| key(&view, place, id, it)).collect()))
        }
        (&Method::GET, Some(id)) => {
            let it = desk.store.get::<DeployKey>(&place.scope, id)?;
            Some(Answer::ok(&key(&desk.view(), place, id, it)))
        }
        (&Method::POST, None) => {
            let body = desk.request.json();
            let (Some(title), Some(text)) = (word(&body, "title"), word(&body, "key")) else {
                return Some(unprocessable("[Title]: Required"));
            };
            let same = |it: &DeployKey| {
                it.title == title || it.key.split(' ').nth(1) == text.split(' ').nth(1)
            };
            if desk.store.find::<DeployKey>(&place.scope, same).is_some() {
                return Some(unprocessable("A key with the same name already exists"));
            }
            let read_only = body["read_only"] == true;
            let it = DeployKey {
                title,
                key: text,
                read_only,
                created_at: desk.store.now(),
                ..DeployKey::default()
            };
            let id = desk.store.add(&place.scope, it.clone());
            Some(Answer::created(&key(&desk.view(), place, id, &it)))
        }
        (&Method::DELETE, Some(id)) => {
            desk.store.remove::<DeployKey>(&place.scope, id);
            Some(Answer::no_content())
        }
        _ => None,
    }
}

/// Variables of builds. The trimmed description leaves these paths out.
fn variables(desk: &mut Desk<'_>, place: &Place, method: &Method, rest: &[&str]) -> Option<Answer> {
    match (method, rest) {
        (&Method::GET, []) => {
            let all = desk.store.all::<Variable>(&place.scope);
            let shown = |it: &Variable| json!({ "owner_id": 0, "repo_id": place.id, "name": it.name, "data": "" });
            Some(desk.page(all.map(|(_, it)| shown(it)).collect()))
        }
        (&Method::POST | &Method::PUT, [name]) => {
            let name = name.to_uppercase();
            desk.store.remove_where::<Variable>(&place.scope, |it| it.name == name);
            desk.store.add(&place.scope, Variable { name, ..Variable::default() });
            Some(Answer::no_content())
        }
        _ => None,
    }
}
