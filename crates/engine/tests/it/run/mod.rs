//! Whole runs: what arrives, once, whatever goes wrong on the way.

mod bench;
mod beside;
mod crashes;
mod deciding;
mod deltas;
mod facing;
mod happened;
mod large_files;
mod losses;
mod numbers;
mod planning;
mod reading;
mod reading_back;
mod repositories;
mod retrying;
mod rolling_back;
mod selecting;
mod stopping;
mod tail;
mod trap;
mod whole;
mod wikis;
