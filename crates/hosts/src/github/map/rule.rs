//! Rules for branches and tags: protection, and rulesets.
//!
//! A rule that nobody understands is taken as its strictest reading, and said.

use super::{Notes, plain};
use crate::github::wire;
use packhorse_core::{
    Object,
    model::{BranchRule, Enforcement, Grantee, TagRule},
};
use serde_json::Value;

/// Whom a part of protection binds, by whether it is on and whether administrators are bound too.
const fn binds(is_on: bool, admins_bound: bool) -> Enforcement {
    match (is_on, admins_bound) {
        (false, _) => Enforcement::Off,
        (true, true) => Enforcement::Everyone,
        (true, false) => Enforcement::NonAdmins,
    }
}

fn grantee(actor: &wire::graph::Actor, owner: &str, notes: &Notes<'_>) -> Option<Grantee> {
    if actor.sort.as_deref() == Some("Team") {
        let organization = actor.organization.as_ref().and_then(|it| it.login.clone());
        let organization = organization.unwrap_or_else(|| owner.to_owned());
        return Some(Grantee::Team { organization, slug: plain(actor.slug.clone())? });
    }
    if let Some(slug) = plain(actor.slug.clone()) {
        return Some(Grantee::Group(format!("app/{slug}")));
    }
    notes.actor(Some(actor)).map(Grantee::User)
}

fn grantees(
    list: Option<wire::graph::Connection<wire::graph::Allowance>>,
    owner: &str,
    notes: &Notes<'_>,
) -> Vec<Grantee> {
    let list = list.unwrap_or_default();
    list.items().filter_map(|it| grantee(&it.actor?, owner, notes)).collect()
}

/// Protection as GraphQL tells it, with its pattern.
pub(in crate::github) fn protection(
    it: wire::graph::Protection,
    owner: &str,
    notes: &Notes<'_>,
) -> Option<(String, Object)> {
    let admins_bound = it.is_admin_enforced.unwrap_or(false);
    let force = it.allows_force_pushes.unwrap_or(false);
    let deletion = it.allows_deletions.unwrap_or(false);
    let (reviews, checks) = (
        it.requires_approving_reviews.unwrap_or(false),
        it.requires_status_checks.unwrap_or(false),
    );
    let rule = BranchRule {
        pattern: plain(it.pattern)?,
        author: notes.actor(it.creator.as_ref()),
        admins_bound,
        block_deletion: binds(!deletion, true),
        block_force_push: binds(!force, true),
        force_push_allowed: Some(force),
        deletion_allowed: Some(deletion),
        restrict_push: it.restricts_pushes.unwrap_or(false),
        pushers: grantees(it.push_allowances, owner, notes),
        reviews: binds(reviews, admins_bound),
        approval_required: Some(reviews),
        approvals: it.required_approving_review_count.filter(|_| reviews),
        dismiss_stale: it.dismisses_stale_reviews.unwrap_or(false),
        code_owner_review: it.requires_code_owner_reviews.unwrap_or(false),
        restrict_dismissal: it.restricts_review_dismissals,
        dismissers: grantees(it.review_dismissal_allowances, owner, notes),
        checks: binds(checks, admins_bound),
        checks_required: Some(checks),
        required_checks: it.required_status_check_contexts.unwrap_or_default(),
        strict_checks: it.requires_strict_status_checks.unwrap_or(false),
        signatures: it.requires_commit_signatures,
        linear_history: it.requires_linear_history,
        threads_resolved: it.requires_conversation_resolution,
        read_only: it.lock_branch.unwrap_or(false),
        ..BranchRule::default()
    };
    Some((rule.pattern.clone(), Object::from(rule)))
}

fn actors(actors: Option<&wire::Actors>, owner: &str, notes: &Notes<'_>) -> Vec<Grantee> {
    let users = notes.people(actors.and_then(|it| it.users.as_ref()));
    let teams = actors.and_then(|it| it.teams.as_ref()).into_iter().flatten();
    let team = |it: &wire::Team| {
        Some(Grantee::Team { organization: owner.to_owned(), slug: it.slug.clone()? })
    };
    users.into_iter().map(Grantee::User).chain(teams.filter_map(team)).collect()
}

/// Protection of one branch as REST tells it, without its pattern.
pub(in crate::github) fn branch_protection(
    it: wire::Protection,
    branch: &str,
    owner: &str,
    notes: &Notes<'_>,
) -> (String, Object) {
    let is_on = |it: &Option<wire::Enabled>| it.as_ref().and_then(|it| it.enabled);
    let admins_bound = is_on(&it.enforce_admins).unwrap_or(false);
    let force = is_on(&it.allow_force_pushes).unwrap_or(false);
    let deletion = is_on(&it.allow_deletions).unwrap_or(false);
    let reviews = it.required_pull_request_reviews;
    let checks = it.required_status_checks;
    let (asks_reviews, asks_checks) = (reviews.is_some(), checks.is_some());
    let (reviews, checks) = (reviews.unwrap_or_default(), checks.unwrap_or_default());
    let rule = BranchRule {
        pattern: branch.to_owned(),
        admins_bound,
        block_deletion: binds(!deletion, true),
        block_force_push: binds(!force, true),
        force_push_allowed: Some(force),
        deletion_allowed: Some(deletion),
        restrict_push: it.restrictions.is_some(),
        pushers: actors(it.restrictions.as_ref(), owner, notes),
        reviews: binds(asks_reviews, admins_bound),
        approval_required: Some(asks_reviews),
        approvals: reviews.required_approving_review_count,
        dismiss_stale: reviews.dismiss_stale_reviews.unwrap_or(false),
        code_owner_review: reviews.require_code_owner_reviews.unwrap_or(false),
        restrict_dismissal: Some(reviews.dismissal_restrictions.is_some()),
        dismissers: actors(reviews.dismissal_restrictions.as_ref(), owner, notes),
        checks: binds(asks_checks, admins_bound),
        checks_required: Some(asks_checks),
        required_checks: checks.contexts.unwrap_or_default(),
        strict_checks: checks.strict.unwrap_or(false),
        signatures: is_on(&it.required_signatures),
        linear_history: is_on(&it.required_linear_history),
        threads_resolved: is_on(&it.required_conversation_resolution),
        read_only: is_on(&it.lock_branch).unwrap_or(false),
        ..BranchRule::default()
    };
    (branch.to_owned(), Object::from(rule))
}

/// The pattern that a ruleset's word stands for.
///
/// Source: GitHub, "Creating rulesets", "Using fnmatch syntax"; `~ALL` and
/// `~DEFAULT_BRANCH` are words of the API.
fn pattern(word: &str, head: &str, default_branch: &str) -> String {
    match word {
        "~ALL" => "**".to_owned(),
        "~DEFAULT_BRANCH" => default_branch.to_owned(),
        other => other.strip_prefix(head).unwrap_or(other).to_owned(),
    }
}

/// The rules of a ruleset, one for each of its patterns; none of one that is switched off.
pub(in crate::github) fn ruleset(
    it: &wire::Ruleset,
    default_branch: &str,
    notes: &mut Notes<'_>,
) -> Vec<(String, Object)> {
    let (Some(id), true) = (it.id, it.enforcement.as_deref() == Some("active")) else {
        return Vec::new();
    };
    let names = it.conditions.as_ref().and_then(|it| it.ref_name.as_ref());
    let exclude = names.and_then(|it| it.exclude.as_ref()).is_some_and(|it| !it.is_empty());
    if exclude {
        notes.odd("pattern", "exclude");
    }
    let include = names.and_then(|it| it.include.clone()).unwrap_or_default();
    let is_tag = it.target.as_deref() == Some("tag");
    let head = if is_tag { "refs/tags/" } else { "refs/heads/" };
    let mut made = Vec::new();
    for word in include {
        let pattern = pattern(&word, head, default_branch);
        let id = format!("ruleset/{id}/{pattern}");
        made.push(if is_tag {
            (id, Object::from(TagRule { pattern, ..TagRule::default() }))
        } else {
            (id, Object::from(branch_rule(it, pattern, notes)))
        });
    }
    made
}

fn branch_rule(it: &wire::Ruleset, pattern: String, notes: &mut Notes<'_>) -> BranchRule {
    // Whoever may pass by is not told by name: those who may are taken to be administrators.
    let admins_bound = it.bypass_actors.as_ref().is_none_or(Vec::is_empty);
    let on = binds(true, admins_bound);
    let mut rule = BranchRule { pattern, admins_bound, ..BranchRule::default() };
    for part in it.rules.iter().flatten() {
        let told = part.parameters.as_ref().unwrap_or(&Value::Null);
        let yes = |name: &str| told.get(name).and_then(Value::as_bool).unwrap_or(false);
        match part.r#type.as_deref().unwrap_or_default() {
            "deletion" => rule.block_deletion = on,
            "non_fast_forward" => rule.block_force_push = on,
            "required_linear_history" => rule.linear_history = Some(true),
            "required_signatures" => rule.signatures = Some(true),
            "update" => rule.restrict_push = true,
            "pull_request" => {
                let count = told.get("required_approving_review_count").and_then(Value::as_u64);
                rule.reviews = on;
                rule.approvals = count;
                rule.approval_required = Some(count.unwrap_or(0) > 0);
                rule.dismiss_stale = yes("dismiss_stale_reviews_on_push");
                rule.code_owner_review = yes("require_code_owner_review");
                rule.threads_resolved = Some(yes("required_review_thread_resolution"));
            }
            "required_status_checks" => {
                let checks = told.get("required_status_checks").and_then(Value::as_array);
                let name = |it: &Value| Some(it.get("context")?.as_str()?.to_owned());
                rule.checks = on;
                rule.checks_required = Some(true);
                rule.required_checks = checks.into_iter().flatten().filter_map(name).collect();
                rule.strict_checks = yes("strict_required_status_checks_policy");
            }
            other => notes.odd("pattern", format!("rule {other}")),
        }
    }
    rule
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes() -> Notes<'static> {
        Notes { host: "h.example", losses: Vec::new() }
    }

    #[test]
    fn what_administrators_may_pass_by_binds_the_others_alone() {
        let told = serde_json::from_str(
            r#"{"pattern": "release/*", "requiresApprovingReviews": true,
            "requiredApprovingReviewCount": 2, "isAdminEnforced": false, "allowsDeletions": true,
            "pushAllowances": {"nodes": [{"actor": {"__typename": "Team", "slug": "core"}},
                {"actor": {"__typename": "User", "login": "alice"}}, null]}}"#,
        )
        .unwrap();

        let (id, object) = protection(told, "acme", &notes()).unwrap();

        let Object::BranchRule(rule) = object else { panic!("a rule") };
        assert_eq!((id.as_str(), rule.reviews), ("release/*", Enforcement::NonAdmins));
        assert_eq!((rule.approvals, rule.block_deletion), (Some(2), Enforcement::Off));
        assert_eq!(rule.block_force_push, Enforcement::Everyone);
        let team = Grantee::Team { organization: "acme".into(), slug: "core".into() };
        assert_eq!((&rule.pushers[0], rule.pushers.len()), (&team, 2));
    }

    #[test]
    fn a_ruleset_is_a_rule_for_each_of_its_patterns() {
        let told: wire::Ruleset = serde_json::from_str(
            r#"{"id": 4, "target": "branch", "enforcement": "active",
            "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH", "refs/heads/v*"]}},
            "rules": [{"type": "deletion"}, {"type": "pull_request",
                "parameters": {"required_approving_review_count": 1}}, {"type": "unheard"}]}"#,
        )
        .unwrap();
        let mut notes = notes();

        let rules = ruleset(&told, "main", &mut notes);

        let ids: Vec<_> = rules.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["ruleset/4/main", "ruleset/4/v*"]);
        let Object::BranchRule(rule) = &rules[0].1 else { panic!("a rule") };
        assert_eq!((rule.approvals, rule.reviews), (Some(1), Enforcement::Everyone));
        assert_eq!(rule.block_deletion, Enforcement::Everyone);
        assert_eq!(notes.losses.len(), 2);
    }

    #[test]
    fn a_ruleset_that_is_switched_off_binds_nobody() {
        let told: wire::Ruleset =
            serde_json::from_str(r#"{"id": 4, "enforcement": "evaluate"}"#).unwrap();

        assert_eq!(ruleset(&told, "main", &mut notes()), []);
    }
}
