//! What Gitea shows of the model.

use crate::store::Store;
use packhorse_core::{
    Scope,
    model::{
        Attachment, ChangeRequest, ChangeRequestState, Comment, HostId, Identity, Issue, Label,
        Milestone, OpenState, Organization, Project, State, StateValue, Subject, Team, Text, Time,
        Topic, Visibility,
    },
};
use serde_json::{Value, json};

/// Everything that Gitea's addresses and numbers are made from.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) store: &'a Store,
    pub(super) home: &'a str,
}

/// A time as Gitea writes it: whole seconds.
pub(super) fn time(at: Option<Time>) -> Value {
    at.map_or(Value::Null, |it| {
        let text = it.to_utc().to_string();
        json!(format!("{}Z", text.split(['.', 'Z']).next().unwrap_or_default()))
    })
}

/// A time where Gitea always has one.
pub(super) fn told(at: Option<Time>) -> Value {
    if at.is_none() { json!("1970-01-01T00:00:00Z") } else { time(at) }
}

pub(super) fn text(body: &Option<Text>) -> &str {
    body.as_ref().map_or("", Text::as_str)
}

pub(super) fn open_state(state: OpenState) -> &'static str {
    match state {
        OpenState::Open => "open",
        OpenState::Closed => "closed",
    }
}

impl View<'_> {
    pub(super) fn api(&self, path: &str) -> String {
        format!("{}/api/v1/repos/{path}", self.home)
    }

    /// Nobody where the account is gone: Gitea shows its ghost.
    pub(super) fn author(&self, identity: &Option<Identity>) -> Value {
        match identity {
            Some(it) => self.user(it),
            None => self.account(-1, "Ghost", "Ghost", ""),
        }
    }

    pub(super) fn user(&self, it: &Identity) -> Value {
        let id = i64::try_from(self.store.user_id(it)).unwrap_or(0);
        let email = it.email.clone().unwrap_or_else(|| format!("{}@noreply.localhost", it.login));
        let mut value = self.account(id, &it.login, it.name.as_deref().unwrap_or(""), &email);
        if let Some((_, user)) = self.store.known_user(&it.login) {
            value["is_admin"] = json!(user.is_admin);
            value["prohibit_login"] = json!(user.is_blocked);
            value["website"] = json!(user.website.as_deref().unwrap_or(""));
            value["location"] = json!(user.location.as_deref().unwrap_or(""));
            value["description"] = json!(user.bio.as_deref().unwrap_or(""));
            value["created"] = told(user.created_at);
        }
        value
    }

    fn account(&self, id: i64, login: &str, name: &str, email: &str) -> Value {
        json!({
            "id": id, "login": login, "login_name": "", "source_id": 0, "full_name": name, "email": email,
            "avatar_url": format!("{}/avatars/{login}", self.home), "html_url": format!("{}/{login}", self.home),
            "language": "", "is_admin": false, "last_login": "0001-01-01T00:00:00Z",
            "created": "1970-01-01T00:00:00Z", "restricted": false, "active": true, "prohibit_login": false,
            "location": "", "website": "", "description": "", "visibility": "public", "followers_count": 0,
            "following_count": 0, "starred_repos_count": 0, "username": login,
        })
    }

    pub(super) fn organization(&self, id: u64, it: &Organization) -> Value {
        json!({
            "id": id, "name": it.path, "username": it.path, "full_name": it.name.as_deref().unwrap_or(""),
            "email": it.email.as_deref().unwrap_or(""), "avatar_url": format!("{}/avatars/{}", self.home, it.path),
            "description": it.description.as_deref().unwrap_or(""), "website": it.website.as_deref().unwrap_or(""),
            "location": it.location.as_deref().unwrap_or(""), "repo_admin_change_team_access": false,
            "visibility": visibility(it.visibility.unwrap_or(Visibility::Public)),
        })
    }

    pub(super) fn team(&self, id: u64, it: &Team) -> Value {
        let found =
            self.store.find::<Organization>(&Scope::Shared, |above| above.path == it.organization);
        json!({
            "id": id, "name": it.slug, "description": it.description.as_deref().unwrap_or(""),
            "organization": found.map(|(id, it)| self.organization(id, it)),
            "includes_all_repositories": false, "permission": if it.slug == "Owners" { "owner" } else { "read" },
            "can_create_org_repo": false, "units": ["repo.code", "repo.issues"], "units_map": {},
        })
    }

    pub(super) fn owner(&self, path: &str) -> Value {
        let login = path.split('/').next().unwrap_or_default();
        let found = self.store.find::<Organization>(&Scope::Shared, |it| it.path == login);
        match found {
            Some((id, it)) => {
                let id = i64::try_from(id).unwrap_or(0);
                let name = it.name.as_deref().unwrap_or("");
                self.account(id, login, name, it.email.as_deref().unwrap_or(""))
            }
            None => self.user(&Identity::login(login, None)),
        }
    }

    pub(super) fn project(&self, id: u64, it: &Project) -> Value {
        let path = it.path.as_str();
        let html = format!("{}/{path}", self.home);
        let scope = Scope::Project(path.to_owned());
        let is_archived = self.store.find::<State>(&scope, |it| it.value == StateValue::Archived);
        let merge = &it.merge_methods;
        let topics: Vec<_> =
            self.store.all::<Topic>(&scope).map(|(_, it)| it.name.as_str()).collect();
        json!({
            "id": id, "owner": self.owner(path), "name": path.split('/').next_back().unwrap_or(path),
            "full_name": path, "description": it.description.as_deref().unwrap_or(""),
            "empty": self.store.is_told_empty(path), "private": it.visibility != Visibility::Public,
            "fork": it.forked_from.is_some(), "template": it.features.template.unwrap_or(false), "parent": null,
            "mirror": false, "size": 0, "language": "", "languages_url": format!("{}/languages", self.api(path)),
            "html_url": html, "url": self.api(path), "link": "", "ssh_url": format!("git@localhost:{path}.git"),
            "clone_url": format!("{html}.git"), "original_url": "", "website": it.website.as_deref().unwrap_or(""),
            "stars_count": 0, "forks_count": 0, "watchers_count": 1, "open_issues_count": 0, "open_pr_counter": 0,
            "release_counter": 0, "default_branch": it.default_branch.as_deref().unwrap_or("main"),
            "archived": is_archived.is_some(), "archived_at": "1970-01-01T00:00:00Z",
            "created_at": told(it.created_at), "updated_at": told(it.updated_at),
            "permissions": { "admin": true, "push": true, "pull": true },
            "has_issues": it.features.issues.unwrap_or(true), "has_wiki": it.features.wiki.unwrap_or(true),
            "internal_tracker": { "enable_time_tracker": true, "allow_only_contributors_to_track_time": true, "enable_issue_dependencies": true },
            "has_pull_requests": true, "has_projects": it.features.boards.unwrap_or(true), "projects_mode": "all",
            "has_releases": true, "has_packages": true, "has_actions": false, "ignore_whitespace_conflicts": false,
            "allow_merge_commits": merge.merge_commit.unwrap_or(true), "allow_rebase": merge.rebase.unwrap_or(true),
            "allow_rebase_explicit": merge.rebase.unwrap_or(true), "allow_squash_merge": merge.squash.unwrap_or(true),
            "allow_fast_forward_only_merge": merge.fast_forward.unwrap_or(true),
            "allow_rebase_update": merge.update_head.unwrap_or(true),
            "default_delete_branch_after_merge": merge.delete_head.unwrap_or(false), "default_merge_style": "merge",
            "default_allow_maintainer_edit": false, "avatar_url": "", "internal": it.visibility == Visibility::Internal,
            "mirror_interval": "", "object_format_name": "sha1", "mirror_updated": "0001-01-01T00:00:00Z",
            "repo_transfer": null, "topics": topics, "licenses": null,
        })
    }

    pub(super) fn label(&self, path: &str, id: u64, it: &Label) -> Value {
        json!({
            "id": id, "name": it.name, "exclusive": it.exclusive.unwrap_or(false),
            "is_archived": it.archived.unwrap_or(false), "color": it.color.as_deref().unwrap_or("ededed"),
            "description": text(&it.description), "url": format!("{}/labels/{id}", self.api(path)),
        })
    }

    fn labels(&self, path: &str, names: &[String]) -> Vec<Value> {
        let scope = Scope::Project(path.to_owned());
        let find = |name: &String| self.store.find::<Label>(&scope, |it| it.name == *name);
        names.iter().filter_map(find).map(|(id, it)| self.label(path, id, it)).collect()
    }

    fn milestone(&self, path: &str, number: Option<u64>) -> Value {
        let scope = Scope::Project(path.to_owned());
        let find = |number| self.store.find::<Milestone>(&scope, |it| it.number == number);
        number.and_then(find).map_or(Value::Null, |(id, it)| self.milestone_of(path, id, it))
    }

    pub(super) fn milestone_of(&self, path: &str, id: u64, it: &Milestone) -> Value {
        let scope = Scope::Project(path.to_owned());
        let count = |state| {
            let is = |issue: &&Issue| issue.milestone == Some(it.number) && issue.state == state;
            self.store.all::<Issue>(&scope).map(|(_, it)| it).filter(is).count()
        };
        json!({
            "id": id, "title": it.title, "description": text(&it.description), "state": open_state(it.state),
            "open_issues": count(OpenState::Open), "closed_issues": count(OpenState::Closed),
            "created_at": told(it.created_at), "updated_at": told(it.updated_at),
            "closed_at": time(it.closed_at), "due_on": time(it.due_at),
        })
    }

    fn is_locked(&self, path: &str, subject: &Subject) -> bool {
        let scope = Scope::Project(path.to_owned());
        let is = |it: &State| it.subject == *subject && matches!(it.value, StateValue::Locked(_));
        self.store.find::<State>(&scope, is).is_some()
    }

    fn pin(&self, path: &str, subject: &Subject) -> u64 {
        let scope = Scope::Project(path.to_owned());
        let place = |it: &State| match it.value {
            StateValue::Pinned(place) if it.subject == *subject => Some(place.unwrap_or(1)),
            StateValue::Pinned(_) | StateValue::Archived | StateValue::Locked(_) => None,
        };
        self.store.all::<State>(&scope).find_map(|(_, it)| place(it)).unwrap_or(0)
    }

    pub(super) fn assets(&self, path: &str, subject: &Subject) -> Vec<Value> {
        let scope = Scope::Project(path.to_owned());
        let all = self.store.all::<Attachment>(&scope).filter(|(_, it)| it.subject == *subject);
        all.map(|(id, it)| self.asset(id, &it.name, it.blob.size, it.created_at)).collect()
    }

    pub(super) fn asset(&self, id: u64, name: &str, size: Option<u64>, at: Option<Time>) -> Value {
        json!({
            "id": id, "name": name, "size": size.unwrap_or(0), "download_count": 0, "created_at": told(at),
            "uuid": format!("00000000-0000-4000-8000-{id:012}"),
            "browser_download_url": format!("{}/attachments/00000000-0000-4000-8000-{id:012}", self.home),
        })
    }

    fn people(&self, all: &[Identity]) -> (Value, Value) {
        let users: Vec<Value> = all.iter().map(|it| self.user(it)).collect();
        let first = users.first().cloned().unwrap_or(Value::Null);
        // Go's empty slice is null.
        (first, if users.is_empty() { Value::Null } else { Value::Array(users) })
    }

    fn n_comments(&self, path: &str, subject: &Subject) -> usize {
        let scope = Scope::Project(path.to_owned());
        self.store.all::<Comment>(&scope).filter(|(_, it)| it.subject == *subject).count()
    }

    fn meta(&self, path: &str) -> Value {
        let (owner, name) = path.split_once('/').unwrap_or((path, ""));
        let id = self.store.project(path).map_or(0, |(id, ..)| id);
        json!({ "id": id, "name": name, "owner": owner, "full_name": path })
    }

    pub(super) fn issue(&self, path: &str, id: u64, it: &Issue) -> Value {
        let subject = Subject::Issue(it.number);
        let (assignee, assignees) = self.people(&it.assignees);
        json!({
            "id": id, "url": format!("{}/issues/{}", self.api(path), it.number),
            "html_url": format!("{}/{path}/issues/{}", self.home, it.number), "number": it.number,
            "user": self.author(&it.author), "original_author": "", "original_author_id": 0, "title": it.title,
            "body": text(&it.body), "ref": "", "assets": self.assets(path, &subject),
            "labels": self.labels(path, &it.labels), "milestone": self.milestone(path, it.milestone),
            "assignee": assignee, "assignees": assignees, "state": open_state(it.state),
            "is_locked": self.is_locked(path, &subject), "comments": self.n_comments(path, &subject),
            "created_at": told(it.created_at), "updated_at": told(it.updated_at.or(it.created_at)),
            "closed_at": time(it.closed_at), "due_date": time(it.due_at), "pull_request": null,
            "repository": self.meta(path), "pin_order": self.pin(path, &subject),
        })
    }

    pub(super) fn pull_as_issue(&self, path: &str, it: &ChangeRequest) -> Value {
        let as_issue = Issue {
            number: it.number,
            title: it.title.clone(),
            body: it.body.clone(),
            author: it.author.clone(),
            assignees: it.assignees.clone(),
            labels: it.labels.clone(),
            milestone: it.milestone,
            created_at: it.created_at,
            updated_at: it.updated_at,
            closed_at: it.closed_at,
            state: if it.state == ChangeRequestState::Open {
                OpenState::Open
            } else {
                OpenState::Closed
            },
            ..Issue::default()
        };
        let subject = Subject::ChangeRequest(it.number);
        let mut value = self.issue(path, 5_000_000 + it.number, &as_issue);
        let html = format!("{}/{path}/pulls/{}", self.home, it.number);
        value["pull_request"] = json!({
            "merged": it.state == ChangeRequestState::Merged, "merged_at": time(it.merged_at), "draft": it.draft, "html_url": html,
        });
        value["html_url"] = json!(html);
        value["assets"] = json!(self.assets(path, &subject));
        value["comments"] = json!(self.n_comments(path, &subject));
        value["is_locked"] = json!(self.is_locked(path, &subject));
        value["pin_order"] = json!(self.pin(path, &subject));
        value
    }

    pub(super) fn comment(&self, path: &str, id: u64, it: &Comment) -> Value {
        let (mut issue, mut pull) = (String::new(), String::new());
        let mut html = String::new();
        if let Subject::Issue(number) = it.subject {
            issue = format!("{}/{path}/issues/{number}", self.home);
            html = format!("{issue}#issuecomment-{id}");
        } else if let Subject::ChangeRequest(number) = it.subject {
            pull = format!("{}/{path}/pulls/{number}", self.home);
            html = format!("{pull}#issuecomment-{id}");
        }
        json!({
            "id": id, "html_url": html, "pull_request_url": pull, "issue_url": issue, "user": self.author(&it.author),
            "original_author": "", "original_author_id": 0, "body": text(&it.body),
            "assets": self.assets(path, &Subject::Comment(HostId(id.to_string()))),
            "created_at": told(it.created_at), "updated_at": told(it.updated_at.or(it.created_at)),
        })
    }
}

pub(super) fn visibility(it: Visibility) -> &'static str {
    match it {
        Visibility::Private => "private",
        Visibility::Internal => "limited",
        Visibility::Public => "public",
    }
}
