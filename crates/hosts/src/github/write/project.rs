//! The project itself, and its topics.

use super::{
    GithubSink, Order, Path, Told,
    account::{refused, words},
    wire,
};
use http::Method;
use packhorse_core::{
    HostError, HostErrorKind,
    model::{Project, Topic, Visibility},
    port::{Outcome, Written},
};
use serde_json::{Map, Value, json};

/// How many topics a project may have.
///
/// Source: GitHub, "Classifying your repository with topics".
const MAX_TOPICS: usize = 20;
/// How long each may be, in characters.
pub(super) const MAX_TOPIC: usize = 50;

/// What is said of a project, whether it is made or changed.
fn settings(project: &Project) -> Map<String, Value> {
    let (features, merge) = (&project.features, &project.merge_methods);
    let flags = [
        ("has_issues", features.issues),
        ("has_wiki", features.wiki),
        ("has_projects", features.boards),
        ("is_template", features.template),
        ("allow_merge_commit", merge.merge_commit),
        ("allow_squash_merge", merge.squash),
        ("allow_rebase_merge", merge.rebase),
        ("allow_auto_merge", merge.auto_merge),
        ("delete_branch_on_merge", merge.delete_head),
    ];
    let flags = flags.into_iter().filter_map(|(name, flag)| Some((name.to_owned(), flag?.into())));
    let mut body: Map<String, Value> = flags.collect();
    // One way of merging must be left.
    let ways = ["allow_merge_commit", "allow_squash_merge", "allow_rebase_merge"];
    if ways.iter().all(|it| body.get(*it) == Some(&json!(false))) {
        body.insert("allow_merge_commit".to_owned(), true.into());
    }
    body
}

impl GithubSink {
    pub(super) async fn project(
        &self,
        order: Order<'_>,
        project: &Project,
    ) -> Result<Written, HostError> {
        let (path, mut told) = (order.path, Told::default());
        let found: Option<wire::Repository> =
            self.api.find(&path.below(&[]), "look for a project").await?;
        let mut body = settings(project);
        // What fills gaps between change requests are issues: they are switched off at the end.
        let has_no_issues = body.get("has_issues") == Some(&json!(false));
        if has_no_issues {
            body.insert("has_issues".to_owned(), true.into());
        }
        let description = told.plain("description", project.description.as_deref().unwrap_or(""));
        body.insert("description".to_owned(), description.into());
        let website = project.website.as_deref().unwrap_or_default();
        body.insert("homepage".to_owned(), told.plain("website", website).into());
        let outcome = match (&found, order.existing) {
            (None, _) => {
                self.make_project(path, project, &body, &mut told).await?;
                if project.features.discussions == Some(true) {
                    // New projects have none, whatever they are made with.
                    let on = json!({ "has_discussions": true });
                    let operation = "switch discussions on";
                    self.api.tell(Method::PATCH, &path.below(&[]), &on, operation).await?;
                }
                Outcome::Created
            }
            (Some(_), Some(_)) => Outcome::Updated,
            (Some(_), None) => Outcome::Adopted,
        };
        if let Some(found) = found {
            self.update_project(path, (project, &found), (body, outcome), &mut told).await?;
        }
        if project.name != path.name {
            told.lost("name", "a project is called as in its address");
        }
        self.known.of(path, |it| {
            it.default_branch.clone_from(&project.default_branch);
            it.has_no_issues = has_no_issues;
        });
        Ok(told.written(path.to_string(), outcome))
    }

    /// Describes one that is there; who sees it, never becomes more by that.
    async fn update_project(
        &self,
        path: Path<'_>,
        (project, found): (&Project, &wire::Repository),
        (mut body, outcome): (Map<String, Value>, Outcome),
        told: &mut Told,
    ) -> Result<(), HostError> {
        let is_public = found.private == Some(false);
        let shall_be = project.visibility == Visibility::Public;
        match (is_public, shall_be) {
            // SECURITY: what was written while the source was closed is not shown by itself.
            (false, true) => told.lost("visibility", "it is there and private; open it by hand"),
            (true, false) if outcome == Outcome::Updated => {
                body.insert("private".to_owned(), true.into());
            }
            (true, false) => {
                return Err(HostError::new(HostErrorKind::Conflict, "write a project")
                    .with("project", path)
                    .with("reason", "there is a public project of that name; this one is not")
                    .with("remedy", "make that one private, or choose another name"));
            }
            (true, true) | (false, false) => {}
        }
        self.known.of(path, |it| it.is_public = None);
        if let Some(yes) = project.features.discussions {
            body.insert("has_discussions".to_owned(), yes.into());
        }
        let below = path.below(&[]);
        let body = Value::Object(body);
        match self.api.tell(Method::PATCH, &below, &body, "describe a project").await {
            Err(error) if error.kind == HostErrorKind::Rejected => {
                told.lost("features", words(&error));
                Ok(())
            }
            other => other.map(drop),
        }
    }

    async fn make_project(
        &self,
        path: Path<'_>,
        project: &Project,
        settings: &Map<String, Value>,
        told: &mut Told,
    ) -> Result<(), HostError> {
        let operation = "make a project";
        let is_organizations = self.is_organization(path.owner).await?;
        if !is_organizations && !self.me().await?.eq_ignore_ascii_case(path.owner) {
            return Err(HostError::new(HostErrorKind::Forbidden, operation)
                .with("owner", path.owner)
                .with("reason", "it is no organization, and people make projects of their own")
                .with("remedy", "use a token of that person, or name an organization"));
        }
        let organizations = ["orgs", path.owner, "repos"];
        let at: &[&str] = if is_organizations { &organizations } else { &["user", "repos"] };
        let mut body = Value::Object(settings.clone());
        body["name"] = json!(path.name);
        body["private"] = json!(project.visibility != Visibility::Public);
        let wants_internal = project.visibility == Visibility::Internal;
        if wants_internal && is_organizations {
            // Enterprises have such; elsewhere it is refused.
            body["visibility"] = json!("internal");
            match self.api.tell(Method::POST, at, &body, operation).await {
                Err(error) if error.kind == HostErrorKind::Rejected => {}
                other => return other.map(drop),
            }
            if let Some(fields) = body.as_object_mut() {
                fields.remove("visibility");
            }
        }
        if wants_internal {
            told.lost("visibility", "became private: there is nothing internal here");
        }
        self.api.tell(Method::POST, at, &body, operation).await.map(drop)
    }

    /// Whether somebody is an organization, and not a person.
    async fn is_organization(&self, owner: &str) -> Result<bool, HostError> {
        let operation = "look who owns a project";
        let found: Option<wire::User> = self.api.find(&["users", owner], operation).await?;
        let Some(found) = found else {
            return Err(HostError::new(HostErrorKind::NotFound, operation)
                .with("owner", owner)
                .with("remedy", "make the organization first, or name another one behind a `#`"));
        };
        Ok(found.r#type.as_deref() == Some("Organization"))
    }

    /// Asks once who sees a project and who owns it.
    async fn look_at(&self, path: Path<'_>) -> Result<(bool, bool), HostError> {
        let known = self.known.of(path, |it| it.is_public.zip(it.is_organizations));
        if let Some(known) = known {
            return Ok(known);
        }
        let found: wire::Repository = self.api.get(&path.below(&[]), "read a project").await?;
        let is_public = found.private == Some(false);
        let owner = found.owner.and_then(|it| it.r#type);
        let is_organizations = owner.as_deref() == Some("Organization");
        self.known.of(path, |it| {
            it.is_public = Some(is_public);
            it.is_organizations = Some(is_organizations);
        });
        Ok((is_public, is_organizations))
    }

    /// Whether everybody sees a project.
    pub(super) async fn is_public(&self, path: Path<'_>) -> Result<bool, HostError> {
        Ok(self.look_at(path).await?.0)
    }

    /// Whether an organization owns a project.
    pub(super) async fn is_organizations(&self, path: Path<'_>) -> Result<bool, HostError> {
        Ok(self.look_at(path).await?.1)
    }

    /// Sets what can be set only when all is there, and before the project is archived.
    pub(super) async fn round_off(&self, path: Path<'_>) -> Result<(), HostError> {
        let (branch, has_no_issues) = self
            .known
            .of(path, |it| (it.default_branch.take(), std::mem::take(&mut it.has_no_issues)));
        if let Some(branch) = branch {
            self.choose_default_branch(path, &branch).await?;
        }
        if has_no_issues {
            let body = json!({ "has_issues": false });
            let operation = "switch issues off";
            self.api.tell(Method::PATCH, &path.below(&[]), &body, operation).await?;
        }
        Ok(())
    }

    /// Ends the writing of a project.
    pub(super) async fn close_project(&self, path: Path<'_>) -> Result<(), HostError> {
        self.round_off(path).await?;
        let known = self.known.forget(path);
        if known.was_archived {
            self.archive(path, true).await?;
        }
        Ok(())
    }

    /// Chooses the branch that a clone checks out, once it is there.
    async fn choose_default_branch(&self, path: Path<'_>, branch: &str) -> Result<(), HostError> {
        let operation = "choose the default branch";
        let found: Option<wire::Repository> = self.api.find(&path.below(&[]), operation).await?;
        let Some(found) = found.filter(|it| it.archived != Some(true)) else { return Ok(()) };
        let is_chosen = found.default_branch.as_deref() == Some(branch);
        if is_chosen || self.sha(path, branch).await?.is_none() {
            return Ok(());
        }
        let body = json!({ "default_branch": branch });
        self.api.tell(Method::PATCH, &path.below(&[]), &body, operation).await.map(drop)
    }

    pub(super) async fn topic(
        &self,
        order: Order<'_>,
        topic: &Topic,
    ) -> Result<Written, HostError> {
        let (mut told, operation) = (Told::default(), "write a topic");
        let name = topic_name(&topic.name);
        if name.is_empty() {
            return Ok(told.dropped("no letter of it is allowed in a topic"));
        }
        if name != topic.name {
            told.lost("name", format!("became `{name}`: topics are of small letters and dashes"));
        }
        let below = order.path.below(&["topics"]);
        let found: wire::Topics = self.api.get(&below, operation).await?;
        let mut names = found.names.unwrap_or_default();
        if names.contains(&name) {
            let outcome =
                if order.existing.is_some() { Outcome::Updated } else { Outcome::Adopted };
            return Ok(told.written(name, outcome));
        }
        if names.len() >= MAX_TOPICS {
            return Ok(told.dropped("a project has twenty topics at most"));
        }
        names.push(name.clone());
        let body = json!({ "names": names });
        match self.api.tell(Method::PUT, &below, &body, operation).await {
            Err(error) if refused(error.kind) => Ok(told.dropped(words(&error))),
            other => other.map(|_| told.done(name, order.existing)),
        }
    }
}

/// A topic as GitHub takes it: small letters, digits and single dashes.
pub(super) fn topic_name(name: &str) -> String {
    let mut made = String::new();
    for letter in name.to_lowercase().chars() {
        match letter {
            'a'..='z' | '0'..='9' => made.push(letter),
            _ if made.is_empty() || made.ends_with('-') => {}
            _ => made.push('-'),
        }
    }
    made.truncate(MAX_TOPIC);
    made.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::model::MergeMethods;

    #[test]
    fn a_topic_is_of_small_letters_and_dashes() {
        assert_eq!(topic_name("Web  Server!"), "web-server");
        assert_eq!(topic_name("C++"), "c");
        assert_eq!(topic_name("日本"), "");
        assert_eq!(topic_name(&"a".repeat(60)).len(), MAX_TOPIC);
    }

    #[test]
    fn one_way_of_merging_is_left() {
        let none = Some(false);
        let merge_methods =
            MergeMethods { merge_commit: none, squash: none, rebase: none, ..Default::default() };

        let body = settings(&Project { merge_methods, ..Project::default() });

        assert_eq!(body["allow_merge_commit"], json!(true));
        assert_eq!(body["allow_squash_merge"], json!(false));
    }
}
