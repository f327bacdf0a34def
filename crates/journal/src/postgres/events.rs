//! Events, and what they move in the tables.

use super::{
    pool::AnyError,
    row::{int, text},
    session::{enter, fence},
};
use crate::words::stage_name;
use deadpool_postgres::Transaction;
use packhorse_core::{
    Event, Lane, Loss, LossCause,
    port::{Claim, Stage},
};

pub(super) async fn note(
    tx: &Transaction<'_>,
    claim: &Claim,
    event: &Event,
    now: i64,
) -> Result<(), AnyError> {
    fence(tx, claim).await?;
    match event {
        Event::Transfer { .. } | Event::Verifying { .. } => return Ok(()),
        Event::Progress { scope, kind, counts, .. } => {
            let lane = Lane::new(scope.clone(), *kind);
            return match counts.source {
                Some(source) => told(tx, claim, &lane, source).await,
                None => Ok(()),
            };
        }
        Event::Project { path, target, stage, reason } => {
            project(tx, claim, (path, target), *stage, reason.as_deref()).await?;
        }
        Event::Dropped { scope, kind, records, why } => {
            dropped(tx, claim, &Lane::new(scope.clone(), *kind), *records, why).await?;
        }
        Event::Started { .. }
        | Event::Failed { .. }
        | Event::Waiting { .. }
        | Event::Ended { .. } => {}
    }
    let insert = tx
        .prepare_cached(
            "INSERT INTO events (job, seq, at, body)
             SELECT $1, (SELECT coalesce(max(seq) + 1, 0) FROM events WHERE job = $1), $2, $3",
        )
        .await?;
    tx.execute(&insert, &[&int(claim.job.0), &now, &serde_json::to_string(event)?]).await?;
    Ok(())
}

/// Keeps how many records the source said it has.
async fn told(
    tx: &Transaction<'_>,
    claim: &Claim,
    lane: &Lane,
    source: u64,
) -> Result<(), AnyError> {
    let listing = enter(tx, claim, lane).await?.id;
    let update = tx
        .prepare_cached(
            "UPDATE lanes SET source = $3
             WHERE job = $1 AND listing = $2 AND source IS DISTINCT FROM $3",
        )
        .await?;
    tx.execute(&update, &[&int(claim.job.0), &listing, &int(source)]).await?;
    Ok(())
}

async fn project(
    tx: &Transaction<'_>,
    claim: &Claim,
    (source, target): (&str, &str),
    stage: Stage,
    reason: Option<&str>,
) -> Result<(), AnyError> {
    let insert = tx
        .prepare_cached(
            "INSERT INTO projects (job, source, target, stage, reason)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (job, source) DO UPDATE SET target = $3, stage = $4, reason = $5",
        )
        .await?;
    let reason = reason.map(text);
    tx.execute(
        &insert,
        &[&int(claim.job.0), &text(source), &text(target), &stage_name(stage), &reason],
    )
    .await?;
    Ok(())
}

/// Id that stands for all records of a lane in its loss.
const ALL: &[u8] = b"*";

/// Notes once that a lane is not carried.
async fn dropped(
    tx: &Transaction<'_>,
    claim: &Claim,
    lane: &Lane,
    records: Option<u64>,
    why: &str,
) -> Result<(), AnyError> {
    let (job, listing) = (int(claim.job.0), enter(tx, claim, lane).await?.id);
    let insert = tx
        .prepare_cached(
            "INSERT INTO losses (job, seq, listing, id, field, cause, detail)
             SELECT $1, (SELECT coalesce(max(seq) + 1, 0) FROM losses WHERE job = $1),
                 $2, $3, $4, $5, $6
             WHERE NOT EXISTS (
                 SELECT 1 FROM losses WHERE job = $1 AND listing = $2 AND id = $3)",
        )
        .await?;
    let (field, cause) = (Loss::WHOLE, LossCause::Sink.name());
    let noted = tx.execute(&insert, &[&job, &listing, &ALL, &field, &cause, &text(why)]).await?;
    if noted == 0 {
        return Ok(());
    }
    let update = tx
        .prepare_cached(
            "UPDATE lanes SET source = $3, n_read = $4, n_dropped = $4, n_losses = n_losses + 1
             WHERE job = $1 AND listing = $2",
        )
        .await?;
    let (source, dropped) = (records.map(int), int(records.unwrap_or(0)));
    tx.execute(&update, &[&job, &listing, &source, &dropped]).await?;
    Ok(())
}
