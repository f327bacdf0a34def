//! Why a Git operation stopped.

use packhorse_core::{HostError, HostErrorKind};

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
}

impl From<GitError> for HostError {
    fn from(error: GitError) -> Self {
        let kind = match &error {
            GitError::NoRepository { .. } => HostErrorKind::NotFound,
            GitError::Unauthorized { .. } => HostErrorKind::Unauthorized,
            GitError::ObjectFormatMismatch { .. } => HostErrorKind::Rejected,
            GitError::Corrupt { .. } => HostErrorKind::Protocol,
            GitError::GitMissing
            | GitError::GitTooOld { .. }
            | GitError::Failed { .. }
            | GitError::System { .. } => HostErrorKind::Unavailable,
        };
        Self::new(kind, "work on a repository").because(error)
    }
}
