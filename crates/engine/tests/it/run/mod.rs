//! Whole runs: what arrives, once, whatever goes wrong on the way.

mod bench;
mod crashes;
mod deciding;
mod deltas;
mod happened;
mod large_files;
mod losses;
mod numbers;
mod planning;
mod reading;
mod repositories;
mod rolling_back;
mod selecting;
mod stopping;
mod trap;
mod whole;
mod wikis;
