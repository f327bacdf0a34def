//! A spool that a thread of its own fills, while what goes into it is read out of an archive.
//!
//! It is ready to be read page by page when all is in it.

use super::{Prepared, Spool, SpoolError};
use packhorse_core::{Object, Origin, Scope, fingerprint};
use std::{
    sync::mpsc::{SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

/// Bytes of records that go over together: each batch wakes a thread.
const BATCH: usize = 128 << 10;
/// Batches that may wait to be put in: as many as come while others are flushed. One that is larger
/// takes the place of several.
const WAITING: usize = 16;
/// Bytes of records that are flushed together.
const FLUSHED: usize = 1 << 20;

/// Something that goes into a spool.
enum Piece {
    Record { scope: Scope, id: String, object: Object, body: Vec<u8> },
    Link { scope: Scope, origin: Origin, bytes: (String, u64), at: String },
}

/// What takes records in on their way to a spool.
///
/// Where the spool fails, whoever takes in the next records is told.
pub(crate) struct Intake {
    batch: Vec<Piece>,
    n_bytes: usize,
    /// `None` once the spool has failed.
    to: Option<SyncSender<Vec<Piece>>>,
    thread: Option<JoinHandle<Result<Spool, SpoolError>>>,
}

impl Intake {
    /// Begins to fill a spool.
    pub(crate) fn into(mut spool: Spool) -> Self {
        let (to, batches) = sync_channel::<Vec<Piece>>(WAITING);
        let thread = thread::spawn(move || {
            // Now, on this thread: at the end everybody would wait for it.
            spool.index_places()?;
            for batch in batches {
                batch.into_iter().try_for_each(|piece| put(&mut spool, piece))?;
                if spool.n_bytes() > FLUSHED {
                    spool.flush()?;
                }
            }
            spool.flush()?;
            Ok(spool)
        });
        Self { batch: Vec::new(), n_bytes: 0, to: Some(to), thread: Some(thread) }
    }

    /// Takes in a record as it is.
    pub(crate) fn take(
        &mut self,
        scope: &Scope,
        id: &str,
        object: Object,
    ) -> Result<(), SpoolError> {
        let body = fingerprint::exact(&object);
        self.n_bytes += body.len();
        let (scope, id) = (scope.clone(), id.to_owned());
        self.push(Piece::Record { scope, id, object, body })
    }

    /// Notes where in the archive the bytes of a record are.
    pub(crate) fn link_at(
        &mut self,
        scope: &Scope,
        origin: &Origin,
        bytes: (String, u64),
        at: String,
    ) -> Result<(), SpoolError> {
        self.n_bytes += at.len();
        self.push(Piece::Link { scope: scope.clone(), origin: origin.clone(), bytes, at })
    }

    fn push(&mut self, piece: Piece) -> Result<(), SpoolError> {
        // What is short counts as well.
        self.n_bytes += size_of::<Piece>();
        self.batch.push(piece);
        if self.n_bytes < BATCH { Ok(()) } else { self.send() }
    }

    fn send(&mut self) -> Result<(), SpoolError> {
        // SECURITY: no more large records wait than small ones, of however many bytes.
        let n_places = (std::mem::take(&mut self.n_bytes) / BATCH).min(WAITING);
        let batch = std::mem::take(&mut self.batch);
        let mut all = std::iter::once(batch).chain((0..n_places).map(|_| Vec::new()));
        match &self.to {
            Some(to) if all.all(|it| to.send(it).is_ok()) => Ok(()),
            // Its thread has ended, and says why.
            Some(_) | None => self.join().and(Err(SpoolError::Ended)),
        }
    }

    fn join(&mut self) -> Result<Spool, SpoolError> {
        self.to = None;
        let thread = self.thread.take().ok_or(SpoolError::Ended)?;
        thread.join().map_err(|_| SpoolError::Ended)?
    }

    /// The spool, with all that was taken in.
    pub(crate) fn end(mut self) -> Result<Spool, SpoolError> {
        self.send()?;
        self.join()
    }
}

impl Drop for Intake {
    /// Whoever gives up removes the spool's directory next, in which its thread may be writing.
    fn drop(&mut self) {
        self.to = None;
        if let Some(thread) = self.thread.take() {
            // Why it ended does not matter to who has given up.
            drop(thread.join());
        }
    }
}

fn put(spool: &mut Spool, piece: Piece) -> Result<(), SpoolError> {
    match piece {
        Piece::Record { scope, id, object, body } => {
            let (target, losses) = (id.clone(), Vec::new());
            let prepared = Prepared { target, body, losses, is_left_out: false };
            spool.put(&scope, &id, &object, prepared)
        }
        Piece::Link { scope, origin, bytes, at } => {
            spool.link_at(&scope, &origin, bytes, at);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::Shape;
    use packhorse_core::{
        ObjectKind,
        model::{Label, Markup, Text},
    };

    const SHAPE: Shape = Shape { application_id: 1, parent: |_| None, seed: |_, _| Ok(()) };

    fn label(n: usize) -> (String, Object) {
        let name = format!("label {n}");
        let description = Some(Text::new("x".repeat(1_000), Markup::Plain));
        (name.clone(), Object::from(Label { name, description, ..Label::default() }))
    }

    /// One whose spool takes nothing.
    fn failing(directory: &tempfile::TempDir) -> Intake {
        let spool = Spool::passing(directory.path(), &SHAPE).unwrap();
        spool.database().execute_batch("DROP TABLE records").unwrap();
        Intake::into(spool)
    }

    #[test]
    fn a_large_record_takes_the_place_of_several_batches() {
        let (to, batches) = sync_channel(WAITING);
        let mut intake = Intake { batch: Vec::new(), n_bytes: 0, to: Some(to), thread: None };
        let description = Some(Text::new("x".repeat(8 * BATCH), Markup::Plain));
        let object = Object::from(Label { description, ..Label::default() });

        intake.take(&Scope::Shared, "large", object).unwrap();

        assert_eq!(batches.try_iter().count(), 1 + 8);
    }

    #[test]
    fn what_is_taken_in_is_in_the_spool_in_its_order() {
        let directory = tempfile::tempdir().unwrap();
        let mut intake = Intake::into(Spool::passing(directory.path(), &SHAPE).unwrap());
        let scope = Scope::from_key("acme/widgets");
        for (id, object) in (0..3_000).map(label) {
            intake.take(&scope, &id, object).unwrap();
        }
        let origin = Origin::new(ObjectKind::Label, "label 7");
        intake.link_at(&scope, &origin, ("00".to_owned(), 3), "there".to_owned()).unwrap();

        let spool = intake.end().unwrap();

        let of = &spool.projects().unwrap()[0];
        let mut n = 0;
        let in_order = |it: crate::spool::Stored| {
            assert_eq!(it.target, label(n).0);
            n += 1;
            Ok(())
        };
        spool.each(of, ObjectKind::Label, in_order).unwrap();
        assert_eq!(n, 3_000);
        assert_eq!(spool.blob_place(&scope, &origin).unwrap().as_deref(), Some("there"));
    }

    #[test]
    fn that_a_spool_fails_is_told_to_whoever_fills_it() {
        let directory = tempfile::tempdir().unwrap();
        let mut intake = failing(&directory);

        let (id, object) = label(1);
        intake.take(&Scope::Shared, &id, object).unwrap();

        assert!(matches!(intake.end(), Err(SpoolError::Database(_))));
    }

    #[test]
    fn that_a_spool_has_failed_ends_what_goes_on_filling_it() {
        let directory = tempfile::tempdir().unwrap();
        let mut intake = failing(&directory);

        let failed = (0..100_000)
            .map(label)
            .find_map(|(id, object)| intake.take(&Scope::Shared, &id, object).err());

        assert!(matches!(failed, Some(SpoolError::Database(_))), "{failed:?}");
    }
}
