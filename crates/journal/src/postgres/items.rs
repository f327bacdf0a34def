//! Items: looked up, gone, forgotten.

use super::{
    pool::AnyError,
    row::{count, count_if_any, fingerprint, id, id_if_any, int},
    session::{enter, fence, find},
};
use crate::paging::beyond;
use deadpool_postgres::Transaction;
use packhorse_core::{
    Lane, Origin, TargetId,
    job::JobId,
    port::{Claim, Gone, Item, ItemQuery},
};
use std::collections::HashMap;
use tokio_postgres::{Row, types::ToSql};

/// Beginning of every query for items that have been settled.
const ITEMS: &str = "SELECT id, target, fingerprint, created_by, written_by, seen_by
    FROM items
    WHERE listing = $1 AND fingerprint IS NOT NULL AND target IS DISTINCT FROM ''::bytea";

fn item(row: &Row, lane: &Lane) -> Result<Item, AnyError> {
    let id = id(row, 0)?;
    let target = id_if_any(row, 1)?.unwrap_or_else(|| id.clone());
    Ok(Item {
        scope: lane.scope.clone(),
        target: TargetId(target),
        origin: Origin::new(lane.kind, id),
        fingerprint: fingerprint(row.try_get(2)?)?,
        created_by: count_if_any(row, 3)?.map(JobId),
        written_by: JobId(count(row, 4)?),
        seen_by: count_if_any(row, 5)?.map(JobId),
    })
}

async fn select(
    tx: &Transaction<'_>,
    lane: &Lane,
    condition: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Item>, AnyError> {
    let statement = tx.prepare_cached(&format!("{ITEMS} {condition}")).await?;
    let rows = tx.query(&statement, parameters).await?;
    rows.iter().map(|row| item(row, lane)).collect()
}

pub(super) async fn look_up(
    tx: &Transaction<'_>,
    route: u64,
    lane: &Lane,
    query: &ItemQuery,
) -> Result<Vec<Item>, AnyError> {
    let Some(listing) = find(tx, route, lane).await? else { return Ok(Vec::new()) };
    match query {
        ItemQuery::Origins(ids) => {
            let bytes: Vec<&[u8]> = ids.iter().map(String::as_bytes).collect();
            let found = select(tx, lane, "AND id = ANY($2)", &[&listing, &bytes]).await?;
            Ok(in_order(ids, found, |it| &it.origin.id))
        }
        ItemQuery::Targets(targets) => {
            let bytes: Vec<&[u8]> = targets.iter().map(|it| it.0.as_bytes()).collect();
            let condition = "AND (target = ANY($2) OR (target IS NULL AND id = ANY($2)))
                ORDER BY target IS NOT NULL, id";
            let found = select(tx, lane, condition, &[&listing, &bytes]).await?;
            let targets: Vec<String> = targets.iter().map(|it| it.0.clone()).collect();
            Ok(in_order(&targets, found, |it| &it.target.0))
        }
        ItemQuery::After(after, limit) => {
            let (beyond, after) = beyond(after.as_deref());
            let condition = format!("AND id {beyond} $2 ORDER BY id LIMIT $3");
            let page = int(*limit as u64);
            select(tx, lane, &condition, &[&listing, &after.as_bytes(), &page]).await
        }
    }
}

/// The items in the order in which they were asked for.
fn in_order(asked: &[String], found: Vec<Item>, key: fn(&Item) -> &String) -> Vec<Item> {
    let mut by_key: HashMap<String, Vec<Item>> = HashMap::new();
    for item in found {
        by_key.entry(key(&item).clone()).or_default().push(item);
    }
    asked.iter().filter_map(|it| by_key.get(it)).flatten().cloned().collect()
}

/// Fields in which records lost something, in any job of the route.
pub(super) async fn lost_fields(
    tx: &Transaction<'_>,
    route: u64,
    lane: &Lane,
    ids: &[String],
) -> Result<Vec<(String, String)>, AnyError> {
    let Some(listing) = find(tx, route, lane).await? else { return Ok(Vec::new()) };
    let select = tx
        .prepare_cached(
            "SELECT DISTINCT id, field COLLATE \"C\" FROM losses
             WHERE listing = $1 AND id = ANY($2)
             ORDER BY id, field COLLATE \"C\"",
        )
        .await?;
    let bytes: Vec<&[u8]> = ids.iter().map(String::as_bytes).collect();
    let rows = tx.query(&select, &[&listing, &bytes]).await?;
    rows.iter().map(|row| Ok((id(row, 0)?, row.try_get(1)?))).collect()
}

/// Items that the job has not met, once it has been through the lane.
pub(super) async fn gone(
    tx: &Transaction<'_>,
    claim: &Claim,
    lane: &Lane,
    after: Option<&str>,
    limit: usize,
) -> Result<Gone, AnyError> {
    fence(tx, claim).await?;
    let Some(listing) = find(tx, claim.route, lane).await? else { return Ok(Vec::new()) };
    let job = int(claim.job.0);
    let position =
        tx.prepare_cached("SELECT position FROM lanes WHERE job = $1 AND listing = $2").await?;
    let position = tx.query_opt(&position, &[&job, &listing]).await?;
    let is_through = match position {
        Some(row) => row.try_get::<_, &str>(0)? == "\"done\"",
        None => false,
    };
    if !is_through {
        return Ok(Vec::new());
    }
    let (beyond, after) = beyond(after);
    let condition = format!(
        "AND id {beyond} $2 AND seen_by IS DISTINCT FROM $3
        AND NOT EXISTS (SELECT 1 FROM failures
            WHERE job = $3 AND failures.listing = $1 AND origin = items.id AND was_read)
        ORDER BY id LIMIT $4"
    );
    select(tx, lane, &condition, &[&listing, &after.as_bytes(), &job, &int(limit as u64)]).await
}

pub(super) async fn forget(
    tx: &Transaction<'_>,
    claim: &Claim,
    lane: &Lane,
    ids: &[String],
) -> Result<(), AnyError> {
    fence(tx, claim).await?;
    let listing = enter(tx, claim, lane).await?.id;
    let (job, bytes) = (int(claim.job.0), ids.iter().map(String::as_bytes).collect::<Vec<_>>());
    let delete = tx.prepare_cached("DELETE FROM items WHERE listing = $1 AND id = ANY($2)").await?;
    let n_deleted = tx.execute(&delete, &[&listing, &bytes]).await?;
    let take_back = tx
        .prepare_cached("DELETE FROM failures WHERE job = $1 AND listing = $2 AND origin = ANY($3)")
        .await?;
    let n_failed = tx.execute(&take_back, &[&job, &listing, &bytes]).await?;
    let update = tx
        .prepare_cached(
            "UPDATE lanes SET n_deleted = n_deleted + $3, n_failed = n_failed - $4
             WHERE job = $1 AND listing = $2",
        )
        .await?;
    tx.execute(&update, &[&job, &listing, &int(n_deleted), &int(n_failed)]).await?;
    Ok(())
}
