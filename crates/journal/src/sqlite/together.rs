//! Steps that want to write at the same time share a transaction, and so wait for the disk once.
//!
//! Whoever finds nobody writing takes all steps that wait, does them one after the other, and makes
//! them durable; then each is told, and the first of those that came meanwhile does the same. A step
//! that fails takes back what it did, and nothing else.

use super::{
    database::AnyError,
    session::{Listings, Session},
};
use rusqlite::{Connection, TransactionBehavior};
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    mpsc::{self, Sender},
};

/// The connection that writes, and who waits for it.
pub(super) struct Writer {
    open: Mutex<Open>,
    line: Mutex<Line>,
}

/// Who waits.
#[derive(Default)]
struct Line {
    waiting: Vec<Box<dyn Step>>,
    /// Whether somebody writes, or is told to.
    is_led: bool,
}

struct Open {
    connection: Connection,
    listings: Listings,
}

/// A step on its way.
trait Step: Send {
    /// Does it; whether that went well.
    fn run(&mut self, session: &mut Session<'_>) -> bool;

    /// Tells whoever asked for it, once it is known whether what was done is durable.
    fn tell(self: Box<Self>, durable: Result<(), Lost>);

    /// Tells whoever asked for it to write what waits.
    fn lead(&self);
}

/// A step, what it came to, and who waits for that.
struct Asked<F, T> {
    step: Option<F>,
    done: Option<Result<T, AnyError>>,
    tell: Sender<Told<T>>,
}

/// What is told to whoever asked for a step.
enum Told<T> {
    /// What became of it.
    Done(Result<T, AnyError>),
    /// It is their turn to write.
    Lead,
}

/// Why steps are not durable.
#[derive(Clone, Debug, thiserror::Error)]
#[error("what was to be written could not be made durable")]
struct Lost(#[source] Arc<rusqlite::Error>);

/// Why nobody says what became of a step.
#[derive(Debug, thiserror::Error)]
#[error("a step that was to be written with it was broken off")]
struct BrokenOff;

impl<F, T> Step for Asked<F, T>
where
    F: FnOnce(&mut Session<'_>) -> Result<T, AnyError> + Send,
    T: Send,
{
    fn run(&mut self, session: &mut Session<'_>) -> bool {
        self.done = self.step.take().map(|step| step(session));
        matches!(self.done, Some(Ok(_)))
    }

    fn tell(self: Box<Self>, durable: Result<(), Lost>) {
        let Self { done, tell, .. } = *self;
        let done = match (done, durable) {
            (Some(Err(why)), _) => Err(why),
            (_, Err(lost)) => Err(lost.into()),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(BrokenOff.into()),
        };
        // Whoever asked holds the other end until it is told.
        drop(tell.send(Told::Done(done)));
    }

    fn lead(&self) {
        drop(self.tell.send(Told::Lead));
    }
}

impl Writer {
    pub(super) fn new(connection: Connection) -> Self {
        let open = Mutex::new(Open { connection, listings: Listings::default() });
        Self { open, line: Mutex::default() }
    }

    /// Does a step whole or not at all; returns when what it did is durable.
    pub(super) fn write<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut Session<'_>) -> Result<T, AnyError> + Send + 'static,
    ) -> Result<T, AnyError> {
        let (tell, told) = mpsc::channel();
        let mut line = self.line();
        line.waiting.push(Box::new(Asked { step: Some(step), done: None, tell }));
        let leads = !std::mem::replace(&mut line.is_led, true);
        drop(line);
        if leads {
            self.lead();
        }
        loop {
            match told.recv() {
                Ok(Told::Done(done)) => return done,
                Ok(Told::Lead) => self.lead(),
                Err(mpsc::RecvError) => return Err(BrokenOff.into()),
            }
        }
    }

    /// Writes what waits, and lets the first of those who came meanwhile do the same.
    fn lead(&self) {
        let _next = Next(self);
        let together = std::mem::take(&mut self.line().waiting);
        // A step that panicked left no transaction open: dropping one rolls it back.
        self.open.lock().unwrap_or_else(PoisonError::into_inner).write(together);
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has the next one lead when it goes, even where a step panicked.
struct Next<'a>(&'a Writer);

impl Drop for Next<'_> {
    fn drop(&mut self) {
        let mut line = self.0.line();
        line.is_led = !line.waiting.is_empty();
        if let Some(next) = line.waiting.first() {
            next.lead();
        }
    }
}

impl Open {
    /// Does these steps in one transaction, and tells each.
    fn write(&mut self, mut steps: Vec<Box<dyn Step>>) {
        let done = self.done(&mut steps);
        if !matches!(done, Ok(true)) {
            // What was remembered may have been rolled back.
            self.listings.clear();
        }
        let durable = done.map(drop).map_err(|error| Lost(Arc::new(error)));
        steps.into_iter().for_each(|it| it.tell(durable.clone()));
    }

    /// Whether all steps were done; what was done is durable then.
    fn done(&mut self, steps: &mut [Box<dyn Step>]) -> rusqlite::Result<bool> {
        let Self { connection, listings } = self;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut session = Session { transaction, listings };
        let mut all_done = true;
        if let [alone] = steps {
            if !alone.run(&mut session) {
                return Ok(false);
            }
        } else {
            for step in steps {
                all_done &= part(&mut session, &mut **step)?;
            }
        }
        session.transaction.commit()?;
        Ok(all_done)
    }
}

/// Does one of several steps; whether that went well.
fn part(session: &mut Session<'_>, step: &mut dyn Step) -> rusqlite::Result<bool> {
    session.transaction.execute_batch("SAVEPOINT step")?;
    let is_done = step.run(session);
    // Fails where SQLite gave up the transaction as a whole, as it does when the disk is full: then
    // nothing of the others is there either.
    let end = if is_done { "RELEASE step" } else { "ROLLBACK TO step; RELEASE step" };
    session.transaction.execute_batch(end)?;
    Ok(is_done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, path::Path};

    fn open(path: &Path) -> Connection {
        let connection = Connection::open(path).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection.execute_batch("CREATE TABLE IF NOT EXISTS words (word)").unwrap();
        connection
    }

    fn words(connection: &Connection) -> Vec<String> {
        let mut all = connection.prepare("SELECT word FROM words ORDER BY rowid").unwrap();
        all.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    fn put(session: &Session<'_>, word: &str) -> Result<(), AnyError> {
        session.transaction.execute("INSERT INTO words VALUES (?1)", [word])?;
        Ok(())
    }

    fn asked(
        step: impl FnOnce(&mut Session<'_>) -> Result<(), AnyError> + Send + 'static,
    ) -> (Box<dyn Step>, mpsc::Receiver<Told<()>>) {
        let (tell, told) = mpsc::channel();
        (Box::new(Asked { step: Some(step), done: None, tell }), told)
    }

    fn done(told: &mpsc::Receiver<Told<()>>) -> Result<(), AnyError> {
        match told.recv().unwrap() {
            Told::Done(done) => done,
            Told::Lead => Err("it was told to lead".into()),
        }
    }

    #[test]
    fn a_step_that_fails_among_others_takes_back_its_own_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let (connection, beside) = (open(&path), open(&path));
        let mut writer = Open { connection, listings: Listings::default() };
        let (one, one_told) = asked(|session| put(session, "one"));
        let (two, two_told) = asked(|session| {
            put(session, "two")?;
            Err("no".into())
        });
        let (three, three_told) = asked(move |session| {
            assert!(words(&beside).is_empty(), "nothing is durable before all are done");
            put(session, "three")
        });

        writer.write(vec![one, two, three]);

        assert_eq!(words(&writer.connection), ["one", "three"]);
        assert!(done(&one_told).is_ok() && done(&three_told).is_ok());
        assert_eq!(done(&two_told).unwrap_err().to_string(), "no");
    }

    #[test]
    fn when_the_transaction_is_lost_everybody_hears_it() {
        let directory = tempfile::tempdir().unwrap();
        let connection = open(&directory.path().join("file"));
        let mut writer = Open { connection, listings: Listings::default() };
        let (one, one_told) = asked(|session| put(session, "one"));
        let (two, two_told) = asked(|session| Ok(session.transaction.execute_batch("ROLLBACK")?));
        let (three, three_told) = asked(|session| put(session, "three"));

        writer.write(vec![one, two, three]);

        assert!(words(&writer.connection).is_empty());
        for told in [one_told, two_told, three_told] {
            assert!(done(&told).unwrap_err().is::<Lost>());
        }
    }

    /// Has forty threads write their number at once; what each was told, `None` where it panicked.
    fn at_once(
        path: &Path,
        check: impl Fn(usize) -> Result<(), AnyError> + Copy + Send + Sync + 'static,
    ) -> (Writer, Vec<Option<bool>>) {
        let writer = Writer::new(open(path));
        let told = std::thread::scope(|scope| {
            let write = |n: usize| {
                writer.write(move |session: &mut Session<'_>| {
                    put(session, &n.to_string())?;
                    check(n)
                })
            };
            let threads: Vec<_> = (0..40).map(|n| scope.spawn(move || write(n).is_ok())).collect();
            threads.into_iter().map(|it| it.join().ok()).collect()
        });
        (writer, told)
    }

    /// The words that stand there when those were told so.
    fn written(told: &[Option<bool>]) -> BTreeSet<String> {
        let is_done = |(_, told): &(usize, &Option<bool>)| **told == Some(true);
        told.iter().enumerate().filter(is_done).map(|(n, _)| n.to_string()).collect()
    }

    #[test]
    fn many_threads_are_all_told_what_became_of_their_own_step() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");

        let (_, told) = at_once(&path, |n| if n % 3 == 0 { Err("no".into()) } else { Ok(()) });

        for (n, told) in told.iter().enumerate() {
            assert_eq!(*told, Some(n % 3 != 0));
        }
        assert_eq!(words(&open(&path)).into_iter().collect::<BTreeSet<_>>(), written(&told));
    }

    #[test]
    fn after_a_step_that_panics_the_others_go_on() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");

        let (writer, told) = at_once(&path, |n| {
            assert!(n % 10 != 0, "a step that panics");
            Ok(())
        });

        assert!((0..40).step_by(10).all(|n| told[n] != Some(true)));
        assert_eq!(words(&open(&path)).into_iter().collect::<BTreeSet<_>>(), written(&told));
        assert!(writer.write(|session| put(session, "last")).is_ok());
    }
}
