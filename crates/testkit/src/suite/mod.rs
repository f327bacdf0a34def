//! What every implementation of a port must pass, unchanged.
//!
//! - [`source`] walks whatever a source holds.
//! - [`sink`] writes samples of every kind that the sink promises to hold, and
//!   reads them back.
//! - [`journal`] takes a journal through crashes, take-overs and repetitions.
//!
//! A case that fails panics and names the lane it failed at.

mod compare;
mod journal;
mod narrow;
mod places;
mod sink;
mod source;

pub use journal::journal;
pub use narrow::Narrow;
pub use places::{Place, walk};
pub use sink::sink;
pub use source::source;
