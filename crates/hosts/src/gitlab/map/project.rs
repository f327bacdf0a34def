//! Accounts, groups, projects and what they are labelled with.

use super::{identity, milestone_number, plain, text, time};
use crate::gitlab::wire;
use packhorse_core::model::{
    Automation, Email, Features, Grantee, Label, Member, MergeMethods, Milestone, OpenState,
    Organization, Place, Project, Role, State, StateValue, Subject, User, Visibility,
};
use std::collections::BTreeMap;

pub(in crate::gitlab) fn visibility(word: Option<&str>) -> Visibility {
    match word {
        Some("public") => Visibility::Public,
        Some("internal") => Visibility::Internal,
        // What is not known is shown to nobody.
        Some(_) | None => Visibility::Private,
    }
}

/// Whether a part of a project is switched on: by its level, or by the older switch.
fn is_on(level: Option<&String>, switch: Option<bool>) -> Option<bool> {
    level.map(|it| it != "disabled").or(switch)
}

/// A project, or nothing where the answer names none.
pub(in crate::gitlab) fn project(it: wire::Project) -> Option<Project> {
    let visible = visibility(it.visibility.as_deref());
    let automation = it
        .builds_access_level
        .as_ref()
        .map(|level| Automation { enabled: level != "disabled", ..Automation::default() });
    Some(Project {
        features: Features {
            issues: is_on(it.issues_access_level.as_ref(), it.issues_enabled),
            wiki: is_on(it.wiki_access_level.as_ref(), it.wiki_enabled),
            downloads: is_on(it.releases_access_level.as_ref(), None),
            forking: is_on(it.forking_access_level.as_ref(), None),
            ..Features::default()
        },
        merge_methods: merge_methods(&it),
        path: it.path_with_namespace?,
        name: it.name.unwrap_or_default(),
        description: plain(it.description),
        visibility: visible,
        default_branch: plain(it.default_branch).filter(|_| it.empty_repo != Some(true)),
        forked_from: it.forked_from_project.and_then(|it| it.path_with_namespace),
        automation,
        created_at: time(it.created_at.as_deref()),
        updated_at: time(it.updated_at.as_deref()),
        ..Project::default()
    })
}

/// Source: GitLab, "Projects API", `merge_method` and `squash_option`.
fn merge_methods(it: &wire::Project) -> MergeMethods {
    let (merge_commit, fast_forward) = match it.merge_method.as_deref() {
        // `rebase_merge` is a merge commit, too, on a branch that was brought up to date.
        Some("merge" | "rebase_merge") => (Some(true), Some(false)),
        Some("ff") => (Some(false), Some(true)),
        Some(_) | None => (None, None),
    };
    MergeMethods {
        merge_commit,
        fast_forward,
        squash: it.squash_option.as_deref().map(|it| it != "never"),
        delete_head: it.remove_source_branch_after_merge,
        ..MergeMethods::default()
    }
}

/// The topics of a project, under whichever name the version has for them.
pub(in crate::gitlab) fn topics(it: wire::Project) -> Vec<String> {
    it.topics.or(it.tag_list).unwrap_or_default()
}

/// Whether a project takes no more writes.
pub(in crate::gitlab) fn archived(it: &wire::Project) -> Option<State> {
    let state =
        State { subject: Subject::Project, value: StateValue::Archived, ..State::default() };
    (it.archived == Some(true)).then_some(state)
}

pub(in crate::gitlab) fn user(user: wire::User, host: &str) -> Option<User> {
    let who = identity(&user, host)?;
    let email = who.email.clone();
    Some(User {
        identity: who,
        avatar_url: plain(user.avatar_url),
        bio: plain(user.bio),
        company: plain(user.organization),
        website: plain(user.website_url),
        location: plain(user.location),
        emails: email
            .into_iter()
            .map(|address| Email { address, primary: true, verified: true })
            .collect(),
        is_admin: user.is_admin.unwrap_or_default(),
        is_blocked: matches!(user.state.as_deref(), Some("blocked" | "deactivated" | "banned")),
        created_at: time(user.created_at.as_deref()),
        ..User::default()
    })
}

/// An account as a list of members shows it.
pub(in crate::gitlab) fn account(it: &wire::Member) -> wire::User {
    wire::User {
        id: it.id,
        username: it.username.clone(),
        name: it.name.clone(),
        email: it.email.clone(),
        state: it.state.clone(),
        ..wire::User::default()
    }
}

pub(in crate::gitlab) fn organization(it: wire::Group) -> Option<Organization> {
    let mut settings = BTreeMap::new();
    let mut set = |name: &str, value: Option<serde_json::Value>| {
        settings.extend(value.map(|it| (name.to_owned(), it)));
    };
    set("project_creation_level", it.project_creation_level.map(Into::into));
    set("subgroup_creation_level", it.subgroup_creation_level.map(Into::into));
    set("require_two_factor_authentication", it.require_two_factor_authentication.map(Into::into));
    set("lfs_enabled", it.lfs_enabled.map(Into::into));
    set("membership_lock", it.membership_lock.map(Into::into));
    set("share_with_group_lock", it.share_with_group_lock.map(Into::into));
    Some(Organization {
        path: plain(it.full_path)?,
        name: plain(it.name),
        description: plain(it.description),
        visibility: it.visibility.as_deref().map(|it| visibility(Some(it))),
        settings,
        created_at: time(it.created_at.as_deref()),
        ..Organization::default()
    })
}

/// What an access level allows; an unknown one counts as the known one below it.
///
/// Source: GitLab, "Members API", "Roles".
pub(in crate::gitlab) const fn role(level: u64) -> Role {
    match level {
        0..10 => Role::None,
        10..15 => Role::Guest,
        15..20 => Role::Planner,
        20..30 => Role::Read,
        30..40 => Role::Write,
        40..50 => Role::Maintain,
        50.. => Role::Owner,
    }
}

/// Somebody's own role, and its id.
pub(in crate::gitlab) fn member(
    it: &wire::Member,
    place: &Place,
    host: &str,
) -> Option<(String, Member)> {
    let who = identity(&account(it), host)?;
    let login = who.login.clone();
    let mapped = Member {
        place: place.clone(),
        grantee: Grantee::User(who),
        role: role(it.access_level?),
        pending: it.membership_state.as_deref() == Some("awaiting"),
        created_at: time(it.created_at.as_deref()),
        expires_at: time(it.expires_at.as_deref()),
    };
    Some((login, mapped))
}

/// The role of another group, and its id.
pub(in crate::gitlab) fn shared_with(
    it: &wire::SharedGroup,
    place: &Place,
) -> Option<(String, Member)> {
    let path = plain(it.group_full_path.clone())?;
    let mapped = Member {
        place: place.clone(),
        grantee: Grantee::Group(path.clone()),
        role: role(it.group_access_level?),
        expires_at: time(it.expires_at.as_deref()),
        ..Member::default()
    };
    Some((format!("group/{path}"), mapped))
}

/// A label, of the project or of a group above it.
pub(in crate::gitlab) fn label(label: wire::Label) -> Option<Label> {
    let color = label.color.map(|it| it.trim_start_matches('#').to_ascii_lowercase());
    let name = plain(label.name)?;
    Some(Label {
        // One label of a prefix excludes the others: "Scoped labels".
        exclusive: Some(name.contains("::")),
        name,
        color: color.filter(|it| !it.is_empty()),
        description: text(label.description),
        priority: label.priority,
        archived: label.archived,
        inherited: label.is_project_label == Some(false),
        ..Label::default()
    })
}

pub(in crate::gitlab) fn open_state(state: Option<&str>) -> OpenState {
    if state == Some("closed") { OpenState::Closed } else { OpenState::Open }
}

pub(in crate::gitlab) fn milestone(it: wire::Milestone) -> Option<Milestone> {
    Some(Milestone {
        number: milestone_number(&it)?,
        title: it.title.unwrap_or_default(),
        description: text(it.description),
        state: open_state(it.state.as_deref()),
        start_at: time(it.start_date.as_deref()),
        due_at: time(it.due_date.as_deref()),
        inherited: it.group_id.is_some(),
        created_at: time(it.created_at.as_deref()),
        updated_at: time(it.updated_at.as_deref()),
        ..Milestone::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: serde::de::DeserializeOwned>(json: &str) -> T {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_is_not_known_is_shown_to_nobody() {
        let found = project(read(r#"{"path_with_namespace":"a/b/c","visibility":"odd"}"#)).unwrap();

        assert_eq!((found.path.as_str(), found.visibility), ("a/b/c", Visibility::Private));
        assert!(project(read("{}")).is_none());
    }

    #[test]
    fn a_field_of_another_type_costs_that_field_alone() {
        let found: wire::Project =
            read(r#"{"path_with_namespace":"a/b","archived":"yes","topics":[1,2],"name":null}"#);

        assert_eq!((found.archived, found.topics.is_none()), (None, true));
        assert_eq!(found.path_with_namespace.as_deref(), Some("a/b"));
    }

    #[test]
    fn an_unknown_level_allows_no_more_than_the_known_one_below_it() {
        let roles = [0, 5, 10, 15, 20, 25, 30, 40, 45, 50, 60].map(role);

        assert_eq!(
            roles,
            [
                Role::None,
                Role::None,
                Role::Guest,
                Role::Planner,
                Role::Read,
                Role::Read,
                Role::Write,
                Role::Maintain,
                Role::Maintain,
                Role::Owner,
                Role::Owner
            ]
        );
    }

    #[test]
    fn the_older_switch_counts_where_there_is_no_level() {
        let found = |json: &str| project(read(json)).unwrap().features.issues;

        assert_eq!(found(r#"{"path_with_namespace":"a/b","issues_enabled":false}"#), Some(false));
        let private = r#"{"path_with_namespace":"a/b","issues_access_level":"private"}"#;
        assert_eq!(found(private), Some(true));
    }
}
