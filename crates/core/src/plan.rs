//! The plan: what will arrive, and how, before anything moves.

use crate::{
    catalogue::ObjectKind,
    conflict::{About, Choice},
    loss::LossCause,
    port::SourceLoss,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is to be expected of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Location to read from.
    pub from: String,
    /// Location to write to.
    pub to: String,
    /// Projects, in the source's order.
    pub projects: Vec<PlannedProject>,
    /// One row for each kind that the source has any of.
    pub kinds: Vec<PlannedKind>,
    /// What is lost already in reading.
    pub source_losses: Vec<SourceLoss>,
    /// Names and numbers that are taken at the destination, and other things to look at first.
    pub conflicts: Vec<Conflict>,
    /// Logins that the users file does not map, if one was given.
    pub unmapped_users: Vec<String>,
    /// How long it takes at least, where an end is asked over HTTP.
    #[serde(default)]
    pub forecast: Option<Forecast>,
    /// Which way each project goes, where there was a choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<PlannedWay>,
}

/// Which way a project goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedWay {
    /// Full path at the source.
    pub project: String,
    /// `archive` or `api`.
    pub by: String,
    /// Why.
    pub why: String,
}

/// How long a run takes at least, by what hosts publish of how often they may be asked.
///
/// Repositories and files travel beside it; the time of their bytes is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// Seconds in all: those of the slower end, for both work at the same time.
    pub seconds: u64,
    /// The source, where it is asked over HTTP.
    pub source: Option<EndForecast>,
    /// The destination, where it is asked over HTTP.
    pub destination: Option<EndForecast>,
    /// Kinds that the source does not count, and that are not in it.
    pub uncounted: Vec<ObjectKind>,
}

/// What one end of a run takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndForecast {
    /// Id or alias of the host.
    pub host: String,
    /// Requests in all.
    pub requests: u64,
    /// Seconds in all.
    pub seconds: u64,
    /// The limit that decides; `None` where the host's own speed does.
    pub critical: Option<String>,
    /// Tokens that it was reckoned with.
    pub tokens: u64,
    /// Seconds in all with one token more.
    pub seconds_with_another_token: u64,
    /// What each limit alone would take.
    pub buckets: Vec<BucketForecast>,
}

/// What one limit alone would take.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketForecast {
    /// The limit, such as `requests an hour`.
    pub name: String,
    /// Seconds.
    pub seconds: u64,
}

impl Plan {
    /// Whether a loss of that field was foreseen.
    pub fn foresees(&self, kind: ObjectKind, field: &str) -> bool {
        self.kinds.iter().any(|row| {
            row.kind == kind
                && (row.fate == Fate::Dropped
                    || row.gaps.iter().any(|gap| {
                        gap.field == field
                            || gap.field == crate::loss::Loss::WHOLE
                            || field.strip_prefix(&gap.field).is_some_and(|it| it.starts_with('.'))
                    }))
        })
    }

    /// Projects that are not carried until somebody has decided, with the first reason.
    pub fn blocked(&self) -> BTreeMap<&str, &str> {
        let blocking = self.conflicts.iter().rev().filter(|it| it.blocks);
        blocking.filter_map(|it| Some((it.project.as_deref()?, it.detail.as_str()))).collect()
    }

    /// Whether everything arrives as it is.
    pub fn is_whole(&self) -> bool {
        self.source_losses.is_empty() && self.kinds.iter().all(|it| it.fate == Fate::Whole)
    }
}

/// A project that is to be carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedProject {
    /// Full path at the source.
    pub source: String,
    /// Full path at the destination.
    pub target: String,
    /// Records in all, where known.
    pub records: Option<u64>,
    /// Bytes of repositories and blobs, where known.
    pub bytes: Option<u64>,
}

/// What becomes of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It arrives as it is.
    Whole,
    /// It arrives, and some fields do not.
    Degraded,
    /// It does not arrive.
    Dropped,
    /// It was not asked for.
    Skipped,
}

/// A kind that is to be carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedKind {
    /// The kind.
    pub kind: ObjectKind,
    /// Records in all projects, where known.
    pub records: Option<u64>,
    /// Bytes of repositories and blobs, where known.
    pub bytes: Option<u64>,
    /// What becomes of it.
    pub fate: Fate,
    /// Why it is dropped.
    pub why: Option<String>,
    /// Fields that do not arrive as they are.
    pub gaps: Vec<PlannedGap>,
}

/// A field that does not arrive as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedGap {
    /// The field; `*` for any.
    pub field: String,
    /// Whose fault.
    pub cause: LossCause,
    /// What becomes of it.
    pub why: String,
}

/// Something that should be looked at before anything moves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Full path of the project at the source, where it is about one.
    pub project: Option<String>,
    /// What is the matter, for people.
    pub detail: String,
    /// Whether the project is not carried until somebody has decided.
    pub blocks: bool,
    /// What it is about.
    #[serde(default)]
    pub about: About,
    /// What can be chosen at this destination.
    #[serde(default)]
    pub choices: Vec<Choice>,
}

impl Conflict {
    /// Something to look at, with nothing to decide.
    pub fn note(project: Option<String>, detail: String) -> Self {
        Self { project, detail, blocks: false, about: About::Note, choices: Vec::new() }
    }
}
