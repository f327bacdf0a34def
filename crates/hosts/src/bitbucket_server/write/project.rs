//! Projects of the server, repositories, their labels and states.

use super::{Done, Part, Path, ServerSink, is_refusal, wire, words};
use crate::bitbucket::write::may_be_there;
use http::Method;
use packhorse_core::{
    HostError, HostErrorKind, Loss, Origin, TargetId,
    model::{MergeMethods, Organization, Project, State, StateValue, Subject, Topic, Visibility},
};
use serde_json::{Value, json};

/// How the server makes a slug out of a name.
fn slug(name: &str) -> String {
    let plain = |it: char| {
        if it.is_ascii_alphanumeric() || matches!(it, '.' | '_' | '-') {
            it.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    name.chars().map(plain).collect()
}

/// What is said of a repository.
fn settings(it: &Project, name: &str) -> Value {
    json!({
        "name": name,
        "description": it.description.as_deref().unwrap_or_default(),
        "forkable": it.features.forking.unwrap_or(true),
        "public": it.visibility == Visibility::Public,
    })
}

/// What a repository is made of.
fn new_body(it: &Project, name: &str) -> Value {
    let mut body = settings(it, name);
    body["scmId"] = json!("git");
    if let Some(branch) = &it.default_branch {
        body["defaultBranch"] = json!(branch);
    }
    body
}

impl ServerSink {
    /// A project of the server; one that is there is left as it is, but for its words.
    pub(super) async fn write_organization(
        &self,
        it: &Organization,
        existing: Option<&TargetId>,
    ) -> Result<Done, HostError> {
        if !self.api.place.extent.holds(&it.path) && self.api.place.extent.key().is_some() {
            let why = "it is not part of the destination's address";
            return Ok(Done::dropped(&it.path, why));
        }
        let operation = "write a project of the server";
        let mut body = json!({
            "name": it.name.as_deref().unwrap_or(&it.path),
            "description": it.description.as_deref().unwrap_or_default(),
            "public": it.visibility == Some(Visibility::Public),
        });
        let path = ["projects", it.path.as_str()];
        let found: Option<wire::Project> = self.api.find(Part::Core, &path, operation).await?;
        let found: wire::Project = if found.is_some() {
            self.api.put((Part::Core, &path), &body, operation).await?
        } else {
            body["key"] = json!(it.path);
            self.api.post((Part::Core, &["projects"]), &body, operation).await?
        };
        let mut losses = Vec::new();
        if it.visibility == Some(Visibility::Internal) {
            losses.push(Loss::sink("visibility", "only those who are named may see the project"));
        }
        Ok(Done::new(found.key.unwrap_or_else(|| it.path.clone()), existing).with(losses))
    }

    /// The repository, made if it is not there, and so is the project that owns it.
    pub(super) async fn ensure(&self, path: Path<'_>) -> Result<wire::Repository, HostError> {
        let operation = "look for a repository";
        if let Some(found) = self.api.find(Part::Core, &path.below(&[]), operation).await? {
            return Ok(found);
        }
        self.create(path, &json!({"name": path.slug, "scmId": "git"})).await
    }

    async fn create(&self, path: Path<'_>, body: &Value) -> Result<wire::Repository, HostError> {
        let key = ["projects", path.key];
        let operation = "make a project of the server";
        let found: Option<wire::Project> = self.api.find(Part::Core, &key, operation).await?;
        if found.is_none() && !path.key.starts_with('~') {
            let project = json!({"key": path.key, "name": path.key});
            let _made: wire::Project =
                self.api.post((Part::Core, &["projects"]), &project, operation).await?;
        }
        let repositories = ["projects", path.key, "repos"];
        self.api.post((Part::Core, &repositories), body, "make a repository").await
    }

    pub(super) async fn write_project(
        &self,
        path: Path<'_>,
        it: &Project,
        existing: Option<&TargetId>,
    ) -> Result<Done, HostError> {
        let operation = "write a repository";
        let mut losses = Vec::new();
        let below = path.below(&[]);
        let mut made = None;
        if existing.is_none() && slug(&it.name) == slug(path.slug) {
            let body = new_body(it, &it.name);
            let repositories = ["projects", path.key, "repos"];
            match self.api.post((Part::Core, &repositories), &body, operation).await {
                // It is there, or its project is not.
                Err(error) if may_be_there(&error) => {}
                done => made = Some(done?),
            }
        }
        let found: Option<wire::Repository> = match &made {
            Some(_) => None,
            None => self.api.find(Part::Core, &below, operation).await?,
        };
        let was_there = found.is_some();
        // An import keeps name and slug apart, and a name that stays changes no slug.
        let is_there = found.as_ref().is_some_and(|found| found.name.as_ref() == Some(&it.name));
        // The slug follows from the name, and must stay what the path says.
        let fits = is_there || slug(&it.name) == slug(path.slug);
        let name = if fits { it.name.as_str() } else { path.slug };
        if name != it.name {
            let detail = format!("is `{name}`, for the name and the address go together here");
            losses.push(Loss::sink("name", detail));
        }
        if it.visibility == Visibility::Internal {
            let detail = "only those who are named may see it, or who may see its project";
            losses.push(Loss::sink("visibility", detail));
        }
        let found: wire::Repository = match (made, found) {
            (Some(made), _) => made,
            (None, Some(_)) => {
                self.api.put((Part::Core, &below), &settings(it, name), operation).await?
            }
            (None, None) => self.create(path, &new_body(it, name)).await?,
        };
        if !was_there {
            self.fresh.note(path);
        }
        if let Some(branch) = &it.default_branch {
            self.heads.note(path.to_string(), branch);
            if existing.is_some() {
                self.set_head(path).await?;
            }
        }
        losses.extend(self.set_methods(path, &it.merge_methods).await?);
        let id = super::super::map::path_of(&found);
        let id = id.unwrap_or_else(|| path.to_string());
        Ok(Done::found_or_made(id, existing, was_there).with(losses))
    }

    /// Sets the default branch, once the branches are there.
    pub(super) async fn set_head(&self, path: Path<'_>) -> Result<(), HostError> {
        let full = path.to_string();
        let Some(branch) = self.heads.take(&full) else { return Ok(()) };
        let below = path.below(&["branches", "default"]);
        let operation = "set the default branch";
        let body = json!({"id": format!("refs/heads/{branch}")});
        let at = (Part::Core, &below[..]);
        match self.api.act(Method::PUT, at, &[], (Some(&body), operation)).await {
            // An empty repository has no branch to choose, yet; what was told when it was made holds.
            Err(error) if is_refusal(&error) => {
                self.heads.note(full, &branch);
                Ok(())
            }
            other => other,
        }
    }

    /// Which ways of merging there are.
    async fn set_methods(
        &self,
        path: Path<'_>,
        methods: &MergeMethods,
    ) -> Result<Vec<Loss>, HostError> {
        let wanted = [
            (methods.merge_commit, "no-ff"),
            (methods.squash, "squash"),
            (methods.rebase, "rebase-no-ff"),
            (methods.fast_forward, "ff-only"),
        ];
        if wanted.iter().all(|(it, _)| it.is_none()) {
            return Ok(Vec::new());
        }
        let chosen: Vec<&str> =
            wanted.iter().filter(|(it, _)| *it == Some(true)).map(|(_, id)| *id).collect();
        let Some(first) = chosen.first() else { return Ok(Vec::new()) };
        let strategies: Vec<Value> = chosen.iter().map(|it| json!({"id": it})).collect();
        let config = json!({"defaultStrategy": {"id": first}, "strategies": strategies});
        let body = json!({"mergeConfig": config});
        let below = path.below(&["settings", "pull-requests"]);
        let operation = "set the ways of merging";
        let at = (Part::Core, &below[..]);
        match self.api.act(Method::POST, at, &[], (Some(&body), operation)).await {
            Err(error) if is_refusal(&error) => {
                Ok(vec![Loss::sink("merge_methods", words(&error))])
            }
            other => other.map(|()| Vec::new()),
        }
    }

    pub(super) async fn write_topic(
        &self,
        path: Path<'_>,
        it: &Topic,
        existing: Option<&TargetId>,
    ) -> Result<Done, HostError> {
        let below = path.below(&["labels"]);
        let body = json!({"name": it.name});
        match self.api.post((Part::Core, &below), &body, "label a repository").await {
            Ok(wire::Label { name }) => {
                Ok(Done::new(name.unwrap_or_else(|| it.name.clone()), existing))
            }
            Err(error) if error.kind == HostErrorKind::Conflict => {
                Ok(Done::new(&it.name, existing))
            }
            Err(error) if error.kind == HostErrorKind::Rejected => {
                Ok(Done::dropped(&it.name, words(&error)))
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn write_state(
        &self,
        path: Path<'_>,
        it: &State,
        origin: &Origin,
    ) -> Result<Done, HostError> {
        match (&it.subject, &it.value) {
            (Subject::Project, StateValue::Archived) => {
                let below = path.below(&[]);
                let body = json!({"archived": true});
                let found: wire::Repository =
                    self.api.put((Part::Core, &below), &body, "archive a repository").await?;
                if found.archived == Some(true) {
                    return Ok(Done::new("archived", None));
                }
                let why = "versions before 8.0 do not archive; take the rights to write away";
                Ok(Done::dropped("archived", why))
            }
            _ => Ok(Done::dropped(&origin.id, "change requests are neither locked nor pinned")),
        }
    }

    /// Takes an archived repository back into use, as a roll-back does.
    pub(super) async fn unarchive(&self, path: Path<'_>) -> Result<(), HostError> {
        let body = json!({"archived": false});
        let below = path.below(&[]);
        let at = (Part::Core, &below[..]);
        self.api.act(Method::PUT, at, &[], (Some(&body), "take a repository back")).await
    }
}
