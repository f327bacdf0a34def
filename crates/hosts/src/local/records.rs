//! Records in the database: every statement that touches them.

use super::{
    buffer::{Change, Changes, Place, StoredBlob, place},
    digest::Digest,
    error::StoreError,
    key,
};
use packhorse_core::{Cursor, Object, ObjectKind, Origin, Record, Scope, port::Page};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

/// A page ends after that many records …
const PAGE_RECORDS: usize = 500;
/// … or before that many bytes of them.
const PAGE_BYTES: usize = 2 << 20;

/// The row of a scope; `None` when nothing was ever written in it.
pub(super) fn scope_row(conn: &Connection, scope: &Scope) -> Result<Option<i64>, StoreError> {
    let found = similar_scope(conn, scope)?;
    Ok(found.filter(|(_, path)| path == scope.key()).map(|(row, _)| row))
}

/// A scope whose path is the same, or the same but for upper and lower case.
fn similar_scope(conn: &Connection, scope: &Scope) -> Result<Option<(i64, String)>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT id, path FROM scopes WHERE path = ?1")?;
    let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    Ok(statement.query_row([scope.key()], row).optional()?)
}

/// The row of a scope, made if there is none.
pub(super) fn make_scope(transaction: &Transaction<'_>, scope: &Scope) -> Result<i64, StoreError> {
    match similar_scope(transaction, scope)? {
        Some((row, path)) if path == scope.key() => Ok(row),
        Some((_, path)) => Err(StoreError::Case(path)),
        None => {
            transaction.execute("INSERT INTO scopes (path) VALUES (?1)", [scope.key()])?;
            Ok(transaction.last_insert_rowid())
        }
    }
}

/// Counts how often the store has changed.
pub(super) fn generation(conn: &Connection) -> Result<i64, StoreError> {
    let mut statement = conn.prepare_cached("SELECT generation FROM store")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// Writes all changes; rows that are as they should be stay untouched.
pub(super) fn store(
    transaction: &Transaction<'_>,
    scope: &Scope,
    changes: &Changes,
) -> Result<(), StoreError> {
    let row = make_scope(transaction, scope)?;
    let next = generation(transaction)?.saturating_add(1);
    let mut changed = 0;
    {
        let mut put = transaction.prepare_cached(
            "INSERT INTO records (scope, kind, key, body, generation) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET body = excluded.body, generation = excluded.generation
             WHERE body IS NOT excluded.body",
        )?;
        for ((kind, key), change) in changes.records() {
            changed += match change {
                Change::Put(body) => put.execute(params![row, kind.name(), key, body, next])?,
                Change::Remove => remove(transaction, row, *kind, key)?,
            };
        }
    }
    for ((kind, key), blob) in changes.blobs() {
        changed += link(transaction, row, (*kind, key), blob)?;
    }
    if changed > 0 {
        transaction.execute("UPDATE store SET generation = ?1", [next])?;
    }
    Ok(())
}

fn remove(
    transaction: &Transaction<'_>,
    scope: i64,
    kind: ObjectKind,
    key: &str,
) -> Result<usize, StoreError> {
    let mut changed = 0;
    for statement in [
        "DELETE FROM records WHERE scope = ?1 AND kind = ?2 AND key = ?3",
        "DELETE FROM blobs WHERE scope = ?1 AND kind = ?2 AND key = ?3",
    ] {
        let mut statement = transaction.prepare_cached(statement)?;
        changed += statement.execute(params![scope, kind.name(), key])?;
    }
    Ok(changed)
}

fn link(
    transaction: &Transaction<'_>,
    scope: i64,
    (kind, key): (ObjectKind, &String),
    blob: &StoredBlob,
) -> Result<usize, StoreError> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO blobs (scope, kind, key, sha256, size) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET sha256 = excluded.sha256, size = excluded.size
         WHERE sha256 IS NOT excluded.sha256",
    )?;
    let digest = blob.digest.as_bytes();
    Ok(statement.execute(params![scope, kind.name(), key, digest, blob.size])?)
}

/// Whether a record is in the database.
pub(super) fn contains(
    conn: &Connection,
    scope: &Scope,
    (kind, key): &Place,
) -> Result<bool, StoreError> {
    let Some(row) = scope_row(conn, scope)? else { return Ok(false) };
    let mut statement = conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM records WHERE scope = ?1 AND kind = ?2 AND key = ?3)",
    )?;
    Ok(statement.query_row(params![row, kind.name(), key], |row| row.get(0))?)
}

/// Whether there is any record of a kind.
pub(super) fn has_any(
    conn: &Connection,
    scope: &Scope,
    kind: ObjectKind,
) -> Result<bool, StoreError> {
    let Some(row) = scope_row(conn, scope)? else { return Ok(false) };
    let mut statement = conn
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM records WHERE scope = ?1 AND kind = ?2)")?;
    Ok(statement.query_row(params![row, kind.name()], |row| row.get(0))?)
}

/// The blob of a record.
pub(super) fn blob(
    conn: &Connection,
    scope: &Scope,
    origin: &Origin,
) -> Result<Option<StoredBlob>, StoreError> {
    let Some(row) = scope_row(conn, scope)? else { return Ok(None) };
    let (kind, key) = place(origin);
    let mut statement = conn.prepare_cached(
        "SELECT sha256, size FROM blobs WHERE scope = ?1 AND kind = ?2 AND key = ?3",
    )?;
    let stored = |row: &Row<'_>| {
        let digest = Digest::from(row.get::<_, [u8; 32]>(0)?);
        Ok(StoredBlob { digest, size: row.get(1)? })
    };
    Ok(statement.query_row(params![row, kind.name(), key], stored).optional()?)
}

/// One page of a kind in a scope.
pub(super) fn page(
    conn: &Connection,
    scope: &Scope,
    kind: ObjectKind,
    after: Option<&Cursor>,
) -> Result<Page, StoreError> {
    let Some(row) = scope_row(conn, scope)? else { return Ok(Page::default()) };
    let mut statement = conn.prepare_cached(
        "SELECT key, body FROM records WHERE scope = ?1 AND kind = ?2 AND key > ?3 ORDER BY key",
    )?;
    let after = after.map_or("", |it| it.0.as_str());
    let mut rows = statement.query(params![row, kind.name(), after])?;
    let mut page = Filling::default();
    while let Some(row) = rows.next()? {
        let (key, body): (String, _) = (row.get(0)?, row.get_ref(1)?.as_blob());
        let body = body.map_err(rusqlite::Error::from)?;
        if page.is_full(body.len()) {
            return Ok(page.until_here());
        }
        let record = record(scope, origin(scope, kind, &key)?, body)?;
        page.push(record, key, body.len());
    }
    Ok(page.whole())
}

/// One page of all projects' own records; `only` restricts it to one.
pub(super) fn projects(
    conn: &Connection,
    only: Option<&str>,
    after: Option<&Cursor>,
) -> Result<Page, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT path, body FROM scopes JOIN records
         ON records.scope = scopes.id AND records.kind = ?1
         WHERE path > ?2 AND (?3 IS NULL OR path = ?3 COLLATE BINARY) ORDER BY path",
    )?;
    let after = after.map_or("", |it| it.0.as_str());
    let mut rows = statement.query(params![ObjectKind::Project.name(), after, only])?;
    let mut page = Filling::default();
    while let Some(row) = rows.next()? {
        let (path, body): (String, _) = (row.get(0)?, row.get_ref(1)?.as_blob());
        let body = body.map_err(rusqlite::Error::from)?;
        if page.is_full(body.len()) {
            return Ok(page.until_here());
        }
        let scope = Scope::Project(path.clone());
        let record = record(&scope, Origin::new(ObjectKind::Project, path.clone()), body)?;
        page.push(record, path, body.len());
    }
    Ok(page.whole())
}

/// A page on its way to being full.
#[derive(Default)]
struct Filling {
    records: Vec<Record>,
    bytes: usize,
    last: Option<String>,
}

impl Filling {
    fn is_full(&self, more: usize) -> bool {
        self.records.len() == PAGE_RECORDS
            || (!self.records.is_empty() && self.bytes + more > PAGE_BYTES)
    }

    fn push(&mut self, record: Record, place: String, bytes: usize) {
        self.records.push(record);
        self.bytes += bytes;
        self.last = Some(place);
    }

    fn until_here(self) -> Page {
        Page { records: self.records, next: self.last.map(Cursor) }
    }

    fn whole(self) -> Page {
        Page { records: self.records, next: None }
    }
}

fn origin(scope: &Scope, kind: ObjectKind, key: &str) -> Result<Origin, StoreError> {
    match key::decode(key) {
        Some(id) => Ok(Origin::new(kind, id)),
        None => Err(StoreError::Record {
            origin: Origin::new(kind, key),
            scope: scope.clone(),
            source: "no id has that key".into(),
        }),
    }
}

fn record(scope: &Scope, origin: Origin, body: &[u8]) -> Result<Record, StoreError> {
    match Object::from_fields(origin.kind, body) {
        Ok(object) => Ok(Record::new(origin.id, object)),
        Err(error) => {
            Err(StoreError::Record { origin, scope: scope.clone(), source: error.into() })
        }
    }
}

/// How many records of a kind there are, under the name that the database has for it.
pub(super) struct Count {
    pub(super) kind: String,
    pub(super) records: u64,
    pub(super) blob_bytes: u64,
}

/// Counts the records of a scope by kind.
pub(super) fn counts(conn: &Connection, scope: &Scope) -> Result<Vec<Count>, StoreError> {
    let Some(row) = scope_row(conn, scope)? else { return Ok(Vec::new()) };
    let mut statement = conn.prepare_cached(
        "SELECT kind, count(*),
                coalesce((SELECT sum(size) FROM blobs
                          WHERE blobs.scope = ?1 AND blobs.kind = records.kind), 0)
         FROM records WHERE scope = ?1 GROUP BY kind",
    )?;
    let counts = statement.query_map([row], |row| {
        Ok(Count { kind: row.get(0)?, records: row.get(1)?, blob_bytes: row.get(2)? })
    })?;
    Ok(counts.collect::<Result<_, _>>()?)
}

/// Number of projects; `only` restricts them to one.
pub(super) fn project_count(conn: &Connection, only: Option<&str>) -> Result<u64, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT count(*) FROM scopes JOIN records
         ON records.scope = scopes.id AND records.kind = ?1
         WHERE ?2 IS NULL OR path = ?2 COLLATE BINARY",
    )?;
    Ok(statement.query_row(params![ObjectKind::Project.name(), only], |row| row.get(0))?)
}

/// Up to `limit` paths of scopes after that one, in order.
pub(super) fn scopes(
    conn: &Connection,
    after: &str,
    limit: usize,
) -> Result<Vec<String>, StoreError> {
    let mut statement =
        conn.prepare_cached("SELECT path FROM scopes WHERE path > ?1 ORDER BY path LIMIT ?2")?;
    let paths = statement.query_map(params![after, limit], |row| row.get(0))?;
    Ok(paths.collect::<Result<_, _>>()?)
}
