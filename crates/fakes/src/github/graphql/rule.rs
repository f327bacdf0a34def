//! Protection of branches, which REST shows branch by branch and this by pattern.

use super::{Desk, Field, Found, Place, connection, object, unknown};
use packhorse_core::model::{BranchRule, Enforcement, Grantee};
use serde_json::{Value, json};

pub(super) fn list(desk: &Desk<'_>, place: &Place, field: &Field) -> Found {
    let all: Vec<_> = desk.store.all::<BranchRule>(&place.scope).collect();
    connection(field, &all, |(id, it), fields| rule(*id, it, fields))
}

fn rule(id: u64, it: &BranchRule, fields: &[Field]) -> Found {
    let (reviews, checks) = (it.reviews != Enforcement::Off, it.checks != Enforcement::Off);
    let allows = |told: Option<bool>, blocked| told.unwrap_or(blocked == Enforcement::Off);
    object("BranchProtectionRule", fields, |field| {
        Ok(match field.name.as_str() {
            "id" => json!(format!("BPR_{id}")),
            "pattern" => json!(it.pattern),
            "creator" => return super::actor(it.author.as_ref(), field),
            "isAdminEnforced" => json!(it.admins_bound),
            "allowsForcePushes" => json!(allows(it.force_push_allowed, it.block_force_push)),
            "allowsDeletions" => json!(allows(it.deletion_allowed, it.block_deletion)),
            "requiresApprovingReviews" => json!(reviews),
            "requiredApprovingReviewCount" => {
                json!(reviews.then(|| it.approvals.unwrap_or(1).min(6)))
            }
            "dismissesStaleReviews" => json!(it.dismiss_stale),
            "requiresCodeOwnerReviews" => json!(it.code_owner_review),
            "requiresStatusChecks" => json!(checks),
            "requiredStatusCheckContexts" => json!(it.required_checks),
            "requiresStrictStatusChecks" => json!(it.strict_checks),
            "requiresCommitSignatures" => json!(it.signatures == Some(true)),
            "requiresLinearHistory" => json!(it.linear_history == Some(true)),
            "requiresConversationResolution" => json!(it.threads_resolved == Some(true)),
            "restrictsPushes" => json!(it.restrict_push),
            "lockBranch" => json!(it.read_only),
            "restrictsReviewDismissals" => json!(it.restrict_dismissal == Some(true)),
            "pushAllowances" => return allowances(&it.pushers, field),
            "reviewDismissalAllowances" => return allowances(&it.dismissers, field),
            _ => return unknown("BranchProtectionRule", field),
        })
    })
}

fn allowances(all: &[Grantee], field: &Field) -> Found {
    connection(field, all, |grantee, fields| {
        object("Allowance", fields, |field| match (field.name.as_str(), grantee) {
            ("actor", Grantee::User(who)) => super::actor(Some(who), field),
            ("actor", Grantee::Team { organization, slug }) => team(organization, slug, field),
            ("actor", Grantee::Group(_)) => Ok(Value::Null),
            (_, _) => unknown("Allowance", field),
        })
    })
}

fn team(organization: &str, slug: &str, field: &Field) -> Found {
    object("Team", &field.fields, |field| match field.name.as_str() {
        "slug" => Ok(json!(slug)),
        "organization" => {
            object("Organization", &field.fields, |field| match field.name.as_str() {
                "login" => Ok(json!(organization)),
                _ => unknown("Organization", field),
            })
        }
        _ => unknown("Team", field),
    })
}
