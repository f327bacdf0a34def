//! What is noted when records have been written.
//!
//! Everything of a batch is in one transaction with the lane's new position, as in the journal on
//! SQLite; a record counts once in a job, when it is first settled.

use super::{
    pool::AnyError,
    row::{count_if_any, id, int, text},
    session::{Listing, enter, fence},
};
use deadpool_postgres::Transaction;
use packhorse_core::{
    Lane, Loss, TargetId,
    port::{Claim, Failure, Outcome, Position, Settled},
};
use std::collections::{HashMap, HashSet};

/// What a settled batch brings.
pub(super) struct Batch<'a> {
    pub(super) settled: &'a [Settled],
    pub(super) failed: &'a [Failure],
    pub(super) to: Option<&'a Position>,
}

/// What a batch adds to a lane's counters.
#[derive(Default)]
struct Tally {
    read: i64,
    created: i64,
    updated: i64,
    adopted: i64,
    dropped: i64,
    unchanged: i64,
    failed: i64,
    losses: i64,
}

/// One batch on its way into the tables.
struct Settling<'a> {
    tx: &'a Transaction<'a>,
    job: i64,
    listing: i64,
    /// Whether something failed in this lane before.
    had_failures: bool,
    /// Whether the job has been through the lane: what fails now was not read.
    is_through: bool,
    tally: Tally,
    /// Items that were not known before.
    n_added: u64,
}

pub(super) async fn settle(
    tx: &Transaction<'_>,
    claim: &Claim,
    lane: &Lane,
    batch: &Batch<'_>,
) -> Result<(), AnyError> {
    fence(tx, claim).await?;
    let listing = enter(tx, claim, lane).await?;
    let job = int(claim.job.0);
    let select = tx
        .prepare_cached(
            "SELECT n_failed > 0, position = '\"done\"' FROM lanes WHERE job = $1 AND listing = $2",
        )
        .await?;
    let row = tx.query_one(&select, &[&job, &listing.id]).await?;
    let mut settling = Settling {
        tx,
        job,
        listing: listing.id,
        had_failures: row.try_get(0)?,
        is_through: row.try_get(1)?,
        tally: Tally::default(),
        n_added: 0,
    };
    settling.records(batch.settled).await?;
    if batch.to.is_some() {
        settling.move_on().await?;
    }
    for failure in batch.failed {
        settling.failure(failure).await?;
    }
    settling.count(batch.to).await?;
    close(tx, listing, settling.n_added, batch.to == Some(&Position::Done)).await
}

/// Takes what was settled from what is under way; at the lane's end, nothing is.
async fn close(
    tx: &Transaction<'_>,
    mut listing: Listing,
    n_added: u64,
    is_done: bool,
) -> Result<(), AnyError> {
    let before = (listing.under_way, listing.doubts);
    listing.under_way = listing.under_way.saturating_sub(n_added);
    if is_done {
        (listing.under_way, listing.doubts) = (0, 0);
    }
    match (listing.under_way, listing.doubts) == before {
        true => Ok(()),
        false => listing.mark(tx).await,
    }
}

impl Settling<'_> {
    async fn records(&mut self, settled: &[Settled]) -> Result<(), AnyError> {
        if settled.is_empty() {
            return Ok(());
        }
        let ids: Vec<&[u8]> = settled.iter().map(|it| it.id.as_bytes()).collect();
        let seen = self.seen(&ids).await?;
        let were_read = self.take_back(&ids).await?;
        let mut met: HashSet<&str> = HashSet::new();
        let mut losses = Vec::new();
        for it in settled {
            let before = seen.get(&it.id);
            let is_first = met.insert(&it.id) && before != Some(&Some(self.job));
            self.n_added += u64::from(is_first && before.is_none());
            if is_first {
                self.tally.read += i64::from(!were_read.contains(&it.id));
                *self.counter(it.outcome) += 1;
            }
            losses.extend(it.losses.iter().map(|loss| (it.id.as_str(), loss, is_first)));
        }
        let (written, unchanged): (Vec<&Settled>, Vec<&Settled>) =
            last_of_each(settled).into_iter().partition(|it| it.outcome.is_some());
        self.write(&written).await?;
        self.see(&unchanged).await?;
        self.note(&losses).await
    }

    fn counter(&mut self, outcome: Option<Outcome>) -> &mut i64 {
        match outcome {
            Some(Outcome::Created) => &mut self.tally.created,
            Some(Outcome::Updated) => &mut self.tally.updated,
            Some(Outcome::Adopted) => &mut self.tally.adopted,
            Some(Outcome::Dropped) => &mut self.tally.dropped,
            None => &mut self.tally.unchanged,
        }
    }

    /// Which of them have rows, and the last job that settled each.
    async fn seen(&self, ids: &[&[u8]]) -> Result<HashMap<String, Option<i64>>, AnyError> {
        let select = self
            .tx
            .prepare_cached("SELECT id, seen_by FROM items WHERE listing = $1 AND id = ANY($2)")
            .await?;
        let rows = self.tx.query(&select, &[&self.listing, &ids]).await?;
        rows.iter().map(|row| Ok((id(row, 0)?, count_if_any(row, 1)?.map(int)))).collect()
    }

    /// Takes failures back, since the records arrived after all; those that counted as read.
    async fn take_back(&mut self, ids: &[&[u8]]) -> Result<HashSet<String>, AnyError> {
        if !self.had_failures {
            return Ok(HashSet::new());
        }
        let delete = self
            .tx
            .prepare_cached(
                "DELETE FROM failures WHERE job = $1 AND listing = $2 AND origin = ANY($3)
                 RETURNING origin, was_read",
            )
            .await?;
        let mut were_read = HashSet::new();
        for row in self.tx.query(&delete, &[&self.job, &self.listing, &ids]).await? {
            self.tally.failed -= 1;
            if row.try_get(1)? {
                were_read.insert(id(&row, 0)?);
            }
        }
        Ok(were_read)
    }

    /// Notes what was written.
    async fn write(&self, list: &[&Settled]) -> Result<(), AnyError> {
        if list.is_empty() {
            return Ok(());
        }
        let ids: Vec<&[u8]> = list.iter().map(|it| it.id.as_bytes()).collect();
        let targets: Vec<Option<&[u8]>> = list.iter().map(|it| target(it)).collect();
        let prints: Vec<&[u8]> =
            list.iter().map(|it| it.fingerprint.as_bytes().as_slice()).collect();
        let made: Vec<bool> = list.iter().map(|it| it.outcome == Some(Outcome::Created)).collect();
        let upsert = self
            .tx
            .prepare_cached(
                "INSERT INTO items AS old
                     (listing, id, target, fingerprint, created_by, written_by, seen_by)
                 SELECT $1, id, target, print, CASE WHEN made THEN $2::bigint END, $2, $2
                 FROM unnest($3::bytea[], $4::bytea[], $5::bytea[], $6::bool[])
                     AS new (id, target, print, made)
                 ON CONFLICT (listing, id) DO UPDATE SET
                     target = excluded.target, fingerprint = excluded.fingerprint,
                     created_by = coalesce(old.created_by, excluded.created_by),
                     written_by = excluded.written_by, seen_by = excluded.seen_by",
            )
            .await?;
        self.tx
            .execute(&upsert, &[&self.listing, &self.job, &ids, &targets, &prints, &made])
            .await?;
        Ok(())
    }

    /// Notes what was seen, as it was.
    async fn see(&self, list: &[&Settled]) -> Result<(), AnyError> {
        if list.is_empty() {
            return Ok(());
        }
        let ids: Vec<&[u8]> = list.iter().map(|it| it.id.as_bytes()).collect();
        let targets: Vec<Option<&[u8]>> = list.iter().map(|it| target(it)).collect();
        let prints: Vec<&[u8]> =
            list.iter().map(|it| it.fingerprint.as_bytes().as_slice()).collect();
        let upsert = self
            .tx
            .prepare_cached(
                "INSERT INTO items (listing, id, target, fingerprint, written_by, seen_by)
                 SELECT $1, id, target, print, $2, $2
                 FROM unnest($3::bytea[], $4::bytea[], $5::bytea[]) AS new (id, target, print)
                 ON CONFLICT (listing, id) DO UPDATE SET seen_by = excluded.seen_by",
            )
            .await?;
        self.tx.execute(&upsert, &[&self.listing, &self.job, &ids, &targets, &prints]).await?;
        Ok(())
    }

    /// Notes losses; one that a record had before in this job is not noted again.
    async fn note(&mut self, losses: &[(&str, &Loss, bool)]) -> Result<(), AnyError> {
        let mut known = HashSet::new();
        let losses = losses.iter().filter(|(id, loss, is_first)| {
            let once = known.insert((*id, &*loss.field, loss.cause.name(), &*loss.detail));
            *is_first || once
        });
        let losses: Vec<_> = losses.collect();
        if losses.is_empty() {
            return Ok(());
        }
        let insert = self
            .tx
            .prepare_cached(
                "INSERT INTO losses (job, seq, listing, id, field, cause, detail)
                 SELECT $1, (SELECT coalesce(max(seq), -1) FROM losses WHERE job = $1)
                         + row_number() OVER (ORDER BY place),
                     $2, new.id, new.field, new.cause, new.detail
                 FROM unnest($3::bytea[], $4::text[], $5::text[], $6::text[], $7::boolean[])
                     WITH ORDINALITY AS new (id, field, cause, detail, is_first, place)
                 WHERE is_first OR NOT EXISTS (
                     SELECT 1 FROM losses AS old WHERE old.job = $1 AND old.listing = $2
                         AND old.id = new.id AND old.field = new.field
                         AND old.cause = new.cause AND old.detail = new.detail)",
            )
            .await?;
        let ids: Vec<_> = losses.iter().map(|it| it.0.as_bytes()).collect();
        let fields: Vec<_> = losses.iter().map(|it| text(&it.1.field)).collect();
        let causes: Vec<_> = losses.iter().map(|it| it.1.cause.name()).collect();
        let details: Vec<_> = losses.iter().map(|it| text(&it.1.detail)).collect();
        let first: Vec<_> = losses.iter().map(|it| it.2).collect();
        let noted = self
            .tx
            .execute(&insert, &[&self.job, &self.listing, &ids, &fields, &causes, &details, &first])
            .await?;
        self.tally.losses += int(noted);
        Ok(())
    }

    /// Takes the lane's own failure back, since the lane moves on.
    async fn move_on(&mut self) -> Result<(), AnyError> {
        if self.had_failures {
            let delete = "DELETE FROM failures WHERE job = $1 AND listing = $2 AND origin IS NULL";
            let delete = self.tx.prepare_cached(delete).await?;
            self.tally.failed -= int(self.tx.execute(&delete, &[&self.job, &self.listing]).await?);
        }
        Ok(())
    }

    async fn failure(&mut self, failure: &Failure) -> Result<(), AnyError> {
        let (origin, reason) = (failure.id.as_deref().map(str::as_bytes), text(&failure.reason));
        let update = self
            .tx
            .prepare_cached(
                "UPDATE failures SET reason = $4
                 WHERE job = $1 AND listing = $2 AND origin IS NOT DISTINCT FROM $3",
            )
            .await?;
        let known = self.tx.execute(&update, &[&self.job, &self.listing, &origin, &reason]).await?;
        if known > 0 {
            return Ok(());
        }
        let was_read = match origin {
            Some(id) if !self.is_through => self.tried(id).await?,
            _ => false,
        };
        let insert = self
            .tx
            .prepare_cached(
                "INSERT INTO failures (job, listing, origin, reason, was_read)
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .await?;
        self.tx.execute(&insert, &[&self.job, &self.listing, &origin, &reason, &was_read]).await?;
        self.tally.failed += 1;
        self.tally.read += i64::from(was_read);
        Ok(())
    }

    /// Remembers that a record was tried, so that the next run asks for it: it may have been
    /// written and its answer lost. Whether this job had not settled it before.
    async fn tried(&mut self, id: &[u8]) -> Result<bool, AnyError> {
        let insert = self
            .tx
            .prepare_cached(
                "INSERT INTO items (listing, id, created_by, written_by) VALUES ($1, $2, $3, $3)
                 ON CONFLICT DO NOTHING",
            )
            .await?;
        self.n_added += self.tx.execute(&insert, &[&self.listing, &id, &self.job]).await?;
        let select = self
            .tx
            .prepare_cached(
                "SELECT seen_by IS NOT DISTINCT FROM $3 FROM items WHERE listing = $1 AND id = $2",
            )
            .await?;
        let was_settled: bool =
            self.tx.query_one(&select, &[&self.listing, &id, &self.job]).await?.try_get(0)?;
        Ok(!was_settled)
    }

    async fn count(&self, to: Option<&Position>) -> Result<(), AnyError> {
        let position = to.map(serde_json::to_string).transpose()?;
        let Tally { read, created, updated, adopted, dropped, unchanged, failed, losses } =
            &self.tally;
        let update = self
            .tx
            .prepare_cached(
                "UPDATE lanes SET position = coalesce($3, position), n_read = n_read + $4,
                     n_created = n_created + $5, n_updated = n_updated + $6,
                     n_adopted = n_adopted + $7, n_unchanged = n_unchanged + $8,
                     n_failed = n_failed + $9, n_losses = n_losses + $10,
                     n_dropped = n_dropped + $11
                 WHERE job = $1 AND listing = $2",
            )
            .await?;
        self.tx
            .execute(
                &update,
                &[
                    &self.job,
                    &self.listing,
                    &position,
                    read,
                    created,
                    updated,
                    adopted,
                    unchanged,
                    failed,
                    losses,
                    dropped,
                ],
            )
            .await?;
        Ok(())
    }
}

/// The last that was said of each record.
fn last_of_each(settled: &[Settled]) -> Vec<&Settled> {
    let last: HashMap<&str, &Settled> = settled.iter().map(|it| (it.id.as_str(), it)).collect();
    last.into_values().collect()
}

/// A target that has to be stored because it is not the origin's id; empty for what was dropped.
fn target(settled: &Settled) -> Option<&[u8]> {
    let Settled { id, target: TargetId(target), outcome, .. } = settled;
    match outcome {
        Some(Outcome::Dropped) => Some(b""),
        _ => (target != id).then_some(target.as_bytes()),
    }
}
