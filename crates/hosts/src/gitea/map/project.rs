//! Accounts, organizations, projects and what they are labelled with.

use super::{identity, plain, text, time};
use crate::gitea::wire;
use packhorse_core::model::{
    Features, Grantee, Label, Member, MergeMethods, Milestone, OpenState, Organization, Place,
    Project, Role, State, StateValue, Subject, Team, User, Visibility,
};

/// A project, or nothing where the answer names none.
pub(in crate::gitea) fn project(repo: wire::Repository) -> Option<Project> {
    let visibility = match (repo.internal, repo.private) {
        (Some(true), _) => Visibility::Internal,
        (_, Some(true)) => Visibility::Private,
        (_, Some(false) | None) => Visibility::Public,
    };
    Some(Project {
        path: repo.full_name?,
        name: repo.name.unwrap_or_default(),
        description: plain(repo.description),
        website: plain(repo.website),
        visibility,
        default_branch: plain(repo.default_branch).filter(|_| repo.empty != Some(true)),
        forked_from: repo.parent.and_then(|it| it.full_name),
        features: Features {
            issues: repo.has_issues,
            wiki: repo.has_wiki,
            downloads: repo.has_releases,
            boards: repo.has_projects,
            template: repo.template,
            ..Features::default()
        },
        merge_methods: MergeMethods {
            merge_commit: repo.allow_merge_commits,
            squash: repo.allow_squash_merge,
            rebase: repo.allow_rebase,
            fast_forward: repo.allow_fast_forward_only_merge,
            delete_head: repo.default_delete_branch_after_merge,
            update_head: repo.allow_rebase_update,
            ..MergeMethods::default()
        },
        created_at: time(repo.created_at.as_deref()),
        updated_at: time(repo.updated_at.as_deref()),
        ..Project::default()
    })
}

/// Whether a project takes no more writes.
pub(in crate::gitea) fn archived(repo: &wire::Repository) -> Option<State> {
    let created_at = time(repo.archived_at.as_deref()).filter(|it| it.instant().as_second() > 0);
    let state =
        State { subject: Subject::Project, value: StateValue::Archived, ..State::default() };
    (repo.archived == Some(true)).then_some(State { created_at, ..state })
}

pub(in crate::gitea) fn user(user: wire::User, host: &str) -> Option<User> {
    Some(User {
        identity: identity(&user, host)?,
        avatar_url: plain(user.avatar_url),
        bio: plain(user.description),
        website: plain(user.website),
        location: plain(user.location),
        is_admin: user.is_admin.unwrap_or_default(),
        is_blocked: user.prohibit_login.unwrap_or_default(),
        created_at: time(user.created.as_deref()),
        ..User::default()
    })
}

pub(in crate::gitea) fn organization(org: wire::Organization) -> Option<Organization> {
    Some(Organization {
        path: plain(org.name).or(plain(org.username))?,
        name: plain(org.full_name),
        description: plain(org.description),
        website: plain(org.website),
        location: plain(org.location),
        email: plain(org.email),
        visibility: match org.visibility.as_deref() {
            Some("public") => Some(Visibility::Public),
            Some("limited") => Some(Visibility::Internal),
            Some("private") => Some(Visibility::Private),
            Some(_) | None => None,
        },
        ..Organization::default()
    })
}

pub(in crate::gitea) fn team(team: &wire::Team, organization: &str) -> Option<Team> {
    let name = plain(team.name.clone())?;
    Some(Team {
        organization: organization.to_owned(),
        slug: name.clone(),
        name,
        description: plain(team.description.clone()),
        ..Team::default()
    })
}

/// What a permission of the host allows; an unknown one allows nothing.
pub(in crate::gitea) fn role(permission: Option<&str>) -> Role {
    match permission {
        Some("owner") => Role::Owner,
        Some("admin") => Role::Admin,
        Some("write") => Role::Write,
        Some("read") => Role::Read,
        Some(_) | None => Role::None,
    }
}

pub(in crate::gitea) fn member(place: Place, grantee: Grantee, role: Role) -> Member {
    Member { place, grantee, role, ..Member::default() }
}

pub(in crate::gitea) fn label(label: wire::Label, inherited: bool) -> Option<Label> {
    let color = label.color.map(|it| it.trim_start_matches('#').to_ascii_lowercase());
    Some(Label {
        name: label.name?,
        color: color.filter(|it| !it.is_empty()),
        description: text(label.description),
        exclusive: label.exclusive.filter(|it| *it),
        archived: label.is_archived.filter(|it| *it),
        inherited,
        ..Label::default()
    })
}

pub(in crate::gitea) fn open_state(state: Option<&str>) -> OpenState {
    if state == Some("closed") { OpenState::Closed } else { OpenState::Open }
}

pub(in crate::gitea) fn milestone(milestone: wire::Milestone) -> Option<Milestone> {
    Some(Milestone {
        number: milestone.id?,
        title: milestone.title.unwrap_or_default(),
        description: text(milestone.description),
        state: open_state(milestone.state.as_deref()),
        due_at: time(milestone.due_on.as_deref()),
        created_at: time(milestone.created_at.as_deref()),
        updated_at: time(milestone.updated_at.as_deref()),
        closed_at: time(milestone.closed_at.as_deref()),
        ..Milestone::default()
    })
}
