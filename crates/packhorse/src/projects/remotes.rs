//! Where repositories are, as their host has said in this run: what was carried there is read back
//! there, without asking once more.

use packhorse_core::GitRemote;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Where the repositories of one host are, by their full paths. Clones know the same.
#[derive(Clone, Default)]
pub(super) struct Remotes(Arc<Mutex<BTreeMap<String, GitRemote>>>);

impl Remotes {
    pub(super) fn get(&self, path: &str) -> Option<GitRemote> {
        self.known().get(path).cloned()
    }

    /// Takes in what the host has said; that there is nothing yet may change, and is not kept.
    pub(super) fn learn(&self, path: &str, said: Option<&GitRemote>) {
        if let Some(remote) = said {
            self.known().insert(path.to_owned(), remote.clone());
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, GitRemote>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
