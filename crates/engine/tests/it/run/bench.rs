//! Two hosts in memory, a journal on disk, and runs between them that go wrong on request.

use super::trap::Trap;
use packhorse_core::{
    Capabilities, Carriage, Lane, Listener, ObjectKind, Origin, Record, Scope, Settle, Support,
    job::{JobId, JobOptions, JobSpec, JobState},
    port::{Claim, Context, Counts, Journal, LaneView, Queue, Sink, Source, Transform},
};
use packhorse_engine::{
    Ends, EngineError, RunOutcome, Stop, Tuning, Worker, transform::provenance::Provenance,
};
use packhorse_journal::{Clock, SqliteJournal};
use packhorse_testkit::{
    clock::FakeClock,
    memory::{MemoryHost, MemoryOptions},
    samples,
};
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;

const LEASE: Duration = Duration::from_secs(60);

/// A journal's clock that tests move.
#[derive(Clone, Debug, Default)]
struct Hand(FakeClock);

impl Clock for Hand {
    fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }
}

/// Two hosts in memory and a journal.
pub(crate) struct Bench {
    pub(crate) source: MemoryHost,
    pub(crate) sink: MemoryHost,
    pub(crate) journal: Arc<SqliteJournal>,
    pub(crate) tuning: Tuning,
    pub(crate) directory: TempDir,
    settle: Settle,
    clock: Hand,
}

impl Bench {
    /// An empty source, and an empty destination that can do what is said.
    pub(crate) fn to(sink: MemoryOptions) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Hand::default();
        let file = directory.path().join("journal.sqlite");
        let journal = SqliteJournal::open_with(&file, Arc::new(clock.clone())).unwrap();
        let tuning = Tuning { batch_records: 4, batch_pages: 2, ..Tuning::default() };
        Self {
            settle: sink.settle,
            source: MemoryHost::named("source"),
            sink: MemoryHost::new(MemoryOptions { identity: "sink".into(), ..sink }),
            journal: Arc::new(journal),
            tuning,
            directory,
            clock,
        }
    }

    /// Ends whose destination settles in that way; by record, it gives ids of its own too.
    pub(crate) fn settling(settle: Settle) -> Self {
        let own_ids = settle == Settle::Record;
        Self::to(MemoryOptions { settle, own_ids, ..MemoryOptions::default() })
    }

    /// Lets both hosts have repositories.
    pub(crate) fn with_repositories(mut self, versioned: bool) -> Self {
        let place = |name: &str| {
            let path = self.directory.path().join(name);
            std::fs::create_dir_all(&path).unwrap();
            Some(path)
        };
        let (from, to) = (place("source-repositories"), place("sink-repositories"));
        let options = |identity: &str, repositories| MemoryOptions {
            identity: identity.to_owned(),
            repositories,
            versioned,
            ..MemoryOptions::default()
        };
        self.source = self.source.with(options("source", from));
        self.sink = self.sink.with(options("sink", to));
        self
    }

    /// A record with the mark that a destination finds it by, if it needs one.
    fn marked(&self, scope: &Scope, mut record: Record) -> Record {
        let mut caps = Capabilities::promised(|_| Support::Full, "marked");
        caps.settle = self.settle;
        Provenance.apply(&Context { source: &caps, sink: &caps, scope }, &mut record);
        record
    }

    /// Puts a project with `n` records of each of these kinds into the source.
    pub(crate) fn fill(&self, path: &str, kinds: &[ObjectKind], n: u64) {
        let scope = Scope::Project(path.to_owned());
        self.source.put(&scope, samples::project_at(path));
        for &kind in kinds.iter().filter(|it| it.in_project()) {
            (1..=n).for_each(|n| self.put(&scope, samples::sample(kind, n), n));
        }
        for &kind in kinds.iter().filter(|it| !it.in_project() && **it != ObjectKind::Project) {
            (1..=n).for_each(|n| self.put(&Scope::Shared, samples::sample(kind, n), n));
        }
    }

    /// Puts a record into the source, with its bytes.
    pub(crate) fn put(&self, scope: &Scope, record: Record, n: u64) {
        // Samples of different kinds have different bytes.
        let offset = if record.origin.kind == ObjectKind::LfsObject {
            10_000
        } else if record.origin.kind == ObjectKind::ReleaseAsset {
            20_000
        } else {
            0
        };
        if record.origin.kind.carriage() == Carriage::Blob {
            self.source.put_blob(scope, &record.origin, &samples::bytes(offset + n));
        }
        self.source.put(scope, record);
    }

    /// Adds a job and claims it.
    pub(crate) async fn claim(&self, options: &JobOptions) -> Claim {
        let spec = JobSpec {
            from: "memory:source".into(),
            to: "memory:sink".into(),
            source_identity: "source".into(),
            sink_identity: "sink".into(),
            options: options.clone(),
            queued: false,
        };
        let job = self.journal.submit(&spec).await.unwrap();
        self.claim_again(job).await
    }

    /// Claims a job that ended or whose worker died.
    pub(crate) async fn claim_again(&self, job: JobId) -> Claim {
        self.clock.0.advance(LEASE * 2);
        self.journal.claim(Some(job), "bench", LEASE).await.unwrap().unwrap()
    }

    pub(crate) fn ends(&self, source: Arc<dyn Source>, sink: Arc<dyn Sink>) -> Ends {
        let reader = self.sink.clone();
        Ends {
            from: "memory:source".into(),
            to: "memory:sink".into(),
            source,
            sink,
            reader: Arc::new(move || Ok(Arc::new(reader.clone()))),
            source_host: "memory",
            sink_host: "local",
            scratch: self.directory.path().to_owned(),
        }
    }

    /// The ends as they are, with nothing that goes wrong.
    pub(crate) fn plain_ends(&self) -> Ends {
        self.ends(Arc::new(self.source.clone()), Arc::new(self.sink.clone()))
    }

    pub(crate) fn worker(&self) -> Worker {
        self.worker_heard_by(Arc::new(()))
    }

    pub(crate) fn worker_heard_by(&self, listener: Arc<dyn Listener>) -> Worker {
        Worker { journal: self.journal.clone(), listener, tuning: self.tuning }
    }

    pub(crate) async fn run(
        &self,
        claim: &Claim,
        ends: &Ends,
        options: &JobOptions,
    ) -> Result<RunOutcome, EngineError> {
        self.worker().run(claim, ends, options, &Stop::new()).await
    }

    /// Carries everything in a new job.
    pub(crate) async fn carry(&self, options: &JobOptions) -> (JobId, RunOutcome) {
        let claim = self.claim(options).await;
        let outcome = self.run(&claim, &self.plain_ends(), options).await.unwrap();
        (claim.job, outcome)
    }

    /// Goes on with a job.
    pub(crate) async fn resume(&self, job: JobId, options: &JobOptions) -> RunOutcome {
        let claim = self.claim_again(job).await;
        self.run(&claim, &self.plain_ends(), options).await.unwrap()
    }

    /// The same ends, with one trap for both.
    pub(crate) fn trapped(&self, trap: &Arc<Trap>) -> Ends {
        self.ends(
            Arc::new(trap.around(self.source.clone())),
            Arc::new(trap.around(self.sink.clone())),
        )
    }

    pub(crate) async fn lanes(&self, job: JobId) -> Vec<LaneView> {
        self.journal.history(job).await.unwrap().lanes().await.unwrap()
    }

    /// Sum of a job's counters, each lane of which must add up.
    pub(crate) async fn total(&self, job: JobId) -> Counts {
        let mut total = Counts::default();
        for LaneView { scope, kind, counts, .. } in self.lanes(job).await {
            let Counts { created, updated, adopted, unchanged, dropped, failed, .. } = counts;
            let accounted = created + updated + adopted + unchanged + dropped + failed;
            assert_eq!(counts.read, accounted, "{kind} of {scope}: {counts:?}");
            total.add(&counts);
        }
        total
    }

    pub(crate) async fn state(&self, job: JobId) -> JobState {
        self.journal.jobs(Some(job)).await.unwrap()[0].state
    }

    /// What the destination holds of a lane, by the origins that it had.
    pub(crate) fn arrived(&self, scope: &Scope, kind: ObjectKind) -> Vec<Origin> {
        let stored = self.sink.stored(&Lane::new(scope.clone(), kind));
        stored.into_iter().map(|it| it.origin).collect()
    }

    /// Everything that the source has is at the destination once, and nothing else is.
    #[track_caller]
    pub(crate) fn check_same(&self, project: &str, kinds: &[ObjectKind]) {
        let scope = Scope::Project(project.to_owned());
        for &kind in kinds {
            let scope = if kind.in_project() { &scope } else { &Scope::Shared };
            let lane = Lane::new(scope.clone(), kind);
            let sorted = |records: Vec<Record>| {
                let mut list: Vec<_> = records.into_iter().map(content).collect();
                list.sort();
                list
            };
            let found = self.sink.stored(&lane).into_iter();
            let found = found.map(|it| Record { origin: it.origin.clone(), ..it.record() });
            let expected = self.source.stored(&lane).into_iter().map(|it| it.record());
            let expected = expected.map(|it| self.marked(scope, it));
            assert_eq!(sorted(found.collect()), sorted(expected.collect()), "{lane}");
        }
        assert_eq!(self.sink.repeated(), [], "written as new although it was there");
    }
}

/// A record without what differs from host to host.
fn content(record: Record) -> (String, String) {
    let json = packhorse_core::fingerprint::comparable(&record.object);
    (record.origin.id, String::from_utf8(json).unwrap())
}

/// Only these kinds, and projects, which come along.
pub(crate) fn only(kinds: &[ObjectKind]) -> JobOptions {
    JobOptions { only: kinds.iter().copied().collect(), ..JobOptions::default() }
}

/// Kinds that travel as records or as records with bytes.
pub(crate) fn all_kinds() -> Vec<ObjectKind> {
    let all = ObjectKind::ALL.iter().copied();
    all.filter(|it| it.carriage() != Carriage::Git && *it != ObjectKind::Project).collect()
}

pub(crate) const APP: &str = "acme/app";

pub(crate) fn app() -> Scope {
    Scope::Project(APP.to_owned())
}
