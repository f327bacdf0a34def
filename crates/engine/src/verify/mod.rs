//! Reading the destination back.
//!
//! [`verify`] compares what is at the destination with what the journal says was
//! written there; [`compare`] compares any two ends with each other. Both go
//! through lanes page by page, so that memory does not grow with the project. A
//! lane of a job is first summed up, which shows that nothing differs; ids and
//! hashes are kept, on disk, only where something does. Only what differs is looked at field by
//! field, and only so much of it as a person will read.
//!
//! What counts as different is what a fingerprint covers: ids that hosts give,
//! offsets of times and ends of lines do not. Fields that a destination has
//! declared not to hold are left out on both sides.

mod blob;
mod compare;
mod explain;
mod job;
mod lane;
mod large_files;
mod lost;
mod mask;
pub(crate) mod pages;
mod record;
mod repository;
mod result;
mod so_far;
mod sum;
mod tally;

pub(crate) use blob::blob_of;
pub use compare::{Comparison, compare, projects_of};
pub use job::verify;
pub(crate) use job::verify_on;
pub use lane::Inspection;
pub(crate) use lane::Pair;
pub(crate) use lost::Masks;
pub(crate) use mask::Mask;
pub use record::{Facing, Seen, Which};
pub use result::{Finding, LaneResult, MAX_FINDINGS, Tallied, Verification, What};
pub(crate) use so_far::{SoFar, forget};
pub(crate) use tally::{Rows, Tally};

use packhorse_core::{HostError, port::JournalError};
use packhorse_git::GitError;

/// Why a verification could not be made.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// One of the ends could not be read.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The journal could not be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// What was found could not be kept.
    #[error("could not write down what was read back")]
    Document(#[source] serde_json::Error),
    /// A repository could not be looked at.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The scratch directory could not be used.
    #[error("could not use the scratch directory")]
    Scratch(#[from] std::io::Error),
    /// The scratch database could not be used.
    #[error("could not use the scratch database")]
    Tally(#[from] rusqlite::Error),
}
