//! What tests share: samples, stand-ins, and the suites that every host, every
//! archive and every journal must pass.

pub mod clock;
pub mod memory;
pub mod samples;
pub mod suite;
