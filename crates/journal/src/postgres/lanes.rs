//! Lanes: where they stand and what they count.

use super::{
    pool::AnyError,
    row::{count, count_if_any, int, json, kind},
    session::fence,
};
use deadpool_postgres::Transaction;
use packhorse_core::{
    Lane, Scope,
    port::{Claim, Counts, LaneView, Position},
};
use tokio_postgres::Row;

pub(super) async fn position(
    tx: &Transaction<'_>,
    claim: &Claim,
    lane: &Lane,
) -> Result<Position, AnyError> {
    fence(tx, claim).await?;
    let select = tx
        .prepare_cached(
            "SELECT position FROM lanes JOIN listings ON listings.id = listing
             WHERE job = $1 AND route = $2 AND scope = $3 AND kind = $4",
        )
        .await?;
    let key = (int(claim.job.0), int(claim.route), lane.scope.key(), lane.kind.name());
    let row = tx.query_opt(&select, &[&key.0, &key.1, &key.2, &key.3]).await?;
    row.map_or(Ok(Position::Start), |row| json(&row, 0))
}

/// All lanes of a job, in columns as [`view`] wants them.
pub(super) const VIEWS: &str = "SELECT scope, kind, position, source, n_read, n_created, n_updated,
        n_adopted, n_unchanged, n_deleted, n_dropped, n_failed, n_losses
    FROM lanes JOIN listings ON listings.id = listing WHERE job = $1";

pub(super) fn view(row: &Row) -> Result<LaneView, AnyError> {
    Ok(LaneView {
        scope: Scope::from_key(row.try_get(0)?),
        kind: kind(row, 1)?,
        position: json(row, 2)?,
        counts: Counts {
            source: count_if_any(row, 3)?,
            read: count(row, 4)?,
            created: count(row, 5)?,
            updated: count(row, 6)?,
            adopted: count(row, 7)?,
            unchanged: count(row, 8)?,
            deleted: count(row, 9)?,
            dropped: count(row, 10)?,
            failed: count(row, 11)?,
            losses: count(row, 12)?,
        },
    })
}
