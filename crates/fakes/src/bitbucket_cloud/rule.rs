//! Restrictions of branches: one for each pattern and each thing that is restricted.
//!
//! They are kept in Bitbucket's own words. Rules that were filled in are told in
//! those words once somebody asks, and are no rules of the store any more.

use super::{Desk, Place, invalid, not_found};
use crate::exchange::Answer;
use http::Method;
use packhorse_core::{
    Scope,
    model::{BranchRule, Enforcement, Grantee, Project},
};
use serde_json::{Value, json};

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    if let (&Method::GET, ["effective-branching-model"]) = (&method, rest) {
        return model(desk, place);
    }
    let ["branch-restrictions", rest @ ..] = rest else { return None };
    adopt(desk, place);
    match (&method, rest) {
        (&Method::GET, []) => {
            let mut all = held(desk, place);
            for name in ["kind", "pattern"] {
                if let Some(wanted) = desk.request.query(name) {
                    all.retain(|it| it[name] == wanted);
                }
            }
            Some(desk.page(all, 100))
        }
        (&Method::POST, []) => Some(add(desk, place)),
        (_, [id]) => {
            let id: u64 = id.parse().ok()?;
            let mut all = held(desk, place);
            let Some(at) = all.iter().position(|it| it["id"] == id) else {
                return Some(not_found("Branch restriction"));
            };
            match method {
                Method::GET => Some(Answer::ok(&all[at])),
                Method::DELETE => {
                    all.remove(at);
                    keep(desk, place, all);
                    Some(Answer::no_content())
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// What the restrictions of a repository are kept under.
pub(super) fn key(place: &Place) -> String {
    format!("restrictions {}", place.path)
}

fn held(desk: &Desk<'_>, place: &Place) -> Vec<Value> {
    desk.store.aside.get(&key(place)).and_then(Value::as_array).cloned().unwrap_or_default()
}

fn keep(desk: &mut Desk<'_>, place: &Place, all: Vec<Value>) {
    desk.store.aside.insert(key(place), Value::Array(all));
}

fn model(desk: &Desk<'_>, place: &Place) -> Option<Answer> {
    let it = desk.store.get::<Project>(&Scope::Shared, place.id)?;
    let main = it.default_branch.as_deref().unwrap_or("main");
    let kinds = ["feature", "bugfix", "release", "hotfix"];
    let kinds: Vec<_> =
        kinds.iter().map(|it| json!({ "kind": it, "prefix": format!("{it}/") })).collect();
    Some(Answer::ok(&json!({
        "type": "effective_repo_branching_model", "branch_types": kinds,
        "development": { "name": main, "use_mainbranch": true },
        "production": { "name": main, "use_mainbranch": true },
    })))
}

/// A restriction: kind, value, those who are exempt.
type Part<'a> = (&'static str, Option<u64>, Option<&'a [Grantee]>);

/// Restrictions of a rule that was filled in.
fn parts(it: &BranchRule) -> Vec<Part<'_>> {
    let is_on = |it: Enforcement| it != Enforcement::Off;
    let mut parts = Vec::new();
    if it.read_only || it.restrict_push {
        parts.push(("push", None, Some(it.pushers.as_slice())));
    }
    if it.restrict_merge {
        parts.push(("restrict_merges", None, Some(it.mergers.as_slice())));
    }
    if is_on(it.block_force_push) {
        parts.push(("force", None, None));
    }
    if is_on(it.block_deletion) {
        parts.push(("delete", None, None));
    }
    if is_on(it.reviews) {
        parts.push(("require_approvals_to_merge", Some(it.approvals.unwrap_or(1)), None));
    }
    if is_on(it.checks) {
        let count = it.required_checks.len().max(1) as u64;
        parts.push(("require_passing_builds_to_merge", Some(count), None));
    }
    if it.threads_resolved == Some(true) {
        parts.push(("require_all_comments_resolved", None, None));
    }
    if it.dismiss_stale {
        parts.push(("reset_pullrequest_approvals_on_change", None, None));
    }
    parts
}

/// Makes restrictions of the rules that were filled in.
fn adopt(desk: &mut Desk<'_>, place: &Place) {
    let rules: Vec<_> =
        desk.store.all::<BranchRule>(&place.scope).map(|(_, it)| it.clone()).collect();
    for rule in rules {
        for (kind, value, exempt) in parts(&rule) {
            let exempt = exempt.map(|list| {
                let view = desk.view();
                let people = list.iter().filter_map(|it| match it {
                    Grantee::User(who) => Some(view.user(who)),
                    Grantee::Group(_) | Grantee::Team { .. } => None,
                });
                (people.collect(), Vec::new())
            });
            put(desk, place, (kind, &rule.pattern, value), exempt);
        }
    }
    desk.store.remove_where::<BranchRule>(&place.scope, |_| true);
}

type Exempt = (Vec<Value>, Vec<Value>);

fn put(
    desk: &mut Desk<'_>,
    place: &Place,
    (kind, pattern, value): (&str, &str, Option<u64>),
    exempt: Option<Exempt>,
) -> Value {
    let last = held(desk, place).iter().filter_map(|it| it["id"].as_u64()).max();
    let id = last.unwrap_or(16_000_000) + 1;
    let own = format!("repositories/{}/branch-restrictions/{id}", place.path);
    let (users, groups) = exempt.unwrap_or_default();
    let it = json!({
        "type": "branchrestriction", "id": id, "kind": kind, "branch_match_kind": "glob",
        "pattern": pattern, "value": value, "users": users, "groups": groups,
        "links": { "self": { "href": desk.view().api(&own) } },
    });
    let mut all = held(desk, place);
    all.push(it.clone());
    keep(desk, place, all);
    it
}

fn add(desk: &mut Desk<'_>, place: &Place) -> Answer {
    let (Some(kind), Some(pattern)) = (desk.text("kind"), desk.text("pattern")) else {
        return invalid("kind and pattern are required");
    };
    let same = |it: &Value| it["kind"] == kind.as_str() && it["pattern"] == pattern.as_str();
    if held(desk, place).iter().any(same) {
        return invalid("A branch restriction of this kind already exists for the pattern.");
    }
    let exempts = matches!(kind.as_str(), "push" | "restrict_merges");
    let names = desk.body["users"].as_array().cloned().unwrap_or_default();
    let groups = desk.body["groups"].as_array().cloned().unwrap_or_default();
    let is_somebody_named = !names.is_empty() || !groups.is_empty();
    if is_somebody_named && !exempts {
        return invalid("users: nobody can be exempt from this kind");
    }
    let mut users = Vec::new();
    for it in names {
        let name = it["account_id"].as_str().or_else(|| it["uuid"].as_str()).unwrap_or_default();
        match desk.account(name) {
            Some(who) => users.push(desk.view().user(&who)),
            None => return invalid(&format!("users: {name} is not a valid user")),
        }
    }
    let value = desk.body["value"].as_u64();
    let it = put(desk, place, (&kind, &pattern, value), Some((users, groups)));
    Answer::created(&it)
}
