//! Listings are read one page ahead, and those that never end are noticed.

use super::{
    bench::{APP, Bench, only},
    trap::{How, Trap},
};
use async_trait::async_trait;
use packhorse_core::{
    Capabilities, Cursor, GitRemote, HostError, HostErrorKind, Lane, ObjectKind, Record, RepoKind,
    Scope,
    job::JobState,
    port::{BlobRef, ByteStream, Inventory, Journal, Page, Source, Stage},
};
use packhorse_engine::{Stop, Tuning};
use packhorse_testkit::{memory::MemoryHost, samples};
use std::sync::Arc;
use tokio::sync::{Barrier, Notify};

/// How a listing is odd.
enum Odd {
    /// Its pages go round in a circle of that length.
    Circle(u64),
    /// Each page begins with the last record of the one before, up to this record.
    Shifting(u64),
    /// It holds a record of another kind.
    Stray,
    /// It is answered when this many ask at the same time.
    Together(Barrier),
}

/// A source one kind of which is listed oddly, in the projects whose path ends like this.
struct OddSource {
    host: MemoryHost,
    odd: Odd,
    projects: &'static str,
}

const ODD: ObjectKind = ObjectKind::Label;

#[async_trait]
impl Source for OddSource {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        Source::probe(&self.host).await
    }

    async fn inventory(&self, scope: &Scope) -> Result<Inventory, HostError> {
        self.host.inventory(scope).await
    }

    async fn read(&self, lane: &Lane, at: Option<&Cursor>) -> Result<Page, HostError> {
        let is_odd = lane.kind == ODD && lane.scope.key().ends_with(self.projects);
        let page = if is_odd { self.odd_page(at).await } else { None };
        match page {
            Some(page) => Ok(page),
            None => self.host.read(lane, at).await,
        }
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        Source::remote(&self.host, project, repo).await
    }

    async fn open(&self, blob: &BlobRef, from: u64) -> Result<ByteStream, HostError> {
        self.host.open(blob, from).await
    }
}

impl OddSource {
    async fn odd_page(&self, at: Option<&Cursor>) -> Option<Page> {
        match &self.odd {
            Odd::Circle(length) => {
                let n: u64 = at.map_or(0, |it| it.0.parse().unwrap());
                let next = Some(Cursor(((n + 1) % length + 1).to_string()));
                Some(Page { records: vec![samples::sample(ODD, n)], next })
            }
            Odd::Shifting(last) => {
                let n: u64 = at.map_or(1, |it| it.0.parse().unwrap());
                let next = (n + 1 < *last).then(|| Cursor((n + 1).to_string()));
                Some(Page {
                    records: vec![samples::sample(ODD, n), samples::sample(ODD, n + 1)],
                    next,
                })
            }
            Odd::Stray => {
                Some(Page { records: vec![samples::sample(ObjectKind::Topic, 1)], next: None })
            }
            Odd::Together(barrier) => {
                barrier.wait().await;
                None
            }
        }
    }
}

/// A run with an odd source ends, one project of it failed, and the other has all of its own.
async fn check_fails_alone(odd: Odd, expected: &str) {
    let bench = Bench::settling(packhorse_core::Settle::Page);
    let kinds = [ODD, ObjectKind::Topic];
    bench.fill(APP, &kinds, 4);
    bench.fill("acme/odd", &kinds, 4);
    let options = only(&kinds);
    let source = OddSource { host: bench.source.clone(), odd, projects: "odd" };
    let ends = bench.ends(Arc::new(source), Arc::new(bench.sink.clone()));
    let claim = bench.claim(&options).await;

    let outcome = bench.run(&claim, &ends, &options).await.unwrap();

    assert_eq!(outcome.state, JobState::Failed);
    let views = bench.journal.history(claim.job).await.unwrap().projects().await.unwrap();
    let stages: Vec<_> = views.iter().map(|it| (it.source.as_str(), it.stage)).collect();
    assert_eq!(stages, [(APP, Stage::Carried), ("acme/odd", Stage::Failed)]);
    let reason = views[1].reason.as_ref().unwrap();
    assert!(reason.contains(expected), "{reason}");
    bench.check_same(APP, &kinds);
    assert_eq!(bench.sink.finished(), [Scope::Project(APP.into())], "the whole is not whole");
}

#[tokio::test]
async fn a_listing_that_goes_round_in_a_circle_is_noticed() {
    for length in [1, 2, 5] {
        check_fails_alone(Odd::Circle(length), "read past a page that repeats").await;
    }
}

#[tokio::test]
async fn a_record_that_is_listed_twice_is_written_once() {
    for settle in [packhorse_core::Settle::Page, packhorse_core::Settle::Record] {
        for batch_pages in [1, 4] {
            let mut bench = Bench::settling(settle);
            bench.tuning = Tuning { batch_pages, ..bench.tuning };
            bench.fill(APP, &[ODD], 40);
            let odd = Odd::Shifting(40);
            let source = OddSource { host: bench.source.clone(), odd, projects: "" };
            let ends = bench.ends(Arc::new(source), Arc::new(bench.sink.clone()));
            let options = only(&[ODD]);
            let claim = bench.claim(&options).await;

            let outcome = bench.run(&claim, &ends, &options).await.unwrap();

            assert_eq!(outcome.state, JobState::Finished, "{outcome:?}");
            bench.check_same(APP, &[ODD]);
        }
    }
}

#[tokio::test]
async fn a_record_of_another_kind_is_noticed() {
    check_fails_alone(Odd::Stray, "read a page of one kind").await;
}

#[tokio::test]
async fn two_projects_are_read_at_the_same_time() {
    let mut bench = Bench::settling(packhorse_core::Settle::Page);
    bench.tuning = Tuning { projects: 2, ..bench.tuning };
    bench.fill(APP, &[ODD], 2);
    bench.fill("acme/lib", &[ODD], 2);
    let odd = Odd::Together(Barrier::new(2));
    let source = OddSource { host: bench.source.clone(), odd, projects: "" };
    let ends = bench.ends(Arc::new(source), Arc::new(bench.sink.clone()));
    let options = only(&[ODD]);
    let claim = bench.claim(&options).await;

    let run = bench.run(&claim, &ends, &options);
    let outcome = tokio::time::timeout(std::time::Duration::from_secs(20), run).await;

    assert_eq!(outcome.expect("nobody waits alone").unwrap().state, JobState::Finished);
}

#[tokio::test]
async fn while_a_write_waits_two_pages_are_read_ahead_and_no_more() {
    let mut bench = Bench::settling(packhorse_core::Settle::Page);
    bench.tuning = Tuning { batch_pages: 1, ..bench.tuning };
    bench.fill(APP, &[ODD], 60);
    let options = only(&[ODD]);
    let claim = bench.claim(&options).await;
    let reached = Arc::new(Notify::new());
    // The first write is the project's own.
    let trap = Trap::new(How::Hang(reached.clone()), 2, |name| name == "write");
    let reads = Trap::new(How::LoseAnswer, u64::MAX, |name| name == "read");
    let ends = bench.ends(
        Arc::new(reads.around(bench.source.clone())),
        Arc::new(trap.around(bench.sink.clone())),
    );
    let stop = Stop::new();
    let watch = async {
        reached.notified().await;
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        let n = reads.n_calls();
        stop.stop();
        n
    };

    let worker = bench.worker();
    let (outcome, n) = tokio::join!(worker.run(&claim, &ends, &options, &stop), watch);

    assert_eq!(outcome.unwrap().state, JobState::Stopped);
    // Of projects it is listed twice, for the plan and for the run; of labels the page that is
    // being written, the one that is prepared and the one ahead.
    assert_eq!(n, 2 + 3);
}

#[tokio::test]
async fn a_write_that_fails_waits_for_no_page() {
    let mut bench = Bench::settling(packhorse_core::Settle::Page);
    bench.tuning = Tuning { batch_pages: 1, ..bench.tuning };
    bench.fill(APP, &[ODD], 60);
    let options = only(&[ODD]);
    let claim = bench.claim(&options).await;
    // Projects are listed twice; the second page of labels never comes.
    let reads = Trap::new(How::Hang(Arc::new(Notify::new())), 4, |name| name == "read");
    let writes = Trap::new(How::Refuse(HostErrorKind::Unavailable), 2, |name| name == "write");
    let ends = bench.ends(
        Arc::new(reads.around(bench.source.clone())),
        Arc::new(writes.around(bench.sink.clone())),
    );

    let run = bench.run(&claim, &ends, &options);
    let outcome = tokio::time::timeout(std::time::Duration::from_secs(20), run).await;

    assert_eq!(outcome.expect("it ends").unwrap().state, JobState::Failed);
    assert!(reads.was_met() && writes.was_met());
}

#[tokio::test]
async fn records_in_any_order_arrive() {
    let bench = Bench::settling(packhorse_core::Settle::Record);
    let kinds = [ObjectKind::Reaction, ObjectKind::Comment, ObjectKind::Issue];
    bench.fill(APP, &[], 0);
    let put = |record: Record, n| bench.put(&Scope::Project(APP.into()), record, n);
    for n in [3, 1, 2] {
        kinds.iter().for_each(|kind| put(samples::sample(*kind, n), n));
    }

    let (_, outcome) = bench.carry(&only(&kinds)).await;

    assert_eq!(outcome.state, JobState::Finished, "{outcome:?}");
    bench.check_same(APP, &kinds);
}
