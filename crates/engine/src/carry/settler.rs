//! Making what was written durable, and settling it.

use super::{Carrier, batch::Written, lane::progress};
use crate::EngineError;
use packhorse_core::{
    Lane, Listener, Scope,
    port::{Claim, Counts, Journal, Sink},
};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// Makes the batches of a lane durable, and settles them.
pub(super) struct Settler {
    journal: Arc<dyn Journal>,
    sink: Arc<dyn Sink>,
    listener: Arc<dyn Listener>,
    claim: Claim,
    lane: Lane,
    target: Scope,
    counts: Counts,
}

impl Carrier<'_> {
    /// Who settles the batches of a lane, which has come to `counts` so far.
    pub(super) fn settler(&self, (lane, target): (&Lane, &Scope), counts: Counts) -> Settler {
        let run = self.run;
        Settler {
            journal: Arc::clone(&run.worker.journal),
            sink: Arc::clone(&run.ends.sink),
            listener: Arc::clone(&run.worker.listener),
            claim: run.claim.clone(),
            lane: lane.clone(),
            target: target.clone(),
            counts,
        }
    }

    /// Makes a batch durable, and settles it.
    pub(super) async fn settle(
        &self,
        lane: &Lane,
        target: &Scope,
        written: Written,
        counts: &mut Counts,
    ) -> Result<u64, EngineError> {
        self.run.ends.sink.flush(target).await?;
        settle(&*self.run.worker.journal, self.run.claim, lane, written, counts).await
    }
}

impl Settler {
    /// Settles what comes until nothing more does, and counts the batches in `n_settled`.
    ///
    /// While a batch is settled, the next one is made durable.
    pub(super) async fn run(
        self,
        mut written: mpsc::Receiver<Written>,
        n_settled: watch::Sender<u64>,
    ) -> Result<(), EngineError> {
        let Self { journal, sink, listener, claim, lane, target, mut counts } = self;
        let (durable, mut to_settle) = mpsc::channel::<Written>(1);
        let flush = async move {
            while let Some(mut batch) = written.recv().await {
                // The slower the disk, the more is made durable at a time.
                while let Ok(more) = written.try_recv() {
                    batch.append(more);
                }
                sink.flush(&target).await?;
                if durable.send(batch).await.is_err() {
                    break;
                }
            }
            Ok(())
        };
        let settle = async move {
            while let Some(batch) = to_settle.recv().await {
                let n_batches = batch.n_batches;
                let bytes = settle(&*journal, &claim, &lane, batch, &mut counts).await?;
                n_settled.send_modify(|it| *it += n_batches);
                listener.on(&progress(&lane, &counts, bytes));
            }
            Ok(())
        };
        let (flushed, settled) = futures::join!(flush, settle);
        settled.and(flushed)
    }
}

/// Settles a batch that is durable.
async fn settle(
    journal: &dyn Journal,
    claim: &Claim,
    lane: &Lane,
    written: Written,
    counts: &mut Counts,
) -> Result<u64, EngineError> {
    let Written { results, to, n_batches: _ } = written;
    journal.settle(claim, lane, &results.settled, &results.failed, to.as_ref()).await?;
    results.add_to(counts);
    Ok(results.bytes)
}
