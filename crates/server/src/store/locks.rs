//! Repositories that nobody shall write to for a while.

use super::{Store, StoreError};
use rusqlite::OptionalExtension;

/// A lock on a repository of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lock {
    /// Location of the place.
    pub(crate) place: String,
    /// Full path of the project.
    pub(crate) project: String,
    /// Until when, in milliseconds since 1970.
    pub(crate) expires_at: i64,
}

fn lock(row: &rusqlite::Row<'_>) -> rusqlite::Result<Lock> {
    Ok(Lock { place: row.get(0)?, project: row.get(1)?, expires_at: row.get(2)? })
}

impl Store {
    /// The locks that a request holds.
    pub(crate) async fn locks(&self, request: u64) -> Result<Vec<Lock>, StoreError> {
        self.read("list locks", move |tx| {
            let sql = "SELECT place, project, expires_at FROM locks WHERE request = ?1";
            let mut statement = tx.prepare_cached(sql)?;
            let rows = statement.query_map([request], lock)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Until when others hold a repository, if they do.
    pub(crate) async fn locked_until(
        &self,
        place: String,
        project: String,
        now: i64,
    ) -> Result<Option<i64>, StoreError> {
        self.read("look up a lock", move |tx| {
            let sql = "SELECT max(expires_at) FROM locks
                 WHERE place = ?1 AND project = ?2 AND expires_at > ?3";
            Ok(tx.query_row(sql, (place, project, now), |row| row.get(0))?)
        })
        .await
    }

    /// Takes a lock back; `None` when the request does not hold it.
    pub(crate) async fn unlock(
        &self,
        request: u64,
        project: String,
    ) -> Result<Option<Lock>, StoreError> {
        self.write("take a lock back", move |tx| {
            let sql = "DELETE FROM locks WHERE request = ?1 AND project = ?2
                 RETURNING place, project, expires_at";
            Ok(tx.query_row(sql, (request, project), lock).optional()?)
        })
        .await
    }

    /// Takes locks back that have ended, at most 256 at a time.
    pub(crate) async fn ended_locks(&self, now: i64) -> Result<Vec<Lock>, StoreError> {
        self.write("take ended locks back", move |tx| {
            let sql = "DELETE FROM locks WHERE (place, project, request) IN
                 (SELECT place, project, request FROM locks WHERE expires_at <= ?1 LIMIT 256)
                 RETURNING place, project, expires_at";
            let mut statement = tx.prepare_cached(sql)?;
            let rows = statement.query_map([now], lock)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }
}
