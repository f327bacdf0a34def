//! The engine: from one end to the other, and back to look at it.
//!
//! [`plan`] says what will arrive; [`Worker::run`] carries it, page by page,
//! with the journal noting every step; [`mod@verify`] reads the destination back;
//! [`mod@report`] says what became of it; [`rollback`] takes it away again. The
//! engine knows no host: it owns the loop, and hosts give and take one page.

mod ends;
mod error;
mod stop;

pub mod report;
pub mod transform;
pub mod verify;

pub use ends::{Ends, Reader};
pub use error::EngineError;
pub use stop::{Stop, Stopped, Why};
