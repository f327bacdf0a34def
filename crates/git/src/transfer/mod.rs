//! The one call that carries a repository.
//!
//! The destination's refs are what it has already, so only what is missing
//! flows; and they are read again afterwards, because what counts is what is
//! there, unless whoever asks compares both ends himself.

mod account;
mod errand;
mod forward;
mod parts;
mod prepare;
mod turns;
mod way;

use crate::{
    error::{GitError, RefusedRef},
    lfs::Gate,
    process::Git,
    progress::Listener,
    refs::{LeftRef, RefList, RefPolicy},
};
use packhorse_core::GitRemote;
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};
use tokio::sync::Semaphore;

/// How a repository is carried.
#[derive(Clone, Debug)]
pub struct TransferOptions {
    /// Which refs travel.
    pub policy: RefPolicy,
    /// Whether refs that somebody moved at the destination are overwritten.
    pub force: bool,
    /// Whether refs that are gone at the source are removed.
    pub delete: bool,
    /// Object ids by ref that an earlier run left at the destination: what is still so is ours to move.
    pub known: Option<BTreeMap<String, String>>,
    /// Heads of change requests by number. Those that no branch is at are kept where the policy
    /// keeps such commits, be there a ref to them at the source or not.
    pub heads: BTreeMap<u64, String>,
    /// What the destination takes.
    pub limits: PushLimits,
    /// Directory for a mirror, where one is needed.
    pub scratch: PathBuf,
    /// Hears how far it is.
    pub listener: Listener,
    /// Holds packs back until the large files of Git LFS that they point to have arrived.
    pub gate: Option<Gate>,
    /// Who may have a pack on its way: as many at a time as this has permits.
    pub packs: Option<Arc<Semaphore>>,
    /// Whether the destination's refs are read again after a push. Where somebody else compares
    /// both ends in the end, what the destination reports of the push counts until then.
    pub reads_back: bool,
}

impl TransferOptions {
    /// Without force, without removals, without limits that are known, and nobody listens.
    pub fn new(policy: RefPolicy, scratch: impl Into<PathBuf>) -> Self {
        Self {
            policy,
            force: false,
            delete: false,
            known: None,
            heads: BTreeMap::new(),
            limits: PushLimits::default(),
            scratch: scratch.into(),
            listener: Listener::default(),
            gate: None,
            packs: None,
            reads_back: true,
        }
    }
}

/// What a destination takes; `None` where no limit is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PushLimits {
    /// Bytes of one push. What is more goes in several, along the history.
    pub push_bytes: Option<u64>,
    /// Bytes of one file. Refs with a larger one in their history are left, and reported.
    pub file_bytes: Option<u64>,
}

/// What was carried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transferred {
    /// Refs that were made.
    pub created: u64,
    /// Refs that were moved.
    pub updated: u64,
    /// Refs that were removed.
    pub deleted: u64,
    /// Refs that were as they should be.
    pub unchanged: u64,
    /// Refs that do not travel between these hosts, or under another name.
    pub left: Vec<LeftRef>,
    /// Refs that should have arrived and did not.
    pub refused: Vec<RefusedRef>,
    /// Refs at the destination that the source no longer has.
    pub gone: Vec<String>,
    /// What of the destination's refs this route carries, as it is now.
    pub refs: RefList,
}

/// Carries all refs that travel from one remote to another.
///
/// Can be interrupted and repeated at any point. Nothing is removed, and no ref
/// is rewound, unless `options` say so.
///
/// # Errors
///
/// See [`GitError`]. Refused refs are not an error.
pub async fn transfer(
    git: &Git,
    from: &GitRemote,
    to: &GitRemote,
    options: &TransferOptions,
) -> Result<Transferred, GitError> {
    let mut way = way::Way::new(git, from, to, options);
    loop {
        match way.go().await {
            Ok(Some(done)) => return Ok(done),
            Ok(None) => {}
            Err(error) => way.around(error).await?,
        }
    }
}
