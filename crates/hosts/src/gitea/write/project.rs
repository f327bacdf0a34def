//! The project itself, and its wiki's place.

use super::{Done, GiteaSink, Path, Task, known::Commits};
use crate::gitea::{call::Change, wire};
use packhorse_core::{
    HostError, HostErrorKind,
    model::{Project, Visibility},
    port::Outcome,
};
use serde_json::{Map, Value, json};

impl GiteaSink {
    pub(super) async fn project(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        project: &Project,
    ) -> Done {
        let id = path.to_string();
        let there = self.found_or_made(path, task, project).await?;
        let is_private = project.visibility != Visibility::Public;
        if project.visibility == Visibility::Internal {
            task.lose("visibility", "became private: who sees it, is its owner's matter");
        }
        if there.as_ref().is_some_and(|it| it.empty == Some(true)) {
            // A run that was killed may have pushed.
            self.noticed(path).await?;
        }
        let outcome = match (&there, task.existing) {
            (None, _) => Outcome::Created,
            (Some(_), Some(_)) => Outcome::Updated,
            (Some(_), None) => Outcome::Adopted,
        };
        // One that was there keeps who may see it.
        let is_ours = outcome != Outcome::Adopted;
        let mut body = settings(project);
        // What fills gaps between change requests are issues: they are switched off at the end.
        let has_no_issues = body.get("has_issues") == Some(&Value::Bool(false));
        if has_no_issues {
            body.insert("has_issues".to_owned(), true.into());
        }
        self.known.of(path, |it| {
            it.has_no_issues = has_no_issues;
            it.was_retold = outcome == Outcome::Updated;
        });
        body.insert("website".to_owned(), task.website(project.website.as_deref()).into());
        let description = task.fit("description", project.description.as_deref(), 2_048);
        body.insert("description".to_owned(), description.into());
        if is_ours {
            body.insert("private".to_owned(), is_private.into());
        } else if there.is_some_and(|it| it.private != Some(is_private)) {
            task.lose("visibility", "the project was there already; who sees it, stays");
        }
        if outcome == Outcome::Created && body.iter().all(|(name, value)| is_told(name, value)) {
            // All of it was said when it was made.
        } else if self.server().await?.since(8) {
            let below = path.below(&[]);
            let change = Change::new(&below, "describe a project");
            self.api.patch(change, &Value::Object(body)).await?;
        } else {
            task.lose("website", "this version of the server cannot be told");
        }
        self.known.of(path, |it| it.default_branch.clone_from(&project.default_branch));
        if project.name != path.name {
            task.lose("name", "a project is called as in its address");
        }
        Ok((id, outcome))
    }

    /// The project where it is there already; `None` once it is made.
    ///
    /// What was never written is made without looking for it: a server says of what is there that it
    /// is. Gitea and Forgejo answer with 409, Gogs with 422.
    async fn found_or_made(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        project: &Project,
    ) -> Result<Option<wire::Repository>, HostError> {
        let (below, operation) = (path.below(&[]), "look for a project");
        if task.existing.is_some() {
            let found = self.api.find(&below, operation).await?;
            if found.is_none() {
                self.make_project(path, task, project).await?;
            }
            return Ok(found);
        }
        let n_losses = task.losses.len();
        let Err(error) = self.make_project(path, task, project).await else { return Ok(None) };
        // Not everybody who may write to one may make one.
        let may_be_there = [
            HostErrorKind::Conflict,
            HostErrorKind::Rejected,
            HostErrorKind::Forbidden,
            HostErrorKind::NotFound,
        ];
        if !may_be_there.contains(&error.kind) {
            return Err(error);
        }
        task.losses.truncate(n_losses);
        match self.api.find(&below, operation).await? {
            Some(found) => Ok(Some(found)),
            None => Err(error),
        }
    }

    async fn make_project(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        project: &Project,
    ) -> Result<(), HostError> {
        let operation = "make a project";
        let server = self.server().await?;
        let mut body = json!({
            "name": path.name, "auto_init": false,
            "private": project.visibility != Visibility::Public,
            "description": task.fit("description", project.description.as_deref(), 2_048),
        });
        if let Some(branch) = &project.default_branch {
            body["default_branch"] = json!(branch);
        }
        let me = server.me.as_ref().map(|it| it.login.as_str()).unwrap_or_default();
        if path.owner.eq_ignore_ascii_case(me) {
            return self.api.act(Change::new(&["user", "repos"], operation), &body).await;
        }
        if self.organization_is_there(path.owner).await? {
            // The older of the two addresses, which every version has.
            let below = ["org", path.owner, "repos"];
            return self.api.act(Change::new(&below, operation), &body).await;
        }
        let below = ["admin", "users", path.owner, "repos"];
        match self.api.act(Change::new(&below, operation), &body).await {
            Err(error)
                if matches!(error.kind, HostErrorKind::NotFound | HostErrorKind::Rejected) =>
            {
                Err(HostError::new(HostErrorKind::NotFound, operation)
                    .with("owner", path.owner)
                    .with("remedy", "make the owner first, or name another one behind a `#`")
                    .because(error))
            }
            other => other,
        }
    }

    /// Makes a place for the wiki, which the server does not make on a push; whether there is one.
    pub(super) async fn open_wiki(
        &self,
        path: Path<'_>,
        found: &wire::Repository,
    ) -> Result<bool, HostError> {
        if found.has_wiki != Some(true) {
            let below = path.below(&[]);
            let change = Change::new(&below, "switch the wiki on");
            self.api.patch(change, &json!({ "has_wiki": true })).await?;
        }
        let pages = path.below(&["wiki", "pages"]);
        let operation = "look for a wiki";
        if self.api.find::<Value>(&pages, operation).await?.is_some() {
            return Ok(true);
        }
        let new = path.below(&["wiki", "new"]);
        let page = json!({ "title": "Home", "content_base64": "LQo=", "message": "make room" });
        let made: Result<Value, _> =
            self.api.post(Change::new(&new, "make room for the wiki"), &page).await;
        match made {
            Err(error)
                if matches!(error.kind, HostErrorKind::NotFound | HostErrorKind::Unsupported) =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
            Ok(made) => {
                let commit = made.pointer("/last_commit/sha").and_then(Value::as_str);
                self.known.of(path, |it| it.made_wiki = commit.map(str::to_owned));
                Ok(true)
            }
        }
    }

    /// Sets what can be set only when all is there.
    pub(super) async fn close_project(&self, path: Path<'_>) -> Result<(), HostError> {
        let noticed = match self.known.of(path, |it| it.commits) {
            Commits::Pushed => self.noticed(path).await?,
            Commits::Unknown | Commits::Told => None,
        };
        let known = self.known.forget(path);
        if let Some(page) = &known.made_wiki {
            self.show_wiki(path, page).await?;
        }
        if !known.is_to_be_set() {
            return Ok(());
        }
        let found = match noticed {
            Some(found) => Some(found),
            None => self.api.find(&path.below(&[]), "read a project").await?,
        };
        let Some(found) = found else { return Ok(()) };
        let mut body = Map::new();
        if let Some(branch) = known.default_branch
            && found.default_branch.as_ref() != Some(&branch)
            && found.empty != Some(true)
        {
            body.insert("default_branch".to_owned(), branch.into());
        }
        if let Some(had_requests) = known.opened_merging {
            // As it was; the server listens to the second only together with the first.
            body.insert("has_pull_requests".to_owned(), had_requests.into());
            if had_requests {
                body.insert("allow_manual_merge".to_owned(), false.into());
            }
        }
        if known.has_no_issues {
            body.insert("has_issues".to_owned(), false.into());
        }
        if known.was_archived {
            body.insert("archived".to_owned(), true.into());
        }
        if body.is_empty() || found.archived == Some(true) || !self.server().await?.since(8) {
            return Ok(());
        }
        let below = path.below(&[]);
        let change = Change::new(&below, "finish a project");
        match self.api.patch(change, &Value::Object(body)).await {
            // The branch never arrived, which the repository's own losses say.
            Err(error)
                if matches!(error.kind, HostErrorKind::NotFound | HostErrorKind::Rejected) =>
            {
                Ok(())
            }
            other => other,
        }
    }
}

/// Whether a project was told this when it was made, or begins with it.
fn is_told(name: &str, value: &Value) -> bool {
    matches!(name, "description" | "private") || (name == "website" && value == "")
}

/// What is switched on, as far as the source says.
fn settings(project: &Project) -> Map<String, Value> {
    let (features, merge) = (&project.features, &project.merge_methods);
    let told = [
        ("has_issues", features.issues),
        ("has_wiki", features.wiki),
        ("has_projects", features.boards),
        ("has_releases", features.downloads),
        ("template", features.template),
        ("allow_merge_commits", merge.merge_commit),
        ("allow_squash_merge", merge.squash),
        ("allow_rebase", merge.rebase),
        ("allow_fast_forward_only_merge", merge.fast_forward),
        ("default_delete_branch_after_merge", merge.delete_head),
        ("allow_rebase_update", merge.update_head),
    ];
    let mut map: Map<String, Value> = told
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.into())))
        .collect();
    if map.keys().any(|it| it.starts_with("allow_") || it.starts_with("default_delete")) {
        // The server listens to the others only together with this one.
        map.insert("has_pull_requests".to_owned(), true.into());
    }
    map
}
