//! Archive formats as sources and sinks: one folder a format.
//!
//! [`container`] reads and writes tars from and for strangers.

pub mod container;
pub mod github;
pub mod packhorse;
mod stream;

/// Every format, one row each.
pub static FORMATS: &[&packhorse_core::HostSpec] = &[&packhorse::SPEC, &github::SPEC];
