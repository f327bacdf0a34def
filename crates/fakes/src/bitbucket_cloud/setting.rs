//! What administrators set: webhooks, permissions, access keys.

use super::{
    Desk, Place, invalid, not_found,
    view::{View, time},
};
use crate::exchange::Answer;
use http::Method;
use packhorse_core::{
    Scope,
    model::{self, DeployKey, Grantee, Member, Project, Role, Team, Webhook},
};
use serde_json::{Value, json};

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match rest {
        ["hooks", rest @ ..] => hooks(desk, place, &method, rest),
        ["deploy-keys", rest @ ..] => keys(desk, place, &method, rest),
        ["permissions-config", kind @ ("users" | "groups"), rest @ ..] => {
            permissions(desk, place, &method, (*kind == "users", rest))
        }
        _ => None,
    }
}

fn repository(desk: &Desk<'_>, place: &Place) -> Value {
    let it = desk.store.get::<Project>(&Scope::Shared, place.id);
    it.map_or(Value::Null, |it| desk.view().mention(place.id, it))
}

fn hook(desk: &Desk<'_>, place: &Place, id: u64, it: &Webhook) -> Value {
    let uuid = View::hook_uuid(id);
    let own = format!("repositories/{}/hooks/{uuid}", place.path);
    // Hooks that were filled in may have the words of another host.
    let mut events: Vec<&str> =
        it.events.iter().map(String::as_str).filter(|it| it.contains(':')).collect();
    if events.is_empty() {
        events.push("repo:push");
    }
    json!({
        "type": "webhook_subscription", "uuid": uuid, "url": it.url, "active": it.active,
        "description": it.name.as_deref().unwrap_or(&it.url), "subject_type": "repository",
        "subject": repository(desk, place), "events": events,
        "secret_set": it.has_secret == Some(true), "skip_cert_verification": !it.verify_tls,
        "created_at": time(it.created_at), "links": { "self": { "href": desk.view().api(&own) } },
    })
}

fn hooks(desk: &mut Desk<'_>, place: &Place, method: &Method, rest: &[&str]) -> Option<Answer> {
    if let (&Method::GET, []) = (method, rest) {
        let all = desk.store.all::<Webhook>(&place.scope);
        return Some(desk.page(all.map(|(id, it)| hook(desk, place, id, it)).collect(), 100));
    }
    let old = match rest {
        [] => None,
        [uuid, ..] => {
            let mut all = desk.store.all::<Webhook>(&place.scope);
            match all.find(|(id, _)| View::hook_uuid(*id) == *uuid) {
                Some((id, it)) => Some((id, it.clone())),
                None => return Some(not_found("Webhook")),
            }
        }
    };
    match (method, old) {
        (&Method::GET, Some((id, it))) => Some(Answer::ok(&hook(desk, place, id, &it))),
        (&Method::DELETE, Some((id, _))) => {
            desk.store.remove::<Webhook>(&place.scope, id);
            Some(Answer::no_content())
        }
        (&Method::POST, None) => {
            let it = match told_hook(desk, Webhook::default()) {
                Ok(it) => Webhook { created_at: desk.store.now(), ..it },
                Err(why) => return Some(invalid(why)),
            };
            let id = desk.store.add(&place.scope, it.clone());
            Some(Answer::created(&hook(desk, place, id, &it)))
        }
        (&Method::PUT, Some((id, it))) => {
            let it = match told_hook(desk, it) {
                Ok(it) => it,
                Err(why) => return Some(invalid(why)),
            };
            *desk.store.get_mut::<Webhook>(&place.scope, id)? = it.clone();
            Some(Answer::ok(&hook(desk, place, id, &it)))
        }
        _ => None,
    }
}

fn told_hook(desk: &Desk<'_>, it: Webhook) -> Result<Webhook, &'static str> {
    let url = desk.text("url").filter(|it| it.starts_with("http"));
    let url = url.ok_or("url: Enter a valid URL.")?;
    let events = desk.body["events"].as_array().filter(|it| !it.is_empty());
    let events = events.ok_or("events: This field is required.")?;
    let events: Vec<_> = events.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect();
    if events.iter().any(|it| !it.contains(':')) {
        return Err("events: is not a valid event");
    }
    Ok(Webhook {
        url,
        name: desk.text("description"),
        events,
        active: desk.body["active"] != Value::Bool(false),
        verify_tls: desk.body["skip_cert_verification"] != Value::Bool(true),
        has_secret: Some(desk.body["secret"].is_string() || it.has_secret == Some(true)),
        content_type: Some("json".to_owned()),
        ..it
    })
}

fn key(desk: &Desk<'_>, place: &Place, id: u64, it: &DeployKey) -> Value {
    let own = format!("repositories/{}/deploy-keys/{id}", place.path);
    // The words after a key are told by themselves.
    let mut parts = it.key.splitn(3, ' ');
    let text = [parts.next(), parts.next()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    json!({
        "type": "deploy_key", "id": id, "key": text, "label": it.title,
        "comment": parts.next().unwrap_or_default(), "added_on": time(it.created_at),
        "repository": repository(desk, place), "last_used": null,
        "links": { "self": { "href": desk.view().api(&own) } },
    })
}

fn keys(desk: &mut Desk<'_>, place: &Place, method: &Method, rest: &[&str]) -> Option<Answer> {
    match (method, rest) {
        (&Method::GET, []) => {
            let all = desk.store.all::<DeployKey>(&place.scope);
            Some(desk.page(all.map(|(id, it)| key(desk, place, id, it)).collect(), 100))
        }
        (&Method::POST, []) => {
            let Some(text) = desk.text("key").filter(|it| it.starts_with("ssh-")) else {
                return Some(invalid("key: Invalid SSH key."));
            };
            let essence = |it: &str| it.split(' ').take(2).map(str::to_owned).collect::<Vec<_>>();
            let same = |it: &DeployKey| essence(&it.key) == essence(&text);
            if desk.store.find::<DeployKey>(&place.scope, same).is_some() {
                return Some(invalid("key: Someone has already registered that SSH key."));
            }
            let it = DeployKey {
                title: desk.text("label").unwrap_or_default(),
                key: text,
                read_only: true,
                created_at: desk.store.now(),
                ..DeployKey::default()
            };
            let id = desk.store.add(&place.scope, it.clone());
            Some(Answer::ok(&key(desk, place, id, &it)))
        }
        (_, [id]) => {
            let id: u64 = id.parse().ok()?;
            if desk.store.get::<DeployKey>(&place.scope, id).is_none() {
                return Some(not_found("Key"));
            }
            if *method == Method::DELETE {
                desk.store.remove::<DeployKey>(&place.scope, id);
                return Some(Answer::no_content());
            }
            let (label, comment) = (desk.text("label"), desk.text("comment"));
            let it = desk.store.get_mut::<DeployKey>(&place.scope, id)?;
            if *method == Method::PUT {
                it.title = label.unwrap_or_else(|| it.title.clone());
                if let Some(comment) = comment {
                    let text = it.key.split(' ').take(2).collect::<Vec<_>>().join(" ");
                    it.key = format!("{text} {comment}");
                }
            }
            let it = it.clone();
            Some(Answer::ok(&key(desk, place, id, &it)))
        }
        _ => None,
    }
}

/// Bitbucket's word for a role.
fn word(role: Role) -> &'static str {
    match role {
        Role::None | Role::Guest | Role::Planner | Role::Read | Role::Triage => "read",
        Role::Write => "write",
        Role::Maintain | Role::Admin | Role::Owner => "admin",
    }
}

fn slug_of(grantee: &Grantee) -> Option<&str> {
    match grantee {
        Grantee::Group(slug) | Grantee::Team { slug, .. } => Some(slug),
        Grantee::User(_) => None,
    }
}

fn permission(desk: &Desk<'_>, place: &Place, grantee: &Grantee, word: &str) -> Value {
    let view = desk.view();
    let workspace = place.path.split('/').next().unwrap_or_default();
    let (kind, name, value) = match grantee {
        Grantee::User(who) => ("repository_user_permission", "user", view.user(who)),
        Grantee::Group(slug) | Grantee::Team { slug, .. } => {
            let group = json!({ "type": "group", "slug": slug, "name": slug,
                "full_slug": format!("{workspace}:{slug}"),
                "workspace": view.workspace(workspace) });
            ("repository_group_permission", "group", group)
        }
    };
    json!({ "type": kind, "permission": word, name: value, "repository": repository(desk, place) })
}

fn permissions(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    (is_user, rest): (bool, &[&str]),
) -> Option<Answer> {
    let of_kind = |it: &Member| {
        it.place == model::Place::Project && is_user == matches!(it.grantee, Grantee::User(_))
    };
    let Some(name) = rest.first() else {
        let all = desk.store.all::<Member>(&place.scope).filter(|(_, it)| of_kind(it));
        let all = all.map(|(_, it)| permission(desk, place, &it.grantee, word(it.role)));
        return Some(desk.page(all.collect(), 100));
    };
    let workspace = place.path.split('/').next().unwrap_or_default();
    let grantee = if is_user {
        desk.account(name).map(Grantee::User)
    } else {
        let team = |it: &Team| it.organization == workspace && it.slug == *name;
        let is_there = desk.store.find::<Team>(&Scope::Shared, team).is_some();
        let group = Grantee::Team { organization: workspace.to_owned(), slug: (*name).to_owned() };
        is_there.then_some(group)
    };
    let Some(grantee) = grantee else {
        return Some(not_found(if is_user { "User" } else { "Group" }));
    };
    let same = |it: &Member| match (&it.grantee, &grantee) {
        (Grantee::User(one), Grantee::User(other)) => of_kind(it) && one.login == other.login,
        (one, other) => of_kind(it) && slug_of(one) == slug_of(other),
    };
    let found = desk.store.find::<Member>(&place.scope, same).map(|(_, it)| it.role);
    match *method {
        Method::GET => {
            let word = found.map_or("none", word);
            Some(Answer::ok(&permission(desk, place, &grantee, word)))
        }
        Method::DELETE => {
            desk.store.remove_where::<Member>(&place.scope, same);
            Some(Answer::no_content())
        }
        Method::PUT => {
            let role = match desk.text("permission").as_deref() {
                Some("read") => Role::Read,
                Some("write") => Role::Write,
                Some("admin") => Role::Admin,
                Some(_) | None => {
                    return Some(invalid("permission: is not one of read, write, admin"));
                }
            };
            desk.store.remove_where::<Member>(&place.scope, same);
            let created_at = desk.store.now();
            let it = Member { grantee: grantee.clone(), role, created_at, ..Member::default() };
            desk.store.add(&place.scope, it);
            Some(Answer::ok(&permission(desk, place, &grantee, word(role))))
        }
        _ => None,
    }
}
