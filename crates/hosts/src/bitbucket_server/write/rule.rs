//! Rules for branches and tags, as restrictions and merge checks.

use super::{Done, Part, Path, ServerSink, is_refusal, wire, words};
use crate::bitbucket_server::map::rule::ALL;
use http::Method;
use packhorse_core::{
    HostError, Loss, TargetId,
    model::{BranchRule, Enforcement, Grantee, TagRule},
};
use serde_json::{Value, json};

/// Those who are exempt, by name, and who cannot be.
#[derive(Clone, Default)]
struct Exempt {
    users: Vec<String>,
    groups: Vec<String>,
    lost: Vec<String>,
}

impl Exempt {
    fn of(list: &[Grantee]) -> Self {
        let mut exempt = Self::default();
        for grantee in list {
            match grantee {
                Grantee::User(who) => exempt.users.push(who.login.clone()),
                Grantee::Group(name) => exempt.groups.push(name.clone()),
                Grantee::Team { organization, slug } => {
                    exempt.lost.push(format!("the team {organization}/{slug}"));
                }
            }
        }
        exempt
    }
}

/// One restriction to be made.
struct Wanted {
    kind: &'static str,
    exempt: Exempt,
    field: &'static str,
}

/// What matches the branches of a rule.
fn matcher(pattern: &str) -> Value {
    let has_wildcard = pattern.contains(['*', '?']);
    match has_wildcard {
        true => json!({"id": pattern, "type": {"id": "PATTERN"}}),
        false => json!({"id": format!("refs/heads/{pattern}"), "type": {"id": "BRANCH"}}),
    }
}

/// The restrictions of a rule.
///
/// Closing a branch closes it to merging too; so who may merge and not push is
/// exempt from the one and not from the other.
fn wanted(it: &BranchRule) -> Vec<Wanted> {
    let mut list = Vec::new();
    let mut add = |kind, exempt, field| list.push(Wanted { kind, exempt, field });
    if it.read_only {
        add("read-only", Exempt::default(), "read_only");
    } else {
        if it.restrict_merge {
            add("read-only", Exempt::of(&it.mergers), "mergers");
        }
        if it.restrict_push {
            add("pull-request-only", Exempt::of(&it.pushers), "pushers");
        }
    }
    let is_on = |it: Enforcement| it != Enforcement::Off;
    if is_on(it.block_force_push) && it.force_push_allowed != Some(true) {
        add("fast-forward-only", Exempt::default(), "block_force_push");
    }
    if is_on(it.block_deletion) && it.deletion_allowed != Some(true) {
        add("no-deletes", Exempt::default(), "block_deletion");
    }
    list
}

/// What of a rule there is no equal of.
fn losses_of(it: &BranchRule) -> Vec<Loss> {
    let mut losses = Vec::new();
    let mut lose =
        |field: &'static str, detail: &str| losses.push(Loss::sink(field, detail.to_owned()));
    if !it.admins_bound {
        lose("admins_bound", "administrators are bound too");
    }
    for (value, field) in [
        (it.block_force_push, "block_force_push"),
        (it.block_deletion, "block_deletion"),
        (it.reviews, "reviews"),
        (it.checks, "checks"),
    ] {
        if value == Enforcement::NonAdmins {
            lose(field, "administrators are bound too");
        }
    }
    let may_not = it.restrict_merge && it.pushers.iter().any(|who| !it.mergers.contains(who));
    if may_not {
        lose("pushers", "who may not merge may not push here either");
    }
    if !it.required_checks.is_empty() {
        let names = it.required_checks.join(", ");
        lose(
            "required_checks",
            &format!("as many builds must pass, whichever they are; it was {names}"),
        );
    }
    losses
}

impl ServerSink {
    pub(super) async fn write_branch_rule(
        &self,
        path: Path<'_>,
        it: &BranchRule,
        existing: Option<&TargetId>,
    ) -> Result<Done, HostError> {
        let mut losses = losses_of(it);
        let wanted = wanted(it);
        if wanted.is_empty() && !needs_checks(it) {
            return Ok(Done::dropped(&it.pattern, "nothing of it is a rule here"));
        }
        self.unrestrict(path, &it.pattern, "").await?;
        losses.extend(self.restrict(path, &matcher(&it.pattern), wanted).await?);
        losses.extend(self.check(path, it).await?);
        Ok(Done::new(&it.pattern, existing).with(losses))
    }

    pub(super) async fn write_tag_rule(
        &self,
        path: Path<'_>,
        it: &TagRule,
        existing: Option<&TargetId>,
    ) -> Result<Done, HostError> {
        let mut losses = Vec::new();
        if let Some(role) = it.role {
            let detail =
                format!("only those who are named may make such tags; it was role {role:?} too");
            losses.push(Loss::sink("role", detail));
        }
        self.unrestrict(path, &it.pattern, "refs/tags/").await?;
        let id = format!("refs/tags/{}", it.pattern);
        let matcher = json!({"id": id, "type": {"id": "PATTERN"}});
        let exempt = Exempt::of(&it.creators);
        let wanted = vec![Wanted { kind: "read-only", exempt, field: "creators" }];
        losses.extend(self.restrict(path, &matcher, wanted).await?);
        Ok(Done::new(&it.pattern, existing).with(losses))
    }

    async fn restrict(
        &self,
        path: Path<'_>,
        matcher: &Value,
        wanted: Vec<Wanted>,
    ) -> Result<Vec<Loss>, HostError> {
        let mut losses = Vec::new();
        for Wanted { kind, exempt, field } in wanted {
            if !exempt.lost.is_empty() {
                let detail = format!("{} are not exempt here", exempt.lost.join(", "));
                losses.push(Loss::sink(field, detail));
            }
            let body = |it: &Exempt| json!({"type": kind, "matcher": matcher, "users": it.users, "groups": it.groups});
            let mut made = self.restriction(path, &body(&exempt)).await;
            let has_names = !exempt.users.is_empty() || !exempt.groups.is_empty();
            if made.as_ref().is_err_and(is_refusal) && has_names {
                // Somebody is not known here: then nobody is exempt, which is the stricter rule.
                let said = made.as_ref().err().map(words).unwrap_or_default();
                losses.push(Loss::sink(field, format!("nobody is exempt here: {said}")));
                made = self.restriction(path, &body(&Exempt::default())).await;
            }
            made?;
        }
        Ok(losses)
    }

    async fn restriction(&self, path: Path<'_>, body: &Value) -> Result<(), HostError> {
        let below = path.below(&["restrictions"]);
        let at = (Part::BranchPermissions, &below[..]);
        self.api.act(Method::POST, at, &[], (Some(body), "write a branch permission")).await
    }

    /// Restrictions of the repository itself for a pattern.
    pub(super) async fn restrictions(
        &self,
        path: Path<'_>,
        pattern: &str,
        prefix: &str,
    ) -> Result<Vec<wire::Restriction>, HostError> {
        let below = path.below(&["restrictions"]);
        let operation = "look for branch permissions";
        let all: Vec<wire::Restriction> =
            self.api.children((Part::BranchPermissions, &below), &[], operation).await?;
        let exact = match prefix {
            "" => vec![pattern.to_owned(), format!("refs/heads/{pattern}")],
            prefix => vec![format!("{prefix}{pattern}")],
        };
        let is_meant = |it: &wire::Restriction| {
            let id = it.matcher.as_ref().and_then(|it| it.id.as_ref());
            let is_own = it.scope.as_ref().and_then(|it| it.r#type.as_deref()) != Some("PROJECT");
            is_own && id.is_some_and(|it| exact.contains(it))
        };
        Ok(all.into_iter().filter(is_meant).collect())
    }

    pub(super) async fn unrestrict(
        &self,
        path: Path<'_>,
        pattern: &str,
        prefix: &str,
    ) -> Result<(), HostError> {
        for it in self.restrictions(path, pattern, prefix).await? {
            let Some(id) = it.id.map(|it| it.to_string()) else { continue };
            let below = path.below(&["restrictions", &id]);
            let at = (Part::BranchPermissions, &below[..]);
            self.api.delete(at, &[], "remove a branch permission").await?;
        }
        Ok(())
    }

    /// Merge checks, which hold for every branch here and never become looser.
    async fn check(&self, path: Path<'_>, it: &BranchRule) -> Result<Vec<Loss>, HostError> {
        if !needs_checks(it) {
            return Ok(Vec::new());
        }
        let operation = "set checks before merging";
        let below = path.below(&["settings", "pull-requests"]);
        let now: Option<wire::PullRequestSettings> =
            self.api.find(Part::Core, &below, operation).await?;
        let now = now.unwrap_or_default();
        let mut body = json!({});
        let mut losses = Vec::new();
        if let Some(wanted) = approvals(it) {
            let count = wanted
                .max(super::super::map::rule::count(now.required_approvers.as_ref()).unwrap_or(0));
            body["requiredApprovers"] = counted(now.required_approvers.as_ref(), count);
            if it.pattern != ALL {
                losses.push(Loss::sink("approvals", "holds for every branch here"));
            }
        }
        if it.checks != Enforcement::Off {
            let wanted = u64::try_from(it.required_checks.len()).unwrap_or(1).max(1);
            let told = now.required_successful_builds.as_ref();
            let count = wanted.max(super::super::map::rule::count(told).unwrap_or(0));
            body["requiredSuccessfulBuilds"] = counted(told, count);
            if it.pattern != ALL {
                losses.push(Loss::sink("checks", "holds for every branch here"));
            }
        }
        if it.threads_resolved == Some(true) {
            body["requiredAllTasksComplete"] = json!(true);
            losses.push(Loss::sink("threads_resolved", "tasks must be done, in every branch"));
        }
        let at = (Part::Core, &below[..]);
        self.api.act(Method::POST, at, &[], (Some(&body), operation)).await?;
        Ok(losses)
    }
}

fn approvals(it: &BranchRule) -> Option<u64> {
    (it.reviews != Enforcement::Off).then(|| it.approvals.unwrap_or(1)).filter(|it| *it > 0)
}

fn needs_checks(it: &BranchRule) -> bool {
    approvals(it).is_some() || it.checks != Enforcement::Off || it.threads_resolved == Some(true)
}

/// A count in the shape that this version tells it in.
fn counted(now: Option<&Value>, count: u64) -> Value {
    match now {
        Some(Value::Object(fields)) if fields.contains_key("enable") => {
            json!({"enable": true, "count": count})
        }
        Some(Value::Object(_)) => json!({"enabled": true, "count": count.to_string()}),
        Some(_) | None => json!(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::model::Identity;

    #[test]
    fn a_rule_is_never_looser_than_it_was() {
        let alice = Grantee::User(Identity::login("alice", None));
        let team = Grantee::Team { organization: "acme".into(), slug: "core".into() };
        let rule = BranchRule {
            pattern: "main".into(),
            restrict_push: true,
            pushers: vec![alice.clone(), team],
            restrict_merge: true,
            block_force_push: Enforcement::NonAdmins,
            block_deletion: Enforcement::Everyone,
            ..BranchRule::default()
        };

        let made = wanted(&rule);

        let kinds: Vec<_> = made.iter().map(|it| it.kind).collect();
        assert_eq!(kinds, ["read-only", "pull-request-only", "fast-forward-only", "no-deletes"]);
        assert!(made[0].exempt.users.is_empty());
        assert_eq!((made[1].exempt.users.len(), made[1].exempt.lost.len()), (1, 1));
        let lost: Vec<_> = losses_of(&rule).into_iter().map(|it| it.field).collect();
        assert_eq!(lost, ["admins_bound", "block_force_push", "pushers"]);
    }

    #[test]
    fn a_count_keeps_the_shape_that_it_has() {
        assert_eq!(counted(None, 2), json!(2));
        let new = json!({"enable": false, "count": 0});
        assert_eq!(counted(Some(&new), 2), json!({"enable": true, "count": 2}));
    }
}
