//! The server as a source: which listing gives which kind.

mod count;
mod lists;
mod nested;
mod shared;

use super::{
    api::Api,
    map::{self, issue, settings},
    place::Extent,
    support, wire,
};
use crate::bytes::skip;
use async_trait::async_trait;
use futures::stream;
use http::StatusCode;
use packhorse_core::{
    Capabilities, Cursor, GitRemote, GitUrl, HostError, HostErrorKind, Lane, Object, ObjectKind,
    Record, RepoKind, Scope,
    model::Markup,
    port::{BlobRef, ByteStream, Inventory, Page, Source},
};

/// A server of Gitea or Forgejo, as a source.
pub(super) struct GiteaSource {
    api: Api,
}

/// A project's path, in its two parts.
#[derive(Clone, Copy)]
struct Path<'a> {
    owner: &'a str,
    name: &'a str,
}

impl<'a> Path<'a> {
    fn of(path: &'a str) -> Result<Self, HostError> {
        let (owner, name) =
            path.split_once('/').filter(|(_, name)| !name.contains('/')).ok_or_else(|| {
                HostError::new(HostErrorKind::NotFound, "find a project").with("project", path)
            })?;
        Ok(Self { owner, name })
    }

    /// The parts of an address below the project.
    fn below<'b>(self, rest: &[&'b str]) -> Vec<&'b str>
    where
        'a: 'b,
    {
        [&["repos", self.owner, self.name], rest].concat()
    }
}

impl GiteaSource {
    pub(super) fn new(api: Api) -> Self {
        Self { api }
    }

    fn host(&self) -> &str {
        self.api.place.host()
    }

    async fn repository(&self, path: Path<'_>) -> Result<wire::Repository, HostError> {
        self.api.get(&path.below(&[]), "read a project").await
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
                let record = project.map(|it| Record::new(it.path.clone(), Object::Project(it)));
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
            | ObjectKind::CommitStatus
            | ObjectKind::Board
            | ObjectKind::Variable => self.repository(path).await.map(|_| Page::default()),
        }
    }
}

#[async_trait]
impl Source for GiteaSource {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        let operation = "ask the server what it is";
        let version: Option<wire::Version> = self.api.find(&["version"], operation).await?;
        if version.and_then(|it| it.version).is_none() {
            return Err(HostError::new(HostErrorKind::Unsupported, operation)
                .with("url", &self.api.place.home)
                .with("answer", "not of Gitea or Forgejo"));
        }
        if self.api.place.credentials.is_some() {
            // Credentials that are wrong are told here, and not as missing projects later.
            let _me: wire::User = self.api.get(&["user"], "log in").await?;
        }
        let identity = format!("gitea:{}", self.api.place.home);
        let mut capabilities = Capabilities::promised(support::reads, identity);
        capabilities.markup = Some(Markup::Gitea);
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
        let (is_there, end) = match repo {
            RepoKind::Code => (found.empty != Some(true), ".git"),
            RepoKind::Wiki => (self.has_wiki(path, &found).await?, ".wiki.git"),
        };
        let home = self.api.place.home.as_str();
        let url = GitUrl::parse(&format!("{home}{}/{}{end}", path.owner, path.name)).0;
        let credentials = self.api.place.credentials.clone();
        Ok(is_there.then_some(GitRemote { url, credentials }))
    }

    async fn open(&self, blob: &BlobRef, from: u64) -> Result<ByteStream, HostError> {
        let answer = self.api.open(&blob.origin.id, from).await?;
        match answer.status {
            StatusCode::PARTIAL_CONTENT => Ok(answer.body),
            StatusCode::RANGE_NOT_SATISFIABLE => Ok(Box::pin(stream::empty())),
            // A server that does not know ranges sends all of it.
            _ => Ok(skip(answer.body, from)),
        }
    }
}

#[cfg(test)]
mod tests;
