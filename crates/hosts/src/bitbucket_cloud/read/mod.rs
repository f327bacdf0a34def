//! A workspace as a source: which listing gives which kind.

mod lists;
mod nested;

use super::{api::Api, map, support, wire};
use crate::path::halves;
use async_trait::async_trait;
use packhorse_core::{
    Capabilities, Cursor, GitRemote, GitUrl, HostError, HostErrorKind, Lane, Object, ObjectKind,
    Record, RepoKind, Scope, Support,
    model::Markup,
    port::{BlobRef, ByteStream, Inventory, KindCount, Page, Source},
};
use std::{fmt, sync::Arc};

/// A workspace, as a source.
pub(super) struct CloudSource {
    api: Arc<Api>,
}

/// A repository's path, in its two parts.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    pub(super) workspace: &'a str,
    pub(super) slug: &'a str,
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.workspace, self.slug)
    }
}

impl<'a> Path<'a> {
    pub(super) fn of(path: &'a str) -> Result<Self, HostError> {
        let (workspace, slug) = halves(path)?;
        Ok(Self { workspace, slug })
    }

    /// The parts of an address below the repository.
    pub(super) fn below<'b>(self, rest: &[&'b str]) -> Vec<&'b str>
    where
        'a: 'b,
    {
        [&["repositories", self.workspace, self.slug], rest].concat()
    }
}

/// Whether it is what it should be, and who asks.
pub(super) async fn probe(
    api: &Api,
    promised: fn(ObjectKind) -> Support,
) -> Result<Capabilities, HostError> {
    let operation = "ask for the workspace";
    let path = ["workspaces", api.place.workspace.as_str()];
    let found: Option<wire::Workspace> = match api.find(&path, operation).await {
        // Tokens of one repository are not shown the workspace.
        Err(error) if error.kind == HostErrorKind::Forbidden => None,
        other => Some(other?.unwrap_or_default()),
    };
    if found.is_some_and(|it| it.slug.is_none()) {
        return Err(HostError::new(HostErrorKind::NotFound, operation)
            .with("workspace", &api.place.workspace)
            .with("url", &api.place.api));
    }
    let identity = format!("bitbucket-cloud:{}{}", api.place.home, api.place.workspace);
    let mut capabilities = Capabilities::promised(promised, identity);
    capabilities.markup = Some(Markup::Bitbucket);
    capabilities.web_url = Some(api.place.home.as_str().trim_end_matches('/').to_owned());
    Ok(capabilities)
}

/// Where Git finds a repository.
pub(super) fn remote(api: &Api, path: Path<'_>) -> GitRemote {
    let url = format!("{}{}/{}.git", api.place.home, path.workspace, path.slug);
    GitRemote { url: GitUrl::parse(&url).0, credentials: api.place.git_credentials() }
}

impl CloudSource {
    pub(super) fn new(api: Arc<Api>) -> Self {
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
                let record = project.map(|it| Record::new(it.path.clone(), Object::from(it)));
                Ok(Page { records: record.into_iter().collect(), next: None })
            }
            ObjectKind::Member => self.members(path, at).await,
            ObjectKind::Milestone => self.milestones(path, at).await,
            ObjectKind::Attachment => self.attachments(path, at).await,
            ObjectKind::Issue => self.issues(path, at).await,
            ObjectKind::ChangeRequest => self.change_requests(path, at).await,
            ObjectKind::Review => self.reviews(path, at).await,
            ObjectKind::ReviewThread => self.talked(path, at, |it| it.threads()).await,
            ObjectKind::ReviewComment => self.talked(path, at, |it| it.review_comments()).await,
            ObjectKind::Comment => self.comments(path, at).await,
            ObjectKind::Event => self.events(path, at).await,
            ObjectKind::CommitStatus => self.commit_statuses(path, at).await,
            ObjectKind::Release => self.releases(path).await,
            ObjectKind::ReleaseAsset => self.downloads(path, at).await,
            ObjectKind::BranchRule => self.branch_rules(path).await,
            ObjectKind::Webhook => self.webhooks(path, at).await,
            ObjectKind::DeployKey => self.deploy_keys(path, at).await,
            ObjectKind::User
            | ObjectKind::Organization
            | ObjectKind::Team
            | ObjectKind::Topic
            | ObjectKind::LfsObject
            | ObjectKind::Repository
            | ObjectKind::Wiki
            | ObjectKind::Label
            | ObjectKind::DiscussionCategory
            | ObjectKind::Discussion
            | ObjectKind::Snippet
            | ObjectKind::CommitComment
            | ObjectKind::Reaction
            | ObjectKind::Board
            | ObjectKind::TagRule
            | ObjectKind::Variable
            | ObjectKind::State => self.repository(path).await.map(|_| Page::default()),
        }
    }

    async fn count_project(&self, path: Path<'_>) -> Result<Inventory, HostError> {
        let found = self.repository(path).await?;
        let mut counts = Vec::new();
        let kinds = ObjectKind::ALL.iter().copied();
        for kind in kinds.filter(|it| it.in_project() && support::reads(*it).is_some()) {
            let mut row = KindCount { kind, records: None, bytes: None };
            if kind == ObjectKind::Repository {
                if found.mainbranch.as_ref().is_none_or(|it| it.name.is_none()) {
                    continue;
                }
                (row.records, row.bytes) = (Some(1), found.size);
            }
            if kind == ObjectKind::ChangeRequest {
                let below = path.below(&["pullrequests"]);
                row.records = self.api.count(&below, &nested::STATES).await?;
            }
            counts.push(row);
        }
        Ok(Inventory { counts, losses: Vec::new() })
    }
}

#[async_trait]
impl Source for CloudSource {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        probe(&self.api, support::reads).await
    }

    async fn inventory(&self, scope: &Scope) -> Result<Inventory, HostError> {
        let Scope::Project(path) = scope else {
            let row = |kind, records| KindCount { kind, records, bytes: None };
            let projects = match &self.api.place.repository {
                Some(_) => Some(1),
                None => {
                    let path = ["repositories", self.api.place.workspace.as_str()];
                    self.api.count(&path, &[]).await?
                }
            };
            let kinds = ObjectKind::ALL.iter().copied();
            let told = kinds.filter(|it| it.is_shared() && support::reads(*it).is_some());
            let mut counts: Vec<_> = told.map(|it| row(it, None)).collect();
            counts.push(row(ObjectKind::Project, projects));
            return Ok(Inventory { counts, losses: Vec::new() });
        };
        self.count_project(Path::of(path)?).await
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
        let is_filled = found.mainbranch.is_some_and(|it| it.name.is_some());
        let is_there = repo == RepoKind::Code && is_filled;
        Ok(is_there.then(|| remote(&self.api, path)))
    }

    async fn open(&self, blob: &BlobRef, from: u64) -> Result<ByteStream, HostError> {
        let fail =
            || HostError::new(HostErrorKind::NotFound, "open a file").with("file", &blob.origin.id);
        let path = Path::of(blob.scope.project().ok_or_else(fail)?)?;
        if blob.origin.kind == ObjectKind::ReleaseAsset {
            self.api.open(&path.below(&["downloads", &blob.origin.id]), from).await
        } else if blob.origin.kind == ObjectKind::Attachment {
            let (number, name) = blob.origin.id.split_once('/').ok_or_else(fail)?;
            self.api.open(&path.below(&["issues", number, "attachments", name]), from).await
        } else {
            Err(fail())
        }
    }
}

#[cfg(test)]
mod tests;
