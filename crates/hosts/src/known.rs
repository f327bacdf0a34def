//! What a run has learnt of projects, so that it need not ask twice.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// What is known, by project; hosts read paths whatever the case of their letters.
#[derive(Debug)]
pub(crate) struct Known<T>(Mutex<HashMap<String, T>>);

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Default> Known<T> {
    fn all(&self) -> MutexGuard<'_, HashMap<String, T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks into, or changes, what is known of a project.
    pub(crate) fn of<R>(&self, project: impl ToString, look: impl FnOnce(&mut T) -> R) -> R {
        look(self.all().entry(project.to_string().to_lowercase()).or_default())
    }

    /// Forgets a project that is done, and gives what was known of it.
    pub(crate) fn forget(&self, project: impl ToString) -> T {
        self.all().remove(&project.to_string().to_lowercase()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_the_same_however_its_path_is_written() {
        let known: Known<u8> = Known::default();

        known.of("Acme/App", |it| *it = 7);

        assert_eq!(known.of("acme/app", |it| *it), 7);
        assert_eq!(known.forget("ACME/app"), 7);
        assert_eq!(known.of("acme/app", |it| *it), 0);
    }
}
