//! Accounts, workspaces, repositories, roles.

use super::{identity, plain, time};
use crate::bitbucket_cloud::wire;
use packhorse_core::model::{
    Features, Grantee, Member, MergeMethods, Organization, Place, Project, Role, User, Visibility,
};

pub(in crate::bitbucket_cloud) fn user(user: &wire::Account, host: &str) -> Option<User> {
    let is_blocked = user.account_status.as_deref().is_some_and(|it| it != "active");
    let created_at = time(user.created_on);
    Some(User { identity: identity(user, host)?, is_blocked, created_at, ..User::default() })
}

pub(in crate::bitbucket_cloud) fn organization(it: wire::Workspace) -> Option<Organization> {
    let visibility =
        if it.is_private == Some(false) { Visibility::Public } else { Visibility::Private };
    Some(Organization {
        path: plain(it.slug)?,
        name: plain(it.name),
        visibility: Some(visibility),
        created_at: time(it.created_on),
        ..Organization::default()
    })
}

pub(in crate::bitbucket_cloud) fn project(it: wire::Repository) -> Option<Project> {
    let branch = it.mainbranch.unwrap_or_default();
    let is_public = it.is_private == Some(false);
    Some(Project {
        path: plain(it.full_name)?,
        name: plain(it.name).or(it.slug)?,
        description: plain(it.description),
        website: plain(it.website),
        visibility: if is_public { Visibility::Public } else { Visibility::Private },
        forked_from: it.parent.and_then(|it| plain(it.full_name)),
        features: Features {
            issues: it.has_issues,
            wiki: it.has_wiki,
            forking: it.fork_policy.as_deref().map(|it| it != "no_forks"),
            ..Features::default()
        },
        merge_methods: merge_methods(branch.merge_strategies.as_ref().map(|it| it.0.as_slice())),
        default_branch: plain(branch.name),
        created_at: time(it.created_on),
        updated_at: time(it.updated_on),
        ..Project::default()
    })
}

fn merge_methods(strategies: Option<&[String]>) -> MergeMethods {
    let Some(strategies) = strategies.filter(|it| !it.is_empty()) else {
        return MergeMethods::default();
    };
    let allows = |wanted: &[&str]| Some(strategies.iter().any(|it| wanted.contains(&it.as_str())));
    MergeMethods {
        merge_commit: allows(&["merge_commit"]),
        squash: allows(&["squash", "squash_fast_forward"]),
        rebase: allows(&["rebase_merge", "rebase_fast_forward"]),
        fast_forward: allows(&["fast_forward"]),
        ..MergeMethods::default()
    }
}

/// What a permission lets do; `None` where it lets do nothing.
pub(in crate::bitbucket_cloud) fn role(permission: Option<&str>) -> Option<Role> {
    match permission {
        Some("admin") => Some(Role::Admin),
        Some("write" | "create-repo") => Some(Role::Write),
        Some("read") => Some(Role::Read),
        Some("owner") => Some(Role::Owner),
        // Belonging to a workspace opens no repository by itself.
        Some("member" | "collaborator") => Some(Role::Guest),
        Some(_) | None => None,
    }
}

/// A permission and its id; of a person or of a group of the workspace.
pub(in crate::bitbucket_cloud) fn member(
    it: wire::Permission,
    place: Place,
    (workspace, host): (&str, &str),
) -> Option<(String, Member)> {
    let role = role(it.permission.as_deref())?;
    let person = it.user.as_ref().and_then(|it| identity(it, host));
    let (id, grantee) = match (person, it.group.and_then(|it| plain(it.slug))) {
        (Some(who), _) => (format!("user/{}", who.login), Grantee::User(who)),
        (None, Some(slug)) => {
            (format!("group/{slug}"), Grantee::Team { organization: workspace.to_owned(), slug })
        }
        (None, None) => return None,
    };
    Some((id, Member { place, grantee, role, ..Member::default() }))
}
