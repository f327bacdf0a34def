//! Records that wait to be put into a spool, while it makes others durable.

use super::{Prepared, Spool, SpoolError};
use packhorse_core::{Object, Scope};
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Bytes of records that may wait.
const MAX_WAITING: usize = 4 << 20;

/// A record on its way.
pub(super) struct Waiting {
    pub(super) scope: Scope,
    pub(super) origin: String,
    pub(super) object: Object,
    pub(super) prepared: Prepared,
}

/// Records that came and that the spool does not have yet, in their order.
///
/// Whoever works with the spool empties this into it first, and so sees all that came before.
#[derive(Default)]
pub(super) struct Front(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    /// Whether there is a spool.
    is_open: bool,
    waiting: VecDeque<Waiting>,
    n_bytes: usize,
}

impl Front {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on there is a spool, or none any more.
    pub(super) fn open(&self, is_there: bool) {
        self.queue().is_open = is_there;
    }

    /// Bytes that wait.
    pub(super) fn n_bytes(&self) -> usize {
        self.queue().n_bytes
    }

    /// Takes in a record; gives it back where there is no spool yet, or where too much waits.
    pub(super) fn take(&self, record: Waiting) -> Option<Waiting> {
        let mut queue = self.queue();
        if !queue.is_open || queue.n_bytes > MAX_WAITING {
            return Some(record);
        }
        queue.n_bytes += record.prepared.body.len();
        queue.waiting.push_back(record);
        None
    }

    /// Puts what waits into the spool; where that fails, what it did not take waits on.
    pub(super) fn empty_into(&self, spool: &mut Spool) -> Result<(), SpoolError> {
        loop {
            // Before the next is taken out: a flush that fails must not lose it.
            if spool.is_full() {
                spool.flush()?;
            }
            let Some(next) = self.next() else { return Ok(()) };
            spool.put(&next.scope, &next.origin, &next.object, next.prepared)?;
        }
    }

    fn next(&self) -> Option<Waiting> {
        let mut queue = self.queue();
        let next = queue.waiting.pop_front()?;
        queue.n_bytes -= next.prepared.body.len();
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::Shape;
    use packhorse_core::{ObjectKind, Origin, model::Label};

    const SHAPE: Shape = Shape { application_id: 1, parent: |_| None, seed: |_, _| Ok(()) };

    fn label(name: &str, bytes: usize) -> Waiting {
        let object = Object::from(Label { name: name.to_owned(), ..Label::default() });
        let body = vec![b'x'; bytes];
        let target = name.to_owned();
        let prepared = Prepared { target, body, losses: Vec::new(), is_left_out: false };
        Waiting {
            scope: Scope::from_key("acme/widgets"),
            origin: name.to_owned(),
            object,
            prepared,
        }
    }

    #[test]
    fn without_a_spool_nothing_waits_and_too_much_does_not() {
        let front = Front::default();
        assert!(front.take(label("a", 1)).is_some());
        front.open(true);

        assert!(front.take(label("a", MAX_WAITING + 1)).is_none());
        assert!(front.take(label("b", 1)).is_some());
    }

    #[test]
    fn what_waits_comes_into_the_spool_whole_and_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let mut spool = Spool::passing(directory.path(), &SHAPE).unwrap();
        let front = Front::default();
        front.open(true);
        for name in ["b", "a", "c"] {
            assert!(front.take(label(name, 100)).is_none());
        }

        front.empty_into(&mut spool).unwrap();
        spool.flush().unwrap();

        let find = |name| {
            spool.find(&Scope::from_key("acme/widgets"), &Origin::new(ObjectKind::Label, name))
        };
        assert_eq!(find("a").unwrap().as_deref(), Some("a"));
        assert_eq!(front.n_bytes(), 0);
        let mut all =
            spool.database().prepare("SELECT target FROM records ORDER BY rowid").unwrap();
        let names = all.query_map([], |row| row.get(0)).unwrap();
        assert_eq!(names.map(Result::unwrap).collect::<Vec<String>>(), ["b", "a", "c"]);
    }
}
