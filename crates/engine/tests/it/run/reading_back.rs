//! What was read back is not read back again by the run that goes on.

use super::{
    bench::{APP, Bench, app, only},
    trap::{How, Trap},
};
use packhorse_core::{
    HostErrorKind, Lane, ObjectKind, Settle,
    job::{JobId, JobOptions, JobState},
    port::{Queue, Source},
};
use packhorse_engine::{Ends, RunOutcome, verify::Verification};
use packhorse_testkit::samples;
use std::sync::Arc;

const KINDS: [ObjectKind; 8] = [
    ObjectKind::Topic,
    ObjectKind::Label,
    ObjectKind::Milestone,
    ObjectKind::Issue,
    ObjectKind::Release,
    ObjectKind::Comment,
    ObjectKind::Webhook,
    ObjectKind::DeployKey,
];

/// Records of each kind.
const N: u64 = 3;

fn options() -> JobOptions {
    JobOptions { verify: true, ..only(&KINDS) }
}

/// Ends whose destination is read through a trap, and nothing else is.
fn read_through(bench: &Bench, trap: &Arc<Trap>) -> Ends {
    let (trap, sink) = (Arc::clone(trap), bench.sink.clone());
    let reader = move || Ok(Arc::new(trap.around(sink.clone())) as Arc<dyn Source>);
    Ends { reader: Arc::new(reader), ..bench.plain_ends() }
}

/// Counts pages, and breaks off at one.
fn at_page(at: u64) -> Arc<Trap> {
    Trap::new(How::Refuse(HostErrorKind::Unavailable), at, |it| it == "read")
}

/// Goes on with a job; how it ended, and how many pages of the destination it read.
async fn go_on(bench: &Bench, job: JobId) -> (RunOutcome, u64) {
    let (claim, count) = (bench.claim_again(job).await, at_page(u64::MAX));
    let outcome = bench.run(&claim, &read_through(bench, &count), &options()).await.unwrap();
    (outcome, count.n_calls())
}

async fn found(bench: &Bench, job: JobId) -> Verification {
    let kept = bench.journal.kept(job, "verification").await.unwrap().unwrap();
    serde_json::from_value(kept).unwrap()
}

/// A job of which reading back was broken off at a page.
async fn broken_off(at: u64) -> (Bench, JobId) {
    let bench = Bench::settling(Settle::Page);
    bench.fill(APP, &KINDS, N);
    let (claim, trap) = (bench.claim(&options()).await, at_page(at));
    let ended = bench.run(&claim, &read_through(&bench, &trap), &options()).await.unwrap();
    assert_eq!(ended.state == JobState::Failed, trap.was_met(), "{ended:?}");
    (bench, claim.job)
}

/// Pages that an unbroken run reads.
async fn pages_in_all() -> u64 {
    let bench = Bench::settling(Settle::Page);
    bench.fill(APP, &KINDS, N);
    let (claim, count) = (bench.claim(&options()).await, at_page(u64::MAX));
    let ended = bench.run(&claim, &read_through(&bench, &count), &options()).await.unwrap();
    assert_eq!(ended.state, JobState::Finished);
    count.n_calls()
}

#[tokio::test]
async fn what_was_read_back_before_is_not_read_again() {
    let whole = pages_in_all().await;
    let mut least = whole;
    for at in 1..=whole {
        let (bench, job) = broken_off(at).await;

        let (outcome, n) = go_on(&bench, job).await;

        assert_eq!((outcome.state, outcome.verified), (JobState::Finished, Some(true)));
        let total = found(&bench, job).await.total();
        let n_all = N * KINDS.len() as u64 + 1;
        assert_eq!((total.compared, total.equal), (n_all, n_all), "at page {at}");
        assert!(n <= whole, "{n} of {whole} at page {at}");
        least = least.min(n);
    }
    assert!(least <= whole / 2, "{least} of {whole} are read at least");
}

#[tokio::test]
async fn what_was_found_before_is_told_in_the_end() {
    let whole = pages_in_all().await;
    let bench = Bench::settling(Settle::Page);
    bench.fill(APP, &KINDS, N);
    let (claim, trap) = (bench.claim(&only(&KINDS)).await, at_page(whole));
    let carried = bench.run(&claim, &bench.plain_ends(), &only(&KINDS)).await.unwrap();
    assert_eq!(carried.state, JobState::Finished);
    let label = Lane::new(app(), ObjectKind::Label);
    bench.sink.put(&app(), samples::sample(ObjectKind::Label, 77));
    let spoilt = bench.sink.stored(&label).len();
    assert_eq!(spoilt as u64, N + 1);
    let claim = bench.claim(&options()).await;
    let ended = bench.run(&claim, &read_through(&bench, &trap), &options()).await.unwrap();
    assert_eq!(ended.state, JobState::Failed, "{ended:?}");

    let (_, n) = go_on(&bench, claim.job).await;

    assert!(n < whole, "{n} of {whole}");
    assert_eq!(found(&bench, claim.job).await.total().extra, 1);
}

#[tokio::test]
async fn a_later_job_reads_everything_back() {
    let whole = pages_in_all().await;
    let (bench, job) = broken_off(whole).await;
    go_on(&bench, job).await;

    let (claim, count) = (bench.claim(&options()).await, at_page(u64::MAX));
    bench.run(&claim, &read_through(&bench, &count), &options()).await.unwrap();

    assert_eq!(count.n_calls(), whole);
}
