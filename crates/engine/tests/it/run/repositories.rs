//! Repositories travel with their refs, and only what is ours moves.

use super::bench::{APP, Bench, app};
use packhorse_core::{
    Lane, ObjectKind, RepoKind,
    job::{JobId, JobOptions, JobState},
    port::Counts,
};
use packhorse_engine::{Ends, rollback};
use packhorse_testkit::{
    git::{self, Shape},
    samples,
};
use std::path::PathBuf;

async fn bench() -> (Bench, PathBuf) {
    bench_that_tells_versions(false).await
}

async fn bench_that_tells_versions(versioned: bool) -> (Bench, PathBuf) {
    let bench = Bench::settling(packhorse_core::Settle::Page).with_repositories(versioned);
    bench.fill(APP, &[], 0);
    // So that the host counts it.
    bench.source.put(&app(), samples::sample(ObjectKind::Repository, 1));
    // As a sink, the host makes the repository.
    let remote = packhorse_core::port::Sink::remote(&bench.source, APP, RepoKind::Code).await;
    let path = remote.unwrap().unwrap().url.as_path().unwrap().to_owned();
    (bench, path)
}

async fn target(bench: &Bench) -> PathBuf {
    let remote = packhorse_core::port::Source::remote(&bench.sink, APP, RepoKind::Code).await;
    remote.unwrap().unwrap().url.as_path().unwrap().to_owned()
}

async fn counts(bench: &Bench, job: JobId) -> Counts {
    bench.total(job).await;
    let lanes = bench.lanes(job).await;
    lanes.into_iter().find(|it| it.kind == ObjectKind::Repository).unwrap().counts
}

fn verified() -> JobOptions {
    JobOptions { verify: true, ..JobOptions::default() }
}

#[tokio::test]
async fn refs_arrive_and_then_only_what_changed() {
    let (bench, source) = bench().await;
    git::repository(&source, &Shape { change_requests: 2, ..Shape::default() }).await;
    let options = verified();

    let (first, outcome) = bench.carry(&options).await;
    assert_eq!((outcome.state, outcome.verified), (JobState::Finished, Some(true)), "{outcome:?}");
    assert_eq!(git::refs_of(&target(&bench).await).await, git::refs_of(&source).await);
    assert_eq!(counts(&bench, first).await.created, 1);

    git::commit(&source, "main", "new.txt", "new").await;
    let (second, outcome) = bench.carry(&options).await;
    assert_eq!(outcome.state, JobState::Finished, "{outcome:?}");
    assert_eq!(git::refs_of(&target(&bench).await).await, git::refs_of(&source).await);
    assert_eq!(counts(&bench, second).await.updated, 1);
}

#[tokio::test]
async fn an_empty_repository_is_carried() {
    let (bench, _) = bench().await;

    let (_, outcome) = bench.carry(&verified()).await;

    assert_eq!((outcome.state, outcome.verified), (JobState::Finished, Some(true)), "{outcome:?}");
    assert!(target(&bench).await.is_dir());
}

#[tokio::test]
async fn a_project_without_a_repository_is_carried() {
    let bench = Bench::settling(packhorse_core::Settle::Page);
    bench.fill(APP, &[ObjectKind::Label], 1);

    let (_, outcome) = bench.carry(&verified()).await;

    assert_eq!((outcome.state, outcome.verified), (JobState::Finished, Some(true)));
}

#[tokio::test]
async fn a_branch_that_somebody_moved_is_refused_and_fails_the_run() {
    let (bench, source) = bench().await;
    git::repository(&source, &Shape::default()).await;
    bench.carry(&JobOptions::default()).await;
    let theirs = git::commit(&target(&bench).await, "main", "theirs.txt", "theirs").await;
    git::commit(&source, "main", "ours.txt", "ours").await;

    let (_, outcome) = bench.carry(&JobOptions::default()).await;

    assert_eq!(outcome.state, JobState::Failed, "{outcome:?}");
    assert_eq!(git::refs_of(&target(&bench).await).await.refs["refs/heads/main"], theirs);
}

#[tokio::test]
async fn history_that_was_rewritten_at_the_source_arrives_where_we_left_the_old_one() {
    let (bench, source) = bench().await;
    git::repository(&source, &Shape::default()).await;
    bench.carry(&JobOptions::default()).await;
    let tip = git::rewrite(&source, "main", "anew").await;

    let (_, outcome) = bench.carry(&JobOptions::default()).await;

    assert_eq!(outcome.state, JobState::Finished, "{outcome:?}");
    assert_eq!(git::refs_of(&target(&bench).await).await.refs["refs/heads/main"], tip);
}

#[tokio::test]
async fn a_branch_that_is_gone_goes_on_request_alone() {
    let (bench, source) = bench().await;
    git::repository(&source, &Shape::default()).await;
    bench.carry(&JobOptions::default()).await;
    git::delete(&source, "refs/heads/topic/0").await;
    let has_it = async |bench: &Bench| {
        git::refs_of(&target(bench).await).await.refs.contains_key("refs/heads/topic/0")
    };

    bench.carry(&JobOptions::default()).await;
    assert!(has_it(&bench).await);

    bench.carry(&JobOptions { delete: true, ..JobOptions::default() }).await;
    assert!(!has_it(&bench).await);
}

#[tokio::test]
async fn refs_that_hosts_make_themselves_stay_behind_as_planned() {
    let (bench, source) = bench().await;
    git::repository(&source, &Shape { change_requests: 2, ..Shape::default() }).await;
    let ends = Ends { sink_host: "gitea", ..bench.plain_ends() };
    let options = verified();
    let claim = bench.claim(&options).await;

    let outcome = bench.run(&claim, &ends, &options).await.unwrap();

    assert_eq!((outcome.state, outcome.n_unplanned), (JobState::Finished, 0), "{outcome:?}");
    assert!(outcome.n_losses > 0);
    let refs = git::refs_of(&target(&bench).await).await.refs;
    assert!(refs.keys().all(|name| !name.starts_with("refs/pull/")), "{refs:?}");
}

#[tokio::test]
async fn a_repository_is_rolled_back_only_while_it_is_as_we_left_it() {
    for is_touched in [false, true] {
        let (bench, source) = bench().await;
        git::repository(&source, &Shape::default()).await;
        let (job, _) = bench.carry(&JobOptions::default()).await;
        if is_touched {
            git::commit(&target(&bench).await, "theirs", "a.txt", "a").await;
        }
        let view = packhorse_core::port::Queue::jobs(&*bench.journal, Some(job)).await.unwrap();

        let rolled = rollback(&*bench.journal, &view[0], &bench.plain_ends()).await.unwrap();

        let expected: &[ObjectKind] =
            if is_touched { &[ObjectKind::Repository, ObjectKind::Project] } else { &[] };
        let refused: Vec<_> = rolled.refused.iter().map(|it| it.kind).collect();
        assert_eq!(refused, expected);
    }
}

#[tokio::test]
async fn two_unchanged_ends_need_not_be_read() {
    let (bench, source) = bench_that_tells_versions(true).await;
    git::repository(&source, &Shape::default()).await;
    bench.fill(APP, &[ObjectKind::Label], 3);
    let options = verified();
    bench.carry(&options).await;
    let before = (bench.source.calls(), bench.sink.calls());

    let (job, outcome) = bench.carry(&options).await;

    assert_eq!((outcome.state, outcome.unchanged), (JobState::Finished, true));
    let after = (bench.source.calls(), bench.sink.calls());
    assert_eq!(
        (after.0.read, after.1.read, after.1.write),
        (before.0.read, before.1.read, before.1.write)
    );
    assert_eq!(bench.lanes(job).await, []);

    bench.put(&app(), samples::changed(ObjectKind::Label, 1), 1);
    let (_, outcome) = bench.carry(&options).await;
    assert!(!outcome.unchanged);
    assert_eq!(bench.sink.stored(&Lane::new(app(), ObjectKind::Label)).len(), 3);
}

#[tokio::test]
async fn a_run_that_was_not_read_back_is_no_ground_to_skip_the_next() {
    let (bench, _) = bench_that_tells_versions(true).await;
    bench.carry(&JobOptions::default()).await;

    let (_, outcome) = bench.carry(&JobOptions::default()).await;

    assert!(!outcome.unchanged);
}
