//! The stand-ins, held against the suites that they serve.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod broken;
mod fake;
mod memory;
mod storm;
mod synthetic;
