//! A run in which nothing goes wrong carries everything, and its counters say so.

use super::bench::{APP, Bench, all_kinds, app, only};
use packhorse_core::{
    Event, Listener, ObjectKind, Scope, Settle,
    job::{JobOptions, JobState},
    port::{Counts, Journal, Stage},
};
use packhorse_engine::Stop;
use packhorse_testkit::{memory::MemoryOptions, samples};
use std::sync::Arc;

fn verified() -> JobOptions {
    JobOptions { verify: true, ..JobOptions::default() }
}

async fn check_everything_arrives(settle: Settle) {
    let bench = Bench::settling(settle);
    let kinds = all_kinds();
    bench.fill(APP, &kinds, 5);

    let (job, outcome) = bench.carry(&verified()).await;

    assert_eq!(outcome.state, JobState::Finished, "{outcome:?}");
    assert_eq!((outcome.verified, outcome.n_losses, outcome.n_failures), (Some(true), 0, 0));
    bench.check_same(APP, &kinds);
    let n = 5 * kinds.len() as u64 + 1;
    let total = bench.total(job).await;
    assert_eq!((total.source, total.read, total.created), (Some(n), n, n));
    assert_eq!(bench.state(job).await, JobState::Finished);
}

#[tokio::test]
async fn every_kind_arrives_at_a_destination_that_settles_by_page() {
    check_everything_arrives(Settle::Page).await;
}

#[tokio::test]
async fn every_kind_arrives_at_a_destination_that_settles_by_record() {
    check_everything_arrives(Settle::Record).await;
}

#[tokio::test]
async fn bytes_arrive_with_their_records() {
    let bench = Bench::settling(Settle::Page);
    bench.fill(APP, &[ObjectKind::ReleaseAsset], 2);

    bench.carry(&verified()).await;

    let origin = samples::sample(ObjectKind::ReleaseAsset, 2).origin;
    assert_eq!(bench.sink.blob(&app(), &origin), Some(samples::bytes(20_002)));
}

#[tokio::test]
async fn projects_are_finished_one_by_one_and_the_whole_last() {
    let bench = Bench::settling(Settle::Page);
    bench.fill(APP, &[ObjectKind::Label], 1);
    bench.fill("acme/lib", &[ObjectKind::Label], 1);

    let (job, _) = bench.carry(&verified()).await;

    let mut finished = bench.sink.finished();
    assert_eq!(finished.pop(), Some(Scope::Shared));
    finished.sort();
    assert_eq!(finished, [app(), Scope::Project("acme/lib".into())]);
    let history = bench.journal.history(job).await.unwrap();
    let stages: Vec<_> = history.projects().await.unwrap().into_iter().map(|it| it.stage).collect();
    assert_eq!(stages, [Stage::Verified, Stage::Verified]);
}

#[tokio::test]
async fn a_project_can_be_picked_and_renamed() {
    let bench = Bench::settling(Settle::Page);
    bench.fill(APP, &[ObjectKind::Label], 2);
    bench.fill("acme/lib", &[ObjectKind::Label], 2);
    let options =
        JobOptions { project: Some(APP.into()), target: Some("new/name".into()), ..verified() };

    let (_, outcome) = bench.carry(&options).await;

    assert_eq!((outcome.state, outcome.verified), (JobState::Finished, Some(true)));
    assert_eq!(bench.sink.projects(), ["new/name"]);
    let scope = Scope::Project("new/name".into());
    assert_eq!(bench.arrived(&scope, ObjectKind::Label).len(), 2);
}

#[tokio::test]
async fn long_lanes_arrive_whole() {
    let bench = Bench::to(MemoryOptions { page_size: 7, ..MemoryOptions::default() });
    bench.fill(APP, &[ObjectKind::Issue], 100);

    let (job, _) = bench.carry(&verified()).await;

    bench.check_same(APP, &[ObjectKind::Issue]);
    let total = bench.total(job).await;
    assert_eq!(total, Counts { source: Some(101), read: 101, created: 101, ..Counts::default() });
}

#[tokio::test]
async fn an_empty_source_is_carried_too() {
    let bench = Bench::settling(Settle::Page);

    let (_, outcome) = bench.carry(&verified()).await;

    assert_eq!((outcome.state, outcome.verified), (JobState::Finished, Some(true)));
    assert_eq!(bench.sink.finished(), [Scope::Shared]);
}

/// Keeps what it hears.
#[derive(Default)]
struct Ear(std::sync::Mutex<Vec<Event>>);

impl Listener for Ear {
    fn on(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// Enough for several batches, of which some are settled together.
const LABELS: u64 = 100;

#[tokio::test]
async fn listeners_hear_how_far_it_is() {
    for settle in [Settle::Page, Settle::Record] {
        let bench = Bench::settling(settle);
        bench.fill(APP, &[ObjectKind::Label], LABELS);
        let ear = Arc::new(Ear::default());
        let options = only(&[ObjectKind::Label]);
        let claim = bench.claim(&options).await;

        let worker = bench.worker_heard_by(ear.clone());
        worker.run(&claim, &bench.plain_ends(), &options, &Stop::new()).await.unwrap();

        let events = ear.0.lock().unwrap();
        assert_eq!(
            events.first(),
            Some(&Event::Started { projects: 1, records: Some(LABELS + 1) })
        );
        assert_eq!(events.last(), Some(&Event::Ended { whole: true }));
        let reads: Vec<_> = events.iter().filter_map(labels_read).collect();
        assert!(reads.is_sorted() && reads.len() > 2, "{reads:?}");
        assert_eq!((reads.first(), reads.last()), (Some(&0), Some(&(LABELS))));
    }
}

fn labels_read(event: &Event) -> Option<u64> {
    let Event::Progress { kind: ObjectKind::Label, counts, .. } = event else { return None };
    assert_eq!(counts.source, Some(LABELS));
    Some(counts.read)
}
