//! The engine: plan, carry, relink, verify, report, roll back.
//!
//! It reads pages from a source, passes each record through pure transforms,
//! writes it to a sink, and notes every step in the journal before and after.
//! It knows no host and no database, only the ports of `packhorse-core`.

mod carry;
mod csv;
mod ends;
mod error;
mod plan;
mod reading;
pub mod relink;
pub mod report;
pub mod resolutions;
mod retry;
mod rollback;
mod run;
pub mod selection;
mod stop;
pub mod transform;
mod unchanged;
pub mod verify;
mod worker;

pub use ends::{Ends, Reader, policy};
pub use error::EngineError;
pub use plan::plan;
pub use reading::{compare, record, verify};
pub use retry::{resume_whole, retry};
pub use rollback::{Left, RolledBack, rollback};
pub use run::RunOutcome;
pub use stop::{Stop, Stopped, Why};
pub use worker::{Tuning, Worker};
