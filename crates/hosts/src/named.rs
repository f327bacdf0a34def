//! What listings name more than once, such as a commit that several branches lead to.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError},
};

/// Names of which it is remembered where they came first; a few megabytes.
const MAX_NAMED: usize = 100_000;

/// Where something was named first: a file that two texts refer to, a commit that several branches
/// and tags lead to.
///
/// Walked from the beginning, a listing gives each where it first comes.
#[derive(Debug, Default)]
pub(crate) struct Named(Mutex<HashMap<u64, u64>>);

impl Named {
    /// Whether something of a project comes first at a place.
    pub(crate) fn is_first(&self, what: (&str, &str), place: impl Hash) -> bool {
        let (what, here) = (hash(&what), hash(&place));
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_NAMED && !known.contains_key(&what) {
            return true;
        }
        *known.entry(what).or_insert(here) == here
    }
}

fn hash(it: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    it.hash(&mut hasher);
    hasher.finish()
}
