//! Rules for branches and tags: never looser than they were.

use super::{Done, GiteaSink, Path, Task};
use crate::gitea::{call::Change, wire};
use packhorse_core::{
    HostError,
    model::{BranchRule, Enforcement, Grantee, TagRule},
    port::Outcome,
};
use serde_json::{Value, json};

/// People and teams that a rule makes an exception for.
#[derive(Default)]
struct Named {
    people: Vec<String>,
    teams: Vec<String>,
}

impl GiteaSink {
    /// Who of those that a rule names is here; without the others the rule is stricter.
    async fn named(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        (field, grantees): (&'static str, &[Grantee]),
    ) -> Result<Named, HostError> {
        let mut named = Named::default();
        for grantee in grantees {
            match grantee {
                Grantee::User(who) if self.has_account(who).await? => {
                    named.people.push(who.login.clone());
                }
                Grantee::User(who) => task.lose(field, format!("{who} has no account there")),
                Grantee::Team { slug, .. } => {
                    let is_there = self.organization_is_there(path.owner).await?
                        && self.find_team(path.owner, slug).await?.is_some();
                    match is_there {
                        true => named.teams.push(slug.clone()),
                        false => task.lose(field, format!("there is no team `{slug}`")),
                    }
                }
                Grantee::Group(name) => {
                    task.lose(field, format!("there is no group `{name}`"));
                }
            }
        }
        Ok(named)
    }

    pub(super) async fn branch_rule(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        rule: &BranchRule,
    ) -> Done {
        let mut body = branch_rule(task, rule);
        let pushers = self.named(path, task, ("pushers", &rule.pushers)).await?;
        let mergers = self.named(path, task, ("mergers", &rule.mergers)).await?;
        if rule.restrict_push || rule.read_only {
            let nobody = rule.read_only || pushers.people.is_empty() && pushers.teams.is_empty();
            body["enable_push"] = json!(!nobody);
            body["enable_push_whitelist"] = json!(!nobody);
        }
        body["push_whitelist_usernames"] = json!(pushers.people);
        body["push_whitelist_teams"] = json!(pushers.teams);
        body["merge_whitelist_usernames"] = json!(mergers.people);
        body["merge_whitelist_teams"] = json!(mergers.teams);
        let name = task.existing.map_or(rule.pattern.as_str(), |it| it.0.as_str()).to_owned();
        let below = path.below(&["branch_protections", &name]);
        let there: Option<Value> = self.api.find(&below, "look for a rule for branches").await?;
        if there.is_some() && name == rule.pattern {
            self.api.patch(Change::new(&below, "change a rule for branches"), &body).await?;
            let outcome = if task.existing.is_some() { Outcome::Updated } else { Outcome::Adopted };
            return Ok((name, outcome));
        }
        body["rule_name"] = json!(rule.pattern);
        let below = path.below(&["branch_protections"]);
        self.api.act(Change::new(&below, "make a rule for branches"), &body).await?;
        Ok((rule.pattern.clone(), Outcome::Created))
    }

    pub(super) async fn tag_rule(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        rule: &TagRule,
    ) -> Done {
        let creators = self.named(path, task, ("creators", &rule.creators)).await?;
        if rule.role.is_some() {
            task.lose("role", "only people and teams can be named; the rule is stricter");
        }
        let body = json!({
            "name_pattern": rule.pattern, "whitelist_usernames": creators.people,
            "whitelist_teams": creators.teams,
        });
        let existing = match task.existing {
            Some(existing) => Some((existing.0.clone(), Outcome::Updated)),
            None => {
                let id = self.find_tag_rule(path, &rule.pattern).await?;
                id.map(|id| (id, Outcome::Adopted))
            }
        };
        if let Some((id, outcome)) = existing {
            let below = path.below(&["tag_protections", &id]);
            self.api.patch(Change::new(&below, "change a rule for tags"), &body).await?;
            return Ok((id, outcome));
        }
        let below = path.below(&["tag_protections"]);
        let operation = "make a rule for tags";
        let made: wire::TagProtection =
            self.api.post(Change::new(&below, operation), &body).await?;
        let id = made.id.ok_or_else(|| super::issue::unnumbered(operation))?;
        Ok((id.to_string(), Outcome::Created))
    }

    pub(super) async fn find_tag_rule(
        &self,
        path: Path<'_>,
        pattern: &str,
    ) -> Result<Option<String>, HostError> {
        let below = path.below(&["tag_protections"]);
        let rules: Vec<wire::TagProtection> =
            self.api.list_whole(&below, "look for a rule for tags").await?;
        let is_it = |it: &&wire::TagProtection| it.name_pattern.as_deref() == Some(pattern);
        Ok(rules.iter().find(is_it).and_then(|it| it.id).map(|it| it.to_string()))
    }
}

/// What a rule says beside the people that it names.
///
/// Protected branches cannot be deleted, and not be rewritten unless the rule says so.
fn branch_rule(task: &mut Task<'_>, rule: &BranchRule) -> Value {
    let reviews = rule.reviews != Enforcement::Off;
    let checks = rule.checks != Enforcement::Off;
    let approvals = match reviews {
        true => rule.approvals.unwrap_or(1).max(1),
        false => 0,
    };
    let bound = |it: Enforcement| it == Enforcement::Everyone;
    let binds_admins = rule.admins_bound || bound(rule.reviews) || bound(rule.checks);
    if rule.block_deletion != Enforcement::Everyone {
        task.lose("block_deletion", "nobody can delete a protected branch there");
        if rule.deletion_allowed == Some(true) {
            task.lose("deletion_allowed", "nobody can delete a protected branch there");
        }
    }
    let may_rewrite =
        rule.block_force_push == Enforcement::Off || rule.force_push_allowed == Some(true);
    if rule.block_force_push == Enforcement::NonAdmins {
        task.lose("block_force_push", "became stricter: it binds everybody");
    }
    for (field, is_lost) in [
        ("code_owner_review", rule.code_owner_review),
        ("linear_history", rule.linear_history == Some(true)),
        ("threads_resolved", rule.threads_resolved == Some(true)),
        ("restrict_dismissal", rule.restrict_dismissal == Some(true)),
    ] {
        if is_lost {
            task.lose(field, "the server has no such rule: without it the branch is less guarded");
        }
    }
    if !rule.dismissers.is_empty() {
        task.lose("dismissers", "the server has no such rule");
    }
    json!({
        "enable_push": !rule.read_only, "enable_push_whitelist": false,
        "enable_force_push": may_rewrite,
        "enable_merge_whitelist": rule.restrict_merge,
        "required_approvals": approvals,
        "dismiss_stale_approvals": rule.dismiss_stale,
        "block_on_rejected_reviews": reviews,
        "enable_status_check": checks,
        "status_check_contexts": if checks { rule.required_checks.clone() } else { Vec::new() },
        "block_on_outdated_branch": rule.strict_checks,
        "require_signed_commits": rule.signatures == Some(true),
        "block_admin_merge_override": binds_admins,
    })
}
