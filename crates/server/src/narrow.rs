//! A source of which less is seen than there is.

use async_trait::async_trait;
use packhorse_core::{
    Capabilities, Cursor, GitRemote, HostError, Lane, ObjectKind, RepoKind, Scope,
    port::{BlobRef, ByteStream, Inventory, Page, Source},
};
use std::sync::Arc;

/// What stands beside all projects, and none of the projects.
pub(crate) struct WithoutProjects(pub(crate) Arc<dyn Source>);

#[async_trait]
impl Source for WithoutProjects {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        self.0.probe().await
    }

    async fn inventory(&self, scope: &Scope) -> Result<Inventory, HostError> {
        if scope.project().is_some() {
            return Ok(Inventory::default());
        }
        let mut inventory = self.0.inventory(scope).await?;
        inventory.counts.retain(|it| it.kind != ObjectKind::Project);
        Ok(inventory)
    }

    async fn read(&self, lane: &Lane, at: Option<&Cursor>) -> Result<Page, HostError> {
        if lane.scope.project().is_some() || lane.kind == ObjectKind::Project {
            return Ok(Page::default());
        }
        self.0.read(lane, at).await
    }

    async fn remote(&self, _: &str, _: RepoKind) -> Result<Option<GitRemote>, HostError> {
        Ok(None)
    }

    async fn open(&self, blob: &BlobRef, from: u64) -> Result<ByteStream, HostError> {
        self.0.open(blob, from).await
    }
}
