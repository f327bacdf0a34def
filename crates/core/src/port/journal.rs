//! The durable memory of jobs: the queue, and what each record became.
//!
//! A *route* is a pair of endpoints; jobs over the same route share its items,
//! which is what makes a second run carry only the difference.

use crate::{
    catalogue::ObjectKind,
    event::Event,
    fingerprint::Fingerprint,
    job::{JobId, JobSpec, JobState, JobView},
    loss::Loss,
    port::{history::History, sink::Outcome},
    record::{Cursor, Lane, Origin, Scope, TargetId},
    support::Settle,
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Failure of the journal itself; always ends the run.
#[derive(Debug, thiserror::Error)]
#[error("could not {operation} in the journal")]
pub struct JournalError {
    /// What was tried.
    pub operation: &'static str,
    /// The database's error, or which claim was lost.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl JournalError {
    /// Whether the claim is another's now, or was closed.
    pub fn is_claim_lost(&self) -> bool {
        self.source.is::<ClaimLost>()
    }
}

/// Why a write was refused: the claim is another's now, or was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the claim of job {job} is no longer good: another worker took it over, or it was closed")]
pub struct ClaimLost {
    /// The job.
    pub job: JobId,
}

/// Right of one worker to work on one job until the lease runs out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The job.
    pub job: JobId,
    /// The job's route.
    pub route: u64,
    /// Counts the claims of this job; writes under an older one are refused.
    pub epoch: u64,
    /// How long the right lasts without a heartbeat.
    pub lease: Duration,
}

/// What a heartbeat learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulse {
    /// Go on.
    Beating,
    /// Somebody wants the job to stop.
    Cancelling,
    /// The claim is another's now: stop without writing anything more.
    Lost,
}

/// Where a lane stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// No page is through yet.
    #[default]
    Start,
    /// The next page starts here.
    At(Cursor),
    /// All pages are through.
    Done,
}

impl Position {
    /// The cursor to read from, if past the first page.
    pub fn cursor(&self) -> Option<&Cursor> {
        match self {
            Self::At(cursor) => Some(cursor),
            Self::Start | Self::Done => None,
        }
    }
}

/// A record that is about to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Id of its origin; kind and scope are the lane's.
    pub id: String,
    /// Fingerprint of what is about to be written.
    pub fingerprint: Fingerprint,
}

/// What the journal knows of a record when its turn comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Never tried.
    Fresh,
    /// Tried, and the run ended before the outcome was noted: ask the sink.
    Interrupted,
    /// Written before with this very fingerprint.
    Done,
    /// Written before with another fingerprint, as this target.
    Changed(TargetId),
}

/// A record whose outcome is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// Id of its origin.
    pub id: String,
    /// Fingerprint of what was written.
    pub fingerprint: Fingerprint,
    /// What it became; without meaning where it was dropped.
    pub target: TargetId,
    /// How; `None` when it was [`Begun::Done`] and nothing was written.
    pub outcome: Option<Outcome>,
    /// What it lost, on the way and at the destination.
    pub losses: Vec<Loss>,
}

/// A record that did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Where it belongs at the source.
    pub scope: Scope,
    /// Its kind.
    pub kind: ObjectKind,
    /// Id of its origin; `None` when the whole lane failed.
    pub id: Option<String>,
    /// Why, for people: the chain of errors.
    pub reason: String,
}

/// An item of the journal: what a record became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Where it belongs at the source.
    pub scope: Scope,
    /// Where it came from.
    pub origin: Origin,
    /// What it became.
    pub target: TargetId,
    /// Fingerprint of what was written.
    pub fingerprint: Fingerprint,
    /// Job that first created it at the destination; `None` when it was there before us.
    pub created_by: Option<JobId>,
    /// Job that last wrote it.
    pub written_by: JobId,
    /// Job that last met it, whether it wrote it or found it unchanged.
    pub seen_by: Option<JobId>,
}

/// Which items to look up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemQuery {
    /// Those of these origin ids.
    Origins(Vec<String>),
    /// Those of these targets.
    Targets(Vec<TargetId>),
    /// Up to `limit` in order of origin id, after that id.
    After(Option<String>, usize),
}

/// Items of a lane that this job's run has not seen at the source.
pub type Gone = Vec<Item>;

/// Step of a job's life that a project has reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Nothing has moved.
    #[default]
    Waiting,
    /// Records are moving.
    Carrying,
    /// Everything was carried.
    Carried,
    /// It was read back and is as it should be.
    Verified,
    /// It was read back and differs.
    Differs,
    /// It stopped with an error.
    Failed,
    /// Nothing moves, because something is in the way that somebody has to decide on.
    Blocked,
}

/// Counters of a lane in a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Records that the source said it has, where it said.
    pub source: Option<u64>,
    /// Records read.
    pub read: u64,
    /// Made at the destination.
    pub created: u64,
    /// Brought up to date.
    pub updated: u64,
    /// Found as they should be, made by an interrupted run or by others.
    pub adopted: u64,
    /// Written by an earlier job and the same since.
    pub unchanged: u64,
    /// Removed from the destination because they are gone at the source.
    pub deleted: u64,
    /// Not carried on purpose, with a loss that says so.
    pub dropped: u64,
    /// Failed.
    pub failed: u64,
    /// Losses noted.
    pub losses: u64,
}

impl Counts {
    /// Adds another lane's counters.
    pub fn add(&mut self, other: &Self) {
        self.source = match (self.source, other.source) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        };
        self.read += other.read;
        self.created += other.created;
        self.updated += other.updated;
        self.adopted += other.adopted;
        self.unchanged += other.unchanged;
        self.deleted += other.deleted;
        self.dropped += other.dropped;
        self.failed += other.failed;
        self.losses += other.losses;
    }
}

/// A lane of a job, as people see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaneView {
    /// Where it belongs at the source.
    pub scope: Scope,
    /// Its kind.
    pub kind: ObjectKind,
    /// Where it stands.
    pub position: Position,
    /// Its counters.
    pub counts: Counts,
}

/// A project of a job, as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectView {
    /// Full path at the source.
    pub source: String,
    /// Full path at the destination.
    pub target: String,
    /// How far it is.
    pub stage: Stage,
    /// Why it failed or differs.
    pub reason: Option<String>,
}

/// Jobs waiting, running and done; at most one worker holds a job.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Adds a job.
    async fn submit(&self, spec: &JobSpec) -> Result<JobId, JournalError>;

    /// Takes a job that waits, that stopped, or whose worker's lease ran out; one that is asked for
    /// by its number also when it was cancelled or failed:
    /// that one, or else the oldest of those that are [queued](JobSpec::queued).
    ///
    /// `None` when there is none, another worker holds it, or another job of its route is being
    /// carried. A job of the route whose worker fell silent is stopped, and its claim is lost.
    /// Lanes of a failed job in which something failed start again.
    async fn claim(
        &self,
        job: Option<JobId>,
        worker: &str,
        lease: Duration,
    ) -> Result<Option<Claim>, JournalError>;

    /// Extends the lease, and says whether to go on.
    async fn heartbeat(&self, claim: &Claim) -> Result<Pulse, JournalError>;

    /// Asks a job to stop; a waiting one is stopped at once. `false` when it had ended already.
    async fn cancel(&self, job: JobId) -> Result<bool, JournalError>;

    /// Ends a claim with the state that the job is in now, and why.
    async fn close(
        &self,
        claim: &Claim,
        state: JobState,
        reason: Option<&str>,
    ) -> Result<(), JournalError>;

    /// Keeps a JSON document of a job under a name, such as `plan`; an older one is replaced.
    async fn keep(
        &self,
        job: JobId,
        name: &str,
        document: &serde_json::Value,
    ) -> Result<(), JournalError>;

    /// Reads a document that was kept.
    async fn kept(&self, job: JobId, name: &str)
    -> Result<Option<serde_json::Value>, JournalError>;

    /// One job, or all of them, newest first.
    async fn jobs(&self, job: Option<JobId>) -> Result<Vec<JobView>, JournalError>;
}

/// What a running job remembers.
///
/// Every method that takes a claim must fail when the claim is another's now.
#[async_trait]
pub trait Journal: Queue {
    /// Where a lane stands in this job.
    async fn position(&self, claim: &Claim, lane: &Lane) -> Result<Position, JournalError>;

    /// Notes that these records are about to be written, and says what is known of each, in order.
    ///
    /// With [`Settle::Page`] one mark for the lane stands for all of them, and may stand until
    /// the lane is done: after a crash, as many fresh records as were ever under way at a time
    /// are told as interrupted.
    async fn begin(
        &self,
        claim: &Claim,
        lane: &Lane,
        settle: Settle,
        entries: &[Entry],
    ) -> Result<Vec<Begun>, JournalError>;

    /// Notes outcomes, losses, failures and the lane's new position, in one transaction.
    ///
    /// A record counts once in a job, by the first outcome that is settled: a page
    /// that is read again after a crash, or a record that is written again to
    /// mend its references, moves its item and leaves the counters alone. A
    /// failure is taken back when the record is settled after all, and a lane's
    /// own failure when the lane moves on.
    async fn settle(
        &self,
        claim: &Claim,
        lane: &Lane,
        settled: &[Settled],
        failed: &[Failure],
        to: Option<&Position>,
    ) -> Result<(), JournalError>;

    /// Up to `limit` items of a lane after that origin id, in order of ids, that were written by
    /// earlier jobs and that this job has neither seen nor failed at: gone at the source. None
    /// before the lane is done.
    async fn gone(
        &self,
        claim: &Claim,
        lane: &Lane,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Gone, JournalError>;

    /// Forgets items, because their objects were removed from the destination, and counts them as deleted.
    async fn forget(&self, claim: &Claim, lane: &Lane, ids: &[String]) -> Result<(), JournalError>;

    /// Looks up items of a route's lane: what was written, and not what was dropped.
    async fn items(
        &self,
        route: u64,
        lane: &Lane,
        query: &ItemQuery,
    ) -> Result<Vec<Item>, JournalError>;

    /// Fields in which records of these origin ids lost something, in any job of the route: pairs
    /// of id and field, each pair once, in that order.
    async fn lost_fields(
        &self,
        route: u64,
        lane: &Lane,
        ids: &[String],
    ) -> Result<Vec<(String, String)>, JournalError>;

    /// Notes an event; progress ticks are not noted, but for what they say of the source's count.
    ///
    /// [`Event::Project`] moves the project's view, [`Event::Dropped`] the lane's counters and losses.
    async fn note(&self, claim: &Claim, event: &Event) -> Result<(), JournalError>;

    /// Everything that was noted of a job, for reports: see [`History`].
    async fn history(&self, job: JobId) -> Result<Box<dyn History>, JournalError>;
}
