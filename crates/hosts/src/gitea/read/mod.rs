//! The server as a source: which listing gives which kind.

mod count;
mod lists;
mod nested;
mod shared;

use super::{
    api::Api,
    map::{self, issue, settings},
    place::Extent,
    server::Server,
    support, wire,
};
use crate::named::Named;
pub(super) use crate::path::Path;
use async_trait::async_trait;
use packhorse_core::{
    Capabilities, Cursor, GitRemote, GitUrl, HostError, HostErrorKind, Lane, Numbering, Object,
    ObjectKind, Record, RepoKind, Scope,
    model::Markup,
    port::{BlobRef, ByteStream, Inventory, Page, Source},
};
use std::sync::Arc;

/// A server of Gitea or Forgejo, as a source.
pub(super) struct GiteaSource {
    pub(super) api: Arc<Api>,
    /// Commits that branches and change requests lead to.
    named: Named,
}

impl GiteaSource {
    pub(super) fn new(api: impl Into<Arc<Api>>) -> Self {
        Self { api: api.into(), named: Named::default() }
    }

    fn host(&self) -> &str {
        self.api.place.host()
    }

    pub(super) async fn repository(&self, path: Path<'_>) -> Result<wire::Repository, HostError> {
        self.api.get(&path.below(&[]), "read a project").await
    }

    /// Where a repository of a project is.
    pub(super) fn git_remote(&self, path: Path<'_>, repo: RepoKind) -> GitRemote {
        let end = match repo {
            RepoKind::Code => ".git",
            RepoKind::Wiki => ".wiki.git",
        };
        let home = self.api.place.home.as_str();
        let url = GitUrl::parse(&format!("{home}{}/{}{end}", path.owner, path.name)).0;
        GitRemote { url, credentials: self.api.place.credentials.clone() }
    }

    async fn read_project(
        &self,
        path: Path<'_>,
        kind: ObjectKind,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        match kind {
            ObjectKind::Project => {
                let project = map::project::project(self.repository(path).await?);
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
            ObjectKind::Comment => self.comments(path, at).await,
            ObjectKind::Reaction => self.reactions(path, at).await,
            ObjectKind::Event => self.events(path, at).await,
            ObjectKind::CommitStatus => self.commit_statuses(path, at).await,
            ObjectKind::Release => self.releases(path, at).await,
            ObjectKind::ReleaseAsset => self.release_assets(path, at).await,
            ObjectKind::BranchRule => self.branch_rules(path).await,
            ObjectKind::TagRule => self.tag_rules(path).await,
            ObjectKind::Webhook => self.webhooks(path, at).await,
            ObjectKind::DeployKey => self.deploy_keys(path, at).await,
            ObjectKind::State => self.states(path, at).await,
            ObjectKind::User
            | ObjectKind::Organization
            | ObjectKind::Team
            | ObjectKind::Repository
            | ObjectKind::Wiki
            | ObjectKind::LfsObject
            | ObjectKind::DiscussionCategory
            | ObjectKind::Discussion
            | ObjectKind::Snippet
            | ObjectKind::CommitComment
            | ObjectKind::Board
            | ObjectKind::Variable => self.repository(path).await.map(|_| Page::default()),
        }
    }
}

#[async_trait]
impl Source for GiteaSource {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        Server::ask(&self.api).await?;
        let identity = format!("gitea:{}", self.api.place.home);
        let mut capabilities = Capabilities::promised(support::reads, identity);
        capabilities.markup = Some(Markup::Gitea);
        capabilities.numbering = Numbering::OneRow;
        capabilities.web_url = Some(self.api.place.home.as_str().trim_end_matches('/').to_owned());
        Ok(capabilities)
    }

    async fn inventory(&self, scope: &Scope) -> Result<Inventory, HostError> {
        match scope {
            Scope::Shared => self.count_shared().await,
            Scope::Project(path) => self.count_project(Path::of(path)?).await,
        }
    }

    async fn read(&self, lane: &Lane, at: Option<&Cursor>) -> Result<Page, HostError> {
        match &lane.scope {
            Scope::Shared => self.read_shared(lane.kind, at).await,
            Scope::Project(path) => {
                let path = Path::of(path)?;
                match self.read_project(path, lane.kind, at).await {
                    // A part that is switched off answers as a project that is not there.
                    Err(error) if error.kind == HostErrorKind::NotFound => {
                        self.repository(path).await.map(|_| Page::default())
                    }
                    other => other,
                }
            }
        }
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        let path = Path::of(project)?;
        let found = self.repository(path).await?;
        let is_there = match repo {
            RepoKind::Code => found.empty != Some(true),
            RepoKind::Wiki => self.has_wiki(path, &found).await?,
        };
        Ok(is_there.then(|| self.git_remote(path, repo)))
    }

    async fn open(&self, blob: &BlobRef, from: u64) -> Result<ByteStream, HostError> {
        self.api.open(&blob.origin.id, from).await
    }
}

#[cfg(test)]
mod tests;
