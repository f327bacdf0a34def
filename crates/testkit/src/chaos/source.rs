//! A source in a storm.

use super::{
    Harm, Method, Storm,
    storm::{Fault, error},
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use packhorse_core::{
    Capabilities, Cursor, GitRemote, HostError, Lane, RepoKind, Scope,
    port::{BlobRef, ByteStream, Inventory, Page, Source},
};
use std::{io, sync::Arc};

/// A source in a storm.
pub struct ChaosSource {
    inner: Arc<dyn Source>,
    storm: Storm,
}

impl ChaosSource {
    /// That source in that storm.
    pub fn new(inner: Arc<dyn Source>, storm: Storm) -> Self {
        Self { inner, storm }
    }
}

/// The stream up to where it is cut.
pub(super) fn cut(stream: ByteStream, after: u64) -> ByteStream {
    let pieces = stream.scan(Some(after), |left, piece| {
        let Some(rest) = *left else { return std::future::ready(None) };
        let piece = piece.map(|bytes: Bytes| {
            let length = bytes.len() as u64;
            if length <= rest {
                *left = Some(rest - length);
                return bytes;
            }
            *left = None;
            bytes.slice(..usize::try_from(rest).unwrap_or(usize::MAX))
        });
        std::future::ready(Some(piece))
    });
    let end = futures::stream::iter([Err(io::Error::from(io::ErrorKind::ConnectionReset))]);
    Box::pin(pieces.chain(end))
}

#[async_trait]
impl Source for ChaosSource {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        self.storm.around(Method::Probe, self.inner.probe()).await
    }

    async fn inventory(&self, scope: &Scope) -> Result<Inventory, HostError> {
        self.storm.around(Method::Inventory, self.inner.inventory(scope)).await
    }

    async fn read(&self, lane: &Lane, at: Option<&Cursor>) -> Result<Page, HostError> {
        self.storm.around(Method::Read, self.inner.read(lane, at)).await
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        self.storm.around(Method::Remote, self.inner.remote(project, repo)).await
    }

    async fn open(&self, blob: &BlobRef, from: u64) -> Result<ByteStream, HostError> {
        self.storm.pause().await;
        match self.storm.strike(Method::Open) {
            None => self.inner.open(blob, from).await,
            Some(Fault { harm: Harm::Cut(after), .. }) => {
                Ok(cut(self.inner.open(blob, from).await?, after))
            }
            Some(fault @ Fault { harm: Harm::Refuse | Harm::LoseAnswer, .. }) => Err(error(&fault)),
        }
    }
}
