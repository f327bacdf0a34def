//! Rules for branches and tags.
//!
//! A name of a branch that is there is protected; patterns, and names of what is not there yet,
//! become a ruleset each. Where GitHub has no equal, the rule is stricter and not looser.

use super::{
    GithubSink, Order, Told,
    account::{refused, words},
    unnumbered, wire,
};
use crate::github::call::says;
use http::Method;
use packhorse_core::{
    HostError, HostErrorKind, TargetId,
    model::{BranchRule, Enforcement, Grantee, Role, TagRule},
    port::Written,
};
use serde_json::{Value, json};

/// What ids of rulesets begin with.
pub(super) const RULESET: &str = "ruleset/";
/// Numbers of GitHub's own roles in a project, as rulesets name who may pass by.
///
/// Source: GitHub, "REST API endpoints for rules", `actor_type` `RepositoryRole`.
const MAINTAIN: u64 = 2;
const WRITE: u64 = 4;
const ADMIN: u64 = 5;

/// Whether a rule is refused because the plan has none for private projects.
fn is_unpaid(error: &HostError) -> bool {
    error.kind == HostErrorKind::Forbidden && says(error, "upgrade")
}

/// The number of the ruleset that an id names.
pub(super) fn ruleset_number(id: &str) -> Option<&str> {
    id.strip_prefix(RULESET)?.split('/').next()
}

/// Whether a name is a pattern.
fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

fn allows_force(rule: &BranchRule) -> bool {
    rule.force_push_allowed.unwrap_or(rule.block_force_push == Enforcement::Off)
}

fn allows_deletion(rule: &BranchRule) -> bool {
    rule.deletion_allowed.unwrap_or(rule.block_deletion == Enforcement::Off)
}

fn wants_reviews(rule: &BranchRule) -> bool {
    rule.reviews != Enforcement::Off || rule.approval_required == Some(true)
}

fn wants_checks(rule: &BranchRule) -> bool {
    let is_asked = rule.checks != Enforcement::Off || rule.checks_required == Some(true);
    let says_which = rule.strict_checks || !rule.required_checks.is_empty();
    is_asked && says_which
}

/// Binds administrators too where any part of the rule does.
fn binds_admins(rule: &BranchRule) -> bool {
    rule.admins_bound || [rule.reviews, rule.checks].contains(&Enforcement::Everyone)
}

/// How many approvals; a rule that wants them without a number wants one.
fn approvals(rule: &BranchRule, told: &mut Told) -> u64 {
    let default = u64::from(rule.approval_required == Some(true));
    let wanted = rule.approvals.unwrap_or(default);
    if wanted > 6 {
        told.lost("approvals", "GitHub knows six at most");
    }
    wanted.min(6)
}

impl GithubSink {
    pub(super) async fn branch_rule(
        &self,
        order: Order<'_>,
        rule: &BranchRule,
    ) -> Result<Written, HostError> {
        let mut told = Told::default();
        if rule.restrict_merge && !rule.restrict_push {
            told.lost("restrict_merge", "who may merge is who may push, on GitHub");
        }
        let is_ruleset = order.existing.is_some_and(|it| it.0.starts_with(RULESET));
        let is_plain = !is_pattern(&rule.pattern) && !is_ruleset;
        if is_plain && self.sha(order.path, &rule.pattern).await?.is_some() {
            return self.protect(order, rule, told).await;
        }
        let rules = branch_rules(rule, &mut told);
        let passing = if binds_admins(rule) { Vec::new() } else { vec![role(ADMIN)] };
        let ruleset = json!({"name": format!("branches {}", rule.pattern), "target": "branch",
            "enforcement": "active", "bypass_actors": passing, "rules": rules,
            "conditions": {"ref_name":
                {"include": [format!("refs/heads/{}", rule.pattern)], "exclude": []}}});
        self.ruleset(order, (&rule.pattern, &ruleset), told).await
    }

    async fn protect(
        &self,
        order: Order<'_>,
        rule: &BranchRule,
        mut told: Told,
    ) -> Result<Written, HostError> {
        let operation = "protect a branch";
        let is_organizations = self.is_organizations(order.path).await?;
        let body = self.protection(rule, is_organizations, &mut told);
        let path = order.path.below(&["branches", &rule.pattern, "protection"]);
        match self.api.tell(Method::PUT, &path, &body, operation).await {
            Err(error) if refused(error.kind) || is_unpaid(&error) => {
                return Ok(told.missed(format!("{}. Protect it by hand", words(&error))));
            }
            other => drop(other?),
        }
        let signatures = [path, vec!["required_signatures"]].concat();
        if rule.signatures == Some(true) {
            self.api.tell(Method::POST, &signatures, &json!({}), operation).await?;
        } else if order.existing.is_some() {
            self.api.delete(&signatures, operation).await?;
        }
        Ok(told.done(&rule.pattern, order.existing))
    }

    /// The body that protects a branch.
    fn protection(&self, rule: &BranchRule, is_organizations: bool, told: &mut Told) -> Value {
        let mut locked = rule.read_only;
        let limits_push = rule.restrict_push || rule.restrict_merge;
        let restrictions = match (limits_push, is_organizations) {
            (false, _) => Value::Null,
            (true, true) => {
                let pushers = rule.pushers.iter().chain(&rule.mergers);
                self.actors(pushers, "pushers", told)
            }
            (true, false) => {
                // SECURITY: without a list, everybody who may push could.
                locked = true;
                let why = "only organizations say who may push: nobody may, until it is changed";
                told.lost("restrict_push", why);
                Value::Null
            }
        };
        let mut reviews = Value::Null;
        if wants_reviews(rule) {
            reviews = json!({"dismiss_stale_reviews": rule.dismiss_stale,
                "require_code_owner_reviews": rule.code_owner_review,
                "required_approving_review_count": approvals(rule, told)});
            if rule.restrict_dismissal == Some(true) && is_organizations {
                let actors = self.actors(rule.dismissers.iter(), "dismissers", told);
                reviews["dismissal_restrictions"] = actors;
            }
        }
        let checks = wants_checks(rule)
            .then(|| json!({"strict": rule.strict_checks, "contexts": rule.required_checks}));
        json!({"required_status_checks": checks, "enforce_admins": binds_admins(rule),
            "required_pull_request_reviews": reviews, "restrictions": restrictions,
            "required_linear_history": rule.linear_history == Some(true),
            "allow_force_pushes": allows_force(rule), "allow_deletions": allows_deletion(rule),
            "required_conversation_resolution": rule.threads_resolved == Some(true),
            "lock_branch": locked})
    }

    /// Accounts and teams; who is not known here is not let in.
    fn actors<'a>(
        &self,
        grantees: impl Iterator<Item = &'a Grantee>,
        field: &'static str,
        told: &mut Told,
    ) -> Value {
        let (mut users, mut teams, mut unknown) = (Vec::new(), Vec::new(), 0_u32);
        for grantee in grantees {
            match grantee {
                Grantee::User(person) => match self.account(person) {
                    Some(login) => users.push(login.to_owned()),
                    None => unknown += 1,
                },
                Grantee::Team { slug, .. } => teams.push(slug.clone()),
                Grantee::Group(_) => unknown += 1,
            }
        }
        if unknown > 0 {
            told.lost(field, format!("{unknown} of them have no account here that is known"));
        }
        json!({"users": users, "teams": teams})
    }

    pub(super) async fn tag_rule(
        &self,
        order: Order<'_>,
        rule: &TagRule,
    ) -> Result<Written, HostError> {
        let mut told = Told::default();
        let mut passing = Vec::new();
        match rule.role {
            Some(Role::Owner | Role::Admin) => passing.push(role(ADMIN)),
            Some(Role::Maintain) => passing.extend([role(ADMIN), role(MAINTAIN)]),
            Some(Role::Write) => passing.extend([role(ADMIN), role(MAINTAIN), role(WRITE)]),
            Some(Role::Triage | Role::Read | Role::Planner | Role::Guest) => {
                told.lost("role", "whoever may make tags on GitHub may push");
                passing.extend([role(ADMIN), role(MAINTAIN), role(WRITE)]);
            }
            Some(Role::None) | None => {}
        }
        for grantee in &rule.creators {
            let id = match grantee {
                Grantee::Team { organization, slug } => {
                    self.team_number(organization, slug).await?
                }
                Grantee::User(_) | Grantee::Group(_) => None,
            };
            match id {
                Some(id) => passing
                    .push(json!({"actor_id": id, "actor_type": "Team", "bypass_mode": "always"})),
                None => {
                    told.lost("creators", "rulesets let by teams and roles, and nobody by name")
                }
            }
        }
        let ruleset = json!({"name": format!("tags {}", rule.pattern), "target": "tag",
            "enforcement": "active", "bypass_actors": passing,
            "rules": [{"type": "creation"}, {"type": "update"}, {"type": "deletion"}],
            "conditions": {"ref_name":
                {"include": [format!("refs/tags/{}", rule.pattern)], "exclude": []}}});
        self.ruleset(order, (&rule.pattern, &ruleset), told).await
    }

    async fn team_number(&self, organization: &str, slug: &str) -> Result<Option<u64>, HostError> {
        let path = ["orgs", self.organization(organization), "teams", slug];
        let found: Option<Value> = self.api.find_open(&path, "look for a team").await?;
        Ok(found.and_then(|it| it.get("id")?.as_u64()))
    }

    async fn ruleset(
        &self,
        order: Order<'_>,
        (pattern, ruleset): (&str, &Value),
        told: Told,
    ) -> Result<Written, HostError> {
        let operation = "write a ruleset";
        let number = order.existing.and_then(|it: &TargetId| ruleset_number(&it.0));
        let (method, path) = match number {
            Some(number) => (Method::PUT, order.path.below(&["rulesets", number])),
            None => (Method::POST, order.path.below(&["rulesets"])),
        };
        let made: Result<wire::Ruleset, _> = self.api.send(method, &path, ruleset, operation).await;
        match made {
            Err(error) if refused(error.kind) || is_unpaid(&error) => {
                Ok(told.missed(format!("{}. Make the rule by hand", words(&error))))
            }
            other => {
                let id = other?.id.ok_or_else(|| unnumbered(operation))?;
                Ok(told.done(format!("{RULESET}{id}/{pattern}"), order.existing))
            }
        }
    }
}

/// One of GitHub's own roles that may pass a ruleset by.
fn role(number: u64) -> Value {
    json!({"actor_id": number, "actor_type": "RepositoryRole", "bypass_mode": "always"})
}

/// The parts of a ruleset.
fn branch_rules(rule: &BranchRule, told: &mut Told) -> Vec<Value> {
    let mut rules = Vec::new();
    let mut add = |is_on: bool, name: &str| {
        if is_on {
            rules.push(json!({"type": name}));
        }
    };
    add(!allows_deletion(rule), "deletion");
    add(!allows_force(rule), "non_fast_forward");
    add(rule.linear_history == Some(true), "required_linear_history");
    add(rule.signatures == Some(true), "required_signatures");
    let limits_push = rule.restrict_push || rule.restrict_merge;
    add(rule.read_only || limits_push, "update");
    if limits_push && !rule.pushers.is_empty() {
        let why = "rulesets let nobody by name: only administrators may push, if anybody";
        told.lost("pushers", why);
    }
    let resolved = rule.threads_resolved == Some(true);
    if wants_reviews(rule) || resolved {
        rules.push(json!({"type": "pull_request", "parameters": {
            "required_approving_review_count": approvals(rule, told),
            "dismiss_stale_reviews_on_push": rule.dismiss_stale,
            "require_code_owner_review": rule.code_owner_review,
            "require_last_push_approval": false,
            "required_review_thread_resolution": resolved}}));
    }
    if wants_checks(rule) {
        let checks: Vec<Value> =
            rule.required_checks.iter().map(|it| json!({"context": it})).collect();
        rules.push(json!({"type": "required_status_checks", "parameters": {
            "required_status_checks": checks,
            "strict_required_status_checks_policy": rule.strict_checks}}));
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_allowed_is_forbidden_and_never_the_other_way_round() {
        let none = BranchRule::default();
        assert!(allows_force(&none) && allows_deletion(&none) && !binds_admins(&none));

        let block = BranchRule { block_force_push: Enforcement::NonAdmins, ..none.clone() };
        assert!(!allows_force(&block));
        let everyone = BranchRule { reviews: Enforcement::Everyone, ..none.clone() };
        assert!(binds_admins(&everyone) && wants_reviews(&everyone));

        let mut told = Told::default();
        let rules = branch_rules(&block, &mut told);
        assert_eq!(rules, [json!({"type": "non_fast_forward"})]);
        let pushers = BranchRule { restrict_push: true, ..none };
        assert_eq!(branch_rules(&pushers, &mut told), [json!({"type": "update"})]);
    }

    #[test]
    fn a_name_is_told_from_a_pattern() {
        assert!(is_pattern("release/*") && is_pattern("v[0-9]") && !is_pattern("main"));
        assert_eq!(ruleset_number("ruleset/42/release/*"), Some("42"));
        assert_eq!(ruleset_number("main"), None);
    }
}
