//! A sink that promises less: for samples of a kind whose variants a format holds in part.

use async_trait::async_trait;
use packhorse_core::{
    Capabilities, GitRemote, HostError, Loss, ObjectKind, Origin, Record, RepoKind, Scope,
    TargetId,
    port::{BlobRef, ByteStream, Sink, Written},
};
use std::sync::Arc;

/// The sink but for some kinds, which are tested beside the suite.
pub(crate) struct Without(pub(crate) Arc<dyn Sink>, pub(crate) &'static [ObjectKind]);

#[async_trait]
impl Sink for Without {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        let all = self.0.probe().await?;
        Ok(self.1.iter().fold(all, |it, kind| it.without(*kind, "tested beside the suite")))
    }

    async fn find(&self, scope: &Scope, record: &Record) -> Result<Option<TargetId>, HostError> {
        self.0.find(scope, record).await
    }

    async fn write(
        &self,
        scope: &Scope,
        record: &Record,
        existing: Option<&TargetId>,
    ) -> Result<Written, HostError> {
        self.0.write(scope, record, existing).await
    }

    async fn remove(&self, scope: &Scope, origin: &Origin, id: &TargetId) -> Result<(), HostError> {
        self.0.remove(scope, origin, id).await
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        self.0.remote(project, repo).await
    }

    async fn save(&self, blob: &BlobRef, bytes: ByteStream) -> Result<(), HostError> {
        self.0.save(blob, bytes).await
    }

    async fn flush(&self, scope: &Scope) -> Result<(), HostError> {
        self.0.flush(scope).await
    }

    async fn finish(&self, scope: &Scope) -> Result<Vec<(Origin, Loss)>, HostError> {
        self.0.finish(scope).await
    }
}
