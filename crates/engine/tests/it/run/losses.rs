//! What does not arrive is planned, counted and told; what was not planned fails the run.

use super::{
    bench::{APP, Bench, app, only},
    trap::{How, Leaky, Trap},
};
use packhorse_core::{
    Gap, HostErrorKind, Loss, ObjectKind, Settle, Support,
    job::{JobOptions, JobState},
    port::Journal,
};
use packhorse_testkit::memory::MemoryOptions;
use std::sync::Arc;

const GAPS: &[Gap] = &[Gap { field: "title", why: "there are no titles" }];

fn narrow(kind: ObjectKind) -> Support {
    if kind == ObjectKind::Issue {
        return Support::Partial(GAPS);
    }
    if kind == ObjectKind::Comment {
        return Support::None("nobody speaks here");
    }
    Support::Full
}

const KINDS: [ObjectKind; 3] = [ObjectKind::Label, ObjectKind::Issue, ObjectKind::Comment];

async fn check_planned(settle: Settle) {
    let bench = Bench::to(MemoryOptions { support: narrow, settle, ..MemoryOptions::default() });
    bench.fill(APP, &KINDS, 4);
    let options = JobOptions { verify: true, ..only(&KINDS) };

    let (job, outcome) = bench.carry(&options).await;

    assert_eq!(outcome.state, JobState::Finished, "{outcome:?}");
    assert_eq!((outcome.n_unplanned, outcome.verified), (0, Some(true)));
    let total = bench.total(job).await;
    assert_eq!((total.read, total.created, total.dropped), (13, 9, 4));
    // One for each title, one for all comments.
    assert_eq!((total.losses, outcome.n_losses), (5, 5));
    let losses = bench.journal.history(job).await.unwrap().losses(0, 10).await.unwrap();
    let dropped: Vec<_> = losses.iter().filter(|it| it.kind == ObjectKind::Comment).collect();
    assert_eq!(dropped.len(), 1);
    assert_eq!(dropped[0].loss, Loss::sink("*", "nobody speaks here"));
    assert_eq!(bench.arrived(&app(), ObjectKind::Comment), []);
}

#[tokio::test]
async fn planned_losses_are_counted_and_let_the_run_pass_by_page() {
    check_planned(Settle::Page).await;
}

#[tokio::test]
async fn planned_losses_are_counted_and_let_the_run_pass_by_record() {
    check_planned(Settle::Record).await;
}

#[tokio::test]
async fn a_dropped_kind_is_counted_once_however_often_the_run_is_resumed() {
    let bench = Bench::to(MemoryOptions { support: narrow, ..MemoryOptions::default() });
    bench.fill(APP, &KINDS, 4);
    let options = only(&KINDS);
    let claim = bench.claim(&options).await;
    let trap = Trap::new(How::LoseAnswer, 1, |name| name == "finish");
    bench.run(&claim, &bench.trapped(&trap), &options).await.unwrap();

    let outcome = bench.resume(claim.job, &options).await;

    assert_eq!((outcome.state, outcome.n_losses), (JobState::Finished, 5));
    assert_eq!(bench.total(claim.job).await.dropped, 4);
}

#[tokio::test]
async fn a_loss_that_was_not_planned_fails_the_run() {
    let bench = Bench::settling(Settle::Page);
    bench.fill(APP, &KINDS, 1);
    let options = only(&KINDS);
    let sink = Arc::new(Leaky(bench.sink.clone()));
    let ends = bench.ends(Arc::new(bench.source.clone()), sink);
    let claim = bench.claim(&options).await;

    let outcome = bench.run(&claim, &ends, &options).await.unwrap();

    assert_eq!((outcome.state, outcome.n_unplanned), (JobState::Failed, 4));
    let reason = outcome.reason.unwrap();
    assert!(reason.contains("weight") && reason.contains("was too heavy"), "{reason}");
    bench.check_same(APP, &KINDS);
}

#[tokio::test]
async fn a_record_that_is_refused_fails_and_the_others_arrive() {
    for kind in [HostErrorKind::Rejected, HostErrorKind::Forbidden, HostErrorKind::Conflict] {
        let bench = Bench::settling(Settle::Record);
        bench.fill(APP, &KINDS, 3);
        let options = only(&KINDS);
        let trap = Trap::new(How::Refuse(kind), 3, |name| name == "write");
        let claim = bench.claim(&options).await;

        let outcome = bench.run(&claim, &bench.trapped(&trap), &options).await.unwrap();

        assert_eq!((outcome.state, outcome.n_failures), (JobState::Failed, 1), "{kind:?}");
        let total = bench.total(claim.job).await;
        assert_eq!((total.read, total.created, total.failed), (10, 9, 1), "{kind:?}");
        let (_, again) = bench.carry(&options).await;
        assert_eq!(again.state, JobState::Finished, "{kind:?}");
        bench.check_same(APP, &KINDS);
    }
}

#[tokio::test]
async fn a_failed_job_makes_up_for_what_failed_when_it_is_resumed() {
    for settle in [Settle::Page, Settle::Record] {
        let bench = Bench::settling(settle);
        bench.fill(APP, &KINDS, 3);
        let options = only(&KINDS);
        let trap = Trap::new(How::Refuse(HostErrorKind::Rejected), 3, |name| name == "write");
        let claim = bench.claim(&options).await;
        bench.run(&claim, &bench.trapped(&trap), &options).await.unwrap();

        let again = bench.resume(claim.job, &options).await;

        assert_eq!((again.state, again.n_failures), (JobState::Finished, 0), "{again:?}");
        bench.check_same(APP, &KINDS);
        let total = bench.total(claim.job).await;
        assert_eq!((total.read, total.failed), (10, 0));
    }
}

#[tokio::test]
async fn bytes_that_the_source_lacks_are_a_loss_and_not_planned() {
    let bench = Bench::settling(Settle::Page);
    bench.fill(APP, &[ObjectKind::Attachment], 2);
    let record = packhorse_testkit::samples::sample(ObjectKind::Attachment, 3);
    bench.source.put(&app(), record);

    let (job, outcome) = bench.carry(&only(&[ObjectKind::Attachment])).await;

    assert_eq!((outcome.state, outcome.n_unplanned), (JobState::Failed, 1));
    assert_eq!(bench.total(job).await.created, 4);
}

#[tokio::test]
async fn a_destination_that_is_away_fails_the_project_and_not_the_others() {
    let mut bench = Bench::settling(Settle::Page);
    bench.tuning.projects = 1;
    bench.fill(APP, &KINDS, 2);
    bench.fill("acme/lib", &KINDS, 2);
    let options = only(&KINDS);
    let away = How::Refuse(HostErrorKind::Unavailable);
    let trap = Trap::new(away, 2, |name| name == "write");
    let claim = bench.claim(&options).await;

    let outcome = bench.run(&claim, &bench.trapped(&trap), &options).await.unwrap();

    assert_eq!(outcome.state, JobState::Failed);
    assert_eq!(outcome.reason.as_deref().map(|it| it.contains("1 of 2 projects")), Some(true));
    bench.check_same("acme/lib", &KINDS);
}
