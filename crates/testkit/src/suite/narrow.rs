//! A sink that promises less than it can: the kinds all variants of which it holds.

use async_trait::async_trait;
use packhorse_core::{
    Capabilities, GitRemote, HostError, Loss, ObjectKind, Origin, Record, RepoKind, Scope,
    TargetId,
    port::{BlobRef, ByteStream, Sink, Written},
};
use std::sync::Arc;

/// A sink, and whether it is asked for a kind.
///
/// [`sink`](super::sink) writes samples of everything that is promised. Where a host or a format
/// holds some of a kind's variants alone, this leaves the kind to tests beside the suite.
pub struct Narrow(pub Arc<dyn Sink>, pub fn(ObjectKind) -> bool);

#[async_trait]
impl Sink for Narrow {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        let promised = self.0.probe().await?;
        let others = ObjectKind::ALL.iter().filter(|it| !(self.1)(**it));
        Ok(others.fold(promised, |it, kind| it.without(*kind, "it is tested beside the suite")))
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

    async fn remove(
        &self,
        scope: &Scope,
        origin: &Origin,
        target: &TargetId,
    ) -> Result<(), HostError> {
        self.0.remove(scope, origin, target).await
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
