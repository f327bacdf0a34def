//! A place to read projects from.

use crate::{
    catalogue::ObjectKind,
    error::HostError,
    git::{GitRemote, RepoKind},
    loss::Loss,
    record::{Cursor, Lane, Origin, Record, Scope},
    support::Capabilities,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use serde::{Deserialize, Serialize};
use std::pin::Pin;

/// Bytes of a blob, a piece at a time.
pub type ByteStream = Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>;

/// One page of a lane.
///
/// A source ends a page after at most 1,000 records or 2 MiB of them, whichever
/// comes first; a single larger record is a page of its own.
#[derive(Debug, Default)]
pub struct Page {
    /// The records, in the source's order.
    pub records: Vec<Record>,
    /// Where the next page starts; `None` when the lane is done.
    pub next: Option<Cursor>,
}

/// A binary object outside Git: an attachment, a release asset, an LFS object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobRef {
    /// What it belongs to.
    pub scope: Scope,
    /// The record whose bytes these are.
    pub origin: Origin,
    /// Size in bytes, where known.
    pub size: Option<u64>,
    /// SHA-256 in lower-case hexadecimal, where known.
    pub sha256: Option<String>,
}

/// How much there is of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindCount {
    /// The kind.
    pub kind: ObjectKind,
    /// Number of records, where the source can tell without reading them all.
    pub records: Option<u64>,
    /// Bytes of repositories and blobs of this kind, where known.
    pub bytes: Option<u64>,
}

/// Something that the source holds and that cannot be read as what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLoss {
    /// What it is called at the source, such as `users.billing_plan`.
    pub name: String,
    /// The loss.
    pub loss: Loss,
    /// How many objects have it.
    pub count: u64,
}

/// What there is in a scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// One row for a kind that has records; kinds that are not listed have none.
    pub counts: Vec<KindCount>,
    /// What will be lost already in reading; in the shared scope, for the whole source.
    pub losses: Vec<SourceLoss>,
}

impl Inventory {
    /// Number of records of a kind; `None` where the source cannot tell.
    pub fn records(&self, kind: ObjectKind) -> Option<u64> {
        self.counts.iter().find(|it| it.kind == kind).map_or(Some(0), |it| it.records)
    }
}

/// A place to read projects from. A host implements one page; the engine owns the loop.
///
/// Implementations must not loop over pages, sleep or retry, and must be usable
/// from several tasks at once.
#[async_trait]
pub trait Source: Send + Sync {
    /// Asks the host what it can really do: version, edition, token scopes.
    ///
    /// For an archive, cheap: it opens the file and says what it is, no more.
    async fn probe(&self) -> Result<Capabilities, HostError>;

    /// Says how much there is of each kind in a scope, before anything moves.
    ///
    /// Of the shared scope, [`ObjectKind::Project`] is the number of projects.
    /// An archive reads through itself here once, whole, so that a damaged or
    /// hostile one is found before anything is written.
    async fn inventory(&self, scope: &Scope) -> Result<Inventory, HostError>;

    /// Reads one page of a lane; `at` is what the page before gave as `next`.
    ///
    /// A kind that the source does not have gives an empty page. The lane of
    /// [`ObjectKind::Project`] in the shared scope lists all projects, in a
    /// stable order, with [`crate::model::Project::path`] as origin id. Lanes of
    /// kinds that travel as Git are not read. Issues and change requests come in
    /// ascending order of their numbers.
    async fn read(&self, lane: &Lane, at: Option<&Cursor>) -> Result<Page, HostError>;

    /// The Git endpoint to fetch from; `None` when the project has no such repository.
    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError>;

    /// Opens a blob at a byte offset.
    async fn open(&self, blob: &BlobRef, from: u64) -> Result<ByteStream, HostError>;
}
