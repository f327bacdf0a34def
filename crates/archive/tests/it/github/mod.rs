//! GitHub's migration archive.

mod build;
mod hostile;
mod real;
mod suite;
mod write;
