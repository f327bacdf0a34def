//! Archive formats as sources and sinks: one folder a format.
//!
//! [`container`] reads and writes tars from and for strangers.

mod check;
pub mod container;
pub mod gitea_dump;
pub mod github;
pub mod gitlab_archive;
mod key;
mod kin;
pub mod packhorse;
mod spool;
mod stream;
mod wire;

pub use check::{CheckFinding, CheckReport, check, check_whole};

/// Every format, one row each.
pub static FORMATS: &[&packhorse_core::HostSpec] =
    &[&packhorse::SPEC, &github::SPEC, &gitlab_archive::SPEC, &gitea_dump::SPEC];
