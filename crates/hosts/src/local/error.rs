//! Why the store could not do something.

use super::{digest::DigestError, layout::PathError};
use packhorse_core::{HostError, HostErrorKind, Origin, Retry, Scope};
use std::{error::Error, io};

/// Why the store could not do something.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    #[error("there is no store here")]
    Missing,
    #[error("this is not a packhorse store: {0}")]
    Foreign(&'static str),
    #[error("a newer version made this store: its schema is {found}, this version knows {known}")]
    Newer { found: i64, known: i64 },
    #[error("another process holds the store's database")]
    Busy(#[source] rusqlite::Error),
    #[error("the store's database is damaged")]
    Damaged(#[source] rusqlite::Error),
    #[error("the store's database refused")]
    Database(#[source] rusqlite::Error),
    #[error("the stored {origin} of {scope} is damaged")]
    Record { origin: Origin, scope: Scope, source: Box<dyn Error + Send + Sync> },
    #[error("the store has a project `{0}`, which differs in upper and lower case alone")]
    Case(String),
    #[error("no project can have that path here")]
    Path(#[from] PathError),
    #[error("no blob can have that name")]
    Digest(#[from] DigestError),
    #[error("no bytes are stored for it")]
    NoBlob,
    #[error("the file of blob {0} is gone")]
    BlobGone(String),
    #[error("the file of blob {name} should have {expected} bytes and has {found}")]
    BlobSize { name: String, expected: u64, found: u64 },
    #[error("{expected} were announced, {found} came")]
    Announced { expected: String, found: String },
    #[error("the blob has {size} bytes, none at {from}")]
    Beyond { size: u64, from: u64 },
    #[error("the source's bytes broke off")]
    Arriving(#[source] io::Error),
    #[error("the disk refused")]
    Disk(#[from] io::Error),
    #[error("the repository could not be made")]
    Repository(#[from] packhorse_git::GitError),
    #[error("a task of the store was ended")]
    Ended,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;

        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(error),
            Some(ErrorCode::NotADatabase) => Self::Foreign("store.sqlite is not a database"),
            // Without a code it is a value that does not stand where it should.
            Some(ErrorCode::DatabaseCorrupt) | None => Self::Damaged(error),
            Some(_) => Self::Database(error),
        }
    }
}

impl StoreError {
    fn kind(&self) -> HostErrorKind {
        match self {
            Self::Missing | Self::NoBlob => HostErrorKind::NotFound,
            Self::Foreign(_) | Self::Case(_) => HostErrorKind::Conflict,
            Self::Newer { .. } => HostErrorKind::Unsupported,
            Self::Damaged(_) | Self::Record { .. } | Self::BlobGone(_) | Self::BlobSize { .. } => {
                HostErrorKind::Protocol
            }
            Self::Path(_) | Self::Digest(_) | Self::Announced { .. } | Self::Beyond { .. } => {
                HostErrorKind::Rejected
            }
            Self::Busy(_)
            | Self::Database(_)
            | Self::Arriving(_)
            | Self::Disk(_)
            | Self::Repository(_)
            | Self::Ended => HostErrorKind::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        let passes = matches!(self, Self::Busy(_) | Self::Arriving(_));
        if passes { Retry::After(None) } else { Retry::Never }
    }

    /// The same for whoever called the host.
    pub(super) fn during(self, operation: &'static str) -> HostError {
        let mut error = HostError::new(self.kind(), operation);
        error.retry = self.retry();
        error.because(self)
    }
}

/// Runs what waits for the disk on a thread that may wait.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| StoreError::Ended)?
}
