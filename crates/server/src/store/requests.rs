//! What clients asked for, and the jobs that do it.

use super::{Store, StoreError, locks::Lock, now_ms};
use packhorse_core::job::JobId;
use rusqlite::{OptionalExtension, Row, Transaction};

/// What a client asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    /// Its number, in all APIs together.
    pub(crate) id: u64,
    /// What it belongs to there, such as an organization.
    pub(crate) owner: String,
    /// Who asked.
    pub(crate) user: String,
    /// What was asked, in the API's words.
    pub(crate) body: serde_json::Value,
    /// In milliseconds since 1970.
    pub(crate) created_at: i64,
    /// In milliseconds since 1970.
    pub(crate) updated_at: i64,
    /// When somebody asked it to stop.
    pub(crate) cancelled_at: Option<i64>,
}

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
    /// Credentials that came with the request, encrypted.
    pub(crate) sealed: Option<Vec<u8>>,
    /// Name of the archive that it makes, while that is there.
    pub(crate) archive: Option<String>,
    /// When the service had seen its end.
    pub(crate) settled_at: Option<i64>,
}

/// A request that is not there yet.
pub(crate) struct NewRequest {
    /// A number that was reserved for it.
    pub(crate) id: Option<u64>,
    pub(crate) kind: &'static str,
    pub(crate) owner: String,
    pub(crate) user: String,
    pub(crate) body: serde_json::Value,
    pub(crate) parts: Vec<NewPart>,
    /// Repositories to lock: place, project, and until when.
    pub(crate) locks: Vec<Lock>,
}

/// A job of a request that is not there yet.
pub(crate) struct NewPart {
    pub(crate) job: JobId,
    pub(crate) body: serde_json::Value,
    pub(crate) sealed: Option<Vec<u8>>,
    pub(crate) archive: Option<String>,
    /// Place among the request's jobs of the one that it belongs to; its number becomes
    /// `parent_id` of the body.
    pub(crate) parent: Option<usize>,
}

/// Which requests to list.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) kind: &'static str,
    /// Of this owner alone.
    pub(crate) owner: Option<String>,
    /// Of this user alone.
    pub(crate) user: Option<String>,
    /// How many to leave out first.
    pub(crate) offset: u64,
    pub(crate) limit: u64,
    pub(crate) oldest_first: bool,
}

const REQUEST: &str = "id, owner, user, body, created_at, updated_at, cancelled_at";
const PART: &str = "id, request, job, body, sealed, archive, settled_at";

fn json(row: &Row<'_>, at: usize) -> rusqlite::Result<serde_json::Value> {
    let text: String = row.get(at)?;
    serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, error.into())
    })
}

fn request(row: &Row<'_>) -> rusqlite::Result<Request> {
    Ok(Request {
        id: row.get(0)?,
        owner: row.get(1)?,
        user: row.get(2)?,
        body: json(row, 3)?,
        created_at: row.get(4)?,
        updated_at: row.get(5)?,
        cancelled_at: row.get(6)?,
    })
}

fn part(row: &Row<'_>) -> rusqlite::Result<Part> {
    Ok(Part {
        id: row.get(0)?,
        request: row.get(1)?,
        job: JobId(row.get(2)?),
        body: json(row, 3)?,
        sealed: row.get(4)?,
        archive: row.get(5)?,
        settled_at: row.get(6)?,
    })
}

fn parts(
    tx: &Transaction<'_>,
    rest: &str,
    values: impl rusqlite::Params,
) -> rusqlite::Result<Vec<Part>> {
    let mut statement = tx.prepare_cached(&format!("SELECT {PART} FROM parts {rest}"))?;
    statement.query_map(values, part)?.collect()
}

impl Store {
    /// Adds a request with its jobs and its locks.
    pub(crate) async fn add(&self, new: NewRequest) -> Result<u64, StoreError> {
        self.write("keep a request", move |tx| {
            tx.execute(
                "INSERT INTO requests (id, kind, owner, user, body, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT (id) DO UPDATE SET
                     kind = ?2, owner = ?3, user = ?4, body = ?5, created_at = ?6, updated_at = ?6
                     WHERE kind = 'reserved'",
                (new.id, new.kind, new.owner, new.user, new.body.to_string(), now_ms()),
            )?;
            let id = new.id.unwrap_or_else(|| tx.last_insert_rowid().unsigned_abs());
            let mut ids: Vec<u64> = Vec::new();
            for mut part in new.parts {
                if let Some(parent) = part.parent.and_then(|at| ids.get(at)) {
                    part.body["parent_id"] = (*parent).into();
                }
                tx.execute(
                    "INSERT INTO parts (request, job, body, sealed, archive)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                    (id, part.job.0, part.body.to_string(), part.sealed, part.archive),
                )?;
                ids.push(tx.last_insert_rowid().unsigned_abs());
            }
            for lock in new.locks {
                tx.execute(
                    "INSERT INTO locks (request, place, project, expires_at)
                     VALUES (?1, ?2, ?3, ?4)",
                    (id, lock.place, lock.project, lock.expires_at),
                )?;
            }
            Ok(id)
        })
        .await
    }

    pub(crate) async fn request(
        &self,
        kind: &'static str,
        id: u64,
    ) -> Result<Option<Request>, StoreError> {
        self.read("look up a request", move |tx| {
            let sql = format!("SELECT {REQUEST} FROM requests WHERE id = ?1 AND kind = ?2");
            Ok(tx.prepare_cached(&sql)?.query_row((id, kind), request).optional()?)
        })
        .await
    }

    /// Requests, and how many there are in all.
    pub(crate) async fn requests(&self, query: Query) -> Result<(Vec<Request>, u64), StoreError> {
        self.read("list requests", move |tx| {
            let mut filter = "kind = ?1 AND (?2 IS NULL OR owner = ?2)".to_owned();
            // Said apart, so that each has an index of its own.
            filter += if query.user.is_some() { " AND user = ?3" } else { " AND ?3 IS NULL" };
            let order = if query.oldest_first { "ASC" } else { "DESC" };
            let sql = format!(
                "SELECT {REQUEST} FROM requests WHERE {filter}
                 ORDER BY id {order} LIMIT ?4 OFFSET ?5"
            );
            let of = (query.kind, &query.owner, &query.user);
            let mut statement = tx.prepare_cached(&sql)?;
            let values = (of.0, of.1, of.2, query.limit, query.offset);
            let rows: Vec<Request> =
                statement.query_map(values, request)?.collect::<Result<_, _>>()?;
            let count = format!("SELECT count(*) FROM requests WHERE {filter}");
            let total = tx.prepare_cached(&count)?.query_row(of, |row| row.get(0))?;
            Ok((rows, total))
        })
        .await
    }

    /// The jobs of a request, in the order in which they were added.
    pub(crate) async fn parts(&self, request: u64) -> Result<Vec<Part>, StoreError> {
        self.read("list the jobs of a request", move |tx| {
            Ok(parts(tx, "WHERE request = ?1 ORDER BY id", [request])?)
        })
        .await
    }

    /// Jobs whose end nobody has seen, oldest first.
    pub(crate) async fn unsettled(&self, limit: u64) -> Result<Vec<Part>, StoreError> {
        self.read("look for work", move |tx| {
            Ok(parts(tx, "WHERE settled_at IS NULL ORDER BY id LIMIT ?1", [limit])?)
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

    /// Notes that somebody asked a request to stop.
    pub(crate) async fn cancel(&self, request: u64) -> Result<(), StoreError> {
        self.write("note a wish to stop", move |tx| {
            tx.execute(
                "UPDATE requests SET cancelled_at = ?2, updated_at = ?2
                 WHERE id = ?1 AND cancelled_at IS NULL",
                (request, now_ms()),
            )?;
            Ok(())
        })
        .await
    }

    /// A number for a request that is about to be added.
    pub(crate) async fn reserve(&self) -> Result<u64, StoreError> {
        self.write("reserve a number", move |tx| {
            tx.execute(
                "INSERT INTO requests (kind, owner, user, body, created_at, updated_at)
                 VALUES ('reserved', '', '', 'null', ?1, ?1)",
                [now_ms()],
            )?;
            Ok(tx.last_insert_rowid().unsigned_abs())
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
            tx.execute("UPDATE parts SET body = ?2 WHERE id = ?1", (part, body.to_string()))?;
            Ok(())
        })
        .await
    }

    /// Notes that the service has seen the end of a job; its credentials are forgotten.
    pub(crate) async fn settle(&self, part: u64) -> Result<(), StoreError> {
        self.write("note the end of a job", move |tx| {
            let now = now_ms();
            let sql = "UPDATE parts SET settled_at = ?2, sealed = NULL
                 WHERE id = ?1 AND settled_at IS NULL RETURNING request";
            let request: Option<u64> =
                tx.query_row(sql, (part, now), |row| row.get(0)).optional()?;
            if let Some(request) = request {
                tx.execute("UPDATE requests SET updated_at = ?2 WHERE id = ?1", (request, now))?;
            }
            Ok(())
        })
        .await
    }

    /// Parts that ended before a moment and whose archives are still there.
    pub(crate) async fn old_archives(&self, before: i64) -> Result<Vec<Part>, StoreError> {
        self.read("look for old archives", move |tx| {
            let rest =
                "WHERE archive IS NOT NULL AND settled_at < ?1 ORDER BY settled_at LIMIT 256";
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
