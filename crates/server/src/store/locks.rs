//! Repositories that nobody shall write to for a while.

use super::{
    AnyError, Store, StoreError,
    sql::{Row, values},
};

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

fn lock(row: &Row) -> Result<Lock, AnyError> {
    Ok(Lock { place: row.get(0)?, project: row.get(1)?, expires_at: row.get(2)? })
}

impl Store {
    /// The locks that a request holds.
    pub(crate) async fn locks(&self, request: u64) -> Result<Vec<Lock>, StoreError> {
        self.read("list locks", move |tx| {
            Box::pin(async move {
                let sql = "SELECT place, project, expires_at FROM locks WHERE request = ?1";
                tx.rows(sql, values![request]).await?.iter().map(lock).collect()
            })
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
            Box::pin(async move {
                let sql = "SELECT max(expires_at) FROM locks
                     WHERE place = ?1 AND project = ?2 AND expires_at > ?3";
                tx.value(sql, values![place, project, now]).await
            })
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
            Box::pin(async move {
                let sql = "DELETE FROM locks WHERE request = ?1 AND project = ?2
                     RETURNING place, project, expires_at";
                tx.row(sql, values![request, project]).await?.as_ref().map(lock).transpose()
            })
        })
        .await
    }

    /// Takes locks back that have ended, at most 256 at a time.
    pub(crate) async fn ended_locks(&self, now: i64) -> Result<Vec<Lock>, StoreError> {
        self.write("take ended locks back", move |tx| {
            Box::pin(async move {
                let sql = "DELETE FROM locks WHERE (place, project, request) IN
                     (SELECT place, project, request FROM locks WHERE expires_at <= ?1 LIMIT 256)
                     RETURNING place, project, expires_at";
                tx.rows(sql, values![now]).await?.iter().map(lock).collect()
            })
        })
        .await
    }
}
