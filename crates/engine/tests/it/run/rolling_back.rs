//! Rolling back removes what a job made and nobody has touched since, and nothing else.

use super::{
    bench::{APP, Bench, all_kinds, app, only},
    trap::{How, Trap},
};
use packhorse_core::{
    Gap, HostErrorKind, Keeps, Lane, Object, ObjectKind, Scope, Settle, Support,
    job::{JobId, JobOptions, JobState},
    model::{Markup, Text},
    port::Queue,
};
use packhorse_engine::{Ends, EngineError, RolledBack, rollback};
use packhorse_testkit::{memory::MemoryOptions, samples};

const KINDS: [ObjectKind; 3] = [ObjectKind::User, ObjectKind::Issue, ObjectKind::Comment];

async fn roll_back_over(bench: &Bench, job: JobId, ends: &Ends) -> RolledBack {
    let view = bench.journal.jobs(Some(job)).await.unwrap().remove(0);
    rollback(&*bench.journal, &view, ends).await.unwrap()
}

async fn roll_back(bench: &Bench, job: JobId) -> RolledBack {
    roll_back_over(bench, job, &bench.plain_ends()).await
}

fn named(rolled: &RolledBack) -> Vec<(&str, &str)> {
    rolled.refused.iter().map(|it| (it.id.as_str(), it.why.as_str())).collect()
}

async fn check_all_is_removed(settle: Settle) {
    let bench = Bench::settling(settle);
    bench.fill(APP, &all_kinds(), 4);
    let (job, _) = bench.carry(&JobOptions::default()).await;

    let rolled = roll_back(&bench, job).await;

    assert_eq!(named(&rolled), []);
    assert_eq!(rolled.removed, 4 * all_kinds().len() as u64 + 1);
    assert_eq!(bench.sink.projects(), [""; 0]);
    for kind in all_kinds() {
        assert_eq!(bench.arrived(&app(), kind), [], "{kind}");
        assert_eq!(bench.arrived(&Scope::Shared, kind), [], "{kind}");
    }
    let newest = bench.journal.jobs(None).await.unwrap().remove(0);
    assert_eq!(newest.reason, Some(format!("rolled back job {job}")));
}

#[tokio::test]
async fn everything_that_a_job_made_is_removed() {
    check_all_is_removed(Settle::Page).await;
    check_all_is_removed(Settle::Record).await;
}

#[tokio::test]
async fn what_somebody_changed_stays_and_so_does_what_it_stands_in() {
    let bench = Bench::settling(Settle::Page);
    bench.fill(APP, &KINDS, 3);
    let (job, _) = bench.carry(&only(&KINDS)).await;
    bench.sink.put(&app(), samples::changed(ObjectKind::Issue, 2));

    let rolled = roll_back(&bench, job).await;

    let issue = samples::sample(ObjectKind::Issue, 2).origin;
    let expected = [
        (issue.id.as_str(), "somebody changed it since"),
        (APP, "there is something in it that stays"),
    ];
    assert_eq!(named(&rolled), expected);
    assert_eq!(rolled.removed, 8);
    assert_eq!(bench.arrived(&app(), ObjectKind::Issue).len(), 1);
    assert_eq!(bench.sink.projects(), [APP]);
}

#[tokio::test]
async fn what_somebody_added_keeps_the_project() {
    let bench = Bench::settling(Settle::Page);
    bench.fill(APP, &KINDS, 3);
    let (job, _) = bench.carry(&only(&KINDS)).await;
    bench.sink.put(&app(), samples::sample(ObjectKind::Comment, 9));

    let rolled = roll_back(&bench, job).await;

    assert_eq!(named(&rolled), [(APP, "there is something in it that stays")]);
    assert_eq!(bench.arrived(&app(), ObjectKind::Comment).len(), 1);
}

#[tokio::test]
async fn what_was_there_before_stays_and_is_counted() {
    let bench = Bench::settling(Settle::Page);
    bench.fill(APP, &KINDS, 3);
    bench.sink.put(&Scope::Shared, samples::changed(ObjectKind::User, 1));
    let (job, _) = bench.carry(&only(&KINDS)).await;

    let rolled = roll_back(&bench, job).await;

    assert_eq!((named(&rolled), rolled.updated, rolled.removed), (vec![], 1, 9));
    assert_eq!(bench.arrived(&Scope::Shared, ObjectKind::User).len(), 1);
}

#[tokio::test]
async fn what_a_later_job_wrote_stays() {
    let bench = Bench::settling(Settle::Page);
    bench.fill(APP, &KINDS, 2);
    let (first, _) = bench.carry(&only(&KINDS)).await;
    bench.put(&Scope::Shared, samples::changed(ObjectKind::User, 1), 1);
    bench.carry(&only(&KINDS)).await;

    let rolled = roll_back(&bench, first).await;

    let user = samples::sample(ObjectKind::User, 1).origin;
    assert_eq!(named(&rolled), [(user.id.as_str(), "a later job has written it since")]);
    assert_eq!(rolled.removed, 6);
}

#[tokio::test]
async fn a_later_job_brings_everything_again() {
    let bench = Bench::settling(Settle::Page);
    bench.fill(APP, &KINDS, 3);
    let options = only(&KINDS);
    let (job, _) = bench.carry(&options).await;
    // Somebody removes one by hand; it must come again all the same.
    bench.sink.take(&app(), &samples::sample(ObjectKind::Issue, 1).origin);
    roll_back(&bench, job).await;

    let (_, anew) = bench.carry(&options).await;

    assert_eq!(anew.state, JobState::Finished);
    bench.check_same(APP, &KINDS);
}

#[tokio::test]
async fn a_job_that_was_rolled_back_is_not_resumed() {
    let bench = Bench::settling(Settle::Page);
    bench.fill(APP, &KINDS, 3);
    let options = only(&KINDS);
    let claim = bench.claim(&options).await;
    let trap = Trap::new(How::LoseAnswer, 1, |name| name == "finish");
    bench.run(&claim, &bench.trapped(&trap), &options).await.unwrap();
    roll_back(&bench, claim.job).await;

    let again = bench.resume(claim.job, &options).await;

    assert_eq!(again.state, JobState::Failed);
    assert_eq!(again.reason, Some(format!("job {} was rolled back", claim.job)));
    assert_eq!(bench.sink.projects(), [""; 0]);
}

#[tokio::test]
async fn what_the_destination_does_not_let_go_is_named_and_the_rest_goes() {
    let bench = Bench::settling(Settle::Page);
    bench.fill(APP, &KINDS, 3);
    let (job, _) = bench.carry(&only(&KINDS)).await;
    let refuse = How::Refuse(HostErrorKind::Forbidden);
    let trap = Trap::new(refuse, 2, |name| name == "remove");

    let rolled = roll_back_over(&bench, job, &bench.trapped(&trap)).await;

    assert_eq!((rolled.removed, rolled.refused.len()), (8, 2), "{rolled:?}");
}

#[tokio::test]
async fn a_job_that_was_rolled_back_in_part_can_be_rolled_back_again() {
    let bench = Bench::settling(Settle::Page);
    bench.fill(APP, &KINDS, 3);
    let (job, _) = bench.carry(&only(&KINDS)).await;
    let away = How::Refuse(HostErrorKind::Unavailable);
    let trap = Trap::new(away, 5, |name| name == "remove");
    let view = bench.journal.jobs(Some(job)).await.unwrap().remove(0);

    let first = rollback(&*bench.journal, &view, &bench.trapped(&trap)).await;
    let second = roll_back(&bench, job).await;

    assert!(matches!(first, Err(EngineError::Host(_))));
    assert_eq!(named(&second), []);
    assert_eq!(bench.sink.projects(), [""; 0]);
    assert_eq!(bench.arrived(&app(), ObjectKind::Issue), []);
}

#[tokio::test]
async fn a_job_that_a_worker_holds_is_left_alone() {
    let bench = Bench::settling(Settle::Page);
    let claim = bench.claim(&JobOptions::default()).await;
    let view = bench.journal.jobs(Some(claim.job)).await.unwrap().remove(0);

    let held = rollback(&*bench.journal, &view, &bench.plain_ends()).await;

    assert!(matches!(held, Err(EngineError::Held { .. })), "{held:?}");
}

const HELD: [ObjectKind; 2] = [ObjectKind::Issue, ObjectKind::Label];

/// Somewhere that has no titles, and numbers nothing as it is told.
fn in_part() -> Bench {
    const GAPS: &[Gap] = &[Gap { field: "title", why: "there are no titles" }];
    fn support(kind: ObjectKind) -> Support {
        if kind == ObjectKind::Issue { Support::Partial(GAPS) } else { Support::Full }
    }
    let keeps = Keeps { times: false, ..Keeps::ALL };
    let bench = Bench::to(MemoryOptions { support, keeps, ..MemoryOptions::default() });
    bench.fill(APP, &HELD, 3);
    bench
}

#[tokio::test]
async fn what_is_held_in_part_is_removed_unless_somebody_changed_what_is_held() {
    let bench = in_part();
    let (job, _) = bench.carry(&only(&HELD)).await;
    let lane = Lane::new(app(), ObjectKind::Issue);
    let mut changed = bench.sink.stored(&lane).remove(1).record();
    let Object::Issue(issue) = &mut changed.object else { panic!("an issue") };
    issue.body = Some(Text::new("another text", Markup::Github));
    let id = changed.origin.id.clone();
    bench.sink.put(&app(), changed);

    let rolled = roll_back(&bench, job).await;

    let expected =
        [(id.as_str(), "somebody changed it since"), (APP, "there is something in it that stays")];
    assert_eq!(named(&rolled), expected);
    assert_eq!(rolled.removed, 5);
}

#[tokio::test]
async fn what_the_source_does_not_tell_any_more_stays_where_it_is_held_in_part() {
    let bench = in_part();
    let (job, _) = bench.carry(&only(&HELD)).await;
    let other = samples::changed(ObjectKind::Issue, 1);
    let id = other.origin.id.clone();
    bench.put(&app(), other, 1);

    let rolled = roll_back(&bench, job).await;

    let why = "the source has changed since, and does not tell any more what was written";
    assert_eq!(named(&rolled)[0], (id.as_str(), why));
    assert_eq!(rolled.removed, 5);
}

#[tokio::test]
async fn without_its_source_only_what_is_held_whole_is_removed() {
    let bench = in_part();
    let (job, _) = bench.carry(&only(&HELD)).await;
    let trap = Trap::new(How::Refuse(HostErrorKind::Unavailable), 0, |name| name == "read");

    let rolled = roll_back_over(&bench, job, &bench.trapped(&trap)).await;

    assert!(named(&rolled)[0].1.starts_with("the source cannot be read"), "{rolled:?}");
    assert_eq!(rolled.removed, 0);
}
