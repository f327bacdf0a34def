//! Batches for destinations that settle record by record: several records on their way at once,
//! each noted as soon as it has arrived.

use super::{
    Carrier,
    batch::{Batch, Prepared, Results, Written},
    lane::progress,
    queue::queue,
};
use crate::EngineError;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use packhorse_core::{
    Lane, Scope,
    port::{Begun, Counts, Position},
};
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};
use tokio::sync::mpsc;

/// Records that are begun together; after a kill, at most so many are looked for in vain.
const BEGUN_TOGETHER: usize = 64;

/// Records that go one after the other.
type Queue<'a> = Vec<(&'a mut Prepared, Begun)>;

impl Carrier<'_> {
    /// Carries what a batch holds, and moves its lane.
    pub(super) async fn carry_through(
        &self,
        batch: &mut Batch,
        to: Position,
        counts: &mut Counts,
    ) -> Result<(), EngineError> {
        let prepared = self.prepare_batch(batch).await?;
        let (lane, target) = (&batch.lane, &batch.target);
        let mut rest = self.settle_unchanged(lane, prepared, counts).await?;
        for chunk in rest.chunks_mut(BEGUN_TOGETHER) {
            self.run.stop.check()?;
            let begun = self.begin(lane, chunk).await?;
            self.carry_queues(lane, target, queues(chunk, begun), counts).await?;
        }
        let (journal, claim) = (&self.run.worker.journal, self.run.claim);
        Ok(journal.settle(claim, lane, &[], &[], Some(&to)).await?)
    }

    /// Carries queues side by side; what has arrived is settled together, without waiting for more.
    ///
    /// When one record ends the run, those under way are still awaited and settled.
    async fn carry_queues(
        &self,
        lane: &Lane,
        target: &Scope,
        queues: Vec<Queue<'_>>,
        counts: &mut Counts,
    ) -> Result<(), EngineError> {
        let halted = AtomicBool::new(false);
        let (arrived, mut to_settle) =
            mpsc::channel(queues.iter().map(Vec::len).sum::<usize>().max(1));
        let carry = |queue| self.carry_queue(lane, target, queue, &halted, arrived.clone()).boxed();
        // Made before they are run: a stream of closures would not be `Send` for every lifetime.
        let ways: Vec<BoxFuture<'_, Result<(), EngineError>>> =
            queues.into_iter().map(carry).collect();
        drop(arrived);
        let ways = stream::iter(ways).buffer_unordered(self.run.worker.tuning.writers.max(1));
        let write = async {
            let ends: Vec<_> = ways.collect().await;
            ends.into_iter().collect::<Result<(), EngineError>>()
        };
        let settle = async {
            while let Some(mut results) = to_settle.recv().await {
                while let Ok(more) = to_settle.try_recv() {
                    Results::append(&mut results, more);
                }
                let written = Written { results, to: None, n_batches: 1 };
                let bytes = self.settle(lane, target, written, counts).await?;
                // Such destinations are slow: people want to see each record.
                self.run.worker.listener.on(&progress(lane, counts, bytes));
            }
            Ok(())
        };
        let (wrote, settled): (_, Result<(), EngineError>) = futures::join!(write, settle);
        settled.and(wrote)
    }

    async fn carry_queue(
        &self,
        lane: &Lane,
        target: &Scope,
        queue: Queue<'_>,
        halted: &AtomicBool,
        arrived: mpsc::Sender<Results>,
    ) -> Result<(), EngineError> {
        for (prepared, begun) in queue {
            if halted.load(Ordering::Relaxed) {
                break;
            }
            let mut results = Results::default();
            let carried = self.carry_one(lane, target, prepared, begun, &mut results).await;
            let is_settled = arrived.send(results).await.is_ok();
            if carried.is_err() || !is_settled {
                halted.store(true, Ordering::Relaxed);
                return carried;
            }
        }
        Ok(())
    }
}

/// Puts records behind those that they have to come after.
fn queues(chunk: &mut [Prepared], begun: Vec<Begun>) -> Vec<Queue<'_>> {
    let mut queues: BTreeMap<Option<String>, Queue<'_>> = BTreeMap::new();
    for (prepared, begun) in chunk.iter_mut().zip(begun) {
        queues.entry(queue(&prepared.record.object)).or_default().push((prepared, begun));
    }
    queues.into_values().collect()
}
