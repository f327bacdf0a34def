//! The server as a source: which listing gives which kind.

mod commits;
mod count;
mod files;
mod lists;
mod numbered;
mod people;
mod rules;
mod said;
mod shared;

use super::{
    api::{Api, is_closed},
    map, support, wire,
};
use crate::named::Named;
use async_trait::async_trait;
use packhorse_core::{
    Capabilities, Cursor, GitRemote, GitUrl, HostError, HostErrorKind, Lane, Object, ObjectKind,
    Record, RepoKind, Scope,
    model::Markup,
    port::{BlobRef, ByteStream, Inventory, Page, Source},
};
use people::People;
use shared::Extent;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// A server of GitLab, as a source.
pub(super) struct GitlabSource {
    api: Arc<Api>,
    extent: OnceCell<Extent>,
    people: People,
    named: Named,
}

/// The parts of an address below a project.
fn below<'a>(project: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    [&["projects", project], rest].concat()
}

/// Makes records of what a page brought.
fn records<T>(items: Vec<T>, map: impl Fn(T) -> Option<(String, Object)>) -> Vec<Record> {
    items.into_iter().filter_map(map).map(|(id, object)| Record::new(id, object)).collect()
}

impl GitlabSource {
    pub(super) fn new(api: Arc<Api>) -> Self {
        Self { api, extent: OnceCell::new(), people: People::default(), named: Named::default() }
    }

    fn host(&self) -> &str {
        self.api.place.host()
    }

    async fn project(&self, path: &str) -> Result<wire::Project, HostError> {
        self.api.get(&below(path, &[]), &[], "read a project").await
    }

    /// Nothing, if the project is there.
    async fn nothing(&self, path: &str) -> Result<Page, HostError> {
        self.project(path).await.map(|_| Page::default())
    }

    async fn read_project(
        &self,
        path: &str,
        kind: ObjectKind,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        match kind {
            ObjectKind::Project => {
                let project = map::project::project(self.project(path).await?);
                let record = project.map(|it| Record::new(it.path.clone(), Object::from(it)));
                Ok(Page { records: record.into_iter().collect(), next: None })
            }
            ObjectKind::Member => self.members(path, at).await,
            ObjectKind::Topic => self.topics(path, at).await,
            ObjectKind::Label => self.labels(path, at).await,
            ObjectKind::Milestone => self.milestones(path, at).await,
            ObjectKind::Attachment => self.attachments(path, at).await,
            ObjectKind::Issue => self.issues(path, at).await,
            ObjectKind::ChangeRequest => self.change_requests(path, at).await,
            ObjectKind::Review => self.reviews(path, at).await,
            ObjectKind::ReviewThread => self.review_threads(path, at).await,
            ObjectKind::ReviewComment => self.review_comments(path, at).await,
            ObjectKind::Snippet => self.snippets(path, at).await,
            ObjectKind::CommitComment => self.commit_comments(path, at).await,
            ObjectKind::Comment => self.comments(path, at).await,
            ObjectKind::Reaction => self.reactions(path, at).await,
            ObjectKind::Event => self.events(path, at).await,
            ObjectKind::CommitStatus => self.commit_statuses(path, at).await,
            ObjectKind::Release => self.releases(path, at).await,
            ObjectKind::ReleaseAsset => self.release_assets(path, at).await,
            ObjectKind::Board => self.boards(path, at).await,
            ObjectKind::BranchRule => self.branch_rules(path, at).await,
            ObjectKind::TagRule => self.tag_rules(path, at).await,
            ObjectKind::Webhook => self.webhooks(path, at).await,
            ObjectKind::DeployKey => self.deploy_keys(path, at).await,
            ObjectKind::Variable => self.variables(path, at).await,
            ObjectKind::State => self.states(path, at).await,
            ObjectKind::User
            | ObjectKind::Organization
            | ObjectKind::Team
            | ObjectKind::Repository
            | ObjectKind::Wiki
            | ObjectKind::LfsObject
            | ObjectKind::DiscussionCategory
            | ObjectKind::Discussion => self.nothing(path).await,
        }
    }
}

#[async_trait]
impl Source for GitlabSource {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        probe(&self.api).await?;
        let identity = format!("gitlab:{}", self.api.place.home);
        let mut capabilities = Capabilities::promised(support::reads, identity);
        capabilities.markup = Some(Markup::Gitlab);
        capabilities.web_url = Some(self.api.place.home.as_str().trim_end_matches('/').to_owned());
        Ok(capabilities)
    }

    async fn inventory(&self, scope: &Scope) -> Result<Inventory, HostError> {
        match scope {
            Scope::Shared => self.count_shared().await,
            Scope::Project(path) => self.count_project(path).await,
        }
    }

    async fn read(&self, lane: &Lane, at: Option<&Cursor>) -> Result<Page, HostError> {
        match &lane.scope {
            Scope::Shared => self.read_shared(lane.kind, at).await,
            Scope::Project(path) => match self.read_project(path, lane.kind, at).await {
                // A part that is switched off, or closed to the token: the inventory says so.
                Err(error) if at.is_none() && is_closed(error.kind) => self.nothing(path).await,
                other => other,
            },
        }
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        let found = self.project(project).await?;
        let (is_there, end) = match repo {
            RepoKind::Code => (found.empty_repo != Some(true), ".git"),
            RepoKind::Wiki => (self.has_wiki(project, &found).await?, ".wiki.git"),
        };
        let path = found.path_with_namespace.as_deref().unwrap_or(project);
        let url = GitUrl::parse(&format!("{}{path}{end}", self.api.place.home)).0;
        let credentials = self.api.place.credentials.clone();
        Ok(is_there.then_some(GitRemote { url, credentials }))
    }

    async fn open(&self, blob: &BlobRef, from: u64) -> Result<ByteStream, HostError> {
        self.open_blob(blob, from).await
    }
}

/// Asks a server for its version, and who we are; credentials that are wrong are told here, and
/// not as missing projects later.
pub(super) async fn probe(api: &Api) -> Result<(wire::Version, Option<wire::User>), HostError> {
    let operation = "ask the server what it is";
    let fail = || {
        HostError::new(HostErrorKind::Unsupported, operation)
            .with("url", &api.place.home)
            .with("answer", "not of GitLab")
    };
    if api.place.credentials.is_none() {
        // Nobody in particular is not told the version; any listing shows that it is GitLab.
        let query = [("per_page", "1")];
        let found: Result<serde_json::Value, _> = api.get(&["projects"], &query, operation).await;
        return match found {
            Ok(found) if found.is_array() => Ok((wire::Version::default(), None)),
            Ok(_) => Err(fail()),
            Err(error) => Err(error),
        };
    }
    let me: wire::User = api.get(&["user"], &[], "log in").await?;
    if me.username.is_none() {
        return Err(fail());
    }
    let version = api.find(&["version"], &[], operation).await?;
    Ok((version.unwrap_or_default(), Some(me)))
}

#[cfg(test)]
mod recorded_tests;
#[cfg(test)]
mod tests;
