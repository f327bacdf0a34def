//! What clients asked for.

use super::{
    AnyError, Store, StoreError,
    locks::Lock,
    now_ms,
    parts::{self, ENTITY, NewPart},
    sql::{Filter, Row, Step, values},
};

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

pub(super) const COLUMNS: &str = "requests.id, requests.kind, requests.owner, requests.\"user\",
    requests.body, requests.created_at, requests.updated_at, requests.cancelled_at";

/// Where a request stands, from its jobs.
fn whole() -> String {
    let count = |test: &str| format!("count(CASE WHEN ({ENTITY}) {test} THEN 1 END)");
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

/// A request whose columns begin there.
pub(super) fn request(row: &Row, at: usize) -> Result<Request, AnyError> {
    Ok(Request {
        id: row.get(at)?,
        kind: row.get(at + 1)?,
        owner: row.get(at + 2)?,
        user: row.get(at + 3)?,
        body: row.get(at + 4)?,
        created_at: row.get(at + 5)?,
        updated_at: row.get(at + 6)?,
        cancelled_at: row.get(at + 7)?,
    })
}

/// Keeps a request, under the number that was reserved for it or a new one.
async fn insert(tx: &Step<'_>, new: &NewRequest) -> Result<u64, AnyError> {
    let (body, now) = (new.body.to_string(), now_ms());
    if let Some(id) = new.id {
        let sql = "UPDATE requests SET kind = ?2, owner = ?3, \"user\" = ?4, body = ?5,
                 created_at = ?6, updated_at = ?6
             WHERE id = ?1 AND kind = 'reserved'";
        let of = values![id, new.kind, new.owner.clone(), new.user.clone(), body, now];
        return match tx.execute(sql, of).await? {
            0 => Err("no number was reserved for it".into()),
            _ => Ok(id),
        };
    }
    let sql = "INSERT INTO requests (kind, owner, \"user\", body, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5) RETURNING id";
    tx.value(sql, values![new.kind, new.owner.clone(), new.user.clone(), body, now]).await
}

impl Store {
    /// Adds a request with its jobs and its locks.
    pub(crate) async fn add(&self, new: NewRequest) -> Result<u64, StoreError> {
        self.write("keep a request", move |tx| {
            Box::pin(async move {
                let id = insert(tx, &new).await?;
                parts::insert(tx, id, &new.user, new.parts).await?;
                for lock in new.locks {
                    let sql = "INSERT INTO locks (request, place, project, expires_at)
                         VALUES (?1, ?2, ?3, ?4)";
                    let of = values![id, lock.place, lock.project, lock.expires_at];
                    tx.execute(sql, of).await?;
                }
                Ok(id)
            })
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
            Box::pin(async move {
                let sql = format!("SELECT {COLUMNS} FROM requests WHERE id = ?1 AND kind = ?2");
                let row = tx.row(&sql, values![id, kind]).await?;
                row.map(|row| request(&row, 0)).transpose()
            })
        })
        .await
    }

    /// Requests, and how many there are in all.
    pub(crate) async fn requests(&self, query: Query) -> Result<(Vec<Request>, u64), StoreError> {
        self.read("list requests", move |tx| {
            Box::pin(async move {
                let mut filter = Filter::new("TRUE");
                filter.and_if("kind = ?", Some(query.kind));
                filter.and_if("\"user\" = ?", query.user);
                filter.and_if("lower(owner) = lower(?)", query.owner);
                filter.and_if(&format!("{} = ?", whole()), query.status);
                let count = format!("SELECT count(*) FROM requests WHERE {}", filter.sql);
                let total = tx.value(&count, &filter.values).await?;
                let order = if query.oldest_first { "ASC" } else { "DESC" };
                let sql = format!(
                    "SELECT {COLUMNS} FROM requests WHERE {}
                     ORDER BY id {order} LIMIT {} OFFSET {}",
                    filter.sql.clone(),
                    filter.with(query.limit),
                    filter.with(query.offset),
                );
                let rows = tx.rows(&sql, &filter.values).await?;
                let rows = rows.iter().map(|row| request(row, 0)).collect::<Result<_, _>>()?;
                Ok((rows, total))
            })
        })
        .await
    }

    /// Notes that somebody asked a request to stop.
    pub(crate) async fn cancel(&self, request: u64) -> Result<(), StoreError> {
        self.write("note a wish to stop", move |tx| {
            Box::pin(async move {
                let sql = "UPDATE requests SET cancelled_at = ?2, updated_at = ?2
                     WHERE id = ?1 AND cancelled_at IS NULL";
                tx.execute(sql, values![request, now_ms()]).await?;
                Ok(())
            })
        })
        .await
    }

    /// A number for a request that is about to be added.
    pub(crate) async fn reserve(&self) -> Result<u64, StoreError> {
        self.write("reserve a number", move |tx| {
            Box::pin(async move {
                let sql = "INSERT INTO requests
                     (kind, owner, \"user\", body, created_at, updated_at)
                     VALUES ('reserved', '', '', 'null', ?1, ?1) RETURNING id";
                tx.value(sql, values![now_ms()]).await
            })
        })
        .await
    }
}
