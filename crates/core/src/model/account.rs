//! Accounts: people, organizations, teams.

use super::{Identity, Time, Visibility, model};
use std::collections::BTreeMap;

model! {
    /// A person's or a bot's account.
    pub struct User {
        /// Who it is.
        pub identity: Identity,
        /// Address of a picture.
        pub avatar_url: Option<String>,
        /// A sentence about oneself.
        pub bio: Option<String>,
        /// Employer.
        pub company: Option<String>,
        /// Home page.
        pub website: Option<String>,
        /// Place.
        pub location: Option<String>,
        /// All e-mail addresses.
        pub emails: Vec<Email>,
        /// Other places where the person is found.
        pub links: Vec<ProfileLink>,
        /// Whether the account administers the host.
        pub is_admin: bool,
        /// Whether the account is blocked or deactivated.
        pub is_blocked: bool,
        /// When the account was made.
        pub created_at: Option<Time>,
    }

    /// An e-mail address of a user.
    pub struct Email {
        /// The address.
        pub address: String,
        /// Whether it is the main one.
        pub primary: bool,
        /// Whether the host has verified it.
        pub verified: bool,
    }

    /// A place where a person is found.
    pub struct ProfileLink {
        /// Kind of place, such as `mastodon`.
        pub provider: String,
        /// Address.
        pub url: String,
    }

    /// What owns projects: an organization, a group, a workspace.
    pub struct Organization {
        /// Full path; groups within groups are separated by `/`.
        pub path: String,
        /// Name for people.
        pub name: Option<String>,
        /// What it is for.
        pub description: Option<String>,
        /// Home page.
        pub website: Option<String>,
        /// Place.
        pub location: Option<String>,
        /// E-mail address.
        pub email: Option<String>,
        /// Who may see it.
        pub visibility: Option<Visibility>,
        /// Settings that its projects start with or must obey, by neutral name.
        pub settings: BTreeMap<String, serde_json::Value>,
        /// When it was made.
        pub created_at: Option<Time>,
    }

    /// A team within an organization.
    pub struct Team {
        /// Path of the organization.
        pub organization: String,
        /// Name in addresses.
        pub slug: String,
        /// Name for people.
        pub name: String,
        /// What it is for.
        pub description: Option<String>,
        /// Slug of the team above, in the same organization.
        pub parent: Option<String>,
        /// Whether only members see it.
        pub secret: bool,
        /// When it was made.
        pub created_at: Option<Time>,
    }
}
