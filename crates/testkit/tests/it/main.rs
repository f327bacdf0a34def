//! The stand-ins, held against the suites that they serve.

mod memory;
mod storm;
mod synthetic;
