//! A whole job over every kind, read back.

use crate::shelf::{Notes, scratch};
use packhorse_core::{
    Gap, HostError, ObjectKind, Scope, Settle, Support,
    job::{JobOptions, JobSpec, JobState},
    port::{Queue, Source},
};
use packhorse_engine::{Ends, Stop, Tuning, Worker};
use packhorse_testkit::{
    memory::{MemoryHost, MemoryOptions},
    samples,
};
use std::sync::Arc;

/// Where the samples of a kind take their bytes from.
const BLOBS: [(ObjectKind, u64); 3] = [
    (ObjectKind::Attachment, 0),
    (ObjectKind::LfsObject, 10_000),
    (ObjectKind::ReleaseAsset, 20_000),
];

/// A host that holds a few records of every kind in one project.
fn rich() -> MemoryHost {
    let host = MemoryHost::named("source");
    host.put(&Scope::Project("acme/app".into()), samples::project_at("acme/app"));
    let git = [ObjectKind::Project, ObjectKind::Repository, ObjectKind::Wiki];
    let kinds = ObjectKind::ALL.iter().filter(|kind| !git.contains(kind));
    for &kind in kinds {
        for n in 1..8 {
            let (scope, record) = (samples::scope(kind, n), samples::sample(kind, n));
            if let Some((_, from)) = BLOBS.iter().find(|it| it.0 == kind) {
                host.put_blob(&scope, &record.origin, &samples::bytes(from + n));
            }
            host.put(&scope, record);
        }
    }
    host
}

fn spec(options: JobOptions) -> JobSpec {
    JobSpec {
        from: "memory:a".into(),
        to: "memory:b".into(),
        source_identity: "source".into(),
        sink_identity: "sink".into(),
        options,
        queued: false,
    }
}

async fn check(sink: MemoryOptions, options: JobOptions) {
    let notes = Notes::begun().await;
    let destination = MemoryHost::new(MemoryOptions { identity: "sink".into(), ..sink });
    let read = destination.clone();
    let reader = move || Ok::<_, HostError>(Arc::new(read.clone()) as Arc<dyn Source>);
    let ends = Ends {
        from: "memory:a".into(),
        to: "memory:b".into(),
        source: Arc::new(rich()),
        sink: Arc::new(destination),
        reader: Arc::new(reader),
        source_host: "local",
        sink_host: "local",
        scratch: scratch(&notes).to_owned(),
    };
    let journal = Arc::new(notes.journal.clone());
    let worker =
        Worker { journal: journal.clone(), listener: Arc::new(()), tuning: Tuning::default() };
    let options = JobOptions { verify: true, ..options };
    let job = journal.submit(&spec(options.clone())).await.unwrap();
    let lease = std::time::Duration::from_secs(60);
    let claim = journal.claim(Some(job), "worker", lease).await.unwrap().unwrap();

    let outcome = worker.run(&claim, &ends, &options, &Stop::new()).await.unwrap();

    let verification = journal.kept(job, "verification").await.unwrap();
    assert_eq!(outcome.verified, Some(true), "{outcome:?} {verification:#?}");
    assert_eq!((outcome.state, outcome.n_unplanned), (JobState::Finished, 0), "{outcome:?}");
}

#[tokio::test]
async fn everything_arrives_where_everything_is_kept() {
    check(MemoryOptions::default(), JobOptions::default()).await;
}

#[tokio::test]
async fn mapped_people_and_another_path_are_no_difference() {
    let users = Some("user-1:lee\nuser-2:kim\n".to_owned());
    let target = Some("umbrella".to_owned());
    check(MemoryOptions::default(), JobOptions { users, target, ..JobOptions::default() }).await;
}

#[tokio::test]
async fn a_host_with_ids_of_its_own_and_gaps_is_read_back_too() {
    const GAPS: &[Gap] = &[Gap { field: "weight", why: "there are no weights" }];
    let support = |kind| {
        if kind == ObjectKind::Issue { Support::Partial(GAPS) } else { Support::Full }
    };
    let options = MemoryOptions {
        support,
        own_ids: true,
        settle: Settle::Record,
        ..MemoryOptions::default()
    };
    check(options, JobOptions::default()).await;
}
