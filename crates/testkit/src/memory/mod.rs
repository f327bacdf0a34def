//! A host in memory: a source and a sink whose abilities a test chooses.
//!
//! It keeps the contract of the ports, and tells afterwards what was done to
//! it: how often each method was called, which records came twice without the
//! caller knowing that they were there, which scopes were finished. Clones are
//! the same host.

mod gaps;
mod links;
mod numbering;
mod sink;
mod source;
mod state;

pub use state::{Calls, Stored};

use packhorse_core::{
    Capabilities, Keeps, Lane, Limits, Numbering, ObjectKind, Origin, Record, Scope, Settle,
    Support, TargetId, port::BlobRef,
};
use state::State;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What a host in memory can do.
#[derive(Clone, Debug)]
pub struct MemoryOptions {
    /// Stable name of the endpoint.
    pub identity: String,
    /// What it can hold; a gap's field is emptied on writing, with a loss.
    pub support: fn(ObjectKind) -> Support,
    /// When its writes are settled; by page, what was not flushed is lost in a crash.
    pub settle: Settle,
    /// Whether comments, reviews and the like get ids of this host's own, and references to them
    /// have to be in [`Record::links`].
    pub own_ids: bool,
    /// Records on a page.
    pub page_size: usize,
    /// What it keeps of every record.
    pub keeps: Keeps,
    /// How it numbers issues and change requests.
    pub numbering: Numbering,
    /// Limits that it declares; it does not enforce them.
    pub limits: Limits,
    /// Whether it tells a version.
    pub versioned: bool,
    /// Where its bare repositories are; without, projects have none.
    pub repositories: Option<PathBuf>,
}

impl Default for MemoryOptions {
    /// Everything in full, settled by page, ids kept.
    fn default() -> Self {
        Self {
            identity: "memory".to_owned(),
            support: |_| Support::Full,
            settle: Settle::Page,
            own_ids: false,
            page_size: 3,
            keeps: Keeps::ALL,
            numbering: Numbering::Kept,
            limits: Limits::default(),
            versioned: false,
            repositories: None,
        }
    }
}

/// A host in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryHost {
    options: Arc<MemoryOptions>,
    state: Arc<Mutex<State>>,
}

impl MemoryHost {
    /// An empty host.
    pub fn new(options: MemoryOptions) -> Self {
        Self { options: Arc::new(options), state: Arc::default() }
    }

    /// An empty host of that name that can do everything.
    pub fn named(identity: &str) -> Self {
        Self::new(MemoryOptions { identity: identity.to_owned(), ..MemoryOptions::default() })
    }

    /// The same content with other abilities, as after a restart with other settings.
    #[must_use]
    pub fn with(&self, options: MemoryOptions) -> Self {
        Self { options: Arc::new(options), state: Arc::clone(&self.state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a record there as if it had always been, under its origin's id.
    pub fn put(&self, scope: &Scope, record: Record) {
        let mut state = self.state();
        state.keep(scope, &record.origin.id, record.origin.clone(), record.object);
        state.flush(scope);
    }

    /// Puts the bytes of a record's blob there as if they had always been.
    pub fn put_blob(&self, scope: &Scope, origin: &Origin, bytes: &[u8]) {
        self.state().keep_blob(scope, origin, bytes.to_vec());
    }

    /// Takes a record away, as its owner would.
    pub fn take(&self, scope: &Scope, origin: &Origin) {
        let mut state = self.state();
        state.discard(scope, origin.kind, &origin.id);
        state.flush(scope);
    }

    /// What is kept in a lane, in the order in which it is read.
    pub fn stored(&self, lane: &Lane) -> Vec<Stored> {
        self.state().lane(lane)
    }

    /// Projects that have a record, in order.
    pub fn projects(&self) -> Vec<String> {
        self.state().projects()
    }

    /// The bytes of a record's blob.
    pub fn blob(&self, scope: &Scope, origin: &Origin) -> Option<Vec<u8>> {
        self.state().blob(scope, origin).map(<[u8]>::to_vec)
    }

    /// How often each method was called.
    pub fn calls(&self) -> Calls {
        self.state().calls
    }

    /// Records that were written as new although an earlier write of the same origin is there:
    /// a host that finds nothing by origin would have them twice now.
    pub fn repeated(&self) -> Vec<(Scope, Origin)> {
        self.state().repeated.clone()
    }

    /// Scopes that were finished, in order.
    pub fn finished(&self) -> Vec<Scope> {
        self.state().finished.clone()
    }

    /// Loses what was not flushed, as a crash of the destination's process does.
    pub fn crash(&self) {
        self.state().crash();
    }

    fn capabilities(&self) -> Capabilities {
        let MemoryOptions {
            support, identity, settle, keeps, numbering, limits, versioned, ..
        } = &*self.options;
        let mut capabilities = Capabilities::promised(*support, identity.clone());
        capabilities.settle = *settle;
        capabilities.keeps = *keeps;
        capabilities.numbering = *numbering;
        capabilities.limits = limits.clone();
        capabilities.version = versioned.then(|| format!("{identity}/{}", self.state().generation));
        capabilities
    }

    fn repository(&self, project: &str, repo: packhorse_core::RepoKind) -> Option<PathBuf> {
        let directory = self.options.repositories.as_ref()?;
        let name = project.replace('%', "%25").replace('/', "%2F");
        Some(directory.join(format!("{name}.{}.git", repo.name())))
    }
}

/// Whether a host with ids of its own gives one to that kind, because people have no name for it.
const fn is_nameless(kind: ObjectKind) -> bool {
    matches!(
        kind,
        ObjectKind::Attachment
            | ObjectKind::Review
            | ObjectKind::ReviewThread
            | ObjectKind::ReviewComment
            | ObjectKind::Snippet
            | ObjectKind::CommitComment
            | ObjectKind::Comment
            | ObjectKind::Reaction
            | ObjectKind::Event
            | ObjectKind::CommitStatus
            | ObjectKind::Webhook
            | ObjectKind::DeployKey
    )
}

/// Names the record that a blob belongs to.
fn owner(blob: &BlobRef) -> (&Scope, &Origin) {
    (&blob.scope, &blob.origin)
}

fn target(id: &str) -> TargetId {
    TargetId(id.to_owned())
}
