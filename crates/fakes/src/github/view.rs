//! What GitHub shows of the model: one function for each of its schemas.

use crate::store::Store;
use packhorse_core::{
    Scope,
    model::{
        ChangeRequest, ChangeRequestState, Comment, Grantee, Identity, IdentityKind, Issue, Label,
        Milestone, OpenState, Organization, Project, Reaction, ReviewComment, State, StateValue,
        Subject, Team, Text, Time, User, Visibility,
    },
};
use serde_json::{Value, json};

/// Everything that GitHub's addresses and numbers are made from.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) store: &'a Store,
    pub(super) api: &'a str,
    pub(super) uploads: &'a str,
    pub(super) home: &'a str,
}

/// A time as GitHub writes it: UTC, whole seconds.
pub(super) fn time(at: Option<Time>) -> Value {
    at.map_or(Value::Null, |it| {
        let text = it.to_utc().to_string();
        let whole = text.split(['.', 'Z']).next().unwrap_or_default();
        json!(format!("{whole}Z"))
    })
}

/// A time where GitHub always has one.
pub(super) fn told(at: Option<Time>) -> Value {
    if at.is_none() { json!("2011-01-26T19:01:12Z") } else { time(at) }
}

pub(super) fn text(body: &Option<Text>) -> Value {
    body.as_ref().map_or(Value::Null, |it| json!(it.as_str()))
}

fn words(body: &Option<Text>) -> Value {
    json!(body.as_ref().map_or("", Text::as_str))
}

/// The word in the middle of GitHub's node ids, which are opaque.
pub(super) fn node(kind: &str, id: u64) -> String {
    format!("{kind}_{id}")
}

pub(super) fn open_state(state: OpenState) -> &'static str {
    match state {
        OpenState::Open => "open",
        OpenState::Closed => "closed",
    }
}

impl View<'_> {
    pub(super) fn repo(&self, path: &str) -> String {
        format!("{}/repos/{path}", self.api)
    }

    /// `simple-user`; nobody where the account is gone and GitHub says so.
    pub(super) fn author(&self, identity: &Option<Identity>) -> Value {
        identity.as_ref().map_or(Value::Null, |it| self.user(it))
    }

    /// `simple-user`, the ghost where nobody is known.
    pub(super) fn somebody(&self, identity: &Option<Identity>) -> Value {
        self.user(&identity.clone().unwrap_or_else(|| Identity {
            kind: IdentityKind::Deleted,
            ..Identity::login("ghost", None)
        }))
    }

    pub(super) fn user(&self, identity: &Identity) -> Value {
        let id = self.store.user_id(identity);
        let kind = match identity.kind {
            IdentityKind::Bot => "Bot",
            IdentityKind::Organization => "Organization",
            IdentityKind::Person | IdentityKind::Deleted => "User",
        };
        let admin = self.store.known_user(&identity.login).is_some_and(|(_, it)| it.is_admin);
        self.account(&identity.login, id, kind, admin)
    }

    fn account(&self, login: &str, id: u64, kind: &str, admin: bool) -> Value {
        let url = format!("{}/users/{login}", self.api);
        json!({
            "login": login, "id": id, "node_id": node("U", id), "gravatar_id": "",
            "avatar_url": format!("{}/avatars/u/{id}?v=4", self.home),
            "html_url": format!("{}/{login}", self.home),
            "followers_url": format!("{url}/followers"),
            "following_url": format!("{url}/following{{/other_user}}"),
            "gists_url": format!("{url}/gists{{/gist_id}}"),
            "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"),
            "subscriptions_url": format!("{url}/subscriptions"),
            "organizations_url": format!("{url}/orgs"),
            "repos_url": format!("{url}/repos"),
            "events_url": format!("{url}/events{{/privacy}}"),
            "received_events_url": format!("{url}/received_events"),
            "url": url, "type": kind, "user_view_type": "public", "site_admin": admin,
        })
    }

    /// `public-user`.
    pub(super) fn profile(&self, user: &User) -> Value {
        let mut value = self.user(&user.identity);
        let more = json!({
            "name": user.identity.name, "company": user.company, "blog": user.website.as_deref().unwrap_or(""),
            "location": user.location, "email": user.identity.email, "hireable": null, "bio": user.bio,
            "twitter_username": null, "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0,
            "created_at": told(user.created_at), "updated_at": told(user.created_at),
        });
        merge(&mut value, more);
        value
    }

    pub(super) fn organization(&self, id: u64, it: &Organization) -> Value {
        let url = format!("{}/orgs/{}", self.api, it.path);
        json!({
            "login": it.path, "id": id, "node_id": node("O", id), "url": url,
            "repos_url": format!("{url}/repos"), "events_url": format!("{url}/events"),
            "hooks_url": format!("{url}/hooks"), "issues_url": format!("{url}/issues"),
            "members_url": format!("{url}/members{{/member}}"),
            "public_members_url": format!("{url}/public_members{{/member}}"),
            "avatar_url": format!("{}/avatars/u/{id}?v=4", self.home),
            "description": it.description, "name": it.name,
            "blog": it.website.as_deref().unwrap_or(""), "location": it.location, "email": it.email,
            "is_verified": false, "has_organization_projects": true, "has_repository_projects": true,
            "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0,
            "html_url": format!("{}/{}", self.home, it.path), "type": "Organization",
            "created_at": told(it.created_at), "updated_at": told(it.created_at), "archived_at": null,
        })
    }

    /// Who owns a project: its organization, or a user.
    pub(super) fn owner(&self, path: &str) -> Value {
        let login = path.split('/').next().unwrap_or_default();
        let found = self.store.find::<Organization>(&Scope::Shared, |it| it.path == login);
        match found {
            Some((id, _)) => self.account(login, id, "Organization", false),
            None => self.user(&Identity::login(login, None)),
        }
    }

    pub(super) fn team(&self, id: u64, it: &Team, permission: &str) -> Value {
        let slug = it.parent.as_ref();
        let parent = slug.and_then(|slug| {
            self.store.find::<Team>(&Scope::Shared, |above| {
                above.organization == it.organization && above.slug == *slug
            })
        });
        let mut value = self.plain_team(id, it, permission);
        value["parent"] = parent.map_or(Value::Null, |(id, it)| self.plain_team(id, it, "pull"));
        value
    }

    fn plain_team(&self, id: u64, it: &Team, permission: &str) -> Value {
        let url = format!("{}/organizations/{}/team/{id}", self.api, it.organization);
        json!({
            "id": id, "node_id": node("T", id), "url": url, "name": it.name, "slug": it.slug,
            "html_url": format!("{}/orgs/{}/teams/{}", self.home, it.organization, it.slug),
            "description": it.description, "privacy": if it.secret { "secret" } else { "closed" },
            "notification_setting": "notifications_enabled", "permission": permission,
            "members_url": format!("{url}/members{{/member}}"),
            "repositories_url": format!("{url}/repos"), "type": "organization",
        })
    }

    pub(super) fn grantees(&self, all: &[Grantee]) -> (Vec<Value>, Vec<Value>) {
        let (mut users, mut teams) = (Vec::new(), Vec::new());
        for grantee in all {
            match grantee {
                Grantee::User(identity) => users.push(self.user(identity)),
                Grantee::Team { organization, slug } => {
                    let found = self.store.find::<Team>(&Scope::Shared, |it| {
                        it.organization == *organization && it.slug == *slug
                    });
                    teams.extend(found.map(|(id, it)| self.team(id, it, "push")));
                }
                Grantee::Group(_) => {}
            }
        }
        (users, teams)
    }

    pub(super) fn label(&self, path: &str, id: u64, it: &Label) -> Value {
        let name: String = url::form_urlencoded::byte_serialize(it.name.as_bytes()).collect();
        json!({
            "id": id, "node_id": node("LA", id), "name": it.name, "default": false,
            "url": format!("{}/labels/{}", self.repo(path), name.replace('+', "%20")),
            "color": it.color.as_deref().unwrap_or("ededed"), "description": text(&it.description),
        })
    }

    pub(super) fn labels(&self, path: &str, names: &[String]) -> Vec<Value> {
        let scope = Scope::Project(path.to_owned());
        let find = |name: &String| self.store.find::<Label>(&scope, |it| it.name == *name);
        names.iter().filter_map(find).map(|(id, it)| self.label(path, id, it)).collect()
    }

    pub(super) fn milestone(&self, path: &str, number: Option<u64>) -> Value {
        let scope = Scope::Project(path.to_owned());
        let find = |number| self.store.find::<Milestone>(&scope, |it| it.number == number);
        number.and_then(find).map_or(Value::Null, |(id, it)| self.milestone_of(path, id, it))
    }

    pub(super) fn milestone_of(&self, path: &str, id: u64, it: &Milestone) -> Value {
        let scope = Scope::Project(path.to_owned());
        let number = it.number;
        let issues = |state| {
            let is = |issue: &&Issue| issue.milestone == Some(number) && issue.state == state;
            self.store.all::<Issue>(&scope).map(|(_, it)| it).filter(is).count()
        };
        let url = format!("{}/milestones/{number}", self.repo(path));
        json!({
            "url": url, "html_url": format!("{}/{path}/milestone/{number}", self.home),
            "labels_url": format!("{url}/labels"), "id": id, "node_id": node("MI", id),
            "number": number, "title": it.title, "description": text(&it.description),
            "creator": self.author(&it.author), "state": open_state(it.state),
            "open_issues": issues(OpenState::Open), "closed_issues": issues(OpenState::Closed),
            "created_at": told(it.created_at), "updated_at": told(it.updated_at),
            "due_on": time(it.due_at), "closed_at": time(it.closed_at),
        })
    }

    /// The number of reactions of each sort to something.
    pub(super) fn rollup(&self, path: &str, subject: &Subject, url: &str) -> Value {
        let scope = Scope::Project(path.to_owned());
        let count = |content: &str| {
            let is = |it: &&Reaction| it.subject == *subject && it.content == content;
            self.store.all::<Reaction>(&scope).map(|(_, it)| it).filter(is).count()
        };
        let mut value = json!({ "url": format!("{url}/reactions") });
        let mut total = 0;
        for content in ["+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes"] {
            let n = count(content);
            total += n;
            value[content] = json!(n);
        }
        value["total_count"] = json!(total);
        value
    }

    pub(super) fn lock(&self, path: &str, subject: &Subject) -> Option<Option<String>> {
        let scope = Scope::Project(path.to_owned());
        self.store.all::<State>(&scope).find_map(|(_, it)| match &it.value {
            StateValue::Locked(reason) if it.subject == *subject => Some(reason.clone()),
            StateValue::Locked(_) | StateValue::Archived | StateValue::Pinned(_) => None,
        })
    }

    fn n_comments(&self, path: &str, subject: &Subject) -> usize {
        let scope = Scope::Project(path.to_owned());
        self.store.all::<Comment>(&scope).filter(|(_, it)| it.subject == *subject).count()
    }

    pub(super) fn issue(&self, path: &str, id: u64, it: &Issue) -> Value {
        let subject = Subject::Issue(it.number);
        let url = format!("{}/issues/{}", self.repo(path), it.number);
        let mut value = self.issue_frame(path, &url, &subject);
        let more = json!({
            "html_url": format!("{}/{path}/issues/{}", self.home, it.number), "id": id,
            "node_id": node("I", id), "number": it.number, "title": it.title, "body": text(&it.body),
            "user": self.author(&it.author), "labels": self.labels(path, &it.labels),
            "state": open_state(it.state), "state_reason": it.state_reason,
            "assignee": it.assignees.first().map_or(Value::Null, |it| self.user(it)),
            "assignees": it.assignees.iter().map(|it| self.user(it)).collect::<Vec<_>>(),
            "milestone": self.milestone(path, it.milestone), "closed_by": self.author(&it.closed_by),
            "created_at": told(it.created_at), "updated_at": told(it.updated_at.or(it.created_at)),
            "closed_at": time(it.closed_at),
        });
        merge(&mut value, more);
        value
    }

    fn issue_frame(&self, path: &str, url: &str, subject: &Subject) -> Value {
        let lock = self.lock(path, subject);
        json!({
            "url": url, "repository_url": self.repo(path), "comments_url": format!("{url}/comments"),
            "labels_url": format!("{url}/labels{{/name}}"), "events_url": format!("{url}/events"),
            "timeline_url": format!("{url}/timeline"), "author_association": "MEMBER",
            "comments": self.n_comments(path, subject), "locked": lock.is_some(),
            "active_lock_reason": lock.flatten(), "performed_via_github_app": null,
            "reactions": self.rollup(path, subject, url),
        })
    }

    /// A change request in the listing of issues, where GitHub has it too.
    pub(super) fn change_as_issue(&self, path: &str, id: u64, it: &ChangeRequest) -> Value {
        let subject = Subject::ChangeRequest(it.number);
        let url = format!("{}/issues/{}", self.repo(path), it.number);
        let html = format!("{}/{path}/pull/{}", self.home, it.number);
        let mut value = self.issue_frame(path, &url, &subject);
        let more = json!({
            "html_url": html, "id": id + 5_000_000, "node_id": node("PR", id), "number": it.number,
            "title": it.title, "body": text(&it.body), "user": self.author(&it.author),
            "labels": self.labels(path, &it.labels), "draft": it.draft,
            "state": if it.state == ChangeRequestState::Open { "open" } else { "closed" },
            "assignee": it.assignees.first().map_or(Value::Null, |it| self.user(it)),
            "assignees": it.assignees.iter().map(|it| self.user(it)).collect::<Vec<_>>(),
            "milestone": self.milestone(path, it.milestone), "closed_by": self.author(&it.closed_by),
            "created_at": told(it.created_at), "updated_at": told(it.updated_at.or(it.created_at)),
            "closed_at": time(it.closed_at), "state_reason": null,
            "pull_request": {
                "url": format!("{}/pulls/{}", self.repo(path), it.number), "html_url": html,
                "diff_url": format!("{html}.diff"), "patch_url": format!("{html}.patch"),
                "merged_at": time(it.merged_at),
            },
        });
        merge(&mut value, more);
        value
    }

    pub(super) fn comment(&self, path: &str, id: u64, it: &Comment) -> Value {
        let (number, page) = if let Subject::ChangeRequest(number) = &it.subject {
            (*number, "pull")
        } else if let Subject::Issue(number) = &it.subject {
            (*number, "issues")
        } else {
            (0, "issues")
        };
        let url = format!("{}/issues/comments/{id}", self.repo(path));
        let about = Subject::Comment(id.to_string().as_str().into());
        json!({
            "url": url, "id": id, "node_id": node("IC", id), "user": self.author(&it.author),
            "html_url": format!("{}/{path}/{page}/{number}#issuecomment-{id}", self.home),
            "issue_url": format!("{}/issues/{number}", self.repo(path)), "body": words(&it.body),
            "author_association": "MEMBER", "performed_via_github_app": null,
            "created_at": told(it.created_at), "updated_at": told(it.updated_at.or(it.created_at)),
            "reactions": self.rollup(path, &about, &url),
        })
    }

    pub(super) fn reaction(&self, id: u64, it: &Reaction) -> Value {
        json!({
            "id": id, "node_id": node("REA", id), "user": self.author(&it.author),
            "content": it.content, "created_at": told(it.created_at),
        })
    }

    pub(super) fn review_comment(&self, path: &str, id: u64, it: &ReviewComment) -> Value {
        super::review::comment_view(self, path, id, it)
    }

    pub(super) fn project(&self, id: u64, it: &Project) -> Value {
        super::project::project_view(self, id, it)
    }

    pub(super) fn visibility(it: Visibility) -> &'static str {
        match it {
            Visibility::Private => "private",
            Visibility::Internal => "internal",
            Visibility::Public => "public",
        }
    }
}

/// Adds the fields of one object to another.
pub(super) fn merge(value: &mut Value, more: Value) {
    if let (Some(value), Value::Object(more)) = (value.as_object_mut(), more) {
        value.extend(more);
    }
}
