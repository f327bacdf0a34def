//! What is noted before records are written.

use super::{
    pool::AnyError,
    row::{fingerprint, id, id_if_any, int},
    session::{Listing, enter, fence},
};
use deadpool_postgres::Transaction;
use packhorse_core::{
    Fingerprint, Lane, Settle, TargetId,
    port::{Begun, Claim, Entry},
};
use std::collections::HashMap;

/// Notes that records are about to be written, and says what is known of each.
pub(super) async fn begin(
    tx: &Transaction<'_>,
    claim: &Claim,
    lane: &Lane,
    settle: Settle,
    entries: &[Entry],
) -> Result<Vec<Begun>, AnyError> {
    fence(tx, claim).await?;
    let mut listing = enter(tx, claim, lane).await?;
    let mut known = look_up(tx, listing.id, entries).await?;
    let n_fresh = known.iter().filter(|it| **it == Begun::Fresh).count();
    if n_fresh == 0 {
        return Ok(known);
    }
    match settle {
        Settle::Page => {
            let n_doubted = doubt(tx, claim, &listing, entries, &mut known).await?;
            listing.doubts -= n_doubted;
            listing.under_way += n_fresh as u64 - n_doubted;
            listing.mark(tx).await?;
        }
        Settle::Record => {
            let fresh = entries.iter().zip(&known).filter(|(_, it)| **it == Begun::Fresh);
            let ids: Vec<&[u8]> = fresh.map(|(entry, _)| entry.id.as_bytes()).collect();
            let insert = tx
                .prepare_cached(
                    "INSERT INTO items (listing, id, written_by)
                     SELECT $1, unnest($2::bytea[]), $3 ON CONFLICT DO NOTHING",
                )
                .await?;
            tx.execute(&insert, &[&listing.id, &ids, &int(claim.job.0)]).await?;
        }
    }
    Ok(known)
}

/// What is known of each entry.
async fn look_up(
    tx: &Transaction<'_>,
    listing: i64,
    entries: &[Entry],
) -> Result<Vec<Begun>, AnyError> {
    let select = tx
        .prepare_cached(
            "SELECT id, fingerprint, target FROM items WHERE listing = $1 AND id = ANY($2)",
        )
        .await?;
    let ids: Vec<&[u8]> = entries.iter().map(|it| it.id.as_bytes()).collect();
    let mut found: HashMap<String, (Option<Fingerprint>, Option<String>)> = HashMap::new();
    for row in tx.query(&select, &[&listing, &ids]).await? {
        let print: Option<&[u8]> = row.try_get(1)?;
        let print = print.map(fingerprint).transpose()?;
        found.insert(id(&row, 0)?, (print, id_if_any(&row, 2)?));
    }
    // If one of these is found at the destination, the run that died has made it.
    let died = found.iter().filter(|(_, (print, _))| print.is_none());
    let died: Vec<&[u8]> = died.map(|(id, _)| id.as_bytes()).collect();
    if !died.is_empty() {
        let update = tx
            .prepare_cached(
                "UPDATE items SET created_by = written_by
                 WHERE listing = $1 AND id = ANY($2) AND created_by IS NULL",
            )
            .await?;
        tx.execute(&update, &[&listing, &died]).await?;
    }
    let begun = |entry: &Entry| match found.get(&entry.id) {
        None => Begun::Fresh,
        Some((None, _)) => Begun::Interrupted,
        Some((Some(print), _)) if *print == entry.fingerprint => Begun::Done,
        // What the destination had no place for may have one now that it has changed: ask it.
        Some((Some(_), Some(target))) if target.is_empty() => Begun::Interrupted,
        Some((Some(_), target)) => {
            Begun::Changed(TargetId(target.clone().unwrap_or_else(|| entry.id.clone())))
        }
    };
    Ok(entries.iter().map(begun).collect())
}

/// Tells as many of the fresh records as interrupted as are in doubt, the first ones, and gives
/// each a row; how many.
async fn doubt(
    tx: &Transaction<'_>,
    claim: &Claim,
    listing: &Listing,
    entries: &[Entry],
    known: &mut [Begun],
) -> Result<u64, AnyError> {
    let fresh = entries.iter().zip(known).filter(|(_, it)| **it == Begun::Fresh);
    let doubted: Vec<_> = fresh.take(usize::try_from(listing.doubts)?).collect();
    let ids: Vec<&[u8]> = doubted.iter().map(|(entry, _)| entry.id.as_bytes()).collect();
    if !ids.is_empty() {
        let insert = tx
            .prepare_cached(
                "INSERT INTO items (listing, id, created_by, written_by)
                 SELECT $1, unnest($2::bytea[]), $3, $3 ON CONFLICT DO NOTHING",
            )
            .await?;
        tx.execute(&insert, &[&listing.id, &ids, &int(claim.job.0)]).await?;
    }
    let n_doubted = ids.len() as u64;
    doubted.into_iter().for_each(|(_, begun)| *begun = Begun::Interrupted);
    Ok(n_doubted)
}
