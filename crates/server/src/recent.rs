//! What was looked up a moment ago, for the next one who asks.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long a moment is: less than people see, and many requests.
const MOMENT: Duration = Duration::from_millis(250);

/// What was looked up, for a moment.
#[derive(Debug)]
pub(crate) struct Recent<K, V>(Mutex<Seen<K, V>>);

#[derive(Debug)]
struct Seen<K, V> {
    values: HashMap<K, (Instant, V)>,
    /// When what is older than a moment was forgotten last.
    tidied: Instant,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self(Mutex::new(Seen { values: HashMap::new(), tidied: Instant::now() }))
    }
}

impl<K: Eq + Hash, V: Clone> Recent<K, V> {
    fn seen(&self) -> MutexGuard<'_, Seen<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was looked up, where somebody has just asked.
    pub(crate) fn of(&self, key: &K) -> Option<V> {
        let seen = self.seen();
        let found = seen.values.get(key).filter(|it| it.0.elapsed() < MOMENT);
        found.map(|it| it.1.clone())
    }

    /// Keeps what was looked up; what is older than a moment is forgotten.
    pub(crate) fn keep(&self, key: K, value: V) {
        let mut seen = self.seen();
        if seen.tidied.elapsed() >= MOMENT {
            seen.values.retain(|_, it| it.0.elapsed() < MOMENT);
            seen.tidied = Instant::now();
        }
        seen.values.insert(key, (Instant::now(), value));
    }

    /// Forgets what was looked up.
    pub(crate) fn forget(&self, key: &K) {
        self.seen().values.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_known_for_a_moment() {
        let recent = Recent::default();

        recent.keep(1, "one");
        recent.keep(2, "two");
        recent.forget(&2);

        assert_eq!((recent.of(&1), recent.of(&2), recent.of(&3)), (Some("one"), None, None));
        std::thread::sleep(MOMENT);
        assert_eq!(recent.of(&1), None);
        recent.keep(2, "two");
        assert_eq!(recent.seen().values.len(), 1, "the other is forgotten");
    }
}
