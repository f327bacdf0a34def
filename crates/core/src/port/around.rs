//! A sink around another one.

use super::{
    sink::{Numbered, Sink, Written},
    source::{BlobRef, ByteStream},
};
use crate::{
    error::HostError,
    git::{GitRemote, RepoKind},
    loss::Loss,
    record::{Origin, Record, Scope, TargetId},
    support::{Capabilities, Web},
};
use async_trait::async_trait;

/// A sink that does what another one does, but for what it says here.
///
/// Each method is the one of [`Sink`] with that name, and goes on to the sink within.
#[async_trait]
#[expect(missing_docs, reason = "the port's methods, documented there")]
pub trait AroundSink: Send + Sync {
    /// The sink within.
    fn inner(&self) -> &dyn Sink;

    async fn probe(&self) -> Result<Capabilities, HostError> {
        self.inner().probe().await
    }

    async fn find(&self, scope: &Scope, record: &Record) -> Result<Option<TargetId>, HostError> {
        self.inner().find(scope, record).await
    }

    async fn remember(&self, former: &[Web]) -> Result<(), HostError> {
        self.inner().remember(former).await
    }

    async fn write(
        &self,
        scope: &Scope,
        record: &Record,
        existing: Option<&TargetId>,
    ) -> Result<Written, HostError> {
        self.inner().write(scope, record, existing).await
    }

    /// Goes by way of `write`, so that what is said there holds for these as well.
    async fn number(&self, scope: &Scope, record: &Record) -> Result<Numbered, HostError> {
        Ok(Numbered { written: self.write(scope, record, None).await?, is_open: false })
    }

    async fn complete(
        &self,
        scope: &Scope,
        record: &Record,
        target: &TargetId,
    ) -> Result<Vec<Loss>, HostError> {
        self.inner().complete(scope, record, target).await
    }

    async fn remove(
        &self,
        scope: &Scope,
        origin: &Origin,
        target: &TargetId,
    ) -> Result<(), HostError> {
        self.inner().remove(scope, origin, target).await
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        self.inner().remote(project, repo).await
    }

    async fn save(&self, blob: &BlobRef, bytes: ByteStream) -> Result<(), HostError> {
        self.inner().save(blob, bytes).await
    }

    async fn flush(&self, scope: &Scope) -> Result<(), HostError> {
        self.inner().flush(scope).await
    }

    async fn finish(&self, scope: &Scope) -> Result<Vec<(Origin, Loss)>, HostError> {
        self.inner().finish(scope).await
    }
}

#[async_trait]
impl<T: AroundSink> Sink for T {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        AroundSink::probe(self).await
    }

    async fn find(&self, scope: &Scope, record: &Record) -> Result<Option<TargetId>, HostError> {
        AroundSink::find(self, scope, record).await
    }

    async fn remember(&self, former: &[Web]) -> Result<(), HostError> {
        AroundSink::remember(self, former).await
    }

    async fn write(
        &self,
        scope: &Scope,
        record: &Record,
        existing: Option<&TargetId>,
    ) -> Result<Written, HostError> {
        AroundSink::write(self, scope, record, existing).await
    }

    async fn number(&self, scope: &Scope, record: &Record) -> Result<Numbered, HostError> {
        AroundSink::number(self, scope, record).await
    }

    async fn complete(
        &self,
        scope: &Scope,
        record: &Record,
        target: &TargetId,
    ) -> Result<Vec<Loss>, HostError> {
        AroundSink::complete(self, scope, record, target).await
    }

    async fn remove(
        &self,
        scope: &Scope,
        origin: &Origin,
        target: &TargetId,
    ) -> Result<(), HostError> {
        AroundSink::remove(self, scope, origin, target).await
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        AroundSink::remote(self, project, repo).await
    }

    async fn save(&self, blob: &BlobRef, bytes: ByteStream) -> Result<(), HostError> {
        AroundSink::save(self, blob, bytes).await
    }

    async fn flush(&self, scope: &Scope) -> Result<(), HostError> {
        AroundSink::flush(self, scope).await
    }

    async fn finish(&self, scope: &Scope) -> Result<Vec<(Origin, Loss)>, HostError> {
        AroundSink::finish(self, scope).await
    }
}
