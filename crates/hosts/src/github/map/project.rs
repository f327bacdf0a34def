//! The project itself, what it is sorted by, and who owns it.

use super::{Notes, plain, text};
use crate::github::wire;
use packhorse_core::{
    Object,
    model::{
        Autolink, Automation, Email, Features, Label, MergeMethods, Milestone, OpenState,
        Organization, Pages, ProfileLink, Project, State, StateValue, Subject, Team, Topic, User,
        Visibility,
    },
};

/// What is asked for beside a project, where it is shown.
#[derive(Debug, Default)]
pub(in crate::github) struct Beside {
    pub(in crate::github) autolinks: Vec<wire::Autolink>,
    pub(in crate::github) pages: Option<wire::Pages>,
    pub(in crate::github) actions: Option<wire::Actions>,
    pub(in crate::github) selected: Option<wire::SelectedActions>,
}

/// Unknown is private: nothing may become public by a missing field.
fn visibility(it: &wire::Repository) -> Visibility {
    match (it.visibility.as_deref(), it.private) {
        (Some("public"), _) | (None, Some(false)) => Visibility::Public,
        (Some("internal"), _) => Visibility::Internal,
        (Some(_) | None, _) => Visibility::Private,
    }
}

pub(in crate::github) fn project(
    it: wire::Repository,
    beside: Beside,
    notes: &mut Notes<'_>,
) -> Option<(String, Object)> {
    let path = plain(it.full_name.clone())?;
    let last = path.rsplit('/').next().unwrap_or(&path).to_owned();
    let scanners = it.security_and_analysis.clone().unwrap_or_default();
    let is_on = |it: Option<wire::Status>| Some(it?.status? == "enabled");
    let project = Project {
        name: it.name.clone().unwrap_or(last),
        description: plain(it.description.clone()),
        website: plain(it.homepage.clone()),
        visibility: visibility(&it),
        default_branch: it.default_branch.clone(),
        forked_from: it.parent.as_ref().and_then(|it| it.full_name.clone()),
        features: Features {
            issues: it.has_issues,
            wiki: it.has_wiki,
            downloads: it.has_downloads,
            boards: it.has_projects,
            discussions: it.has_discussions,
            forking: it.allow_forking,
            template: it.is_template,
            ..Features::default()
        },
        merge_methods: MergeMethods {
            merge_commit: it.allow_merge_commit,
            squash: it.allow_squash_merge,
            rebase: it.allow_rebase_merge,
            fast_forward: None,
            auto_merge: it.allow_auto_merge,
            delete_head: it.delete_branch_on_merge,
            update_head: it.allow_update_branch,
        },
        security: scanners
            .into_iter()
            .filter_map(|(name, status)| Some((name, is_on(status)?)))
            .collect(),
        automation: beside.actions.map(|it| automation(it, beside.selected)),
        autolinks: beside.autolinks.into_iter().filter_map(autolink).collect(),
        pages: beside.pages.map(pages),
        created_at: notes.time("created_at", it.created_at),
        updated_at: notes.time("updated_at", it.updated_at),
        path: path.clone(),
    };
    Some((path, Object::from(project)))
}

fn autolink(it: wire::Autolink) -> Option<Autolink> {
    Some(Autolink {
        prefix: it.key_prefix?,
        url_template: it.url_template?,
        alphanumeric: it.is_alphanumeric,
    })
}

fn automation(it: wire::Actions, selected: Option<wire::SelectedActions>) -> Automation {
    let allowed = it.allowed_actions.as_deref();
    let selected = selected.unwrap_or_default();
    let patterns = selected.patterns_allowed.unwrap_or_default();
    Automation {
        enabled: it.enabled.unwrap_or(false),
        allows_all: allowed.map(|it| it == "all"),
        allows_local_only: allowed.map(|it| it == "local_only"),
        allows_host_owned: selected.github_owned_allowed,
        allows_verified: selected.verified_allowed,
        allows_patterns: (allowed == Some("selected")).then_some(!patterns.is_empty()),
        patterns,
    }
}

fn pages(it: wire::Pages) -> Pages {
    let source = it.source.unwrap_or_default();
    Pages {
        domain: plain(it.cname),
        branch: plain(source.branch),
        directory: plain(source.path),
        public: it.public,
        https_only: it.https_enforced,
        build: plain(it.build_type),
    }
}

pub(in crate::github) fn topic(name: String) -> (String, Object) {
    (name.clone(), Object::from(Topic { name }))
}

/// The state of a project that takes no more writes.
pub(in crate::github) fn archived() -> (String, Object) {
    let state =
        State { subject: Subject::Project, value: StateValue::Archived, ..State::default() };
    ("project/archived".to_owned(), Object::from(state))
}

pub(in crate::github) fn label(it: wire::Label) -> Option<(String, Object)> {
    let label = Label {
        name: plain(it.name)?,
        color: plain(it.color).map(|it| it.to_ascii_lowercase()),
        description: text(it.description),
        ..Label::default()
    };
    Some((label.name.clone(), Object::from(label)))
}

pub(in crate::github) fn open_state(state: Option<&str>) -> OpenState {
    if state == Some("closed") { OpenState::Closed } else { OpenState::Open }
}

pub(in crate::github) fn milestone(
    it: wire::Milestone,
    notes: &mut Notes<'_>,
) -> Option<(String, Object)> {
    let milestone = Milestone {
        number: it.number?,
        title: it.title.unwrap_or_default(),
        description: text(it.description),
        author: notes.someone(it.creator.as_ref()),
        state: open_state(it.state.as_deref()),
        due_at: notes.time("due_at", it.due_on),
        created_at: notes.time("created_at", it.created_at),
        updated_at: notes.time("updated_at", it.updated_at),
        closed_at: notes.time("closed_at", it.closed_at),
        ..Milestone::default()
    };
    Some((milestone.number.to_string(), Object::from(milestone)))
}

pub(in crate::github) fn user(it: wire::User, notes: &mut Notes<'_>) -> Option<(String, Object)> {
    let identity = notes.someone(Some(&it))?;
    let shown = identity.email.clone();
    let email = |address| Email { address, primary: true, verified: true };
    let handle = plain(it.twitter_username.clone());
    let link = |name| ProfileLink {
        provider: "twitter".to_owned(),
        url: format!("https://twitter.com/{name}"),
    };
    let user = User {
        avatar_url: it.avatar_url,
        bio: plain(it.bio),
        company: plain(it.company),
        website: plain(it.blog),
        location: plain(it.location),
        emails: shown.into_iter().map(email).collect(),
        links: handle.into_iter().map(link).collect(),
        is_admin: it.site_admin.unwrap_or(false),
        is_blocked: it.suspended_at.is_some(),
        created_at: notes.time("created_at", it.created_at),
        identity,
    };
    Some((user.identity.login.clone(), Object::from(user)))
}

pub(in crate::github) fn organization(
    it: wire::Organization,
    notes: &mut Notes<'_>,
) -> Option<(String, Object)> {
    let path = plain(it.login)?;
    let organization = Organization {
        name: plain(it.name),
        description: plain(it.description),
        website: plain(it.blog),
        location: plain(it.location),
        email: plain(it.email),
        created_at: notes.time("created_at", it.created_at),
        path: path.clone(),
        ..Organization::default()
    };
    Some((path, Object::from(organization)))
}

pub(in crate::github) fn team(
    it: wire::Team,
    organization: &str,
    notes: &mut Notes<'_>,
) -> Option<(String, Object)> {
    let slug = plain(it.slug)?;
    let secret = match it.privacy.as_deref() {
        Some("closed") => false,
        Some("secret") => true,
        other => {
            // SECURITY: unknown is secret, so that nothing becomes visible by it.
            other.into_iter().for_each(|it| notes.odd("secret", it));
            true
        }
    };
    let team = Team {
        organization: organization.to_owned(),
        name: plain(it.name).unwrap_or_else(|| slug.clone()),
        description: plain(it.description),
        parent: it.parent.and_then(|it| it.slug),
        secret,
        slug,
        ..Team::default()
    };
    Some((format!("{organization}/{}", team.slug), Object::from(team)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(json: &str) -> Visibility {
        visibility(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn nothing_becomes_public_by_a_missing_field() {
        assert_eq!(seen("{}"), Visibility::Private);
        assert_eq!(seen(r#"{"private": false}"#), Visibility::Public);
        assert_eq!(seen(r#"{"private": true, "visibility": "internal"}"#), Visibility::Internal);
        assert_eq!(seen(r#"{"private": false, "visibility": "unheard"}"#), Visibility::Private);
    }
}
