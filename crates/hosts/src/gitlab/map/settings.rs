//! Releases, rules, hooks, keys, variables, boards and what builds said.

use super::{identity, milestone_number, plain, text, time};
use crate::gitlab::wire;
use packhorse_core::{
    Loss,
    model::{
        Blob, Board, BoardColumn, BranchRule, CommitState, CommitStatus, DeployKey, Enforcement,
        Grantee, Release, ReleaseAsset, TagRule, Variable, Webhook,
    },
};

/// Everybody with at least a role, as a group of the host. No group of people is called so:
/// paths do not begin with `@`.
pub(in crate::gitlab) const MAINTAINERS: &str = "@maintainers";

pub(in crate::gitlab) fn release(it: &wire::Release, host: &str) -> Option<Release> {
    Some(Release {
        tag: plain(it.tag_name.clone())?,
        name: plain(it.name.clone()),
        body: text(it.description.clone()),
        author: it.author.as_ref().and_then(|it| identity(it, host)),
        target: it.commit.as_ref().and_then(|it| it.id.clone()),
        milestones: it.milestones.iter().flatten().filter_map(milestone_number).collect(),
        created_at: time(it.created_at.as_deref()),
        published_at: time(it.released_at.as_deref()),
        ..Release::default()
    })
}

/// The links of a release, with their ids; `is_ours` tells whether the server itself keeps what
/// an address leads to.
pub(in crate::gitlab) fn assets(
    release: wire::Release,
    is_ours: impl Fn(&str) -> bool,
) -> Vec<(String, ReleaseAsset)> {
    let tag = release.tag_name.unwrap_or_default();
    let links = release.assets.and_then(|it| it.links).unwrap_or_default();
    let asset = |it: wire::AssetLink| {
        let url = plain(it.url)?;
        let kept = is_ours(&url);
        let mapped = ReleaseAsset {
            release: tag.clone(),
            name: it.name.unwrap_or_default(),
            blob: kept.then(Blob::default),
            link: (!kept).then_some(url),
            ..ReleaseAsset::default()
        };
        Some((format!("{}/{tag}", it.id?), mapped))
    };
    links.into_iter().filter_map(asset).collect()
}

/// Who a rule lets through, beyond the roles, as the server's ids.
pub(in crate::gitlab) enum Named {
    User(u64),
    Group(u64),
}

/// What a list of levels comes to.
pub(in crate::gitlab) struct Levels {
    /// Whether not everybody who may write is let through.
    pub(in crate::gitlab) restricts: bool,
    /// The least role that is let through; none when nobody is by role.
    pub(in crate::gitlab) role: Option<u64>,
    /// Single people and groups.
    pub(in crate::gitlab) named: Vec<Named>,
    /// Deploy keys, which the model cannot name.
    pub(in crate::gitlab) n_keys: usize,
}

/// Reads a list of levels: who may push, merge or make tags.
///
/// Source: GitLab, "Protected branches API": 0 nobody, 30 developers and maintainers, 40 maintainers,
/// 60 administrators.
pub(in crate::gitlab) fn levels(list: Option<Vec<wire::AccessLevel>>) -> Levels {
    let mut levels = Levels { restricts: true, role: None, named: Vec::new(), n_keys: 0 };
    for it in list.into_iter().flatten() {
        if let Some(id) = it.user_id {
            levels.named.push(Named::User(id));
        } else if let Some(id) = it.group_id {
            levels.named.push(Named::Group(id));
        } else if it.deploy_key_id.is_some() {
            levels.n_keys += 1;
        } else if let Some(level) = it.access_level.filter(|it| *it > 0) {
            levels.role = Some(levels.role.map_or(level, |it| it.min(level)));
        }
    }
    levels.restricts = levels.role.is_none_or(|it| it > 30);
    levels
}

impl Levels {
    /// Those who are let through; `known` are the named ones.
    fn grantees(&self, known: Vec<Grantee>) -> Vec<Grantee> {
        let maintainers = self.role.filter(|it| (31..=50).contains(it));
        let maintainers = maintainers.map(|_| Grantee::Group(MAINTAINERS.to_owned()));
        maintainers.into_iter().chain(known).collect()
    }
}

/// A protected branch, which nobody can delete by Git, and nobody rewrites unless it says so.
///
/// Source: GitLab, "Protected branches".
pub(in crate::gitlab) fn branch_rule(
    rule: &wire::ProtectedBranch,
    (push, pushers): (Levels, Vec<Grantee>),
    (merge, mergers): (Levels, Vec<Grantee>),
) -> Option<(BranchRule, Vec<Loss>)> {
    let rewrites = rule.allow_force_push == Some(true);
    let pushers = if push.restricts { push.grantees(pushers) } else { Vec::new() };
    let mergers = if merge.restricts { merge.grantees(mergers) } else { Vec::new() };
    let mut losses = Vec::new();
    if push.n_keys > 0 {
        let detail =
            format!("{} deploy keys may push as well; they have to be let in again", push.n_keys);
        losses.push(Loss::source("pushers", detail));
    }
    let mapped = BranchRule {
        pattern: plain(rule.name.clone())?,
        admins_bound: true,
        block_deletion: Enforcement::Everyone,
        block_force_push: if rewrites { Enforcement::Off } else { Enforcement::Everyone },
        force_push_allowed: rewrites.then_some(true),
        restrict_push: push.restricts,
        pushers,
        restrict_merge: merge.restricts,
        mergers,
        code_owner_review: rule.code_owner_approval_required.unwrap_or_default(),
        ..BranchRule::default()
    };
    Some((mapped, losses))
}

pub(in crate::gitlab) fn tag_rule(
    rule: &wire::ProtectedTag,
    (create, creators): (Levels, Vec<Grantee>),
) -> Option<TagRule> {
    Some(TagRule {
        pattern: plain(rule.name.clone())?,
        creators,
        role: create.role.map(super::project::role),
    })
}

/// A webhook; `fields` are all of its answer's, of which the switches for events are read.
pub(in crate::gitlab) fn webhook(fields: &serde_json::Value) -> Option<(String, Webhook)> {
    let hook: wire::Hook = serde_json::from_value(fields.clone()).ok()?;
    let switches = fields.as_object().into_iter().flatten();
    let events = switches.filter(|(_, value)| value.as_bool() == Some(true));
    let events = events.filter_map(|(name, _)| name.strip_suffix("_events")).map(str::to_owned);
    let mapped = Webhook {
        events: events.collect(),
        url: plain(hook.url)?,
        name: plain(hook.name),
        branch_filter: plain(hook.push_events_branch_filter),
        content_type: Some("json".to_owned()),
        verify_tls: hook.enable_ssl_verification.unwrap_or(true),
        active: true,
        created_at: time(hook.created_at.as_deref()),
        ..Webhook::default()
    };
    Some((hook.id?.to_string(), mapped))
}

pub(in crate::gitlab) fn deploy_key(it: wire::DeployKey) -> Option<(String, DeployKey)> {
    let mapped = DeployKey {
        title: it.title.unwrap_or_default(),
        key: plain(it.key)?,
        key_fingerprint: plain(it.fingerprint_sha256).or(plain(it.fingerprint)),
        read_only: it.can_push != Some(true),
        created_at: time(it.created_at.as_deref()),
        expires_at: time(it.expires_at.as_deref()),
    };
    Some((it.id?.to_string(), mapped))
}

/// A variable without its value, which is never read into anything.
pub(in crate::gitlab) fn variable(it: wire::Variable) -> Option<(String, Variable)> {
    let name = plain(it.key)?;
    let environment = plain(it.environment_scope);
    let id = format!("{name}/{}", environment.as_deref().unwrap_or("*"));
    let mapped = Variable {
        name,
        environment,
        protected: it.protected.unwrap_or_default(),
        masked: it.masked.unwrap_or_default(),
        is_secret: it.hidden.unwrap_or_default(),
        description: plain(it.description),
    };
    Some((id, mapped))
}

pub(in crate::gitlab) fn board(it: wire::Board) -> Option<(String, Board)> {
    let mut lists = it.lists.unwrap_or_default();
    lists.sort_by_key(|it| it.position);
    let column = |it: wire::BoardList| {
        let label = it.label.and_then(|it| it.name);
        let milestone = it.milestone;
        let name = label.clone().or_else(|| milestone.as_ref().and_then(|it| it.title.clone()));
        BoardColumn {
            name: name.unwrap_or_default(),
            label,
            milestone: milestone.as_ref().and_then(milestone_number),
            issues: Vec::new(),
        }
    };
    let mapped = Board {
        name: it.name.unwrap_or_default(),
        milestone: it.milestone.as_ref().and_then(milestone_number),
        labels: it.labels.into_iter().flatten().filter_map(|it| it.name).collect(),
        columns: lists.into_iter().map(column).collect(),
        ..Board::default()
    };
    Some((it.id?.to_string(), mapped))
}

/// Source: GitLab, "Commits API", "Commit status".
pub(in crate::gitlab) fn status(it: wire::Status, host: &str) -> Option<(String, CommitStatus)> {
    let state = match it.status.as_deref()? {
        "success" => CommitState::Success,
        "failed" => CommitState::Failure,
        "canceled" | "canceling" => CommitState::Cancelled,
        "skipped" => CommitState::Skipped,
        "running" => CommitState::Running,
        _ => CommitState::Pending,
    };
    let commit = plain(it.sha)?;
    let mapped = CommitStatus {
        context: it.name.unwrap_or_default(),
        state,
        description: plain(it.description),
        target_url: plain(it.target_url),
        git_ref: plain(it.r#ref),
        author: it.author.as_ref().and_then(|it| identity(it, host)),
        created_at: time(it.created_at.as_deref()),
        updated_at: time(it.finished_at.or(it.started_at).as_deref()),
        commit: commit.clone(),
    };
    Some((format!("{commit}/{}", it.id?), mapped))
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::model::Role;

    fn rule(json: &str) -> BranchRule {
        let mut rule: wire::ProtectedBranch = serde_json::from_str(json).unwrap();
        let push = levels(rule.push_access_levels.take());
        let merge = levels(rule.merge_access_levels.take());
        branch_rule(&rule, (push, Vec::new()), (merge, Vec::new())).unwrap().0
    }

    #[test]
    fn a_rule_is_never_looser_than_it_was() {
        let maintainers = rule(
            r#"{"name":"main","push_access_levels":[{"access_level":40}],
                "merge_access_levels":[{"access_level":30},{"access_level":40}]}"#,
        );
        assert!(maintainers.restrict_push && !maintainers.restrict_merge);
        assert_eq!(maintainers.pushers, [Grantee::Group(MAINTAINERS.into())]);
        assert_eq!(maintainers.block_force_push, Enforcement::Everyone);

        let nobody = rule(r#"{"name":"main","push_access_levels":[{"access_level":0}]}"#);
        assert!(nobody.restrict_push && nobody.pushers.is_empty() && nobody.restrict_merge);

        let admins = rule(r#"{"name":"main","push_access_levels":[{"access_level":60}]}"#);
        assert!(admins.restrict_push && admins.pushers.is_empty());
    }

    #[test]
    fn a_value_of_a_variable_is_never_kept() {
        let json = r#"{"key":"TOKEN","value":"canary-7","masked":true,"environment_scope":"prod"}"#;

        let (id, found) = variable(serde_json::from_str(json).unwrap()).unwrap();

        assert_eq!((id.as_str(), found.masked), ("TOKEN/prod", true));
        assert!(!format!("{found:?}").contains("canary"));
    }

    #[test]
    fn a_hook_listens_to_what_is_switched_on() {
        let json = serde_json::json!({"id": 1, "url": "https://h.example/", "push_events": true,
            "issues_events": false, "job_events": null, "repository_update_events": true});

        let (_, found) = webhook(&json).unwrap();

        assert_eq!(found.events, ["push", "repository_update"]);
    }

    #[test]
    fn a_tag_rule_names_the_least_role() {
        let rule: wire::ProtectedTag =
            serde_json::from_str(r#"{"name":"v*","create_access_levels":[{"access_level":40}]}"#)
                .unwrap();
        let create = levels(rule.create_access_levels.clone());

        assert_eq!(tag_rule(&rule, (create, Vec::new())).unwrap().role, Some(Role::Maintain));
    }

    #[test]
    fn what_the_server_keeps_is_a_file_and_anything_else_a_link() {
        let release: wire::Release = serde_json::from_str(
            r#"{"tag_name":"v1","assets":{"links":[{"id":1,"name":"a","url":"https://h.example/a"},
                {"id":2,"name":"b","url":"https://other.example/b"}]}}"#,
        )
        .unwrap();

        let found = assets(release, |it| it.starts_with("https://h.example/"));

        assert_eq!((found[0].0.as_str(), found[0].1.blob.is_some()), ("1/v1", true));
        assert_eq!(found[1].1.link.as_deref(), Some("https://other.example/b"));
    }
}
