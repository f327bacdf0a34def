//! What the service's own API takes and tells.

use packhorse_core::{
    ObjectKind,
    job::{Events, Gaps, JobOptions, JobState},
    model::Time,
    selection::{Pair, Pattern, Selection},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

use super::error::Problem;

/// Most names in a list of a request.
const MOST_NAMES: usize = 10_000;

/// Largest users file, in bytes.
const LARGEST_USERS: usize = 512 << 10;

/// A migration that somebody wants.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Start {
    /// Location to read from: `work:acme`, `github:https://github.com/acme#acme/app`.
    pub(crate) from: String,
    /// Location to write to.
    pub(crate) to: String,
    /// Token or password for the source, where the service's configuration has none. It is kept
    /// encrypted, for as long as the job lives.
    pub(crate) from_token: Option<String>,
    /// Token or password for the destination; as `from_token`.
    pub(crate) to_token: Option<String>,
    /// How.
    #[serde(default)]
    pub(crate) options: Options,
}

/// How a job shall be done.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Options {
    /// Only these kinds, if there are any.
    only: Vec<String>,
    /// Not these kinds.
    skip: Vec<String>,
    /// Patterns of projects that are wanted: `acme/*`.
    include: Vec<String>,
    /// Patterns of projects that are not wanted, whatever includes them.
    exclude: Vec<String>,
    /// Projects by name, with other names at the destination where that is said.
    projects: Vec<Project>,
    /// Whether what is gone at the source is removed from the destination.
    delete: bool,
    /// Whether refs that somebody changed at the destination are overwritten.
    force: bool,
    /// Whether a loss that was not planned counts as a failure.
    strict: bool,
    /// What becomes of what happened to issues and change requests: `native`, `comment` or `none`.
    events: Option<String>,
    /// Whether closed issues take numbers that nothing has: `fill` or `leave`.
    gaps: Option<String>,
    /// A users file: a line `login:login` each.
    users: Option<String>,
    /// Whether the destination is left unread afterwards.
    no_verify: bool,
}

/// A project, and what it is called at the destination.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Project {
    /// Full path at the source.
    source: String,
    /// Full path at the destination.
    target: Option<String>,
}

/// Credentials for a job that has forgotten its own.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Again {
    /// Token or password for the source, where the request had one.
    pub(crate) from_token: Option<String>,
    /// Token or password for the destination, where the request had one.
    pub(crate) to_token: Option<String>,
}

fn kinds(names: &[String]) -> Result<BTreeSet<ObjectKind>, Problem> {
    let one = |name: &String| {
        ObjectKind::named(name).ok_or_else(|| Problem::invalid(format!("{name:?} is no kind")))
    };
    names.iter().map(one).collect()
}

fn patterns(texts: &[String]) -> Result<Vec<Pattern>, Problem> {
    let one = |text: &String| Pattern::parse(text).map_err(|it| Problem::invalid(it.to_string()));
    texts.iter().map(one).collect()
}

impl Options {
    /// As the engine has them; `project` and `target` stand in the locations.
    pub(crate) fn read(
        self,
        project: Option<String>,
        target: Option<String>,
    ) -> Result<JobOptions, Problem> {
        let lists = [&self.only, &self.skip, &self.include, &self.exclude].map(Vec::len);
        if lists.into_iter().any(|it| it > MOST_NAMES) || self.projects.len() > MOST_NAMES {
            return Err(Problem::invalid(format!("a list has more than {MOST_NAMES} names")));
        }
        if self.users.as_ref().is_some_and(|it| it.len() > LARGEST_USERS) {
            return Err(Problem::invalid(format!("`users` has more than {LARGEST_USERS} bytes")));
        }
        let pairs = self.projects.into_iter().map(|it| Pair {
            source: it.source,
            target: it.target,
            said: "the request".to_owned(),
        });
        Ok(JobOptions {
            only: kinds(&self.only)?,
            skip: kinds(&self.skip)?,
            delete: self.delete,
            force: self.force,
            strict: self.strict,
            project,
            selection: Selection {
                include: patterns(&self.include)?,
                exclude: patterns(&self.exclude)?,
                pairs: pairs.collect(),
            },
            events: match self.events.as_deref() {
                None | Some("native") => Events::Native,
                Some("comment") => Events::Comment,
                Some("none") => Events::None,
                Some(_) => {
                    return Err(Problem::invalid("`events` is `native`, `comment` or `none`"));
                }
            },
            gaps: match self.gaps.as_deref() {
                None | Some("fill") => Gaps::Fill,
                Some("leave") => Gaps::Leave,
                Some(_) => return Err(Problem::invalid("`gaps` is `fill` or `leave`")),
            },
            target,
            users: self.users.filter(|it| !it.trim().is_empty()),
            verify: !self.no_verify,
            ..JobOptions::default()
        })
    }
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// Nobody has taken it.
    Waiting,
    /// A worker has it.
    Running,
    /// It ran to its end and all arrived.
    Finished,
    /// It ran to its end; something failed, differs or was lost without having been planned.
    Failed,
    /// It stopped before its end and goes on by itself.
    Stopped,
    /// It was cancelled; it can be resumed.
    Cancelled,
}

impl From<JobState> for State {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Waiting => Self::Waiting,
            JobState::Running => Self::Running,
            JobState::Finished => Self::Finished,
            JobState::Failed => Self::Failed,
            JobState::Stopped => Self::Stopped,
            JobState::Cancelled => Self::Cancelled,
        }
    }
}

impl State {
    pub(crate) const ALL: [Self; 6] = [
        Self::Waiting,
        Self::Running,
        Self::Finished,
        Self::Failed,
        Self::Stopped,
        Self::Cancelled,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more happens by itself.
    pub(crate) const fn has_ended(self) -> bool {
        match self {
            Self::Finished | Self::Failed | Self::Cancelled => true,
            Self::Waiting | Self::Running | Self::Stopped => false,
        }
    }
}

/// A job.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct Job {
    /// Its number, the same as on the command line.
    pub(crate) id: u64,
    /// Where it stands.
    pub(crate) state: State,
    /// Why it stopped or failed.
    pub(crate) reason: Option<String>,
    /// Whether somebody asked it to stop, and it has not yet.
    pub(crate) cancelling: bool,
    /// What shall be done with it now that it has ended: `resume` or `rollback`.
    pub(crate) wish: Option<String>,
    /// Whether what it wrote was removed again.
    pub(crate) rolled_back: Option<RolledBack>,
    /// Location that it reads from.
    pub(crate) from: String,
    /// Location that it writes to.
    pub(crate) to: String,
    /// Account that asked for it.
    pub(crate) user: String,
    /// API and resource through which it was asked for, such as `gitlab.bulk_import`.
    pub(crate) asked_through: String,
    /// When it was added, as RFC 3339.
    pub(crate) created_at: String,
    /// When a worker first took it.
    pub(crate) started_at: Option<String>,
    /// When it ended.
    pub(crate) ended_at: Option<String>,
    /// How far it is.
    pub(crate) progress: Progress,
}

/// What rolling a job back came to.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct RolledBack {
    /// Objects that were removed.
    pub(crate) removed: u64,
    /// Objects that were left, because somebody has changed them since or they cannot go.
    pub(crate) left: u64,
    /// Why it was not done to its end.
    pub(crate) error: Option<String>,
}

/// How far a job is.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
pub(crate) struct Progress {
    /// Projects that are through.
    pub(crate) projects_done: u64,
    /// Projects in all, as far as known.
    pub(crate) projects: u64,
    /// Records in all, where the source tells.
    pub(crate) records: Option<u64>,
    /// Records read.
    pub(crate) read: u64,
    /// Records that arrived, also those that had already.
    pub(crate) carried: u64,
    /// Records that did not.
    pub(crate) failed: u64,
    /// Losses that were noted.
    pub(crate) losses: u64,
    /// Bytes of repositories and files that have moved.
    pub(crate) bytes: u64,
    /// Records a second of late.
    pub(crate) rate: Option<f64>,
    /// Seconds that it will take at that rate.
    pub(crate) seconds_left: Option<u64>,
    /// One row for each kind that there is anything of.
    pub(crate) kinds: Vec<Kind>,
    /// Limits that it may be waiting for now.
    pub(crate) waits: Vec<Wait>,
}

/// How far a kind is.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Kind {
    /// Its name.
    pub(crate) kind: String,
    /// Records in all, where the source tells.
    pub(crate) records: Option<u64>,
    /// Records read.
    pub(crate) read: u64,
    /// Records that arrived, also those that had already.
    pub(crate) carried: u64,
    /// Records that were left out on purpose.
    pub(crate) dropped: u64,
    /// Records that failed.
    pub(crate) failed: u64,
    /// Losses that were noted.
    pub(crate) losses: u64,
}

/// A limit that a host has.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Wait {
    /// The host and its limit.
    pub(crate) limit: String,
    /// Until when.
    pub(crate) until: String,
}

/// A page of jobs, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Jobs {
    /// The jobs.
    pub(crate) jobs: Vec<Job>,
    /// What `before` has to be for the next page, if there is one.
    pub(crate) next: Option<u64>,
}

/// Losses that are alike.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct LossGroup {
    /// Kind of the records.
    pub(crate) kind: String,
    /// Field that was lost; `*` for all.
    pub(crate) field: String,
    /// Whose fault: `source`, `policy` or `sink`.
    pub(crate) cause: String,
    /// What became of it.
    pub(crate) detail: String,
    /// How many.
    pub(crate) count: u64,
    /// Whether the plan foresaw it.
    pub(crate) planned: bool,
    /// The first records that have it.
    pub(crate) examples: Vec<String>,
}

/// One loss.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Loss {
    /// Its place among all of the job.
    pub(crate) number: u64,
    /// Full path of the project at the source; `null` for what stands beside projects.
    pub(crate) project: Option<String>,
    /// Kind of the record.
    pub(crate) kind: String,
    /// Id of the record at the source.
    pub(crate) id: String,
    /// Field that was lost; `*` for all.
    pub(crate) field: String,
    /// Whose fault: `source`, `policy` or `sink`.
    pub(crate) cause: String,
    /// What became of it.
    pub(crate) detail: String,
    /// Where people find the record at the source.
    pub(crate) source_url: Option<String>,
    /// Where people find it at the destination.
    pub(crate) target_url: Option<String>,
}

/// Losses of a job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Losses {
    /// The losses.
    pub(crate) losses: Vec<Loss>,
    /// What `after` has to be for the next page, if there may be one.
    pub(crate) next: Option<u64>,
}

/// Something that did not arrive.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Failure {
    /// Full path of the project at the source; `null` for what stands beside projects.
    pub(crate) project: Option<String>,
    /// Kind of the record.
    pub(crate) kind: String,
    /// Id of the record at the source; `null` when all of that kind failed there.
    pub(crate) id: Option<String>,
    /// Why.
    pub(crate) reason: String,
    /// Where people find the record at the source.
    pub(crate) source_url: Option<String>,
}

/// Failures of a job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Failures {
    /// The failures.
    pub(crate) failures: Vec<Failure>,
    /// What `after` has to be for the next page, if there may be one.
    pub(crate) next: Option<u64>,
}

/// A moment, as RFC 3339.
pub(crate) fn moment(at: Time) -> String {
    at.to_string()
}

/// One record of a job at both ends.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Comparison {
    /// Full path of the project at the source; `null` for what stands beside projects.
    pub(crate) project: Option<String>,
    /// Kind of the record.
    pub(crate) kind: String,
    /// Its id at the source, where that is known.
    pub(crate) id: Option<String>,
    /// Its id at the destination, where it was written.
    pub(crate) target_id: Option<String>,
    /// Where people find it at the source.
    pub(crate) source_url: Option<String>,
    /// Where people find it at the destination.
    pub(crate) target_url: Option<String>,
    /// Where it is, and whether it is there as it should be.
    pub(crate) standing: Standing,
    /// Its fields on both sides.
    pub(crate) fields: Vec<ComparedField>,
    /// What of it was lost.
    pub(crate) losses: Vec<Loss>,
    /// Why it did not arrive, where it failed.
    pub(crate) failure: Option<String>,
}

/// Where a record is, and whether it is there as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    /// On both sides, as it was to be written.
    AsItShould,
    /// On both sides, and not as it was to be written.
    Differs,
    /// It has not arrived, or is not there any more.
    OnlyAtSource,
    /// The source does not have it any more.
    OnlyAtDestination,
    /// On neither side.
    Nowhere,
    /// It did not come up on one side in the time that an answer may take.
    Unknown,
}

/// A field of a record at both ends.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ComparedField {
    /// Its name.
    pub(crate) name: String,
    /// Its value at the source; `null` for none.
    pub(crate) source: serde_json::Value,
    /// Its value at the destination; `null` for none.
    pub(crate) target: serde_json::Value,
    /// How the two go together.
    pub(crate) state: FieldState,
}

/// How the two values of a field go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FieldState {
    /// They are the same, or there is one side alone.
    Same,
    /// They are not, and the destination has what was to be written there: links, accounts and ids
    /// are its own, and what it has no place for is lost.
    Converted,
    /// The destination does not have what was to be written there.
    Differs,
}
