//! A journal, a clock, and short ways to say what is done to it.

use crate::clock::FakeClock;
use packhorse_core::{
    Fingerprint, Lane, Loss, ObjectKind, Scope, Settle, TargetId,
    job::{JobId, JobOptions, JobSpec, JobState},
    port::{
        Begun, Claim, Counts, Entry, Failure, Item, ItemQuery, Journal, LaneView, Outcome,
        Position, Settled,
    },
};
use std::{sync::Arc, time::Duration};

/// How long a claim of these tests lasts.
pub(super) const LEASE: Duration = Duration::from_secs(60);

/// A journal and its clock.
pub(super) struct Bench {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) clock: FakeClock,
}

pub(super) fn spec(sink: &str) -> JobSpec {
    JobSpec {
        from: "local:./one".to_owned(),
        to: "local:./two".to_owned(),
        source_identity: "one".to_owned(),
        sink_identity: sink.to_owned(),
        options: JobOptions::default(),
        queued: true,
    }
}

pub(super) fn issues() -> Lane {
    Lane::new(Scope::Project("acme/app".to_owned()), ObjectKind::Issue)
}

/// The fingerprint of that version of anything.
pub(super) fn print(version: u8) -> Fingerprint {
    Fingerprint::from_bytes([version; 32])
}

pub(super) fn entry(id: &str, version: u8) -> Entry {
    Entry { id: id.to_owned(), fingerprint: print(version) }
}

pub(super) fn entries(ids: &[&str]) -> Vec<Entry> {
    ids.iter().map(|id| entry(id, 1)).collect()
}

pub(super) fn settled(id: &str, version: u8, outcome: Option<Outcome>) -> Settled {
    Settled {
        id: id.to_owned(),
        fingerprint: print(version),
        target: TargetId(id.to_owned()),
        outcome,
        losses: Vec::new(),
    }
}

pub(super) fn created(ids: &[&str]) -> Vec<Settled> {
    ids.iter().map(|id| settled(id, 1, Some(Outcome::Created))).collect()
}

pub(super) fn with_loss(mut settled: Settled, detail: &str) -> Settled {
    settled.losses.push(Loss::sink("author", detail));
    settled
}

pub(super) fn failure(id: Option<&str>, reason: &str) -> Failure {
    let Lane { scope, kind } = issues();
    Failure { scope, kind, id: id.map(str::to_owned), reason: reason.to_owned() }
}

impl Bench {
    pub(super) async fn submit(&self, sink: &str) -> JobId {
        self.journal.submit(&spec(sink)).await.expect("a job can be added")
    }

    pub(super) async fn try_claim(&self, job: Option<JobId>, worker: &str) -> Option<Claim> {
        self.journal.claim(job, worker, LEASE).await.expect("jobs can be claimed")
    }

    pub(super) async fn claim(&self, job: JobId) -> Claim {
        self.try_claim(Some(job), "ann").await.expect("the job is free")
    }

    /// A new job over the usual route, claimed.
    pub(super) async fn start(&self) -> Claim {
        self.claim(self.submit("two").await).await
    }

    /// The worker dies, its lease runs out, and the job is taken again.
    pub(super) async fn crash(&self, claim: &Claim) -> Claim {
        self.clock.advance(LEASE);
        self.claim(claim.job).await
    }

    pub(super) async fn close(&self, claim: &Claim, state: JobState) {
        self.journal.close(claim, state, None).await.expect("a good claim can be closed");
    }

    pub(super) async fn begin(&self, claim: &Claim, how: Settle, entries: &[Entry]) -> Vec<Begun> {
        self.journal.begin(claim, &issues(), how, entries).await.expect("records can be begun")
    }

    pub(super) async fn settle(&self, claim: &Claim, settled: &[Settled], to: Option<&Position>) {
        let done = self.journal.settle(claim, &issues(), settled, &[], to).await;
        done.expect("records can be settled");
    }

    pub(super) async fn fail(&self, claim: &Claim, failed: &[Failure]) {
        let done = self.journal.settle(claim, &issues(), &[], failed, None).await;
        done.expect("failures can be settled");
    }

    /// A whole run over the lane that settles these records.
    pub(super) async fn carry(&self, settled: &[Settled]) -> Claim {
        let claim = self.start().await;
        self.settle(&claim, settled, Some(&Position::Done)).await;
        self.close(&claim, JobState::Finished).await;
        claim
    }

    pub(super) async fn position(&self, claim: &Claim) -> Position {
        self.journal.position(claim, &issues()).await.expect("a position can be read")
    }

    pub(super) async fn gone(
        &self,
        claim: &Claim,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<String> {
        let gone = self.journal.gone(claim, &issues(), after, limit).await;
        gone.expect("a lane can be asked").into_iter().map(|it| it.origin.id).collect()
    }

    pub(super) async fn items(&self, route: u64, query: ItemQuery) -> Vec<Item> {
        self.journal.items(route, &issues(), &query).await.expect("items can be looked up")
    }

    pub(super) async fn lanes(&self, job: JobId) -> Vec<LaneView> {
        let history = self.journal.history(job).await.expect("there is a history");
        history.lanes().await.expect("lanes can be read")
    }

    /// Counters of the usual lane.
    pub(super) async fn counts(&self, claim: &Claim) -> Counts {
        let lanes = self.lanes(claim.job).await;
        let lane = lanes.iter().find(|it| Lane::new(it.scope.clone(), it.kind) == issues());
        lane.map(|it| it.counts).unwrap_or_default()
    }

    pub(super) async fn failures(&self, job: JobId) -> Vec<Failure> {
        let history = self.journal.history(job).await.expect("there is a history");
        history.failures(0, 100).await.expect("failures can be read")
    }
}
