//! Rules for branches and tags, from restrictions and merge checks.
//!
//! The server has one restriction for each matcher and type; a rule of the model
//! is all restrictions of one matcher. They bind administrators too.
//!
//! Source: Atlassian, "Using branch permissions", "Checks for merging pull requests".

use super::identity;
use crate::bitbucket_server::wire;
use packhorse_core::{
    Loss, Object, Record,
    model::{BranchRule, Enforcement, Grantee, TagRule},
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Pattern of all branches.
pub(in crate::bitbucket_server) const ALL: &str = "**";
const TAGS: &str = "refs/tags/";

/// What a matcher matches.
enum Matched {
    Branches(String),
    Tags(String),
}

fn matched(matcher: &wire::Matcher, model: &wire::BranchModel) -> Option<Matched> {
    let id = matcher.id.clone()?;
    let display = matcher.display_id.clone().unwrap_or_else(|| id.clone());
    let branch = |name: &str| name.strip_prefix("refs/heads/").unwrap_or(name).to_owned();
    let kind = matcher.r#type.as_ref().and_then(|it| it.id.as_deref());
    Some(match kind {
        Some("ANY_REF") => Matched::Branches(ALL.to_owned()),
        Some("MODEL_CATEGORY") => Matched::Branches(format!("{}*", prefix(&id, model))),
        Some("MODEL_BRANCH") => {
            let named = match id.as_str() {
                "production" => model.production.as_ref(),
                _ => model.development.as_ref(),
            };
            let named = named.and_then(|it| it.display_id.clone());
            Matched::Branches(named.unwrap_or_else(|| branch(&display)))
        }
        Some(_) | None => match id.strip_prefix(TAGS) {
            Some(pattern) => Matched::Tags(pattern.to_owned()),
            None => Matched::Branches(branch(&id)),
        },
    })
}

/// What names of branches of a category begin with.
fn prefix(category: &str, model: &wire::BranchModel) -> String {
    let types = model.types.iter().flat_map(|it| &it.0);
    let mut named = types.filter(|it| it.id.as_deref() == Some(category));
    let told = named.find_map(|it| it.prefix.clone()).filter(|it| !it.is_empty());
    told.unwrap_or_else(|| format!("{}/", category.to_lowercase()))
}

fn exempt(restriction: &wire::Restriction, host: &str) -> Vec<Grantee> {
    let people = restriction.users.iter().flat_map(|it| &it.0);
    let people = people.filter_map(|it| identity(it, host)).map(Grantee::User);
    let groups = restriction.groups.iter().flat_map(|it| &it.0).cloned().map(Grantee::Group);
    people.chain(groups).collect()
}

/// The rule of a pattern, in the making.
fn rule_of<'a>(
    rules: &'a mut BTreeMap<String, (BranchRule, Vec<Loss>)>,
    pattern: &str,
) -> &'a mut (BranchRule, Vec<Loss>) {
    rules.entry(pattern.to_owned()).or_insert_with(|| {
        let pattern = pattern.to_owned();
        (BranchRule { pattern, admins_bound: true, ..BranchRule::default() }, Vec::new())
    })
}

/// All that says what may be done to branches and tags.
pub(in crate::bitbucket_server) struct Rules<'a> {
    pub(in crate::bitbucket_server) restrictions: Vec<wire::Restriction>,
    pub(in crate::bitbucket_server) conditions: Vec<wire::Condition>,
    pub(in crate::bitbucket_server) settings: Option<wire::PullRequestSettings>,
    pub(in crate::bitbucket_server) model: wire::BranchModel,
    pub(in crate::bitbucket_server) host: &'a str,
}

impl Rules<'_> {
    /// Rules for branches, one for each pattern.
    pub(in crate::bitbucket_server) fn branches(&self) -> Vec<Record> {
        let mut rules = BTreeMap::new();
        for restriction in &self.restrictions {
            let matcher = restriction.matcher.as_ref();
            let found = matcher.and_then(|it| matched(it, &self.model));
            if let Some(Matched::Branches(pattern)) = found {
                restrict(rule_of(&mut rules, &pattern), restriction, self.host);
            }
        }
        for condition in &self.conditions {
            let matcher = condition.target_ref_matcher.as_ref();
            let found = matcher.and_then(|it| matched(it, &self.model));
            if let Some(Matched::Branches(pattern)) = found {
                ask_reviewers(rule_of(&mut rules, &pattern), condition, self.host);
            }
        }
        if let Some(settings) = &self.settings {
            check_merges(&mut rules, settings);
        }
        let record = |(pattern, (rule, losses))| {
            let mut record = Record::new(pattern, Object::from(rule));
            record.losses = losses;
            record
        };
        rules.into_iter().map(record).collect()
    }

    /// Rules for tags: who may make those that may not be made by all.
    pub(in crate::bitbucket_server) fn tags(&self) -> Vec<Record> {
        let mut rules: BTreeMap<String, TagRule> = BTreeMap::new();
        for restriction in &self.restrictions {
            let matcher = restriction.matcher.as_ref();
            let found = matcher.and_then(|it| matched(it, &self.model));
            let is_closed = restriction.r#type.as_deref() == Some("read-only");
            let Some(Matched::Tags(pattern)) = found else { continue };
            let creators = if is_closed { exempt(restriction, self.host) } else { Vec::new() };
            let rule = TagRule { pattern: pattern.clone(), creators, role: None };
            if is_closed {
                rules.insert(pattern, rule);
            } else {
                // Nobody may move such a tag, and making it is not told apart from that elsewhere.
                rules.entry(pattern).or_insert(rule);
            }
        }
        let record = |(pattern, rule)| Record::new(pattern, Object::from(rule));
        rules.into_iter().map(record).collect()
    }
}

fn restrict(
    (rule, losses): &mut (BranchRule, Vec<Loss>),
    restriction: &wire::Restriction,
    host: &str,
) {
    let exempt = exempt(restriction, host);
    let names = || exempt.iter().map(shown).collect::<Vec<_>>().join(", ");
    if restriction.access_keys.as_ref().is_some_and(|it| !it.0.is_empty()) {
        let detail = "keys of the repository were exempt from the rule, and are not any more";
        losses.push(Loss::source("pushers", detail));
    }
    match restriction.r#type.as_deref() {
        Some("pull-request-only") => {
            rule.restrict_push = true;
            rule.pushers = exempt;
        }
        Some("fast-forward-only") => {
            rule.block_force_push = Enforcement::Everyone;
            if !exempt.is_empty() {
                let detail = format!("{} might rewrite the branch, and may not any more", names());
                losses.push(Loss::source("block_force_push", detail));
            }
        }
        Some("no-deletes") => {
            rule.block_deletion = Enforcement::Everyone;
            if !exempt.is_empty() {
                let detail = format!("{} might delete the branch, and may not any more", names());
                losses.push(Loss::source("block_deletion", detail));
            }
        }
        // A type that is not known closes the branch too.
        Some(_) | None => {
            rule.read_only = exempt.is_empty();
            (rule.restrict_push, rule.restrict_merge) = (true, true);
            rule.block_deletion = Enforcement::Everyone;
            rule.block_force_push = Enforcement::Everyone;
            (rule.pushers, rule.mergers) = (exempt.clone(), exempt);
        }
    }
}

fn shown(who: &Grantee) -> String {
    match who {
        Grantee::User(who) => who.to_string(),
        Grantee::Team { slug: name, .. } | Grantee::Group(name) => format!("the group {name}"),
    }
}

/// Default reviewers, whose approvals may be required.
fn ask_reviewers(
    (rule, losses): &mut (BranchRule, Vec<Loss>),
    condition: &wire::Condition,
    host: &str,
) {
    if let Some(count) = condition.required_approvals.filter(|it| *it > 0) {
        rule.reviews = Enforcement::Everyone;
        rule.approval_required = Some(true);
        rule.approvals = rule.approvals.max(Some(count));
    }
    let people = condition.reviewers.iter().flat_map(|it| &it.0);
    let names: Vec<_> =
        people.filter_map(|it| identity(it, host)).map(|it| it.to_string()).collect();
    let detail = format!("{} were asked for a review by default", names.join(", "));
    losses.push(Loss::source("default_reviewers", detail));
}

/// A count that is a number, a text, or an object with a switch; `None` where it is off.
pub(in crate::bitbucket_server) fn count(value: Option<&Value>) -> Option<u64> {
    let number = |it: &Value| it.as_u64().or_else(|| it.as_str()?.parse().ok());
    let found = match value? {
        Value::Object(fields) => {
            let is_on = ["enabled", "enable"]
                .iter()
                .any(|it| fields.get(*it).is_some_and(|it| *it == Value::Bool(true)));
            fields.get("count").filter(|_| is_on).and_then(number)
        }
        other @ (Value::Number(_) | Value::String(_)) => number(other),
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    };
    found.filter(|it| *it > 0)
}

/// Checks before merging, which hold for every branch.
fn check_merges(
    rules: &mut BTreeMap<String, (BranchRule, Vec<Loss>)>,
    settings: &wire::PullRequestSettings,
) {
    let is_on = |it: Option<bool>| it == Some(true);
    let approvals = count(settings.required_approvers.as_ref());
    let builds = count(settings.required_successful_builds.as_ref());
    let all = is_on(settings.required_all_approvers);
    let tasks = is_on(settings.required_all_tasks_complete);
    if approvals.is_none() && builds.is_none() && !all && !tasks {
        return;
    }
    let (rule, losses) = rule_of(rules, ALL);
    if approvals.is_some() || all {
        rule.reviews = Enforcement::Everyone;
        rule.approval_required = Some(true);
        rule.approvals = rule.approvals.max(approvals.or(Some(1)));
    }
    if all {
        let detail = "everybody who was asked for a review had to approve";
        losses.push(Loss::source("approvals", detail));
    }
    if let Some(builds) = builds {
        rule.checks = Enforcement::Everyone;
        rule.checks_required = Some(true);
        let detail = format!("{builds} builds had to pass, whichever they were");
        losses.push(Loss::source("required_checks", detail));
    }
    if tasks {
        rule.threads_resolved = Some(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(restrictions: &str, conditions: &str, settings: &str) -> Rules<'static> {
        Rules {
            restrictions: serde_json::from_str(restrictions).unwrap(),
            conditions: serde_json::from_str(conditions).unwrap(),
            settings: serde_json::from_str(settings).unwrap(),
            model: serde_json::from_str(r#"{"types":[{"id":"FEATURE","prefix":"f/"}]}"#).unwrap(),
            host: "h.example",
        }
    }

    fn branch_rules(rules: &Rules<'_>) -> Vec<BranchRule> {
        let rule = |it: Record| {
            if let Object::BranchRule(rule) = it.object { *rule } else { panic!() }
        };
        rules.branches().into_iter().map(rule).collect()
    }

    #[test]
    fn restrictions_of_one_matcher_are_one_rule() {
        let main = r#""matcher":{"id":"refs/heads/main","type":{"id":"BRANCH"}}"#;
        let list = format!(
            r#"[{{"type":"pull-request-only",{main},"users":[{{"name":"alice"}}],"groups":["ops"]}},
                {{"type":"no-deletes",{main}}}, {{"type":"fast-forward-only",{main}}},
                {{"type":"read-only","matcher":{{"id":"FEATURE","type":{{"id":"MODEL_CATEGORY"}}}}}}]"#
        );

        let found = branch_rules(&rules(&list, "[]", "null"));

        assert_eq!(found.iter().map(|it| &*it.pattern).collect::<Vec<_>>(), ["f/*", "main"]);
        assert!(found[0].read_only && found[0].restrict_merge && found[0].pushers.is_empty());
        assert_eq!((found[1].restrict_push, found[1].pushers.len()), (true, 2));
        assert_eq!(found[1].block_deletion, Enforcement::Everyone);
        assert_eq!(found[1].block_force_push, Enforcement::Everyone);
        assert!(!found[1].restrict_merge);
    }

    #[test]
    fn checks_before_merging_hold_for_every_branch_in_old_and_new_words() {
        for settings in [
            r#"{"requiredApprovers":2,"requiredAllTasksComplete":true,"requiredSuccessfulBuilds":1}"#,
            r#"{"requiredApprovers":{"enabled":true,"count":"2"},"requiredAllTasksComplete":true,
                "requiredSuccessfulBuilds":{"enable":true,"count":1}}"#,
        ] {
            let found = branch_rules(&rules("[]", "[]", settings));

            assert_eq!((found[0].pattern.as_str(), found[0].approvals), (ALL, Some(2)));
            assert_eq!(found[0].checks, Enforcement::Everyone);
            assert_eq!(found[0].threads_resolved, Some(true));
        }
        let off =
            r#"{"requiredApprovers":{"enabled":false,"count":2},"requiredSuccessfulBuilds":0}"#;
        assert!(branch_rules(&rules("[]", "[]", off)).is_empty());
    }

    #[test]
    fn default_reviewers_are_told_where_the_model_has_no_place() {
        let conditions = r#"[{"requiredApprovals":1,"reviewers":[{"name":"bob"}],
            "targetRefMatcher":{"id":"ANY_REF_MATCHER_ID","type":{"id":"ANY_REF"}}}]"#;

        let found = rules("[]", conditions, "null").branches();

        assert_eq!(found[0].origin.id, ALL);
        assert!(found[0].losses[0].detail.contains("@bob"));
    }

    #[test]
    fn a_restriction_of_tags_says_who_makes_them() {
        let list = r#"[{"type":"read-only","users":[{"name":"alice"}],
            "matcher":{"id":"refs/tags/v*","type":{"id":"PATTERN"}}}]"#;
        let rules = rules(list, "[]", "null");

        assert!(rules.branches().is_empty());
        let found = rules.tags();
        let Object::TagRule(rule) = &found[0].object else { panic!() };
        assert_eq!((rule.pattern.as_str(), rule.creators.len()), ("v*", 1));
    }
}
