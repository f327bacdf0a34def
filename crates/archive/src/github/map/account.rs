//! Users, organizations, teams.

use super::{
    super::address::{self, Address},
    Notes, id, owned, time,
};
use crate::github::wire::{self, List};
use packhorse_core::model::{self, IdentityKind};
use serde_json::Value;

/// Reads a user; `is_bot` where the record stands in the file of bots.
pub(in crate::github) fn read_user(
    it: wire::User,
    is_bot: bool,
    notes: &mut Notes,
) -> (String, model::User) {
    let mut identity = Address::of(&it.url).identity();
    identity.login = it.login.unwrap_or(identity.login);
    identity.name = it.name;
    let emails: Vec<model::Email> = it
        .emails
        .0
        .into_iter()
        .map(|it| model::Email {
            address: it.address,
            primary: it.primary.unwrap_or(false),
            verified: it.verified.unwrap_or(false),
        })
        .collect();
    let main = emails.iter().find(|it| it.primary).or_else(|| emails.first());
    identity.email = main.map(|it| it.address.clone());
    if is_bot {
        identity.kind = IdentityKind::Bot;
    }
    let link = |it: wire::SocialAccount| model::ProfileLink { provider: it.provider, url: it.url };
    let user = model::User {
        avatar_url: it.avatar_url,
        bio: it.bio,
        company: it.company,
        website: it.website,
        location: it.location,
        emails,
        links: it.social_accounts.0.into_iter().map(link).collect(),
        is_admin: false,
        is_blocked: false,
        created_at: notes.time("created_at", it.created_at),
        identity,
    };
    (user.identity.login.clone(), user)
}

/// Writes a user.
pub(in crate::github) fn write_user(it: &model::User) -> wire::User {
    let email = |it: &model::Email| wire::Email {
        address: it.address.clone(),
        primary: Some(it.primary),
        verified: Some(it.verified),
    };
    let mut emails: List<_> = it.emails.iter().map(email).collect();
    if let (Some(address), true) = (&it.identity.email, emails.0.is_empty()) {
        let address = address.clone();
        emails.0.push(wire::Email { address, primary: Some(true), verified: Some(false) });
    }
    let link = |it: &model::ProfileLink| wire::SocialAccount {
        provider: it.provider.clone(),
        url: it.url.clone(),
    };
    wire::User {
        r#type: owned("user"),
        url: address::user(&it.identity),
        avatar_url: it.avatar_url.clone(),
        login: Some(it.identity.login.clone()),
        name: it.identity.name.clone(),
        bio: it.bio.clone(),
        company: it.company.clone(),
        website: it.website.clone(),
        location: it.location.clone(),
        emails,
        social_accounts: it.links.iter().map(link).collect(),
        billing_plan: wire::Unused,
        created_at: time(it.created_at),
    }
}

/// Reads an organization, without its members.
pub(in crate::github) fn read_organization(
    it: wire::Organization,
    notes: &mut Notes,
) -> (String, model::Organization) {
    let path = it.login.unwrap_or_else(|| Address::of(&it.url).organization());
    let privileges = it.member_privileges.into_iter().flat_map(wire::MemberPrivileges::into_pairs);
    let defaults =
        it.repository_defaults.into_iter().flat_map(wire::RepositoryDefaults::into_pairs);
    let is_empty = |it: &Value| it.is_null() || it.as_array().is_some_and(Vec::is_empty);
    let organization = model::Organization {
        path: path.clone(),
        name: it.name,
        description: it.description,
        website: it.website,
        location: it.location,
        email: it.email,
        visibility: None,
        settings: privileges.chain(defaults).filter(|(_, value)| !is_empty(value)).collect(),
        created_at: notes.time("created_at", it.created_at),
    };
    (path, organization)
}

/// Writes an organization with its members.
pub(in crate::github) fn write_organization(
    it: &model::Organization,
    members: Vec<wire::OrganizationMember>,
) -> wire::Organization {
    let (mut privileges, mut defaults) = (None, None);
    for (name, value) in &it.settings {
        let mut found = wire::MemberPrivileges::default();
        let mut other = wire::RepositoryDefaults::default();
        if found.set(name, value) {
            privileges.get_or_insert(found).set(name, value);
        } else if other.set(name, value) {
            defaults.get_or_insert(other).set(name, value);
        }
    }
    wire::Organization {
        r#type: owned("organization"),
        url: address::organization(&it.path),
        login: Some(it.path.clone()),
        name: it.name.clone(),
        description: it.description.clone(),
        website: it.website.clone(),
        location: it.location.clone(),
        email: it.email.clone(),
        members: List(members),
        created_at: time(it.created_at),
        member_privileges: privileges,
        repository_defaults: defaults,
        ..wire::Organization::default()
    }
}

/// Path of the organization and slug of a team.
pub(in crate::github) fn team_place(it: &wire::Team) -> (String, String) {
    let in_address = Address::of(&it.url).team();
    let named = it.organization.as_deref().map(|it| Address::of(it).organization());
    let (organization, slug) = in_address.unwrap_or_else(|| {
        (String::new(), it.name.clone().unwrap_or_else(|| Address::of(&it.url).name()))
    });
    (named.unwrap_or(organization), slug)
}

/// Reads a team, without its members.
pub(in crate::github) fn read_team(it: wire::Team, notes: &mut Notes) -> (String, model::Team) {
    let (organization, slug) = team_place(&it);
    let secret = match it.privacy.as_deref() {
        Some("secret") => true,
        None | Some("closed") => false,
        Some(other) => {
            notes.odd("secret", other);
            false
        }
    };
    let parent = it.parent_team.as_deref().and_then(|it| Address::of(it).team());
    let team = model::Team {
        name: it.name.unwrap_or_else(|| slug.clone()),
        description: it.description,
        parent: parent.map(|(_, slug)| slug),
        secret,
        created_at: notes.time("created_at", it.created_at),
        organization,
        slug,
    };
    (id::team(&team.organization, &team.slug), team)
}

/// Writes a team with its members and what it may do.
pub(in crate::github) fn write_team(
    it: &model::Team,
    permissions: Vec<wire::TeamPermission>,
    members: Vec<wire::TeamMember>,
) -> wire::Team {
    wire::Team {
        r#type: owned("team"),
        url: address::team(&it.organization, &it.slug),
        organization: Some(address::organization(&it.organization)),
        parent_team: it.parent.as_deref().map(|slug| address::team(&it.organization, slug)),
        name: Some(it.name.clone()),
        description: it.description.clone(),
        privacy: Some(owned(if it.secret { "secret" } else { "closed" })),
        permissions: List(permissions),
        members: List(members),
        created_at: time(it.created_at),
    }
}
