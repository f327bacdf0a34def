//! Nouns and ports of Packhorse.
//!
//! Everything the other crates agree on stands here: the catalogue of kinds,
//! the canonical model, what a host can hold, what got lost, and the traits
//! between the engine and the world. No I/O, no runtime, no HTTP, no SQL.
//!
//! Read [`catalogue`] first.

pub mod authored;
pub mod catalogue;
pub mod conflict;
pub mod error;
pub mod event;
pub mod fingerprint;
pub mod git;
pub mod host;
pub mod job;
pub mod limits;
pub mod loss;
pub mod mark;
pub mod model;
pub mod plan;
pub mod port;
pub mod record;
pub mod secret;
pub mod selection;
pub mod support;

pub use catalogue::{Carriage, Object, ObjectKind};
pub use error::{HostError, HostErrorKind, Retry};
pub use event::{Event, Listener, TransferPhase};
pub use fingerprint::Fingerprint;
pub use git::{GitCredentials, GitRemote, GitUrl, RepoKind};
pub use host::{Access, Endpoint, HostSpec, Location, OpenContext};
pub use limits::Limits;
pub use loss::{Loss, LossCause};
pub use record::{Cursor, Lane, Origin, Record, Scope, TargetId};
pub use secret::Secret;
pub use selection::Selection;
pub use support::{Addresses, Capabilities, Gap, Keeps, Numbering, Settle, Support, Web};
