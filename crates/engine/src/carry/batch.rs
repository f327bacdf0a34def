//! A batch: begun in the journal, written, flushed, settled.

use super::{Carrier, pages::Pages, prepare::Prepared};
use crate::{EngineError, Stop, Tuning, error::chain};
use futures::TryStreamExt;
use packhorse_core::{
    Carriage, Fingerprint, HostError, HostErrorKind, Lane, Loss, Origin, Record, Scope, TargetId,
    port::{Begun, Counts, Entry, Failure, ItemQuery, Outcome, Position, Settled},
};
use std::collections::HashMap;

/// Records that are settled together.
pub(super) struct Batch {
    pub(super) lane: Lane,
    pub(super) target: Scope,
    records: Vec<Record>,
    n_pages: usize,
}

/// What has become of records.
#[derive(Default)]
pub(super) struct Results {
    pub(super) settled: Vec<Settled>,
    pub(super) failed: Vec<Failure>,
    pub(super) bytes: u64,
}

impl Batch {
    pub(super) fn new(lane: Lane, target: Scope) -> Self {
        Self { lane, target, records: Vec::new(), n_pages: 0 }
    }

    pub(super) fn records(&mut self) -> &mut [Record] {
        &mut self.records
    }

    pub(super) fn take(&mut self, page: Vec<Record>) {
        self.records.extend(page);
        self.n_pages += 1;
    }

    /// Reads pages until it is full, and says where the lane stands then; `None` at its end.
    pub(super) async fn fill(
        &mut self,
        pages: &mut Pages,
        stop: &Stop,
        tuning: &Tuning,
    ) -> Result<Option<Position>, EngineError> {
        stop.check()?;
        // Not by doubling: what is moved over then is there twice.
        self.records.reserve_exact(tuning.batch_records);
        while let Some((records, to)) = stop.or(pages.next()).await? {
            self.take(records);
            if self.is_full(tuning) || to == Position::Done {
                return Ok(Some(to));
            }
        }
        Ok(None)
    }

    fn is_full(&self, tuning: &Tuning) -> bool {
        self.records.len() >= tuning.batch_records || self.n_pages >= tuning.batch_pages
    }

    pub(super) fn empty(&mut self) -> Vec<Record> {
        self.n_pages = 0;
        std::mem::take(&mut self.records)
    }
}

/// A batch that was written and is not settled.
pub(super) struct Written {
    pub(super) results: Results,
    pub(super) to: Option<Position>,
    pub(super) n_batches: u64,
}

impl Written {
    /// Takes in what was written after it.
    pub(super) fn append(&mut self, later: Self) {
        self.results.append(later.results);
        self.to = later.to;
        self.n_batches += later.n_batches;
    }
}

impl Carrier<'_> {
    /// Prepares and writes what a batch holds, without making it durable.
    pub(super) async fn write_batch(
        &self,
        batch: &mut Batch,
        to: Position,
    ) -> Result<Written, EngineError> {
        let prepared = self.preparer.batch(batch).await?;
        self.write_prepared((&batch.lane, &batch.target), prepared, to).await
    }

    /// Writes what was prepared of a batch, without making it durable.
    pub(super) async fn write_prepared(
        &self,
        (lane, target): (&Lane, &Scope),
        mut prepared: Vec<Prepared>,
        to: Position,
    ) -> Result<Written, EngineError> {
        let results = self.write_chunk(lane, target, &mut prepared).await?;
        Ok(Written { results, to: Some(to), n_batches: 1 })
    }

    /// Settles at once what earlier runs wrote and what is the same since; the rest.
    pub(super) async fn settle_unchanged(
        &self,
        lane: &Lane,
        prepared: Vec<Prepared>,
        counts: &mut Counts,
    ) -> Result<Vec<Prepared>, EngineError> {
        let (journal, claim) = (&self.run.worker.journal, self.run.claim);
        let ids = prepared.iter().map(|it| it.record.origin.id.clone()).collect();
        let items = journal.items(claim.route, lane, &ItemQuery::Origins(ids)).await?;
        let known: HashMap<String, Fingerprint> =
            items.into_iter().map(|it| (it.origin.id, it.fingerprint)).collect();
        let is_same = |it: &Prepared| {
            known.get(&it.record.origin.id) == Some(&it.fingerprint) && !self.left_open.holds(lane)
        };
        let (same, rest): (Vec<_>, Vec<_>) = prepared.into_iter().partition(is_same);
        let results = Results {
            settled: same.iter().map(Prepared::unchanged).collect(),
            ..Results::default()
        };
        if !results.settled.is_empty() {
            journal.settle(claim, lane, &results.settled, &[], None).await?;
        }
        results.add_to(counts);
        Ok(rest)
    }

    /// Notes that records are about to be written.
    pub(super) async fn begin(
        &self,
        lane: &Lane,
        chunk: &[Prepared],
    ) -> Result<Vec<Begun>, EngineError> {
        let (journal, claim) = (&self.run.worker.journal, self.run.claim);
        let entries: Vec<Entry> = chunk.iter().map(Prepared::entry).collect();
        Ok(journal.begin(claim, lane, self.sides.sink.settle, &entries).await?)
    }

    /// Notes that records are about to be written, and writes them.
    pub(super) async fn write_chunk(
        &self,
        lane: &Lane,
        target: &Scope,
        chunk: &mut [Prepared],
    ) -> Result<Results, EngineError> {
        let begun = self.begin(lane, chunk).await?;
        let mut results = Results::default();
        for (prepared, begun) in chunk.iter_mut().zip(begun) {
            self.carry_one(lane, target, prepared, begun, &mut results).await?;
        }
        Ok(results)
    }

    /// Carries one record; an error that concerns it alone becomes a failure.
    pub(super) async fn carry_one(
        &self,
        lane: &Lane,
        target: &Scope,
        prepared: &mut Prepared,
        begun: Begun,
        results: &mut Results,
    ) -> Result<(), EngineError> {
        let is_again = begun == Begun::Done && self.left_open.holds(lane);
        let begun = if is_again { self.again(lane, prepared).await? } else { begun };
        if begun == Begun::Done {
            results.settled.push(prepared.unchanged());
            return Ok(());
        }
        let Prepared { record, fingerprint, missing } = prepared;
        let (id, fingerprint) = (record.origin.id.clone(), *fingerprint);
        if let Some(parent) = missing {
            let may_arrive = self.may_arrive(lane, parent).await?;
            let orphan = (id, fingerprint);
            self.leave_orphan(lane, orphan, (parent, may_arrive), results);
            return Ok(());
        }
        let write = self.write(lane, target, record, &begun, &mut results.bytes);
        match self.run.stop.race(write).await? {
            Ok((target, outcome, mut losses)) => {
                losses.splice(0..0, std::mem::take(&mut record.losses));
                let outcome = Some(outcome);
                results.settled.push(Settled { id, fingerprint, target, outcome, losses });
                Ok(())
            }
            Err(error) if concerns_one(&error) => {
                results.failed.push(self.failure(lane, id, &error));
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Tells that a record could not be written.
    pub(super) fn failure(&self, lane: &Lane, id: String, error: &HostError) -> Failure {
        let (scope, kind) = (lane.scope.clone(), lane.kind);
        let failure = Failure { scope, kind, id: Some(id), reason: chain(error) };
        self.run.worker.listener.on(&event(&failure));
        failure
    }

    /// Whether something that has not arrived may do so in a later run: it failed in this one, and
    /// was not left out.
    async fn may_arrive(&self, lane: &Lane, parent: &Origin) -> Result<bool, EngineError> {
        if !self.is_wanted(parent.kind) || !self.sides.sink.of(parent.kind).is_some() {
            return Ok(false);
        }
        let (journal, claim) = (&self.run.worker.journal, self.run.claim);
        let of_parents = Lane::new(lane.scope.clone(), parent.kind);
        if journal.position(claim, &of_parents).await? != Position::Done {
            return Ok(true);
        }
        // All of its lane is through: it failed, was left out, or was never there.
        let history = journal.history(claim.job).await?;
        let mut failures = history.all_failures();
        while let Some(it) = failures.try_next().await? {
            let is_kind = it.scope == lane.scope && it.kind == parent.kind;
            if is_kind && it.id.is_none_or(|id| id == parent.id) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Notes that a record stays behind with what it belongs to: for good where that has no place
    /// at the destination, until a later run where it failed.
    fn leave_orphan(
        &self,
        lane: &Lane,
        (id, fingerprint): (String, Fingerprint),
        (parent, may_arrive): (&Origin, bool),
        results: &mut Results,
    ) {
        let why = format!("it belongs to {parent}, which has not arrived");
        if may_arrive {
            let (scope, kind) = (lane.scope.clone(), lane.kind);
            let failure = Failure { scope, kind, id: Some(id), reason: why };
            self.run.worker.listener.on(&event(&failure));
            results.failed.push(failure);
        } else {
            let losses = vec![Loss::policy(Loss::WHOLE, why)];
            let (target, outcome) = (TargetId(String::new()), Some(Outcome::Dropped));
            results.settled.push(Settled { id, fingerprint, target, outcome, losses });
        }
    }

    async fn write(
        &self,
        lane: &Lane,
        target: &Scope,
        record: &mut Record,
        begun: &Begun,
        bytes: &mut u64,
    ) -> Result<(TargetId, Outcome, Vec<packhorse_core::Loss>), HostError> {
        let sink = &self.run.ends.sink;
        let existing = match begun {
            Begun::Changed(target) => Some(target.clone()),
            Begun::Interrupted => sink.find(target, record).await?,
            Begun::Fresh | Begun::Done => None,
        };
        // What is found is written once more: a host may have taken the first of several requests
        // alone, and only a write says what the record loses there.
        let adopted = *begun == Begun::Interrupted && existing.is_some();
        if lane.kind.carriage() == Carriage::Blob {
            *bytes += self.blob(lane, target, record).await?;
        }
        let written = sink.write(target, record, existing.as_ref()).await?;
        let outcome = if adopted { Outcome::Adopted } else { written.outcome };
        Ok((written.target, outcome, written.losses))
    }
}

impl Results {
    /// Takes in what became of others.
    pub(super) fn append(&mut self, later: Self) {
        self.settled.extend(later.settled);
        self.failed.extend(later.failed);
        self.bytes += later.bytes;
    }

    pub(super) fn add_to(&self, counts: &mut Counts) {
        for settled in &self.settled {
            counts.losses += settled.losses.len() as u64;
            match settled.outcome {
                None => counts.unchanged += 1,
                Some(Outcome::Created) => counts.created += 1,
                Some(Outcome::Updated) => counts.updated += 1,
                Some(Outcome::Adopted) => counts.adopted += 1,
                Some(Outcome::Dropped) => counts.dropped += 1,
            }
        }
        counts.failed += self.failed.len() as u64;
        counts.read += (self.settled.len() + self.failed.len()) as u64;
    }
}

pub(super) fn event(failure: &Failure) -> packhorse_core::Event {
    packhorse_core::Event::Failed {
        scope: failure.scope.clone(),
        kind: failure.kind,
        id: failure.id.clone(),
        reason: failure.reason.clone(),
    }
}

/// Whether other records may do better than this one.
pub(super) fn concerns_one(error: &HostError) -> bool {
    match error.kind {
        HostErrorKind::Rejected
        | HostErrorKind::NotFound
        | HostErrorKind::Conflict
        | HostErrorKind::Forbidden
        | HostErrorKind::Protocol
        | HostErrorKind::Unsupported => true,
        HostErrorKind::Unauthorized | HostErrorKind::RateLimited | HostErrorKind::Unavailable => {
            false
        }
    }
}
