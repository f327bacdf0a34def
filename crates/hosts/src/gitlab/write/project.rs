//! Projects, groups, members, topics and states.

use super::{Done, GitlabSink, Task, account::level, below, odd};
use crate::gitlab::{call::Change, wire};
use packhorse_core::{
    HostError, HostErrorKind, Loss, ObjectKind, Origin, Scope,
    model::{
        Grantee, Member, Organization, Place, Project, State, StateValue, Subject, Topic,
        Visibility,
    },
    port::Outcome,
};
use serde_json::{Map, Value, json};

/// What a project or a group is called where its name would not be taken.
///
/// Source: GitLab, `lib/gitlab/regex.rb`, `project_name_regex`.
fn name_of(name: &str, path: &str) -> String {
    let is_plain =
        |it: char| it.is_alphanumeric() || it == '_' || ('\u{a9}'..='\u{1f9ff}').contains(&it);
    let fits = |it: char| is_plain(it) || ".+- ".contains(it);
    let begins = name.chars().next().is_some_and(is_plain);
    if begins && name.chars().all(fits) && name.chars().count() <= 255 {
        name.to_owned()
    } else {
        path.to_owned()
    }
}

pub(super) const fn visibility(it: Visibility) -> &'static str {
    match it {
        Visibility::Private => "private",
        Visibility::Internal => "internal",
        Visibility::Public => "public",
    }
}

fn access(on: bool) -> Value {
    if on { "enabled".into() } else { "disabled".into() }
}

/// The settings of a project.
fn settings(it: &Project) -> Map<String, Value> {
    let mut body = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        body.extend(value.map(|it| (name.to_owned(), it)));
    };
    set("description", Some(it.description.clone().unwrap_or_default().into()));
    set("visibility", Some(visibility(it.visibility).into()));
    set("issues_access_level", it.features.issues.map(access));
    set("wiki_access_level", it.features.wiki.map(access));
    set("forking_access_level", it.features.forking.map(access));
    let merge = &it.merge_methods;
    let is_linear = merge.merge_commit == Some(false)
        && (merge.fast_forward == Some(true)
            || merge.rebase == Some(true)
            || merge.squash == Some(true));
    set("merge_method", merge.merge_commit.map(|_| if is_linear { "ff" } else { "merge" }.into()));
    let squash = |it: bool| if it { "default_off" } else { "never" }.into();
    set("squash_option", merge.squash.map(squash));
    set("remove_source_branch_after_merge", merge.delete_head.map(Value::from));
    body
}

/// The last part of a path, and what stands before it.
pub(super) fn split(path: &str) -> (Option<&str>, &str) {
    path.rsplit_once('/').map_or((None, path), |(above, own)| (Some(above), own))
}

impl GitlabSink {
    async fn group(&self, path: &str) -> Result<Option<wire::Group>, HostError> {
        let query = [("with_projects", "false")];
        self.api.find(&["groups", path], &query, "look for a group").await
    }

    pub(super) async fn project(&self, path: &str, task: &mut Task<'_>, it: &Project) -> Done {
        let mut body = settings(it);
        if let Some(branch) = it.default_branch.clone() {
            let origin = task.record.origin.clone();
            self.known.of(path, |known| known.default_branch = Some((origin, branch)));
        }
        if it.website.is_some() {
            task.lose("website", "projects have no home page here");
        }
        if let Some(id) = task.id().map(str::to_owned) {
            return self.change_project(id, task, body).await;
        }
        let operation = "make a project";
        let (above, own) = split(path);
        let above = above.unwrap_or_default();
        body.insert("path".into(), own.into());
        let name = name_of(&it.name, own);
        if name != it.name {
            task.lose("name", "holds what names may not hold here, and became the path");
        }
        body.insert("name".into(), name.into());
        body.insert("initialize_with_readme".into(), false.into());
        match self.group(above).await?.and_then(|it| it.id) {
            Some(id) => drop(body.insert("namespace_id".into(), id.into())),
            None if self.me().await?.login.eq_ignore_ascii_case(above) => {}
            None => {
                return Err(HostError::new(HostErrorKind::NotFound, operation)
                    .with("group", above)
                    .with("remedy", "make the group first, or give the project another path"));
            }
        }
        let change = Change::new(&["projects"], operation);
        match self.settle_visibility(change, task, &mut body, false).await {
            // Whether something may go into what is there was decided before.
            Err(error) if is_about(&error, "has already been taken") => {
                let there: Option<wire::Project> =
                    self.api.find(&below(path, &[]), &[], operation).await?;
                match there.and_then(|it| it.path_with_namespace) {
                    Some(id) => self.change_project(id, task, settings(it)).await,
                    None => Err(error),
                }
            }
            made => {
                let made = made?.path_with_namespace.ok_or_else(|| odd(operation))?;
                Ok((made, Outcome::Created))
            }
        }
    }

    /// Sets how a project that is there is.
    async fn change_project(
        &self,
        id: String,
        task: &mut Task<'_>,
        mut body: Map<String, Value>,
    ) -> Done {
        let below = below(&id, &[]);
        let change = Change::new(&below, "change a project");
        self.settle_visibility(change, task, &mut body, true).await?;
        Ok((id, Outcome::Updated))
    }

    /// Writes a project, hidden where what it is in does not allow it to be seen so widely.
    async fn settle_visibility(
        &self,
        change: Change<'_>,
        task: &mut Task<'_>,
        body: &mut Map<String, Value>,
        is_there: bool,
    ) -> Result<wire::Project, HostError> {
        let send = async |body: &Map<String, Value>| {
            let body = Value::Object(body.clone());
            if is_there {
                self.api.put(change, &body).await
            } else {
                self.api.post(change, &body).await
            }
        };
        match send(body).await {
            // The refusal's words name the field in some versions, and the rule in others.
            Err(error)
                if ["visibility", "is not allowed in a"].iter().any(|it| is_about(&error, it)) =>
            {
                task.lose("visibility", "what it is in allows no such visibility; it is private");
                body.insert("visibility".into(), "private".into());
                send(body).await
            }
            other => other,
        }
    }

    /// Sets what can only be set when everything is there.
    pub(super) async fn finish_project(
        &self,
        path: &str,
    ) -> Result<Vec<(Origin, Loss)>, HostError> {
        let known = self.known.forget(path);
        let losses = match known.default_branch {
            Some(wanted) => self.set_default_branch(path, wanted).await?,
            None => Vec::new(),
        };
        if known.was_archived {
            self.archive(path, true).await?;
        }
        Ok(losses)
    }

    /// Whether a project takes no changes any more.
    pub(super) async fn is_archived(&self, scope: &Scope) -> Result<bool, HostError> {
        let Some(path) = scope.project() else { return Ok(false) };
        let found: Option<wire::Project> =
            self.api.find(&below(path, &[]), &[], "look for a project").await?;
        Ok(found.is_some_and(|it| it.archived == Some(true)))
    }

    /// Archives a project, or opens it again.
    pub(super) async fn archive(&self, path: &str, is: bool) -> Result<(), HostError> {
        let below = below(path, &[if is { "archive" } else { "unarchive" }]);
        self.api.act(Change::new(&below, "archive a project"), &json!({})).await
    }

    async fn set_default_branch(
        &self,
        path: &str,
        (origin, branch): (Origin, String),
    ) -> Result<Vec<(Origin, Loss)>, HostError> {
        let operation = "set the default branch";
        let below = below(path, &[]);
        let found: Option<wire::Project> = self.api.find(&below, &[], operation).await?;
        if found.is_none_or(|it| it.default_branch.as_deref() == Some(branch.as_str())) {
            return Ok(Vec::new());
        }
        let body = json!({ "default_branch": branch });
        let set: Result<wire::Project, _> =
            self.api.put(Change::new(&below, operation), &body).await;
        match set {
            Ok(_) => Ok(Vec::new()),
            Err(error) if error.kind == HostErrorKind::Rejected => {
                let why = format!("the server does not take `{branch}`");
                Ok(vec![(origin, Loss::sink("default_branch", why))])
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn organization(&self, task: &mut Task<'_>, it: &Organization) -> Done {
        if !self.is_within(&it.path) {
            return task.drop("it is outside of what the address says");
        }
        let (above, own) = split(&it.path);
        let name = name_of(it.name.as_deref().unwrap_or(own), own);
        if it.name.as_ref().is_some_and(|it| *it != name) {
            task.lose("name", "holds what names may not hold here, and became the path");
        }
        let mut body =
            json!({ "name": name, "description": it.description.clone().unwrap_or_default() });
        if let Some(seen) = it.visibility {
            body["visibility"] = visibility(seen).into();
        }
        if it.website.is_some() || it.location.is_some() || it.email.is_some() {
            task.lose("website", "groups have no home page, place or address");
        }
        // A group that is there already is the same group: paths are names.
        let existing = match task.id() {
            Some(id) => Some(id.to_owned()),
            None => self.group(&it.path).await?.and_then(|it| it.full_path),
        };
        if let Some(id) = existing {
            let operation = "change a group";
            let path = ["groups", id.as_str()];
            let _group: wire::Group = self.api.put(Change::new(&path, operation), &body).await?;
            return Ok((id, Outcome::Updated));
        }
        let operation = "make a group";
        body["path"] = own.into();
        if let Some(above) = above {
            let parent = self.group(above).await?.and_then(|it| it.id);
            let missing = || {
                HostError::new(HostErrorKind::NotFound, operation)
                    .with("group", above)
                    .with("remedy", "make the group above first")
            };
            body["parent_id"] = parent.ok_or_else(missing)?.into();
        }
        let made: wire::Group = self.api.post(Change::new(&["groups"], operation), &body).await?;
        Ok((made.full_path.ok_or_else(|| odd(operation))?, Outcome::Created))
    }

    pub(super) async fn topic(&self, path: &str, it: &Topic) -> Done {
        let operation = "add a topic";
        let _turn = self.topics.lock().await;
        let below = below(path, &[]);
        let found: wire::Project = self.api.get(&below, &[], operation).await?;
        let mut topics = crate::gitlab::map::project::topics(found);
        if topics.contains(&it.name) {
            return Ok((it.name.clone(), Outcome::Adopted));
        }
        topics.push(it.name.clone());
        self.set_topics(path, &topics).await?;
        Ok((it.name.clone(), Outcome::Created))
    }

    pub(super) async fn set_topics(&self, path: &str, topics: &[String]) -> Result<(), HostError> {
        let below = below(path, &[]);
        let body = json!({ "topics": topics });
        let change = Change::new(&below, "set topics");
        self.api.put::<wire::Project>(change, &body).await.map(drop)
    }

    pub(super) async fn member(&self, path: &str, task: &mut Task<'_>, it: &Member) -> Done {
        match &it.place {
            Place::Project => self.role(&["projects", path], "", task, it).await,
            Place::ProjectAt(_) | Place::Organization(_) | Place::Team { .. } => {
                task.drop("it is no role in the project")
            }
        }
    }

    pub(super) async fn group_member(&self, task: &mut Task<'_>, it: &Member) -> Done {
        match &it.place {
            Place::Organization(path) if !self.is_within(path) => {
                task.drop("it is outside of what the address says")
            }
            Place::Organization(path) => {
                let path = path.clone();
                self.role(&["groups", &path], &format!("{path}/"), task, it).await
            }
            Place::Project | Place::ProjectAt(_) | Place::Team { .. } => {
                task.drop("the server has groups, and no teams within them")
            }
        }
    }

    /// Gives a role in a project or a group; ids begin with `prefix`.
    async fn role(&self, base: &[&str], prefix: &str, task: &mut Task<'_>, it: &Member) -> Done {
        let Some((level, less)) = level(it.role) else {
            return task.drop("it allows nothing, which the server has no role for");
        };
        if let Some(less) = less {
            task.lose("role", less);
        }
        let expires = it.expires_at.map(|it| it.instant().strftime("%Y-%m-%d").to_string());
        match &it.grantee {
            Grantee::User(who) => {
                let Some(id) = self.account(who).await? else {
                    return task
                        .drop(format!("{who} has no account here that the users file names"));
                };
                let body = json!({"user_id": id, "access_level": level, "expires_at": expires});
                let outcome = self.seat(base, &id.to_string(), &body).await?;
                Ok((format!("{prefix}{}", who.login), outcome))
            }
            Grantee::Group(name) => {
                let Some(id) = self.group(name).await?.and_then(|it| it.id) else {
                    return task.drop(format!("there is no group {name} here"));
                };
                let body = json!({"group_id": id, "group_access": level, "expires_at": expires});
                let operation = "share with a group";
                let path = [base, &["share"]].concat();
                let target = format!("{prefix}group/{name}");
                match self.api.act(Change::new(&path, operation), &body).await {
                    Err(error) if error.kind == HostErrorKind::Conflict => {
                        let id = id.to_string();
                        let path = [base, &["share", id.as_str()]].concat();
                        self.api.delete(Change::new(&path, operation)).await?;
                        let path = [base, &["share"]].concat();
                        self.api.act(Change::new(&path, operation), &body).await?;
                        Ok((target, Outcome::Updated))
                    }
                    other => other.map(|()| (target, Outcome::Created)),
                }
            }
            Grantee::Team { organization, slug } => {
                task.drop(format!("the team {organization}/{slug} has no place here"))
            }
        }
    }

    /// Gives an account its level, whether it has one or not.
    async fn seat(&self, base: &[&str], id: &str, body: &Value) -> Result<Outcome, HostError> {
        let operation = "give a role";
        let path = [base, &["members"]].concat();
        match self.api.act(Change::new(&path, operation), body).await {
            Err(error) if error.kind == HostErrorKind::Conflict => {
                let path = [base, &["members", id]].concat();
                let _member: wire::Member =
                    self.api.put(Change::new(&path, operation), body).await?;
                Ok(Outcome::Updated)
            }
            other => other.map(|()| Outcome::Created),
        }
    }

    pub(super) async fn state(&self, path: &str, task: &mut Task<'_>, it: &State) -> Done {
        let outcome = if task.existing.is_some() { Outcome::Adopted } else { Outcome::Created };
        match (&it.value, &it.subject) {
            (StateValue::Archived, _) => {
                self.archive(path, true).await?;
                Ok(("archived".to_owned(), outcome))
            }
            (StateValue::Locked(reason), Subject::Issue(_) | Subject::ChangeRequest(_)) => {
                if reason.is_some() {
                    task.lose("value", "why it is locked has no place here");
                }
                let Some((list, key)) = task.place(&it.subject) else {
                    return task.drop("what it is about is not there");
                };
                self.lock(path, (list, &key), true).await?;
                Ok((format!("{list}/{key}/locked"), outcome))
            }
            (StateValue::Locked(_), _) => task.drop("only issues and change requests are locked"),
            (StateValue::Pinned(_), _) => task.drop("the server pins nothing"),
        }
    }

    pub(super) async fn lock(
        &self,
        path: &str,
        (list, key): (&str, &str),
        locked: bool,
    ) -> Result<(), HostError> {
        let below = below(path, &[list, key]);
        let change = Change::new(&below, "lock a discussion");
        let body = json!({ "discussion_locked": locked });
        self.api.put::<Value>(change, &body).await.map(drop)
    }
}

impl Task<'_> {
    /// The listing and the key of what something is about.
    pub(super) fn place(&self, subject: &Subject) -> Option<(&'static str, String)> {
        match subject {
            Subject::Issue(number) => Some(("issues", number.to_string())),
            Subject::ChangeRequest(number) => Some(("merge_requests", number.to_string())),
            Subject::Snippet(id) => {
                let id = self.target(ObjectKind::Snippet, &id.0)?;
                Some(("snippets", id.to_owned()))
            }
            Subject::Project
            | Subject::Discussion(_)
            | Subject::Release(_)
            | Subject::Commit(_)
            | Subject::Comment(_)
            | Subject::Review(_)
            | Subject::ReviewComment(_)
            | Subject::CommitComment(_) => None,
        }
    }
}

/// Whether the server refused a field, by its words.
pub(super) fn is_about(error: &HostError, word: &str) -> bool {
    error.kind == HostErrorKind::Rejected
        && error.context.iter().any(|(_, it)| it.to_lowercase().contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_be_refused_becomes_the_path() {
        assert_eq!(name_of("My Widget 2.0", "widget"), "My Widget 2.0");
        assert_eq!(name_of("a/b", "widget"), "widget");
        assert_eq!(name_of("", "widget"), "widget");
        assert_eq!(name_of("-x", "widget"), "widget");
    }
}
