//! Lanes: where they stand and what they count.

use super::{database::AnyError, names, session::fence};
use packhorse_core::{
    Lane, Scope,
    port::{Claim, Counts, LaneView, Position},
};
use rusqlite::{OptionalExtension, Row, Transaction};

pub(crate) fn position(
    transaction: &Transaction<'_>,
    claim: &Claim,
    lane: &Lane,
) -> Result<Position, AnyError> {
    fence(transaction, claim)?;
    let position: Option<String> = transaction
        .prepare_cached(
            "SELECT position FROM lanes JOIN listings ON listings.id = listing
             WHERE job = ?1 AND route = ?2 AND scope = ?3 AND kind = ?4",
        )?
        .query_row((claim.job.0, claim.route, lane.scope.key(), lane.kind.name()), |row| row.get(0))
        .optional()?;
    Ok(position.map_or(Ok(Position::Start), |text| serde_json::from_str(&text))?)
}

/// All lanes of a job, in columns as [`view`] wants them.
pub(crate) const VIEWS: &str = "SELECT scope, kind, position, source, n_read, n_created, n_updated,
        n_adopted, n_unchanged, n_deleted, n_dropped, n_failed, n_losses
    FROM lanes JOIN listings ON listings.id = listing WHERE job = ?1";

pub(crate) fn view(row: &Row<'_>) -> rusqlite::Result<LaneView> {
    Ok(LaneView {
        scope: Scope::from_key(&row.get::<_, String>(0)?),
        kind: names::kind(row, 1)?,
        position: names::json(row, 2)?,
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
