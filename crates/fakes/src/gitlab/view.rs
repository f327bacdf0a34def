//! What GitLab shows of the model: one function for each of its entities.

use crate::store::Store;
use packhorse_core::{
    Scope,
    model::{
        ChangeRequest, ChangeRequestState, Comment, Grantee, Identity, IdentityKind, Issue, Label,
        Member, Milestone, OpenState, Organization, Place, Project, Reaction, Role, State,
        StateValue, Subject, Text, Time, Topic, Visibility,
    },
};
use serde_json::{Value, json};

/// Everything that GitLab's addresses and numbers are made from.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) store: &'a Store,
    pub(super) home: &'a str,
}

/// The model's words for reactions, and GitLab's names of pictures.
const EMOJI: [(&str, &str); 8] = [
    ("+1", "thumbsup"),
    ("-1", "thumbsdown"),
    ("laugh", "laughing"),
    ("hooray", "tada"),
    ("confused", "confused"),
    ("heart", "heart"),
    ("rocket", "rocket"),
    ("eyes", "eyes"),
];

/// What is added to the id of a milestone of a group, where a project's number of one is held.
pub(super) const OF_GROUPS: u64 = 1_000_000_000_000;

/// GitLab's name of a picture.
pub(super) fn emoji(content: &str) -> &str {
    EMOJI.iter().find(|(ours, _)| *ours == content).map_or(content, |(_, theirs)| theirs)
}

/// The model's word for a picture.
pub(super) fn content(name: &str) -> &str {
    EMOJI.iter().find(|(_, theirs)| *theirs == name).map_or(name, |(ours, _)| ours)
}

/// A time as GitLab writes it: UTC with milliseconds.
pub(super) fn time(at: Option<Time>) -> Value {
    at.map_or(Value::Null, |it| {
        let text = it.to_utc().to_string();
        let (whole, part) =
            text.trim_end_matches('Z').split_once('.').unwrap_or((text.trim_end_matches('Z'), ""));
        let millis: String = part.chars().chain("000".chars()).take(3).collect();
        json!(format!("{whole}.{millis}Z"))
    })
}

/// A time where GitLab always has one.
pub(super) fn told(at: Option<Time>) -> Value {
    if at.is_none() { json!("2012-06-28T10:52:04.000Z") } else { time(at) }
}

/// A day.
pub(super) fn day(at: Option<Time>) -> Value {
    at.map_or(Value::Null, |it| json!(it.to_utc().to_string().chars().take(10).collect::<String>()))
}

pub(super) fn text(body: &Option<Text>) -> Value {
    body.as_ref().map_or(Value::Null, |it| json!(it.as_str()))
}

/// GitLab's number for a role.
///
/// Source: GitLab, "Members API", "Roles".
pub(super) fn level(role: Role) -> u64 {
    match role {
        Role::None => 0,
        Role::Guest => 10,
        Role::Planner => 15,
        Role::Read | Role::Triage => 20,
        Role::Write => 30,
        Role::Maintain => 40,
        Role::Admin | Role::Owner => 50,
    }
}

pub(super) fn visibility(it: Visibility) -> &'static str {
    match it {
        Visibility::Private => "private",
        Visibility::Internal => "internal",
        Visibility::Public => "public",
    }
}

fn opened(state: OpenState) -> &'static str {
    match state {
        OpenState::Open => "opened",
        OpenState::Closed => "closed",
    }
}

impl View<'_> {
    /// `UserBasic`; the ghost where nobody is known.
    pub(super) fn somebody(&self, identity: &Option<Identity>) -> Value {
        self.user(&identity.clone().unwrap_or_else(|| Identity {
            kind: IdentityKind::Deleted,
            ..Identity::login("ghost", None)
        }))
    }

    pub(super) fn maybe(&self, identity: &Option<Identity>) -> Value {
        identity.as_ref().map_or(Value::Null, |it| self.user(it))
    }

    pub(super) fn user(&self, identity: &Identity) -> Value {
        let blocked = self.store.known_user(&identity.login).is_some_and(|(_, it)| it.is_blocked);
        json!({
            "id": self.store.user_id(identity), "username": identity.login,
            "name": identity.name.as_deref().unwrap_or(&identity.login), "locked": false,
            "state": if blocked { "blocked" } else { "active" }, "avatar_url": null,
            "web_url": format!("{}/{}", self.home, identity.login),
        })
    }

    fn people(&self, all: &[Identity]) -> Vec<Value> {
        all.iter().map(|it| self.user(it)).collect()
    }

    pub(super) fn group(&self, id: u64, it: &Organization) -> Value {
        let (above, path) = it.path.rsplit_once('/').unwrap_or(("", &it.path));
        let parent = self.store.find::<Organization>(&Scope::Shared, |it| it.path == above);
        let name = it.name.as_deref().unwrap_or(path);
        json!({
            "id": id, "web_url": format!("{}/groups/{}", self.home, it.path), "name": name,
            "path": path, "description": it.description.as_deref().unwrap_or(""),
            "visibility": visibility(it.visibility.unwrap_or_default()), "full_name": name,
            "full_path": it.path, "parent_id": parent.map(|(id, _)| id), "avatar_url": null,
            "created_at": told(it.created_at), "request_access_enabled": true,
            "share_with_group_lock": false, "require_two_factor_authentication": false,
            "two_factor_grace_period": 48, "project_creation_level": "developer",
            "subgroup_creation_level": "maintainer", "lfs_enabled": true, "emails_enabled": true,
        })
    }

    /// The namespace of a path: a group's, or somebody's own.
    pub(super) fn namespace(&self, path: &str) -> Value {
        let group = self.store.find::<Organization>(&Scope::Shared, |it| it.path == path);
        let (id, kind) = match group {
            Some((id, _)) => (id, "group"),
            None => (self.store.user_id(&Identity::login(path, None)), "user"),
        };
        let last = path.rsplit('/').next().unwrap_or(path);
        let web = if kind == "group" { "groups/" } else { "" };
        json!({
            "id": id, "name": last, "path": last, "kind": kind, "full_path": path,
            "parent_id": null, "avatar_url": null, "web_url": format!("{}/{web}{path}", self.home),
        })
    }

    pub(super) fn project(&self, id: u64, it: &Project) -> Value {
        let (owner, path) = it.path.rsplit_once('/').unwrap_or(("", &it.path));
        let scope = Scope::Project(it.path.clone());
        let web = format!("{}/{}", self.home, it.path);
        let topics: Vec<_> = self.store.all::<Topic>(&scope).map(|(_, it)| &it.name).collect();
        let archived = self.store.find::<State>(&scope, |it| it.value == StateValue::Archived);
        let access = |on: Option<bool>| if on == Some(false) { "disabled" } else { "enabled" };
        let refs = self.store.refs(&it.path, packhorse_core::RepoKind::Code);
        let merges = &it.merge_methods;
        let method = match (merges.merge_commit, merges.rebase, merges.fast_forward) {
            (_, _, Some(true)) => "ff",
            (Some(false), Some(true), _) => "rebase_merge",
            _ => "merge",
        };
        json!({
            "id": id, "description": it.description, "name": it.name,
            "name_with_namespace": format!("{owner} / {}", it.name), "path": path,
            "path_with_namespace": it.path, "created_at": told(it.created_at),
            "updated_at": told(it.updated_at.or(it.created_at)), "topics": topics,
            "tag_list": topics, "default_branch": it.default_branch.as_deref().unwrap_or("main"),
            "ssh_url_to_repo": format!("git@localhost:{}.git", it.path),
            "http_url_to_repo": format!("{web}.git"), "web_url": web, "readme_url": null,
            "forks_count": 0, "avatar_url": null, "star_count": 0,
            "last_activity_at": told(it.updated_at.or(it.created_at)),
            "visibility": visibility(it.visibility), "namespace": self.namespace(owner),
            "empty_repo": !refs.keys().any(|it| it.starts_with("refs/heads/")),
            "archived": archived.is_some(), "issues_enabled": it.features.issues != Some(false),
            "merge_requests_enabled": true, "wiki_enabled": it.features.wiki != Some(false),
            "jobs_enabled": true, "snippets_enabled": true, "lfs_enabled": true,
            "issues_access_level": access(it.features.issues), "merge_requests_access_level": "enabled",
            "repository_access_level": "enabled", "wiki_access_level": access(it.features.wiki),
            "forking_access_level": access(it.features.forking), "snippets_access_level": "enabled",
            "builds_access_level": "enabled", "releases_access_level": "enabled",
            "creator_id": 1, "import_status": "none", "open_issues_count": 0,
            "shared_with_groups": self.shared_with(&scope, &Place::Project),
            "merge_method": method, "repository_object_format": "sha1",
            "squash_option": if merges.squash == Some(false) { "never" } else { "default_off" },
            "remove_source_branch_after_merge": merges.delete_head,
            "only_allow_merge_if_pipeline_succeeds": false,
            "only_allow_merge_if_all_discussions_are_resolved": false,
        })
    }

    /// The groups that something is shared with.
    pub(super) fn shared_with(&self, scope: &Scope, place: &Place) -> Vec<Value> {
        let shown = |it: &Member| {
            let Grantee::Group(path) = &it.grantee else { return None };
            let group = self.store.find::<Organization>(&Scope::Shared, |it| it.path == *path);
            let (id, group) = group?;
            Some(json!({
                "group_id": id, "group_name": group.name.as_deref().unwrap_or(path),
                "group_full_path": path, "group_access_level": level(it.role),
                "expires_at": day(it.expires_at),
            }))
        };
        let all = self.store.all::<Member>(scope).filter(|(_, it)| it.place == *place);
        all.filter_map(|(_, it)| shown(it)).collect()
    }

    pub(super) fn label(&self, id: u64, it: &Label) -> Value {
        let color = it.color.as_deref().unwrap_or("428BCA").trim_start_matches('#');
        json!({
            "id": id, "name": it.name, "description": text(&it.description), "subscribed": false,
            "description_html": text(&it.description), "text_color": "#FFFFFF",
            "color": format!("#{color}"), "priority": it.priority, "is_project_label": !it.inherited,
            "archived": it.archived == Some(true),
        })
    }

    pub(super) fn milestone(&self, (project, path): (u64, &str), id: u64, it: &Milestone) -> Value {
        json!({
            "id": id, "iid": it.number, "project_id": project, "title": it.title,
            "description": it.description.as_ref().map_or("", Text::as_str),
            "state": match it.state { OpenState::Open => "active", OpenState::Closed => "closed" },
            "created_at": told(it.created_at), "updated_at": told(it.updated_at.or(it.created_at)),
            "due_date": day(it.due_at), "start_date": day(it.start_at), "expired": false,
            "web_url": format!("{}/{path}/-/milestones/{}", self.home, it.number),
        })
    }

    /// A milestone of a group.
    pub(super) fn group_milestone(&self, id: u64, it: &Milestone) -> Value {
        let mut value = self.milestone((0, ""), id, it);
        if let Some(fields) = value.as_object_mut() {
            fields.remove("project_id");
            fields.insert("group_id".to_owned(), json!(1));
        }
        value
    }

    fn milestone_of(&self, project: (u64, &str), number: Option<u64>) -> Value {
        if let Some(id) = number.and_then(|it| it.checked_sub(OF_GROUPS)) {
            let shared = super::issue::above(project.1).into_iter().find_map(|above| {
                let found = self.store.get::<Milestone>(&Scope::Project(above), id)?;
                Some(self.group_milestone(id, found))
            });
            return shared.unwrap_or_default();
        }
        let scope = Scope::Project(project.1.to_owned());
        let found = self.store.find::<Milestone>(&scope, |it| Some(it.number) == number);
        found.map_or(Value::Null, |(id, it)| self.milestone(project, id, it))
    }

    fn n_notes(&self, path: &str, subject: &Subject) -> usize {
        let scope = Scope::Project(path.to_owned());
        self.store.all::<Comment>(&scope).filter(|(_, it)| it.subject == *subject).count()
    }

    fn votes(&self, path: &str, subject: &Subject, content: &str) -> usize {
        let scope = Scope::Project(path.to_owned());
        let same = |it: &Reaction| it.subject == *subject && it.content == content;
        self.store.all::<Reaction>(&scope).filter(|(_, it)| same(it)).count()
    }

    fn is_locked(&self, path: &str, subject: &Subject) -> bool {
        let scope = Scope::Project(path.to_owned());
        let same = |it: &State| it.subject == *subject && matches!(it.value, StateValue::Locked(_));
        self.store.find::<State>(&scope, same).is_some()
    }

    pub(super) fn issue(&self, project: (u64, &str), id: u64, it: &Issue) -> Value {
        let (number, path) = project;
        let subject = Subject::Issue(it.number);
        let short = format!("#{}", it.number);
        let api = format!("{}/api/v4/projects/{number}", self.home);
        let assignees = self.people(&it.assignees);
        json!({
            "id": id, "iid": it.number, "project_id": number, "title": it.title,
            "description": text(&it.body), "state": opened(it.state),
            "created_at": told(it.created_at), "updated_at": told(it.updated_at.or(it.created_at)),
            "closed_at": time(it.closed_at), "closed_by": self.maybe(&it.closed_by),
            "labels": it.labels, "milestone": self.milestone_of(project, it.milestone),
            "assignee": assignees.first(), "assignees": assignees,
            "author": self.somebody(&it.author), "type": "ISSUE", "severity": "UNKNOWN",
            "user_notes_count": self.n_notes(path, &subject), "merge_requests_count": 0,
            "upvotes": self.votes(path, &subject, "+1"), "downvotes": self.votes(path, &subject, "-1"),
            "due_date": day(it.due_at), "confidential": it.confidential, "weight": it.weight,
            "discussion_locked": self.is_locked(path, &subject), "has_tasks": false,
            "issue_type": it.issue_type.as_deref().unwrap_or("issue"), "moved_to_id": null,
            "web_url": format!("{}/{path}/-/issues/{}", self.home, it.number),
            "time_stats": self.time_stats(it.time_estimate, it.time_spent),
            "task_completion_status": { "count": 0, "completed_count": 0 },
            "references": { "short": short, "relative": short, "full": format!("{path}{short}") },
            "_links": { "self": format!("{api}/issues/{}", it.number), "project": api },
        })
    }

    pub(super) fn time_stats(&self, estimate: Option<u64>, spent: Option<u64>) -> Value {
        json!({
            "time_estimate": estimate.unwrap_or(0), "total_time_spent": spent.unwrap_or(0),
            "human_time_estimate": null, "human_total_time_spent": null,
        })
    }

    pub(super) fn change(&self, project: (u64, &str), id: u64, it: &ChangeRequest) -> Value {
        let (number, path) = project;
        let subject = Subject::ChangeRequest(it.number);
        let short = format!("!{}", it.number);
        let (assignees, sha) = (self.people(&it.assignees), it.head.commit.as_deref());
        let reviewers: Vec<_> = it
            .review_requests
            .iter()
            .filter_map(|it| match &it.reviewer {
                Grantee::User(identity) => Some(self.user(identity)),
                Grantee::Team { .. } | Grantee::Group(_) => None,
            })
            .collect();
        json!({
            "id": id, "iid": it.number, "project_id": number,
            "title": if it.draft { format!("Draft: {}", it.title) } else { it.title.clone() },
            "description": text(&it.body), "draft": it.draft, "work_in_progress": it.draft,
            "state": match it.state {
                ChangeRequestState::Open => "opened",
                ChangeRequestState::Closed => "closed",
                ChangeRequestState::Merged => "merged",
            },
            "created_at": told(it.created_at), "updated_at": told(it.updated_at.or(it.created_at)),
            "merged_by": self.maybe(&it.merged_by), "merge_user": self.maybe(&it.merged_by),
            "merged_at": time(it.merged_at), "closed_by": self.maybe(&it.closed_by),
            "closed_at": time(it.closed_at), "target_branch": it.base.name,
            "source_branch": it.head.name, "user_notes_count": self.n_notes(path, &subject),
            "upvotes": self.votes(path, &subject, "+1"), "downvotes": self.votes(path, &subject, "-1"),
            "author": self.somebody(&it.author), "assignee": assignees.first(),
            "assignees": assignees, "reviewers": reviewers, "source_project_id": number,
            "target_project_id": number, "labels": it.labels,
            "milestone": self.milestone_of(project, it.milestone), "sha": sha,
            "merge_when_pipeline_succeeds": false, "merge_status": "can_be_merged",
            "detailed_merge_status": "mergeable", "merge_commit_sha": it.merge_commit,
            "squash_commit_sha": it.squash_commit, "squash": it.squash == Some(true),
            "discussion_locked": self.is_locked(path, &subject), "has_conflicts": false,
            "force_remove_source_branch": it.delete_head, "reference": short,
            "references": { "short": short, "relative": short, "full": format!("{path}{short}") },
            "web_url": format!("{}/{path}/-/merge_requests/{}", self.home, it.number),
            "time_stats": self.time_stats(None, None), "blocking_discussions_resolved": true,
            "task_completion_status": { "count": 0, "completed_count": 0 },
            "diff_refs": { "base_sha": it.base.commit, "start_sha": it.base.commit, "head_sha": sha },
        })
    }

    pub(super) fn reaction(&self, id: u64, it: &Reaction, (on, kind): (u64, &str)) -> Value {
        json!({
            "id": id, "name": emoji(&it.content), "user": self.somebody(&it.author),
            "created_at": told(it.created_at), "updated_at": told(it.created_at),
            "awardable_id": on, "awardable_type": kind, "url": null,
        })
    }
}
