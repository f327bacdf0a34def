//! A sink in a storm.

use super::{Harm, Method, Storm, source::cut, storm::Fault};
use async_trait::async_trait;
use packhorse_core::{
    Capabilities, GitRemote, HostError, Loss, Origin, Record, RepoKind, Scope, TargetId,
    port::{AroundSink, BlobRef, ByteStream, Numbered, Sink, Written},
};
use std::sync::Arc;

/// A sink in a storm.
pub struct ChaosSink {
    inner: Arc<dyn Sink>,
    storm: Storm,
}

impl ChaosSink {
    /// That sink in that storm.
    pub fn new(inner: Arc<dyn Sink>, storm: Storm) -> Self {
        Self { inner, storm }
    }
}

#[async_trait]
impl AroundSink for ChaosSink {
    fn inner(&self) -> &dyn Sink {
        &*self.inner
    }

    async fn probe(&self) -> Result<Capabilities, HostError> {
        self.storm.around(Method::Probe, self.inner.probe()).await
    }

    async fn find(&self, scope: &Scope, record: &Record) -> Result<Option<TargetId>, HostError> {
        self.storm.around(Method::Find, self.inner.find(scope, record)).await
    }

    async fn write(
        &self,
        scope: &Scope,
        record: &Record,
        existing: Option<&TargetId>,
    ) -> Result<Written, HostError> {
        self.storm.around(Method::Write, self.inner.write(scope, record, existing)).await
    }

    async fn number(&self, scope: &Scope, record: &Record) -> Result<Numbered, HostError> {
        self.storm.around(Method::Write, self.inner.number(scope, record)).await
    }

    async fn complete(
        &self,
        scope: &Scope,
        record: &Record,
        target: &TargetId,
    ) -> Result<Vec<Loss>, HostError> {
        self.storm.around(Method::Write, self.inner.complete(scope, record, target)).await
    }

    async fn remove(
        &self,
        scope: &Scope,
        origin: &Origin,
        target: &TargetId,
    ) -> Result<(), HostError> {
        self.storm.around(Method::Remove, self.inner.remove(scope, origin, target)).await
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        self.storm.around(Method::Remote, self.inner.remote(project, repo)).await
    }

    async fn save(&self, blob: &BlobRef, bytes: ByteStream) -> Result<(), HostError> {
        self.storm.pause().await;
        match self.storm.strike(Method::Save) {
            None => self.inner.save(blob, bytes).await,
            Some(Fault { harm: Harm::Cut(after), .. }) => {
                self.inner.save(blob, cut(bytes, after)).await
            }
            Some(fault @ Fault { harm: Harm::LoseAnswer, .. }) => {
                self.inner.save(blob, bytes).await?;
                Err(super::storm::error(&fault))
            }
            Some(fault @ Fault { harm: Harm::Refuse, .. }) => Err(super::storm::error(&fault)),
        }
    }

    async fn flush(&self, scope: &Scope) -> Result<(), HostError> {
        self.storm.around(Method::Flush, self.inner.flush(scope)).await
    }

    async fn finish(&self, scope: &Scope) -> Result<Vec<(Origin, Loss)>, HostError> {
        self.storm.around(Method::Finish, self.inner.finish(scope)).await
    }
}
