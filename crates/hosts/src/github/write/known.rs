//! What this run has learnt of projects, so that it need not ask twice.
//!
//! All of it can be forgotten at any time but for what `close_project` does at the end: a run
//! that is taken up again does what it can without.

use super::Path;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// What is known of one project.
#[derive(Debug, Default)]
pub(super) struct Project {
    /// Branch that a clone is to check out, once it is there.
    pub(super) default_branch: Option<String>,
    /// Whether everybody may see it.
    pub(super) is_public: Option<bool>,
    /// Whether an organization owns it.
    pub(super) is_organizations: Option<bool>,
    /// Whether an account can be given work, by login in lower case.
    pub(super) assignable: HashMap<String, bool>,
    /// Whether it was archived, and opened for the time of writing.
    pub(super) was_archived: bool,
}

/// What is known, by project.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<HashMap<String, Project>>);

impl Known {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Project>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks into, or changes, what is known of a project.
    pub(super) fn of<T>(&self, path: Path<'_>, look: impl FnOnce(&mut Project) -> T) -> T {
        let key = format!("{}/{}", path.owner, path.name).to_lowercase();
        look(self.all().entry(key).or_default())
    }

    /// Forgets a project that is done.
    pub(super) fn forget(&self, path: Path<'_>) -> Project {
        let key = format!("{}/{}", path.owner, path.name).to_lowercase();
        self.all().remove(&key).unwrap_or_default()
    }
}
