//! Why a Git operation stopped.

use packhorse_core::{HostError, HostErrorKind, Retry};
use std::time::Duration;

/// A ref that the destination would not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRef {
    /// Full name.
    pub name: String,
    /// The destination's words.
    pub reason: String,
}

/// Why a Git operation stopped.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum GitError {
    /// There is no `git` program in the search path.
    #[error("git is not installed, or not in the search path")]
    GitMissing,
    /// The `git` program is older than [`crate::process::MINIMUM_GIT`].
    #[error("git {} or newer is needed, found {found}", crate::process::MINIMUM_GIT)]
    GitTooOld { found: String },
    /// There is no repository at that place, or it may not be seen.
    #[error("there is no repository at {place}")]
    NoRepository { place: String },
    /// The endpoint wants credentials, or others.
    #[error("{place} refused the credentials")]
    Unauthorized { place: String },
    /// One side names objects by SHA-1 and the other by SHA-256.
    #[error("{from} names its objects by {from_format}, {to} by {to_format}: Git cannot convert")]
    ObjectFormatMismatch {
        from: String,
        from_format: &'static str,
        to: String,
        to_format: &'static str,
    },
    /// Bytes that are not what they should be.
    #[error("{what} is damaged: {detail}")]
    Corrupt { what: String, detail: String },
    /// The other end said what Git's protocol does not allow.
    #[error("{place} does not speak Git's protocol: {detail}")]
    Protocol { place: String, detail: String },
    /// The other end refused, in its own words.
    #[error("{place} refused: {words}")]
    Refused { place: String, words: String },
    /// The stream broke off; going on with what has arrived may work.
    #[error("the connection with {place} broke off")]
    BrokenOff {
        place: String,
        #[source]
        source: std::io::Error,
    },
    /// A request had no answer.
    #[error("{place} gave no answer")]
    Unanswered {
        place: String,
        #[source]
        source: Box<HostError>,
    },
    /// HTTP said no.
    #[error("{place} answered HTTP {status}{words}")]
    Status {
        place: String,
        status: http::StatusCode,
        words: String,
        /// How long it asked to wait.
        after: Option<Duration>,
    },
    /// Packs cannot flow through that end; a copy on this machine can do it.
    #[error("{place} cannot be streamed: {why}")]
    NotStreamed { place: String, why: &'static str },
    /// The push is larger than that end takes at once, and cannot be made smaller any more.
    #[error("{place} does not take so much in one push{words}")]
    TooLarge { place: String, words: String },
    /// The large files that a pack points to did not arrive, so the pack did not either.
    #[error("the large files that history points to could not be carried")]
    LargeFiles {
        #[source]
        source: Box<HostError>,
    },
    /// `git` failed in another way; its words are the last it said.
    #[error("git {operation} failed with {status}: {stderr}")]
    Failed { operation: String, status: String, stderr: String },
    /// The system refused.
    #[error("could not {operation}")]
    System {
        operation: &'static str,
        #[source]
        source: std::io::Error,
    },
}

impl GitError {
    pub(crate) fn system(operation: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::System { operation, source }
    }

    /// What an error inside a stream was.
    pub(crate) fn from_stream(place: &str) -> impl FnOnce(std::io::Error) -> Self {
        move |error| match error.downcast::<Self>() {
            Ok(ours) => ours,
            Err(source) => Self::BrokenOff { place: place.to_owned(), source },
        }
    }

    /// How long that end asked to wait, because there were too many requests.
    pub(crate) fn busy_for(&self) -> Option<Duration> {
        if let Self::Status { status, after, .. } = self
            && matches!(status.as_u16(), 429 | 503)
        {
            return *after;
        }
        None
    }

    /// Whether going on, from what the refs then say, may work.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::BrokenOff { .. } => true,
            Self::Unanswered { source, .. } => matches!(source.retry, Retry::After(_)),
            Self::Status { status, .. } => matches!(status.as_u16(), 429 | 500 | 502..=504),
            Self::GitMissing
            | Self::GitTooOld { .. }
            | Self::NoRepository { .. }
            | Self::Unauthorized { .. }
            | Self::ObjectFormatMismatch { .. }
            | Self::Corrupt { .. }
            | Self::Protocol { .. }
            | Self::Refused { .. }
            | Self::NotStreamed { .. }
            | Self::TooLarge { .. }
            | Self::LargeFiles { .. }
            | Self::Failed { .. }
            | Self::System { .. } => false,
        }
    }
}

impl From<GitError> for HostError {
    fn from(error: GitError) -> Self {
        let kind = match &error {
            GitError::Unanswered { source, .. } | GitError::LargeFiles { source } => source.kind,
            GitError::Status { status, .. } => packhorse_net::status_kind(*status),
            GitError::Refused { .. } => HostErrorKind::Rejected,
            GitError::NotStreamed { .. } => HostErrorKind::Unsupported,
            GitError::Protocol { .. } => HostErrorKind::Protocol,
            GitError::BrokenOff { .. } => HostErrorKind::Unavailable,
            GitError::NoRepository { .. } => HostErrorKind::NotFound,
            GitError::Unauthorized { .. } => HostErrorKind::Unauthorized,
            GitError::ObjectFormatMismatch { .. } | GitError::TooLarge { .. } => {
                HostErrorKind::Rejected
            }
            GitError::Corrupt { .. } => HostErrorKind::Protocol,
            GitError::GitMissing
            | GitError::GitTooOld { .. }
            | GitError::Failed { .. }
            | GitError::System { .. } => HostErrorKind::Unavailable,
        };
        Self::new(kind, "work on a repository").because(error)
    }
}
