//! What tests share: samples, stand-ins, and the suites that every host, every
//! archive and every journal must pass.
//!
//! - [`samples`]: one rich object of every kind.
//! - [`suite`]: what every source, sink and journal must do.
//! - [`memory`]: a host in memory whose abilities a test chooses.
//! - [`chaos`]: sources and sinks that go wrong at the same place on every run.
//! - [`synthetic`]: a source of any size that keeps nothing.
//! - [`bucket`]: a store of objects that checks what it is asked.
//! - [`description`]: a host's published API, and what does not fit it.
//! - [`fake`]: stateful stand-ins for hosts, and their logs held against descriptions.
//! - [`git`]: small real repositories.
//! - [`clock`]: time as a test wants it.

pub mod bucket;
pub mod chaos;
pub mod clock;
pub mod description;
pub mod fake;
pub mod git;
pub mod memory;
mod random;
pub mod samples;
pub mod suite;
pub mod synthetic;
