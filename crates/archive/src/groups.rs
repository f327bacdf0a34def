//! What archives of groups hold, for whoever hands them over and looks what arrived.

use crate::{container::ArchiveError, gitlab_archive};
use packhorse_core::{
    HostSpec,
    model::{Label, Member, Milestone, Organization},
};
use std::path::{Path, PathBuf};

/// An archive of a group and those below it.
#[derive(Clone, Debug)]
pub struct GroupTree {
    /// Where it is.
    pub file: PathBuf,
    /// The groups, those above first.
    pub levels: Vec<GroupLevel>,
}

/// A group, and what is at its level.
#[derive(Clone, Debug, Default)]
pub struct GroupLevel {
    /// The group.
    pub organization: Organization,
    /// Who has a role in it.
    pub members: Vec<Member>,
    /// Its labels.
    pub labels: Vec<Label>,
    /// Its milestones.
    pub milestones: Vec<Milestone>,
}

/// The archives of groups in a file or a directory; none in formats that have no such archives.
///
/// # Errors
///
/// Whatever is wrong with them anywhere.
pub fn group_trees(format: &HostSpec, path: &Path) -> Result<Vec<GroupTree>, ArchiveError> {
    if format.id == gitlab_archive::SPEC.id {
        gitlab_archive::group_trees(path)
    } else {
        Ok(Vec::new())
    }
}
