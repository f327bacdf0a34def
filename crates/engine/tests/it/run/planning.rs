//! The plan says what will arrive, before anything moves.

use super::bench::{APP, Bench, all_kinds, app, only};
use packhorse_core::{
    Gap, LossCause, ObjectKind, Scope, Support,
    job::{JobOptions, JobState},
    plan::{Fate, Plan, PlannedKind},
};
use packhorse_engine::{EngineError, plan};
use packhorse_testkit::{memory::MemoryOptions, samples};

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

fn row(plan: &Plan, kind: ObjectKind) -> &PlannedKind {
    plan.kinds.iter().find(|it| it.kind == kind).unwrap()
}

#[tokio::test]
async fn each_kind_has_its_fate_and_its_count() {
    let bench = Bench::to(MemoryOptions { support: narrow, ..MemoryOptions::default() });
    let kinds = [ObjectKind::User, ObjectKind::Label, ObjectKind::Issue, ObjectKind::Comment];
    bench.fill(APP, &kinds, 3);
    bench.fill("acme/lib", &kinds[1..], 2);
    let options = JobOptions { skip: [ObjectKind::Label].into(), ..JobOptions::default() };

    let plan = plan(&bench.plain_ends(), &options, None).await.unwrap();

    let rows: Vec<_> = plan.kinds.iter().map(|it| (it.kind, it.records, it.fate)).collect();
    assert_eq!(
        rows,
        [
            (ObjectKind::User, Some(3), Fate::Whole),
            (ObjectKind::Project, Some(2), Fate::Whole),
            (ObjectKind::Label, Some(5), Fate::Skipped),
            (ObjectKind::Issue, Some(5), Fate::Degraded),
            (ObjectKind::Comment, Some(5), Fate::Dropped),
        ]
    );
    assert_eq!(row(&plan, ObjectKind::Comment).why.as_deref(), Some("nobody speaks here"));
    let gap = &row(&plan, ObjectKind::Issue).gaps[0];
    assert_eq!((gap.field.as_str(), gap.cause), ("title", LossCause::Sink));
    assert!(!plan.is_whole());
    assert_eq!(bench.sink.calls().write, 0);
}

#[tokio::test]
async fn between_ends_that_hold_everything_the_plan_is_whole() {
    let bench = Bench::settling(packhorse_core::Settle::Page);
    bench.fill(APP, &all_kinds(), 1);

    let plan = plan(&bench.plain_ends(), &JobOptions::default(), None).await.unwrap();

    assert!(plan.is_whole());
    assert_eq!(plan.conflicts, []);
    let n = all_kinds().iter().filter(|it| it.in_project()).count() as u64 + 1;
    assert_eq!((plan.projects.len(), plan.projects[0].records), (1, Some(n)));
}

#[tokio::test]
async fn a_project_of_others_blocks_unless_it_is_forced() {
    let bench = Bench::settling(packhorse_core::Settle::Page);
    bench.fill(APP, &[ObjectKind::Label], 1);
    bench.sink.put(&app(), samples::project_at(APP));

    let (_, blocked) = bench.carry(&JobOptions::default()).await;
    assert_eq!(blocked.state, JobState::Failed);
    assert!(blocked.reason.unwrap().contains(APP));
    assert_eq!(bench.sink.calls().write, 0);

    let force = JobOptions { force: true, ..JobOptions::default() };
    let (_, forced) = bench.carry(&force).await;
    assert_eq!(forced.state, JobState::Finished);
}

#[tokio::test]
async fn a_project_of_ours_is_no_conflict() {
    let bench = Bench::settling(packhorse_core::Settle::Page);
    bench.fill(APP, &[ObjectKind::Label], 1);
    bench.carry(&JobOptions::default()).await;

    let (_, outcome) = bench.carry(&JobOptions::default()).await;

    assert_eq!(outcome.state, JobState::Finished, "{outcome:?}");
}

#[tokio::test]
async fn two_projects_that_would_become_one_block() {
    let bench = Bench::settling(packhorse_core::Settle::Page);
    bench.fill("a/app", &[], 0);
    bench.fill("b/app", &[], 0);
    let options = JobOptions { target: Some("new".into()), ..JobOptions::default() };

    let (_, outcome) = bench.carry(&options).await;

    assert_eq!(outcome.state, JobState::Failed);
    assert!(outcome.reason.unwrap().contains("new/app"));
    assert_eq!(bench.sink.projects(), [""; 0]);
}

#[tokio::test]
async fn a_project_that_is_not_there_is_an_error() {
    let bench = Bench::settling(packhorse_core::Settle::Page);
    let options = JobOptions { project: Some("no/such".into()), ..JobOptions::default() };

    let error = plan(&bench.plain_ends(), &options, None).await.unwrap_err();

    assert!(matches!(error, EngineError::NoProject { project, .. } if project == "no/such"));
}

#[tokio::test]
async fn users_that_the_file_does_not_map_are_named() {
    let bench = Bench::settling(packhorse_core::Settle::Page);
    bench.fill(APP, &[ObjectKind::User], 3);
    let mapped = samples::sample(ObjectKind::User, 2).origin.id;
    let options = JobOptions { users: Some(format!("{mapped}:new\n")), ..JobOptions::default() };

    let plan = plan(&bench.plain_ends(), &options, None).await.unwrap();

    let stored = bench.source.stored(&packhorse_core::Lane::new(Scope::Shared, ObjectKind::User));
    let mut expected: Vec<_> =
        stored.into_iter().map(|it| it.id).filter(|it| *it != mapped).collect();
    expected.sort();
    assert_eq!(plan.unmapped_users, expected);
}

#[tokio::test]
async fn what_is_picked_brings_its_project_along() {
    let bench = Bench::settling(packhorse_core::Settle::Page);
    bench.fill(APP, &[ObjectKind::Label, ObjectKind::Topic], 2);

    bench.carry(&only(&[ObjectKind::Label])).await;

    assert_eq!(bench.sink.projects(), [APP]);
    assert_eq!(bench.arrived(&app(), ObjectKind::Label).len(), 2);
    assert_eq!(bench.arrived(&app(), ObjectKind::Topic), []);
}
