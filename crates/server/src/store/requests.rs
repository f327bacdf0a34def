//! What clients asked for.

use super::{
    Store, StoreError,
    locks::Lock,
    now_ms,
    parts::{self, ENTITY, NewPart},
};
use rusqlite::{OptionalExtension, Row};

/// What a client asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    /// Its number, in all APIs together.
    pub(crate) id: u64,
    /// Name of the API and the resource.
    pub(crate) kind: String,
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

/// Which requests to list.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) kind: &'static str,
    /// Of this owner alone.
    pub(crate) owner: Option<String>,
    /// Of this user alone.
    pub(crate) user: Option<String>,
    /// In this state alone, in GitLab's words.
    pub(crate) status: Option<String>,
    /// How many to leave out first.
    pub(crate) offset: u64,
    pub(crate) limit: u64,
    pub(crate) oldest_first: bool,
}

pub(super) const COLUMNS: &str = "requests.id, requests.kind, requests.owner, requests.user,
    requests.body, requests.created_at, requests.updated_at, requests.cancelled_at";

/// Where a request stands, from its jobs.
fn whole() -> String {
    let count = |test: &str| format!("sum(({ENTITY}) {test})");
    format!(
        "(SELECT CASE WHEN count(*) = 0 THEN 'created'
            WHEN {} > 0 THEN 'canceled' WHEN {} = 0 THEN 'created' WHEN {} > 0 THEN 'started'
            WHEN {} = 0 THEN 'failed' ELSE 'finished' END
          FROM parts WHERE parts.request = requests.id)",
        count("= 'canceled'"),
        count("<> 'created'"),
        count("IN ('created', 'started')"),
        count("<> 'failed'"),
    )
}

/// What stands in a column is not what was put there.
pub(super) fn damaged(at: usize, error: impl Into<super::AnyError>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, error.into())
}

pub(super) fn json(row: &Row<'_>, at: usize) -> rusqlite::Result<serde_json::Value> {
    let text: String = row.get(at)?;
    serde_json::from_str(&text).map_err(|error| damaged(at, error))
}

/// A request whose columns begin there.
pub(super) fn request(row: &Row<'_>, at: usize) -> rusqlite::Result<Request> {
    Ok(Request {
        id: row.get(at)?,
        kind: row.get(at + 1)?,
        owner: row.get(at + 2)?,
        user: row.get(at + 3)?,
        body: json(row, at + 4)?,
        created_at: row.get(at + 5)?,
        updated_at: row.get(at + 6)?,
        cancelled_at: row.get(at + 7)?,
    })
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
            parts::insert(tx, id, new.parts)?;
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
        // Numbers that the database cannot hold are nobody's.
        if i64::try_from(id).is_err() {
            return Ok(None);
        }
        self.read("look up a request", move |tx| {
            let sql = format!("SELECT {COLUMNS} FROM requests WHERE id = ?1 AND kind = ?2");
            let found = tx.prepare_cached(&sql)?.query_row((id, kind), |row| request(row, 0));
            Ok(found.optional()?)
        })
        .await
    }

    /// Requests, and how many there are in all.
    pub(crate) async fn requests(&self, query: Query) -> Result<(Vec<Request>, u64), StoreError> {
        self.read("list requests", move |tx| {
            let mut filter = "kind = ?1 AND (?2 IS NULL OR owner = ?2)".to_owned();
            // Said apart, so that each has an index of its own.
            filter += if query.user.is_some() { " AND user = ?3" } else { " AND ?3 IS NULL" };
            filter += &match query.status {
                Some(_) => format!(" AND {} = ?4", whole()),
                None => " AND ?4 IS NULL".to_owned(),
            };
            let order = if query.oldest_first { "ASC" } else { "DESC" };
            let sql = format!(
                "SELECT {COLUMNS} FROM requests WHERE {filter}
                 ORDER BY id {order} LIMIT ?5 OFFSET ?6"
            );
            let of = (query.kind, &query.owner, &query.user, &query.status);
            let mut statement = tx.prepare_cached(&sql)?;
            let values = (of.0, of.1, of.2, of.3, query.limit, query.offset);
            let rows: Vec<Request> =
                statement.query_map(values, |row| request(row, 0))?.collect::<Result<_, _>>()?;
            let count = format!("SELECT count(*) FROM requests WHERE {filter}");
            let total = tx.prepare_cached(&count)?.query_row(of, |row| row.get(0))?;
            Ok((rows, total))
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
}
