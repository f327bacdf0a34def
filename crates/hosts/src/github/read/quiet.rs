//! Pages of listings on which there is nothing of what a later lane looks for.
//!
//! What is locked, and how many reactions something has, is told where it is listed, and issues and
//! comments are listed for their own sake before. A lane that goes over such a listing once more
//! passes the pages that had none, without asking for them.

use super::{GithubSource, Spot};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Pages that are remembered; those of a listing of ten million.
const MAX_PAGES: usize = 100_000;

/// What a later lane looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Sought {
    Reactions,
    Locks,
}

/// Pages without it, with the address of the page after each.
#[derive(Debug, Default)]
pub(super) struct Quiet(Mutex<HashMap<(Sought, String), Option<String>>>);

impl Quiet {
    fn pages(&self) -> MutexGuard<'_, HashMap<(Sought, String), Option<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The path of a listing, and its query.
pub(super) type Listed<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)]);

/// The address of a page, or the listing that it is the first of.
fn address((path, query): Listed<'_>, spot: &Spot) -> String {
    let first = || format!("{} {query:?}", path.join("/"));
    spot.page.clone().unwrap_or_else(first)
}

impl GithubSource {
    /// Notes of a page that was read whether it has anything of that, and which page follows it.
    pub(super) fn heard(
        &self,
        sought: Sought,
        (listing, spot): (Listed<'_>, &Spot),
        (is_quiet, next): (bool, Option<&String>),
    ) {
        let (key, mut pages) = ((sought, address(listing, spot)), self.quiet.pages());
        if is_quiet && pages.len() < MAX_PAGES {
            pages.insert(key, next.cloned());
        } else {
            pages.remove(&key);
        }
    }

    /// The first place from there on where anything of that may be; `None` where none is left.
    pub(super) fn past(&self, sought: Sought, listing: Listed<'_>, mut spot: Spot) -> Option<Spot> {
        let pages = self.quiet.pages();
        // No more steps than there are pages: addresses are what a server says.
        for _ in 0..pages.len() {
            match pages.get(&(sought, address(listing, &spot))) {
                None => break,
                Some(None) => return None,
                Some(Some(next)) => spot = Spot::page(next.clone()),
            }
        }
        Some(spot)
    }
}
