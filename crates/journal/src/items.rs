//! Items: begun, settled, looked up, gone.

use crate::{
    database::{AnyError, begin as transaction, fence, find_scope},
    lanes::enter,
};
use packhorse_core::{
    Fingerprint, Lane, Origin, Settle, TargetId,
    job::JobId,
    port::{Begun, Claim, Entry, Failure, Gone, Item, ItemQuery, Outcome, Position, Settled},
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction};

/// What a lane remembers of batches under way.
struct Mark {
    had_items: bool,
    interrupted: u64,
}

pub(crate) fn begin(
    db: &mut Connection,
    claim: &Claim,
    lane: &Lane,
    settle: Settle,
    entries: &[Entry],
) -> Result<Vec<Begun>, AnyError> {
    let tx = transaction(db)?;
    fence(&tx, claim)?;
    let scope = enter(&tx, claim, lane)?;
    let begun = match settle {
        Settle::Page => begin_page(&tx, claim, lane, scope, entries)?,
        Settle::Record => begin_records(&tx, claim, lane, scope, entries)?,
    };
    tx.commit()?;
    Ok(begun)
}

fn begin_page(
    tx: &Transaction<'_>,
    claim: &Claim,
    lane: &Lane,
    scope: i64,
    entries: &[Entry],
) -> Result<Vec<Begun>, AnyError> {
    let kind = lane.kind.name();
    // A mark of an older epoch is a batch that died; what it counted is asked for.
    let mark = tx
        .prepare_cached(
            "UPDATE lanes SET
                 interrupted = interrupted + iif(open_epoch <> ?4, open_count, 0),
                 open_count = ?5, open_epoch = ?4
             WHERE job = ?1 AND scope = ?2 AND kind = ?3
             RETURNING had_items, interrupted",
        )?
        .query_row((claim.job.0, scope, kind, claim.epoch, entries.len() as u64), |row| {
            Ok(Mark { had_items: row.get(0)?, interrupted: row.get(1)? })
        })?;
    let mut left = mark.interrupted;
    entries
        .iter()
        .map(|entry| {
            let known = if mark.had_items { find(tx, scope, kind, entry)? } else { None };
            Ok(match known {
                Some(begun) => begun,
                None if left > 0 => {
                    left -= 1;
                    Begun::Interrupted
                }
                None => Begun::Fresh,
            })
        })
        .collect()
}

fn begin_records(
    tx: &Transaction<'_>,
    claim: &Claim,
    lane: &Lane,
    scope: i64,
    entries: &[Entry],
) -> Result<Vec<Begun>, AnyError> {
    let kind = lane.kind.name();
    let mut insert = tx.prepare_cached(
        "INSERT INTO items (scope, kind, id, written_by, seen_by) VALUES (?1, ?2, ?3, ?4, ?4)",
    )?;
    entries
        .iter()
        .map(|entry| match find(tx, scope, kind, entry)? {
            Some(begun) => Ok(begun),
            None => {
                insert.execute((scope, kind, &entry.id, claim.job.0))?;
                Ok(Begun::Fresh)
            }
        })
        .collect()
}

/// What is known of an entry, if it was ever begun.
fn find(
    tx: &Transaction<'_>,
    scope: i64,
    kind: &str,
    entry: &Entry,
) -> Result<Option<Begun>, AnyError> {
    let found = tx
        .prepare_cached(
            "SELECT fingerprint, target FROM items WHERE scope = ?1 AND kind = ?2 AND id = ?3",
        )?
        .query_row((scope, kind, &entry.id), |row| {
            Ok((row.get::<_, Option<[u8; 32]>>(0)?, row.get::<_, Option<String>>(1)?))
        })
        .optional()?;
    Ok(found.map(|(fingerprint, target)| match fingerprint {
        None => Begun::Interrupted,
        Some(bytes) if Fingerprint::from_bytes(bytes) == entry.fingerprint => Begun::Done,
        Some(_) => Begun::Changed(TargetId(target.unwrap_or_else(|| entry.id.clone()))),
    }))
}

/// What a settled batch brings.
pub(crate) struct Batch {
    pub(crate) settled: Vec<Settled>,
    pub(crate) failed: Vec<Failure>,
    pub(crate) to: Option<Position>,
}

pub(crate) fn settle(
    db: &mut Connection,
    claim: &Claim,
    lane: &Lane,
    batch: &Batch,
) -> Result<(), AnyError> {
    let tx = transaction(db)?;
    fence(&tx, claim)?;
    let scope = enter(&tx, claim, lane)?;
    let interrupted: bool = tx
        .prepare_cached(
            "SELECT interrupted > 0 FROM lanes WHERE job = ?1 AND scope = ?2 AND kind = ?3",
        )?
        .query_row((claim.job.0, scope, lane.kind.name()), |row| row.get(0))?;
    for settled in &batch.settled {
        put(&tx, claim, lane, scope, settled, interrupted)?;
        losses(&tx, claim, lane, scope, settled)?;
    }
    for failure in &batch.failed {
        tx.prepare_cached(
            "INSERT INTO failures (job, scope, kind, id, reason) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((claim.job.0, scope, lane.kind.name(), &failure.id, &failure.reason))?;
    }
    count(&tx, claim, lane, scope, batch)?;
    tx.commit()?;
    Ok(())
}

fn put(
    tx: &Transaction<'_>,
    claim: &Claim,
    lane: &Lane,
    scope: i64,
    settled: &Settled,
    interrupted: bool,
) -> Result<(), AnyError> {
    let (job, kind) = (claim.job.0, lane.kind.name());
    let Some(outcome) = settled.outcome else {
        tx.prepare_cached(
            "UPDATE items SET seen_by = ?4 WHERE scope = ?1 AND kind = ?2 AND id = ?3",
        )?
        .execute((scope, kind, &settled.id, job))?;
        return Ok(());
    };
    let target = (settled.target.0 != settled.id).then_some(&settled.target.0);
    // What an interrupted run of this job left is this job's own making.
    let created_by = match outcome {
        Outcome::Created => Some(job),
        Outcome::Adopted if interrupted => Some(job),
        Outcome::Adopted | Outcome::Updated => None,
    };
    tx.prepare_cached(
        "INSERT INTO items (scope, kind, id, target, fingerprint, created_by, written_by, seen_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
         ON CONFLICT DO UPDATE SET
             target = ?4, fingerprint = ?5, written_by = ?7, seen_by = ?7,
             created_by = CASE
                 WHEN fingerprint IS NULL THEN coalesce(?6, ?7)
                 ELSE coalesce(created_by, ?6) END",
    )?
    .execute((
        scope,
        kind,
        &settled.id,
        target,
        settled.fingerprint.as_bytes(),
        created_by,
        job,
    ))?;
    Ok(())
}

fn losses(
    tx: &Transaction<'_>,
    claim: &Claim,
    lane: &Lane,
    scope: i64,
    settled: &Settled,
) -> Result<(), AnyError> {
    for loss in &settled.losses {
        tx.prepare_cached(
            "INSERT INTO losses (job, scope, kind, id, field, cause, detail)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            claim.job.0,
            scope,
            lane.kind.name(),
            &settled.id,
            loss.field.as_ref(),
            loss.cause.name(),
            &loss.detail,
        ))?;
    }
    Ok(())
}

fn count(
    tx: &Transaction<'_>,
    claim: &Claim,
    lane: &Lane,
    scope: i64,
    batch: &Batch,
) -> Result<(), AnyError> {
    let of = |outcome| batch.settled.iter().filter(|it| it.outcome == outcome).count() as u64;
    let losses: usize = batch.settled.iter().map(|it| it.losses.len()).sum();
    let position = batch.to.as_ref().map(serde_json::to_string).transpose()?;
    let records = batch.settled.len() as u64
        + batch.failed.iter().filter(|it| it.id.is_some()).count() as u64;
    tx.prepare_cached(
        "UPDATE lanes SET
             n_read = n_read + ?4, n_created = n_created + ?5, n_updated = n_updated + ?6,
             n_adopted = n_adopted + ?7, n_unchanged = n_unchanged + ?8,
             n_failed = n_failed + ?9, n_losses = n_losses + ?10,
             position = coalesce(?11, position),
             interrupted = max(0, interrupted - ?4), open_count = 0
         WHERE job = ?1 AND scope = ?2 AND kind = ?3",
    )?
    .execute(rusqlite::params![
        claim.job.0,
        scope,
        lane.kind.name(),
        records,
        of(Some(Outcome::Created)),
        of(Some(Outcome::Updated)),
        of(Some(Outcome::Adopted)),
        of(None),
        batch.failed.len() as u64,
        losses as u64,
        position,
    ])?;
    Ok(())
}

const ITEM: &str = "SELECT id, target, fingerprint, created_by, written_by FROM items";

fn item(row: &Row<'_>, lane: &Lane) -> rusqlite::Result<Item> {
    let id: String = row.get(0)?;
    let target: Option<String> = row.get(1)?;
    let fingerprint: [u8; 32] = row.get(2)?;
    Ok(Item {
        scope: lane.scope.clone(),
        target: TargetId(target.unwrap_or_else(|| id.clone())),
        origin: Origin::new(lane.kind, id),
        fingerprint: Fingerprint::from_bytes(fingerprint),
        created_by: row.get::<_, Option<u64>>(3)?.map(JobId),
        written_by: JobId(row.get(4)?),
    })
}

pub(crate) fn gone(
    db: &mut Connection,
    claim: &Claim,
    lane: &Lane,
    after: Option<String>,
    limit: usize,
) -> Result<Gone, AnyError> {
    let Some(scope) = find_scope(db, claim.route, lane.scope.key())? else {
        return Ok(Vec::new());
    };
    let sql = format!(
        "{ITEM} WHERE scope = ?1 AND kind = ?2 AND id > ?3
         AND seen_by <> ?4 AND fingerprint IS NOT NULL ORDER BY id LIMIT ?5"
    );
    let after = after.unwrap_or_default();
    let key = (scope, lane.kind.name(), after, claim.job.0, limit as u64);
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map(key, |row| item(row, lane))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn forget(
    db: &mut Connection,
    claim: &Claim,
    lane: &Lane,
    ids: &[String],
) -> Result<(), AnyError> {
    let tx = transaction(db)?;
    fence(&tx, claim)?;
    let scope = enter(&tx, claim, lane)?;
    let mut removed = 0;
    for id in ids {
        removed += tx
            .prepare_cached("DELETE FROM items WHERE scope = ?1 AND kind = ?2 AND id = ?3")?
            .execute((scope, lane.kind.name(), id))?;
    }
    tx.prepare_cached(
        "UPDATE lanes SET n_deleted = n_deleted + ?4 WHERE job = ?1 AND scope = ?2 AND kind = ?3",
    )?
    .execute((claim.job.0, scope, lane.kind.name(), removed as u64))?;
    tx.commit()?;
    Ok(())
}

pub(crate) fn look_up(
    db: &mut Connection,
    route: u64,
    lane: &Lane,
    query: &ItemQuery,
) -> Result<Vec<Item>, AnyError> {
    let Some(scope) = find_scope(db, route, lane.scope.key())? else {
        return Ok(Vec::new());
    };
    let kind = lane.kind.name();
    let settled = "scope = ?1 AND kind = ?2 AND fingerprint IS NOT NULL";
    let mut list = Vec::new();
    match query {
        ItemQuery::Origins(ids) => {
            let mut one = db.prepare_cached(&format!("{ITEM} WHERE {settled} AND id = ?3"))?;
            for id in ids {
                list.extend(one.query_row((scope, kind, id), |row| item(row, lane)).optional()?);
            }
        }
        ItemQuery::Targets(targets) => {
            let sql = format!(
                "{ITEM} WHERE {settled} AND id = ?3 AND target IS NULL
                 UNION ALL {ITEM} WHERE {settled} AND target = ?3"
            );
            let mut one = db.prepare_cached(&sql)?;
            for target in targets {
                let found = one.query_row((scope, kind, &target.0), |row| item(row, lane));
                list.extend(found.optional()?);
            }
        }
        ItemQuery::After(after, limit) => {
            let sql = format!("{ITEM} WHERE {settled} AND id > ?3 ORDER BY id LIMIT ?4");
            let after = after.as_deref().unwrap_or_default();
            let mut page = db.prepare_cached(&sql)?;
            let rows =
                page.query_map((scope, kind, after, *limit as u64), |row| item(row, lane))?;
            list = rows.collect::<Result<_, _>>()?;
        }
    }
    Ok(list)
}
