//! What this run has learnt of projects, so that it need not ask twice.
//!
//! All of it can be forgotten at any time but for what `close_project` does at the end: a run
//! that is taken up again does what it can without.

use super::ends::Ends;
use std::collections::HashMap;

/// What is known of one project.
#[derive(Debug, Default)]
pub(super) struct Project {
    /// Branch that a clone is to check out, once it is there.
    pub(super) default_branch: Option<String>,
    /// Whether issues are to be switched off when all is there.
    pub(super) has_no_issues: bool,
    /// Whether everybody may see it.
    pub(super) is_public: Option<bool>,
    /// Whether an organization owns it.
    pub(super) is_organizations: Option<bool>,
    /// Whether an account can be given work, by login in lower case.
    pub(super) assignable: HashMap<String, bool>,
    /// Whether it was archived, and opened for the time of writing.
    pub(super) was_archived: bool,
    /// The branches of change requests that were opened and are to be completed, by number.
    pub(super) opened: HashMap<u64, Ends>,
}
