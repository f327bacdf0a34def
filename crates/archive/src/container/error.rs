//! What can be wrong with an archive.

use packhorse_core::{HostError, HostErrorKind};

/// What is wrong with an archive, and with which member of it.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum ArchiveError {
    /// The file is not an archive at all.
    #[error("`{file}` is not an archive: {detail}")]
    NotAnArchive { file: String, detail: String },
    /// It ends too early.
    #[error("the archive is cut off after {at} bytes: it was not copied whole")]
    Truncated { at: u64 },
    /// Its compressed bytes are not as they were written.
    #[error("the archive is damaged at byte {at}: {detail}")]
    Damaged { at: u64, detail: &'static str },
    /// A member has a name or a kind that no archive of ours may have.
    #[error("member `{member}` is refused: {detail}")]
    Refused { member: String, detail: &'static str },
    /// A bound of [`super::Limits`] was met.
    #[error(
        "{what} is over the limit of {limit}, which holds off hostile files; if you trust this \
         one, set PACKHORSE_ARCHIVE_LIMITS=10 in the environment to allow ten times as much"
    )]
    OverLimit { what: String, limit: u64 },
    /// A bound that no setting moves was met: the format says it, or memory does.
    #[error("{what} is over {limit}, the most that is read")]
    TooMuch { what: String, limit: u64 },
    /// A member's bytes are not what its name promises.
    #[error("member `{member}` cannot be read at byte {at}: {detail}")]
    Malformed { member: String, at: u64, detail: String },
    /// The archive is of a version that is not known here.
    #[error("the archive has format version {found}, and {known} is known here")]
    Version { found: String, known: &'static str },
    /// The archive does not hold together.
    #[error("`{member}`: {detail}")]
    Inconsistent { member: String, detail: String },
    /// The system refused.
    #[error("could not {operation}")]
    System {
        operation: &'static str,
        #[source]
        source: std::io::Error,
    },
}

impl ArchiveError {
    /// Names what the system refused; an error of ours that went through `Read` comes out as itself.
    pub fn system(operation: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| match source.downcast::<Self>() {
            Ok(ours) => ours,
            Err(source) => Self::System { operation, source },
        }
    }

    /// A member that cannot be read.
    pub fn malformed(member: &str, at: u64, detail: impl Into<String>) -> Self {
        Self::Malformed { member: member.to_owned(), at, detail: detail.into() }
    }
}

/// Through `Read`, which knows no other error.
impl From<ArchiveError> for std::io::Error {
    fn from(error: ArchiveError) -> Self {
        if let ArchiveError::System { source, .. } = error {
            return source;
        }
        Self::other(error)
    }
}

impl ArchiveError {
    /// The same for whoever called the archive.
    pub fn kind(&self) -> HostErrorKind {
        match self {
            Self::System { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                HostErrorKind::NotFound
            }
            Self::System { .. } => HostErrorKind::Unavailable,
            Self::NotAnArchive { .. }
            | Self::Truncated { .. }
            | Self::Damaged { .. }
            | Self::Refused { .. }
            | Self::OverLimit { .. }
            | Self::TooMuch { .. }
            | Self::Malformed { .. }
            | Self::Version { .. }
            | Self::Inconsistent { .. } => HostErrorKind::Protocol,
        }
    }
}

impl From<ArchiveError> for HostError {
    fn from(error: ArchiveError) -> Self {
        Self::new(error.kind(), "use the archive").because(error)
    }
}
