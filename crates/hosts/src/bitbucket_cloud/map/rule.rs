//! Rules for branches, from branch restrictions.
//!
//! There is one restriction for each pattern and kind; a rule of the model is all
//! restrictions of one pattern.
//!
//! Source: Atlassian's description of the API, `branchrestriction`.

use super::{identity, plain};
use crate::bitbucket_cloud::wire;
use packhorse_core::{
    Loss, Object, Record,
    model::{BranchRule, Enforcement, Grantee},
};
use std::collections::BTreeMap;

/// The pattern of a restriction; those by a type of branch become what the type begins with.
fn pattern(it: &wire::Restriction, model: &wire::BranchModel) -> Option<String> {
    let Some(kind) = it.branch_type.as_deref().filter(|it| !it.is_empty()) else {
        return plain(it.pattern.clone());
    };
    let named = match kind {
        "development" => model.development.as_ref(),
        "production" => model.production.as_ref(),
        _ => {
            let types = model.branch_types.iter().flat_map(|it| &it.0);
            let mut same = types.filter(|it| it.kind.as_deref() == Some(kind));
            let prefix = same.find_map(|it| it.prefix.clone());
            return Some(format!("{}*", prefix.unwrap_or_else(|| format!("{kind}/"))));
        }
    };
    let name = named.and_then(|it| {
        it.branch.as_ref().and_then(|it| it.name.clone()).or_else(|| it.name.clone())
    });
    Some(name.unwrap_or_else(|| if kind == "production" { "main" } else { "develop" }.to_owned()))
}

fn exempt(it: &wire::Restriction, (workspace, host): (&str, &str)) -> Vec<Grantee> {
    let people = it.users.iter().flat_map(|it| &it.0);
    let people = people.filter_map(|it| identity(it, host)).map(Grantee::User);
    let groups = it.groups.iter().flat_map(|it| &it.0).filter_map(|it| it.slug.clone());
    let team = |slug| Grantee::Team { organization: workspace.to_owned(), slug };
    people.chain(groups.map(team)).collect()
}

/// Rules for branches, one for each pattern.
pub(in crate::bitbucket_cloud) fn rules(
    restrictions: &[wire::Restriction],
    model: &wire::BranchModel,
    who: (&str, &str),
) -> Vec<Record> {
    let mut rules: BTreeMap<String, (BranchRule, Vec<Loss>)> = BTreeMap::new();
    for it in restrictions {
        let Some(pattern) = pattern(it, model) else { continue };
        let rule = rules.entry(pattern.clone()).or_insert_with(|| {
            (BranchRule { pattern, admins_bound: true, ..BranchRule::default() }, Vec::new())
        });
        restrict(rule, it, who);
    }
    let record = |(pattern, (rule, losses))| {
        let mut record = Record::new(pattern, Object::from(rule));
        record.losses = losses;
        record
    };
    rules.into_iter().map(record).collect()
}

fn restrict(
    (rule, losses): &mut (BranchRule, Vec<Loss>),
    it: &wire::Restriction,
    who: (&str, &str),
) {
    let mut lose = |field: &'static str, detail: String| losses.push(Loss::source(field, detail));
    let kind = it.kind.as_deref().unwrap_or_default();
    match kind {
        "push" => {
            rule.restrict_push = true;
            rule.pushers = exempt(it, who);
        }
        "restrict_merges" => {
            rule.restrict_merge = true;
            rule.mergers = exempt(it, who);
        }
        "force" => rule.block_force_push = Enforcement::Everyone,
        "delete" => rule.block_deletion = Enforcement::Everyone,
        "require_approvals_to_merge"
        | "require_default_reviewer_approvals_to_merge"
        | "require_review_group_approvals_to_merge" => {
            rule.reviews = Enforcement::Everyone;
            rule.approval_required = Some(true);
            rule.approvals = rule.approvals.max(Some(it.value.unwrap_or(1)));
            if kind != "require_approvals_to_merge" {
                lose("approvals", "they had to be of certain people".to_owned());
            }
        }
        "require_passing_builds_to_merge" => {
            rule.checks = Enforcement::Everyone;
            rule.checks_required = Some(true);
            let count = it.value.unwrap_or(1);
            lose("required_checks", format!("{count} builds had to pass, whichever they were"));
        }
        "require_tasks_to_be_completed" | "require_all_comments_resolved" => {
            rule.threads_resolved = Some(true);
        }
        "reset_pullrequest_approvals_on_change" | "smart_reset_pullrequest_approvals" => {
            rule.dismiss_stale = true;
        }
        "require_commits_behind" => {
            rule.strict_checks = true;
            let count = it.value.unwrap_or_default();
            lose("strict_checks", format!("the head could be {count} commits behind"));
        }
        // Without this, checks before merging are warnings; a rule that binds is the stricter one.
        "enforce_merge_checks" => {}
        other => lose(Loss::WHOLE, format!("the restriction `{other}` has no equal")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restrictions_of_one_pattern_are_one_rule() {
        let list = r#"[{"kind":"push","pattern":"main","users":[{"uuid":"{a}"}],"groups":[{"slug":"ops"}]},
            {"kind":"force","pattern":"main","users":[]},
            {"kind":"require_approvals_to_merge","pattern":"main","value":2},
            {"kind":"require_default_reviewer_approvals_to_merge","pattern":"main","value":1},
            {"kind":"delete","branch_match_kind":"branching_model","branch_type":"release"},
            {"kind":"something_new","pattern":"main"}]"#;
        let model = r#"{"branch_types":[{"kind":"release","prefix":"rel/"}]}"#;

        let found = rules(
            &serde_json::from_str::<Vec<_>>(list).unwrap(),
            &serde_json::from_str(model).unwrap(),
            ("acme", "h.example"),
        );

        assert_eq!(found.iter().map(|it| &*it.origin.id).collect::<Vec<_>>(), ["main", "rel/*"]);
        let Object::BranchRule(rule) = &found[0].object else { panic!() };
        assert!(rule.restrict_push && !rule.restrict_merge);
        assert_eq!((rule.pushers.len(), rule.approvals), (2, Some(2)));
        assert_eq!(rule.block_force_push, Enforcement::Everyone);
        assert!(found[0].losses.iter().any(|it| it.detail.contains("something_new")));
    }
}
