//! Projects are picked by patterns and by pairs, and nothing else is touched.

use super::bench::{APP, Bench, only};
use packhorse_core::{
    ObjectKind, Selection, Settle,
    job::{JobOptions, JobState},
    selection::{Pair, Pattern},
};
use packhorse_engine::{EngineError, plan};

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|it| Pattern::parse(it).unwrap()).collect()
}

fn pair(source: &str, target: &str, line: u32) -> Pair {
    let said = format!("line {line} of `p.csv`");
    Pair { source: source.into(), target: Some(target.into()), said }
}

fn selecting(selection: Selection) -> JobOptions {
    JobOptions { selection, delete: true, ..only(&[ObjectKind::Label]) }
}

/// A source with three projects.
fn bench() -> Bench {
    let bench = Bench::settling(Settle::Page);
    for path in [APP, "acme/old-app", "other/lib"] {
        bench.fill(path, &[ObjectKind::Label], 2);
    }
    bench
}

#[tokio::test]
async fn what_patterns_pick_and_pairs_name_is_carried_under_its_new_name() {
    let bench = bench();
    let selection = Selection {
        include: patterns(&["acme/*"]),
        exclude: patterns(&["*/old-*"]),
        pairs: vec![pair("other/lib", "acme/library", 1)],
    };

    let (_, outcome) = bench.carry(&selecting(selection)).await;

    assert_eq!(outcome.state, JobState::Finished, "{outcome:?}");
    assert_eq!(bench.sink.projects(), [APP, "acme/library"]);
}

#[tokio::test]
async fn projects_that_a_later_job_leaves_out_are_not_taken_for_gone() {
    let bench = bench();
    bench.carry(&selecting(Selection::default())).await;
    let selection = Selection { include: patterns(&["other/*"]), ..Selection::default() };

    let (job, outcome) = bench.carry(&selecting(selection)).await;
    let one = JobOptions { project: Some(APP.into()), ..selecting(Selection::default()) };
    let (another, _) = bench.carry(&one).await;

    assert_eq!((outcome.state, outcome.n_gone), (JobState::Finished, 0), "{outcome:?}");
    assert_eq!(bench.total(job).await.deleted + bench.total(another).await.deleted, 0);
    assert_eq!(bench.sink.projects().len(), 3);
}

#[tokio::test]
async fn a_pair_without_its_project_is_told_by_its_line_and_an_idle_pattern_too() {
    let bench = bench();
    let selection = Selection {
        include: patterns(&["acme/*", "acne/*"]),
        pairs: vec![pair("other/lib", "x/lib", 1), pair("other/lob", "x/lob", 2)],
        ..Selection::default()
    };

    let plan = plan(&bench.plain_ends(), &selecting(selection), None).await.unwrap();

    let told: Vec<_> = plan.conflicts.iter().map(|it| (it.detail.as_str(), it.blocks)).collect();
    assert_eq!(
        told,
        [
            ("line 2 of `p.csv` names `other/lob`, and the source has no such project", true),
            ("no project of the source is like `acne/*`", false),
        ]
    );
}

#[tokio::test]
async fn picking_nothing_is_an_error() {
    let bench = bench();
    let selection = Selection { include: patterns(&["acne/*"]), ..Selection::default() };

    let error = plan(&bench.plain_ends(), &selecting(selection), None).await.unwrap_err();

    assert!(matches!(&error, EngineError::NothingSelected { .. }), "{error}");
    assert!(error.to_string().contains("`acne/*`"), "{error}");
}
