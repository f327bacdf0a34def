//! What is noted before records are written.

use super::{
    database::AnyError,
    session::{Listing, Mark, Session},
    settle::NOWHERE,
};
use packhorse_core::{
    Fingerprint, Lane, Settle, TargetId,
    port::{Begun, Claim, Entry},
};
use rusqlite::{OptionalExtension, Transaction};

/// Notes that records are about to be written, and says what is known of each.
pub(crate) fn begin(
    session: &mut Session<'_>,
    claim: &Claim,
    lane: &Lane,
    settle: Settle,
    entries: &[Entry],
) -> Result<Vec<Begun>, AnyError> {
    session.fence(claim)?;
    let listing = session.enter(claim, lane)?;
    let mut known = look_up(&session.transaction, listing, entries)?;
    let n_fresh = known.iter().filter(|it| **it == Begun::Fresh).count();
    let has_rows = match settle {
        _ if n_fresh == 0 => false,
        Settle::Page => {
            let n_doubted = mark(session, claim, lane, n_fresh as u64)?;
            doubt(&session.transaction, claim, listing, n_doubted, entries, &mut known)?
        }
        Settle::Record => {
            add(&session.transaction, claim, listing, entries, &known)?;
            true
        }
    };
    if has_rows {
        session.remember(claim, lane, |it| it.has_items = true);
    }
    Ok(known)
}

/// What is known of each entry.
fn look_up(
    transaction: &Transaction<'_>,
    listing: Listing,
    entries: &[Entry],
) -> Result<Vec<Begun>, AnyError> {
    if !listing.has_items {
        return Ok(vec![Begun::Fresh; entries.len()]);
    }
    let mut select = transaction
        .prepare_cached("SELECT fingerprint, target FROM items WHERE listing = ?1 AND id = ?2")?;
    let mut claim_it = transaction.prepare_cached(
        "UPDATE items SET created_by = written_by
         WHERE listing = ?1 AND id = ?2 AND created_by IS NULL",
    )?;
    let mut look_up = |entry: &Entry| -> Result<Begun, AnyError> {
        let found = select.query_row((listing.id, &entry.id), |row| {
            Ok((row.get::<_, Option<[u8; 32]>>(0)?, row.get::<_, Option<String>>(1)?))
        });
        Ok(match found.optional()? {
            None => Begun::Fresh,
            Some((None, _)) => {
                // If it is found at the destination, the run that died has made it.
                claim_it.execute((listing.id, &entry.id))?;
                Begun::Interrupted
            }
            Some((Some(bytes), _)) if Fingerprint::from_bytes(bytes) == entry.fingerprint => {
                Begun::Done
            }
            // What the destination had no place for may have one now that it has changed: ask it.
            Some((Some(_), Some(target))) if target == NOWHERE => Begun::Interrupted,
            Some((Some(_), target)) => {
                Begun::Changed(TargetId(target.unwrap_or_else(|| entry.id.clone())))
            }
        })
    };
    entries.iter().map(&mut look_up).collect()
}

/// Marks the lane for as many records as are under way, and says how many of the fresh ones
/// earlier marks leave in doubt.
///
/// A mark of another claim is of batches that nobody settled. A mark stands until the lane is
/// done, so that a batch like the ones before it needs no write, and nobody waits for the disk.
fn mark(
    session: &mut Session<'_>,
    claim: &Claim,
    lane: &Lane,
    n_fresh: u64,
) -> Result<u64, AnyError> {
    let listing = session.enter(claim, lane)?;
    let before = match listing.mark {
        Some(mark) => mark,
        None => take_over(&session.transaction, claim, listing.id)?,
    };
    // Those get rows, which stand for them from here on.
    let n_doubted = before.doubts.min(n_fresh);
    let under_way = before.under_way + n_fresh - n_doubted;
    let doubts = before.doubts - n_doubted;
    let mark = Mark { marked: before.marked.max(under_way), under_way, doubts };
    if n_doubted > 0 || mark.marked > before.marked {
        session
            .transaction
            .prepare_cached("UPDATE listings SET open_count = ?2, doubts = ?3 WHERE id = ?1")?
            .execute((listing.id, mark.marked, doubts))?;
    }
    session.remember(claim, lane, |it| it.mark = Some(mark));
    Ok(n_doubted)
}

/// Makes the lane's mark this claim's: what another claim had under way is in doubt from now on.
fn take_over(transaction: &Transaction<'_>, claim: &Claim, listing: i64) -> Result<Mark, AnyError> {
    let (doubts, marked) = transaction
        .prepare_cached(
            "UPDATE listings SET
                 doubts = doubts + iif(open_job = ?2 AND open_epoch = ?3, 0, open_count),
                 open_count = iif(open_job = ?2 AND open_epoch = ?3, open_count, 0),
                 open_job = ?2, open_epoch = ?3
             WHERE id = ?1 RETURNING doubts, open_count",
        )?
        .query_row((listing, claim.job.0, claim.epoch), |row| Ok((row.get(0)?, row.get(1)?)))?;
    // What is under way was forgotten with the rest: everything that is marked may be.
    Ok(Mark { marked, under_way: marked, doubts })
}

/// Tells that many of the fresh records as interrupted, the first ones, and gives each a row.
fn doubt(
    transaction: &Transaction<'_>,
    claim: &Claim,
    listing: Listing,
    n_doubted: u64,
    entries: &[Entry],
    known: &mut [Begun],
) -> Result<bool, AnyError> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO items (listing, id, created_by, written_by) VALUES (?1, ?2, ?3, ?3)
         ON CONFLICT DO NOTHING",
    )?;
    let fresh = entries.iter().zip(known).filter(|(_, begun)| **begun == Begun::Fresh);
    for (entry, begun) in fresh.take(usize::try_from(n_doubted)?) {
        insert.execute((listing.id, &entry.id, claim.job.0))?;
        *begun = Begun::Interrupted;
    }
    Ok(n_doubted > 0)
}

/// Gives each fresh record a row of its own.
fn add(
    transaction: &Transaction<'_>,
    claim: &Claim,
    listing: Listing,
    entries: &[Entry],
    known: &[Begun],
) -> Result<(), AnyError> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO items (listing, id, written_by) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?;
    for (entry, _) in entries.iter().zip(known).filter(|(_, begun)| **begun == Begun::Fresh) {
        insert.execute((listing.id, &entry.id, claim.job.0))?;
    }
    Ok(())
}
