//! A job: one run over a route, and what became of it.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr};

use crate::{catalogue::ObjectKind, conflict::Resolution, model::Time, selection::Selection};

/// Number of a job in its journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JobId(pub u64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for JobId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// What a job shall do. Holds no secret: credentials are found anew on every run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpec {
    /// Location to read from, as it was given.
    pub from: String,
    /// Location to write to, as it was given.
    pub to: String,
    /// Stable name of the source endpoint.
    pub source_identity: String,
    /// Stable name of the destination endpoint.
    pub sink_identity: String,
    /// How.
    pub options: JobOptions,
    /// Whether it is left to whichever worker is free. Any other is run by whoever asks for it by
    /// its number, who alone may have the files and the credentials that it needs.
    #[serde(default)]
    pub queued: bool,
}

/// How a job shall do it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobOptions {
    /// Only these kinds, if there are any.
    pub only: BTreeSet<ObjectKind>,
    /// Not these kinds.
    pub skip: BTreeSet<ObjectKind>,
    /// Whether what is gone at the source is removed from the destination.
    pub delete: bool,
    /// Whether refs that somebody changed at the destination are overwritten.
    pub force: bool,
    /// Whether any loss makes the run end with a status of its own.
    pub strict: bool,
    /// Only this project of the source.
    pub project: Option<String>,
    /// Only these projects, some of them under other names.
    #[serde(skip_serializing_if = "Selection::is_all")]
    pub selection: Selection,
    /// What becomes of what happened to issues and change requests.
    pub events: Events,
    /// Whether closed issues take numbers that nothing at the source has.
    pub gaps: Gaps,
    /// What was decided about conflicts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resolutions: Vec<Resolution>,
    /// Path that the project, or the owner of all projects, gets at the destination.
    pub target: Option<String>,
    /// The users file's content, so that a resumed run maps as the first did.
    pub users: Option<String>,
    /// Where commits of change requests are kept that no branch leads to, such as
    /// `refs/heads/reviewed`, if not where they are kept as a rule.
    pub keep_commits_under: Option<String>,
    /// Whether the destination is read back and compared afterwards.
    pub verify: bool,
}

impl JobOptions {
    /// Whether records of that kind are wanted.
    pub fn wants(&self, kind: ObjectKind) -> bool {
        let is_left_out = kind == ObjectKind::Event && self.events == Events::None;
        (self.only.is_empty() || self.only.contains(&kind))
            && !self.skip.contains(&kind)
            && !is_left_out
    }
}

/// What becomes of what happened to issues and change requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Events {
    /// Events where the destination has them, and nothing elsewhere.
    #[default]
    Native,
    /// Events where the destination has them, and lines of one closing comment elsewhere.
    Comment,
    /// Nothing.
    None,
}

/// What becomes of numbers that nothing at the source has, where the destination numbers what
/// comes one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gaps {
    /// A closed issue takes each, so that what follows keeps its number.
    #[default]
    Fill,
    /// What follows gets other numbers.
    Leave,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Nobody has taken it.
    Waiting,
    /// A worker has it.
    Running,
    /// It ran to its end and all arrived.
    Finished,
    /// It ran to its end; something failed, differs or was lost without having been planned.
    Failed,
    /// It stopped before its end and can be resumed.
    Stopped,
    /// It was cancelled; it can be resumed too.
    Cancelled,
}

impl JobState {
    /// Stable name, used in the journal and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A job as people see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobView {
    /// Its number.
    pub id: JobId,
    /// Number of its route.
    pub route: u64,
    /// What it shall do.
    pub spec: JobSpec,
    /// Where it stands.
    pub state: JobState,
    /// Why it stopped or failed.
    pub reason: Option<String>,
    /// Whether somebody asked it to stop.
    pub cancelling: bool,
    /// Whether its worker has gone silent past its lease.
    pub lease_expired: bool,
    /// When it was added.
    pub created_at: Time,
    /// When a worker first took it.
    pub started_at: Option<Time>,
    /// When it ended.
    pub ended_at: Option<Time>,
}
