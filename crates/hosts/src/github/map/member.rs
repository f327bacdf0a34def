//! Roles in organizations, teams and projects.

use super::{Notes, plain};
use crate::github::wire;
use packhorse_core::{
    Object,
    model::{Grantee, Member, Place, Role},
};

/// Id of a role.
fn id(member: &Member) -> String {
    let place = match &member.place {
        Place::Project => "project".to_owned(),
        Place::ProjectAt(path) => format!("project:{path}"),
        Place::Organization(path) => format!("organization:{path}"),
        Place::Team { organization, slug } => format!("team:{organization}/{slug}"),
    };
    let grantee = match &member.grantee {
        Grantee::User(identity) => identity.login.clone(),
        Grantee::Team { organization, slug } => format!("team:{organization}/{slug}"),
        Grantee::Group(name) => format!("group:{name}"),
    };
    format!("{place}/{grantee}")
}

fn with_id(member: Member) -> (String, Object) {
    (id(&member), Object::from(member))
}

/// The role that a word stands for; [`Role::None`] for one that nobody knows, which gives no rights.
///
/// Organizations may make roles of their own, whose rights the permissions tell.
pub(in crate::github) fn role(
    word: Option<&str>,
    permissions: Option<&wire::Permissions>,
    notes: &mut Notes<'_>,
) -> Role {
    match word {
        Some("admin") => return Role::Admin,
        Some("maintain") => return Role::Maintain,
        Some("write" | "push") => return Role::Write,
        Some("triage") => return Role::Triage,
        Some("read" | "pull") => return Role::Read,
        Some(other) => notes.odd("role", other),
        None => {}
    }
    let Some(may) = permissions else { return Role::None };
    [
        (may.admin, Role::Admin),
        (may.maintain, Role::Maintain),
        (may.push, Role::Write),
        (may.triage, Role::Triage),
        (may.pull, Role::Read),
    ]
    .into_iter()
    .find_map(|(may, role)| (may == Some(true)).then_some(role))
    .unwrap_or(Role::None)
}

/// Somebody with a role of their own in a project.
pub(in crate::github) fn collaborator(
    it: &wire::User,
    notes: &mut Notes<'_>,
) -> Option<(String, Object)> {
    let grantee = Grantee::User(notes.someone(Some(it))?);
    let role = role(it.role_name.as_deref(), it.permissions.as_ref(), notes);
    Some(with_id(Member { place: Place::Project, grantee, role, ..Member::default() }))
}

/// Somebody who was asked to a project and has not answered.
pub(in crate::github) fn invitation(
    it: wire::Invitation,
    notes: &mut Notes<'_>,
) -> Option<(String, Object)> {
    let grantee = Grantee::User(notes.someone(it.invitee.as_ref())?);
    let role = role(it.permissions.as_deref(), None, notes);
    let created_at = notes.time("created_at", it.created_at);
    let place = Place::Project;
    let member = Member { place, grantee, role, pending: true, created_at, ..Member::default() };
    Some(with_id(member))
}

/// A team's role in a project.
pub(in crate::github) fn team(
    it: wire::Team,
    organization: &str,
    notes: &mut Notes<'_>,
) -> Option<(String, Object)> {
    let role = role(it.permission.as_deref(), it.permissions.as_ref(), notes);
    let grantee = Grantee::Team { organization: organization.to_owned(), slug: plain(it.slug)? };
    Some(with_id(Member { place: Place::Project, grantee, role, ..Member::default() }))
}

/// A role in an organization.
pub(in crate::github) fn of_organization(
    it: &wire::User,
    organization: &str,
    role: Role,
    notes: &Notes<'_>,
) -> Option<(String, Object)> {
    let grantee = Grantee::User(notes.someone(Some(it))?);
    let place = Place::Organization(organization.to_owned());
    Some(with_id(Member { place, grantee, role, ..Member::default() }))
}

/// A role in a team.
pub(in crate::github) fn of_team(
    it: &wire::User,
    (organization, slug): (&str, &str),
    role: Role,
    notes: &Notes<'_>,
) -> Option<(String, Object)> {
    let grantee = Grantee::User(notes.someone(Some(it))?);
    let place = Place::Team { organization: organization.to_owned(), slug: slug.to_owned() };
    Some(with_id(Member { place, grantee, role, ..Member::default() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: Role, n_losses: usize) {
        let mut notes = Notes { host: "h.example", losses: Vec::new() };
        let user: wire::User = serde_json::from_str(json).unwrap();

        let (_, object) = collaborator(&user, &mut notes).unwrap();

        let Object::Member(member) = object else { panic!("a member") };
        assert_eq!((member.role, notes.losses.len()), (expected, n_losses), "{json}");
    }

    #[test]
    fn a_role_of_the_organizations_own_is_no_more_than_its_rights() {
        check(r#"{"login": "alice", "role_name": "maintain"}"#, Role::Maintain, 0);
        let own = r#"{"login": "alice", "role_name": "wizard", "permissions":
            {"admin": false, "maintain": false, "push": true, "triage": true, "pull": true}}"#;
        check(own, Role::Write, 1);
        check(r#"{"login": "alice", "role_name": "wizard"}"#, Role::None, 1);
        check(r#"{"login": "alice"}"#, Role::None, 0);
    }
}
