//! The stand-ins, held against the suites that they serve.

mod broken;
mod memory;
mod storm;
mod synthetic;
