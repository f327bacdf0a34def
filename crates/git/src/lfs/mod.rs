//! Git LFS: large files, which history only points to.
//!
//! Pointers are found in a repository ([`pointers`]), in a remote's [`History`]
//! or in a pack while it flows ([`PackScanner`]); [`LfsRoute`] carries what they
//! point to, checked by size and hash on the way.

mod batch;
mod carry;
mod check;
mod checked;
mod configured;
mod download;
mod end;
mod endpoint;
mod error;
mod gate;
mod history;
mod locks;
mod pointer;
mod scan;
mod server;
mod spill;
mod store;
mod stream;
mod upload;

pub use batch::{Action, Granted, Malformed, Operation, Verdict, read_answer};
pub use carry::{Carried, CarryOptions, LfsEvent, LfsListener, LfsRoute, LostAt, LostFile};
pub use check::Depth;
pub use end::{Shelf, Side};
pub use endpoint::{Endpoint, EndpointOptions, SshEndpoint};
pub use error::LfsError;
pub use gate::Gate;
pub use history::History;
pub use locks::{CarriedLocks, Lock, LockEnd};
pub use pointer::{MAX_POINTER, MIN_POINTER, Pointer};
pub use scan::pointers;
pub use stream::{PackScanner, Scanned};
