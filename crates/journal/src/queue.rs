//! Jobs: submitted, claimed, kept alive, closed.

use crate::{
    database::{AnyError, ClaimLost, begin, fence},
    journal::SqliteJournal,
};
use async_trait::async_trait;
use packhorse_core::{
    job::{JobId, JobSpec, JobState, JobView},
    model::Time,
    port::{Claim, JournalError, Pulse, Queue},
};
use rusqlite::{Connection, OptionalExtension, Row};
use std::time::Duration;

/// What makes two jobs run over the same route: what arrives where.
fn route_key(spec: &JobSpec) -> Result<String, AnyError> {
    let options = &spec.options;
    Ok(serde_json::to_string(&(
        &spec.source_identity,
        &spec.sink_identity,
        &options.project,
        &options.target,
    ))?)
}

fn submit(db: &mut Connection, spec: &JobSpec, now: i64) -> Result<JobId, AnyError> {
    let key = route_key(spec)?;
    let tx = begin(db)?;
    tx.execute("INSERT INTO routes (key) VALUES (?1) ON CONFLICT DO NOTHING", [&key])?;
    let route: i64 =
        tx.query_row("SELECT id FROM routes WHERE key = ?1", [&key], |row| row.get(0))?;
    tx.execute(
        "INSERT INTO jobs (route, spec, state, created_at) VALUES (?1, ?2, 'waiting', ?3)",
        (route, serde_json::to_string(spec)?, now),
    )?;
    let id = JobId(tx.last_insert_rowid().unsigned_abs());
    tx.commit()?;
    Ok(id)
}

/// A job may be taken when it waits, or its worker fell silent; one that is asked for by its
/// number also when it ended, to go on with it or to roll it back.
const MAY_BE_TAKEN: &str = "(state = 'waiting' OR (state = 'running' AND expires_at <= ?1)
    OR (?2 IS NOT NULL AND state <> 'running'))";

fn claim(
    db: &mut Connection,
    job: Option<JobId>,
    worker: &str,
    lease: Duration,
    now: i64,
) -> Result<Option<Claim>, AnyError> {
    let lease_ms = i64::try_from(lease.as_millis())?;
    let tx = begin(db)?;
    let sql = format!(
        "SELECT id FROM jobs WHERE {MAY_BE_TAKEN} AND (?2 IS NULL OR id = ?2) ORDER BY id LIMIT 1"
    );
    let found: Option<u64> =
        tx.query_row(&sql, (now, job.map(|it| it.0)), |row| row.get(0)).optional()?;
    let Some(id) = found else { return Ok(None) };
    let (route, epoch) = tx.query_row(
        "UPDATE jobs SET state = 'running', worker = ?2, epoch = epoch + 1, cancelling = 0,
             lease_ms = ?3, expires_at = ?4, started_at = coalesce(started_at, ?5),
             ended_at = NULL, reason = NULL
         WHERE id = ?1 RETURNING route, epoch",
        (id, worker, lease_ms, now + lease_ms, now),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    tx.commit()?;
    Ok(Some(Claim { job: JobId(id), route, epoch, lease }))
}

fn heartbeat(db: &mut Connection, claim: &Claim, now: i64) -> Result<Pulse, AnyError> {
    let tx = begin(db)?;
    if let Err(error) = fence(&tx, claim) {
        return if error.is::<ClaimLost>() { Ok(Pulse::Lost) } else { Err(error) };
    }
    let cancelling: bool = tx.query_row(
        "UPDATE jobs SET expires_at = ?2 + lease_ms WHERE id = ?1 RETURNING cancelling",
        (claim.job.0, now),
        |row| row.get(0),
    )?;
    tx.commit()?;
    Ok(if cancelling { Pulse::Cancelling } else { Pulse::Beating })
}

fn cancel(db: &mut Connection, job: JobId, now: i64) -> Result<bool, AnyError> {
    let tx = begin(db)?;
    // Nobody beats for a job that waits, or whose worker fell silent.
    let ended = tx.execute(
        "UPDATE jobs SET state = 'cancelled', ended_at = ?2, worker = NULL
         WHERE id = ?1 AND (state IN ('waiting', 'stopped')
             OR (state = 'running' AND expires_at <= ?2))",
        (job.0, now),
    )?;
    let asked =
        tx.execute("UPDATE jobs SET cancelling = 1 WHERE id = ?1 AND state = 'running'", [job.0])?;
    tx.commit()?;
    Ok(ended + asked > 0)
}

fn close(
    db: &mut Connection,
    claim: &Claim,
    state: JobState,
    reason: Option<&str>,
    now: i64,
) -> Result<(), AnyError> {
    let tx = begin(db)?;
    fence(&tx, claim)?;
    tx.execute(
        "UPDATE jobs SET state = ?2, reason = ?3, ended_at = ?4, worker = NULL, cancelling = 0
         WHERE id = ?1",
        (claim.job.0, state.name(), reason, now),
    )?;
    tx.commit()?;
    Ok(())
}

fn state(name: &str) -> JobState {
    let all = [
        JobState::Waiting,
        JobState::Running,
        JobState::Finished,
        JobState::Failed,
        JobState::Stopped,
        JobState::Cancelled,
        JobState::RolledBack,
    ];
    all.into_iter().find(|it| it.name() == name).unwrap_or(JobState::Stopped)
}

fn view(row: &Row<'_>, now: i64) -> rusqlite::Result<Result<JobView, serde_json::Error>> {
    let spec: String = row.get(2)?;
    let state = state(&row.get::<_, String>(3)?);
    let time = |ms: Option<i64>| ms.and_then(Time::from_millis);
    let expires_at: i64 = row.get(6)?;
    let (id, route, reason) = (JobId(row.get(0)?), row.get(1)?, row.get(4)?);
    let (cancelling, created_at) = (row.get(5)?, time(row.get(7)?).unwrap_or_default());
    let (started_at, ended_at) = (time(row.get(8)?), time(row.get(9)?));
    Ok(serde_json::from_str(&spec).map(|spec| JobView {
        id,
        route,
        spec,
        state,
        reason,
        cancelling,
        lease_expired: state == JobState::Running && expires_at <= now,
        created_at,
        started_at,
        ended_at,
    }))
}

#[async_trait]
impl Queue for SqliteJournal {
    async fn submit(&self, spec: &JobSpec) -> Result<JobId, JournalError> {
        let (spec, now) = (spec.clone(), self.clock.now_ms());
        self.step("add a job", move |db| submit(db, &spec, now)).await
    }

    async fn claim(
        &self,
        job: Option<JobId>,
        worker: &str,
        lease: Duration,
    ) -> Result<Option<Claim>, JournalError> {
        let (worker, now) = (worker.to_owned(), self.clock.now_ms());
        self.step("claim a job", move |db| claim(db, job, &worker, lease, now)).await
    }

    async fn heartbeat(&self, claim: &Claim) -> Result<Pulse, JournalError> {
        let (claim, now) = (claim.clone(), self.clock.now_ms());
        self.step("extend a lease", move |db| heartbeat(db, &claim, now)).await
    }

    async fn cancel(&self, job: JobId) -> Result<bool, JournalError> {
        let now = self.clock.now_ms();
        self.step("cancel a job", move |db| cancel(db, job, now)).await
    }

    async fn close(
        &self,
        claim: &Claim,
        state: JobState,
        reason: Option<&str>,
    ) -> Result<(), JournalError> {
        let (claim, reason, now) = (claim.clone(), reason.map(str::to_owned), self.clock.now_ms());
        self.step("close a job", move |db| close(db, &claim, state, reason.as_deref(), now)).await
    }

    async fn keep(
        &self,
        job: JobId,
        name: &str,
        document: &serde_json::Value,
    ) -> Result<(), JournalError> {
        let (name, body) = (name.to_owned(), document.to_string());
        self.step("keep a document", move |db| {
            db.execute(
                "INSERT INTO documents (job, name, body) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET body = ?3",
                (job.0, name, body),
            )?;
            Ok(())
        })
        .await
    }

    async fn kept(
        &self,
        job: JobId,
        name: &str,
    ) -> Result<Option<serde_json::Value>, JournalError> {
        let name = name.to_owned();
        self.step("read a document", move |db| {
            let body: Option<String> = db
                .query_row(
                    "SELECT body FROM documents WHERE job = ?1 AND name = ?2",
                    (job.0, name),
                    |row| row.get(0),
                )
                .optional()?;
            Ok(body.map(|it| serde_json::from_str(&it)).transpose()?)
        })
        .await
    }

    async fn jobs(&self, job: Option<JobId>) -> Result<Vec<JobView>, JournalError> {
        let now = self.clock.now_ms();
        self.step("list jobs", move |db| {
            let mut statement = db.prepare_cached(
                "SELECT id, route, spec, state, reason, cancelling, expires_at, created_at,
                     started_at, ended_at
                 FROM jobs WHERE ?1 IS NULL OR id = ?1 ORDER BY id DESC",
            )?;
            let rows = statement.query_map([job.map(|it| it.0)], |row| view(row, now))?;
            let mut list = Vec::new();
            for row in rows {
                list.push(row??);
            }
            Ok(list)
        })
        .await
    }
}
