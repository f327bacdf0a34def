//! What was noted of one job, in pages.

use crate::{
    journal::SqliteJournal,
    lanes::{self, kind},
};
use async_trait::async_trait;
use packhorse_core::{
    Event, Loss, LossCause, Scope,
    job::JobId,
    port::{Failure, History, JournalError, LaneView, NotedLoss, ProjectView},
};
use rusqlite::Row;

pub(crate) struct SqliteHistory {
    pub(crate) journal: SqliteJournal,
    pub(crate) job: JobId,
}

impl SqliteHistory {
    async fn rows<T: Send + 'static>(
        &self,
        sql: &'static str,
        (offset, limit): (u64, usize),
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, JournalError> {
        let job = self.job.0;
        self.journal
            .step("read the history", move |db| {
                let mut statement = db.prepare_cached(sql)?;
                let rows = statement.query_map((job, limit as u64, offset), read)?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }
}

/// All rows.
const WHOLE: (u64, usize) = (0, i64::MAX as usize);

#[async_trait]
impl History for SqliteHistory {
    async fn projects(&self) -> Result<Vec<ProjectView>, JournalError> {
        let sql = "SELECT source, target, stage, reason FROM projects
                   WHERE job = ?1 ORDER BY source LIMIT ?2 OFFSET ?3";
        self.rows(sql, WHOLE, |row| {
            Ok(ProjectView {
                source: row.get(0)?,
                target: row.get(1)?,
                stage: lanes::stage(&row.get::<_, String>(2)?),
                reason: row.get(3)?,
            })
        })
        .await
    }

    async fn lanes(&self) -> Result<Vec<LaneView>, JournalError> {
        let job = self.job.0;
        let list = self.journal.step("read the history", move |db| {
            let sql = format!(
                "SELECT {} FROM lanes JOIN scopes ON scopes.id = lanes.scope WHERE job = ?1",
                lanes::COLUMNS
            );
            let mut statement = db.prepare_cached(&sql)?;
            let rows = statement.query_map([job], lanes::view)?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        });
        let mut list = list.await?;
        list.sort_by(|a, b| (&a.scope, a.kind).cmp(&(&b.scope, b.kind)));
        Ok(list)
    }

    async fn losses(&self, offset: u64, limit: usize) -> Result<Vec<NotedLoss>, JournalError> {
        let sql = "SELECT path, kind, losses.id, field, cause, detail
                   FROM losses JOIN scopes ON scopes.id = losses.scope
                   WHERE job = ?1 ORDER BY seq LIMIT ?2 OFFSET ?3";
        self.rows(sql, (offset, limit), noted_loss).await
    }

    async fn failures(&self, offset: u64, limit: usize) -> Result<Vec<Failure>, JournalError> {
        let sql = "SELECT path, kind, failures.id, reason
                   FROM failures JOIN scopes ON scopes.id = failures.scope
                   WHERE job = ?1 ORDER BY seq LIMIT ?2 OFFSET ?3";
        self.rows(sql, (offset, limit), |row| {
            Ok(Failure {
                scope: Scope::from_key(&row.get::<_, String>(0)?),
                kind: kind(row, 1)?,
                id: row.get(2)?,
                reason: row.get(3)?,
            })
        })
        .await
    }

    async fn events(&self, offset: u64, limit: usize) -> Result<Vec<Event>, JournalError> {
        let sql = "SELECT body FROM events WHERE job = ?1 ORDER BY seq LIMIT ?2 OFFSET ?3";
        self.rows(sql, (offset, limit), |row| {
            let body: String = row.get(0)?;
            serde_json::from_str(&body).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(
                    0,
                    rusqlite::types::Type::Text,
                    error.into(),
                )
            })
        })
        .await
    }
}

fn noted_loss(row: &Row<'_>) -> rusqlite::Result<NotedLoss> {
    let cause: String = row.get(4)?;
    let causes = [LossCause::Source, LossCause::Policy, LossCause::Sink];
    let cause = causes.into_iter().find(|it| it.name() == cause).unwrap_or(LossCause::Sink);
    let field: String = row.get(3)?;
    Ok(NotedLoss {
        scope: Scope::from_key(&row.get::<_, String>(0)?),
        kind: kind(row, 1)?,
        id: row.get(2)?,
        loss: Loss { field: field.into(), cause, detail: row.get(5)? },
    })
}
