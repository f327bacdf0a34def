//! What went wrong, in words for people, and what to try next.
//!
//! Every error of the other crates is turned into a message, hints and an exit
//! status here and nowhere else.

use crate::terminal;
use packhorse_core::{HostError, HostErrorKind, host::LocationError, port::JournalError};
use packhorse_engine::EngineError;
use std::{error::Error, fmt, process::ExitCode};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// All arrived; what was asked holds.
    Done,
    /// The run failed, or what was asked does not hold.
    Failed,
    /// It was used wrongly.
    Usage,
    /// All that could arrive did, with losses, and `--strict` was given.
    Losses,
    /// It stopped and can be resumed.
    Stopped,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Done => 0,
            Status::Failed => 1,
            Status::Usage => 2,
            Status::Losses => 3,
            Status::Stopped => 4,
        })
    }
}

/// An error with its hints.
#[derive(Debug)]
pub(crate) struct AppError {
    status: Status,
    message: String,
    cause: Option<Box<dyn Error + Send + Sync>>,
    hints: Vec<String>,
}

impl AppError {
    /// Something that failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { status: Status::Failed, message: message.into(), cause: None, hints: Vec::new() }
    }

    /// Something that was asked wrongly.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { status: Status::Usage, ..Self::failed(message) }
    }

    /// Adds the error underneath.
    pub(crate) fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds what to try next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// What happened and why, on one line and without what to try.
    pub(crate) fn reason(&self) -> String {
        std::iter::once(self.message.clone()).chain(self.causes()).collect::<Vec<_>>().join(": ")
    }

    /// What each of the causes says, but for one that repeats what was said before it.
    fn causes(&self) -> Vec<String> {
        let mut said = vec![self.message.clone()];
        let mut cause = self.cause.as_deref().map(|it| it as &dyn Error);
        while let Some(error) = cause {
            said.push(error.to_string());
            cause = error.source();
        }
        said.dedup();
        said.split_off(1)
    }

    /// Tells it, and gives the exit status.
    pub(crate) fn show(self) -> ExitCode {
        terminal::talk(self.to_string().trim_end());
        self.status.into()
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", self.message)?;
        for cause in self.causes() {
            writeln!(f, "  caused by: {cause}")?;
        }
        if !self.hints.is_empty() {
            writeln!(f)?;
        }
        self.hints.iter().try_for_each(|hint| writeln!(f, "hint: {hint}"))
    }
}

impl From<std::io::Error> for AppError {
    fn from(error: std::io::Error) -> Self {
        Self::failed("the system refused").because(error)
    }
}

impl From<LocationError> for AppError {
    fn from(error: LocationError) -> Self {
        Self::usage(error.to_string())
            .hint("`packhorse hosts` lists the kinds of locations and how each is written")
    }
}

impl From<JournalError> for AppError {
    fn from(error: JournalError) -> Self {
        Self::failed(error.to_string())
            .because(error)
            .hint("the journal is `./.packhorse/journal.sqlite`, or where `--journal` or `--journal-url` says")
    }
}

impl From<HostError> for AppError {
    fn from(error: HostError) -> Self {
        let hint = host_hint(error.kind);
        let app = Self::failed(error.to_string()).because(error);
        match hint {
            Some(hint) => app.hint(hint),
            None => app,
        }
    }
}

fn host_hint(kind: HostErrorKind) -> Option<&'static str> {
    match kind {
        HostErrorKind::Unauthorized | HostErrorKind::Forbidden => {
            Some("give credentials by environment: see `packhorse help migrate`")
        }
        HostErrorKind::NotFound => Some("`packhorse show LOCATION` lists what is there"),
        HostErrorKind::Unsupported => Some("`packhorse hosts` says what each can do"),
        HostErrorKind::Conflict
        | HostErrorKind::Rejected
        | HostErrorKind::RateLimited
        | HostErrorKind::Protocol
        | HostErrorKind::Unavailable => None,
    }
}

impl From<packhorse_engine::report::ReportError> for AppError {
    fn from(error: packhorse_engine::report::ReportError) -> Self {
        Self::failed(error.to_string()).because(error)
    }
}

impl From<EngineError> for AppError {
    fn from(error: EngineError) -> Self {
        let hint = match &error {
            EngineError::Host(error) => host_hint(error.kind),
            EngineError::Git(_) => {
                Some("credentials come by environment: see `packhorse help migrate`")
            }
            EngineError::Users(_) => {
                Some("the users file has lines `old:new`, or is CSV with a header")
            }
            EngineError::Blocked { .. } => Some(
                "`packhorse plan FROM TO --write-conflicts FILE` lists all, to be decided on there",
            ),
            EngineError::NoProject { .. } => Some("`packhorse show LOCATION` lists what is there"),
            EngineError::NothingSelected { .. } => {
                Some("`packhorse inventory LOCATION` lists the projects; capitals count")
            }
            EngineError::RolledBack { .. } => {
                Some("run `packhorse migrate` to carry everything anew")
            }
            EngineError::Held { .. } => Some("`packhorse status` says which worker has it"),
            EngineError::Broken(_) => {
                Some("nothing is lost: `packhorse resume JOB` goes on where it broke off")
            }
            EngineError::Journal(_)
            | EngineError::Verify(_)
            | EngineError::Target { .. }
            | EngineError::Namespace { .. }
            | EngineError::Stopped(_)
            | EngineError::Relink(_)
            | EngineError::Report(_)
            | EngineError::Scratch(_)
            | EngineError::Lines(_)
            | EngineError::Document { .. } => None,
        };
        let app = Self::failed(error.to_string()).because(error);
        match hint {
            Some(hint) => app.hint(hint),
            None => app,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_its_causes_once_and_then_what_to_try() {
        let cause = HostError::new(HostErrorKind::NotFound, "open the archive")
            .with("file", "x.tar.gz")
            .because(std::io::Error::other("no such file"));

        let text = AppError::from(cause).to_string();

        assert_eq!(
            text,
            "error: could not open the archive, file `x.tar.gz`\n  caused by: no such file\n\n\
             hint: `packhorse show LOCATION` lists what is there\n"
        );
    }
}
