//! Large files of Git LFS, where an end keeps them beside its repository.

use super::bench::{APP, Bench, app};
use packhorse_core::{
    Lane, ObjectKind, Origin, Record, RepoKind, Settle, Support,
    job::{JobId, JobOptions, JobState},
    model::{Blob, LfsObject},
    port::Counts,
};
use packhorse_engine::{RunOutcome, report};
use packhorse_git::repository::init_bare;
use packhorse_testkit::{
    git,
    memory::MemoryOptions,
    samples::{self, sha256},
};
use std::{fs, path::PathBuf};

const KIND: ObjectKind = ObjectKind::LfsObject;

fn beside(kind: ObjectKind) -> Support {
    if kind == KIND { Support::WithGit } else { Support::Full }
}

/// Ends that keep large files as records, or beside their repositories.
async fn bench(from_lane: bool, to_lane: bool) -> (Bench, PathBuf) {
    let mut bench = Bench::settling(Settle::Page);
    let options = |name: &str, is_lane: bool| {
        let repositories = bench.directory.path().join(format!("{name}-repositories"));
        fs::create_dir_all(&repositories).unwrap();
        MemoryOptions {
            identity: name.to_owned(),
            support: if is_lane { |_| Support::Full } else { beside },
            repositories: Some(repositories),
            ..MemoryOptions::default()
        }
    };
    let (source, sink) = (options("source", from_lane), options("sink", to_lane));
    bench.source = bench.source.with(source);
    bench.sink = bench.sink.with(sink);
    bench.fill(APP, &[], 0);
    bench.source.put(&app(), samples::sample(ObjectKind::Repository, 1));
    let remote = packhorse_core::port::Sink::remote(&bench.source, APP, RepoKind::Code).await;
    let path = remote.unwrap().unwrap().url.as_path().unwrap().to_owned();
    init_bare(&path, packhorse_core::model::ObjectFormat::Sha1).unwrap();
    (bench, path)
}

fn content(n: usize) -> Vec<u8> {
    format!("large {n} ").repeat(n + 1).into_bytes()
}

/// Commits a pointer to a file.
async fn point(path: &std::path::Path, n: usize) {
    git::commit(path, "main", &format!("art/{n}.bin"), &git::lfs_pointer(&content(n))).await;
}

fn stored(repository: &std::path::Path, n: usize) -> PathBuf {
    let hash = sha256(&content(n));
    repository.join("lfs/objects").join(&hash[..2]).join(&hash[2..4]).join(&hash)
}

fn store(repository: &std::path::Path, n: usize) {
    let file = stored(repository, n);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, content(n)).unwrap();
}

fn record(n: usize) -> Record {
    let bytes = content(n);
    let blob = Blob { size: Some(bytes.len() as u64), sha256: Some(sha256(&bytes)) };
    Record::new(sha256(&bytes), packhorse_core::Object::from(LfsObject { blob }))
}

/// Puts a file into the source as a record.
fn put(bench: &Bench, n: usize) {
    bench.source.put_blob(&app(), &record(n).origin, &content(n));
    bench.source.put(&app(), record(n));
}

async fn target(bench: &Bench) -> PathBuf {
    let remote = packhorse_core::port::Source::remote(&bench.sink, APP, RepoKind::Code).await;
    remote.unwrap().unwrap().url.as_path().unwrap().to_owned()
}

async fn counts(bench: &Bench, job: JobId) -> Counts {
    let lanes = bench.lanes(job).await;
    lanes.into_iter().find(|it| it.kind == KIND).map(|it| it.counts).unwrap_or_default()
}

async fn carry(bench: &Bench) -> (JobId, RunOutcome) {
    let options = JobOptions { verify: true, ..JobOptions::default() };
    let (job, outcome) = bench.carry(&options).await;
    assert_eq!((outcome.state, outcome.verified), (JobState::Finished, Some(true)), "{outcome:?}");
    (job, outcome)
}

fn blob(bench: &Bench, n: usize) -> Option<Vec<u8>> {
    bench.sink.blob(&app(), &Origin::new(KIND, sha256(&content(n))))
}

#[tokio::test]
async fn files_beside_a_repository_arrive_beside_the_other() {
    let (bench, source) = bench(false, false).await;
    for n in 0..3 {
        point(&source, n).await;
        store(&source, n);
    }

    let (job, _) = carry(&bench).await;

    let target = target(&bench).await;
    for n in 0..3 {
        assert_eq!(fs::read(stored(&target, n)).unwrap(), content(n));
    }
    let found = counts(&bench, job).await;
    assert_eq!((found.created, found.losses), (3, 0), "{found:?}");
    assert_eq!(git::refs_of(&target).await, git::refs_of(&source).await);

    // What is new alone travels.
    point(&source, 3).await;
    store(&source, 3);
    let (job, _) = carry(&bench).await;
    assert_eq!(fs::read(stored(&target, 3)).unwrap(), content(3));
    assert_eq!(counts(&bench, job).await.created, 1);
}

#[tokio::test]
async fn files_beside_a_repository_become_records() {
    let (bench, source) = bench(false, true).await;
    for n in 0..3 {
        point(&source, n).await;
        store(&source, n);
    }

    let (job, _) = carry(&bench).await;

    for n in 0..3 {
        assert_eq!(blob(&bench, n).unwrap(), content(n));
    }
    assert_eq!(bench.sink.stored(&Lane::new(app(), KIND)).len(), 3);
    assert_eq!(counts(&bench, job).await.created, 3);

    let (job, _) = carry(&bench).await;
    assert_eq!(counts(&bench, job).await.created, 0);
    assert_eq!(bench.sink.repeated(), []);
}

#[tokio::test]
async fn records_become_files_beside_a_repository() {
    let (bench, source) = bench(true, false).await;
    for n in 0..3 {
        point(&source, n).await;
        put(&bench, n);
    }

    let (job, _) = carry(&bench).await;

    let path = target(&bench).await;
    for n in 0..3 {
        assert_eq!(fs::read(stored(&path, n)).unwrap(), content(n));
    }
    assert_eq!(counts(&bench, job).await.created, 3);

    let (job, _) = carry(&bench).await;
    let found = counts(&bench, job).await;
    assert_eq!((found.created, found.unchanged), (0, 3), "{found:?}");
}

#[tokio::test]
async fn files_that_the_source_lacks_are_losses_and_come_later() {
    for to_lane in [false, true] {
        let (bench, source) = bench(false, to_lane).await;
        point(&source, 0).await;
        store(&source, 0);
        point(&source, 1).await;

        let (job, outcome) = carry(&bench).await;

        assert_eq!((outcome.n_losses, outcome.n_unplanned), (1, 0), "{outcome:?}");
        let found = counts(&bench, job).await;
        assert_eq!((found.created, found.dropped), (1, 1), "{found:?}");
        let told = report::report(&*bench.journal, job).await.unwrap();
        assert_eq!(told.losses[0].kind, KIND);
        assert_eq!(told.losses[0].examples, [format!("{APP}#{}", sha256(&content(1)))]);

        // Nothing has changed in the repository, and yet the file is looked for.
        store(&source, 1);
        let (_, outcome) = carry(&bench).await;
        assert_eq!(outcome.n_losses, 0, "{outcome:?}");
        let has_it = if to_lane {
            blob(&bench, 1).is_some()
        } else {
            stored(&target(&bench).await, 1).is_file()
        };
        assert!(has_it);
    }
}

#[tokio::test]
async fn files_of_a_history_that_was_carried_without_them_are_made_up_for() {
    let (bench, source) = bench(false, false).await;
    point(&source, 0).await;
    store(&source, 0);
    let without = JobOptions { skip: [KIND].into(), ..JobOptions::default() };
    bench.carry(&without).await;
    let target = target(&bench).await;
    assert!(!stored(&target, 0).exists());

    carry(&bench).await;

    assert!(stored(&target, 0).is_file());
}

#[tokio::test]
async fn refs_do_not_move_while_their_files_cannot_arrive() {
    let (bench, source) = bench(false, false).await;
    point(&source, 0).await;
    store(&source, 0);
    let remote = packhorse_core::port::Sink::remote(&bench.sink, APP, RepoKind::Code).await;
    let target = remote.unwrap().unwrap().url.as_path().unwrap().to_owned();
    // No directory can be made where a file is.
    fs::write(target.join("lfs"), "").unwrap();

    let (_, outcome) = bench.carry(&JobOptions::default()).await;

    assert_eq!(outcome.state, JobState::Failed, "{outcome:?}");
    assert_eq!(git::refs_of(&target).await.refs.len(), 0);

    fs::remove_file(target.join("lfs")).unwrap();
    carry(&bench).await;
    assert!(stored(&target, 0).is_file());
}

#[tokio::test]
async fn a_file_that_is_changed_at_the_destination_is_found_out() {
    let (bench, source) = bench(false, false).await;
    point(&source, 0).await;
    store(&source, 0);
    carry(&bench).await;
    let file = stored(&target(&bench).await, 0);
    let mut bytes = fs::read(&file).unwrap();
    bytes[0] ^= 1;
    fs::remove_file(&file).unwrap();
    fs::write(&file, bytes).unwrap();

    let options = JobOptions { verify: true, ..JobOptions::default() };
    let (_, outcome) = bench.carry(&options).await;

    assert_eq!((outcome.state, outcome.verified), (JobState::Failed, Some(false)), "{outcome:?}");
}
