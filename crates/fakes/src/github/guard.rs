//! Branches and their protection.

use super::{Desk, Place, refusal, unprocessable, view::View};
use crate::exchange::Answer;
use http::{Method, StatusCode};
use packhorse_core::{
    RepoKind, Scope,
    model::{BranchRule, Enforcement, Grantee, Identity, Team},
};
use serde_json::{Value, json};

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match (&method, rest) {
        (&Method::GET, ["branches"]) => Some(branches(desk, place)),
        (&Method::GET, ["branches", name]) => {
            let id = desk.store.branch(&place.path, name)?;
            Some(Answer::ok(&branch(&desk.view(), place, name, &id, true)))
        }
        (_, ["branches", name, "protection", rest @ ..]) => {
            protection(desk, place, &method, name, rest)
        }
        _ => None,
    }
}

fn rule<'a>(view: &View<'a>, place: &Place, name: &str) -> Option<(u64, &'a BranchRule)> {
    view.store.find::<BranchRule>(&place.scope, |it| it.pattern == name)
}

fn branches(desk: &Desk<'_>, place: &Place) -> Answer {
    let view = desk.view();
    let wanted: Option<bool> = desk.request.query("protected").and_then(|it| it.parse().ok());
    let refs = desk.store.refs(&place.path, RepoKind::Code);
    let all = refs.iter().filter_map(|(name, id)| Some((name.strip_prefix("refs/heads/")?, id)));
    let all =
        all.filter(|(name, _)| wanted.is_none_or(|it| rule(&view, place, name).is_some() == it));
    desk.page(all.map(|(name, id)| branch(&view, place, name, id, false)).collect())
}

fn branch(view: &View<'_>, place: &Place, name: &str, id: &str, whole: bool) -> Value {
    let url = format!("{}/branches/{name}", view.repo(&place.path));
    let is_protected = rule(view, place, name).is_some();
    let commit = format!("{}/commits/{id}", view.repo(&place.path));
    let mut value = json!({
        "name": name, "commit": { "sha": id, "url": commit }, "protected": is_protected,
        "protection_url": format!("{url}/protection"),
        "protection": { "enabled": is_protected,
            "required_status_checks": { "enforcement_level": "off", "contexts": [], "checks": [] } },
    });
    if whole {
        let html = format!("{}/{}/commit/{id}", view.home, place.path);
        let person = json!({ "name": "alice", "email": "alice@example.org", "date": "2020-01-01T00:00:00Z" });
        value["_links"] =
            json!({ "self": url, "html": format!("{}/{}/tree/{name}", view.home, place.path) });
        value["commit"] = json!({
            "sha": id, "node_id": format!("C_{id}"), "url": commit, "html_url": html, "comments_url": format!("{commit}/comments"),
            "author": null, "committer": null, "parents": [],
            "commit": { "url": commit, "author": person, "committer": person, "message": "", "comment_count": 0,
                "tree": { "sha": id, "url": commit } },
        });
    }
    value
}

fn protection(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    name: &str,
    rest: &[&str],
) -> Option<Answer> {
    desk.store.branch(&place.path, name)?;
    let found = rule(&desk.view(), place, name).map(|(id, _)| id);
    if let (&Method::PUT, []) = (method, rest) {
        return Some(protect(desk, place, name, found));
    }
    let Some(id) = found else {
        return Some(refusal(StatusCode::NOT_FOUND, "Branch not protected"));
    };
    match (method, rest) {
        (&Method::GET, []) => {
            let it = desk.store.get::<BranchRule>(&place.scope, id)?;
            Some(Answer::ok(&shown(&desk.view(), place, it)))
        }
        (&Method::DELETE, []) => {
            desk.store.remove::<BranchRule>(&place.scope, id);
            Some(Answer::no_content())
        }
        (_, ["required_signatures"]) => {
            let it = desk.store.get_mut::<BranchRule>(&place.scope, id)?;
            if *method == Method::DELETE {
                it.signatures = Some(false);
                return Some(Answer::no_content());
            }
            if *method == Method::POST {
                it.signatures = Some(true);
            }
            let enabled = it.signatures == Some(true);
            let url = format!(
                "{}/branches/{name}/protection/required_signatures",
                desk.view().repo(&place.path)
            );
            Some(Answer::ok(&json!({ "url": url, "enabled": enabled })))
        }
        _ => None,
    }
}

fn grantees(desk: &Desk<'_>, place: &Place, asked: &Value) -> Vec<Grantee> {
    let names = |field: &str| super::issue::names(&asked[field]);
    let owner = place.path.split('/').next().unwrap_or_default().to_owned();
    let user = |login: String| {
        let known = desk.store.known_user(&login).map(|(_, it)| it.identity.clone());
        Grantee::User(known.unwrap_or_else(|| Identity::login(login, None)))
    };
    let team = |slug: String| {
        let same = |it: &Team| it.organization == owner && it.slug == slug;
        desk.store.find::<Team>(&Scope::Shared, same)?;
        Some(Grantee::Team { organization: owner.clone(), slug })
    };
    names("users")
        .into_iter()
        .map(user)
        .chain(names("teams").into_iter().filter_map(team))
        .collect()
}

fn everyone(is: bool) -> Enforcement {
    if is { Enforcement::Everyone } else { Enforcement::Off }
}

fn protect(desk: &mut Desk<'_>, place: &Place, name: &str, found: Option<u64>) -> Answer {
    let body = desk.request.json();
    for field in [
        "required_status_checks",
        "enforce_admins",
        "required_pull_request_reviews",
        "restrictions",
    ] {
        if body.get(field).is_none() {
            return unprocessable(&format!("Invalid request.\n\n\"{field}\" wasn't supplied."));
        }
    }
    let (checks, reviews) =
        (&body["required_status_checks"], &body["required_pull_request_reviews"]);
    let contexts = match checks["checks"].as_array() {
        Some(all) => all.iter().filter_map(|it| Some(it["context"].as_str()?.to_owned())).collect(),
        None => super::issue::names(&checks["contexts"]),
    };
    let old = found.and_then(|id| desk.store.get::<BranchRule>(&place.scope, id)).cloned();
    let admins = body["enforce_admins"] == true;
    let level = if admins { Enforcement::Everyone } else { Enforcement::NonAdmins };
    let when = |is: bool| if is { level } else { Enforcement::Off };
    let dismissal = &reviews["dismissal_restrictions"];
    let it = BranchRule {
        pattern: name.to_owned(),
        admins_bound: admins,
        block_deletion: everyone(body["allow_deletions"] != true),
        block_force_push: everyone(body["allow_force_pushes"] != true),
        force_push_allowed: Some(body["allow_force_pushes"] == true),
        deletion_allowed: Some(body["allow_deletions"] == true),
        restrict_push: body["restrictions"].is_object(),
        pushers: grantees(desk, place, &body["restrictions"]),
        reviews: when(reviews.is_object()),
        approvals: reviews["required_approving_review_count"].as_u64(),
        dismiss_stale: reviews["dismiss_stale_reviews"] == true,
        code_owner_review: reviews["require_code_owner_reviews"] == true,
        restrict_dismissal: reviews
            .is_object()
            .then(|| dismissal.as_object().is_some_and(|it| !it.is_empty())),
        dismissers: grantees(desk, place, dismissal),
        checks: when(checks.is_object()),
        required_checks: contexts,
        strict_checks: checks["strict"] == true,
        linear_history: Some(body["required_linear_history"] == true),
        threads_resolved: Some(body["required_conversation_resolution"] == true),
        read_only: body["lock_branch"] == true,
        signatures: old.and_then(|it| it.signatures),
        ..BranchRule::default()
    };
    if let Some(id) = found {
        desk.store.remove::<BranchRule>(&place.scope, id);
    }
    desk.store.add(&place.scope, it.clone());
    Answer::ok(&shown(&desk.view(), place, &it))
}

/// `branch-protection`.
fn shown(view: &View<'_>, place: &Place, it: &BranchRule) -> Value {
    let url = format!("{}/branches/{}/protection", view.repo(&place.path), it.pattern);
    let flag = |is: bool| json!({ "enabled": is });
    let people = |all: &[Grantee], part: &str| {
        let (users, teams) = view.grantees(all);
        let url = format!("{url}/{part}");
        json!({ "url": url, "users_url": format!("{url}/users"), "teams_url": format!("{url}/teams"),
            "apps_url": format!("{url}/apps"), "users": users, "teams": teams, "apps": [] })
    };
    let mut value = json!({
        "url": url, "required_linear_history": flag(it.linear_history == Some(true)),
        "enforce_admins": { "url": format!("{url}/enforce_admins"), "enabled": it.admins_bound },
        "allow_force_pushes": flag(it.force_push_allowed.unwrap_or(it.block_force_push == Enforcement::Off)),
        "allow_deletions": flag(it.deletion_allowed.unwrap_or(it.block_deletion == Enforcement::Off)),
        "block_creations": flag(false), "lock_branch": flag(it.read_only), "allow_fork_syncing": flag(false),
        "required_conversation_resolution": flag(it.threads_resolved == Some(true)),
        "required_signatures": { "url": format!("{url}/required_signatures"), "enabled": it.signatures == Some(true) },
    });
    if it.checks != Enforcement::Off {
        let url = format!("{url}/required_status_checks");
        let checks = it
            .required_checks
            .iter()
            .map(|it| json!({ "context": it, "app_id": null }))
            .collect::<Vec<_>>();
        value["required_status_checks"] = json!({ "url": url, "strict": it.strict_checks,
            "contexts": it.required_checks, "contexts_url": format!("{url}/contexts"), "checks": checks });
    }
    if it.reviews != Enforcement::Off {
        value["required_pull_request_reviews"] = json!({
            "url": format!("{url}/required_pull_request_reviews"), "dismiss_stale_reviews": it.dismiss_stale,
            "require_code_owner_reviews": it.code_owner_review, "require_last_push_approval": false,
            "required_approving_review_count": it.approvals.unwrap_or(1).min(6),
        });
        if it.restrict_dismissal == Some(true) || !it.dismissers.is_empty() {
            value["required_pull_request_reviews"]["dismissal_restrictions"] =
                people(&it.dismissers, "dismissal_restrictions");
        }
    }
    if it.restrict_push {
        value["restrictions"] = people(&it.pushers, "restrictions");
    }
    value
}
