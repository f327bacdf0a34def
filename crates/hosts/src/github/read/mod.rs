//! The server as a source: which listing gives which kind.

mod bare;
mod count;
mod graph;
mod lists;
mod nested;
mod people;
mod quiet;
mod rules;
mod shared;
mod spot;

use super::{
    api::{Api, At, Listing, Told, is_closed},
    map::{self, Notes},
    place::Extent,
    support, wire,
};
use crate::filling::Filling;
pub(super) use crate::path::Path;
use async_trait::async_trait;
use packhorse_core::{
    Capabilities, Cursor, GitRemote, GitUrl, HostError, HostErrorKind, Lane, Numbering, Object,
    ObjectKind, Record, RepoKind, Scope,
    model::Markup,
    port::{BlobRef, ByteStream, Inventory, Page, Source},
};
use serde::de::DeserializeOwned;
use spot::Spot;
use tokio::sync::OnceCell;

/// A server of GitHub's, as a source.
pub(super) struct GithubSource {
    api: Api,
    /// What the server said of itself and of the token.
    told: OnceCell<Told>,
    /// Where the projects that are meant are listed.
    list: OnceCell<Option<shared::Projects>>,
    /// The organization that is meant.
    organization: OnceCell<Option<wire::Organization>>,
    quiet: quiet::Quiet,
}

/// The page of a listing that has records of one sort, each by itself.
///
/// The page ends early where it becomes heavy, and the cursor stays on it.
fn plain<T>(
    host: &str,
    listing: Listing<T>,
    spot: Spot,
    map: impl Fn(T, &mut Notes<'_>) -> Option<(String, Object)>,
) -> (Vec<Record>, Option<Spot>) {
    let mut filling = Filling::default();
    for (parent, item) in listing.items.into_iter().enumerate().skip(spot.parent) {
        let Some(record) = map::record(host, item, &map) else { continue };
        if !filling.take(record) {
            return (filling.records, Some(Spot { parent, ..spot }));
        }
    }
    (filling.records, listing.next.map(Spot::page))
}

impl GithubSource {
    pub(super) fn new(api: Api) -> Self {
        let (told, list, organization) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Self { api, told, list, organization, quiet: quiet::Quiet::default() }
    }

    fn host(&self) -> &str {
        self.api.place.host()
    }

    /// Whether GraphQL answers us: it knows nobody without a token.
    fn has_graph(&self) -> bool {
        self.api.place.credentials.is_some()
    }

    async fn repository(&self, path: Path<'_>) -> Result<wire::Repository, HostError> {
        self.api.get(&path.below(&[]), "read a project").await
    }

    /// One page of a listing, wherever it is.
    async fn listing<T: DeserializeOwned>(
        &self,
        (path, query): (&[&str], &[(&str, &str)]),
        spot: &Spot,
        operation: &'static str,
    ) -> Result<Listing<T>, HostError> {
        let at = match &spot.page {
            None => At::Start(path, query),
            Some(address) => At::Page(address),
        };
        self.api.list(at, operation).await
    }

    async fn read_project(
        &self,
        path: Path<'_>,
        kind: ObjectKind,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        match kind {
            ObjectKind::Project => self.project(path).await,
            ObjectKind::Member => self.members(path, at).await,
            ObjectKind::Topic => self.topics(path).await,
            ObjectKind::Label => self.labels(path, at).await,
            ObjectKind::Milestone => self.milestones(path, at).await,
            ObjectKind::Issue => self.issues(path, at).await,
            ObjectKind::ChangeRequest => self.change_requests(path, at).await,
            ObjectKind::Review => self.reviews(path, at).await,
            ObjectKind::ReviewThread => self.review_threads(path, at).await,
            ObjectKind::ReviewComment => self.review_comments(path, at).await,
            ObjectKind::DiscussionCategory => self.categories(path).await,
            ObjectKind::Discussion => self.discussions(path, at).await,
            ObjectKind::CommitComment => self.commit_comments(path, at).await,
            ObjectKind::Comment => self.comments(path, at).await,
            ObjectKind::Reaction => self.reactions(path, at).await,
            ObjectKind::Event => self.events(path, at).await,
            ObjectKind::CommitStatus => self.commit_statuses(path, at).await,
            ObjectKind::Release => self.releases(path, at).await,
            ObjectKind::ReleaseAsset => self.release_assets(path, at).await,
            ObjectKind::BranchRule => self.branch_rules(path, at).await,
            ObjectKind::TagRule => self.tag_rules(path, at).await,
            ObjectKind::Webhook => self.webhooks(path, at).await,
            ObjectKind::DeployKey => self.deploy_keys(path, at).await,
            ObjectKind::Variable => self.variables(path).await,
            ObjectKind::State => self.states(path, at).await,
            ObjectKind::User
            | ObjectKind::Organization
            | ObjectKind::Team
            | ObjectKind::Repository
            | ObjectKind::Wiki
            | ObjectKind::LfsObject
            | ObjectKind::Attachment
            | ObjectKind::Snippet
            | ObjectKind::Board => self.repository(path).await.map(|_| Page::default()),
        }
    }

    /// What a closed door means: the project is gone, a part of it is switched
    /// off, or it is shown to administrators alone.
    async fn closed(
        &self,
        path: Path<'_>,
        kind: ObjectKind,
        error: HostError,
    ) -> Result<Page, HostError> {
        let found = self.repository(path).await?;
        let is_admin = found.permissions.and_then(|it| it.admin) == Some(true);
        if is_admins_own(kind) && !is_admin {
            return Err(HostError::new(HostErrorKind::Forbidden, error.operation)
                .with("project", path)
                .with("kind", kind)
                .with("reason", "only administrators of the project are shown these")
                .because(error));
        }
        if error.kind == HostErrorKind::NotFound { Ok(Page::default()) } else { Err(error) }
    }

    /// Whether there is a wiki: the API does not tell whether it was ever begun.
    async fn has_wiki(&self, path: Path<'_>, found: &wire::Repository) -> Result<bool, HostError> {
        if found.has_wiki != Some(true) {
            return Ok(false);
        }
        self.api.has_repository(path.owner, &format!("{}.wiki.git", path.name)).await
    }
}

/// Whether a kind is shown to a project's administrators alone.
const fn is_admins_own(kind: ObjectKind) -> bool {
    matches!(
        kind,
        ObjectKind::Webhook
            | ObjectKind::DeployKey
            | ObjectKind::Variable
            | ObjectKind::Member
            | ObjectKind::BranchRule
    )
}

#[async_trait]
impl Source for GithubSource {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        let told = self.told.get_or_try_init(|| self.api.greet()).await?;
        let mut capabilities =
            Capabilities::promised(support::reads, format!("github:{}", self.api.place.home));
        capabilities.markup = Some(Markup::Github);
        capabilities.web_url = Some(self.api.place.home.as_str().trim_end_matches('/').to_owned());
        capabilities.numbering = Numbering::OneRow;
        capabilities = told.narrow_reads(capabilities);
        if let Extent::Project(path) = &self.api.place.extent {
            let found = self.repository(Path::of(path)?).await?;
            if found.permissions.and_then(|it| it.admin) != Some(true) {
                let why = "only administrators of the project are shown these";
                for &kind in ObjectKind::ALL.iter().filter(|it| is_admins_own(**it)) {
                    capabilities = capabilities.without(kind, why);
                }
            }
        }
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
                    Err(error) if is_closed(error.kind) => {
                        self.closed(path, lane.kind, error).await
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
            RepoKind::Code => (true, ".git"),
            RepoKind::Wiki => (self.has_wiki(path, &found).await?, ".wiki.git"),
        };
        let home = self.api.place.home.as_str();
        let url = GitUrl::parse(&format!("{home}{}/{}{end}", path.owner, path.name)).0;
        let credentials = self.api.place.credentials.clone();
        Ok(is_there.then_some(GitRemote { url, credentials }))
    }

    async fn open(&self, blob: &BlobRef, from: u64) -> Result<ByteStream, HostError> {
        let project = blob.scope.project().unwrap_or_default();
        let path = Path::of(project)?;
        let below = path.below(&["releases", "assets", &blob.origin.id]);
        self.api.open(&below, from).await
    }
}

#[cfg(test)]
mod tests;
