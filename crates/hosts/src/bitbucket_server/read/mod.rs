//! The server as a source: which listing gives which kind.

mod lists;
mod nested;
mod shared;

use super::{
    api::{Api, Part},
    map, support, wire,
};
use crate::path::halves;
use async_trait::async_trait;
use packhorse_core::{
    Addresses, Capabilities, Cursor, GitRemote, GitUrl, HostError, HostErrorKind, Lane, Object,
    ObjectKind, Record, RepoKind, Scope,
    model::Markup,
    port::{BlobRef, ByteStream, Inventory, KindCount, Page, Source},
};
use std::{fmt, sync::Arc};

/// A server of Bitbucket Data Center, as a source.
pub(super) struct ServerSource {
    api: Arc<Api>,
}

/// A repository's path, in its two parts.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    pub(super) key: &'a str,
    pub(super) slug: &'a str,
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.key, self.slug)
    }
}

impl<'a> Path<'a> {
    pub(super) fn of(path: &'a str) -> Result<Self, HostError> {
        let (key, slug) = halves(path)?;
        Ok(Self { key, slug })
    }

    /// The parts of an address below the repository.
    pub(super) fn below<'b>(self, rest: &[&'b str]) -> Vec<&'b str>
    where
        'a: 'b,
    {
        [&["projects", self.key, "repos", self.slug], rest].concat()
    }
}

/// What the server is, or why it is not one.
pub(super) async fn probe(
    api: &Api,
    promised: fn(ObjectKind) -> packhorse_core::Support,
) -> Result<(Capabilities, Option<String>), HostError> {
    let (application, name) = api.application().await?;
    let is_one = application.is_some_and(|it| {
        it.version.is_some()
            && it.display_name.is_none_or(|it| it.contains("Bitbucket") || it.contains("Stash"))
    });
    if !is_one {
        let operation = "ask the server what it is";
        return Err(HostError::new(HostErrorKind::Unsupported, operation)
            .with("url", &api.place.home)
            .with("answer", "not of Bitbucket Data Center"));
    }
    let identity = format!("bitbucket-server:{}", api.place.home);
    let mut capabilities = Capabilities::promised(promised, identity);
    capabilities.markup = Some(Markup::Bitbucket);
    capabilities.web_url = Some(api.place.home.as_str().trim_end_matches('/').to_owned());
    capabilities.addresses = Addresses::Repositories;
    Ok((capabilities, name))
}

impl ServerSource {
    pub(super) fn new(api: Arc<Api>) -> Self {
        Self { api }
    }

    fn host(&self) -> &str {
        self.api.place.host()
    }

    async fn repository(&self, path: Path<'_>) -> Result<wire::Repository, HostError> {
        self.api.get(Part::Core, &path.below(&[]), "read a project").await
    }

    async fn read_project(
        &self,
        path: Path<'_>,
        kind: ObjectKind,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        match kind {
            ObjectKind::Project => {
                let project = self.project(&self.repository(path).await?).await?;
                let record = project.map(|it| Record::new(it.path.clone(), Object::from(it)));
                Ok(Page { records: record.into_iter().collect(), next: None })
            }
            ObjectKind::Member => self.members(path, at).await,
            ObjectKind::Topic => self.topics(path, at).await,
            ObjectKind::Attachment => self.talked(path, at, |it| it.attachments()).await,
            ObjectKind::ChangeRequest => self.change_requests(path, at).await,
            ObjectKind::Review => self.talked(path, at, |it| it.reviews()).await,
            ObjectKind::ReviewThread => self.talked(path, at, |it| it.threads()).await,
            ObjectKind::ReviewComment => self.talked(path, at, |it| it.review_comments()).await,
            ObjectKind::Comment => self.talked(path, at, |it| it.comments()).await,
            ObjectKind::Reaction => self.talked(path, at, |it| it.reactions()).await,
            ObjectKind::Event => self.talked(path, at, |it| it.events()).await,
            ObjectKind::CommitStatus => self.commit_statuses(path, at).await,
            ObjectKind::BranchRule => self.branch_rules(path).await,
            ObjectKind::TagRule => self.tag_rules(path).await,
            ObjectKind::Webhook => self.webhooks(path, at).await,
            ObjectKind::DeployKey => self.deploy_keys(path, at).await,
            ObjectKind::State => self.states(path).await,
            ObjectKind::User
            | ObjectKind::Organization
            | ObjectKind::Team
            | ObjectKind::LfsObject
            | ObjectKind::Repository
            | ObjectKind::Wiki
            | ObjectKind::Label
            | ObjectKind::Milestone
            | ObjectKind::Issue
            | ObjectKind::DiscussionCategory
            | ObjectKind::Discussion
            | ObjectKind::Snippet
            | ObjectKind::CommitComment
            | ObjectKind::Release
            | ObjectKind::ReleaseAsset
            | ObjectKind::Board
            | ObjectKind::Variable => self.repository(path).await.map(|_| Page::default()),
        }
    }
}

#[async_trait]
impl Source for ServerSource {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        let (capabilities, _) = probe(&self.api, support::reads).await?;
        Ok(capabilities)
    }

    async fn inventory(&self, scope: &Scope) -> Result<Inventory, HostError> {
        let row = |kind, records| KindCount { kind, records, bytes: None };
        let counts = match scope {
            Scope::Shared => {
                let kinds = ObjectKind::ALL.iter().copied();
                let told = kinds.filter(|it| it.is_shared() && support::reads(*it).is_some());
                // No listing says how long it is.
                told.chain([ObjectKind::Project]).map(|it| row(it, None)).collect()
            }
            Scope::Project(path) => {
                let path = Path::of(path)?;
                self.repository(path).await?;
                let is_there = self.is_filled(path).await?;
                let kinds = ObjectKind::ALL.iter().copied();
                let told = kinds.filter(|it| it.in_project() && support::reads(*it).is_some());
                let is_read = |it: &ObjectKind| *it != ObjectKind::Repository || is_there;
                told.filter(is_read)
                    .map(|it| row(it, (it == ObjectKind::Repository).then_some(1)))
                    .collect()
            }
        };
        Ok(Inventory { counts, losses: Vec::new() })
    }

    async fn read(&self, lane: &Lane, at: Option<&Cursor>) -> Result<Page, HostError> {
        match &lane.scope {
            Scope::Shared => self.read_shared(lane.kind, at).await,
            Scope::Project(path) => {
                let path = Path::of(path)?;
                match self.read_project(path, lane.kind, at).await {
                    // A part that a version does not have answers as a project that is not there.
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
        self.repository(path).await?;
        let is_there = match repo {
            RepoKind::Code => self.is_filled(path).await?,
            RepoKind::Wiki => false,
        };
        Ok(is_there.then(|| remote(&self.api, path)))
    }

    async fn open(&self, blob: &BlobRef, from: u64) -> Result<ByteStream, HostError> {
        let fail =
            || HostError::new(HostErrorKind::NotFound, "open a file").with("file", &blob.origin.id);
        let path = Path::of(blob.scope.project().ok_or_else(fail)?)?;
        let is_plain = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_');
        if blob.origin.kind != ObjectKind::Attachment || !blob.origin.id.bytes().all(is_plain) {
            return Err(fail());
        }
        let below = path.below(&["attachments", &blob.origin.id]);
        self.api.open(&below, from).await
    }
}

/// Where Git finds a repository.
pub(super) fn remote(api: &Api, path: Path<'_>) -> GitRemote {
    let home = api.place.home.as_str();
    let url = GitUrl::parse(&format!("{home}scm/{}/{}.git", path.key, path.slug)).0;
    GitRemote { url, credentials: api.place.git_credentials() }
}

#[cfg(test)]
mod tests;
