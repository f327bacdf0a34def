//! GitHub's migration archive.

mod again;
mod build;
mod hostile;
mod real;
mod suite;
mod write;
