//! What this run has learnt of projects, so that it need not ask twice.

use packhorse_core::Origin;
use std::collections::HashMap;

/// What names a milestone besides its number.
#[derive(Clone, Debug)]
pub(super) struct Milestone {
    /// The server's id for it.
    pub(super) id: u64,
    pub(super) title: String,
}

/// What is known of one project.
#[derive(Debug, Default)]
pub(super) struct Project {
    /// Milestones by their number.
    pub(super) milestones: HashMap<u64, Milestone>,
    /// Whether it was archived until this run had to write to it.
    pub(super) was_archived: bool,
    /// The branch that the project shall show, and the record that says so.
    pub(super) default_branch: Option<(Origin, String)>,
    /// The change request whose places were last asked for, and its differences.
    pub(super) diff: Option<(u64, std::sync::Arc<super::diff::Diff>)>,
}
