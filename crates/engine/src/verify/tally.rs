//! Two lanes side by side, on disk.
//!
//! Both ends list in their own order, and neither fits into memory. So each side
//! writes a row of id and fingerprint into a scratch database, which then says
//! what is equal, different, missing and extra. It holds ids and hashes, never
//! content, and is emptied for the next lane.

use super::sum::Sums;
use packhorse_core::Fingerprint;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::path::Path;

/// Bytes of the scratch database that stay in memory, in KiB.
const CACHE_KIB: i64 = 16 << 10;

/// What one lane should be and what it is.
#[derive(Debug)]
pub(crate) struct Tally {
    db: Connection,
    /// Whether anything was noted since it was last empty: most lanes have nothing.
    is_used: bool,
    doubled: Vec<String>,
    n_doubled: u64,
}

/// What takes down the rows of a lane.
pub(crate) trait Rows: Send {
    /// Whether it can tell which row it is that differs.
    const TELLS: bool;

    /// Notes records that should be there.
    fn expect(
        &mut self,
        rows: impl IntoIterator<Item = (String, String, Fingerprint)>,
    ) -> Result<(), rusqlite::Error>;

    /// Notes records that are there.
    fn find(
        &mut self,
        rows: impl IntoIterator<Item = (String, Fingerprint)>,
    ) -> Result<(), rusqlite::Error>;
}

/// A record that differs or is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Id of its origin.
    pub(super) origin: String,
    /// Id at the destination.
    pub(super) id: String,
}

/// How records of two ends are brought together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matching {
    /// By id.
    ById,
    /// By id; what that leaves over, by content.
    ByContent,
}

/// What a tally came to; lists hold no more than was asked for.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) n_expected: u64,
    pub(super) n_equal: u64,
    pub(super) n_different: u64,
    pub(super) n_missing: u64,
    pub(super) n_extra: u64,
    pub(super) n_doubled: u64,
    pub(super) different: Vec<Row>,
    pub(super) missing: Vec<Row>,
    pub(super) extra: Vec<String>,
    pub(super) doubled: Vec<String>,
}

impl Tally {
    /// Makes the scratch database in a directory; it goes when the tally is dropped.
    pub(crate) fn open(scratch: &Path) -> Result<(Self, tempfile::TempDir), super::VerifyError> {
        std::fs::create_dir_all(scratch)?;
        let directory = tempfile::Builder::new().prefix("tally-").tempdir_in(scratch)?;
        let db = Connection::open(directory.path().join("tally.sqlite"))?;
        // Nothing here survives a crash, and nothing has to.
        db.execute_batch(&format!(
            "PRAGMA journal_mode = OFF;
             PRAGMA synchronous = OFF;
             PRAGMA locking_mode = EXCLUSIVE;
             PRAGMA temp_store = FILE;
             PRAGMA cache_size = -{CACHE_KIB};
             CREATE TABLE expected (id TEXT, origin TEXT, hash BLOB, PRIMARY KEY (id, origin)) WITHOUT ROWID;
             CREATE TABLE found (id TEXT PRIMARY KEY, hash BLOB) WITHOUT ROWID;
             CREATE TABLE pairs (expected TEXT, origin TEXT, found TEXT);"
        ))?;
        Ok((Self { db, is_used: false, doubled: Vec::new(), n_doubled: 0 }, directory))
    }

    /// Empties it for the next lane.
    pub(crate) fn clear(&mut self) -> Result<(), rusqlite::Error> {
        if !std::mem::take(&mut self.is_used) {
            return Ok(());
        }
        self.doubled.clear();
        self.n_doubled = 0;
        self.db.execute_batch("DELETE FROM expected; DELETE FROM found; DELETE FROM pairs;")
    }

    /// The fingerprint that a record of that origin should have, if one is expected.
    pub(crate) fn expected(
        &self,
        id: &str,
        origin: &str,
    ) -> Result<Option<Fingerprint>, rusqlite::Error> {
        self.db
            .prepare_cached("SELECT hash FROM expected WHERE id = ?1 AND origin = ?2")?
            .query_row((id, origin), |row| Ok(Fingerprint::from_bytes(row.get(0)?)))
            .optional()
    }

    /// Brings both sides together; `room` bounds each list.
    pub(super) fn outcome(
        &mut self,
        matching: Matching,
        room: usize,
    ) -> Result<Outcome, rusqlite::Error> {
        if !self.is_used {
            return Ok(Outcome::default());
        }
        let n_expected = self.count("SELECT count(*) FROM expected")?;
        let n_found = self.count("SELECT count(*) FROM found")?;
        let mut n_equal = self.count(
            "SELECT count(*) FROM expected e JOIN found f USING (id) WHERE e.hash = f.hash",
        )?;
        let mut outcome = Outcome {
            n_expected,
            n_equal,
            n_doubled: self.n_doubled,
            doubled: std::mem::take(&mut self.doubled),
            ..Outcome::default()
        };
        if n_equal == n_expected && n_equal == n_found {
            return Ok(outcome);
        }
        self.take_out("SELECT e.id, e.origin, f.id FROM expected e JOIN found f USING (id) WHERE e.hash = f.hash")?;
        if matching == Matching::ByContent {
            n_equal += self.take_out(
                "SELECT e.id, e.origin, f.id
                 FROM (SELECT *, row_number() OVER (PARTITION BY hash ORDER BY id) AS n FROM expected) e
                 JOIN (SELECT *, row_number() OVER (PARTITION BY hash ORDER BY id) AS n FROM found) f
                 ON e.hash = f.hash AND e.n = f.n",
            )?;
            outcome.n_equal = n_equal;
        }
        self.rest(&mut outcome, room)?;
        Ok(outcome)
    }

    /// Takes pairs that are equal out of both tables, and counts them.
    fn take_out(&mut self, pairs: &str) -> Result<u64, rusqlite::Error> {
        self.db.execute_batch(&format!(
            "DELETE FROM pairs;
             INSERT INTO pairs {pairs};
             DELETE FROM expected WHERE (id, origin) IN (SELECT expected, origin FROM pairs);
             DELETE FROM found WHERE id IN (SELECT found FROM pairs);"
        ))?;
        self.count("SELECT count(*) FROM pairs")
    }

    /// Tells apart what is left over.
    fn rest(&self, outcome: &mut Outcome, room: usize) -> Result<(), rusqlite::Error> {
        const DIFFERENT: &str =
            "FROM expected e WHERE EXISTS (SELECT 1 FROM found f WHERE f.id = e.id)";
        const MISSING: &str =
            "FROM expected e WHERE NOT EXISTS (SELECT 1 FROM found f WHERE f.id = e.id)";
        const EXTRA: &str =
            "FROM found f WHERE NOT EXISTS (SELECT 1 FROM expected e WHERE e.id = f.id)";
        outcome.n_different = self.count(&format!("SELECT count(*) {DIFFERENT}"))?;
        outcome.n_missing = self.count(&format!("SELECT count(*) {MISSING}"))?;
        outcome.n_extra = self.count(&format!("SELECT count(*) {EXTRA}"))?;
        outcome.different = self.rows(&format!("SELECT e.origin, e.id {DIFFERENT}"), room)?;
        outcome.missing = self.rows(&format!("SELECT e.origin, e.id {MISSING}"), room)?;
        let extra = self.rows(&format!("SELECT f.id, f.id {EXTRA}"), room)?;
        outcome.extra = extra.into_iter().map(|row| row.id).collect();
        Ok(())
    }

    fn count(&self, sql: &str) -> Result<u64, rusqlite::Error> {
        let n: i64 = self.db.query_row(sql, [], |row| row.get(0))?;
        Ok(n.unsigned_abs())
    }

    fn rows(&self, sql: &str, room: usize) -> Result<Vec<Row>, rusqlite::Error> {
        let room = i64::try_from(room).unwrap_or(i64::MAX);
        self.db
            .prepare(&format!("{sql} ORDER BY 1 LIMIT ?1"))?
            .query_map([room], |row| Ok(Row { origin: row.get(0)?, id: row.get(1)? }))?
            .collect()
    }
}

impl Rows for Sums {
    const TELLS: bool = false;

    fn expect(
        &mut self,
        rows: impl IntoIterator<Item = (String, String, Fingerprint)>,
    ) -> Result<(), rusqlite::Error> {
        rows.into_iter().for_each(|(id, _, hash)| self.expected.add(&id, hash));
        Ok(())
    }

    fn find(
        &mut self,
        rows: impl IntoIterator<Item = (String, Fingerprint)>,
    ) -> Result<(), rusqlite::Error> {
        rows.into_iter().for_each(|(id, hash)| self.found.add(&id, hash));
        Ok(())
    }
}

impl Rows for Tally {
    const TELLS: bool = true;

    fn expect(
        &mut self,
        rows: impl IntoIterator<Item = (String, String, Fingerprint)>,
    ) -> Result<(), rusqlite::Error> {
        let batch = self.db.transaction()?;
        {
            let mut insert =
                batch.prepare_cached("INSERT OR REPLACE INTO expected VALUES (?1, ?2, ?3)")?;
            for (id, origin, hash) in rows {
                self.is_used = true;
                insert.execute(params![id, origin, hash.as_bytes()])?;
            }
        }
        batch.commit()
    }

    fn find(
        &mut self,
        rows: impl IntoIterator<Item = (String, Fingerprint)>,
    ) -> Result<(), rusqlite::Error> {
        let batch = self.db.transaction()?;
        {
            let mut insert = batch.prepare_cached("INSERT OR IGNORE INTO found VALUES (?1, ?2)")?;
            for (id, hash) in rows {
                self.is_used = true;
                if insert.execute(params![id, hash.as_bytes()])? == 0 {
                    self.n_doubled += 1;
                    if self.doubled.len() < super::MAX_FINDINGS {
                        self.doubled.push(id);
                    }
                }
            }
        }
        batch.commit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: u8) -> Fingerprint {
        Fingerprint::from_bytes([n; 32])
    }

    #[track_caller]
    fn check(
        matching: Matching,
        expected: &[(&str, u8)],
        found: &[(&str, u8)],
        counts: (u64, u64, u64, u64),
    ) {
        let scratch = tempfile::tempdir().unwrap();
        let (mut tally, _directory) = Tally::open(scratch.path()).unwrap();
        tally
            .expect(expected.iter().map(|(id, n)| ((*id).into(), (*id).into(), hash(*n))))
            .unwrap();
        tally.find(found.iter().map(|(id, n)| ((*id).into(), hash(*n)))).unwrap();

        let outcome = tally.outcome(matching, 10).unwrap();

        let Outcome { n_equal, n_different, n_missing, n_extra, .. } = outcome;
        assert_eq!((n_equal, n_different, n_missing, n_extra), counts);
        let lists = (outcome.different.len(), outcome.missing.len(), outcome.extra.len());
        assert_eq!(lists, (n_different as usize, n_missing as usize, n_extra as usize));
    }

    #[test]
    fn order_does_not_matter() {
        check(Matching::ById, &[("a", 1), ("b", 2)], &[("b", 2), ("a", 1)], (2, 0, 0, 0));
        check(Matching::ById, &[], &[], (0, 0, 0, 0));
    }

    #[test]
    fn what_differs_is_missing_or_is_extra_is_told_apart() {
        check(
            Matching::ById,
            &[("a", 1), ("b", 2), ("c", 3)],
            &[("a", 1), ("b", 9), ("d", 4)],
            (1, 1, 1, 1),
        );
    }

    #[test]
    fn other_ids_are_matched_by_content_and_each_only_once() {
        check(
            Matching::ByContent,
            &[("1", 7), ("2", 7), ("3", 8)],
            &[("11", 7), ("12", 8), ("13", 8)],
            (2, 0, 1, 1),
        );
    }

    #[test]
    fn what_is_listed_twice_is_told() {
        let scratch = tempfile::tempdir().unwrap();
        let (mut tally, _directory) = Tally::open(scratch.path()).unwrap();
        tally.expect([("a".into(), "a".into(), hash(1))]).unwrap();

        tally.find([("a".into(), hash(1)), ("a".into(), hash(1))]).unwrap();

        let outcome = tally.outcome(Matching::ById, 10).unwrap();
        assert_eq!((outcome.n_equal, outcome.n_doubled), (1, 1));
        assert_eq!(outcome.doubled, ["a"]);
    }

    #[test]
    fn a_cleared_tally_is_empty() {
        let scratch = tempfile::tempdir().unwrap();
        let (mut tally, _directory) = Tally::open(scratch.path()).unwrap();
        tally.find([("a".into(), hash(1))]).unwrap();

        tally.clear().unwrap();

        assert_eq!(tally.outcome(Matching::ById, 10).unwrap().n_extra, 0);
    }
}
