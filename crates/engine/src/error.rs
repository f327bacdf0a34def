//! Why a run, a plan or a roll-back could not be made.

use crate::{
    Stopped, relink::RelinkError, report::ReportError, transform::users::UsersError,
    verify::VerifyError,
};
pub(crate) use packhorse_core::error::chain;
use packhorse_core::{HostError, job::JobId, plan::Conflict, port::JournalError};
use packhorse_git::GitError;

/// Why the engine could not do its work at all.
///
/// What fails for one record or one project is no such error: it stands in the
/// journal, and in the outcome.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// One of the ends failed.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The journal failed, or the claim is another worker's.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The `git` program cannot be used.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The users file cannot be used.
    #[error(transparent)]
    Users(#[from] UsersError),
    /// The destination could not be read back.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The plan has conflicts that somebody has to decide on first.
    #[error("the plan is blocked: {}", first(conflicts))]
    Blocked {
        /// Those that block.
        conflicts: Vec<Conflict>,
    },
    /// The path that was asked for at the destination cannot be one.
    #[error("`{target}` cannot be the path of a project or of its owner")]
    Target {
        /// What was asked for.
        target: String,
    },
    /// Commits of change requests cannot be kept there.
    #[error(
        "`{namespace}` is no place for the commits of change requests: name a prefix of refs \
         that hosts take, such as `refs/heads/reviewed`"
    )]
    Namespace {
        /// What was asked for.
        namespace: String,
    },
    /// The project that was asked for is not at the source.
    #[error("there is no project `{project}` at {from}")]
    NoProject {
        /// Its path.
        project: String,
        /// The source.
        from: String,
    },
    /// The patterns and pairs pick no project of the source, or one that has to be there is not.
    #[error("the projects that are asked for are not all at {from}{}", why.first().map(|it| format!(": {it}")).unwrap_or_default())]
    NothingSelected {
        /// The source.
        from: String,
        /// What each pattern and pair came to.
        why: Vec<String>,
    },
    /// The job was rolled back, so nothing is left to go on with.
    #[error("job {job} was rolled back")]
    RolledBack {
        /// The job.
        job: JobId,
    },
    /// Another worker holds the job.
    #[error("job {job} is another worker's")]
    Held {
        /// The job.
        job: JobId,
    },
    /// The run was asked to stop.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The second pass failed.
    #[error(transparent)]
    Relink(#[from] RelinkError),
    /// The report could not be made.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The scratch directory could not be used.
    #[error("could not use the scratch directory")]
    Scratch(#[from] std::io::Error),
    /// The scratch database could not be used.
    #[error("could not use the scratch database")]
    Lines(#[from] rusqlite::Error),
    /// A task of the run broke off.
    #[error("a part of the run broke off, which is a fault of Packhorse")]
    Broken(#[from] tokio::task::JoinError),
    /// A document in the journal is not what this version writes.
    #[error("could not read the document `{name}` in the journal")]
    Document {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl EngineError {
    /// Whether nothing may go on: the run was asked to stop, or the journal cannot be trusted.
    pub(crate) fn ends_run(&self) -> bool {
        matches!(self, Self::Stopped(_) | Self::Journal(_))
    }

    /// Says which document in the journal could not be read or written.
    pub(crate) fn document(name: &'static str) -> impl FnOnce(serde_json::Error) -> Self {
        move |source| Self::Document { name, source }
    }
}

fn first(conflicts: &[Conflict]) -> String {
    let Some(first) = conflicts.first() else { return String::new() };
    let project = first.project.as_ref().map(|it| format!("{it}: ")).unwrap_or_default();
    let more = match conflicts.len() {
        1 => String::new(),
        n => format!(", and {} more", n - 1),
    };
    format!("{project}{}{more}", first.detail)
}
