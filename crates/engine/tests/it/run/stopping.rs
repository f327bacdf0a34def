//! Asked to stop, a run stops where it waits, and says why.

use super::{
    bench::{APP, Bench, only},
    trap::{How, Trap},
};
use packhorse_core::{ObjectKind, job::JobState, port::Queue};
use packhorse_engine::{EngineError, Stop, Stopped, Why};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

const KINDS: [ObjectKind; 2] = [ObjectKind::Label, ObjectKind::Issue];

/// Long enough for any machine; only a run that does not stop waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

async fn check_cancelled_while_waiting_for(call: fn(&str) -> bool) {
    let bench = Bench::settling(packhorse_core::Settle::Record);
    bench.fill(APP, &KINDS, 3);
    let options = only(&KINDS);
    let mut claim = bench.claim(&options).await;
    claim.lease = Duration::from_millis(40);
    let reached = Arc::new(Notify::new());
    let trap = Trap::new(How::Hang(reached.clone()), 2, call);
    let (worker, ends, stop) = (bench.worker(), bench.trapped(&trap), Stop::new());
    let cancel = async {
        reached.notified().await;
        assert!(bench.journal.cancel(claim.job).await.unwrap());
    };

    let run = worker.run(&claim, &ends, &options, &stop);
    let (outcome, ()) = tokio::time::timeout(PATIENCE, async { tokio::join!(run, cancel) })
        .await
        .expect("the run stops");

    assert_eq!(outcome.unwrap().state, JobState::Cancelled);
    assert_eq!(bench.state(claim.job).await, JobState::Cancelled);
    let again = bench.resume(claim.job, &options).await;
    assert_eq!(again.state, JobState::Finished);
    bench.check_same(APP, &KINDS);
}

#[tokio::test]
async fn a_job_is_cancelled_through_the_journal_while_it_reads() {
    check_cancelled_while_waiting_for(|name| name == "read").await;
}

#[tokio::test]
async fn a_job_is_cancelled_through_the_journal_while_it_writes() {
    check_cancelled_while_waiting_for(|name| name == "write").await;
}

#[tokio::test]
async fn a_run_whose_job_was_taken_over_writes_nothing_more() {
    let bench = Bench::settling(packhorse_core::Settle::Page);
    bench.fill(APP, &KINDS, 3);
    let options = only(&KINDS);
    let mut claim = bench.claim(&options).await;
    claim.lease = Duration::from_millis(40);
    let reached = Arc::new(Notify::new());
    let trap = Trap::new(How::Hang(reached.clone()), 2, |name| name == "read");
    let (worker, ends, stop) = (bench.worker(), bench.trapped(&trap), Stop::new());
    let take_over = async {
        reached.notified().await;
        bench.claim_again(claim.job).await
    };

    let run = worker.run(&claim, &ends, &options, &stop);
    let (ended, other) = tokio::time::timeout(PATIENCE, async { tokio::join!(run, take_over) })
        .await
        .expect("the run stops");

    let lost = matches!(&ended, Err(EngineError::Stopped(Stopped(Why::Lost))));
    let refused = matches!(&ended, Err(EngineError::Journal(error)) if error.is_claim_lost());
    assert!(lost || refused, "{ended:?}");
    let outcome = bench.run(&other, &bench.plain_ends(), &options).await.unwrap();
    assert_eq!(outcome.state, JobState::Finished);
    bench.check_same(APP, &KINDS);
}
