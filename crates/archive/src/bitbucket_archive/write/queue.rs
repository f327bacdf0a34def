//! What waits for its turn, on the disk: activities stand in the order of their times, and records
//! come as they came from their source.

use crate::{
    bitbucket_archive::wire,
    spool::{Spool, SpoolError},
};
use rusqlite::{Connection, params};

const SCHEMA: &str = "
    CREATE TEMP TABLE IF NOT EXISTS said (
        n INTEGER PRIMARY KEY, at INTEGER NOT NULL, what TEXT NOT NULL, id TEXT NOT NULL,
        user TEXT NOT NULL);
    CREATE TEMP TABLE IF NOT EXISTS done (
        n INTEGER PRIMARY KEY, at INTEGER NOT NULL, activity BLOB NOT NULL);
    CREATE TEMP TABLE IF NOT EXISTS heads (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL, at INTEGER NOT NULL, is_open INTEGER NOT NULL);
    DELETE FROM heads;
";

/// What is said, in a way that it can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// A comment that answers none, of that id.
    Comment,
    /// A thread of that id.
    Thread,
    /// A comment at a place that stands in no thread, of that id.
    Line,
    /// What was said with the review of that id.
    Review,
    /// That the comment of that id answers another.
    Answered,
}

impl Said {
    const ALL: [Self; 5] = [Self::Comment, Self::Thread, Self::Line, Self::Review, Self::Answered];

    const fn name(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::Thread => "thread",
            Self::Line => "line",
            Self::Review => "review",
            Self::Answered => "answered",
        }
    }
}

/// The head of a change request.
pub(super) struct Head {
    pub(super) number: u64,
    pub(super) id: String,
    /// When it was made, in milliseconds since 1970.
    pub(super) at: i64,
    pub(super) is_open: bool,
}

/// What waits for its turn, of one change request or of one repository.
pub(super) struct Queue<'a> {
    db: &'a Connection,
}

impl<'a> Queue<'a> {
    /// The queue of a repository.
    pub(super) fn new(spool: &'a Spool) -> Result<Self, SpoolError> {
        spool.database().execute_batch(SCHEMA)?;
        Ok(Self { db: spool.database() })
    }

    /// Begins a change request.
    pub(super) fn clear(&self) -> Result<(), SpoolError> {
        Ok(self.db.execute_batch("DELETE FROM said; DELETE FROM done;")?)
    }

    pub(super) fn say(
        &self,
        at: i64,
        (what, id): (Said, &str),
        user: &str,
    ) -> Result<(), SpoolError> {
        let mut put = self
            .db
            .prepare_cached("INSERT INTO said (at, what, id, user) VALUES (?1, ?2, ?3, ?4)")?;
        put.execute(params![at, what.name(), id, user])?;
        Ok(())
    }

    pub(super) fn done(&self, activity: &wire::Activity) -> Result<(), SpoolError> {
        let json = serde_json::to_vec(activity).map_err(std::io::Error::from)?;
        let at = activity.createdTimestamp.unwrap_or_default();
        let mut put = self.db.prepare_cached("INSERT INTO done (at, activity) VALUES (?1, ?2)")?;
        put.execute(params![at, json])?;
        Ok(())
    }

    /// Visits what was said: when, what, its id, who.
    pub(super) fn each_said(
        &self,
        mut visit: impl FnMut(i64, Said, &str, &str) -> Result<(), SpoolError>,
    ) -> Result<(), SpoolError> {
        let mut all =
            self.db.prepare_cached("SELECT at, what, id, user FROM said ORDER BY at, n")?;
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            let (at, what): (i64, String) = (row.get(0)?, row.get(1)?);
            let (id, user): (String, String) = (row.get(2)?, row.get(3)?);
            if let Some(what) = Said::ALL.into_iter().find(|it| it.name() == what) {
                visit(at, what, &id, &user)?;
            }
        }
        Ok(())
    }

    /// Visits what was done.
    pub(super) fn each_done(
        &self,
        mut visit: impl FnMut(&wire::Activity) -> Result<(), SpoolError>,
    ) -> Result<(), SpoolError> {
        let mut all = self.db.prepare_cached("SELECT activity FROM done ORDER BY at, n")?;
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            let json: Vec<u8> = row.get(0)?;
            let activity = serde_json::from_slice(&json).map_err(std::io::Error::from)?;
            visit(&activity)?;
        }
        Ok(())
    }

    /// Notes the head of a change request.
    pub(super) fn head(&self, it: &Head) -> Result<(), SpoolError> {
        let mut put = self.db.prepare_cached(
            "INSERT OR REPLACE INTO heads (number, id, at, is_open) VALUES (?1, ?2, ?3, ?4)",
        )?;
        let number = i64::try_from(it.number).unwrap_or(i64::MAX);
        put.execute(params![number, it.id, it.at, it.is_open])?;
        Ok(())
    }

    /// Notes where the repository's own ref keeps the head of a change request.
    pub(super) fn head_is(&self, number: u64, id: &str) -> Result<(), SpoolError> {
        let mut put = self.db.prepare_cached(
            "INSERT INTO heads (number, id, at, is_open) VALUES (?1, ?2, 0, 0)
             ON CONFLICT DO UPDATE SET id = excluded.id",
        )?;
        put.execute(params![i64::try_from(number).unwrap_or(i64::MAX), id])?;
        Ok(())
    }

    /// Visits the heads of change requests, by their numbers.
    pub(super) fn each_head(
        &self,
        mut visit: impl FnMut(Head) -> Result<(), SpoolError>,
    ) -> Result<(), SpoolError> {
        let mut all =
            self.db.prepare_cached("SELECT number, id, at, is_open FROM heads ORDER BY number")?;
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(0)?;
            let number = number.unsigned_abs();
            let (id, at, is_open) = (row.get(1)?, row.get(2)?, row.get(3)?);
            visit(Head { number, id, at, is_open })?;
        }
        Ok(())
    }
}
