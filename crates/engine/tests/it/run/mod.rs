//! Whole runs: what arrives, once, whatever goes wrong on the way.

mod bench;
mod crashes;
mod deltas;
mod losses;
mod reading;
mod stopping;
mod trap;
mod whole;
