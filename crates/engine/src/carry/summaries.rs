//! What happened, told in one closing comment on each issue and change request, where the
//! destination has no place for events.
//!
//! Sources list events in any order, so their lines wait on disk until all of them are read.

use super::{Carrier, Place, batch::Batch, lane::progress, pages::Pages};
use crate::{EngineError, plan, transform::events};
use packhorse_core::{
    Lane, Object, ObjectKind, Record, Settle,
    model::{Event, Subject, Time},
    port::{Context, Counts, Position, Transform},
};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::Path;

/// What begins the ids of summaries; the rest says of what.
const SUMMARY: &str = "events of ";

/// Summaries that are written together.
const TOGETHER: usize = 256;

/// Lines of events, by what they happened to; emptied when it is dropped.
struct Lines {
    db: Connection,
    _directory: tempfile::TempDir,
}

impl Lines {
    fn open(scratch: &Path) -> Result<Self, EngineError> {
        std::fs::create_dir_all(scratch)?;
        let directory = tempfile::Builder::new().prefix("events-").tempdir_in(scratch)?;
        let db = Connection::open(directory.path().join("events.sqlite"))?;
        // Nothing here survives a crash, and nothing has to.
        db.execute_batch(
            "PRAGMA journal_mode = OFF;
             PRAGMA synchronous = OFF;
             CREATE TABLE lines (kind INTEGER, number INTEGER, at INTEGER, id TEXT, moment TEXT,
                                 line TEXT, PRIMARY KEY (kind, number, at, id)) WITHOUT ROWID;",
        )?;
        Ok(Self { db, _directory: directory })
    }

    fn add(&mut self, events: &[(String, Box<Event>)]) -> Result<(), EngineError> {
        let batch = self.db.transaction()?;
        for (id, event) in events {
            let (kind, number) = if let Subject::Issue(number) = event.subject {
                (0, number)
            } else if let Subject::ChangeRequest(number) = event.subject {
                (1, number)
            } else {
                continue;
            };
            let at = event.created_at.map_or(i64::MIN, |it| it.instant().as_second());
            let moment = event.created_at.map(|it| serde_json::to_string(&it));
            let moment = moment.transpose().map_err(EngineError::document("of an event"))?;
            batch
                .prepare_cached("INSERT OR REPLACE INTO lines VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
                .execute(params![kind, number, at, id, moment, events::line(event)])?;
        }
        Ok(batch.commit()?)
    }

    /// The next thing that something happened to, after that one.
    fn next(&mut self, after: Option<(i64, u64)>) -> Result<Option<(i64, u64)>, EngineError> {
        let (kind, number) = after.map_or((-1, 0), |it| it);
        let found = self
            .db
            .prepare_cached(
                "SELECT kind, number FROM lines WHERE (kind, number) > (?1, ?2)
             ORDER BY kind, number LIMIT 1",
            )?
            .query_row(params![kind, number], |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(found.optional()?)
    }

    /// What is to be said of one thing.
    fn summary(&mut self, (kind, number): (i64, u64)) -> Result<Record, EngineError> {
        let n: u64 = self
            .db
            .prepare_cached("SELECT count(*) FROM lines WHERE kind = ?1 AND number = ?2")?
            .query_row(params![kind, number], |row| row.get(0))?;
        let mut rows = self.db.prepare_cached(
            "SELECT line, moment FROM lines WHERE kind = ?1 AND number = ?2
             ORDER BY at, id LIMIT ?3",
        )?;
        let rows = rows.query_map(params![kind, number, events::MAX_LINES], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?))
        })?;
        let (mut lines, mut last) = (Vec::new(), None::<Time>);
        for row in rows {
            let (line, moment) = row?;
            last = moment.and_then(|it| serde_json::from_str(&it).ok()).or(last);
            lines.push(line);
        }
        let (name, subject) = match kind {
            0 => ("issue", Subject::Issue(number)),
            _ => ("change_request", Subject::ChangeRequest(number)),
        };
        let comment = events::summary(subject, &lines, n - lines.len() as u64, last);
        Ok(Record::new(format!("{SUMMARY}{name} {number}"), Object::from(comment)))
    }
}

impl Carrier<'_> {
    /// Whether events are told in comments, for want of another place.
    pub(super) fn summarises(&self) -> bool {
        plan::summarises(self.run.options, &self.sides.source, &self.sides.sink)
    }

    /// Reads what happened in a project, and tells it in comments.
    pub(super) async fn summaries(&self, place: &Place) -> Result<(), EngineError> {
        let lane = place.lane(ObjectKind::Event);
        let position = self.run.worker.journal.position(self.run.claim, &lane).await?;
        if position == Position::Done || place.count(ObjectKind::Event) == Some(0) {
            return Ok(());
        }
        let mut lines = Lines::open(&self.run.ends.scratch)?;
        let n_read = self.gather(&lane, &mut lines).await?;
        self.tell_summaries(place, &mut lines).await?;
        self.drop_lane(&lane, Some(n_read), plan::SUMMARISED).await
    }

    /// Reads all events of a project; how many there were.
    async fn gather(&self, lane: &Lane, lines: &mut Lines) -> Result<u64, EngineError> {
        let (source, sink) = (&self.sides.source, &self.sides.sink);
        let context = Context { source, sink, scope: &lane.scope };
        let mut pages = Pages::from(&self.run.ends.source, lane, None);
        let mut n_read = 0;
        while let Some((records, _)) = self.run.stop.or(pages.next()).await? {
            n_read += records.len() as u64;
            let mut events = Vec::with_capacity(records.len());
            for mut record in records {
                // The number is that at the source: comments are led to where it went.
                let subject = subject(&record.object);
                self.preparer.transforms.apply(&context, &mut record);
                if let (Object::Event(mut event), Some(subject)) = (record.object, subject) {
                    event.subject = subject;
                    events.push((record.origin.id, event));
                }
            }
            lines.add(&events)?;
        }
        Ok(n_read)
    }

    async fn tell_summaries(&self, place: &Place, lines: &mut Lines) -> Result<(), EngineError> {
        let lane = place.lane(ObjectKind::Comment);
        let (mut counts, mut after) = (Counts::default(), None);
        loop {
            self.run.stop.check()?;
            let mut records = Vec::new();
            while records.len() < TOGETHER
                && let Some(next) = lines.next(after)?
            {
                after = Some(next);
                records.push(lines.summary(next)?);
            }
            if records.is_empty() {
                return Ok(());
            }
            let mut batch = Batch::new(lane.clone(), place.target.clone());
            batch.take(records);
            match self.sides.sink.settle {
                Settle::Page => {
                    let written = self.write_batch(&mut batch, Position::Done).await?;
                    self.settle(&lane, &place.target, written, &mut counts).await?;
                }
                Settle::Record => {
                    self.carry_through(place, &mut batch, Position::Done, &mut counts).await?;
                }
            }
            self.run.worker.listener.on(&progress(&lane, &counts, 0));
        }
    }
}

fn subject(object: &Object) -> Option<Subject> {
    if let Object::Event(it) = object { Some(it.subject.clone()) } else { None }
}
