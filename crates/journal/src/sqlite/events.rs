//! Events, and what they move in the tables.

use super::{database::AnyError, session::Session};
use crate::words::stage_name;
use packhorse_core::{
    Event, Lane, Loss, LossCause,
    port::{Claim, Stage},
};

pub(crate) fn note(
    session: &mut Session<'_>,
    claim: &Claim,
    event: &Event,
    now: i64,
) -> Result<(), AnyError> {
    session.fence(claim)?;
    match event {
        Event::Transfer { .. } | Event::Verifying { .. } => return Ok(()),
        Event::Progress { scope, kind, counts, .. } => {
            let lane = Lane::new(scope.clone(), *kind);
            return counts.source.map_or(Ok(()), |source| told(session, claim, &lane, source));
        }
        Event::Project { path, target, stage, reason } => {
            project(session, claim, (path, target), *stage, reason.as_deref())?;
        }
        Event::Dropped { scope, kind, records, why } => {
            dropped(session, claim, &Lane::new(scope.clone(), *kind), *records, why)?;
        }
        Event::Started { .. }
        | Event::Failed { .. }
        | Event::Waiting { .. }
        | Event::Ended { .. } => {}
    }
    session
        .transaction
        .prepare_cached(
            "INSERT INTO events (job, seq, at, body)
             SELECT ?1, (SELECT coalesce(max(seq) + 1, 0) FROM events WHERE job = ?1), ?2, ?3",
        )?
        .execute((claim.job.0, now, serde_json::to_string(event)?))?;
    Ok(())
}

/// Keeps how many records the source said it has; ticks that say nothing new write nothing.
fn told(
    session: &mut Session<'_>,
    claim: &Claim,
    lane: &Lane,
    source: u64,
) -> Result<(), AnyError> {
    let listing = session.enter(claim, lane)?;
    session
        .transaction
        .prepare_cached(
            "UPDATE lanes SET source = ?3 WHERE job = ?1 AND listing = ?2 AND source IS NOT ?3",
        )?
        .execute((claim.job.0, listing.id, source))?;
    Ok(())
}

fn project(
    session: &Session<'_>,
    claim: &Claim,
    (source, target): (&str, &str),
    stage: Stage,
    reason: Option<&str>,
) -> Result<(), AnyError> {
    session
        .transaction
        .prepare_cached(
            "INSERT INTO projects (job, source, target, stage, reason) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (job, source) DO UPDATE SET target = ?3, stage = ?4, reason = ?5",
        )?
        .execute((claim.job.0, source, target, stage_name(stage), reason))?;
    Ok(())
}

/// Id that stands for all records of a lane in its loss.
const ALL: &str = "*";

/// Notes once that a lane is not carried.
fn dropped(
    session: &mut Session<'_>,
    claim: &Claim,
    lane: &Lane,
    records: Option<u64>,
    why: &str,
) -> Result<(), AnyError> {
    let listing = session.enter(claim, lane)?;
    let noted = session
        .transaction
        .prepare_cached(
            "INSERT INTO losses (job, seq, listing, id, field, cause, detail)
             SELECT ?1, (SELECT coalesce(max(seq) + 1, 0) FROM losses WHERE job = ?1),
                 ?2, ?3, ?4, ?5, ?6
             WHERE NOT EXISTS (
                 SELECT 1 FROM losses WHERE job = ?1 AND listing = ?2 AND id = ?3)",
        )?
        .execute((claim.job.0, listing.id, ALL, Loss::WHOLE, LossCause::Sink.name(), why))?;
    if noted == 0 {
        return Ok(());
    }
    session
        .transaction
        .prepare_cached(
            "UPDATE lanes SET source = ?3, n_read = ?4, n_dropped = ?4, n_losses = n_losses + 1
             WHERE job = ?1 AND listing = ?2",
        )?
        .execute((claim.job.0, listing.id, records, records.unwrap_or(0)))?;
    Ok(())
}
