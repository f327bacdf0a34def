//! A second run carries the difference and nothing else.

use super::bench::{APP, Bench, all_kinds, app, only};
use packhorse_core::{
    HostErrorKind, ObjectKind, Origin, Scope, Settle,
    job::{JobOptions, JobState},
    port::Counts,
};
use packhorse_testkit::samples;

const KINDS: [ObjectKind; 3] = [ObjectKind::Label, ObjectKind::Issue, ObjectKind::Comment];

async fn check_unchanged(settle: Settle) {
    let bench = Bench::settling(settle);
    bench.fill(APP, &all_kinds(), 3);
    let options = JobOptions::default();
    let (_, first) = bench.carry(&options).await;
    let writes = bench.sink.calls().write;

    let (job, second) = bench.carry(&options).await;

    assert_eq!((first.state, second.state), (JobState::Finished, JobState::Finished));
    assert_eq!(bench.sink.calls().write, writes);
    let total = bench.total(job).await;
    assert_eq!((total.unchanged, total.read), (total.read, 3 * all_kinds().len() as u64 + 1));
}

#[tokio::test]
async fn what_is_the_same_is_not_written_again() {
    check_unchanged(Settle::Page).await;
    check_unchanged(Settle::Record).await;
}

async fn check_changed(settle: Settle) {
    let bench = Bench::settling(settle);
    bench.fill(APP, &KINDS, 5);
    let options = only(&KINDS);
    bench.carry(&options).await;
    let writes = bench.sink.calls().write;
    bench.put(&app(), samples::changed(ObjectKind::Issue, 2), 2);
    bench.put(&app(), samples::changed(ObjectKind::Comment, 4), 4);
    bench.put(&app(), samples::sample(ObjectKind::Label, 6), 6);

    let (job, outcome) = bench.carry(&options).await;

    assert_eq!(outcome.state, JobState::Finished, "{outcome:?}");
    assert_eq!(bench.sink.calls().write, writes + 3);
    bench.check_same(APP, &KINDS);
    let total = bench.total(job).await;
    assert_eq!((total.created, total.updated, total.unchanged), (1, 2, 14));
}

#[tokio::test]
async fn exactly_what_changed_is_updated() {
    check_changed(Settle::Page).await;
    check_changed(Settle::Record).await;
}

async fn run_with_gone(delete: bool) -> (Bench, Counts, u64) {
    let bench = Bench::settling(Settle::Page);
    bench.fill(APP, &KINDS, 5);
    let options = only(&KINDS);
    bench.carry(&options).await;
    bench.source.take(&app(), &samples::sample(ObjectKind::Issue, 2).origin);
    bench.source.take(&app(), &samples::sample(ObjectKind::Comment, 3).origin);

    let options = JobOptions { delete, ..options };
    let (job, outcome) = bench.carry(&options).await;

    assert_eq!(outcome.state, JobState::Finished, "{outcome:?}");
    let total = bench.total(job).await;
    (bench, total, outcome.n_gone)
}

#[tokio::test]
async fn what_is_gone_is_told_and_left() {
    let (bench, total, n_gone) = run_with_gone(false).await;

    assert_eq!((n_gone, total.deleted), (2, 0));
    assert_eq!(bench.arrived(&app(), ObjectKind::Issue).len(), 5);
}

#[tokio::test]
async fn what_is_gone_is_removed_on_request() {
    let (bench, total, n_gone) = run_with_gone(true).await;

    assert_eq!((n_gone, total.deleted), (0, 2));
    bench.check_same(APP, &KINDS);
}

#[tokio::test]
async fn an_emptied_lane_is_gone_too() {
    let bench = Bench::settling(Settle::Page);
    bench.fill(APP, &[ObjectKind::Label, ObjectKind::User], 3);
    let options = JobOptions { delete: true, ..only(&[ObjectKind::Label, ObjectKind::User]) };
    bench.carry(&options).await;
    for n in 1..=3 {
        bench.source.take(&app(), &samples::sample(ObjectKind::Label, n).origin);
        bench.source.take(&Scope::Shared, &samples::sample(ObjectKind::User, n).origin);
    }

    let (job, _) = bench.carry(&options).await;

    assert_eq!(bench.total(job).await.deleted, 6);
    assert_eq!(bench.arrived(&app(), ObjectKind::Label), []);
    assert_eq!(bench.arrived(&Scope::Shared, ObjectKind::User), []);
}

#[tokio::test]
async fn a_project_that_is_gone_goes_with_all_that_is_in_it() {
    let bench = Bench::settling(Settle::Page);
    bench.fill(APP, &KINDS, 2);
    bench.fill("acme/old", &KINDS, 2);
    let options = JobOptions { delete: true, ..only(&KINDS) };
    bench.carry(&options).await;
    let old = Scope::Project("acme/old".into());
    bench.source.take(&old, &Origin::new(ObjectKind::Project, "acme/old"));
    for kind in KINDS {
        (1..=2).for_each(|n| bench.source.take(&old, &samples::sample(kind, n).origin));
    }

    let (job, outcome) = bench.carry(&options).await;

    assert_eq!(outcome.state, JobState::Finished, "{outcome:?}");
    assert_eq!(bench.sink.projects(), [APP]);
    assert_eq!(bench.arrived(&old, ObjectKind::Issue), []);
    assert_eq!(bench.total(job).await.deleted, 7);
    bench.check_same(APP, &KINDS);
}

#[tokio::test]
async fn what_was_there_before_us_is_never_removed() {
    let bench = Bench::settling(Settle::Page);
    bench.fill(APP, &[ObjectKind::Label], 1);
    bench.sink.put(&app(), samples::sample(ObjectKind::Label, 1));
    let options = JobOptions { delete: true, ..only(&[ObjectKind::Label]) };
    bench.carry(&options).await;
    bench.source.take(&app(), &samples::sample(ObjectKind::Label, 1).origin);

    let (_, outcome) = bench.carry(&options).await;

    assert_eq!(outcome.n_gone, 1);
    assert_eq!(bench.arrived(&app(), ObjectKind::Label).len(), 1);
}

#[tokio::test]
async fn what_cannot_be_removed_is_a_failure_and_stays() {
    use super::trap::{How, Trap};
    let bench = Bench::settling(Settle::Page);
    bench.fill(APP, &[ObjectKind::Label], 3);
    let options = JobOptions { delete: true, ..only(&[ObjectKind::Label]) };
    bench.carry(&options).await;
    for n in [1, 2] {
        bench.source.take(&app(), &samples::sample(ObjectKind::Label, n).origin);
    }
    let refuse = How::Refuse(HostErrorKind::Forbidden);
    let trap = Trap::new(refuse, 1, |name| name == "remove");
    let claim = bench.claim(&options).await;

    let outcome = bench.run(&claim, &bench.trapped(&trap), &options).await.unwrap();

    assert_eq!((outcome.state, outcome.n_failures), (JobState::Failed, 1));
    assert_eq!(bench.arrived(&app(), ObjectKind::Label).len(), 2);
}
