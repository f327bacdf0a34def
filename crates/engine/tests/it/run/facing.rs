//! One record of a job, at both ends.

use super::bench::{APP, Bench, app, only};
use packhorse_core::{
    Lane, Object, ObjectKind, Record, Scope, Settle,
    job::{JobId, JobState},
    port::Queue,
};
use packhorse_engine::{
    record,
    verify::{Facing, Seen, Which},
};
use std::time::Duration;

const KINDS: [ObjectKind; 3] = [ObjectKind::Label, ObjectKind::Issue, ObjectKind::Team];

async fn facing(
    bench: &Bench,
    job: JobId,
    project: Option<&str>,
    (kind, which): (ObjectKind, Which<'_>),
) -> Facing {
    let view = bench.journal.jobs(Some(job)).await.unwrap().remove(0);
    let (journal, ends) = (&*bench.journal, bench.plain_ends());
    record((journal, &view), &ends, project, (kind, which), Duration::from_secs(60)).await.unwrap()
}

/// A job that has carried everything to a destination with ids of its own.
async fn carried() -> (Bench, JobId) {
    let bench = Bench::settling(Settle::Record);
    bench.fill(APP, &KINDS, 3);
    let (job, outcome) = bench.carry(&only(&KINDS)).await;
    assert_eq!(outcome.state, JobState::Finished, "{outcome:?}");
    (bench, job)
}

fn first(bench: &Bench, scope: &Scope, kind: ObjectKind) -> String {
    let stored = bench.source.stored(&Lane::new(scope.clone(), kind));
    stored[0].record().origin.id.clone()
}

#[tokio::test]
async fn what_arrived_as_it_should_differs_in_nothing() {
    let (bench, job) = carried().await;
    let places = [
        (Some(APP), app(), ObjectKind::Label),
        (Some(APP), app(), ObjectKind::Issue),
        (None, Scope::Shared, ObjectKind::Team),
    ];
    for (project, scope, kind) in places {
        let id = first(&bench, &scope, kind);

        let it = facing(&bench, job, project, (kind, Which::Origin(&id))).await;

        assert!(it.source.object().is_some() && it.found.object().is_some(), "{kind}: {it:?}");
        assert_eq!(it.differences, [], "{kind}");
        let target = it.target.clone().unwrap();
        assert_eq!(facing(&bench, job, project, (kind, Which::Target(&target))).await, it);
    }
}

#[tokio::test]
async fn a_projects_own_record_is_found_beside_all_projects() {
    let (bench, job) = carried().await;

    let it = facing(&bench, job, Some(APP), (ObjectKind::Project, Which::Origin(APP))).await;

    assert!(it.source.object().is_some() && it.found.object().is_some(), "{it:?}");
    assert_eq!(it.differences, []);
}

#[tokio::test]
async fn what_somebody_changed_there_is_named_by_its_field() {
    let (bench, job) = carried().await;
    let stored = bench.sink.stored(&Lane::new(app(), ObjectKind::Label)).remove(0);
    let (origin, mut changed) = (stored.origin.id.clone(), stored.record());
    let Object::Label(label) = &mut changed.object else { panic!() };
    label.color = Some("0a0b0c".to_owned());
    bench.sink.put(&app(), changed);

    let it = facing(&bench, job, Some(APP), (ObjectKind::Label, Which::Origin(&origin))).await;

    let fields: Vec<_> = it.differences.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(fields, ["color"], "{it:?}");
}

#[tokio::test]
async fn what_never_came_or_is_nowhere_is_missing() {
    let (bench, job) = carried().await;
    let late = Record::new("99", packhorse_testkit::samples::sample(ObjectKind::Label, 9).object);
    bench.source.put(&app(), late);

    let it = facing(&bench, job, Some(APP), (ObjectKind::Label, Which::Origin("99"))).await;
    assert!(it.source.object().is_some(), "{it:?}");
    assert_eq!((it.found, it.target), (Seen::Missing, None));

    for which in [Which::Origin("nothing"), Which::Target("nothing")] {
        let it = facing(&bench, job, Some(APP), (ObjectKind::Label, which)).await;
        assert_eq!((it.source, it.found), (Seen::Missing, Seen::Missing));
    }
}
