//! Jobs of requests: kept before they are in the journal, and mirrored from there.

use super::{
    AnyError, Request, Store, StoreError, Wish, now_ms, requests,
    sql::{Filter, Row, Step, Value, values},
};
use packhorse_core::job::{JobId, JobSpec, JobState};

/// How long a job may take into the journal before it is taken for forgotten, in milliseconds.
const QUEUEING_MS: i64 = 60_000;

/// A job of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Part {
    /// Its number, in all APIs together.
    pub(crate) id: u64,
    /// The request.
    pub(crate) request: u64,
    /// Its job in the journal.
    pub(crate) job: JobId,
    /// What the API says of it.
    pub(crate) body: serde_json::Value,
    /// Credentials of the source that came with the request, encrypted.
    pub(crate) sealed: Option<Vec<u8>>,
    /// The same for the destination.
    pub(crate) sealed_target: Option<Vec<u8>>,
    /// Name of the archive that it makes, while that is there.
    pub(crate) archive: Option<String>,
    /// What shall be done with it although it has ended.
    pub(crate) wish: Option<Wish>,
    /// The journal's state of the job, as it was last seen; empty where nobody has looked yet.
    pub(crate) state: String,
    /// When the service had seen its end.
    pub(crate) settled_at: Option<i64>,
}

/// A job of a request that is not there yet.
pub(crate) struct NewPart {
    /// What shall stand in the journal.
    pub(crate) spec: JobSpec,
    pub(crate) body: serde_json::Value,
    pub(crate) sealed: Option<Vec<u8>>,
    pub(crate) sealed_target: Option<Vec<u8>>,
    pub(crate) archive: Option<String>,
    /// Place among the request's jobs of the one that it belongs to; its number becomes
    /// `parent_id` of the body.
    pub(crate) parent: Option<usize>,
}

/// A job that is not in the journal yet.
pub(crate) struct Unqueued {
    pub(crate) part: u64,
    pub(crate) spec: JobSpec,
}

/// Which jobs to list, with their requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct PartQuery {
    /// Of requests of this kind alone.
    pub(crate) kind: Option<&'static str>,
    /// Of this request alone.
    pub(crate) request: Option<u64>,
    /// Of this user alone.
    pub(crate) user: Option<String>,
    /// In this state alone, in the words of [`ENTITY`].
    pub(crate) entity: Option<String>,
    /// How many to leave out first.
    pub(crate) offset: u64,
    pub(crate) limit: u64,
    pub(crate) oldest_first: bool,
}

/// What a job is called where one is a part of a migration: as the journal says, or `canceled` as
/// soon as somebody asked for that; what was carried in part is finished.
pub(super) const ENTITY: &str = "CASE
    WHEN parts.state = 'finished' OR (parts.state = 'failed' AND parts.began = 1) THEN 'finished'
    WHEN parts.state = 'failed' THEN 'failed'
    WHEN parts.state = 'cancelled' OR requests.cancelled_at IS NOT NULL THEN 'canceled'
    WHEN parts.state IN ('', 'waiting') THEN 'created'
    ELSE 'started' END";

pub(super) const PART: &str =
    "parts.id, parts.request, parts.job, parts.body, parts.sealed, parts.archive,
    parts.state, parts.settled_at, parts.sealed_target, parts.wish";

/// Columns of a part.
pub(super) const WIDTH: usize = 10;

pub(super) fn part(row: &Row) -> Result<Part, AnyError> {
    Ok(Part {
        id: row.get(0)?,
        request: row.get(1)?,
        job: row.get(2)?,
        body: row.get(3)?,
        sealed: row.get(4)?,
        archive: row.get(5)?,
        state: row.get(6)?,
        settled_at: row.get(7)?,
        sealed_target: row.get(8)?,
        wish: row.get::<Option<String>>(9)?.and_then(|it| Wish::named(&it)),
    })
}

async fn parts(tx: &Step<'_>, rest: &str, of: &[Value]) -> Result<Vec<Part>, AnyError> {
    let sql = format!("SELECT {PART} FROM parts WHERE parts.job IS NOT NULL AND {rest}");
    tx.rows(&sql, of).await?.iter().map(part).collect()
}

/// Keeps the jobs of a request that is being added.
pub(super) async fn insert(
    tx: &Step<'_>,
    request: u64,
    user: &str,
    new: Vec<NewPart>,
) -> Result<(), AnyError> {
    let mut ids: Vec<u64> = Vec::new();
    for mut part in new {
        if let Some(parent) = part.parent.and_then(|at| ids.get(at)) {
            part.body["parent_id"] = (*parent).into();
        }
        let spec = serde_json::to_string(&part.spec)?;
        let sealed = (part.sealed, part.sealed_target);
        let body = part.body.to_string();
        let sql = "INSERT INTO parts (request, \"user\", spec, body, sealed, sealed_target,
                 archive, state, queueing_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'waiting', ?8) RETURNING id";
        let of = values![request, user, spec, body, sealed.0, sealed.1, part.archive, now_ms()];
        ids.push(tx.value(sql, of).await?);
    }
    Ok(())
}

fn unqueued(row: &Row) -> Result<Unqueued, AnyError> {
    let spec: serde_json::Value = row.get(1)?;
    Ok(Unqueued { part: row.get(0)?, spec: serde_json::from_value(spec)? })
}

impl Store {
    /// The jobs of a request, in the order in which they were added.
    pub(crate) async fn parts(&self, request: u64) -> Result<Vec<Part>, StoreError> {
        self.read("list the jobs of a request", move |tx| {
            Box::pin(async move {
                parts(tx, "parts.request = ?1 ORDER BY parts.id", values![request]).await
            })
        })
        .await
    }

    /// Jobs with their requests, and how many there are in all.
    pub(crate) async fn listed(
        &self,
        query: PartQuery,
    ) -> Result<(Vec<(Request, Part)>, u64), StoreError> {
        self.read("list jobs", move |tx| {
            Box::pin(async move {
                let mut filter = Filter::new("parts.job IS NOT NULL");
                filter.and_if("requests.kind = ?", query.kind);
                filter.and_if("requests.\"user\" = ?", query.user);
                filter.and_if("parts.request = ?", query.request);
                filter.and_if(&format!("({ENTITY}) = ?"), query.entity);
                let tables = format!(
                    "parts JOIN requests ON requests.id = parts.request WHERE {}",
                    filter.sql
                );
                let count = format!("SELECT count(*) FROM {tables}");
                let total = tx.value(&count, &filter.values).await?;
                let order = if query.oldest_first { "ASC" } else { "DESC" };
                let sql = format!(
                    "SELECT {PART}, {} FROM {tables}
                     ORDER BY parts.request {order}, parts.id {order} LIMIT {} OFFSET {}",
                    requests::COLUMNS,
                    filter.with(query.limit),
                    filter.with(query.offset),
                );
                let rows = tx.rows(&sql, &filter.values).await?;
                let read = |row: &Row| Ok((requests::request(row, WIDTH)?, part(row)?));
                let rows = rows.iter().map(read).collect::<Result<_, AnyError>>()?;
                Ok((rows, total))
            })
        })
        .await
    }

    /// Jobs whose end nobody has seen, oldest first.
    pub(crate) async fn unsettled(&self, limit: u64) -> Result<Vec<Part>, StoreError> {
        self.read("look for work", move |tx| {
            Box::pin(async move {
                let rest = "parts.settled_at IS NULL ORDER BY parts.id LIMIT ?1";
                parts(tx, rest, values![limit]).await
            })
        })
        .await
    }

    /// The jobs of a request that are not in the journal yet.
    pub(crate) async fn unqueued(&self, request: u64) -> Result<Vec<Unqueued>, StoreError> {
        self.read("look for jobs that are not in the journal", move |tx| {
            Box::pin(async move {
                let sql =
                    "SELECT id, spec FROM parts WHERE job IS NULL AND request = ?1 ORDER BY id";
                tx.rows(sql, values![request]).await?.iter().map(unqueued).collect()
            })
        })
        .await
    }

    /// Takes jobs that somebody was to put into the journal a while ago, and has not: now it is
    /// for the caller to do, and for nobody else.
    pub(crate) async fn take_unqueued(&self) -> Result<Vec<Unqueued>, StoreError> {
        self.write("take jobs that are not in the journal", move |tx| {
            Box::pin(async move {
                let now = now_ms();
                let sql = "UPDATE parts SET queueing_at = ?1
                     WHERE job IS NULL AND queueing_at < ?2 RETURNING id, spec";
                let rows = tx.rows(sql, values![now, now - QUEUEING_MS]).await?;
                rows.iter().map(unqueued).collect()
            })
        })
        .await
    }

    /// Whether a job of the journal is one that a client asked for.
    pub(crate) async fn is_queued(&self, job: JobId) -> Result<bool, StoreError> {
        self.read("look up a job", move |tx| {
            Box::pin(async move {
                let sql = "SELECT count(*) FROM parts WHERE job = ?1";
                Ok(tx.value::<u64>(sql, values![job]).await? > 0)
            })
        })
        .await
    }

    /// Notes that another job does what the one of a part was to do, with an archive of another
    /// name.
    pub(crate) async fn replace_job(
        &self,
        part: &Part,
        job: JobId,
        archive: String,
    ) -> Result<(), StoreError> {
        let (id, before) = (part.id, part.job);
        self.write("note that another job does it", move |tx| {
            Box::pin(async move {
                let sql = "UPDATE parts SET job = ?3, archive = ?4, state = 'waiting', told = NULL
                     WHERE id = ?1 AND job = ?2";
                tx.execute(sql, values![id, before, job, archive.clone()]).await?;
                Ok(())
            })
        })
        .await
    }

    /// Parts whose state nobody has looked at yet.
    pub(crate) async fn unmirrored(&self, limit: u64) -> Result<Vec<Part>, StoreError> {
        self.read("look for jobs without a state", move |tx| {
            Box::pin(async move {
                parts(tx, "parts.state = '' ORDER BY parts.id LIMIT ?1", values![limit]).await
            })
        })
        .await
    }

    /// Notes what the journal says of a job, and whether there is a plan.
    pub(crate) async fn mirror(
        &self,
        part: u64,
        state: JobState,
        began: bool,
    ) -> Result<(), StoreError> {
        self.write("note a job's state", move |tx| {
            Box::pin(async move {
                let sql = "UPDATE parts SET state = ?2, began = ?3, told = NULL WHERE id = ?1";
                tx.execute(sql, values![part, state.name(), began]).await?;
                Ok(())
            })
        })
        .await
    }

    /// How many jobs are in which state, as it was last seen.
    pub(crate) async fn states(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.read("count jobs", |tx| {
            Box::pin(async move {
                let sql = "SELECT state, count(*) FROM parts WHERE state <> '' GROUP BY state";
                let rows = tx.rows(sql, &[]).await?;
                rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
            })
        })
        .await
    }

    /// Whether somebody asked the request of a part to stop.
    pub(crate) async fn is_cancelled(&self, part: u64) -> Result<bool, StoreError> {
        self.read("look up a request", move |tx| {
            Box::pin(async move {
                let sql = "SELECT requests.cancelled_at FROM requests
                     JOIN parts ON parts.request = requests.id WHERE parts.id = ?1";
                Ok(tx.value::<Option<i64>>(sql, values![part]).await?.is_some())
            })
        })
        .await
    }

    /// How many jobs of a kind have not ended.
    pub(crate) async fn active(&self, kind: &'static str) -> Result<u64, StoreError> {
        self.read("count jobs", move |tx| {
            Box::pin(async move {
                let sql = "SELECT count(*) FROM parts JOIN requests ON requests.id = parts.request
                     WHERE parts.settled_at IS NULL AND requests.kind = ?1";
                tx.value(sql, values![kind]).await
            })
        })
        .await
    }

    /// Keeps what is told of a job.
    pub(crate) async fn describe(
        &self,
        part: u64,
        body: serde_json::Value,
    ) -> Result<(), StoreError> {
        self.write("keep what is told of a job", move |tx| {
            Box::pin(async move {
                let sql = "UPDATE parts SET body = ?2, told = NULL WHERE id = ?1";
                tx.execute(sql, values![part, body.to_string()]).await?;
                Ok(())
            })
        })
        .await
    }

    /// Notes that the service has seen the end of a job; its credentials are forgotten. `false`
    /// when that was known.
    pub(crate) async fn settle(&self, part: u64) -> Result<bool, StoreError> {
        self.write("note the end of a job", move |tx| {
            Box::pin(async move {
                let now = now_ms();
                let sql = "UPDATE parts SET settled_at = ?2, sealed = NULL, sealed_target = NULL
                     WHERE id = ?1 AND settled_at IS NULL RETURNING request";
                let Some(row) = tx.row(sql, values![part, now]).await? else { return Ok(false) };
                let request: u64 = row.get(0)?;
                let sql = "UPDATE requests SET updated_at = ?2 WHERE id = ?1";
                tx.execute(sql, values![request, now]).await?;
                Ok(true)
            })
        })
        .await
    }

    /// Parts that ended before a moment and whose archives are still there.
    pub(crate) async fn old_archives(&self, before: i64) -> Result<Vec<Part>, StoreError> {
        self.read("look for old archives", move |tx| {
            Box::pin(async move {
                let rest = "parts.archive IS NOT NULL AND parts.settled_at < ?1
                     ORDER BY parts.settled_at LIMIT 256";
                parts(tx, rest, values![before]).await
            })
        })
        .await
    }

    /// Notes that the archive of a part is gone.
    pub(crate) async fn forget_archive(&self, part: u64) -> Result<(), StoreError> {
        self.write("note that an archive is gone", move |tx| {
            Box::pin(async move {
                tx.execute("UPDATE parts SET archive = NULL WHERE id = ?1", values![part]).await?;
                Ok(())
            })
        })
        .await
    }
}
