//! The engine, against ends in memory and the real journal.

mod relinking;
mod reports;
mod shelf;
mod steps;
mod verification;
