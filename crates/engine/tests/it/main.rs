//! The engine, against ends in memory and the real journal.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops where it is")]

mod relinking;
mod reports;
mod run;
mod shelf;
mod steps;
mod verification;
mod whole;
