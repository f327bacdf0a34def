//! Jobs: submitted, claimed, kept alive, closed.

use super::{
    journal::{PostgresJournal, step},
    pool::AnyError,
    row::{count, int, json, state, text},
    session::fence,
};
use async_trait::async_trait;
use deadpool_postgres::Transaction;
use packhorse_core::{
    job::{JobId, JobSpec, JobState, JobView},
    model::Time,
    port::{Claim, ClaimLost, JournalError, Pulse, Queue},
};
use std::time::Duration;
use tokio_postgres::Row;

/// What a job over a route whose worker fell silent is stopped with.
const SILENT: &str = "its worker fell silent, and another job of its route was taken";

async fn submit(tx: &Transaction<'_>, spec: &JobSpec, now: i64) -> Result<JobId, AnyError> {
    let option = |it: &Option<String>| text(it.as_deref().unwrap_or_default());
    let (source, sink) = (text(&spec.source_identity), text(&spec.sink_identity));
    let (project, target) = (option(&spec.options.project), option(&spec.options.target));
    tx.execute(
        "INSERT INTO routes (source_identity, sink_identity, project, target)
         VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        &[&source, &sink, &project, &target],
    )
    .await?;
    let route: i64 = tx
        .query_one(
            "SELECT id FROM routes WHERE source_identity = $1 AND sink_identity = $2
                 AND project = $3 AND target = $4",
            &[&source, &sink, &project, &target],
        )
        .await?
        .try_get(0)?;
    let row = tx
        .query_one(
            "INSERT INTO jobs (route, spec, queued, state, created_at)
             VALUES ($1, $2, $3, 'waiting', $4) RETURNING id",
            &[&route, &serde_json::to_string(spec)?, &spec.queued, &now],
        )
        .await?;
    let id: i64 = row.try_get(0)?;
    tx.execute("INSERT INTO leases (job, epoch, expires_at) VALUES ($1, 0, 0)", &[&id]).await?;
    Ok(JobId(count(&row, 0)?))
}

/// Of the queued jobs, those that wait, that stopped, and whose worker fell silent. Nobody may be at work
/// on its route.
const FREE: &str = "queued AND state IN ('waiting', 'stopped', 'running')
    AND (state <> 'running' OR (expires_at <= $1 AND NOT cancelling))";

/// The same of one that is asked for by its number; also when it stopped, failed, or was or should
/// be cancelled.
const ASKED_FOR: &str = "jobs.id = $2
    AND (state IN ('waiting', 'stopped', 'cancelled', 'failed')
        OR (state = 'running' AND expires_at <= $1))";

const NOBODY_AT_WORK: &str =
    "NOT EXISTS (SELECT 1 FROM jobs AS other JOIN leases AS held ON held.job = other.id
        WHERE other.route = jobs.route AND other.id <> jobs.id
            AND other.state = 'running' AND held.expires_at > $1)";

/// Locks a job's lease and its route, so that one worker takes it and no other of the route; one
/// that others are about to take is passed over, and so is one that they took a moment ago, which
/// only a row that is locked tells.
async fn choose(
    tx: &Transaction<'_>,
    job: Option<JobId>,
    now: i64,
) -> Result<Option<i64>, AnyError> {
    let from = "SELECT jobs.id FROM jobs JOIN leases ON leases.job = jobs.id
        JOIN routes ON routes.id = jobs.route";
    let row = match job {
        Some(job) => {
            let sql = format!(
                "{from} WHERE {ASKED_FOR} AND {NOBODY_AT_WORK} FOR UPDATE OF leases, routes"
            );
            tx.query_opt(&tx.prepare_cached(&sql).await?, &[&now, &int(job.0)]).await?
        }
        None => {
            let sql = format!(
                "{from} WHERE {FREE} AND {NOBODY_AT_WORK} ORDER BY jobs.id LIMIT 1
                 FOR UPDATE OF leases, routes SKIP LOCKED
                 FOR NO KEY UPDATE OF jobs SKIP LOCKED"
            );
            tx.query_opt(&tx.prepare_cached(&sql).await?, &[&now]).await?
        }
    };
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

async fn claim(
    tx: &Transaction<'_>,
    job: Option<JobId>,
    (worker, lease): (&str, Duration),
    now: i64,
) -> Result<Option<Claim>, AnyError> {
    let Some(id) = choose(tx, job, now).await? else { return Ok(None) };
    // Looked at again under the locks: before them, somebody may have taken it or its route.
    let wanted = format!(
        "SELECT route, state, EXISTS (SELECT 1 FROM jobs AS other
             WHERE other.route = jobs.route AND other.id <> jobs.id AND other.state = 'running')
         FROM jobs JOIN leases ON leases.job = jobs.id
         WHERE jobs.id = $2 AND {ASKED_FOR} AND {NOBODY_AT_WORK}"
    );
    let row = tx.query_opt(&tx.prepare_cached(&wanted).await?, &[&now, &id]).await?;
    let Some(row) = row else { return Ok(None) };
    let (route, before) = (row.try_get::<_, i64>(0)?, state(&row, 1)?);
    if row.try_get(2)? {
        supersede(tx, id, route, now).await?;
    }
    if before == JobState::Failed {
        let again = "UPDATE lanes SET position = '\"start\"' WHERE job = $1 AND n_failed > 0";
        tx.execute(&tx.prepare_cached(again).await?, &[&id]).await?;
    }
    // One statement: whoever else wants a job of this route waits until it is answered.
    let take = "WITH run AS (UPDATE jobs SET state = 'running', cancelling = FALSE, reason = NULL,
             ended_at = NULL, started_at = coalesce(started_at, $2) WHERE id = $1)
         UPDATE leases SET epoch = epoch + 1, worker = $3, expires_at = $4
         WHERE job = $1 RETURNING job, epoch";
    let take = tx.prepare_cached(take).await?;
    let taken = tx.query_one(&take, &[&id, &now, &text(worker), &until(now, lease)]).await?;
    let job = JobId(count(&taken, 0)?);
    Ok(Some(Claim { job, route: count(&row, 0)?, epoch: count(&taken, 1)?, lease }))
}

fn until(now: i64, lease: Duration) -> i64 {
    now.saturating_add(i64::try_from(lease.as_millis()).unwrap_or(i64::MAX))
}

/// Stops other jobs of the route, whose workers fell silent, so that none of them wakes and writes.
async fn supersede(tx: &Transaction<'_>, id: i64, route: i64, now: i64) -> Result<(), AnyError> {
    let release = "UPDATE leases SET worker = NULL
         WHERE job IN (SELECT id FROM jobs WHERE route = $2 AND id <> $1 AND state = 'running')";
    tx.execute(&tx.prepare_cached(release).await?, &[&id, &route]).await?;
    let stop = "UPDATE jobs SET state = 'stopped', reason = $3, ended_at = $4, cancelling = FALSE
         WHERE route = $2 AND id <> $1 AND state = 'running'";
    tx.execute(&tx.prepare_cached(stop).await?, &[&id, &route, &SILENT, &now]).await?;
    Ok(())
}

async fn heartbeat(tx: &Transaction<'_>, claim: &Claim, now: i64) -> Result<Pulse, AnyError> {
    match fence(tx, claim).await {
        Err(error) if error.is::<ClaimLost>() => return Ok(Pulse::Lost),
        other => other?,
    }
    let job = int(claim.job.0);
    let extend = tx.prepare_cached("UPDATE leases SET expires_at = $2 WHERE job = $1").await?;
    tx.execute(&extend, &[&job, &until(now, claim.lease)]).await?;
    let select = tx.prepare_cached("SELECT cancelling FROM jobs WHERE id = $1").await?;
    let cancelling = tx.query_one(&select, &[&job]).await?.try_get(0)?;
    Ok(if cancelling { Pulse::Cancelling } else { Pulse::Beating })
}

async fn cancel(tx: &Transaction<'_>, job: JobId, now: i64) -> Result<bool, AnyError> {
    let job = int(job.0);
    // Whoever takes the job at this moment has it before or after.
    tx.execute("SELECT 1 FROM leases WHERE job = $1 FOR UPDATE", &[&job]).await?;
    // Nobody beats for a job that waits, or whose worker fell silent.
    let ended = tx
        .execute(
            "UPDATE jobs SET state = 'cancelled', ended_at = $2, cancelling = FALSE
             WHERE id = $1 AND (state IN ('waiting', 'stopped') OR (state = 'running'
                 AND EXISTS (SELECT 1 FROM leases WHERE job = $1 AND expires_at <= $2)))",
            &[&job, &now],
        )
        .await?;
    if ended > 0 {
        tx.execute("UPDATE leases SET worker = NULL WHERE job = $1", &[&job]).await?;
        return Ok(true);
    }
    let ask = "UPDATE jobs SET cancelling = TRUE WHERE id = $1 AND state = 'running'";
    Ok(tx.execute(ask, &[&job]).await? > 0)
}

async fn close(
    tx: &Transaction<'_>,
    claim: &Claim,
    state: JobState,
    reason: Option<&str>,
    now: i64,
) -> Result<(), AnyError> {
    fence(tx, claim).await?;
    let job = int(claim.job.0);
    let end = "WITH released AS (UPDATE leases SET worker = NULL WHERE job = $1)
         UPDATE jobs SET state = $2, reason = $3, ended_at = $4, cancelling = FALSE WHERE id = $1";
    let end = tx.prepare_cached(end).await?;
    tx.execute(&end, &[&job, &state.name(), &reason.map(text), &now]).await?;
    Ok(())
}

/// All jobs, at the moment that the caller or else the database says.
const VIEWS: &str = "SELECT id, route, spec, state, reason, cancelling, expires_at, created_at,
        started_at, ended_at,
        coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
    FROM jobs JOIN leases ON leases.job = id";

fn view(row: &Row) -> Result<JobView, AnyError> {
    let now: i64 = row.try_get(10)?;
    let state = state(row, 3)?;
    let time = |ms: Option<i64>| ms.and_then(Time::from_millis);
    Ok(JobView {
        id: JobId(count(row, 0)?),
        route: count(row, 1)?,
        spec: json(row, 2)?,
        state,
        reason: row.try_get(4)?,
        cancelling: row.try_get(5)?,
        lease_expired: state == JobState::Running && row.try_get::<_, i64>(6)? <= now,
        created_at: time(row.try_get(7)?).unwrap_or_default(),
        started_at: time(row.try_get(8)?),
        ended_at: time(row.try_get(9)?),
    })
}

#[async_trait]
impl Queue for PostgresJournal {
    async fn submit(&self, spec: &JobSpec) -> Result<JobId, JournalError> {
        step!(self, "add a job", |tx| async { submit(tx, spec, self.now_ms(tx).await?).await })
    }

    async fn claim(
        &self,
        job: Option<JobId>,
        worker: &str,
        lease: Duration,
    ) -> Result<Option<Claim>, JournalError> {
        step!(self, "claim a job", |tx| async {
            claim(tx, job, (worker, lease), self.now_ms(tx).await?).await
        })
    }

    async fn heartbeat(&self, claim: &Claim) -> Result<Pulse, JournalError> {
        step!(self, "extend a lease", |tx| async {
            heartbeat(tx, claim, self.now_ms(tx).await?).await
        })
    }

    async fn cancel(&self, job: JobId) -> Result<bool, JournalError> {
        step!(self, "cancel a job", |tx| async { cancel(tx, job, self.now_ms(tx).await?).await })
    }

    async fn close(
        &self,
        claim: &Claim,
        state: JobState,
        reason: Option<&str>,
    ) -> Result<(), JournalError> {
        step!(self, "close a job", |tx| async {
            close(tx, claim, state, reason, self.now_ms(tx).await?).await
        })
    }

    async fn keep(
        &self,
        job: JobId,
        name: &str,
        document: &serde_json::Value,
    ) -> Result<(), JournalError> {
        step!(self, "keep a document", |tx| async {
            tx.execute(
                "INSERT INTO documents (job, name, body) VALUES ($1, $2, $3)
                 ON CONFLICT (job, name) DO UPDATE SET body = $3",
                &[&int(job.0), &name, &document.to_string()],
            )
            .await?;
            Ok::<_, AnyError>(())
        })
    }

    async fn kept(
        &self,
        job: JobId,
        name: &str,
    ) -> Result<Option<serde_json::Value>, JournalError> {
        let sql = "SELECT body FROM documents WHERE job = $1 AND name = $2";
        let rows = self.rows("read a document", sql, &[&int(job.0), &name]).await?;
        rows.first()
            .map(|row| json(row, 0))
            .transpose()
            .map_err(|source| JournalError { operation: "read a document", source })
    }

    async fn jobs(&self, job: Option<JobId>) -> Result<Vec<JobView>, JournalError> {
        let (operation, now) = ("list jobs", self.told_now());
        // Said apart, so that the plan for one job is the same for every job.
        let rows = match job {
            Some(job) => {
                let sql = format!("{VIEWS} WHERE id = $2");
                self.rows(operation, &sql, &[&now, &int(job.0)]).await?
            }
            None => self.rows(operation, &format!("{VIEWS} ORDER BY id DESC"), &[&now]).await?,
        };
        let views = rows.iter().map(view).collect::<Result<_, _>>();
        views.map_err(|source| JournalError { operation, source })
    }
}
