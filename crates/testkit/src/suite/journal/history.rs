//! What people read afterwards.

use super::bench::{Bench, created, failure, issues, settled, with_loss};
use packhorse_core::{
    Event, Lane, Loss, LossCause, ObjectKind, Scope, TransferPhase,
    port::{Counts, History, Outcome, Position, ProjectView, Stage},
};

async fn history(bench: &Bench, job: packhorse_core::job::JobId) -> Box<dyn History> {
    bench.journal.history(job).await.expect("there is a history")
}

pub(super) async fn losses_and_failures_are_read_in_pages(bench: &Bench) {
    let claim = bench.start().await;
    let other = bench.claim(bench.submit("three").await).await;
    for n in 0..5 {
        let record = settled(&n.to_string(), 1, Some(Outcome::Created));
        bench.settle(&claim, &[with_loss(record.clone(), &format!("loss {n}"))], None).await;
        bench.settle(&other, &[with_loss(record, "another job's")], None).await;
        let failed = failure(Some(&format!("{}", 10 + n)), &format!("reason {n}"));
        bench.fail(&claim, &[failed]).await;
    }

    let history = history(bench, claim.job).await;
    let mut losses = Vec::new();
    let mut failures = Vec::new();
    for offset in [0, 2, 4, 6] {
        losses.extend(history.losses(offset, 2).await.expect("losses can be read"));
        failures.extend(history.failures(offset, 2).await.expect("failures can be read"));
    }

    let details: Vec<_> = losses.iter().map(|it| it.loss.detail.as_str()).collect();
    assert_eq!(details, ["loss 0", "loss 1", "loss 2", "loss 3", "loss 4"]);
    assert_eq!(losses[3].loss, Loss::sink("author", "loss 3"));
    assert_eq!((losses[3].id.as_str(), losses[3].kind), ("3", ObjectKind::Issue));
    assert_eq!(losses[3].scope, issues().scope);
    let expected: Vec<_> =
        (0..5).map(|n| failure(Some(&(10 + n).to_string()), &format!("reason {n}"))).collect();
    assert_eq!(failures, expected);
    assert_eq!(bench.counts(&claim).await.losses, 5);
}

pub(super) async fn lanes_are_found_by_what_their_records_lost(bench: &Bench) {
    let claim = bench.start().await;
    let other = bench.claim(bench.submit("three").await).await;
    let lane = |kind| Lane::new(issues().scope, kind);
    let lose = async |claim, kind, id: &str, field: &'static str| {
        let mut record = settled(id, 1, Some(Outcome::Created));
        record.losses.push(Loss::sink(field, "it has no place"));
        let done = bench.journal.settle(claim, &lane(kind), &[record], &[], None).await;
        done.expect("a record can be settled");
    };
    lose(&claim, ObjectKind::Issue, "1", "author").await;
    lose(&claim, ObjectKind::Issue, "2", "author").await;
    lose(&claim, ObjectKind::Comment, "1", "author").await;
    lose(&claim, ObjectKind::Label, "1", "color").await;
    lose(&other, ObjectKind::Milestone, "1", "author").await;

    let history = history(bench, claim.job).await;
    let mut lanes = history.lanes_that_lost("author").await.expect("lanes can be found");
    lanes.sort();

    assert_eq!(lanes, [lane(ObjectKind::Issue), lane(ObjectKind::Comment)]);
    let none = history.lanes_that_lost("body").await.expect("lanes can be looked for");
    assert_eq!(none, []);
}

pub(super) async fn events_are_noted_but_for_ticks(bench: &Bench) {
    let claim = bench.start().await;
    let Lane { scope, kind } = issues();
    let events = [
        Event::Started { projects: 2, records: None },
        Event::Waiting {
            reason: "rate limit".to_owned(),
            until: "2026-01-01T01:00:00Z".to_owned(),
        },
        Event::Failed { scope: scope.clone(), kind, id: None, reason: "🐴 fell".to_owned() },
        Event::Ended { whole: false },
    ];
    let counts = Counts { source: Some(42), read: 7, ..Counts::default() };
    let ticks = [
        Event::Progress { scope: scope.clone(), kind, counts, bytes: 1 },
        Event::Progress { scope: scope.clone(), kind, counts: Counts::default(), bytes: 1 },
        Event::Transfer {
            scope: scope.clone(),
            kind,
            phase: TransferPhase::Counting,
            done: Some(1),
            all: None,
            bytes: 0,
        },
        Event::Verifying { scope, kind, compared: 3 },
    ];

    for event in events.iter().chain(&ticks) {
        bench.journal.note(&claim, event).await.expect("an event can be noted");
    }

    let history = history(bench, claim.job).await;
    let mut noted = history.events(0, 3).await.expect("events can be read");
    noted.extend(history.events(3, 9).await.expect("events can be read"));
    assert_eq!(noted, events);
    let counts = bench.counts(&claim).await;
    assert_eq!(counts, Counts { source: Some(42), ..Counts::default() }, "ticks count nothing");
}

pub(super) async fn projects_show_their_last_stage(bench: &Bench) {
    let claim = bench.start().await;
    let event = |path: &str, stage, reason: Option<&str>| Event::Project {
        path: path.to_owned(),
        target: format!("new/{path}"),
        stage,
        reason: reason.map(str::to_owned),
    };
    let told = [
        event("zoo", Stage::Waiting, None),
        event("app", Stage::Waiting, None),
        event("zoo", Stage::Carrying, None),
        event("app", Stage::Failed, Some("refused")),
        event("zoo", Stage::Verified, None),
    ];

    for event in &told {
        bench.journal.note(&claim, event).await.expect("an event can be noted");
    }

    let history = history(bench, claim.job).await;
    let view = |path: &str, stage, reason: Option<&str>| ProjectView {
        source: path.to_owned(),
        target: format!("new/{path}"),
        stage,
        reason: reason.map(str::to_owned),
    };
    let expected =
        [view("app", Stage::Failed, Some("refused")), view("zoo", Stage::Verified, None)];
    assert_eq!(history.projects().await.expect("projects can be read"), expected);
    assert_eq!(history.events(0, 9).await.expect("events can be read"), told);
}

pub(super) async fn a_lane_that_is_not_carried_is_one_loss(bench: &Bench) {
    let claim = bench.start().await;
    let Lane { scope, kind } = issues();
    let why = "there are no issues there".to_owned();
    let dropped = Event::Dropped { scope, kind, records: Some(12), why };

    for _ in ["first run", "resumed"] {
        bench.journal.note(&claim, &dropped).await.expect("an event can be noted");
    }

    let counts = bench.counts(&claim).await;
    let expected =
        Counts { source: Some(12), read: 12, dropped: 12, losses: 1, ..Counts::default() };
    assert_eq!(counts, expected);
    let losses = history(bench, claim.job).await.losses(0, 9).await.expect("losses can be read");
    assert_eq!(losses.len(), 1);
    assert_eq!(losses[0].loss.field, Loss::WHOLE);
    assert_eq!(losses[0].loss.cause, LossCause::Sink);
}

pub(super) async fn lanes_come_in_load_order(bench: &Bench) {
    let claim = bench.start().await;
    let project = |path: &str| Scope::Project(path.to_owned());
    let expected = [
        Lane::new(Scope::Shared, ObjectKind::User),
        Lane::new(project("a"), ObjectKind::Label),
        Lane::new(project("a"), ObjectKind::Issue),
        Lane::new(project("b"), ObjectKind::Label),
    ];

    for lane in expected.iter().rev() {
        let done = Some(&Position::Done);
        let settled = bench.journal.settle(&claim, lane, &created(&["1"]), &[], done).await;
        settled.expect("records can be settled");
    }

    let lanes = bench.lanes(claim.job).await;
    let found: Vec<_> = lanes.iter().map(|it| Lane::new(it.scope.clone(), it.kind)).collect();
    assert_eq!(found, expected);
    assert!(lanes.iter().all(|it| it.position == Position::Done && it.counts.created == 1));
}
