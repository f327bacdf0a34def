//! What was noted of one job, in pages.

use super::{database::AnyError, journal::SqliteJournal, lanes, names};
use async_trait::async_trait;
use packhorse_core::{
    Event, Lane, Loss, Scope,
    job::JobId,
    port::{Failure, History, JournalError, LaneView, NotedLoss, ProjectView},
};
use rusqlite::{Params, Row};

pub(crate) struct SqliteHistory {
    pub(crate) journal: SqliteJournal,
    pub(crate) job: JobId,
}

impl SqliteHistory {
    async fn rows<T: Send + 'static>(
        &self,
        sql: &'static str,
        parameters: impl Params + Send + 'static,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, JournalError> {
        self.journal
            .read("read the history", move |transaction| -> Result<_, AnyError> {
                let mut statement = transaction.prepare_cached(sql)?;
                let rows = statement.query_map(parameters, read)?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// Parameters of a page of rows that are numbered without gaps.
    fn page(&self, offset: u64, limit: usize) -> (u64, u64, u64) {
        (self.job.0, offset, limit as u64)
    }
}

#[async_trait]
impl History for SqliteHistory {
    async fn projects(&self) -> Result<Vec<ProjectView>, JournalError> {
        let sql =
            "SELECT source, target, stage, reason FROM projects WHERE job = ?1 ORDER BY source";
        self.rows(sql, [self.job.0], |row| {
            Ok(ProjectView {
                source: row.get(0)?,
                target: row.get(1)?,
                stage: names::stage(row, 2)?,
                reason: row.get(3)?,
            })
        })
        .await
    }

    async fn lanes(&self) -> Result<Vec<LaneView>, JournalError> {
        let mut list = self.rows(lanes::VIEWS, [self.job.0], lanes::view).await?;
        list.sort_by(|a, b| (&a.scope, a.kind).cmp(&(&b.scope, b.kind)));
        Ok(list)
    }

    async fn losses(&self, offset: u64, limit: usize) -> Result<Vec<NotedLoss>, JournalError> {
        let sql = "SELECT scope, kind, losses.id, field, cause, detail
                   FROM losses JOIN listings ON listings.id = listing
                   WHERE job = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3";
        self.rows(sql, self.page(offset, limit), |row| {
            let (field, cause) = (row.get::<_, String>(3)?.into(), names::cause(row, 4)?);
            Ok(NotedLoss {
                scope: Scope::from_key(&row.get::<_, String>(0)?),
                kind: names::kind(row, 1)?,
                id: row.get(2)?,
                loss: Loss { field, cause, detail: row.get(5)? },
            })
        })
        .await
    }

    async fn lanes_that_lost(&self, field: &str) -> Result<Vec<Lane>, JournalError> {
        let sql = "SELECT scope, kind FROM listings
                   WHERE id IN (SELECT listing FROM losses WHERE job = ?1 AND field = ?2)";
        self.rows(sql, (self.job.0, field.to_owned()), |row| {
            let scope = Scope::from_key(&row.get::<_, String>(0)?);
            Ok(Lane::new(scope, names::kind(row, 1)?))
        })
        .await
    }

    async fn failures(&self, offset: u64, limit: usize) -> Result<Vec<Failure>, JournalError> {
        let sql = "SELECT scope, kind, origin, reason
                   FROM failures JOIN listings ON listings.id = listing
                   WHERE job = ?1 ORDER BY failures.id LIMIT ?3 OFFSET ?2";
        self.rows(sql, self.page(offset, limit), |row| {
            Ok(Failure {
                scope: Scope::from_key(&row.get::<_, String>(0)?),
                kind: names::kind(row, 1)?,
                id: row.get(2)?,
                reason: row.get(3)?,
            })
        })
        .await
    }

    async fn events(&self, offset: u64, limit: usize) -> Result<Vec<Event>, JournalError> {
        let sql = "SELECT body FROM events WHERE job = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3";
        self.rows(sql, self.page(offset, limit), |row| names::json(row, 0)).await
    }
}
