//! What is left of a record that has its number is done beside those that come after it.

use super::{
    bench::{Bench, app},
    numbers::{bench, check_kept, options, put},
    trap::{How, Trap},
};
use async_trait::async_trait;
use packhorse_core::{
    HostError, HostErrorKind, Lane, Loss, Object, ObjectKind, Record, Scope, TargetId,
    job::JobState,
    port::{AroundSink, Numbered, Sink},
};
use packhorse_engine::{RunOutcome, Stop};
use packhorse_testkit::memory::MemoryHost;
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

/// Longer than a run takes.
const LONG: Duration = Duration::from_secs(10);

/// A destination that completes its first issue when another one has its number, and refuses to
/// complete one.
struct Late {
    host: MemoryHost,
    refused: u64,
}

#[async_trait]
impl AroundSink for Late {
    fn inner(&self) -> &dyn Sink {
        &self.host
    }

    async fn number(&self, scope: &Scope, record: &Record) -> Result<Numbered, HostError> {
        self.host.number(scope, record).await
    }

    async fn complete(
        &self,
        scope: &Scope,
        record: &Record,
        target: &TargetId,
    ) -> Result<Vec<Loss>, HostError> {
        let Object::Issue(issue) = &record.object else {
            return self.host.complete(scope, record, target).await;
        };
        if issue.number == self.refused {
            return Err(HostError::new(HostErrorKind::Rejected, "close an issue"));
        }
        let others = async {
            while self.host.stored(&Lane::new(scope.clone(), ObjectKind::Issue)).len() < 2 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let in_vain = |_| HostError::new(HostErrorKind::Unavailable, "wait in vain");
        tokio::time::timeout(LONG, others).await.map_err(in_vain)?;
        let mut losses = self.host.complete(scope, record, target).await?;
        losses.push(Loss::sink("state_reason", "there is no such reason"));
        Ok(losses)
    }
}

async fn carry(bench: &Bench, refused: u64) -> (packhorse_core::job::JobId, RunOutcome) {
    let claim = bench.claim(&options()).await;
    let sink = Late { host: bench.sink.clone(), refused };
    let ends = bench.ends(Arc::new(bench.source.clone()), Arc::new(sink));
    (claim.job, bench.run(&claim, &ends, &options()).await.unwrap())
}

#[tokio::test]
async fn the_next_one_does_not_wait_until_one_is_complete() {
    let bench = bench();
    put(&bench, &[1, 3, 4], &[2]);

    let (_, outcome) = carry(&bench, 0).await;

    assert_eq!(outcome.state, JobState::Failed, "losses that nobody foresaw count");
    assert_eq!((outcome.n_losses, outcome.n_failures), (3, 0), "{outcome:?}");
    check_kept(&bench, &[1, 3, 4], &[2], "beside each other");
}

#[tokio::test]
async fn one_that_cannot_be_completed_keeps_its_number_and_is_made_up_for() {
    let bench = bench();
    put(&bench, &[1, 3, 5], &[2]);

    let (job, outcome) = carry(&bench, 3).await;

    assert_eq!((outcome.state, outcome.n_failures), (JobState::Failed, 1), "{outcome:?}");
    let outcome = bench.resume(job, &options()).await;
    assert_eq!(outcome.n_failures, 0, "{outcome:?}");
    check_kept(&bench, &[1, 3, 5], &[2], "after the second run");
}

#[tokio::test]
async fn a_run_that_is_killed_at_any_write_costs_no_number() {
    for at in 1.. {
        let bench = bench();
        put(&bench, &[1, 2, 5, 6], &[3, 7]);
        let claim = bench.claim(&options()).await;
        let reached = Arc::new(Notify::new());
        let trap = Trap::new(How::Hang(reached.clone()), at, |it| it == "write");
        let (worker, ends, stop) = (bench.worker(), bench.trapped(&trap), Stop::new());
        let options = options();

        let ended = tokio::select! {
            outcome = worker.run(&claim, &ends, &options, &stop) => Some(outcome.unwrap()),
            () = reached.notified() => None,
        };
        if let Some(outcome) = ended {
            assert_eq!(outcome.state, JobState::Finished);
            // The project, and seven numbers with what is left of each.
            assert!(at > 15, "a run was killed at every write");
            return;
        }
        let outcome = bench.resume(claim.job, &options).await;

        assert_eq!(outcome.state, JobState::Finished, "write {at}: {outcome:?}");
        check_kept(&bench, &[1, 2, 5, 6], &[3, 7], &format!("write {at}"));
        assert_eq!(bench.sink.stored(&Lane::new(app(), ObjectKind::Issue)).len(), 5);
    }
}

/// A destination that cannot be reached any more when it is to complete an issue.
struct Gone {
    host: MemoryHost,
    at: u64,
    /// Asked to stop instead, where there is one.
    stop: Option<Stop>,
}

#[async_trait]
impl AroundSink for Gone {
    fn inner(&self) -> &dyn Sink {
        &self.host
    }

    async fn number(&self, scope: &Scope, record: &Record) -> Result<Numbered, HostError> {
        self.host.number(scope, record).await
    }

    async fn complete(
        &self,
        scope: &Scope,
        record: &Record,
        target: &TargetId,
    ) -> Result<Vec<Loss>, HostError> {
        if record.origin.id != self.at.to_string() {
            return self.host.complete(scope, record, target).await;
        }
        // Later than the ends of pages that come after it.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let Some(stop) = &self.stop else {
            return Err(HostError::new(HostErrorKind::Unavailable, "close an issue"));
        };
        stop.stop();
        std::future::pending().await
    }
}

#[tokio::test]
async fn no_page_is_through_of_which_one_was_not_completed() {
    for (at, is_stopped) in (1..=9).flat_map(|at| [(at, false), (at, true)]) {
        let bench = bench();
        put(&bench, &[1, 2, 3, 4, 5, 6, 7, 8, 9], &[10]);
        let (claim, options, stop) = (bench.claim(&options()).await, options(), Stop::new());
        let sink = Gone { host: bench.sink.clone(), at, stop: is_stopped.then(|| stop.clone()) };
        let ends = bench.ends(Arc::new(bench.source.clone()), Arc::new(sink));

        let first = bench.worker().run(&claim, &ends, &options, &stop).await.unwrap();

        assert_ne!(first.state, JobState::Finished, "{at}: {first:?}");
        let second = bench.resume(claim.job, &options).await;
        assert_eq!((second.state, second.verified), (JobState::Finished, Some(true)), "{second:?}");
        assert_eq!(bench.total(claim.job).await.read, 11, "{at}, stopped: {is_stopped}");
        check_kept(&bench, &[1, 2, 3, 4, 5, 6, 7, 8, 9], &[10], "after the second run");
    }
}
