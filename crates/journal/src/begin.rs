//! What is noted before records are written.

use crate::{
    database::AnyError,
    session::{Listing, Session},
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
            let doubts = mark(&session.transaction, claim, listing, n_fresh as u64)?;
            doubt(&session.transaction, claim, listing, doubts, entries, &mut known)?
        }
        Settle::Record => {
            add(&session.transaction, claim, listing, entries, &known)?;
            true
        }
    };
    if has_rows {
        session.has_items(claim, lane);
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
            Some((Some(_), target)) => {
                Begun::Changed(TargetId(target.unwrap_or_else(|| entry.id.clone())))
            }
        })
    };
    entries.iter().map(&mut look_up).collect()
}

/// Marks the lane, and says how many fresh records earlier marks leave in doubt.
///
/// A mark of another claim is a batch that nobody settled.
fn mark(
    transaction: &Transaction<'_>,
    claim: &Claim,
    listing: Listing,
    n_fresh: u64,
) -> Result<u64, AnyError> {
    let doubts = transaction
        .prepare_cached(
            "UPDATE listings SET
                 doubts = doubts + iif(open_job = ?2 AND open_epoch = ?3, 0, open_count),
                 open_count = ?4 + iif(open_job = ?2 AND open_epoch = ?3, open_count, 0),
                 open_job = ?2, open_epoch = ?3
             WHERE id = ?1 RETURNING doubts",
        )?
        .query_row((listing.id, claim.job.0, claim.epoch, n_fresh), |row| row.get(0))?;
    Ok(doubts)
}

/// Tells the first fresh records as interrupted, as many as are in doubt, and gives each a row.
fn doubt(
    transaction: &Transaction<'_>,
    claim: &Claim,
    listing: Listing,
    doubts: u64,
    entries: &[Entry],
    known: &mut [Begun],
) -> Result<bool, AnyError> {
    if doubts == 0 {
        return Ok(false);
    }
    let mut insert = transaction.prepare_cached(
        "INSERT INTO items (listing, id, created_by, written_by) VALUES (?1, ?2, ?3, ?3)
         ON CONFLICT DO NOTHING",
    )?;
    let mut n_told: u64 = 0;
    let fresh = entries.iter().zip(known).filter(|(_, begun)| **begun == Begun::Fresh);
    for (entry, begun) in fresh.take(usize::try_from(doubts)?) {
        insert.execute((listing.id, &entry.id, claim.job.0))?;
        *begun = Begun::Interrupted;
        n_told += 1;
    }
    // Those that were told have rows now, which stand for them from here on.
    transaction
        .prepare_cached(
            "UPDATE listings SET doubts = doubts - ?2, open_count = open_count - ?2 WHERE id = ?1",
        )?
        .execute((listing.id, n_told))?;
    Ok(true)
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
