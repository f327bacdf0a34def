//! Rules for branches, as branch restrictions.

use super::{CloudSink, Done, Path, account, is_refusal, wire, words};
use http::Method;
use packhorse_core::{
    HostError, HostErrorKind, Loss, TargetId,
    model::{BranchRule, Enforcement, Grantee},
};
use serde_json::{Value, json};

/// One restriction to be made.
#[derive(Default)]
struct Wanted {
    kind: &'static str,
    value: Option<u64>,
    /// Those who are exempt; for kinds that have some.
    exempt: Option<Vec<Grantee>>,
    /// Field that is lost where there can be no such restriction.
    field: &'static str,
}

/// The restrictions of a rule.
fn wanted(it: &BranchRule) -> Vec<Wanted> {
    let mut list = Vec::new();
    let mut add = |kind, field, value, exempt| list.push(Wanted { kind, value, exempt, field });
    let is_on = |it: Enforcement| it != Enforcement::Off;
    if it.read_only || it.restrict_push {
        let exempt = if it.read_only { Vec::new() } else { it.pushers.clone() };
        add("push", "pushers", None, Some(exempt));
    }
    if it.read_only || it.restrict_merge {
        let exempt = if it.read_only { Vec::new() } else { it.mergers.clone() };
        add("restrict_merges", "mergers", None, Some(exempt));
    }
    if is_on(it.block_force_push) && it.force_push_allowed != Some(true) {
        add("force", "block_force_push", None, None);
    }
    if is_on(it.block_deletion) && it.deletion_allowed != Some(true) {
        add("delete", "block_deletion", None, None);
    }
    let mut checks = false;
    if is_on(it.reviews) && it.approvals != Some(0) {
        add("require_approvals_to_merge", "approvals", Some(it.approvals.unwrap_or(1)), None);
        checks = true;
    }
    if is_on(it.checks) {
        let count = u64::try_from(it.required_checks.len()).unwrap_or(1).max(1);
        add("require_passing_builds_to_merge", "checks", Some(count), None);
        checks = true;
    }
    if it.threads_resolved == Some(true) {
        add("require_all_comments_resolved", "threads_resolved", None, None);
        add("require_tasks_to_be_completed", "threads_resolved", None, None);
        checks = true;
    }
    if it.dismiss_stale {
        add("reset_pullrequest_approvals_on_change", "dismiss_stale", None, None);
    }
    if it.strict_checks {
        add("require_commits_behind", "strict_checks", Some(0), None);
        checks = true;
    }
    if checks {
        // Without it, all of these are warnings.
        add("enforce_merge_checks", "checks", None, None);
    }
    list
}

/// What of a rule there is no equal of.
fn losses_of(it: &BranchRule) -> Vec<Loss> {
    let mut losses = Vec::new();
    let mut lose = |field: &'static str, detail: String| losses.push(Loss::sink(field, detail));
    let bound = "administrators are bound too";
    if !it.admins_bound {
        lose("admins_bound", bound.to_owned());
    }
    for (value, field) in [
        (it.block_force_push, "block_force_push"),
        (it.block_deletion, "block_deletion"),
        (it.reviews, "reviews"),
        (it.checks, "checks"),
    ] {
        if value == Enforcement::NonAdmins {
            lose(field, bound.to_owned());
        }
    }
    if !it.required_checks.is_empty() {
        let names = it.required_checks.join(", ");
        lose(
            "required_checks",
            format!("as many builds must pass, whichever they are; it was {names}"),
        );
    }
    losses
}

impl CloudSink {
    pub(super) async fn write_branch_rule(
        &self,
        path: Path<'_>,
        it: &BranchRule,
        existing: Option<&TargetId>,
    ) -> Result<Done, HostError> {
        let wanted = wanted(it);
        if wanted.is_empty() {
            return Ok(Done::dropped(&it.pattern, "nothing of it is a rule here"));
        }
        let mut losses = losses_of(it);
        self.unrestrict(path, &it.pattern).await?;
        for wanted in wanted {
            losses.extend(self.restrict(path, &it.pattern, wanted).await?);
        }
        Ok(Done::new(&it.pattern, existing).with(losses))
    }

    async fn restrict(
        &self,
        path: Path<'_>,
        pattern: &str,
        wanted: Wanted,
    ) -> Result<Vec<Loss>, HostError> {
        let Wanted { kind, value, exempt, field } = wanted;
        let mut losses = Vec::new();
        let (mut users, mut groups) = (Vec::new(), Vec::new());
        for grantee in exempt.iter().flatten() {
            match grantee {
                Grantee::User(who) => users.push(account(&who.login)),
                Grantee::Team { organization, slug } if *organization == path.workspace => {
                    let workspace = json!({"type": "workspace", "slug": organization});
                    groups.push(json!({"type": "group", "slug": slug, "workspace": workspace}));
                }
                Grantee::Team { slug: name, .. } | Grantee::Group(name) => {
                    losses.push(Loss::sink(field, format!("the group {name} is not exempt here")));
                }
            }
        }
        let mut body = json!({
            "type": "branchrestriction",
            "kind": kind,
            "branch_match_kind": "glob",
            "pattern": pattern,
        });
        if let Some(value) = value {
            body["value"] = json!(value);
        }
        if exempt.is_some() {
            body["users"] = Value::Array(users);
            body["groups"] = Value::Array(groups);
        }
        let mut made = self.restriction(path, &body).await;
        if made.as_ref().is_err_and(is_refusal) && exempt.is_some_and(|it| !it.is_empty()) {
            // Somebody is not known here: then nobody is exempt, which is the stricter rule.
            let said = made.as_ref().err().map(words).unwrap_or_default();
            losses.push(Loss::sink(field, format!("nobody is exempt here: {said}")));
            (body["users"], body["groups"]) = (json!([]), json!([]));
            made = self.restriction(path, &body).await;
        }
        match made {
            // Some kinds are for paid workspaces alone.
            Err(error) if is_refusal(&error) || error.kind == HostErrorKind::Forbidden => {
                let why = match kind {
                    "enforce_merge_checks" => "checks before merging are warnings here".to_owned(),
                    _ => format!("the rule is looser here, without `{kind}`"),
                };
                losses.push(Loss::sink(field, format!("{why}: {}", words(&error))));
                Ok(losses)
            }
            other => other.map(|()| losses),
        }
    }

    async fn restriction(&self, path: Path<'_>, body: &Value) -> Result<(), HostError> {
        let below = path.below(&["branch-restrictions"]);
        self.api.act(Method::POST, &below, (Some(body), "write a branch restriction")).await
    }

    /// Restrictions of a pattern.
    pub(super) async fn restrictions(
        &self,
        path: Path<'_>,
        pattern: &str,
    ) -> Result<Vec<wire::Restriction>, HostError> {
        let below = path.below(&["branch-restrictions"]);
        let query = [("pattern", pattern)];
        let all: Vec<wire::Restriction> =
            self.api.children(&below, &query, "look for branch restrictions").await?;
        Ok(all.into_iter().filter(|it| it.pattern.as_deref() == Some(pattern)).collect())
    }

    pub(super) async fn unrestrict(&self, path: Path<'_>, pattern: &str) -> Result<(), HostError> {
        for it in self.restrictions(path, pattern).await? {
            let Some(id) = it.id.map(|it| it.to_string()) else { continue };
            let below = path.below(&["branch-restrictions", &id]);
            self.api.delete(&below, "remove a branch restriction").await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_never_looser_than_it_was() {
        let kinds = |rule: &BranchRule| wanted(rule).iter().map(|it| it.kind).collect::<Vec<_>>();

        let closed = BranchRule { read_only: true, ..BranchRule::default() };
        assert_eq!(kinds(&closed), ["push", "restrict_merges"]);
        let checked = BranchRule {
            block_force_push: Enforcement::NonAdmins,
            block_deletion: Enforcement::Everyone,
            reviews: Enforcement::Everyone,
            approvals: Some(2),
            ..BranchRule::default()
        };
        let expected = ["force", "delete", "require_approvals_to_merge", "enforce_merge_checks"];
        assert_eq!(kinds(&checked), expected);
        assert_eq!(wanted(&checked)[2].value, Some(2));
        assert!(losses_of(&checked).iter().any(|it| it.field == "block_force_push"));
    }
}
