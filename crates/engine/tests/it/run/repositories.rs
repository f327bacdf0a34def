//! Repositories travel with their refs, and only what is ours moves.

use super::bench::{APP, Bench, app};
use packhorse_core::{
    Lane, Limits, Object, ObjectKind, Record, RepoKind,
    job::{JobId, JobOptions, JobState},
    model::ChangeRequest,
    plan::Conflict,
    port::{Counts, Sink},
};
use packhorse_engine::{Ends, EngineError, rollback};
use packhorse_testkit::{
    git::{self, Shape},
    memory::MemoryOptions,
    samples,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

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

/// A change request whose branch is gone, with a commit that the repository still has.
async fn orphan(bench: &Bench, source: &Path) -> String {
    git::repository(source, &Shape::default()).await;
    let commit = git::commit(source, "gone", "new.txt", "new").await;
    git::delete(source, "refs/heads/gone").await;
    let mut change = ChangeRequest { number: 7, title: "a".into(), ..ChangeRequest::default() };
    change.head.commit = Some(commit.clone());
    let mut cut = change.clone();
    cut.number = 8;
    cut.head.commit = Some(commit[..12].to_owned());
    for (id, change) in [("7", change), ("8", cut)] {
        bench.source.put(&app(), Record::new(id, Object::from(change)));
    }
    commit
}

#[tokio::test]
async fn commits_of_a_change_request_without_a_branch_are_kept() {
    let (bench, source) = bench().await;
    let commit = orphan(&bench, &source).await;

    let (_, outcome) = bench.carry(&verified()).await;
    let refs = git::refs_of(&target(&bench).await).await.refs;
    let (second, again) = bench.carry(&verified()).await;

    assert_eq!((outcome.state, outcome.verified), (JobState::Finished, Some(true)), "{outcome:?}");
    assert_eq!(refs["refs/packhorse/change-requests/7/head"], commit);
    assert!(!refs.contains_key("refs/packhorse/change-requests/8/head"), "half an id is none");
    assert_eq!((again.state, again.n_gone), (JobState::Finished, 0), "{again:?}");
    assert_eq!(counts(&bench, second).await.unchanged, 1);
}

#[tokio::test]
async fn commits_of_change_requests_are_kept_where_somebody_says() {
    let (bench, source) = bench().await;
    let commit = orphan(&bench, &source).await;
    let keep = |place: &str| JobOptions {
        keep_commits_under: Some(place.to_owned()),
        ..JobOptions::default()
    };

    bench.carry(&keep("refs/heads/reviewed")).await;
    let refs = git::refs_of(&target(&bench).await).await.refs;
    let nowhere = packhorse_engine::plan(&bench.plain_ends(), &keep("refs/pull"), None).await;

    assert_eq!(refs["refs/heads/reviewed/7/head"], commit);
    assert!(matches!(nowhere, Err(EngineError::Namespace { .. })), "{nowhere:?}");
}

#[tokio::test]
async fn files_that_the_destination_does_not_take_are_in_the_plan() {
    let bench = Bench::to(MemoryOptions {
        limits: Limits { file_bytes: Some(1_000), ..Limits::default() },
        ..MemoryOptions::default()
    });
    let limits = bench.sink.clone();
    let bench = bench.with_repositories(false);
    let sink: Arc<dyn Sink> = Arc::new(limits);
    bench.fill(APP, &[], 0);
    let remote = Sink::remote(&bench.source, APP, RepoKind::Code).await.unwrap().unwrap();
    let source = remote.url.as_path().unwrap();
    git::repository(source, &Shape::default()).await;
    let commit = git::commit(source, "large", "film.bin", &"x".repeat(2_000)).await;
    let ends = bench.ends(Arc::new(bench.source.clone()), sink);

    let plan = packhorse_engine::plan(&ends, &JobOptions::default(), None).await.unwrap();
    let skipped = JobOptions { skip: [ObjectKind::Repository].into(), ..JobOptions::default() };
    let without = packhorse_engine::plan(&ends, &skipped, None).await.unwrap();

    assert_eq!(plan.conflicts.len(), 1, "{:?}", plan.conflicts);
    let Conflict { project, detail, blocks, .. } = &plan.conflicts[0];
    assert_eq!((project.as_deref(), *blocks), (Some(APP), false));
    for told in ["`film.bin`", &commit[..12], "1000 bytes", "`refs/heads/large`", "LFS"] {
        assert!(detail.contains(told), "{told}: {detail}");
    }
    assert_eq!(without.conflicts, []);
}
