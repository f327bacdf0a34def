//! Protected branches.

use super::{
    super::address::{self, Address, Site},
    Notes, identity, owned, user,
};
use crate::github::wire::{self, Check, Level, List};
use packhorse_core::model::{BranchRule, Enforcement, Grantee};

fn read_level(field: &'static str, level: Option<Level>, notes: &mut Notes) -> Enforcement {
    match level {
        None | Some(Level::Number(0)) => Enforcement::Off,
        Some(Level::Number(1)) => Enforcement::NonAdmins,
        Some(Level::Number(2)) => Enforcement::Everyone,
        Some(Level::Word(word)) => match word.as_str() {
            "off" => Enforcement::Off,
            "non_admins" => Enforcement::NonAdmins,
            "everyone" => Enforcement::Everyone,
            other => strictest(field, other, notes),
        },
        Some(Level::Number(other)) => strictest(field, other, notes),
    }
}

/// SECURITY: a rule that nobody understands must not become looser.
fn strictest(field: &'static str, value: impl std::fmt::Display, notes: &mut Notes) -> Enforcement {
    notes.odd(field, value);
    Enforcement::Everyone
}

const fn number(level: Enforcement) -> Option<Level> {
    Some(Level::Number(match level {
        Enforcement::Off => 0,
        Enforcement::NonAdmins => 1,
        Enforcement::Everyone => 2,
    }))
}

fn word(level: Enforcement) -> Option<Level> {
    Some(Level::Word(owned(match level {
        Enforcement::Off => "off",
        Enforcement::NonAdmins => "non_admins",
        Enforcement::Everyone => "everyone",
    })))
}

fn grantees(users: &List<String>, teams: &List<String>) -> Vec<Grantee> {
    let users = users.0.iter().map(|it| Grantee::User(Address::of(it).identity()));
    let teams = teams.0.iter().map(|it| match Address::of(it).team() {
        Some((organization, slug)) => Grantee::Team { organization, slug },
        None => Grantee::Group(it.clone()),
    });
    users.chain(teams).collect()
}

fn users(grantees: &[Grantee]) -> List<String> {
    let is_user = |it: &&Grantee| matches!(it, Grantee::User(_));
    grantees.iter().filter(is_user).filter_map(address::grantee).collect()
}

fn teams(grantees: &[Grantee]) -> List<String> {
    let is_team = |it: &&Grantee| matches!(it, Grantee::Team { .. });
    grantees.iter().filter(is_team).filter_map(address::grantee).collect()
}

/// Reads a rule.
pub(in crate::github) fn read(
    it: wire::ProtectedBranch,
    notes: &mut Notes,
) -> (String, BranchRule) {
    let checks = it.required_status_checks.0.into_iter().map(|it| match it {
        Check::Name(name) | Check::Object { context: name } => name,
    });
    let rule = BranchRule {
        author: identity(it.creator_url.as_deref()),
        admins_bound: it.admin_enforced.unwrap_or(false),
        block_deletion: read_level("block_deletion", it.block_deletions_enforcement_level, notes),
        block_force_push: read_level(
            "block_force_push",
            it.block_force_pushes_enforcement_level,
            notes,
        ),
        force_push_allowed: it.allows_force_pushes,
        deletion_allowed: it.allows_deletions,
        restrict_push: it.authorized_actors_only.unwrap_or(false),
        pushers: grantees(&it.authorized_user_urls, &it.authorized_team_urls),
        reviews: read_level("reviews", it.pull_request_reviews_enforcement_level, notes),
        approval_required: it.requires_approving_reviews,
        approvals: it.required_approving_review_count,
        dismiss_stale: it.dismiss_stale_reviews_on_push.unwrap_or(false),
        code_owner_review: it.require_code_owner_review.unwrap_or(false),
        restrict_dismissal: it.restricts_review_dismissals,
        dismissers: grantees(
            &it.dismissal_restricted_user_urls,
            &it.dismissal_restricted_team_urls,
        ),
        checks: read_level("checks", it.required_status_checks_enforcement_level, notes),
        checks_required: it.requires_status_checks,
        required_checks: checks.collect(),
        strict_checks: it.strict_required_status_checks_policy.unwrap_or(false),
        signatures: it.requires_commit_signatures,
        linear_history: it.requires_linear_history,
        pattern: it.name.clone(),
        ..BranchRule::default()
    };
    (it.name, rule)
}

/// Writes a rule.
pub(in crate::github) fn write(site: &Site, it: &BranchRule) -> wire::ProtectedBranch {
    wire::ProtectedBranch {
        r#type: owned("protected_branch"),
        name: it.pattern.clone(),
        url: site.branch_rule(&it.pattern),
        creator_url: user(it.author.as_ref()),
        repository_url: Some(owned(site.url())),
        admin_enforced: Some(it.admins_bound),
        block_deletions_enforcement_level: number(it.block_deletion),
        block_force_pushes_enforcement_level: number(it.block_force_push),
        dismiss_stale_reviews_on_push: Some(it.dismiss_stale),
        pull_request_reviews_enforcement_level: word(it.reviews),
        require_code_owner_review: Some(it.code_owner_review),
        required_status_checks_enforcement_level: word(it.checks),
        strict_required_status_checks_policy: Some(it.strict_checks),
        authorized_actors_only: Some(it.restrict_push),
        authorized_user_urls: users(&it.pushers),
        authorized_team_urls: teams(&it.pushers),
        dismissal_restricted_user_urls: users(&it.dismissers),
        dismissal_restricted_team_urls: teams(&it.dismissers),
        required_status_checks: it.required_checks.iter().cloned().map(Check::Name).collect(),
        requires_approving_reviews: it.approval_required,
        required_approving_review_count: it.approvals,
        requires_commit_signatures: it.signatures,
        requires_linear_history: it.linear_history,
        allows_force_pushes: it.force_push_allowed,
        allows_deletions: it.deletion_allowed,
        requires_status_checks: it.checks_required,
        restricts_review_dismissals: it.restrict_dismissal,
    }
}
