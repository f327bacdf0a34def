//! Archive formats as sources and sinks: one folder a format.
//!
//! [`container`] reads and writes tars from and for strangers.

pub mod bitbucket_archive;
mod check;
pub mod container;
mod ends;
mod gaps;
pub mod gitea_dump;
pub mod github;
pub mod gitlab_archive;
mod groups;
mod key;
mod kin;
pub mod packhorse;
mod spool;
mod stream;
mod wire;

use packhorse_core::HostSpec;
use std::path::Path;

pub use groups::{GroupLevel, GroupTree, group_trees};

pub use check::{CheckFinding, CheckReport, check, check_whole};

/// Every format, one row each.
pub static FORMATS: &[&HostSpec] = &[
    &packhorse::SPEC,
    &github::SPEC,
    &gitlab_archive::SPEC,
    &bitbucket_archive::SPEC,
    &gitea_dump::SPEC,
];

/// The format of what is at a path, by what is in it; `None` where that does not tell. Reads the beginning of a file, and looks through a directory.
pub fn recognise(path: &Path) -> Option<&'static HostSpec> {
    kin::Kin::at(path).map(kin::Kin::format)
}
