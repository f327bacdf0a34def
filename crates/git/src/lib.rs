//! Repositories from remote to remote.
//!
//! [`transfer`] is the one call that the engine uses: packs flow from the
//! source's server into the destination's without resting here.
//! [`process`] is the only place in the workspace that starts programs, with
//! nothing of the caller's Git configuration and nothing of a foreign
//! repository's own.

pub mod bundle;
pub mod error;
mod guard;
pub mod large_files;
pub mod lfs;
mod mirror;
pub mod objects;
pub mod process;
pub mod progress;
mod pump;
pub mod refs;
pub mod repository;
mod transfer;

pub use error::{GitError, RefusedRef};
pub use process::Git;
#[doc(hidden)]
pub use pump::hostile;
pub use refs::{LeftRef, RefList, RefPolicy};
pub use transfer::{PushLimits, TransferOptions, Transferred, transfer};
