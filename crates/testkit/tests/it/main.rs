//! The stand-ins, held against the suites that they serve.

mod broken;
mod fake;
mod memory;
mod storm;
mod synthetic;
