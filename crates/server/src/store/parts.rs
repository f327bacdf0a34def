//! Jobs of requests: kept before they are in the journal, and mirrored from there.

use super::{Request, Store, StoreError, Wish, now_ms, requests};
use packhorse_core::job::{JobId, JobSpec, JobState};
use rusqlite::{OptionalExtension, Row, Transaction};

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
    WHEN parts.state = 'finished' OR (parts.state = 'failed' AND parts.began) THEN 'finished'
    WHEN parts.state = 'failed' THEN 'failed'
    WHEN parts.state = 'cancelled' OR requests.cancelled_at IS NOT NULL THEN 'canceled'
    WHEN parts.state IN ('', 'waiting') THEN 'created'
    ELSE 'started' END";

pub(super) const PART: &str =
    "parts.id, parts.request, parts.job, parts.body, parts.sealed, parts.archive,
    parts.state, parts.settled_at, parts.sealed_target, parts.wish";

/// Columns of a part.
pub(super) const WIDTH: usize = 10;

pub(super) fn part(row: &Row<'_>) -> rusqlite::Result<Part> {
    Ok(Part {
        id: row.get(0)?,
        request: row.get(1)?,
        job: JobId(row.get(2)?),
        body: requests::json(row, 3)?,
        sealed: row.get(4)?,
        archive: row.get(5)?,
        state: row.get(6)?,
        settled_at: row.get(7)?,
        sealed_target: row.get(8)?,
        wish: row.get::<_, Option<String>>(9)?.and_then(|it| Wish::named(&it)),
    })
}

fn parts(
    tx: &Transaction<'_>,
    rest: &str,
    values: impl rusqlite::Params,
) -> rusqlite::Result<Vec<Part>> {
    let sql = format!("SELECT {PART} FROM parts WHERE parts.job IS NOT NULL AND {rest}");
    let mut statement = tx.prepare_cached(&sql)?;
    statement.query_map(values, part)?.collect()
}

/// Keeps the jobs of a request that is being added.
pub(super) fn insert(
    tx: &Transaction<'_>,
    request: u64,
    new: Vec<NewPart>,
) -> Result<(), super::AnyError> {
    let mut ids: Vec<u64> = Vec::new();
    for mut part in new {
        if let Some(parent) = part.parent.and_then(|at| ids.get(at)) {
            part.body["parent_id"] = (*parent).into();
        }
        let spec = serde_json::to_string(&part.spec)?;
        tx.execute(
            "INSERT INTO parts (request, user, spec, body, sealed, sealed_target, archive, state)
             VALUES (?1, (SELECT user FROM requests WHERE id = ?1), ?2, ?3, ?4, ?5, ?6, 'waiting')",
            (request, spec, part.body.to_string(), part.sealed, part.sealed_target, part.archive),
        )?;
        ids.push(tx.last_insert_rowid().unsigned_abs());
    }
    Ok(())
}

impl Store {
    /// The jobs of a request, in the order in which they were added.
    pub(crate) async fn parts(&self, request: u64) -> Result<Vec<Part>, StoreError> {
        self.read("list the jobs of a request", move |tx| {
            Ok(parts(tx, "parts.request = ?1 ORDER BY parts.id", [request])?)
        })
        .await
    }

    /// Jobs with their requests, and how many there are in all.
    pub(crate) async fn listed(
        &self,
        query: PartQuery,
    ) -> Result<(Vec<(Request, Part)>, u64), StoreError> {
        self.read("list jobs", move |tx| {
            let mut filter = "parts.job IS NOT NULL".to_owned();
            // What is not asked for is still named, so that the values always fit.
            let mut and = |name: &str, at: usize, is_said: bool| {
                filter += &if is_said {
                    format!(" AND {name} = ?{at}")
                } else {
                    format!(" AND ?{at} IS NULL")
                };
            };
            and("requests.kind", 1, query.kind.is_some());
            and("requests.user", 2, query.user.is_some());
            and("parts.request", 3, query.request.is_some());
            and(&format!("({ENTITY})"), 4, query.entity.is_some());
            let tables =
                format!("parts JOIN requests ON requests.id = parts.request WHERE {filter}");
            let order = if query.oldest_first { "ASC" } else { "DESC" };
            let sql = format!(
                "SELECT {PART}, {} FROM {tables}
                 ORDER BY parts.request {order}, parts.id {order} LIMIT ?5 OFFSET ?6",
                requests::COLUMNS
            );
            let of = (query.kind, &query.user, query.request, &query.entity);
            let values = (of.0, of.1, of.2, of.3, query.limit, query.offset);
            let mut statement = tx.prepare_cached(&sql)?;
            let rows = statement
                .query_map(values, |row| Ok((requests::request(row, WIDTH)?, part(row)?)))?
                .collect::<Result<Vec<_>, _>>()?;
            let count = format!("SELECT count(*) FROM {tables}");
            let total = tx.prepare_cached(&count)?.query_row(of, |row| row.get(0))?;
            Ok((rows, total))
        })
        .await
    }

    /// Jobs whose end nobody has seen, oldest first.
    pub(crate) async fn unsettled(&self, limit: u64) -> Result<Vec<Part>, StoreError> {
        self.read("look for work", move |tx| {
            Ok(parts(tx, "parts.settled_at IS NULL ORDER BY parts.id LIMIT ?1", [limit])?)
        })
        .await
    }

    /// Jobs that are not in the journal: of one request, or all.
    pub(crate) async fn unqueued(&self, request: Option<u64>) -> Result<Vec<Unqueued>, StoreError> {
        self.read("look for jobs that are not in the journal", move |tx| {
            let sql = "SELECT id, spec FROM parts
                 WHERE job IS NULL AND (?1 IS NULL OR request = ?1) ORDER BY id";
            let mut statement = tx.prepare_cached(sql)?;
            let rows = statement.query_map([request], |row| {
                let spec = serde_json::from_value(requests::json(row, 1)?);
                let spec = spec.map_err(|error| requests::damaged(1, error))?;
                Ok(Unqueued { part: row.get(0)?, spec })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Notes under which number a job stands in the journal.
    pub(crate) async fn queued(&self, part: u64, job: JobId) -> Result<(), StoreError> {
        self.write("note a job's number", move |tx| {
            tx.execute("UPDATE parts SET job = ?2, spec = NULL WHERE id = ?1", (part, job.0))?;
            Ok(())
        })
        .await
    }

    /// Whether a job of the journal is one that a client asked for.
    pub(crate) async fn is_queued(&self, job: JobId) -> Result<bool, StoreError> {
        self.read("look up a job", move |tx| {
            let sql = "SELECT EXISTS (SELECT 1 FROM parts WHERE job = ?1)";
            Ok(tx.prepare_cached(sql)?.query_row([job.0], |row| row.get(0))?)
        })
        .await
    }

    /// Parts whose state nobody has looked at yet.
    pub(crate) async fn unmirrored(&self, limit: u64) -> Result<Vec<Part>, StoreError> {
        self.read("look for jobs without a state", move |tx| {
            Ok(parts(tx, "parts.state = '' ORDER BY parts.id LIMIT ?1", [limit])?)
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
            let sql = "UPDATE parts SET state = ?2, began = ?3, told = NULL WHERE id = ?1";
            tx.execute(sql, (part, state.name(), began))?;
            Ok(())
        })
        .await
    }

    /// How many jobs are in which state, as it was last seen.
    pub(crate) async fn states(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.read("count jobs", |tx| {
            let sql = "SELECT state, count(*) FROM parts WHERE state <> '' GROUP BY state";
            let mut statement = tx.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Whether somebody asked the request of a part to stop.
    pub(crate) async fn is_cancelled(&self, part: u64) -> Result<bool, StoreError> {
        self.read("look up a request", move |tx| {
            let sql = "SELECT cancelled_at IS NOT NULL FROM requests
                 JOIN parts ON parts.request = requests.id WHERE parts.id = ?1";
            Ok(tx.prepare_cached(sql)?.query_row([part], |row| row.get(0))?)
        })
        .await
    }

    /// How many jobs of a kind have not ended.
    pub(crate) async fn active(&self, kind: &'static str) -> Result<u64, StoreError> {
        self.read("count jobs", move |tx| {
            let sql = "SELECT count(*) FROM parts JOIN requests ON requests.id = parts.request
                 WHERE parts.settled_at IS NULL AND requests.kind = ?1";
            Ok(tx.prepare_cached(sql)?.query_row([kind], |row| row.get(0))?)
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
            tx.execute(
                "UPDATE parts SET body = ?2, told = NULL WHERE id = ?1",
                (part, body.to_string()),
            )?;
            Ok(())
        })
        .await
    }

    /// Notes that the service has seen the end of a job; its credentials are forgotten. `false`
    /// when that was known.
    pub(crate) async fn settle(&self, part: u64) -> Result<bool, StoreError> {
        self.write("note the end of a job", move |tx| {
            let now = now_ms();
            let sql = "UPDATE parts SET settled_at = ?2, sealed = NULL, sealed_target = NULL
                 WHERE id = ?1 AND settled_at IS NULL RETURNING request";
            let request: Option<u64> =
                tx.query_row(sql, (part, now), |row| row.get(0)).optional()?;
            if let Some(request) = request {
                tx.execute("UPDATE requests SET updated_at = ?2 WHERE id = ?1", (request, now))?;
            }
            Ok(request.is_some())
        })
        .await
    }

    /// Parts that ended before a moment and whose archives are still there.
    pub(crate) async fn old_archives(&self, before: i64) -> Result<Vec<Part>, StoreError> {
        self.read("look for old archives", move |tx| {
            let rest = "parts.archive IS NOT NULL AND parts.settled_at < ?1
                 ORDER BY parts.settled_at LIMIT 256";
            Ok(parts(tx, rest, [before])?)
        })
        .await
    }

    /// Notes that the archive of a part is gone.
    pub(crate) async fn forget_archive(&self, part: u64) -> Result<(), StoreError> {
        self.write("note that an archive is gone", move |tx| {
            tx.execute("UPDATE parts SET archive = NULL WHERE id = ?1", [part])?;
            Ok(())
        })
        .await
    }
}
