//! Roles: who may do what, and where.

use super::{Identity, Time, choice, model};
use serde::{Deserialize, Serialize};

choice! {
    /// What a member may do, from least to most; the union of what hosts tell apart.
    pub enum Role {
        /// Nothing: named but without rights.
        None,
        /// See that it exists, take part in issues.
        Guest,
        /// Plan: manage issues without seeing code.
        Planner,
        /// Read.
        #[default]
        Read,
        /// Manage issues and change requests without writing code.
        Triage,
        /// Write.
        Write,
        /// Manage the project without its dangerous settings.
        Maintain,
        /// Everything.
        Admin,
        /// Everything, and owns it.
        Owner,
    }
}

/// Where a role holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In the project that the record belongs to.
    #[default]
    Project,
    /// In the project of that path, granted to a team from outside.
    ProjectAt(String),
    /// In the organization of that path.
    Organization(String),
    /// In a team.
    Team {
        /// Path of the organization.
        organization: String,
        /// Slug of the team.
        slug: String,
    },
}

/// Who has a role.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grantee {
    /// One account.
    User(Identity),
    /// Everybody in a team.
    Team {
        /// Path of the organization.
        organization: String,
        /// Slug of the team.
        slug: String,
    },
    /// Everybody in a group of the host.
    Group(String),
}

impl Default for Grantee {
    fn default() -> Self {
        Self::User(Identity::default())
    }
}

model! {
    /// Somebody's role somewhere.
    pub struct Member {
        /// Where.
        pub place: Place,
        /// Who.
        pub grantee: Grantee,
        /// What they may do.
        pub role: Role,
        /// Whether they were asked and have not accepted.
        pub pending: bool,
        /// Since when.
        pub created_at: Option<Time>,
        /// Until when.
        pub expires_at: Option<Time>,
    }
}
