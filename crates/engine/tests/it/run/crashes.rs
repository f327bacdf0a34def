//! Whatever call goes wrong, and however, the next run ends with everything there once.

use super::{
    bench::{APP, Bench, only},
    trap::{How, Trap},
};
use packhorse_core::{
    HostErrorKind, ObjectKind, Settle,
    job::{JobOptions, JobState},
    port::Pulse,
    port::Queue,
};
use packhorse_engine::Stop;
use std::sync::Arc;
use tokio::sync::Notify;

const KINDS: [ObjectKind; 3] = [ObjectKind::Attachment, ObjectKind::Issue, ObjectKind::Comment];

/// Records of each kind.
const N: u64 = 3;

fn bench(settle: Settle) -> (Bench, JobOptions) {
    let bench = Bench::settling(settle);
    bench.fill(APP, &KINDS, N);
    (bench, only(&KINDS))
}

/// Every record is there once, and was counted once.
async fn check_whole(bench: &Bench, job: packhorse_core::job::JobId, what: &str) {
    bench.check_same(APP, &KINDS);
    let n = N * KINDS.len() as u64 + 1;
    let total = bench.total(job).await;
    assert_eq!((total.read, total.failed), (n, 0), "{what}");
}

/// Lets each of these calls go wrong in turn, until there are no more of them.
async fn check_each(settle: Settle, how: impl Fn() -> How, counts: fn(&str) -> bool) {
    for at in 1.. {
        let (bench, options) = bench(settle);
        let claim = bench.claim(&options).await;
        let trap = Trap::new(how(), at, counts);

        let first = bench.run(&claim, &bench.trapped(&trap), &options).await.unwrap();
        if !trap.was_met() {
            assert_eq!(first.state, JobState::Finished);
            assert!(at > 5, "the trap is where calls are made");
            return;
        }
        assert_eq!(first.state, JobState::Failed, "call {at}: {first:?}");
        let second = bench.resume(claim.job, &options).await;

        assert_eq!(second.state, JobState::Finished, "call {at}: {second:?}");
        check_whole(&bench, claim.job, &format!("call {at}")).await;
    }
}

fn is_write(name: &str) -> bool {
    matches!(name, "write" | "save" | "flush" | "finish")
}

#[tokio::test]
async fn a_lost_answer_writes_nothing_twice_by_page() {
    check_each(Settle::Page, || How::LoseAnswer, is_write).await;
}

#[tokio::test]
async fn a_lost_answer_writes_nothing_twice_by_record() {
    check_each(Settle::Record, || How::LoseAnswer, is_write).await;
}

/// Hosts take several requests for one record, and a process may die between them.
#[tokio::test]
async fn what_was_half_written_is_written_to_its_end() {
    check_each(Settle::Record, || How::DoHalf, |it| it == "write").await;
}

#[tokio::test]
async fn a_call_that_fails_is_made_up_for() {
    let unavailable = || How::Refuse(HostErrorKind::Unavailable);
    check_each(Settle::Page, unavailable, |_| true).await;
}

/// Kills the process of the run at each call in turn; what was not flushed is lost with it.
async fn check_killed(settle: Settle, loses_unflushed: bool) {
    for at in 1.. {
        let (bench, options) = bench(settle);
        let claim = bench.claim(&options).await;
        let reached = Arc::new(Notify::new());
        let trap = Trap::new(How::Hang(reached.clone()), at, |_| true);
        let (worker, ends, stop) = (bench.worker(), bench.trapped(&trap), Stop::new());

        let ended = tokio::select! {
            outcome = worker.run(&claim, &ends, &options, &stop) => Some(outcome.unwrap()),
            () = reached.notified() => None,
        };
        if let Some(outcome) = ended {
            assert_eq!(outcome.state, JobState::Finished);
            assert!(at > 20, "there are calls to die at");
            return;
        }
        if loses_unflushed {
            bench.sink.crash();
        }
        let outcome = bench.resume(claim.job, &options).await;

        assert_eq!(outcome.state, JobState::Finished, "call {at}: {outcome:?}");
        check_whole(&bench, claim.job, &format!("call {at}")).await;
        assert_eq!(bench.journal.heartbeat(&claim).await.unwrap(), Pulse::Lost);
    }
}

#[tokio::test]
async fn a_killed_run_is_resumed_to_the_same_end_by_page() {
    check_killed(Settle::Page, true).await;
}

#[tokio::test]
async fn a_killed_run_is_resumed_to_the_same_end_when_the_destination_lives_on() {
    check_killed(Settle::Page, false).await;
}

#[tokio::test]
async fn a_killed_run_is_resumed_to_the_same_end_by_record() {
    check_killed(Settle::Record, false).await;
}

#[tokio::test]
async fn a_run_that_is_asked_to_stop_goes_on_later() {
    for at in 1.. {
        let (bench, options) = bench(Settle::Page);
        let claim = bench.claim(&options).await;
        let stop = Stop::new();
        let trap = Trap::new(How::Stop(stop.clone()), at, |_| true);
        let ends = bench.trapped(&trap);

        let first = bench.worker().run(&claim, &ends, &options, &stop).await.unwrap();
        if !trap.was_met() {
            assert!(at > 20, "there are calls to stop at");
            return;
        }
        // The last calls are made when there is nothing left to stop.
        let is_over = first.state == JobState::Finished;
        assert!(is_over || first.state == JobState::Stopped, "call {at}: {first:?}");
        if !is_over {
            let second = bench.resume(claim.job, &options).await;
            assert_eq!(second.state, JobState::Finished, "call {at}: {second:?}");
        }
        check_whole(&bench, claim.job, &format!("call {at}")).await;
    }
}

/// Adapters remember what a host is told last from records that are settled long before.
#[tokio::test]
async fn a_project_that_was_not_finished_is_written_again_until_it_is() {
    let (bench, options) = bench(Settle::Record);
    let claim = bench.claim(&options).await;
    let unavailable = How::Refuse(HostErrorKind::Unavailable);
    let trap = Trap::new(unavailable, 1, |it| it == "finish");
    let first = bench.run(&claim, &bench.trapped(&trap), &options).await.unwrap();
    assert_eq!(first.state, JobState::Failed, "{first:?}");

    for n_written in [1, 0] {
        let claim = bench.claim(&options).await;
        let count = Trap::new(How::LoseAnswer, u64::MAX, |it| it == "write");
        let outcome = bench.run(&claim, &bench.trapped(&count), &options).await.unwrap();
        assert_eq!(outcome.state, JobState::Finished, "{outcome:?}");
        assert_eq!(count.n_calls(), n_written);
    }
}
