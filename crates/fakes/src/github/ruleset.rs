//! Rulesets, for tags and for branches; looser than GitHub's: one pattern each, and for tags
//! creation alone.
//!
//! A rule for branches whose pattern is no branch's name is one, for protection is a branch's.

use super::{Desk, Place, not_found, unprocessable, view::View};
use crate::exchange::Answer;
use http::Method;
use packhorse_core::model::{BranchRule, Enforcement, TagRule};
use serde_json::{Value, json};

/// What tells the numbers of those for branches from those for tags.
const BRANCHES: u64 = 1_000_000_000;

/// What a ruleset is for.
#[derive(Clone)]
enum Rule {
    Tag(TagRule),
    Branch(Box<BranchRule>),
}

pub(super) fn route(
    desk: &mut Desk<'_>,
    place: &Place,
    method: &Method,
    rest: &[&str],
) -> Option<Answer> {
    match (method, rest) {
        (&Method::GET, []) => {
            let view = desk.view();
            let tags = desk.store.all::<TagRule>(&place.scope);
            let tags = tags.map(|(id, it)| (id, Rule::Tag(it.clone())));
            let branches = desk.store.all::<BranchRule>(&place.scope);
            let branches = branches.filter(|(_, it)| is_ruleset(desk, place, it));
            let branches =
                branches.map(|(id, it)| (BRANCHES + id, Rule::Branch(Box::new(it.clone()))));
            let all = tags.chain(branches);
            Some(desk.page(all.map(|(id, it)| shown(&view, place, (id, &it), false)).collect()))
        }
        (&Method::GET, [id]) => {
            let (id, it) = find(desk, place, id)?;
            Some(Answer::ok(&shown(&desk.view(), place, (id, &it), true)))
        }
        (&Method::POST | &Method::PUT, _) => Some(write(desk, place, rest.first())?),
        (&Method::DELETE, [id]) => {
            let (id, it) = find(desk, place, id)?;
            let was = match it {
                Rule::Tag(_) => desk.store.remove::<TagRule>(&place.scope, id),
                Rule::Branch(_) => desk.store.remove::<BranchRule>(&place.scope, id - BRANCHES),
            };
            Some(if was { Answer::no_content() } else { not_found() })
        }
        _ => None,
    }
}

fn is_ruleset(desk: &Desk<'_>, place: &Place, it: &BranchRule) -> bool {
    desk.store.branch(&place.path, &it.pattern).is_none()
}

fn find(desk: &Desk<'_>, place: &Place, id: &str) -> Option<(u64, Rule)> {
    let id: u64 = id.parse().ok()?;
    let found = match id.checked_sub(BRANCHES) {
        Some(branch) => {
            let it = desk.store.get::<BranchRule>(&place.scope, branch)?;
            is_ruleset(desk, place, it).then(|| Rule::Branch(Box::new(it.clone())))?
        }
        None => Rule::Tag(desk.store.get::<TagRule>(&place.scope, id)?.clone()),
    };
    Some((id, found))
}

/// Makes a ruleset, or changes the one of that number.
fn write(desk: &mut Desk<'_>, place: &Place, old: Option<&&str>) -> Option<Answer> {
    let body = desk.request.json();
    let include = body["conditions"]["ref_name"]["include"][0].as_str().unwrap_or("~ALL");
    let new = match body["target"].as_str() {
        Some("tag") => {
            let pattern = include.strip_prefix("refs/tags/").unwrap_or(include).to_owned();
            Rule::Tag(TagRule { pattern, ..TagRule::default() })
        }
        Some("branch") => Rule::Branch(Box::new(branch_rule(&body, include))),
        _ => return Some(unprocessable("Validation Failed: target")),
    };
    if let Some(old) = old {
        let (id, _) = find(desk, place, old)?;
        match new.clone() {
            Rule::Tag(it) => *desk.store.get_mut::<TagRule>(&place.scope, id)? = it,
            Rule::Branch(it) => {
                *desk.store.get_mut::<BranchRule>(&place.scope, id.checked_sub(BRANCHES)?)? = *it;
            }
        }
        return Some(Answer::ok(&shown(&desk.view(), place, (id, &new), true)));
    }
    let id = match new.clone() {
        Rule::Tag(it) => desk.store.add(&place.scope, it),
        Rule::Branch(it) => BRANCHES + desk.store.add(&place.scope, *it),
    };
    Some(Answer::created(&shown(&desk.view(), place, (id, &new), true)))
}

fn branch_rule(body: &Value, include: &str) -> BranchRule {
    let pattern = include.strip_prefix("refs/heads/").unwrap_or(include).to_owned();
    let admins_bound = body["bypass_actors"].as_array().is_none_or(Vec::is_empty);
    let on = if admins_bound { Enforcement::Everyone } else { Enforcement::NonAdmins };
    let mut rule = BranchRule { pattern, admins_bound, ..BranchRule::default() };
    for part in body["rules"].as_array().into_iter().flatten() {
        let told = &part["parameters"];
        let yes = |name: &str| told[name].as_bool().unwrap_or_default();
        match part["type"].as_str().unwrap_or_default() {
            "deletion" => rule.block_deletion = on,
            "non_fast_forward" => rule.block_force_push = on,
            "required_linear_history" => rule.linear_history = Some(true),
            "required_signatures" => rule.signatures = Some(true),
            "update" => rule.restrict_push = true,
            "pull_request" => {
                rule.reviews = on;
                rule.approvals = told["required_approving_review_count"].as_u64();
                rule.dismiss_stale = yes("dismiss_stale_reviews_on_push");
                rule.code_owner_review = yes("require_code_owner_review");
                rule.threads_resolved = Some(yes("required_review_thread_resolution"));
            }
            "required_status_checks" => {
                let checks = told["required_status_checks"].as_array().into_iter().flatten();
                let name = |it: &Value| it["context"].as_str().map(str::to_owned);
                rule.checks = on;
                rule.required_checks = checks.filter_map(name).collect();
                rule.strict_checks = yes("strict_required_status_checks_policy");
            }
            _ => {}
        }
    }
    rule
}

fn parts(it: &BranchRule) -> Vec<Value> {
    let mut parts = Vec::new();
    for (is_on, name) in [
        (it.block_deletion != Enforcement::Off, "deletion"),
        (it.block_force_push != Enforcement::Off, "non_fast_forward"),
        (it.linear_history == Some(true), "required_linear_history"),
        (it.signatures == Some(true), "required_signatures"),
        (it.restrict_push, "update"),
    ] {
        if is_on {
            parts.push(json!({ "type": name }));
        }
    }
    if it.reviews != Enforcement::Off {
        parts.push(json!({ "type": "pull_request", "parameters": {
            "required_approving_review_count": it.approvals.unwrap_or_default(),
            "dismiss_stale_reviews_on_push": it.dismiss_stale,
            "require_code_owner_review": it.code_owner_review,
            "require_last_push_approval": false,
            "required_review_thread_resolution": it.threads_resolved == Some(true),
        } }));
    }
    if it.checks != Enforcement::Off {
        let checks: Vec<_> = it.required_checks.iter().map(|it| json!({ "context": it })).collect();
        parts.push(json!({ "type": "required_status_checks", "parameters": {
            "required_status_checks": checks,
            "strict_required_status_checks_policy": it.strict_checks,
        } }));
    }
    parts
}

fn shown(view: &View<'_>, place: &Place, (id, it): (u64, &Rule), whole: bool) -> Value {
    let (target, head, pattern) = match it {
        Rule::Tag(it) => ("tag", "refs/tags/", &it.pattern),
        Rule::Branch(it) => ("branch", "refs/heads/", &it.pattern),
    };
    let mut value = json!({
        "id": id, "name": pattern, "target": target, "source_type": "Repository",
        "source": place.path, "enforcement": "active", "node_id": format!("RRS_{id}"),
        "_links": { "self": { "href": format!("{}/rulesets/{id}", view.repo(&place.path)) } },
    });
    if !whole {
        return value;
    }
    let include = [format!("{head}{pattern}")];
    // One of GitHub's own roles: administrators.
    let admins = json!({ "actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always" });
    let (rules, passing) = match it {
        Rule::Tag(_) => (vec![json!({ "type": "creation" })], Vec::new()),
        Rule::Branch(it) if it.admins_bound => (parts(it), Vec::new()),
        Rule::Branch(it) => (parts(it), vec![admins]),
    };
    value["conditions"] = json!({ "ref_name": { "include": include, "exclude": [] } });
    value["rules"] = rules.into();
    value["bypass_actors"] = passing.into();
    value
}
