//! Users, organizations, teams.

use super::{List, Unused, UnusedList, wire};
use serde_json::Value;

wire! {
    /// A person or, in the file of bots, a program.
    struct User {
        r#type: String,
        url: String,
        avatar_url: Option<String>,
        login: Option<String>,
        name: Option<String>,
        bio: Option<String>,
        company: Option<String>,
        website: Option<String>,
        location: Option<String>,
        emails: List<Email>,
        social_accounts: List<SocialAccount>,
        billing_plan: Unused,
        created_at: Option<String>,
    }
    nested { "emails": Email, "social_accounts": SocialAccount }
    lost { "billing_plan" }

    /// An e-mail address.
    struct Email {
        address: String,
        primary: Option<bool>,
        verified: Option<bool>,
    }

    /// An account elsewhere.
    struct SocialAccount {
        provider: String,
        url: String,
    }

    /// An organization.
    struct Organization {
        r#type: String,
        url: String,
        login: Option<String>,
        name: Option<String>,
        description: Option<String>,
        website: Option<String>,
        location: Option<String>,
        email: Option<String>,
        members: List<OrganizationMember>,
        owners_team: Unused,
        webhooks: UnusedList,
        created_at: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        member_privileges: Option<MemberPrivileges>,
        #[serde(skip_serializing_if = "Option::is_none")]
        repository_defaults: Option<RepositoryDefaults>,
    }
    nested {
        "members": OrganizationMember,
        "member_privileges": MemberPrivileges,
        "repository_defaults": RepositoryDefaults,
    }
    lost { "owners_team", "webhooks" }

    /// A member of an organization.
    struct OrganizationMember {
        user: String,
        role: Option<String>,
        state: Option<String>,
    }

    /// A team.
    struct Team {
        r#type: String,
        url: String,
        organization: Option<String>,
        parent_team: Option<String>,
        name: Option<String>,
        description: Option<String>,
        privacy: Option<String>,
        permissions: List<TeamPermission>,
        members: List<TeamMember>,
        created_at: Option<String>,
    }
    nested { "permissions": TeamPermission, "members": TeamMember }

    /// What a team may do in a repository.
    struct TeamPermission {
        repository: String,
        access: Option<String>,
    }

    /// A member of a team.
    struct TeamMember {
        user: String,
        role: Option<String>,
    }
}

/// Declares settings of any type, in GitHub's order, with a way in and out by name.
macro_rules! settings {
    ($($(#[$meta:meta])* $Name:ident: $($field:ident),+;)+) => {$(
        wire! {
            $(#[$meta])*
            struct $Name {
                $(#[serde(skip_serializing_if = "Option::is_none")] $field: Option<Value>,)+
            }
        }

        impl $Name {
            /// The settings that are there, by name.
            pub(crate) fn into_pairs(self) -> impl Iterator<Item = (String, Value)> {
                [$((stringify!($field), self.$field)),+]
                    .into_iter()
                    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            }

            /// Takes a setting of that name, if it is one of these.
            pub(crate) fn set(&mut self, name: &str, value: &Value) -> bool {
                match name {
                    $(stringify!($field) => self.$field = Some(value.clone()),)+
                    _ => return false,
                }
                true
            }
        }
    )+};
}

settings! {
    /// What members of an organization may do.
    MemberPrivileges:
        default_repository_permission,
        members_can_create_public_repositories,
        members_can_create_private_repositories,
        members_can_create_internal_repositories,
        members_can_invite_outside_collaborators,
        allows_private_repository_forking,
        members_can_create_pages,
        members_can_change_repo_visibility,
        members_can_delete_repositories,
        members_can_delete_issues,
        display_commenter_full_name_setting_enabled,
        readers_can_create_discussions,
        members_can_create_teams,
        members_can_view_dependency_insights;

    /// What new repositories of an organization begin with.
    RepositoryDefaults:
        repository_default_branch,
        commit_signoff,
        repository_labels;
}
