//! Releases, rules, hooks and keys.

use super::{identity, plain, text, time};
use crate::gitea::wire;
use packhorse_core::{
    Loss, Object, Record,
    model::{
        Blob, BranchRule, CommitState, CommitStatus, DeployKey, Enforcement, Grantee, Identity,
        Release, ReleaseAsset, TagRule, Webhook,
    },
};

/// What a build said of a commit, as a record.
///
/// Source: Gitea, `modules/structs/commit_status.go`, `CommitStatusState`.
pub(in crate::gitea) fn status(it: wire::Status, commit: &str, host: &str) -> Option<Record> {
    let mut losses = Vec::new();
    let state = match it.status.as_deref()? {
        "success" => CommitState::Success,
        "failure" => CommitState::Failure,
        "error" => CommitState::Error,
        "skipped" => CommitState::Skipped,
        "pending" => CommitState::Pending,
        other => {
            losses.push(Loss::source("state", format!("`{other}` is told as an error")));
            CommitState::Error
        }
    };
    let mapped = CommitStatus {
        commit: commit.to_owned(),
        context: it.context.unwrap_or_default(),
        state,
        description: plain(it.description),
        target_url: plain(it.target_url),
        author: it.creator.as_ref().and_then(|it| identity(it, host)),
        created_at: time(it.created_at.as_deref()),
        updated_at: time(it.updated_at.as_deref()),
        ..CommitStatus::default()
    };
    let id = format!("{commit}/{}", it.id?);
    Some(Record { losses, ..Record::new(id, Object::from(mapped)) })
}

pub(in crate::gitea) fn release(release: &wire::Release, host: &str) -> Option<Release> {
    Some(Release {
        tag: release.tag_name.clone()?,
        name: plain(release.name.clone()),
        body: text(release.body.clone()),
        author: release.author.as_ref().and_then(|it| identity(it, host)),
        draft: release.draft.unwrap_or_default(),
        prerelease: release.prerelease.unwrap_or_default(),
        target: plain(release.target_commitish.clone()),
        created_at: time(release.created_at.as_deref()),
        published_at: time(release.published_at.as_deref()),
        ..Release::default()
    })
}

/// The files of a release, with their ids.
pub(in crate::gitea) fn assets(release: wire::Release) -> Vec<(String, ReleaseAsset)> {
    let tag = release.tag_name.unwrap_or_default();
    let asset = |asset: wire::Attachment| {
        let mapped = ReleaseAsset {
            release: tag.clone(),
            name: asset.name.unwrap_or_default(),
            blob: Some(Blob { size: asset.size, sha256: None }),
            created_at: time(asset.created_at.as_deref()),
            ..ReleaseAsset::default()
        };
        Some((plain(asset.uuid)?, mapped))
    };
    release.assets.into_iter().flatten().filter_map(asset).collect()
}

/// People and teams of an organization, by name.
fn grantees(
    people: Option<Vec<String>>,
    teams: Option<Vec<String>>,
    (owner, host): (&str, &str),
) -> Vec<Grantee> {
    let person = |it: String| Grantee::User(Identity::login(it, Some(host)));
    let team = |slug| Grantee::Team { organization: owner.to_owned(), slug };
    let people = people.into_iter().flatten().map(person);
    people.chain(teams.into_iter().flatten().map(team)).collect()
}

/// A protected branch, which nobody can delete.
///
/// Source: Gitea, `models/git/protected_branch.go`.
pub(in crate::gitea) fn branch_rule(
    rule: wire::BranchProtection,
    (owner, host): (&str, &str),
) -> Option<BranchRule> {
    let is_on = |it: Option<bool>| it == Some(true);
    let (may_push, is_listed) = (is_on(rule.enable_push), is_on(rule.enable_push_whitelist));
    let admins_bound = is_on(rule.block_admin_merge_override);
    // Without that switch, administrators may merge past reviews and checks.
    let bound = |yes: bool| match (yes, admins_bound) {
        (false, _) => Enforcement::Off,
        (true, true) => Enforcement::Everyone,
        (true, false) => Enforcement::NonAdmins,
    };
    let approvals = rule.required_approvals.filter(|it| *it > 0);
    let who = (owner, host);
    Some(BranchRule {
        pattern: plain(rule.rule_name).or(plain(rule.branch_name))?,
        admins_bound,
        block_deletion: Enforcement::Everyone,
        block_force_push: Enforcement::Everyone,
        force_push_allowed: rule.enable_force_push,
        restrict_push: !may_push || is_listed,
        pushers: grantees(rule.push_whitelist_usernames, rule.push_whitelist_teams, who),
        restrict_merge: is_on(rule.enable_merge_whitelist),
        mergers: grantees(rule.merge_whitelist_usernames, rule.merge_whitelist_teams, who),
        reviews: bound(approvals.is_some()),
        approvals,
        dismiss_stale: is_on(rule.dismiss_stale_approvals),
        checks: bound(is_on(rule.enable_status_check)),
        checks_required: rule.enable_status_check,
        required_checks: rule.status_check_contexts.unwrap_or_default(),
        strict_checks: is_on(rule.block_on_outdated_branch),
        signatures: rule.require_signed_commits,
        ..BranchRule::default()
    })
}

pub(in crate::gitea) fn tag_rule(
    rule: wire::TagProtection,
    (owner, host): (&str, &str),
) -> Option<(String, TagRule)> {
    let creators = grantees(rule.whitelist_usernames, rule.whitelist_teams, (owner, host));
    let mapped = TagRule { pattern: plain(rule.name_pattern)?, creators, role: None };
    Some((rule.id?.to_string(), mapped))
}

pub(in crate::gitea) fn webhook(hook: wire::Hook) -> Option<(String, Webhook)> {
    let config = hook.config.unwrap_or_default();
    let mapped = Webhook {
        url: config.url?,
        events: hook.events.unwrap_or_default(),
        branch_filter: plain(hook.branch_filter).filter(|it| it != "*"),
        content_type: plain(config.content_type),
        // The server has one setting for all hooks, and checks by default.
        verify_tls: true,
        active: hook.active.unwrap_or_default(),
        created_at: time(hook.created_at.as_deref()),
        ..Webhook::default()
    };
    Some((hook.id?.to_string(), mapped))
}

pub(in crate::gitea) fn deploy_key(key: wire::Key) -> Option<(String, DeployKey)> {
    let mapped = DeployKey {
        title: key.title.unwrap_or_default(),
        key: key.key?,
        key_fingerprint: plain(key.fingerprint),
        read_only: key.read_only.unwrap_or(true),
        created_at: time(key.created_at.as_deref()),
        ..DeployKey::default()
    };
    Some((key.id?.to_string(), mapped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_never_looser_than_it_was() {
        let rule = |json: &str| {
            branch_rule(serde_json::from_str(json).unwrap(), ("acme", "h.example")).unwrap()
        };
        let closed = rule(r#"{"rule_name":"main","enable_push":false}"#);
        assert!(closed.restrict_push && closed.pushers.is_empty());
        assert_eq!(closed.block_deletion, Enforcement::Everyone);

        let listed = rule(
            r#"{"rule_name":"main","enable_push":true,"enable_push_whitelist":true,
                "push_whitelist_usernames":["alice"],"push_whitelist_teams":["core"],
                "required_approvals":2,"block_admin_merge_override":true}"#,
        );
        assert!(listed.restrict_push && listed.admins_bound);
        assert_eq!(listed.pushers.len(), 2);
        assert_eq!((listed.approvals, listed.reviews), (Some(2), Enforcement::Everyone));

        let open = rule(r#"{"rule_name":"release/*","enable_push":true}"#);
        assert!(!open.restrict_push);
    }

    #[test]
    fn a_build_that_warns_is_told_as_one_that_failed() {
        let said = |state: &str| {
            let json = format!(r#"{{"id":7,"status":"{state}","context":"ci"}}"#);
            status(serde_json::from_str(&json).unwrap(), "1a2b", "h.example").unwrap()
        };
        let is_error = |it: &Record| matches!(&it.object, Object::CommitStatus(it) if it.state == CommitState::Error);

        assert_eq!(
            (said("success").origin.id.as_str(), said("success").losses.len()),
            ("1a2b/7", 0)
        );
        assert_eq!((is_error(&said("warning")), said("warning").losses.len()), (true, 1));
    }

    #[test]
    fn a_key_that_does_not_say_may_only_read() {
        let key = serde_json::from_str(r#"{"id":1,"key":"ssh-ed25519 AAAA"}"#).unwrap();

        assert!(deploy_key(key).unwrap().1.read_only);
    }
}
