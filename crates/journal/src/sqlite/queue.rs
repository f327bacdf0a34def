//! Jobs: submitted, claimed, kept alive, closed.

use super::{database::AnyError, journal::SqliteJournal, names, session::Session};
use async_trait::async_trait;
use packhorse_core::{
    job::{JobId, JobSpec, JobState, JobView},
    model::Time,
    port::{Claim, ClaimLost, JournalError, Pulse, Queue},
};
use rusqlite::{OptionalExtension, Row, Transaction};
use std::time::Duration;

/// What a job over a route whose worker fell silent is stopped with.
const SILENT: &str = "its worker fell silent, and another job of its route was taken";

fn submit(session: &Session<'_>, spec: &JobSpec, now: i64) -> Result<JobId, AnyError> {
    let tx = &session.transaction;
    let option = |it: &Option<String>| it.clone().unwrap_or_default();
    let key = (
        &spec.source_identity,
        &spec.sink_identity,
        option(&spec.options.project),
        option(&spec.options.target),
    );
    tx.execute(
        "INSERT INTO routes (source_identity, sink_identity, project, target)
         VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        key.clone(),
    )?;
    let route: i64 = tx.query_row(
        "SELECT id FROM routes
         WHERE source_identity = ?1 AND sink_identity = ?2 AND project = ?3 AND target = ?4",
        key,
        |row| row.get(0),
    )?;
    tx.execute(
        "INSERT INTO jobs (route, spec, queued, state, created_at)
         VALUES (?1, ?2, ?3, 'waiting', ?4)",
        (route, serde_json::to_string(spec)?, spec.queued, now),
    )?;
    let id = JobId(tx.last_insert_rowid().unsigned_abs());
    tx.execute("INSERT INTO leases (job, epoch, expires_at) VALUES (?1, 0, 0)", [id.0])?;
    Ok(id)
}

/// Beginning of what finds a job to take.
const FROM: &str = "SELECT id, route, state FROM jobs JOIN leases ON leases.job = id";

/// Of the queued jobs, those that wait, that stopped, and whose worker fell silent.
const FREE: &str = "queued AND state IN ('waiting', 'stopped', 'running')
    AND (state <> 'running' OR (expires_at <= ?1 AND NOT cancelling))";

/// The same of one that is asked for by its number, which needs not be queued; also when it failed,
/// or was or should be cancelled.
const ASKED_FOR: &str = "id = ?2
    AND (state IN ('waiting', 'stopped', 'cancelled', 'failed')
        OR (state = 'running' AND expires_at <= ?1))";

/// Nobody may be at work on its route.
const NOBODY_AT_WORK: &str =
    "NOT EXISTS (SELECT 1 FROM jobs AS other JOIN leases AS held ON held.job = other.id
        WHERE other.route = jobs.route AND other.id <> jobs.id
            AND other.state = 'running' AND held.expires_at > ?1)";

/// A job that may be taken, with its route and state: the one that is asked for, or the first.
fn choose(
    tx: &Transaction<'_>,
    job: Option<JobId>,
    now: i64,
) -> Result<Option<(u64, u64, JobState)>, AnyError> {
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, names::state(row, 2)?));
    // Said apart, so that what has ended is not looked through for what has not begun.
    let found = match job {
        Some(job) => {
            let sql = format!("{FROM} WHERE {ASKED_FOR} AND {NOBODY_AT_WORK}");
            tx.prepare_cached(&sql)?.query_row((now, job.0), read)
        }
        None => {
            let sql = format!("{FROM} WHERE {FREE} AND {NOBODY_AT_WORK} ORDER BY id LIMIT 1");
            tx.prepare_cached(&sql)?.query_row([now], read)
        }
    };
    Ok(found.optional()?)
}

fn claim(
    session: &Session<'_>,
    job: Option<JobId>,
    worker: &str,
    lease: Duration,
    now: i64,
) -> Result<Option<Claim>, AnyError> {
    let tx = &session.transaction;
    let Some((id, route, before)) = choose(tx, job, now)? else { return Ok(None) };
    supersede(tx, id, route, now)?;
    if before == JobState::Failed {
        tx.execute(
            "UPDATE lanes SET position = '\"start\"' WHERE job = ?1 AND n_failed > 0",
            [id],
        )?;
    }
    tx.execute(
        "UPDATE jobs SET state = 'running', cancelling = 0, reason = NULL, ended_at = NULL,
             started_at = coalesce(started_at, ?2)
         WHERE id = ?1",
        (id, now),
    )?;
    let until = now.saturating_add(i64::try_from(lease.as_millis()).unwrap_or(i64::MAX));
    let epoch = tx.query_row(
        "UPDATE leases SET epoch = epoch + 1, worker = ?2, expires_at = ?3
         WHERE job = ?1 RETURNING epoch",
        (id, worker, until),
        |row| row.get(0),
    )?;
    Ok(Some(Claim { job: JobId(id), route, epoch, lease }))
}

/// Stops other jobs of the route, whose workers fell silent, so that none of them wakes and writes.
fn supersede(tx: &Transaction<'_>, id: u64, route: u64, now: i64) -> Result<(), AnyError> {
    tx.execute(
        "UPDATE leases SET worker = NULL
         WHERE job IN (SELECT id FROM jobs WHERE route = ?2 AND id <> ?1 AND state = 'running')",
        (id, route),
    )?;
    tx.execute(
        "UPDATE jobs SET state = 'stopped', reason = ?3, ended_at = ?4, cancelling = 0
         WHERE route = ?2 AND id <> ?1 AND state = 'running'",
        (id, route, SILENT, now),
    )?;
    Ok(())
}

fn heartbeat(session: &Session<'_>, claim: &Claim, now: i64) -> Result<Pulse, AnyError> {
    match session.fence(claim) {
        Err(error) if error.is::<ClaimLost>() => return Ok(Pulse::Lost),
        other => other?,
    }
    let tx = &session.transaction;
    let until = now.saturating_add(i64::try_from(claim.lease.as_millis()).unwrap_or(i64::MAX));
    tx.execute("UPDATE leases SET expires_at = ?2 WHERE job = ?1", (claim.job.0, until))?;
    let cancelling: bool =
        tx.query_row("SELECT cancelling FROM jobs WHERE id = ?1", [claim.job.0], |row| row.get(0))?;
    Ok(if cancelling { Pulse::Cancelling } else { Pulse::Beating })
}

fn cancel(session: &Session<'_>, job: JobId, now: i64) -> Result<bool, AnyError> {
    let tx = &session.transaction;
    // Nobody beats for a job that waits, or whose worker fell silent.
    let ended = tx.execute(
        "UPDATE jobs SET state = 'cancelled', ended_at = ?2, cancelling = 0
         WHERE id = ?1 AND (state IN ('waiting', 'stopped') OR (state = 'running'
             AND EXISTS (SELECT 1 FROM leases WHERE job = ?1 AND expires_at <= ?2)))",
        (job.0, now),
    )?;
    if ended > 0 {
        tx.execute("UPDATE leases SET worker = NULL WHERE job = ?1", [job.0])?;
        return Ok(true);
    }
    let asked =
        tx.execute("UPDATE jobs SET cancelling = 1 WHERE id = ?1 AND state = 'running'", [job.0])?;
    Ok(asked > 0)
}

fn close(
    session: &Session<'_>,
    claim: &Claim,
    state: JobState,
    reason: Option<&str>,
    now: i64,
) -> Result<(), AnyError> {
    session.fence(claim)?;
    let tx = &session.transaction;
    tx.execute("UPDATE leases SET worker = NULL WHERE job = ?1", [claim.job.0])?;
    tx.execute(
        "UPDATE jobs SET state = ?2, reason = ?3, ended_at = ?4, cancelling = 0 WHERE id = ?1",
        (claim.job.0, state.name(), reason, now),
    )?;
    Ok(())
}

const VIEWS: &str = "SELECT id, route, spec, state, reason, cancelling, expires_at, created_at,
        started_at, ended_at
    FROM jobs JOIN leases ON leases.job = id";

fn view(row: &Row<'_>, now: i64) -> rusqlite::Result<JobView> {
    let state = names::state(row, 3)?;
    let time = |ms: Option<i64>| ms.and_then(Time::from_millis);
    Ok(JobView {
        id: JobId(row.get(0)?),
        route: row.get(1)?,
        spec: names::json(row, 2)?,
        state,
        reason: row.get(4)?,
        cancelling: row.get(5)?,
        lease_expired: state == JobState::Running && row.get::<_, i64>(6)? <= now,
        created_at: time(row.get(7)?).unwrap_or_default(),
        started_at: time(row.get(8)?),
        ended_at: time(row.get(9)?),
    })
}

#[async_trait]
impl Queue for SqliteJournal {
    async fn submit(&self, spec: &JobSpec) -> Result<JobId, JournalError> {
        let (spec, now) = (spec.clone(), self.now_ms());
        self.write("add a job", move |session| submit(session, &spec, now)).await
    }

    async fn claim(
        &self,
        job: Option<JobId>,
        worker: &str,
        lease: Duration,
    ) -> Result<Option<Claim>, JournalError> {
        let (worker, now) = (worker.to_owned(), self.now_ms());
        self.write("claim a job", move |session| claim(session, job, &worker, lease, now)).await
    }

    async fn heartbeat(&self, claim: &Claim) -> Result<Pulse, JournalError> {
        let (claim, now) = (claim.clone(), self.now_ms());
        self.write("extend a lease", move |session| heartbeat(session, &claim, now)).await
    }

    async fn cancel(&self, job: JobId) -> Result<bool, JournalError> {
        let now = self.now_ms();
        self.write("cancel a job", move |session| cancel(session, job, now)).await
    }

    async fn close(
        &self,
        claim: &Claim,
        state: JobState,
        reason: Option<&str>,
    ) -> Result<(), JournalError> {
        let (claim, reason, now) = (claim.clone(), reason.map(str::to_owned), self.now_ms());
        let close =
            move |session: &mut Session<'_>| close(session, &claim, state, reason.as_deref(), now);
        self.write("close a job", close).await
    }

    async fn keep(
        &self,
        job: JobId,
        name: &str,
        document: &serde_json::Value,
    ) -> Result<(), JournalError> {
        let (name, body) = (name.to_owned(), document.to_string());
        self.write("keep a document", move |session| {
            session.transaction.execute(
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
        self.read("read a document", move |transaction| {
            let sql = "SELECT body FROM documents WHERE job = ?1 AND name = ?2";
            let body = transaction.query_row(sql, (job.0, name), |row| names::json(row, 0));
            Ok(body.optional()?)
        })
        .await
    }

    async fn jobs(&self, job: Option<JobId>) -> Result<Vec<JobView>, JournalError> {
        let now = self.now_ms();
        self.read("list jobs", move |transaction| {
            // Said apart, so that all jobs are not looked through for one.
            let rows: Result<Vec<_>, _> = match job {
                Some(job) => {
                    let sql = format!("{VIEWS} WHERE id = ?1");
                    let mut statement = transaction.prepare_cached(&sql)?;
                    statement.query_map([job.0], |row| view(row, now))?.collect()
                }
                None => {
                    let sql = format!("{VIEWS} ORDER BY id DESC");
                    let mut statement = transaction.prepare_cached(&sql)?;
                    statement.query_map([], |row| view(row, now))?.collect()
                }
            };
            Ok(rows?)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::database::plan;

    #[test]
    fn a_job_is_found_without_looking_at_those_that_have_ended() {
        let of = |condition: &str| plan(&format!("{FROM} WHERE {condition} AND {NOBODY_AT_WORK}"));

        let (first, one) = (of(FREE), of(ASKED_FOR));

        assert!(first.contains("jobs USING INDEX jobs_queued"), "{first}");
        assert!(one.contains("jobs USING INTEGER PRIMARY KEY"), "{one}");
        for plan in [first, one] {
            assert!(plan.contains("other USING COVERING INDEX jobs_at_work"), "{plan}");
        }
    }
}
