//! The store as a source.

use super::{
    blobs,
    database::Readers,
    error::{StoreError, blocking},
    records, repositories, support, webs,
};
use async_trait::async_trait;
use packhorse_core::{
    Capabilities, Cursor, GitRemote, HostError, Lane, Loss, ObjectKind, RepoKind, Scope, Settle,
    port::{BlobRef, ByteStream, Inventory, KindCount, Page, Source, SourceLoss},
};
use packhorse_git::repository::size_bytes;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// Scopes whose refs are hashed between two looks into the database.
const SCOPES_AT_ONCE: usize = 512;

/// The store as a source, or one project of it.
pub(super) struct LocalSource {
    readers: Arc<Readers>,
    only: Option<String>,
}

impl LocalSource {
    pub(super) const fn new(readers: Arc<Readers>, only: Option<String>) -> Self {
        Self { readers, only }
    }

    /// Whether the location leaves that project out.
    fn leaves_out(&self, scope: &Scope) -> bool {
        matches!((&self.only, scope.project()), (Some(only), Some(path)) if only != path)
    }

    async fn read_database<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Readers, Option<&str>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (readers, only) = (Arc::clone(&self.readers), self.only.clone());
        blocking(move || work(&readers, only.as_deref())).await
    }
}

#[async_trait]
impl Source for LocalSource {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        let readers = Arc::clone(&self.readers);
        blocking(move || capabilities(&readers, support::reads))
            .await
            .map_err(|error| error.during("probe the store"))
    }

    async fn inventory(&self, scope: &Scope) -> Result<Inventory, HostError> {
        if self.leaves_out(scope) {
            return Ok(Inventory::default());
        }
        let of = scope.clone();
        self.read_database(move |readers, only| inventory(readers, &of, only))
            .await
            .map_err(|error| error.during("count records").with("scope", scope))
    }

    async fn read(&self, lane: &Lane, at: Option<&Cursor>) -> Result<Page, HostError> {
        if self.leaves_out(&lane.scope) {
            return Ok(Page::default());
        }
        let (Lane { scope, kind }, after) = (lane.clone(), at.cloned());
        let page = move |readers: &Readers, only: Option<&str>| {
            readers.read(|conn| match (&scope, kind) {
                (Scope::Shared, ObjectKind::Project) => {
                    records::projects(conn, only, after.as_ref())
                }
                _ => records::page(conn, &scope, kind, after.as_ref()),
            })
        };
        self.read_database(page)
            .await
            .map_err(|error| error.during("read records").with("lane", lane))
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        if self.leaves_out(&Scope::Project(project.to_owned())) {
            return Ok(None);
        }
        let path = project.to_owned();
        self.read_database(move |readers, _| repositories::existing(readers.layout(), &path, repo))
            .await
            .map(|path| path.map(|path| GitRemote::local(&path)))
            .map_err(|error| error.during("find a repository").with("project", project))
    }

    async fn open(&self, blob: &BlobRef, from: u64) -> Result<ByteStream, HostError> {
        open(self, blob, from)
            .await
            .map_err(|error| error.during("open a blob").with("record", &blob.origin))
    }
}

async fn open(source: &LocalSource, blob: &BlobRef, from: u64) -> Result<ByteStream, StoreError> {
    let (scope, origin) = (blob.scope.clone(), blob.origin.clone());
    let stored = source
        .read_database(move |readers, _| readers.read(|conn| records::blob(conn, &scope, &origin)))
        .await?;
    let layout = source.readers.layout();
    match (stored, &blob.sha256) {
        (Some(stored), _) => blobs::open(layout, stored.digest, Some(stored.size), from).await,
        (None, Some(name)) => blobs::open(layout, name.parse()?, blob.size, from).await,
        (None, None) => Err(StoreError::NoBlob),
    }
}

/// What the store can do, who it is, and in which state.
pub(super) fn capabilities(
    readers: &Readers,
    support: fn(ObjectKind) -> packhorse_core::Support,
) -> Result<Capabilities, StoreError> {
    let mut capabilities = Capabilities::promised(support, format!("local:{}", readers.uuid()));
    capabilities.settle = Settle::Page;
    capabilities.version = Some(version(readers)?);
    capabilities.former = readers.read(webs::all)?;
    Ok(capabilities)
}

/// Who the store is, how often its records changed, and where all refs stand.
fn version(readers: &Readers) -> Result<String, StoreError> {
    let generation = readers.read(records::generation)?;
    let mut hash = Sha256::new();
    let mut after = String::new();
    loop {
        let paths = readers.read(|conn| records::scopes(conn, &after, SCOPES_AT_ONCE))?;
        let Some(last) = paths.last().cloned() else { break };
        after = last;
        for path in paths {
            for repo in repositories::BOTH {
                if let Some(repository) = repositories::existing(readers.layout(), &path, repo)? {
                    hash.update(Sha256::digest(path.as_bytes()));
                    hash.update(Sha256::digest(repo.name()));
                    repositories::hash_refs(&repository, &mut hash)?;
                }
            }
        }
    }
    Ok(format!("{}/{generation}/{}", readers.uuid(), repositories::digest(hash)))
}

fn inventory(
    readers: &Readers,
    scope: &Scope,
    only: Option<&str>,
) -> Result<Inventory, StoreError> {
    let mut inventory = Inventory::default();
    for count in readers.read(|conn| records::counts(conn, scope))? {
        inventory.take(count);
    }
    match scope.project() {
        Some(project) => {
            for repo in repositories::BOTH {
                inventory.counts.extend(repository(readers, project, repo)?);
            }
        }
        None => {
            let projects = readers.read(|conn| records::project_count(conn, only))?;
            if projects > 0 {
                inventory.counts.push(row(ObjectKind::Project, projects, None));
            }
        }
    }
    inventory.counts.sort_by_key(|row| row.kind);
    Ok(inventory)
}

/// Takes the database's count of a kind into an inventory.
trait Take {
    fn take(&mut self, count: records::Count);
}

impl Take for Inventory {
    fn take(&mut self, count: records::Count) {
        match ObjectKind::named(&count.kind) {
            // What stands in the directory counts, not what was noted of it.
            Some(ObjectKind::Repository | ObjectKind::Wiki) => {}
            Some(kind) => {
                let bytes = (count.blob_bytes > 0).then_some(count.blob_bytes);
                self.counts.push(row(kind, count.records, bytes));
            }
            None => self.losses.push(SourceLoss {
                loss: Loss::source(Loss::WHOLE, "this version does not know the kind"),
                name: count.kind,
                count: count.records,
            }),
        }
    }
}

fn repository(
    readers: &Readers,
    project: &str,
    repo: RepoKind,
) -> Result<Option<KindCount>, StoreError> {
    let Some(path) = repositories::existing(readers.layout(), project, repo)? else {
        return Ok(None);
    };
    if !repositories::has_refs(&path)? {
        return Ok(None);
    }
    Ok(Some(row(repositories::kind_of(repo), 1, Some(size_bytes(&path)))))
}

fn row(kind: ObjectKind, records: u64, bytes: Option<u64>) -> KindCount {
    KindCount { kind, records: Some(records), bytes }
}
