//! Accounts, projects, roles.

use super::{identity, path_of, plain};
use crate::bitbucket_server::wire;
use packhorse_core::model::{
    Features, Grantee, Member, MergeMethods, Organization, Place, Project, Role, User, Visibility,
};

pub(in crate::bitbucket_server) fn user(user: &wire::User, host: &str) -> Option<User> {
    let identity = identity(user, host)?;
    Some(User { identity, is_blocked: user.active == Some(false), ..User::default() })
}

/// A project of the server, which owns repositories.
pub(in crate::bitbucket_server) fn organization(project: wire::Project) -> Option<Organization> {
    let visibility =
        if project.public == Some(true) { Visibility::Public } else { Visibility::Private };
    Some(Organization {
        path: plain(project.key)?,
        name: plain(project.name),
        description: plain(project.description),
        visibility: Some(visibility),
        ..Organization::default()
    })
}

/// A repository. `for_all` says whether everybody with an account may read its project.
pub(in crate::bitbucket_server) fn project(
    repository: &wire::Repository,
    default_branch: Option<wire::Branch>,
    settings: Option<wire::PullRequestSettings>,
    for_all: bool,
) -> Option<Project> {
    let is_public = repository.public == Some(true)
        || repository.project.as_ref().is_some_and(|it| it.public == Some(true));
    let visibility = match (is_public, for_all) {
        (true, _) => Visibility::Public,
        (false, true) => Visibility::Internal,
        (false, false) => Visibility::Private,
    };
    let branch = default_branch.map(|it| super::branch_name(it.id.as_deref(), None));
    Some(Project {
        path: path_of(repository)?,
        name: plain(repository.name.clone()).or_else(|| repository.slug.clone())?,
        description: plain(repository.description.clone()),
        visibility,
        default_branch: plain(branch).or_else(|| {
            let told = repository.default_branch.as_deref();
            plain(told.map(|it| super::branch_name(Some(it), None)))
        }),
        forked_from: repository.origin.as_deref().and_then(path_of),
        features: Features {
            issues: Some(false),
            wiki: Some(false),
            forking: repository.forkable,
            ..Features::default()
        },
        merge_methods: settings.map(merge_methods).unwrap_or_default(),
        ..Project::default()
    })
}

/// Which strategies may be used; the server has two with rebasing and two with squashing.
///
/// Source: Atlassian, "Pull request merge strategies".
fn merge_methods(settings: wire::PullRequestSettings) -> MergeMethods {
    let strategies = settings.merge_config.and_then(|it| it.strategies);
    let Some(strategies) = strategies.filter(|it| !it.0.is_empty()) else {
        return MergeMethods::default();
    };
    let allows = |wanted: &[&str]| {
        let is_on = |it: &wire::Strategy| {
            it.enabled != Some(false) && it.id.as_deref().is_some_and(|id| wanted.contains(&id))
        };
        Some(strategies.0.iter().any(is_on))
    };
    MergeMethods {
        merge_commit: allows(&["no-ff", "ff"]),
        squash: allows(&["squash", "squash-ff-only"]),
        rebase: allows(&["rebase-no-ff", "rebase-ff-only"]),
        fast_forward: allows(&["ff", "ff-only"]),
        ..MergeMethods::default()
    }
}

/// What a permission lets do.
pub(in crate::bitbucket_server) fn role(permission: Option<&str>) -> Role {
    match permission {
        Some("REPO_ADMIN" | "PROJECT_ADMIN") => Role::Admin,
        Some("REPO_WRITE" | "PROJECT_WRITE" | "REPO_CREATE") => Role::Write,
        Some("PROJECT_VIEW") => Role::Guest,
        // What is not known lets do the least that is worth having.
        Some(_) | None => Role::Read,
    }
}

/// A permission and its id; of a person or of a group of the server.
pub(in crate::bitbucket_server) fn member(
    permission: wire::Permission,
    place: Place,
    host: &str,
) -> Option<(String, Member)> {
    let role = role(permission.permission.as_deref());
    let person = permission.user.as_ref().and_then(|it| identity(it, host));
    let (id, grantee) = match (person, permission.group.and_then(|it| plain(it.name))) {
        (Some(who), _) => (format!("user/{}", who.login), Grantee::User(who)),
        (None, Some(name)) => (format!("group/{name}"), Grantee::Group(name)),
        (None, None) => return None,
    };
    Some((id, Member { place, grantee, role, ..Member::default() }))
}
