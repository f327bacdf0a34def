//! What became of a job, for people and for programs.
//!
//! [`Report`] is small whatever the size of the job: counts, groups of losses
//! with a few examples, the first failures. What is long, every loss and every
//! failure, is streamed by [`csv`] and [`json`] page after page from the
//! journal's history. All renderers write to an [`std::io::Write`] and none
//! decides anything.

mod csv;
mod gather;
mod html;
mod json;
mod table;
mod text;

pub use csv::csv;
pub use gather::report;
pub use html::html;
pub use json::{json, json_with_details};
pub use text::text;

use crate::verify::Verification;
use packhorse_core::{
    LossCause, ObjectKind,
    job::{JobId, JobState},
    model::Time,
    plan::{Conflict, Fate},
    port::{Counts, Failure, JournalError, NotedLoss, ProjectView, SourceLoss},
};
use serde::{Deserialize, Serialize};

/// Name of the document of a job that holds what a destination said of its own import of what the
/// job made: a list of [`NotedLoss`].
pub const HANDED_OVER: &str = "handed_over";

/// Groups of losses that are told apart; what comes after is counted in groups without detail.
pub const MAX_LOSS_GROUPS: usize = 1_000;

/// Failures that a report lists; all of them are in the streamed forms.
pub const MAX_FAILURES: usize = 100;

/// Ids that a group of losses names as examples.
pub const MAX_EXAMPLES: usize = 5;

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The journal could not be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// There is no such job.
    #[error("there is no job {0}")]
    UnknownJob(JobId),
    /// It could not be written.
    #[error("could not write the report")]
    Write(#[from] std::io::Error),
    /// A document in the journal is not what it should be, or the report has no JSON form.
    #[error("could not read or write the report's JSON")]
    Json(#[from] serde_json::Error),
}

/// What became of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The job.
    pub job: JobId,
    /// Location that it read from.
    pub from: String,
    /// Location that it wrote to.
    pub to: String,
    /// Where it stands.
    pub state: JobState,
    /// Why it stopped or failed.
    pub reason: Option<String>,
    /// When a worker first took it.
    pub started_at: Option<Time>,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// How long it took, in seconds.
    pub seconds: Option<f64>,
    /// Projects, with their stages.
    pub projects: Vec<ProjectView>,
    /// One row for each kind that was planned or read.
    pub kinds: Vec<KindRow>,
    /// Sum of all rows.
    pub total: Counts,
    /// What was lost, in groups; unplanned ones come first, then the larger.
    pub losses: Vec<LossGroup>,
    /// What was lost already in reading, as the plan said.
    pub source_losses: Vec<SourceLoss>,
    /// What the plan warned of.
    pub conflicts: Vec<Conflict>,
    /// Logins that the users file does not map.
    pub unmapped_users: Vec<String>,
    /// The first failures.
    pub failures: Vec<Failure>,
    /// Failures in all.
    pub n_failures: u64,
    /// What reading back came to, where it was done.
    pub verification: Option<Verification>,
    /// What the destination said of its own import of what the job made; it is among the losses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handed_over: Vec<NotedLoss>,
    /// What became of each project in the words of the command that began the job, where it has any
    /// of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<Told>,
}

/// What a command told of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Full path at the destination.
    pub project: String,
    /// What people call it, where that is something else.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What became of it, in a word.
    pub result: String,
    /// Why, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What somebody should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Report {
    /// Losses in all.
    pub fn n_losses(&self) -> u64 {
        self.losses.iter().map(|it| it.count).sum()
    }

    /// Losses that the plan did not foresee.
    pub fn n_unplanned(&self) -> u64 {
        self.losses.iter().filter(|it| !it.planned).map(|it| it.count).sum()
    }

    /// Whether everything arrived as it was.
    pub fn is_whole(&self) -> bool {
        self.state == JobState::Finished
            && self.losses.is_empty()
            && self.source_losses.is_empty()
            && self.n_failures == 0
            && self.total.dropped == 0
            && self.verification.as_ref().is_none_or(|it| it.clean)
    }
}

/// A kind: what was planned, and what happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KindRow {
    /// The kind.
    pub kind: ObjectKind,
    /// Records that the plan counted.
    pub planned: Option<u64>,
    /// What the plan said would become of it.
    pub fate: Option<Fate>,
    /// What happened.
    #[serde(flatten)]
    pub counts: Counts,
}

/// Losses that are alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LossGroup {
    /// Kind of the records.
    pub kind: ObjectKind,
    /// Field that was lost.
    pub field: String,
    /// Whose fault.
    pub cause: LossCause,
    /// What became of it.
    pub detail: String,
    /// How many.
    pub count: u64,
    /// Whether the plan foresaw it.
    pub planned: bool,
    /// The first records that have it, as `project#id`.
    pub examples: Vec<String>,
}
