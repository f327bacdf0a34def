//! What is in the way stops its project alone, until somebody decides.

use super::bench::{APP, Bench, app, only};
use packhorse_core::{
    Lane, Object, ObjectKind, Scope, Settle,
    conflict::{About, Choice, Resolution},
    job::{JobOptions, JobState},
    port::{Journal, Stage},
};
use packhorse_engine::plan;
use packhorse_testkit::samples;

const KINDS: [ObjectKind; 2] = [ObjectKind::Label, ObjectKind::Issue];

fn lib() -> Scope {
    Scope::Project("other/lib".into())
}

/// A source with two projects, one of which has a namesake at the destination.
fn bench() -> Bench {
    let bench = Bench::settling(Settle::Page);
    bench.fill(APP, &KINDS, 2);
    bench.fill("other/lib", &KINDS, 2);
    bench.sink.put(&app(), samples::project_at(APP));
    bench
}

fn decided(list: &[(About, Choice, Option<&str>)]) -> JobOptions {
    let resolution = |(about, choice, target): &(About, Choice, Option<&str>)| Resolution {
        project: APP.into(),
        about: *about,
        choice: *choice,
        target: target.map(str::to_owned),
        said: "line 2 of `c.csv`".into(),
    };
    let resolutions = list.iter().map(resolution).collect();
    JobOptions { resolutions, verify: true, ..only(&[ObjectKind::Label, ObjectKind::Issue]) }
}

#[tokio::test]
async fn an_undecided_conflict_stops_its_project_alone_and_does_so_again() {
    let bench = bench();

    for _ in 0..2 {
        let (job, outcome) = bench.carry(&decided(&[])).await;

        assert_eq!(outcome.state, JobState::Failed);
        let reason = outcome.reason.unwrap();
        assert!(reason.starts_with("1 of 2 projects wait for a decision: acme/app: "), "{reason}");
        let views = bench.journal.history(job).await.unwrap().projects().await.unwrap();
        let stages: Vec<_> = views.iter().map(|it| (it.source.as_str(), it.stage)).collect();
        assert_eq!(stages, [(APP, Stage::Blocked), ("other/lib", Stage::Verified)]);
        assert_eq!(bench.arrived(&app(), ObjectKind::Label), []);
        assert_eq!(bench.arrived(&lib(), ObjectKind::Label).len(), 2);
    }
}

#[tokio::test]
async fn a_project_that_is_renamed_keeps_its_new_name_in_later_runs() {
    let bench = bench();
    let options = decided(&[(About::Name, Choice::Rename, Some("acme/app-2"))]);

    for _ in 0..2 {
        let (_, outcome) = bench.carry(&options).await;

        assert_eq!(outcome.state, JobState::Finished, "{outcome:?}");
        assert_eq!(bench.sink.projects(), [APP, "acme/app-2", "other/lib"]);
        assert_eq!(bench.arrived(&app(), ObjectKind::Label), []);
    }
}

#[tokio::test]
async fn a_new_name_that_is_taken_too_is_still_a_conflict() {
    let bench = bench();
    bench.sink.put(&Scope::Project("acme/b".into()), samples::project_at("acme/b"));
    let options = decided(&[(About::Name, Choice::Rename, Some("Acme/B"))]);

    let plan = plan(&bench.plain_ends(), &options, None).await.unwrap();

    let (project, why) = plan.blocked().into_iter().next().unwrap();
    assert_eq!(project, APP);
    assert!(why.contains("`acme/b`") && why.ends_with("line 2 of `c.csv`"), "{why}");
}

#[tokio::test]
async fn a_project_that_is_skipped_is_left_out_and_said_so() {
    let bench = bench();
    let options = decided(&[(About::Name, Choice::Skip, None)]);

    let (job, outcome) = bench.carry(&options).await;

    assert_eq!(outcome.state, JobState::Finished, "{outcome:?}");
    assert_eq!(bench.arrived(&app(), ObjectKind::Label), []);
    let report = packhorse_engine::report::report(&*bench.journal, job).await.unwrap();
    assert_eq!(report.conflicts[0].detail, "it is left out, as line 2 of `c.csv` says");
}

#[tokio::test]
async fn what_refers_to_a_project_that_another_stands_for_is_led_there() {
    let bench = bench();
    let mut change = samples::sample(ObjectKind::ChangeRequest, 9);
    if let Object::ChangeRequest(it) = &mut change.object {
        it.head.project = Some(APP.into());
    }
    bench.source.put(&lib(), change);
    let options = decided(&[(About::Name, Choice::Map, Some("acme/theirs"))]);
    let options = JobOptions { only: [ObjectKind::ChangeRequest].into(), ..options };

    let (_, outcome) = bench.carry(&options).await;

    assert_eq!(outcome.state, JobState::Finished, "{outcome:?}");
    let arrived = bench.sink.stored(&Lane::new(lib(), ObjectKind::ChangeRequest));
    let record = arrived.into_iter().next().unwrap().record();
    let Object::ChangeRequest(it) = &record.object else { panic!("{record:?}") };
    assert_eq!(it.head.project.as_deref(), Some("acme/theirs"));
    assert_eq!(bench.arrived(&app(), ObjectKind::ChangeRequest), []);
}

#[tokio::test]
async fn merging_asks_about_numbers_where_both_have_some() {
    let bench = bench();
    let merged = (About::Name, Choice::Merge, None);
    let (_, empty) = bench.carry(&decided(&[merged])).await;
    assert_eq!(empty.state, JobState::Finished, "{empty:?}");
    assert_eq!(bench.arrived(&app(), ObjectKind::Label).len(), 2);

    let bench = self::bench();
    bench.sink.put(&app(), samples::sample(ObjectKind::Issue, 7));
    let (_, asked) = bench.carry(&decided(&[merged])).await;
    assert_eq!(asked.state, JobState::Failed);
    assert_eq!(bench.arrived(&app(), ObjectKind::Label), []);

    let (_, both) = bench.carry(&decided(&[merged, (About::Numbers, Choice::Merge, None)])).await;
    assert_eq!(both.state, JobState::Finished, "{both:?}");
    assert_eq!(bench.arrived(&app(), ObjectKind::Issue).len(), 3);
}
