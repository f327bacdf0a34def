//! What is noted when records have been written.
//!
//! Everything of a batch is in one transaction with the lane's new position:
//! after a crash either all of it is there and the position is behind it, or
//! nothing is and the batch comes again. What can come again all the same, the
//! rest of a page whose first records were settled one by one, is told by
//! `items.seen_by`: a record counts once in a job, when it is first settled.

use super::{
    database::AnyError,
    session::{Listing, Session},
};
use packhorse_core::{
    Lane, Loss, TargetId,
    port::{Claim, Failure, Outcome, Position, Settled},
};
use rusqlite::{CachedStatement, OptionalExtension, Transaction};

/// Target of what was dropped.
pub(crate) const NOWHERE: &str = "";

/// What a settled batch brings.
pub(crate) struct Batch {
    pub(crate) settled: Vec<Settled>,
    pub(crate) failed: Vec<Failure>,
    pub(crate) to: Option<Position>,
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
    transaction: &'a Transaction<'a>,
    /// Adds an item, which most are not known before.
    add: CachedStatement<'a>,
    job: u64,
    listing: Listing,
    /// Whether something failed in this lane before.
    had_failures: bool,
    /// Whether the job has been through the lane: what fails now was not read.
    is_through: bool,
    tally: Tally,
    /// Items that were not known before.
    n_added: u64,
    /// The number that the job's next loss gets, once one was noted.
    losses_from: Option<i64>,
}

pub(crate) fn settle(
    session: &mut Session<'_>,
    claim: &Claim,
    lane: &Lane,
    batch: &Batch,
) -> Result<(), AnyError> {
    session.fence(claim)?;
    let listing = session.enter(claim, lane)?;
    let (had_failures, is_through) = session
        .transaction
        .prepare_cached(
            "SELECT n_failed > 0, position = '\"done\"' FROM lanes
             WHERE job = ?1 AND listing = ?2",
        )?
        .query_row((claim.job.0, listing.id), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let add = session.transaction.prepare_cached(
        "INSERT INTO items (listing, id, target, fingerprint, created_by, written_by, seen_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT DO NOTHING",
    )?;
    let mut settling = Settling {
        transaction: &session.transaction,
        add,
        job: claim.job.0,
        listing,
        had_failures,
        is_through,
        tally: Tally::default(),
        n_added: 0,
        losses_from: None,
    };
    for settled in &batch.settled {
        settling.record(settled)?;
    }
    if batch.to.is_some() {
        settling.move_on()?;
    }
    for failure in &batch.failed {
        settling.failure(failure)?;
    }
    let is_done = batch.to == Some(Position::Done);
    if is_done {
        settling.close_mark()?;
    }
    settling.count(batch.to.as_ref())?;
    let n_added = settling.n_added;
    drop(settling);
    session.remember(claim, lane, |it| {
        it.has_items |= n_added > 0;
        it.mark = it.mark.filter(|_| !is_done);
        if let Some(mark) = &mut it.mark {
            mark.under_way = mark.under_way.saturating_sub(n_added);
        }
    });
    Ok(())
}

impl Settling<'_> {
    fn record(&mut self, settled: &Settled) -> Result<(), AnyError> {
        let is_first = match settled.outcome {
            Some(outcome) => self.written(settled, outcome)?,
            None => self.unchanged(settled)?,
        };
        let was_read = self.had_failures && self.take_back(settled)?;
        if is_first {
            self.tally.read += i64::from(!was_read);
            *match settled.outcome {
                Some(Outcome::Created) => &mut self.tally.created,
                Some(Outcome::Updated) => &mut self.tally.updated,
                Some(Outcome::Adopted) => &mut self.tally.adopted,
                Some(Outcome::Dropped) => &mut self.tally.dropped,
                None => &mut self.tally.unchanged,
            } += 1;
        }
        for loss in &settled.losses {
            self.loss(&settled.id, loss, is_first)?;
        }
        Ok(())
    }

    /// Notes what was written; whether this job had not settled it before.
    fn written(&mut self, settled: &Settled, outcome: Outcome) -> Result<bool, AnyError> {
        let Settled { id, fingerprint, target, .. } = settled;
        let target = if outcome == Outcome::Dropped { Some(NOWHERE) } else { own(target, id) };
        let created_by = (outcome == Outcome::Created).then_some(self.job);
        let key = (self.listing.id, id, target, fingerprint.as_bytes(), created_by, self.job);
        let added = self.add.execute(key)?;
        self.n_added += added as u64;
        if added == 1 {
            return Ok(true);
        }
        let seen_by: Option<u64> = self
            .transaction
            .prepare_cached("SELECT seen_by FROM items WHERE listing = ?1 AND id = ?2")?
            .query_row((self.listing.id, id), |row| row.get(0))?;
        self.transaction
            .prepare_cached(
                "UPDATE items SET target = ?3, fingerprint = ?4,
                     created_by = coalesce(created_by, ?5), written_by = ?6, seen_by = ?6
                 WHERE listing = ?1 AND id = ?2",
            )?
            .execute(key)?;
        Ok(seen_by != Some(self.job))
    }

    /// Notes that it was seen; whether this job had not seen it before.
    fn unchanged(&mut self, settled: &Settled) -> Result<bool, AnyError> {
        let Settled { id, fingerprint, target, .. } = settled;
        let seen = self
            .transaction
            .prepare_cached(
                "UPDATE items SET seen_by = ?3
                 WHERE listing = ?1 AND id = ?2 AND seen_by IS NOT ?3",
            )?
            .execute((self.listing.id, id, self.job))?;
        if seen == 1 {
            return Ok(true);
        }
        let added = self
            .transaction
            .prepare_cached(
                "INSERT INTO items (listing, id, target, fingerprint, written_by, seen_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT DO NOTHING",
            )?
            .execute((self.listing.id, id, own(target, id), fingerprint.as_bytes(), self.job))?;
        self.n_added += added as u64;
        Ok(added == 1)
    }

    /// Takes a failure back, since the record arrived after all; whether it counted as read.
    fn take_back(&mut self, settled: &Settled) -> Result<bool, AnyError> {
        let was_read: Option<bool> = self
            .transaction
            .prepare_cached(
                "DELETE FROM failures WHERE job = ?1 AND listing = ?2 AND origin = ?3
                 RETURNING was_read",
            )?
            .query_row((self.job, self.listing.id, &settled.id), |row| row.get(0))
            .optional()?;
        self.tally.failed -= i64::from(was_read.is_some());
        Ok(was_read == Some(true))
    }

    /// Takes the lane's own failure back, since the lane moves on.
    fn move_on(&mut self) -> Result<(), AnyError> {
        if self.had_failures {
            let taken = self
                .transaction
                .prepare_cached(
                    "DELETE FROM failures WHERE job = ?1 AND listing = ?2 AND origin IS NULL",
                )?
                .execute((self.job, self.listing.id))?;
            self.tally.failed -= taken as i64;
        }
        Ok(())
    }

    fn failure(&mut self, failure: &Failure) -> Result<(), AnyError> {
        let known = self
            .transaction
            .prepare_cached(
                "UPDATE failures SET reason = ?4
                 WHERE job = ?1 AND listing = ?2 AND origin IS ?3",
            )?
            .execute((self.job, self.listing.id, &failure.id, &failure.reason))?;
        if known > 0 {
            return Ok(());
        }
        let was_read = match &failure.id {
            Some(id) if !self.is_through => self.tried(id)?,
            _ => false,
        };
        self.transaction
            .prepare_cached(
                "INSERT INTO failures (job, listing, origin, reason, was_read)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute((self.job, self.listing.id, &failure.id, &failure.reason, was_read))?;
        self.tally.failed += 1;
        self.tally.read += i64::from(was_read);
        Ok(())
    }

    /// Remembers that a record was tried, so that the next run asks for it: it may have been
    /// written and its answer lost. Whether this job had not settled it before.
    fn tried(&mut self, id: &str) -> Result<bool, AnyError> {
        let added = self
            .transaction
            .prepare_cached(
                "INSERT INTO items (listing, id, created_by, written_by) VALUES (?1, ?2, ?3, ?3)
                 ON CONFLICT DO NOTHING",
            )?
            .execute((self.listing.id, id, self.job))?;
        self.n_added += added as u64;
        let was_settled: bool = self
            .transaction
            .prepare_cached("SELECT seen_by IS ?3 FROM items WHERE listing = ?1 AND id = ?2")?
            .query_row((self.listing.id, id, self.job), |row| row.get(0))?;
        Ok(!was_settled)
    }

    /// Notes a loss; one that a record had before in this job is not noted again.
    fn loss(&mut self, id: &str, loss: &Loss, is_first: bool) -> Result<(), AnyError> {
        let key = (self.job, self.listing.id, id, &*loss.field, loss.cause.name(), &loss.detail);
        let is_known = !is_first
            && self
                .transaction
                .prepare_cached(
                    "SELECT 1 FROM losses WHERE job = ?1 AND listing = ?2 AND id = ?3
                         AND field = ?4 AND cause = ?5 AND detail = ?6",
                )?
                .exists(key)?;
        if is_known {
            return Ok(());
        }
        let seq = self.next_loss()?;
        let (job, listing, id, field, cause, detail) = key;
        self.transaction
            .prepare_cached(
                "INSERT INTO losses (job, seq, listing, id, field, cause, detail)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute((job, seq, listing, id, field, cause, detail))?;
        self.losses_from = Some(seq + 1);
        self.tally.losses += 1;
        Ok(())
    }

    /// The number that the job's next loss gets; looked up once a batch.
    fn next_loss(&self) -> Result<i64, AnyError> {
        if let Some(next) = self.losses_from {
            return Ok(next);
        }
        let next = "SELECT coalesce(max(seq) + 1, 0) FROM losses WHERE job = ?1";
        let mut next = self.transaction.prepare_cached(next)?;
        Ok(next.query_row([self.job], |row| row.get(0))?)
    }

    /// Takes the lane's mark away: nothing of it is under way any more.
    fn close_mark(&self) -> Result<(), AnyError> {
        self.transaction
            .prepare_cached(
                "UPDATE listings SET open_count = 0, doubts = 0
                 WHERE id = ?1 AND (open_count > 0 OR doubts > 0)",
            )?
            .execute([self.listing.id])?;
        Ok(())
    }

    fn count(&self, to: Option<&Position>) -> Result<(), AnyError> {
        let position = to.map(serde_json::to_string).transpose()?;
        let Tally { read, created, updated, adopted, dropped, unchanged, failed, losses } =
            self.tally;
        self.transaction
            .prepare_cached(
                "UPDATE lanes SET position = coalesce(?3, position), n_read = n_read + ?4,
                     n_created = n_created + ?5, n_updated = n_updated + ?6,
                     n_adopted = n_adopted + ?7, n_unchanged = n_unchanged + ?8,
                     n_failed = n_failed + ?9, n_losses = n_losses + ?10,
                     n_dropped = n_dropped + ?11
                 WHERE job = ?1 AND listing = ?2",
            )?
            .execute((
                self.job,
                self.listing.id,
                position,
                read,
                created,
                updated,
                adopted,
                unchanged,
                failed,
                losses,
                dropped,
            ))?;
        Ok(())
    }
}

/// A target that has to be stored because it is not the origin's id.
fn own<'a>(target: &'a TargetId, id: &str) -> Option<&'a str> {
    (target.0 != id).then_some(target.0.as_str())
}
