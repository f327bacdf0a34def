//! What failed is tried again, and nothing else is carried.

use super::{
    bench::{APP, Bench, app, only},
    trap::{How, Trap},
};
use packhorse_core::{
    HostErrorKind, ObjectKind, Settle,
    job::{JobId, JobOptions, JobState},
};
use packhorse_engine::{Stop, resume_whole, retry};
use packhorse_testkit::samples;
use std::sync::Arc;

const LABELS: [ObjectKind; 1] = [ObjectKind::Label];

/// A call that no run gets to.
const NEVER: u64 = u64::MAX;

fn refuse(at: u64) -> Arc<Trap> {
    Trap::new(How::Refuse(HostErrorKind::Rejected), at, |name| name == "write")
}

/// A job of which one label failed; another has come to the source since.
async fn failed(bench: &Bench, options: &JobOptions) -> JobId {
    bench.fill(APP, &LABELS, 10);
    let claim = bench.claim(options).await;
    let outcome = bench.run(&claim, &bench.trapped(&refuse(4)), options).await.unwrap();
    assert_eq!((outcome.state, outcome.n_failures), (JobState::Failed, 1));
    bench.put(&app(), samples::sample(ObjectKind::Label, 11), 11);
    claim.job
}

fn n_labels(bench: &Bench) -> usize {
    bench.arrived(&app(), ObjectKind::Label).len()
}

#[tokio::test]
async fn a_retry_writes_what_failed_and_nothing_that_is_new() {
    for settle in [Settle::Page, Settle::Record] {
        let bench = Bench::settling(settle);
        let options = only(&LABELS);
        let job = failed(&bench, &options).await;
        assert_eq!(n_labels(&bench), 9);

        retry(&*bench.journal, job).await.unwrap();
        let count = refuse(NEVER);
        let claim = bench.claim_again(job).await;
        let outcome = bench.run(&claim, &bench.trapped(&count), &options).await.unwrap();

        assert_eq!((outcome.state, outcome.n_failures), (JobState::Finished, 0), "{outcome:?}");
        assert_eq!((count.n_calls(), n_labels(&bench)), (1, 10), "{settle:?}");
        let total = bench.total(job).await;
        assert_eq!((total.read, total.failed), (11, 0), "ten labels and the project");
        let (_, next) = bench.carry(&options).await;
        assert_eq!(next.state, JobState::Finished);
        bench.check_same(APP, &LABELS);
    }
}

#[tokio::test]
async fn a_resumed_job_carries_what_is_new_as_well() {
    let bench = Bench::settling(Settle::Record);
    let options = only(&LABELS);
    let job = failed(&bench, &options).await;

    retry(&*bench.journal, job).await.unwrap();
    resume_whole(&*bench.journal, job).await.unwrap();
    let outcome = bench.resume(job, &options).await;

    assert_eq!(outcome.state, JobState::Finished);
    bench.check_same(APP, &LABELS);
}

#[tokio::test]
async fn a_retry_that_was_stopped_goes_on_as_one() {
    let bench = Bench::settling(Settle::Record);
    let options = only(&LABELS);
    let job = failed(&bench, &options).await;
    retry(&*bench.journal, job).await.unwrap();
    let stop = Stop::new();
    let trap = Trap::new(How::Stop(stop.clone()), 1, |name| name == "read");
    let claim = bench.claim_again(job).await;
    let ends = bench.trapped(&trap);
    let stopped = bench.worker().run(&claim, &ends, &options, &stop).await.unwrap();
    assert_eq!(stopped.state, JobState::Stopped);

    let outcome = bench.resume(job, &options).await;

    assert_eq!((outcome.state, n_labels(&bench)), (JobState::Finished, 10));
}

#[tokio::test]
async fn a_retry_that_fails_again_is_over_and_the_next_run_is_whole() {
    let bench = Bench::settling(Settle::Record);
    let options = only(&LABELS);
    let job = failed(&bench, &options).await;
    retry(&*bench.journal, job).await.unwrap();
    let claim = bench.claim_again(job).await;
    let again = bench.run(&claim, &bench.trapped(&refuse(1)), &options).await.unwrap();
    assert_eq!((again.state, again.n_failures, n_labels(&bench)), (JobState::Failed, 1, 9));

    let outcome = bench.resume(job, &options).await;

    assert_eq!(outcome.state, JobState::Finished);
    bench.check_same(APP, &LABELS);
}

#[tokio::test]
async fn a_lane_that_broke_off_is_carried_to_its_end() {
    let bench = Bench::settling(Settle::Page);
    bench.fill(APP, &LABELS, 10);
    let options = only(&LABELS);
    let away = Trap::new(How::Refuse(HostErrorKind::Unavailable), 6, |name| name == "write");
    let claim = bench.claim(&options).await;
    let first = bench.run(&claim, &bench.trapped(&away), &options).await.unwrap();
    assert_eq!(first.state, JobState::Failed);

    retry(&*bench.journal, claim.job).await.unwrap();
    let outcome = bench.resume(claim.job, &options).await;

    assert_eq!(outcome.state, JobState::Finished, "{outcome:?}");
    bench.check_same(APP, &LABELS);
}

#[tokio::test]
async fn pages_behind_the_last_that_failed_are_not_read() {
    let mut reads = Vec::new();
    for is_retry in [true, false] {
        let bench = Bench::settling(Settle::Page);
        let options = only(&LABELS);
        bench.fill(APP, &LABELS, 200);
        let claim = bench.claim(&options).await;
        bench.run(&claim, &bench.trapped(&refuse(4)), &options).await.unwrap();
        if is_retry {
            retry(&*bench.journal, claim.job).await.unwrap();
        }
        let count = Trap::new(How::Refuse(HostErrorKind::Rejected), NEVER, |name| name == "read");
        let claim = bench.claim_again(claim.job).await;
        let outcome = bench.run(&claim, &bench.trapped(&count), &options).await.unwrap();
        assert_eq!(outcome.state, JobState::Finished);
        reads.push(count.n_calls());
    }
    assert!(reads[0] < reads[1], "retried with {}, resumed with {} pages", reads[0], reads[1]);
}
