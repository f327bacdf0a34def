//! Batches for destinations that settle record by record: several records on their way at once,
//! each noted just before it goes and as soon as it has arrived.

use super::{
    Carrier, Place,
    batch::{Batch, Results, Written},
    lane::progress,
    prepare::Prepared,
    queue::queue,
};
use crate::EngineError;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use packhorse_core::{
    Lane, Scope,
    port::{Begun, Counts, Entry, Position},
};
use std::{
    cmp::Reverse,
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};
use tokio::sync::{mpsc, oneshot};

/// Records that go one after the other.
type Queue<'a> = Vec<&'a mut Prepared>;

/// A record that wants to go, and where it waits to hear what is known of it.
struct Setting {
    entry: Entry,
    begun: oneshot::Sender<Begun>,
}

/// What the queues of a batch share.
struct Ways {
    halted: AtomicBool,
    setting: mpsc::Sender<Setting>,
    arrived: mpsc::Sender<Results>,
}

impl Carrier<'_> {
    /// Carries what a batch holds, and moves its lane.
    pub(super) async fn carry_through(
        &self,
        place: &Place,
        batch: &mut Batch,
        to: Position,
        counts: &mut Counts,
    ) -> Result<(), EngineError> {
        let prepared = self.preparer.batch(batch).await?;
        let (lane, target) = (&batch.lane, &batch.target);
        let mut rest = self.settle_unchanged(lane, prepared, counts).await?;
        self.run.stop.check()?;
        self.carry_queues((place, lane, target), queues(&mut rest), counts).await?;
        let (journal, claim) = (&self.run.worker.journal, self.run.claim);
        Ok(journal.settle(claim, lane, &[], &[], Some(&to)).await?)
    }

    /// Carries queues side by side.
    ///
    /// Only what is about to go is noted as begun, so that no more than that has to be looked for
    /// after a kill. What wants to go meanwhile is noted together, and so is what has arrived. When
    /// one record ends the run, those under way are still awaited and settled.
    async fn carry_queues(
        &self,
        (place, lane, target): (&Place, &Lane, &Scope),
        queues: Vec<Queue<'_>>,
        counts: &mut Counts,
    ) -> Result<(), EngineError> {
        let writers = self.run.worker.tuning.writers.max(1);
        let (setting, mut to_begin) = mpsc::channel(writers);
        let (arrived, mut to_settle) = mpsc::channel(writers);
        let ways = Ways { halted: AtomicBool::new(false), setting, arrived };
        let write = async {
            let carry = |queue| self.carry_queue(lane, target, queue, &ways).boxed();
            // Made before they are run: a stream of closures would not be `Send` for every lifetime.
            let all: Vec<BoxFuture<'_, Result<(), EngineError>>> =
                queues.into_iter().map(carry).collect();
            let ends: Vec<_> = stream::iter(all).buffer_unordered(writers).collect().await;
            drop(ways);
            ends.into_iter().collect::<Result<(), EngineError>>()
        };
        // Both own the end that they listen at: when one fails, nobody waits for it any more.
        let begin = async move {
            while let Some(first) = to_begin.recv().await {
                let mut together = vec![first];
                while let Ok(more) = to_begin.try_recv() {
                    together.push(more);
                }
                self.begin_together(lane, together).await?;
            }
            Ok(())
        };
        let settle = async move {
            while let Some(mut results) = to_settle.recv().await {
                while let Ok(more) = to_settle.try_recv() {
                    Results::append(&mut results, more);
                }
                let written = Written { results, to: None, n_batches: 1 };
                let bytes = self.settle(lane, target, written, counts).await?;
                // Such destinations are slow: people want to see each record.
                self.run.worker.listener.on(&progress(lane, counts, bytes));
                place.coming.some_came();
            }
            Ok(())
        };
        let (wrote, begun, settled): (_, Result<(), EngineError>, Result<(), EngineError>) =
            futures::join!(write, begin, settle);
        settled.and(begun).and(wrote)
    }

    /// Notes that these are about to be written, and tells each what is known of it.
    async fn begin_together(&self, lane: &Lane, list: Vec<Setting>) -> Result<(), EngineError> {
        let (journal, claim) = (&self.run.worker.journal, self.run.claim);
        let (entries, waiting): (Vec<_>, Vec<_>) =
            list.into_iter().map(|it| (it.entry, it.begun)).unzip();
        let begun = journal.begin(claim, lane, self.sides.sink.settle, &entries).await?;
        for (waiting, begun) in waiting.into_iter().zip(begun) {
            // Who does not wait any more has been halted.
            drop(waiting.send(begun));
        }
        Ok(())
    }

    async fn carry_queue(
        &self,
        lane: &Lane,
        target: &Scope,
        queue: Queue<'_>,
        ways: &Ways,
    ) -> Result<(), EngineError> {
        for prepared in queue {
            if ways.halted.load(Ordering::Relaxed) {
                break;
            }
            let Some(begun) = ways.begin(prepared).await else { break };
            let mut results = Results::default();
            let carried = self.carry_one(lane, target, prepared, begun, &mut results).await;
            let is_settled = ways.arrived.send(results).await.is_ok();
            if carried.is_err() || !is_settled {
                ways.halted.store(true, Ordering::Relaxed);
                return carried;
            }
        }
        Ok(())
    }
}

impl Ways {
    /// Has it noted that a record is about to be written; `None` when nobody notes any more.
    async fn begin(&self, prepared: &Prepared) -> Option<Begun> {
        let (begun, told) = oneshot::channel();
        self.setting.send(Setting { entry: prepared.entry(), begun }).await.ok()?;
        told.await.ok()
    }
}

/// Puts records behind those that they have to come after; the longest queues first, so that none
/// of them is left when all others have ended.
fn queues(records: &mut [Prepared]) -> Vec<Queue<'_>> {
    let mut queues: BTreeMap<Option<String>, Queue<'_>> = BTreeMap::new();
    for prepared in records {
        queues.entry(queue(&prepared.record.object)).or_default().push(prepared);
    }
    let mut queues: Vec<_> = queues.into_values().collect();
    queues.sort_by_key(|it| Reverse(it.len()));
    queues
}
