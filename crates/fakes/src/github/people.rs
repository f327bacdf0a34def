//! Who may come in, by hand and by key, and whom a project calls.

use super::{
    Desk, Place,
    account::{grant, role},
    invalid, not_found, unprocessable,
    view::{View, told},
};
use crate::exchange::Answer;
use http::Method;
use packhorse_core::{
    Scope,
    model::{DeployKey, Grantee, Identity, Member, Role, Team, User, Variable, Webhook},
};
use serde_json::{Value, json};

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match rest {
        ["hooks", rest @ ..] => hooks(desk, place, &method, rest),
        ["keys", rest @ ..] => keys(desk, place, &method, rest),
        ["collaborators", rest @ ..] => collaborators(desk, place, &method, rest),
        ["teams"] => Some(teams(desk, place)),
        ["assignees"] => {
            let view = desk.view();
            let all = desk.store.all::<User>(&Scope::Shared);
            Some(desk.page(all.map(|(_, it)| view.user(&it.identity)).collect()))
        }
        ["assignees", login] => {
            let known = desk.store.known_user(login).is_some();
            Some(if known { Answer::no_content() } else { not_found() })
        }
        ["actions", what @ ("variables" | "secrets"), rest @ ..] => {
            actions(desk, place, &method, what, rest)
        }
        _ => None,
    }
}

fn hook(view: &View<'_>, place: &Place, id: u64, it: &Webhook) -> Value {
    let url = format!("{}/hooks/{id}", view.repo(&place.path));
    let mut config = json!({
        "url": it.url, "content_type": it.content_type.as_deref().unwrap_or("form"),
        "insecure_ssl": if it.verify_tls { "0" } else { "1" },
    });
    // A secret is never shown, only that there is one.
    if it.has_secret == Some(true) {
        config["secret"] = json!("********");
    }
    json!({
        "type": "Repository", "id": id, "name": "web", "active": it.active, "events": it.events, "config": config,
        "created_at": told(it.created_at), "updated_at": told(it.created_at), "url": url,
        "test_url": format!("{url}/test"), "ping_url": format!("{url}/pings"), "deliveries_url": format!("{url}/deliveries"),
        "last_response": { "code": null, "status": "unused", "message": null },
    })
}

fn change_hook(it: &mut Webhook, body: &Value) {
    let config = &body["config"];
    if let Some(url) = config["url"].as_str() {
        url.clone_into(&mut it.url);
    }
    if let Some(content_type) = config["content_type"].as_str() {
        it.content_type = Some(content_type.to_owned());
    }
    if let Some(insecure) = config.get("insecure_ssl") {
        it.verify_tls = !(insecure == "1" || insecure == 1);
    }
    if config["secret"].is_string() {
        it.has_secret = Some(true);
    }
    if body["events"].is_array() {
        it.events = super::issue::names(&body["events"]);
    }
    it.active = body["active"].as_bool().unwrap_or(it.active);
}

fn hooks(desk: &mut Desk<'_>, place: &Place, method: &Method, rest: &[&str]) -> Option<Answer> {
    let body = desk.request.json();
    let shown = |desk: &Desk<'_>, id| {
        let it = desk.store.get::<Webhook>(&place.scope, id)?;
        Some(hook(&desk.view(), place, id, it))
    };
    match (method, rest) {
        (&Method::GET, []) => {
            let view = desk.view();
            let all = desk.store.all::<Webhook>(&place.scope);
            Some(desk.page(all.map(|(id, it)| hook(&view, place, id, it)).collect()))
        }
        (&Method::POST, []) => {
            if body["config"]["url"].as_str().is_none() {
                return Some(invalid("Hook", "url", "missing_field"));
            }
            let now = desk.store.now();
            let mut it = Webhook {
                verify_tls: true,
                active: true,
                events: vec!["push".to_owned()],
                created_at: now,
                ..Webhook::default()
            };
            change_hook(&mut it, &body);
            let same = |other: &Webhook| other.url == it.url && other.events == it.events;
            if desk.store.find::<Webhook>(&place.scope, same).is_some() {
                return Some(unprocessable("Hook already exists on this repository"));
            }
            let id = desk.store.add(&place.scope, it);
            Some(Answer::created(&shown(desk, id)?))
        }
        (_, [id]) => {
            let id = id.parse().ok()?;
            desk.store.get::<Webhook>(&place.scope, id)?;
            if *method == Method::DELETE {
                desk.store.remove::<Webhook>(&place.scope, id);
                return Some(Answer::no_content());
            }
            if *method == Method::PATCH {
                change_hook(desk.store.get_mut::<Webhook>(&place.scope, id)?, &body);
            }
            Some(Answer::ok(&shown(desk, id)?))
        }
        _ => None,
    }
}

fn key(view: &View<'_>, place: &Place, id: u64, it: &DeployKey) -> Value {
    json!({
        "id": id, "key": it.key, "url": format!("{}/keys/{id}", view.repo(&place.path)), "title": it.title,
        "verified": true, "created_at": told(it.created_at), "read_only": it.read_only, "added_by": null,
        "last_used": null, "enabled": true,
    })
}

fn keys(desk: &mut Desk<'_>, place: &Place, method: &Method, rest: &[&str]) -> Option<Answer> {
    match (method, rest) {
        (&Method::GET, []) => {
            let view = desk.view();
            let all = desk.store.all::<DeployKey>(&place.scope);
            Some(desk.page(all.map(|(id, it)| key(&view, place, id, it)).collect()))
        }
        (&Method::POST, []) => {
            let body = desk.request.json();
            let text = body["key"].as_str().unwrap_or_default().to_owned();
            if text.split(' ').count() < 2 {
                return Some(unprocessable(
                    "key is invalid. You must supply a key in OpenSSH public key format",
                ));
            }
            let blob = |key: &str| key.split(' ').nth(1).map(str::to_owned);
            // A key is unique across all of GitHub.
            let scopes = desk.store.scopes();
            let same = |it: &DeployKey| blob(&it.key) == blob(&text);
            if scopes.iter().any(|it| desk.store.find::<DeployKey>(it, same).is_some()) {
                return Some(unprocessable("key is already in use"));
            }
            // GitHub drops a key's comment.
            let key_text = text.split(' ').take(2).collect::<Vec<_>>().join(" ");
            let it = DeployKey {
                title: body["title"].as_str().unwrap_or_default().to_owned(),
                key: key_text,
                read_only: body["read_only"] == true,
                created_at: desk.store.now(),
                ..DeployKey::default()
            };
            let id = desk.store.add(&place.scope, it.clone());
            Some(Answer::created(&key(&desk.view(), place, id, &it)))
        }
        (_, [id]) => {
            let id = id.parse().ok()?;
            let it = desk.store.get::<DeployKey>(&place.scope, id)?.clone();
            if *method == Method::DELETE {
                desk.store.remove::<DeployKey>(&place.scope, id);
                return Some(Answer::no_content());
            }
            Some(Answer::ok(&key(&desk.view(), place, id, &it)))
        }
        _ => None,
    }
}

/// GitHub's word for a role, and what it may do.
fn rights(role: Role) -> (&'static str, Value) {
    let level = match role {
        Role::None | Role::Guest | Role::Planner | Role::Read => 0,
        Role::Triage => 1,
        Role::Write => 2,
        Role::Maintain => 3,
        Role::Admin | Role::Owner => 4,
    };
    let word = ["read", "triage", "write", "maintain", "admin"][level];
    let may = json!({ "pull": true, "triage": level > 0, "push": level > 1, "maintain": level > 2, "admin": level > 3 });
    (word, may)
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
                    Grantee::User(who) => {
                        let (word, may) = rights(it.role);
                        let mut value = view.user(who);
                        (value["role_name"], value["permissions"]) = (json!(word), may);
                        Some(value)
                    }
                    Grantee::Team { .. } | Grantee::Group(_) => None,
                });
            Some(desk.page(all.collect()))
        }
        (&Method::GET, [login]) => {
            let found = desk.store.find::<Member>(&place.scope, |it| is(it, login));
            Some(if found.is_some() { Answer::no_content() } else { not_found() })
        }
        (&Method::GET, [login, "permission"]) => {
            let found = desk.store.find::<Member>(&place.scope, |it| is(it, login));
            let (word, may) = rights(found.map_or(Role::Read, |(_, it)| it.role));
            let mut user = desk.view().user(&Identity::login(*login, None));
            (user["role_name"], user["permissions"]) = (json!(word), may);
            let old = match word {
                "triage" => "read",
                "maintain" => "write",
                other => other,
            };
            Some(Answer::ok(&json!({ "permission": old, "role_name": word, "user": user })))
        }
        (&Method::PUT, [login]) => {
            if desk.store.known_user(login).is_none() {
                return Some(not_found());
            }
            let word = desk.request.json()["permission"].as_str().unwrap_or("push").to_owned();
            let Some(role) = role(&word) else {
                return Some(invalid("Repository", "permission", "invalid"));
            };
            grant(desk, &place.scope, packhorse_core::model::Place::Project, login, role);
            // Enterprise Servers add at once; github.com sends an invitation first.
            Some(Answer::no_content())
        }
        (&Method::DELETE, [login]) => {
            desk.store.remove_where::<Member>(&place.scope, |it| is(it, login));
            Some(Answer::no_content())
        }
        _ => None,
    }
}

fn teams(desk: &Desk<'_>, place: &Place) -> Answer {
    let view = desk.view();
    let all = desk.store.all::<Member>(&place.scope).filter_map(|(_, member)| {
        let Grantee::Team { organization, slug } = &member.grantee else { return None };
        let same = |it: &Team| it.organization == *organization && it.slug == *slug;
        let (id, it) = desk.store.find::<Team>(&Scope::Shared, same)?;
        let word = match rights(member.role).0 {
            "read" => "pull",
            "write" => "push",
            other => other,
        };
        let mut value = view.team(id, it, word);
        value["permissions"] = rights(member.role).1;
        Some(value)
    });
    desk.page(all.collect())
}

/// Variables and secrets of builds, by name. The trimmed description leaves these paths out.
fn actions(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    what: &str,
    rest: &[&str],
) -> Option<Answer> {
    let secrets = what == "secrets";
    let body = desk.request.json();
    let name = rest.first().copied().or(body["name"].as_str()).unwrap_or_default().to_uppercase();
    match (method, rest) {
        (&Method::GET, []) => {
            let shown = |it: &Variable| {
                let mut value =
                    json!({ "name": it.name, "created_at": told(None), "updated_at": told(None) });
                if !secrets {
                    value["value"] = json!("");
                }
                value
            };
            let all =
                desk.store.all::<Variable>(&place.scope).filter(|(_, it)| it.is_secret == secrets);
            let all: Vec<Value> = all.map(|(_, it)| shown(it)).collect();
            let window = desk.request.window("page", "per_page", 10, 30);
            Some(Answer::ok(&json!({ "total_count": all.len(), what: window.of(all) })))
        }
        (&Method::POST, []) | (&Method::PUT, [_]) => {
            let same = |it: &Variable| it.name == name && it.is_secret == secrets;
            if desk.store.find::<Variable>(&place.scope, same).is_some() {
                return Some(super::refusal(
                    http::StatusCode::CONFLICT,
                    "Already exists - Variable already exists",
                ));
            }
            desk.store.add(
                &place.scope,
                Variable {
                    name: name.clone(),
                    is_secret: secrets,
                    masked: secrets,
                    ..Variable::default()
                },
            );
            Some(Answer::json(http::StatusCode::CREATED, &json!({})))
        }
        (&Method::DELETE, [_]) => {
            desk.store.remove_where::<Variable>(&place.scope, |it| {
                it.name == name && it.is_secret == secrets
            });
            Some(Answer::no_content())
        }
        _ => None,
    }
}
