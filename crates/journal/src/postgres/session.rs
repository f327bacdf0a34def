//! What steps of a claim have in common.

use super::{
    pool::AnyError,
    row::{count, int},
};
use deadpool_postgres::Transaction;
use packhorse_core::{
    Lane,
    port::{Claim, ClaimLost},
};

/// A lane of a route, as the tables know it; its row is locked until the step ends.
pub(super) struct Listing {
    /// Its number.
    pub(super) id: i64,
    /// Records that this claim has begun and not settled.
    pub(super) under_way: u64,
    /// Records that earlier claims had begun, and that were not told as interrupted yet.
    pub(super) doubts: u64,
}

/// Refuses a claim that is another's now, and keeps it from being lost while the step lasts.
pub(super) async fn fence(tx: &Transaction<'_>, claim: &Claim) -> Result<(), AnyError> {
    let select = tx
        .prepare_cached("SELECT epoch FROM leases WHERE job = $1 AND worker IS NOT NULL FOR UPDATE")
        .await?;
    let row = tx.query_opt(&select, &[&int(claim.job.0)]).await?;
    match row.map(|row| count(&row, 0)).transpose()? {
        Some(epoch) if epoch == claim.epoch => Ok(()),
        Some(_) | None => Err(ClaimLost { job: claim.job }.into()),
    }
}

/// Number of a lane in a route, if it was ever entered.
pub(super) async fn find(
    tx: &Transaction<'_>,
    route: u64,
    lane: &Lane,
) -> Result<Option<i64>, AnyError> {
    let select = tx
        .prepare_cached("SELECT id FROM listings WHERE route = $1 AND scope = $2 AND kind = $3")
        .await?;
    let key = (int(route), lane.scope.key(), lane.kind.name());
    let row = tx.query_opt(&select, &[&key.0, &key.1, &key.2]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// The lane in the route's tables, made if need be, and its row in the job.
pub(super) async fn enter(
    tx: &Transaction<'_>,
    claim: &Claim,
    lane: &Lane,
) -> Result<Listing, AnyError> {
    let id = match find(tx, claim.route, lane).await? {
        Some(id) => id,
        None => {
            let insert = tx
                .prepare_cached(
                    "INSERT INTO listings (route, scope, kind) VALUES ($1, $2, $3) RETURNING id",
                )
                .await?;
            let key = (int(claim.route), lane.scope.key(), lane.kind.name());
            tx.query_one(&insert, &[&key.0, &key.1, &key.2]).await?.try_get(0)?
        }
    };
    let enter = tx
        .prepare_cached("INSERT INTO lanes (job, listing) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .await?;
    tx.execute(&enter, &[&int(claim.job.0), &id]).await?;
    let take_over = tx
        .prepare_cached(
            "UPDATE listings SET
                 doubts = doubts + CASE WHEN (open_job, open_epoch) = ($2, $3)
                     THEN 0 ELSE open_count END,
                 open_count = CASE WHEN (open_job, open_epoch) = ($2, $3)
                     THEN open_count ELSE 0 END,
                 open_job = $2, open_epoch = $3
             WHERE id = $1 RETURNING open_count, doubts",
        )
        .await?;
    let row = tx.query_one(&take_over, &[&id, &int(claim.job.0), &int(claim.epoch)]).await?;
    Ok(Listing { id, under_way: count(&row, 0)?, doubts: count(&row, 1)? })
}

impl Listing {
    /// Keeps what is under way.
    pub(super) async fn mark(&self, tx: &Transaction<'_>) -> Result<(), AnyError> {
        let update = tx
            .prepare_cached("UPDATE listings SET open_count = $2, doubts = $3 WHERE id = $1")
            .await?;
        tx.execute(&update, &[&self.id, &int(self.under_way), &int(self.doubts)]).await?;
        Ok(())
    }
}
