//! Reports say what was planned and what happened, in four forms.

use crate::shelf::{Notes, app, issue};
use packhorse_core::{
    Loss, LossCause, ObjectKind,
    job::JobState,
    plan::{Fate, Plan, PlannedGap, PlannedKind},
    port::{Failure, Journal, Queue, Stage},
};
use packhorse_engine::report::{Report, ReportError, csv, html, json_with_details, report, text};
use packhorse_engine::verify::{Finding, LaneResult, Tallied, Verification, What};

fn plan() -> Plan {
    let gap = PlannedGap {
        field: "weight".into(),
        cause: LossCause::Sink,
        why: "there are no weights".into(),
    };
    let kind = PlannedKind {
        kind: ObjectKind::Issue,
        records: Some(4),
        bytes: None,
        fate: Fate::Degraded,
        why: None,
        gaps: vec![gap],
    };
    Plan { kinds: vec![kind], ..Plan::default() }
}

fn verification() -> Verification {
    let tally = Tallied { compared: 3, equal: 2, different: 1, ..Tallied::default() };
    let what = What::Corrupt { detail: "refs/heads/main is at 1 instead of 2".into() };
    let finding =
        Finding { scope: app(), kind: ObjectKind::Repository, id: "acme/app".into(), what };
    Verification {
        lanes: vec![LaneResult { scope: app(), kind: ObjectKind::Issue, tally }],
        findings: vec![finding],
        more_findings: 0,
        clean: false,
    }
}

/// A job with three issues, four losses and a failure, and hostile words in them.
async fn history() -> Notes {
    let notes = Notes::begun().await;
    let mut records = [issue(1, "a"), issue(2, "b"), issue(3, "c")];
    for record in &mut records {
        record.losses.push(Loss::sink("weight", "there are no weights"));
    }
    records[2].losses.push(Loss::policy("title", "cut: <b>\u{1b}[31m, \"quoted\""));
    notes.wrote(&app(), &records).await;
    let failure = Failure {
        scope: app(),
        kind: ObjectKind::Comment,
        id: Some("=cmd()".into()),
        reason: "the destination answered 422\nbody too odd".into(),
    };
    let lane = packhorse_core::Lane::new(app(), ObjectKind::Comment);
    notes.journal.settle(&notes.claim, &lane, &[], &[failure], None).await.unwrap();
    let stage = packhorse_core::Event::Project {
        path: "acme/app".into(),
        target: "new/app".into(),
        stage: Stage::Differs,
        reason: Some("1 of 3 records differs".into()),
    };
    notes.journal.note(&notes.claim, &stage).await.unwrap();
    let plan = serde_json::to_value(plan()).unwrap();
    notes.journal.keep(notes.job(), "plan", &plan).await.unwrap();
    let verification = serde_json::to_value(verification()).unwrap();
    notes.journal.keep(notes.job(), "verification", &verification).await.unwrap();
    notes.close(JobState::Failed).await;
    notes
}

/// The report with times that are the same on every run.
async fn steady(notes: &Notes) -> Report {
    let mut report = report(&notes.journal, notes.job()).await.unwrap();
    report.started_at = "2026-01-31T12:00:00Z".parse().ok();
    report.ended_at = "2026-01-31T12:01:05Z".parse().ok();
    report.seconds = Some(65.0);
    report
}

fn utf8(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn losses_are_grouped_and_unplanned_ones_come_first() {
    let notes = history().await;

    let report = report(&notes.journal, notes.job()).await.unwrap();

    let groups: Vec<_> =
        report.losses.iter().map(|it| (it.field.as_str(), it.count, it.planned)).collect();
    assert_eq!(groups, [("title", 1, false), ("weight", 3, true)]);
    assert_eq!(report.losses[1].examples, ["acme/app#1", "acme/app#2", "acme/app#3"]);
    assert_eq!((report.n_losses(), report.n_unplanned(), report.n_failures), (4, 1, 1));
    assert!(!report.is_whole());
}

#[tokio::test]
async fn the_text_is_for_people() {
    let notes = history().await;
    let mut out = Vec::new();

    text(&steady(&notes).await, &mut out).unwrap();

    insta::assert_snapshot!(utf8(out));
}

#[tokio::test]
async fn the_csv_has_every_row() {
    let notes = history().await;
    let history = notes.journal.history(notes.job()).await.unwrap();
    let mut out = Vec::new();

    csv(&steady(&notes).await, history.as_ref(), &mut out).await.unwrap();

    insta::assert_snapshot!(utf8(out).replace('\r', ""));
}

#[tokio::test]
async fn the_json_reads_back() {
    let notes = history().await;
    let history = notes.journal.history(notes.job()).await.unwrap();
    let report = steady(&notes).await;
    let mut out = Vec::new();

    json_with_details(&report, history.as_ref(), &mut out).await.unwrap();

    let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(value["losses"].as_array().unwrap().len(), 4);
    assert_eq!(value["failures"].as_array().unwrap().len(), 1);
    let back: Report = serde_json::from_value(value["report"].clone()).unwrap();
    assert_eq!(back, report);
}

#[tokio::test]
async fn the_html_shows_and_runs_nothing_foreign() {
    let notes = history().await;
    let mut out = Vec::new();

    html(&steady(&notes).await, &mut out).unwrap();

    let page = utf8(out);
    assert!(!page.contains("<b>") && !page.contains('\u{1b}') && !page.contains("<script"));
    insta::assert_snapshot!(page);
}

#[tokio::test]
async fn an_unknown_job_is_an_error() {
    let notes = Notes::begun().await;
    let nobody = packhorse_core::job::JobId(99);

    let error = report(&notes.journal, nobody).await.unwrap_err();

    assert!(matches!(error, ReportError::UnknownJob(it) if it == nobody));
}

#[tokio::test]
async fn a_job_that_has_not_moved_has_a_report_too() {
    let notes = Notes::begun().await;
    let mut out = Vec::new();

    text(&report(&notes.journal, notes.job()).await.unwrap(), &mut out).unwrap();

    assert!(utf8(out).starts_with("job 1: running, 0 of 0 records arrived so far"));
}
