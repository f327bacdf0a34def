//! Why large files could not be carried.

use crate::error::GitError;
use packhorse_core::{HostError, HostErrorKind};

/// Why large files could not be carried.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum LfsError {
    /// The server has no Git LFS, or hides the repository.
    #[error("there is no Git LFS at {url}, or the repository may not be seen there")]
    NoServer { url: String },
    /// It cannot be told where the remote's large files are.
    #[error("the large files of {remote} cannot be reached: {why}")]
    NoEndpoint { remote: String, why: &'static str },
    /// The repository names another host for its large files.
    #[error("{remote} names {url} for its large files, which is another host than its own")]
    Elsewhere { remote: String, url: String },
    /// The server answered something else than Git LFS.
    #[error("{url} does not speak Git LFS as its specification says: {detail}")]
    Protocol { url: String, detail: String },
    /// A server could not be asked, or refused.
    #[error(transparent)]
    Host(#[from] HostError),
    /// Git refused.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The system refused.
    #[error("could not {operation}")]
    System {
        operation: &'static str,
        #[source]
        source: std::io::Error,
    },
}

impl LfsError {
    pub(super) fn system(operation: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::System { operation, source }
    }
}

impl From<LfsError> for HostError {
    fn from(error: LfsError) -> Self {
        let kind = match error {
            LfsError::Host(it) => return it,
            LfsError::Git(it) => return it.into(),
            LfsError::NoServer { .. } => HostErrorKind::Unsupported,
            LfsError::NoEndpoint { .. } | LfsError::Elsewhere { .. } => HostErrorKind::Rejected,
            LfsError::Protocol { .. } => HostErrorKind::Protocol,
            LfsError::System { .. } => HostErrorKind::Unavailable,
        };
        Self::new(kind, "carry large files").because(error)
    }
}
