//! Projects of the server, repositories, permissions.

use crate::bitbucket_archive::{who, wire};
use crate::wire::List;
use packhorse_core::model::{
    Features, Grantee, Member, Organization, Place, Project, Role, Visibility,
};

/// Longest key of a project, and longest slug.
///
/// Source: Atlassian, Javadoc of Bitbucket, `Project.MAX_KEY_LENGTH`, `Repository.SLUG_MAX_SIZE`.
const MAX_CHARS: usize = 128;

/// Whether a text can be the key of a project that is nobody's own.
///
/// Source: Atlassian, Javadoc of Bitbucket, `Project.KEY_REGEXP`.
pub(in crate::bitbucket_archive) fn is_key(text: &str) -> bool {
    let plain = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'-');
    text.starts_with(|it: char| it.is_ascii_alphabetic())
        && text.bytes().all(plain)
        && text.len() <= MAX_CHARS
}

/// Whether a text can be the slug of a repository.
pub(in crate::bitbucket_archive) fn is_slug(text: &str) -> bool {
    let plain = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'_' | b'-');
    !matches!(text, "" | "." | "..") && text.bytes().all(plain) && text.len() <= MAX_CHARS
}

/// Whether what an archive says can be a part of a path here.
///
/// SECURITY: wherever it goes, it may be a path there.
pub(in crate::bitbucket_archive) fn is_part(text: &str) -> bool {
    let is_odd = |it: char| it.is_control() || matches!(it, '/' | '\\');
    !matches!(text, "" | "." | "..") && !text.contains(is_odd)
}

fn visibility(is_public: bool) -> Visibility {
    if is_public { Visibility::Public } else { Visibility::Private }
}

/// A project of the server.
pub(in crate::bitbucket_archive) fn organization(it: &wire::Project) -> Option<Organization> {
    let filled = |text: &Option<String>| text.clone().filter(|it| !it.is_empty());
    let path = filled(&it.key)?;
    Some(Organization {
        // A name that is the key tells nothing more.
        name: filled(&it.name).filter(|it| *it != path),
        description: filled(&it.description),
        visibility: Some(visibility(it.public == Some(true))),
        path,
        ..Organization::default()
    })
}

/// A project of the server, without its row.
pub(in crate::bitbucket_archive) fn write_organization(it: &Organization) -> wire::Project {
    wire::Project {
        description: it.description.clone().filter(|it| !it.is_empty()),
        id: None,
        key: Some(it.path.clone()),
        name: Some(it.name.clone().unwrap_or_else(|| it.path.clone())),
        public: Some(it.visibility == Some(Visibility::Public)),
        // Source: the only word that was seen, of a project that is nobody's own.
        r#type: Some(0),
    }
}

/// A repository in a project of that key; `for_all` says whether all with an account may read it.
pub(in crate::bitbucket_archive) fn project(
    it: &wire::Repository,
    path: &str,
    (is_public, for_all): (bool, bool),
    default_branch: Option<String>,
) -> Project {
    let slug = path.rsplit('/').next().unwrap_or_default();
    let name = it.name.clone().filter(|it| !it.is_empty());
    let visibility = match (is_public || it.public == Some(true), for_all) {
        (true, _) => Visibility::Public,
        (false, true) => Visibility::Internal,
        (false, false) => Visibility::Private,
    };
    Project {
        path: path.to_owned(),
        name: name.unwrap_or_else(|| slug.to_owned()),
        visibility,
        default_branch,
        features: Features {
            issues: Some(false),
            wiki: Some(false),
            forking: it.forkable,
            ..Features::default()
        },
        ..Project::default()
    }
}

/// A repository, without its rows.
pub(in crate::bitbucket_archive) fn write_project(it: &Project) -> wire::Repository {
    let slug = it.path.rsplit('/').next().unwrap_or_default().to_owned();
    wire::Repository {
        forkable: Some(it.features.forking.unwrap_or(true)),
        hierarchyId: None,
        id: None,
        name: Some(if it.name.is_empty() { slug.clone() } else { it.name.clone() }),
        projectId: None,
        public: Some(it.visibility == Visibility::Public),
        scmId: Some("git".to_owned()),
        slug: Some(slug),
    }
}

/// What a permission lets do.
fn role(permission: &str) -> Option<Role> {
    Some(match permission.split_once('_')?.1 {
        "ADMIN" => Role::Admin,
        "WRITE" | "CREATE" => Role::Write,
        "VIEW" => Role::Guest,
        _ => Role::Read,
    })
}

/// The word for a role; the next lower one that there is. Those who may not read have none.
fn permission(role: Role) -> Option<&'static str> {
    match role {
        Role::None | Role::Guest | Role::Planner => None,
        Role::Read | Role::Triage => Some("READ"),
        Role::Write => Some("WRITE"),
        Role::Maintain | Role::Admin | Role::Owner => {
            Some(if role == Role::Maintain { "WRITE" } else { "ADMIN" })
        }
    }
}

/// Id of what somebody may do: the same as over the API.
fn member_id(it: &Member) -> String {
    let who = match &it.grantee {
        Grantee::User(who) => format!("user/{}", who.login),
        Grantee::Group(name) => format!("group/{name}"),
        Grantee::Team { organization, slug } => format!("team/{organization}/{slug}"),
    };
    match &it.place {
        Place::Organization(key) => format!("{key}/{who}"),
        Place::Project | Place::ProjectAt(_) | Place::Team { .. } => who,
    }
}

/// Who has a permission, and how many of the groups cannot be told.
pub(in crate::bitbucket_archive) fn members(
    it: &wire::Permission,
    place: &Place,
) -> (Vec<(String, Member)>, u64) {
    let Some(role) = it.permission.as_deref().and_then(role) else {
        return (Vec::new(), it.userIds.count() + it.groups.count());
    };
    let people = it.userIds.0.iter().filter_map(|it| who::read(it)).map(Grantee::User);
    let groups = it.groups.0.iter().filter_map(|it| it.as_str());
    let groups = groups.filter(|it| !it.is_empty()).map(|it| Grantee::Group(it.to_owned()));
    let of = |grantee| {
        let member = Member { place: place.clone(), grantee, role, ..Member::default() };
        (member_id(&member), member)
    };
    let found: Vec<_> = people.chain(groups).map(of).collect();
    let told = it.userIds.count() + it.groups.count();
    let lost = told.saturating_sub(found.len() as u64);
    (found, lost)
}

/// A permission for one person: its word and the person; `None` where the archive has no place for it.
pub(in crate::bitbucket_archive) fn write_member(it: &Member) -> Option<(String, String)> {
    let prefix = match &it.place {
        Place::Project => "REPO",
        Place::Organization(key) if is_key(key) => "PROJECT",
        Place::Organization(_) | Place::ProjectAt(_) | Place::Team { .. } => return None,
    };
    let Grantee::User(who) = &it.grantee else { return None };
    // A right that was not accepted yet, or that ends, would become more than it is.
    if it.pending || it.expires_at.is_some() {
        return None;
    }
    Some((format!("{prefix}_{}", permission(it.role)?), who::write(Some(who))))
}

/// Somebody's permission as the archive gives it back.
pub(in crate::bitbucket_archive) fn member_back(it: &Member) -> Option<(String, Member)> {
    let (permission, user) = write_member(it)?;
    let written = wire::Permission {
        groups: List::default(),
        permission: Some(permission),
        userIds: List(vec![user]),
    };
    members(&written, &it.place).0.pop()
}
