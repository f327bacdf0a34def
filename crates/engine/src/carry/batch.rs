//! A batch: begun in the journal, written, flushed, settled.

use super::Carrier;
use crate::{EngineError, error::chain, relink::link, transform::links::looks_up};
use packhorse_core::{
    Carriage, Fingerprint, HostError, HostErrorKind, Lane, Record, Scope, Settle, TargetId,
    port::{Begun, Context, Counts, Entry, Failure, Outcome, Position, Settled},
};

/// Records that are settled together.
pub(super) struct Batch {
    lane: Lane,
    target: Scope,
    records: Vec<Record>,
    n_pages: usize,
}

/// A record as it will be written.
struct Prepared {
    record: Record,
    fingerprint: Fingerprint,
}

/// What has become of a batch so far.
#[derive(Default)]
struct Results {
    settled: Vec<Settled>,
    failed: Vec<Failure>,
    bytes: u64,
}

impl Batch {
    pub(super) fn new(lane: Lane, target: Scope) -> Self {
        Self { lane, target, records: Vec::new(), n_pages: 0 }
    }

    pub(super) fn take(&mut self, page: impl Iterator<Item = Record>) {
        self.records.extend(page);
        self.n_pages += 1;
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn n_pages(&self) -> usize {
        self.n_pages
    }

    fn empty(&mut self) -> Vec<Record> {
        self.n_pages = 0;
        std::mem::take(&mut self.records)
    }
}

impl Carrier<'_> {
    /// Carries what a batch holds and moves its lane; the bytes of blobs that went.
    pub(super) async fn settle_batch(
        &self,
        batch: &mut Batch,
        to: &Position,
        counts: &mut Counts,
    ) -> Result<u64, EngineError> {
        let mut records = batch.empty();
        let (lane, target) = (&batch.lane, &batch.target);
        self.link(lane, &mut records).await?;
        let prepared: Vec<Prepared> =
            records.into_iter().map(|record| self.prepare(lane, record)).collect();
        let settle = self.sides.sink.settle;
        let size = match settle {
            Settle::Page => prepared.len().max(1),
            Settle::Record => 1,
        };
        let mut bytes = 0;
        let n_chunks = prepared.len().div_ceil(size).max(1);
        let mut rest = prepared.into_iter();
        for n in 1..=n_chunks {
            let chunk: Vec<Prepared> = rest.by_ref().take(size).collect();
            let to = (n == n_chunks).then_some(to);
            bytes += self.settle_chunk(lane, target, chunk, to, counts).await?;
        }
        Ok(bytes)
    }

    /// Tells records what they refer to has become, where the destination gives other ids.
    async fn link(&self, lane: &Lane, records: &mut [Record]) -> Result<(), EngineError> {
        if !looks_up(&self.sides.sink) {
            return Ok(());
        }
        let context =
            Context { source: &self.sides.source, sink: &self.sides.sink, scope: &lane.scope };
        let (journal, route) = (&*self.run.worker.journal, self.run.claim.route);
        Ok(link(journal, route, &context, &self.paths, records).await?)
    }

    fn prepare(&self, lane: &Lane, record: Record) -> Prepared {
        let context =
            Context { source: &self.sides.source, sink: &self.sides.sink, scope: &lane.scope };
        let record =
            self.transforms.iter().fold(record, |record, step| step.apply(&context, record));
        let fingerprint = Fingerprint::of(&record.object);
        Prepared { record, fingerprint }
    }

    async fn settle_chunk(
        &self,
        lane: &Lane,
        target: &Scope,
        chunk: Vec<Prepared>,
        to: Option<&Position>,
        counts: &mut Counts,
    ) -> Result<u64, EngineError> {
        let (journal, claim) = (&self.run.worker.journal, self.run.claim);
        let entry =
            |it: &Prepared| Entry { id: it.record.origin.id.clone(), fingerprint: it.fingerprint };
        let entries: Vec<Entry> = chunk.iter().map(entry).collect();
        let begun = journal.begin(claim, lane, self.sides.sink.settle, &entries).await?;
        let mut results = Results::default();
        for (prepared, begun) in chunk.into_iter().zip(begun) {
            self.carry_one(lane, target, prepared, begun, &mut results).await?;
        }
        self.run.ends.sink.flush(target).await?;
        journal.settle(claim, lane, &results.settled, &results.failed, to).await?;
        results.add_to(counts);
        Ok(results.bytes)
    }

    /// Carries one record; an error that concerns it alone becomes a failure.
    async fn carry_one(
        &self,
        lane: &Lane,
        target: &Scope,
        prepared: Prepared,
        begun: Begun,
        results: &mut Results,
    ) -> Result<(), EngineError> {
        if self.sides.sink.settle == Settle::Record {
            self.run.stop.check()?;
        }
        let Prepared { mut record, fingerprint } = prepared;
        let id = record.origin.id.clone();
        if begun == Begun::Done {
            let target = TargetId(id.clone());
            results.settled.push(Settled {
                id,
                fingerprint,
                target,
                outcome: None,
                losses: vec![],
            });
            return Ok(());
        }
        match self.write(lane, target, &mut record, &begun, &mut results.bytes).await {
            Ok((target, outcome, mut losses)) => {
                losses.splice(0..0, std::mem::take(&mut record.losses));
                let outcome = Some(outcome);
                results.settled.push(Settled { id, fingerprint, target, outcome, losses });
                Ok(())
            }
            Err(error) if concerns_one(&error) => {
                let reason = chain(&error);
                let (scope, kind) = (lane.scope.clone(), lane.kind);
                let failure = Failure { scope, kind, id: Some(id), reason };
                self.run.worker.listener.on(&event(&failure));
                results.failed.push(failure);
                Ok(())
            }
            Err(error) => Err(error.into()),
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
            Begun::Interrupted => sink.find(target, &record.origin).await?,
            Begun::Fresh | Begun::Done => None,
        };
        let adopted = *begun == Begun::Interrupted && existing.is_some();
        if let (true, Settle::Record, Some(found)) = (adopted, self.sides.sink.settle, &existing) {
            return Ok((found.clone(), Outcome::Adopted, Vec::new()));
        }
        if lane.kind.carriage() == Carriage::Blob {
            *bytes += self.blob(lane, target, record).await?;
        }
        let written = sink.write(target, record, existing.as_ref()).await?;
        let outcome = if adopted { Outcome::Adopted } else { written.outcome };
        Ok((written.target, outcome, written.losses))
    }
}

impl Results {
    fn add_to(&self, counts: &mut Counts) {
        for settled in &self.settled {
            counts.losses += settled.losses.len() as u64;
            match settled.outcome {
                None => counts.unchanged += 1,
                Some(Outcome::Created) => counts.created += 1,
                Some(Outcome::Updated) => counts.updated += 1,
                Some(Outcome::Adopted) => counts.adopted += 1,
            }
        }
        counts.failed += self.failed.len() as u64;
        counts.read += (self.settled.len() + self.failed.len()) as u64;
    }
}

fn event(failure: &Failure) -> packhorse_core::Event {
    packhorse_core::Event::Failed {
        scope: failure.scope.clone(),
        kind: failure.kind,
        id: failure.id.clone(),
        reason: failure.reason.clone(),
    }
}

/// Whether other records may do better than this one.
fn concerns_one(error: &HostError) -> bool {
    match error.kind {
        HostErrorKind::Rejected
        | HostErrorKind::NotFound
        | HostErrorKind::Conflict
        | HostErrorKind::Protocol
        | HostErrorKind::Unsupported => true,
        HostErrorKind::Unauthorized
        | HostErrorKind::Forbidden
        | HostErrorKind::RateLimited
        | HostErrorKind::Unavailable => false,
    }
}
