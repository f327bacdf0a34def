//! Sources and sinks that go wrong, at the same place on every run.
//!
//! A [`Storm`] says what goes wrong and when; [`ChaosSource`] and [`ChaosSink`]
//! wrap what should stand it. One storm can blow on both sides.

mod sink;
mod source;
mod storm;

pub use sink::ChaosSink;
pub use source::ChaosSource;
pub use storm::{Fault, Harm, Method, Storm};
