//! Rulesets: rules for branches and tags by pattern, each under a name of its own.
//!
//! Rules for tags that the stand-in was filled with are shown as one ruleset each.

use super::{Desk, Place, invalid, not_found, unprocessable, view::View};
use crate::exchange::Answer;
use http::Method;
use packhorse_core::model::TagRule;
use serde_json::{Map, Value, json};

/// Where the store keeps what the model has no words for.
const SHELF: &str = "rulesets";
/// Numbers of rulesets for branches begin here, above those for tags.
const FIRST: u64 = 500_000;
/// Rules that there are.
///
/// Source: GitHub's OpenAPI description, `repository-rule`.
const RULES: [&str; 23] = [
    "creation",
    "update",
    "deletion",
    "required_linear_history",
    "merge_queue",
    "required_deployments",
    "required_signatures",
    "pull_request",
    "required_status_checks",
    "non_fast_forward",
    "commit_message_pattern",
    "commit_author_email_pattern",
    "committer_email_pattern",
    "branch_name_pattern",
    "tag_name_pattern",
    "workflows",
    "code_scanning",
    "copilot_code_review",
    "license_compliance_scanning",
    "file_path_restriction",
    "max_file_path_length",
    "file_extension_restriction",
    "max_file_size",
];

pub(super) fn route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    let method = desk.request.method.clone();
    match (&method, rest) {
        (&Method::GET, []) => {
            let view = desk.view();
            let all = all(desk, place);
            Some(desk.page(all.iter().map(|it| shown(&view, place, it, false)).collect()))
        }
        (&Method::POST, []) => Some(write(desk, place, None)),
        (_, [id]) => {
            let id: u64 = id.parse().ok()?;
            let found = all(desk, place).into_iter().find(|it| it["id"] == id)?;
            match method {
                Method::GET => Some(Answer::ok(&shown(&desk.view(), place, &found, true))),
                Method::PUT => Some(write(desk, place, Some(&found))),
                Method::DELETE => Some(remove(desk, place, id)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// What was written over the API, by its id.
fn kept<'a>(desk: &'a mut Desk<'_>, place: &Place) -> Option<&'a mut Map<String, Value>> {
    let shelf = desk.store.aside.entry(SHELF.to_owned()).or_insert_with(|| json!({}));
    shelf.as_object_mut()?.entry(place.path.clone()).or_insert_with(|| json!({})).as_object_mut()
}

fn all(desk: &Desk<'_>, place: &Place) -> Vec<Value> {
    let shelf = desk.store.aside.get(SHELF).and_then(|it| it.get(&place.path));
    let kept = shelf.and_then(Value::as_object);
    let is_kept = |id: u64| kept.is_some_and(|it| it.contains_key(&id.to_string()));
    let filled = desk.store.all::<TagRule>(&place.scope).filter(|(id, _)| !is_kept(*id));
    let filled = filled.map(|(id, it)| {
        json!({
            "id": id, "name": it.pattern, "target": "tag", "enforcement": "active",
            "bypass_actors": [], "rules": [{ "type": "creation" }],
            "conditions": { "ref_name":
                { "include": [format!("refs/tags/{}", it.pattern)], "exclude": [] } },
        })
    });
    let mut all: Vec<Value> =
        filled.chain(kept.into_iter().flat_map(Map::values).cloned()).collect();
    all.sort_by_key(|it| it["id"].as_u64());
    all
}

/// `repository-ruleset`; a listing leaves out what it does.
fn shown(view: &View<'_>, place: &Place, it: &Value, whole: bool) -> Value {
    let id = it["id"].as_u64().unwrap_or_default();
    let mut value = json!({
        "id": id, "name": it["name"], "target": it["target"], "source_type": "Repository",
        "source": place.path, "enforcement": it["enforcement"], "node_id": format!("RRS_{id}"),
        "_links": { "self": { "href": format!("{}/rulesets/{id}", view.repo(&place.path)) } },
    });
    if whole {
        for field in ["conditions", "rules", "bypass_actors"] {
            value[field] = it[field].clone();
        }
    }
    value
}

/// What is wrong with a ruleset that is sent.
fn fault(desk: &Desk<'_>, place: &Place, id: Option<u64>, body: &Value) -> Option<Answer> {
    let Some(name) = body["name"].as_str().filter(|it| !it.is_empty()) else {
        return Some(invalid("RepositoryRuleset", "name", "missing_field"));
    };
    let is_other = |it: &Value| it["name"] == name && it["id"].as_u64() != id;
    if all(desk, place).iter().any(is_other) {
        return Some(unprocessable("Name must be unique"));
    }
    if !matches!(body["enforcement"].as_str(), Some("active" | "disabled" | "evaluate")) {
        return Some(invalid("RepositoryRuleset", "enforcement", "invalid"));
    }
    if !matches!(body["target"].as_str(), None | Some("branch" | "tag")) {
        return Some(invalid("RepositoryRuleset", "target", "invalid"));
    }
    let head = if body["target"] == "tag" { "refs/tags/" } else { "refs/heads/" };
    let is_ref = |it: &Value| {
        it.as_str()
            .is_some_and(|it| it.starts_with(head) || matches!(it, "~ALL" | "~DEFAULT_BRANCH"))
    };
    let names = &body["conditions"]["ref_name"];
    let mut refs = [&names["include"], &names["exclude"]].into_iter().filter_map(Value::as_array);
    if !refs.all(|it| it.iter().all(is_ref)) {
        return Some(unprocessable("Invalid target patterns"));
    }
    let rules = body["rules"].as_array().into_iter().flatten();
    let mut kinds = rules.map(|it| it["type"].as_str().unwrap_or_default());
    let odd = kinds.find(|it| !RULES.contains(it))?;
    Some(unprocessable(&format!("Invalid rule '{odd}'")))
}

/// Makes a ruleset, or puts what is sent in the place of one.
fn write(desk: &mut Desk<'_>, place: &Place, old: Option<&Value>) -> Answer {
    let body = desk.request.json();
    let old = old.and_then(|it| it["id"].as_u64());
    if let Some(fault) = fault(desk, place, old, &body) {
        return fault;
    }
    let is_tag = body["target"] == "tag";
    let include = body["conditions"]["ref_name"]["include"][0].as_str().unwrap_or("~ALL");
    let pattern = include.strip_prefix("refs/tags/").unwrap_or(include).to_owned();
    let id = match (old, is_tag) {
        (Some(id), _) => id,
        (None, true) => desk.store.add(&place.scope, TagRule { pattern, ..TagRule::default() }),
        (None, false) => {
            let last = all(desk, place).iter().filter_map(|it| it["id"].as_u64()).max();
            last.map_or(FIRST, |it| FIRST.max(it + 1))
        }
    };
    let mut it = json!({ "id": id, "target": "branch", "bypass_actors": [], "rules": [],
        "conditions": { "ref_name": { "include": [], "exclude": [] } } });
    for (name, value) in body.as_object().into_iter().flatten().filter(|(_, it)| !it.is_null()) {
        it[name] = value.clone();
    }
    it["id"] = json!(id);
    if let Some(kept) = kept(desk, place) {
        kept.insert(id.to_string(), it.clone());
    }
    let answer = shown(&desk.view(), place, &it, true);
    if old.is_some() { Answer::ok(&answer) } else { Answer::created(&answer) }
}

fn remove(desk: &mut Desk<'_>, place: &Place, id: u64) -> Answer {
    let was_tag = desk.store.remove::<TagRule>(&place.scope, id);
    let was_kept = kept(desk, place).and_then(|it| it.remove(&id.to_string())).is_some();
    if was_tag || was_kept { Answer::no_content() } else { not_found() }
}
