//! Lanes: where they stand, what they count; and events.

use crate::database::{AnyError, begin, fence, scope};
use packhorse_core::{
    Event, Lane, Loss, ObjectKind, Scope,
    port::{Claim, Counts, LaneView, Position, Stage},
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction};

/// Makes the lane's row on its first use in a job, and gives the number of its scope.
///
/// Whether the route has items in it already is asked only then: afterwards
/// those that this job makes itself would count too.
pub(crate) fn enter(
    transaction: &Transaction<'_>,
    claim: &Claim,
    lane: &Lane,
) -> Result<i64, AnyError> {
    let scope = scope(transaction, claim.route, lane.scope.key())?;
    transaction
        .prepare_cached(
            "INSERT INTO lanes (job, scope, kind, had_items) VALUES (?1, ?2, ?3,
                 EXISTS (SELECT 1 FROM items WHERE scope = ?2 AND kind = ?3))
             ON CONFLICT DO NOTHING",
        )?
        .execute((claim.job.0, scope, lane.kind.name()))?;
    Ok(scope)
}

pub(crate) fn position(
    db: &mut Connection,
    claim: &Claim,
    lane: &Lane,
) -> Result<Position, AnyError> {
    let position: Option<String> = db
        .prepare_cached(
            "SELECT position FROM lanes JOIN scopes ON scopes.id = lanes.scope
             WHERE job = ?1 AND route = ?2 AND path = ?3 AND kind = ?4",
        )?
        .query_row((claim.job.0, claim.route, lane.scope.key(), lane.kind.name()), |row| row.get(0))
        .optional()?;
    Ok(position.map_or(Ok(Position::Start), |text| serde_json::from_str(&text))?)
}

/// Columns of [`view`], in its order.
pub(crate) const COLUMNS: &str = "path, kind, position, source, n_read, n_created, n_updated, \
    n_adopted, n_unchanged, n_deleted, n_dropped, n_failed, n_losses";

pub(crate) fn view(row: &Row<'_>) -> rusqlite::Result<LaneView> {
    let position: String = row.get(2)?;
    Ok(LaneView {
        scope: Scope::from_key(&row.get::<_, String>(0)?),
        kind: kind(row, 1)?,
        position: serde_json::from_str(&position).unwrap_or_default(),
        counts: Counts {
            source: row.get(3)?,
            read: row.get(4)?,
            created: row.get(5)?,
            updated: row.get(6)?,
            adopted: row.get(7)?,
            unchanged: row.get(8)?,
            deleted: row.get(9)?,
            dropped: row.get(10)?,
            failed: row.get(11)?,
            losses: row.get(12)?,
        },
    })
}

/// A kind by its stable name; a name from a newer version is a conversion error.
pub(crate) fn kind(row: &Row<'_>, column: usize) -> rusqlite::Result<ObjectKind> {
    let name: String = row.get(column)?;
    ObjectKind::named(&name).ok_or_else(|| {
        let unknown = format!("there is no kind `{name}`");
        rusqlite::Error::FromSqlConversionFailure(
            column,
            rusqlite::types::Type::Text,
            unknown.into(),
        )
    })
}

/// Stable name of a stage.
pub(crate) const fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Waiting => "waiting",
        Stage::Carrying => "carrying",
        Stage::Carried => "carried",
        Stage::Verified => "verified",
        Stage::Differs => "differs",
        Stage::Failed => "failed",
    }
}

/// The stage of that name.
pub(crate) fn stage(name: &str) -> Stage {
    let all = [
        Stage::Waiting,
        Stage::Carrying,
        Stage::Carried,
        Stage::Verified,
        Stage::Differs,
        Stage::Failed,
    ];
    all.into_iter().find(|it| stage_name(*it) == name).unwrap_or_default()
}

pub(crate) fn note(
    db: &mut Connection,
    claim: &Claim,
    event: &Event,
    now: i64,
) -> Result<(), AnyError> {
    let transaction = begin(db)?;
    fence(&transaction, claim)?;
    match event {
        Event::Verifying { .. } => return Ok(()),
        Event::Progress { scope, kind, counts, .. } => {
            let lane = Lane::new(scope.clone(), *kind);
            let scope = enter(&transaction, claim, &lane)?;
            transaction
                .prepare_cached(
                    "UPDATE lanes SET source = ?4 WHERE job = ?1 AND scope = ?2 AND kind = ?3",
                )?
                .execute((claim.job.0, scope, kind.name(), counts.source))?;
            transaction.commit()?;
            return Ok(());
        }
        Event::Project { path, target, stage, reason } => {
            transaction
                .prepare_cached(
                    "INSERT INTO projects (job, source, target, stage, reason) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT DO UPDATE SET target = ?3, stage = ?4, reason = ?5",
                )?
                .execute((claim.job.0, path, target, stage_name(*stage), reason))?;
        }
        Event::Dropped { scope, kind, records, why } => {
            dropped(&transaction, claim, &Lane::new(scope.clone(), *kind), *records, why)?;
        }
        Event::Started { .. }
        | Event::Failed { .. }
        | Event::Waiting { .. }
        | Event::Ended { .. } => {}
    }
    transaction
        .prepare_cached("INSERT INTO events (job, at, body) VALUES (?1, ?2, ?3)")?
        .execute((claim.job.0, now, serde_json::to_string(event)?))?;
    transaction.commit()?;
    Ok(())
}

/// Notes once that a lane is not carried.
fn dropped(
    transaction: &Transaction<'_>,
    claim: &Claim,
    lane: &Lane,
    records: Option<u64>,
    why: &str,
) -> Result<(), AnyError> {
    let scope = enter(transaction, claim, lane)?;
    let key = (claim.job.0, scope, lane.kind.name());
    let noted: bool = transaction
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM losses
             WHERE job = ?1 AND scope = ?2 AND kind = ?3 AND id = '*')",
        )?
        .query_row(key, |row| row.get(0))?;
    if noted {
        return Ok(());
    }
    transaction
        .prepare_cached(
            "INSERT INTO losses (job, scope, kind, id, field, cause, detail)
             VALUES (?1, ?2, ?3, '*', ?4, 'sink', ?5)",
        )?
        .execute((key.0, key.1, key.2, Loss::WHOLE, why))?;
    transaction
        .prepare_cached(
            "UPDATE lanes SET source = ?4, n_read = ?5, n_dropped = ?5, n_losses = n_losses + 1
             WHERE job = ?1 AND scope = ?2 AND kind = ?3",
        )?
        .execute((key.0, key.1, key.2, records, records.unwrap_or(0)))?;
    Ok(())
}
