//! A host in memory, read.

use super::{MemoryHost, owner};
use async_trait::async_trait;
use bytes::Bytes;
use packhorse_core::{
    Capabilities, Carriage, Cursor, GitRemote, HostError, HostErrorKind, Lane, ObjectKind,
    RepoKind, Scope,
    port::{BlobRef, ByteStream, Inventory, KindCount, Page, Source},
};

#[async_trait]
impl Source for MemoryHost {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        self.state().calls.probe += 1;
        Ok(self.capabilities())
    }

    async fn inventory(&self, scope: &Scope) -> Result<Inventory, HostError> {
        let mut state = self.state();
        state.calls.inventory += 1;
        let mut found = state.count(scope);
        if *scope == Scope::Shared {
            let projects = state.projects().len() as u64;
            found.extend((projects > 0).then_some((ObjectKind::Project, projects)));
        }
        let counts = found
            .into_iter()
            .map(|(kind, records)| {
                let bytes =
                    (kind.carriage() == Carriage::Blob).then(|| state.blob_bytes(scope, kind));
                KindCount { kind, records: Some(records), bytes }
            })
            .collect();
        Ok(Inventory { counts, losses: Vec::new() })
    }

    async fn read(&self, lane: &Lane, at: Option<&Cursor>) -> Result<Page, HostError> {
        let mut state = self.state();
        state.calls.read += 1;
        let all = state.lane(lane);
        let from = match at {
            None => 0,
            // The cursor is the last record of the page before, so that what comes and goes
            // between two pages shifts nothing.
            Some(Cursor(last)) => {
                all.iter().position(|it| it.id == *last).map(|at| at + 1).ok_or_else(|| {
                    HostError::new(HostErrorKind::Protocol, "read a page").with("cursor", last)
                })?
            }
        };
        let to = all.len().min(from + self.options.page_size.max(1));
        let next = (to < all.len()).then(|| Cursor(all[to - 1].id.clone()));
        Ok(Page { records: all[from..to].iter().map(super::Stored::record).collect(), next })
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        let path = self.repository(project, repo).filter(|it| it.exists());
        Ok(path.map(|path| GitRemote::local(&path)))
    }

    async fn open(&self, blob: &BlobRef, from: u64) -> Result<ByteStream, HostError> {
        let mut state = self.state();
        state.calls.open += 1;
        let (scope, origin) = owner(blob);
        let bytes = state.blob(scope, origin).ok_or_else(|| {
            HostError::new(HostErrorKind::NotFound, "open a blob").with("record", origin)
        })?;
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(bytes.len());
        let pieces: Vec<_> =
            bytes[from..].chunks(64).map(|it| Ok(Bytes::copy_from_slice(it))).collect();
        Ok(Box::pin(futures::stream::iter(pieces)))
    }
}
