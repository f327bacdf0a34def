//! A host that goes wrong at one call.

use async_trait::async_trait;
use packhorse_core::{
    Capabilities, Cursor, GitRemote, HostError, HostErrorKind, Lane, Loss, Origin, Record,
    RepoKind, Scope, TargetId,
    port::{AroundSink, BlobRef, ByteStream, Inventory, Numbered, Page, Sink, Source, Written},
};
use packhorse_engine::Stop;
use packhorse_testkit::memory::MemoryHost;
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::Notify;

/// What happens at the call.
pub(crate) enum How {
    /// It fails before it does anything.
    Refuse(HostErrorKind),
    /// It does what it should, and its answer is lost.
    LoseAnswer,
    /// It does the first half of what it should: an issue or a comment is there without its text.
    DoHalf,
    /// Somebody asks the run to stop, and the call goes on.
    Stop(Stop),
    /// It never answers, and says that it was reached.
    Hang(Arc<Notify>),
}

/// Counts the calls of two hosts, and lets one of them go wrong.
pub(crate) struct Trap {
    how: How,
    /// Number of the call, counted from 1; `0` for every one.
    at: u64,
    /// Calls that count.
    counts: fn(&str) -> bool,
    n_calls: AtomicU64,
}

impl Trap {
    pub(crate) fn new(how: How, at: u64, counts: fn(&str) -> bool) -> Arc<Self> {
        Arc::new(Self { how, at, counts, n_calls: AtomicU64::new(0) })
    }

    /// Whether there were enough calls for the trap to close.
    pub(crate) fn was_met(&self) -> bool {
        self.n_calls.load(Ordering::SeqCst) >= self.at.max(1)
    }

    pub(crate) fn n_calls(&self) -> u64 {
        self.n_calls.load(Ordering::SeqCst)
    }

    pub(crate) fn around(self: &Arc<Self>, host: MemoryHost) -> Trapped {
        Trapped { host, trap: Arc::clone(self) }
    }

    /// The first half of a record, where the trap is about to close on it.
    fn halved(&self, record: &Record) -> Option<Record> {
        let is_next = self.n_calls() + 1 == self.at;
        if !matches!(self.how, How::DoHalf) || !is_next {
            return None;
        }
        let mut half = record.clone();
        *packhorse_core::authored::authored(&mut half.object)?.body? = None;
        Some(half)
    }

    async fn call<T>(
        &self,
        name: &'static str,
        work: impl Future<Output = Result<T, HostError>>,
    ) -> Result<T, HostError> {
        if !(self.counts)(name) {
            return work.await;
        }
        let n = self.n_calls.fetch_add(1, Ordering::SeqCst) + 1;
        if self.at != 0 && n != self.at {
            return work.await;
        }
        match &self.how {
            How::Refuse(kind) => Err(HostError::new(*kind, name)),
            How::LoseAnswer | How::DoHalf => {
                work.await?;
                Err(HostError::new(HostErrorKind::Unavailable, name))
            }
            How::Stop(stop) => {
                stop.stop();
                work.await
            }
            How::Hang(reached) => {
                reached.notify_one();
                std::future::pending().await
            }
        }
    }
}

/// A host with a trap around it.
pub(crate) struct Trapped {
    host: MemoryHost,
    trap: Arc<Trap>,
}

#[async_trait]
impl Source for Trapped {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        Source::probe(&self.host).await
    }

    async fn inventory(&self, scope: &Scope) -> Result<Inventory, HostError> {
        self.trap.call("inventory", self.host.inventory(scope)).await
    }

    async fn read(&self, lane: &Lane, at: Option<&Cursor>) -> Result<Page, HostError> {
        self.trap.call("read", self.host.read(lane, at)).await
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        Source::remote(&self.host, project, repo).await
    }

    async fn open(&self, blob: &BlobRef, from: u64) -> Result<ByteStream, HostError> {
        self.trap.call("open", self.host.open(blob, from)).await
    }
}

#[async_trait]
impl AroundSink for Trapped {
    fn inner(&self) -> &dyn Sink {
        &self.host
    }

    async fn write(
        &self,
        scope: &Scope,
        record: &Record,
        existing: Option<&TargetId>,
    ) -> Result<Written, HostError> {
        let half = self.trap.halved(record);
        let record = half.as_ref().unwrap_or(record);
        self.trap.call("write", self.host.write(scope, record, existing)).await
    }

    async fn number(&self, scope: &Scope, record: &Record) -> Result<Numbered, HostError> {
        self.trap.call("write", self.host.number(scope, record)).await
    }

    async fn complete(
        &self,
        scope: &Scope,
        record: &Record,
        target: &TargetId,
    ) -> Result<Vec<Loss>, HostError> {
        self.trap.call("write", self.host.complete(scope, record, target)).await
    }

    async fn remove(
        &self,
        scope: &Scope,
        origin: &Origin,
        target: &TargetId,
    ) -> Result<(), HostError> {
        self.trap.call("remove", self.host.remove(scope, origin, target)).await
    }

    async fn save(&self, blob: &BlobRef, bytes: ByteStream) -> Result<(), HostError> {
        self.trap.call("save", self.host.save(blob, bytes)).await
    }

    async fn flush(&self, scope: &Scope) -> Result<(), HostError> {
        self.trap.call("flush", self.host.flush(scope)).await
    }

    async fn finish(&self, scope: &Scope) -> Result<Vec<(Origin, Loss)>, HostError> {
        self.trap.call("finish", self.host.finish(scope)).await
    }
}

/// A destination that loses a field of every record without having said so.
pub(crate) struct Leaky(pub(crate) MemoryHost);

#[async_trait]
impl AroundSink for Leaky {
    fn inner(&self) -> &dyn Sink {
        &self.0
    }

    async fn write(
        &self,
        scope: &Scope,
        record: &Record,
        existing: Option<&TargetId>,
    ) -> Result<Written, HostError> {
        let mut written = self.0.write(scope, record, existing).await?;
        written.losses.push(Loss::sink("weight", "was too heavy"));
        Ok(written)
    }
}
