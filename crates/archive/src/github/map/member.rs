//! Roles in organizations, teams and repositories, all embedded in what they hold for.

use super::{
    super::address::{self, Address},
    Notes, id,
};
use crate::github::wire;
use packhorse_core::model::{Grantee, Member, Place, Role};

fn member(place: Place, grantee: Grantee, role: Role) -> (String, Member) {
    let member = Member { place, grantee, role, ..Member::default() };
    (id::member(&member), member)
}

fn account(url: &str) -> Grantee {
    Grantee::User(Address::of(url).identity())
}

/// Reads the word of a role; [`Role::None`] for one that nobody knows, which gives no rights.
fn role(word: Option<&str>, notes: &mut Notes) -> Role {
    match word {
        Some("admin") => Role::Admin,
        Some("maintain") => Role::Maintain,
        Some("write" | "push") => Role::Write,
        Some("triage") => Role::Triage,
        Some("read" | "pull") => Role::Read,
        other => {
            notes.odd("role", other.unwrap_or("null"));
            Role::None
        }
    }
}

/// The word for a role in a repository, never for more than the role.
fn access(role: Role, words: [&str; 3]) -> String {
    let [read, write, admin] = words;
    let word = match role {
        Role::Admin | Role::Owner => admin,
        Role::Write | Role::Maintain => write,
        Role::None | Role::Guest | Role::Planner | Role::Read | Role::Triage => read,
    };
    word.to_owned()
}

/// Reads a collaborator of a repository; a team is one too in some exports.
pub(in crate::github) fn read_collaborator(
    it: &wire::Collaborator,
    notes: &mut Notes,
) -> (String, Member) {
    let grantee = match Address::of(&it.user).team() {
        Some((organization, slug)) => Grantee::Team { organization, slug },
        None => account(&it.user),
    };
    member(Place::Project, grantee, role(it.permission.as_deref(), notes))
}

/// Writes a collaborator; `None` for groups, which have no address.
pub(in crate::github) fn write_collaborator(it: &Member) -> Option<wire::Collaborator> {
    let user = address::grantee(&it.grantee)?;
    let permission = access(it.role, ["read", "write", "admin"]);
    Some(wire::Collaborator { user, permission: Some(permission) })
}

/// Reads a member of an organization.
pub(in crate::github) fn read_organization_member(
    path: &str,
    it: &wire::OrganizationMember,
    notes: &mut Notes,
) -> (String, Member) {
    let role = match it.role.as_deref() {
        Some("admin") => Role::Owner,
        Some("direct_member" | "member") => Role::Read,
        other => {
            notes.odd("role", other.unwrap_or("null"));
            Role::None
        }
    };
    let place = Place::Organization(path.to_owned());
    let (id, mut member) = member(place, account(&it.user), role);
    member.pending = it.state.as_deref() == Some("pending");
    (id, member)
}

/// Writes a member of an organization; `None` for what is no account.
pub(in crate::github) fn write_organization_member(
    it: &Member,
) -> Option<wire::OrganizationMember> {
    let Grantee::User(identity) = &it.grantee else { return None };
    let role = if matches!(it.role, Role::Owner | Role::Admin) { "admin" } else { "direct_member" };
    let state = if it.pending { "pending" } else { "active" };
    Some(wire::OrganizationMember {
        user: address::user(identity),
        role: Some(role.to_owned()),
        state: Some(state.to_owned()),
    })
}

/// Reads a member of a team.
pub(in crate::github) fn read_team_member(
    (organization, slug): (&str, &str),
    it: &wire::TeamMember,
    notes: &mut Notes,
) -> (String, Member) {
    let role = match it.role.as_deref() {
        Some("maintainer") => Role::Maintain,
        Some("member") => Role::Read,
        other => {
            notes.odd("role", other.unwrap_or("null"));
            Role::None
        }
    };
    let place = Place::Team { organization: organization.to_owned(), slug: slug.to_owned() };
    member(place, account(&it.user), role)
}

/// Writes a member of a team; `None` for what is no account.
pub(in crate::github) fn write_team_member(it: &Member) -> Option<wire::TeamMember> {
    let Grantee::User(identity) = &it.grantee else { return None };
    let leads = matches!(it.role, Role::Maintain | Role::Admin | Role::Owner);
    let role = if leads { "maintainer" } else { "member" };
    Some(wire::TeamMember { user: address::user(identity), role: Some(role.to_owned()) })
}

/// Reads what a team may do in a repository; `None` when the address is of none.
pub(in crate::github) fn read_permission(
    (organization, slug): (&str, &str),
    it: &wire::TeamPermission,
    notes: &mut Notes,
) -> Option<(String, Member)> {
    let place = Place::ProjectAt(Address::of(&it.repository).project()?);
    let team = Grantee::Team { organization: organization.to_owned(), slug: slug.to_owned() };
    Some(member(place, team, role(it.access.as_deref(), notes)))
}

/// Whether a role is one within a team.
pub(in crate::github) const fn is_in_team(it: &Member) -> bool {
    matches!(it.place, Place::Team { .. })
}

/// The team that a role is granted to.
pub(in crate::github) fn team_of(it: &Member) -> Option<(&str, &str)> {
    match &it.grantee {
        Grantee::Team { organization, slug } => Some((organization, slug)),
        Grantee::User(_) | Grantee::Group(_) => None,
    }
}

/// Writes what a team may do in a repository; `None` where the place is another.
pub(in crate::github) fn write_permission(it: &Member) -> Option<wire::TeamPermission> {
    let Place::ProjectAt(path) = &it.place else { return None };
    let access = access(it.role, ["pull", "push", "admin"]);
    Some(wire::TeamPermission { repository: address::project(path), access: Some(access) })
}
