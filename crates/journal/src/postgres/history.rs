//! What was noted of one job, in pages.

use super::{
    journal::PostgresJournal,
    lanes,
    pool::AnyError,
    row::{cause, id, id_if_any, int, json, kind, stage},
};
use async_trait::async_trait;
use packhorse_core::{
    Event, Lane, Loss, Scope,
    job::JobId,
    port::{Failure, History, JournalError, LaneView, NotedLoss, ProjectView},
};
use tokio_postgres::{Row, types::ToSql};

pub(super) struct PostgresHistory {
    pub(super) journal: PostgresJournal,
    pub(super) job: JobId,
}

impl PostgresHistory {
    async fn rows<T>(
        &self,
        sql: &'static str,
        more: &[&(dyn ToSql + Sync)],
        read: fn(&Row) -> Result<T, AnyError>,
    ) -> Result<Vec<T>, JournalError> {
        let job = int(self.job.0);
        let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&job];
        parameters.extend_from_slice(more);
        let rows = self.journal.rows("read the history", sql, &parameters).await?;
        rows.iter()
            .map(read)
            .collect::<Result<_, _>>()
            .map_err(|source| JournalError { operation: "read the history", source })
    }
}

#[async_trait]
impl History for PostgresHistory {
    async fn projects(&self) -> Result<Vec<ProjectView>, JournalError> {
        let sql = "SELECT source, target, stage, reason FROM projects WHERE job = $1
                   ORDER BY source COLLATE \"C\"";
        self.rows(sql, &[], |row| {
            Ok(ProjectView {
                source: row.try_get(0)?,
                target: row.try_get(1)?,
                stage: stage(row, 2)?,
                reason: row.try_get(3)?,
            })
        })
        .await
    }

    async fn lanes(&self) -> Result<Vec<LaneView>, JournalError> {
        let mut list = self.rows(lanes::VIEWS, &[], lanes::view).await?;
        list.sort_by(|a, b| (&a.scope, a.kind).cmp(&(&b.scope, b.kind)));
        Ok(list)
    }

    async fn losses(&self, offset: u64, limit: usize) -> Result<Vec<NotedLoss>, JournalError> {
        let sql = "SELECT scope, kind, losses.id, field, cause, detail
                   FROM losses JOIN listings ON listings.id = listing
                   WHERE job = $1 AND seq >= $2 ORDER BY seq LIMIT $3";
        self.rows(sql, &[&int(offset), &int(limit as u64)], |row| {
            let field: String = row.try_get(3)?;
            Ok(NotedLoss {
                scope: Scope::from_key(row.try_get(0)?),
                kind: kind(row, 1)?,
                id: id(row, 2)?,
                loss: Loss { field: field.into(), cause: cause(row, 4)?, detail: row.try_get(5)? },
            })
        })
        .await
    }

    async fn lanes_that_lost(&self, field: &str) -> Result<Vec<Lane>, JournalError> {
        let sql = "SELECT scope, kind FROM listings
                   WHERE id IN (SELECT listing FROM losses WHERE job = $1 AND field = $2)";
        self.rows(sql, &[&field], |row| {
            Ok(Lane::new(Scope::from_key(row.try_get(0)?), kind(row, 1)?))
        })
        .await
    }

    async fn failures(&self, offset: u64, limit: usize) -> Result<Vec<Failure>, JournalError> {
        let sql = "SELECT scope, kind, origin, reason
                   FROM failures JOIN listings ON listings.id = listing
                   WHERE job = $1 ORDER BY failures.id OFFSET $2 LIMIT $3";
        self.rows(sql, &[&int(offset), &int(limit as u64)], |row| {
            Ok(Failure {
                scope: Scope::from_key(row.try_get(0)?),
                kind: kind(row, 1)?,
                id: id_if_any(row, 2)?,
                reason: row.try_get(3)?,
            })
        })
        .await
    }

    async fn events(&self, offset: u64, limit: usize) -> Result<Vec<Event>, JournalError> {
        let sql = "SELECT body FROM events WHERE job = $1 AND seq >= $2 ORDER BY seq LIMIT $3";
        self.rows(sql, &[&int(offset), &int(limit as u64)], |row| json(row, 0)).await
    }
}
