//! What this run has learnt of projects, so that it need not ask twice.
//!
//! Everything here can be forgotten at any time: it is asked for again.

use std::collections::{HashMap, HashSet};

/// What is known of one project.
#[derive(Debug, Default)]
pub(super) struct Project {
    /// Labels by name, once they were listed: ids, those of the project before its owner's.
    pub(super) labels: Option<HashMap<String, i64>>,
    /// Milestones that are there, by id.
    pub(super) milestones: HashSet<u64>,
    /// Accounts that issues can be assigned to, in lower case.
    pub(super) assignable: Option<HashSet<String>>,
    /// Releases by tag.
    pub(super) releases: HashMap<String, String>,
    /// The threads that were written, by where they are.
    pub(super) threads: HashMap<String, String>,
    /// Branch that the project shall begin with.
    pub(super) default_branch: Option<String>,
    /// Whether it was archived, and opened for the time of writing.
    pub(super) was_archived: bool,
    /// Whether issues are to be switched off when all is there.
    pub(super) has_no_issues: bool,
    /// The commit of the page that nobody wrote, where its wiki was made with one.
    pub(super) made_wiki: Option<String>,
    /// Where marking a change request as merged was switched on for the time of writing: whether
    /// the project had change requests at all.
    pub(super) opened_merging: Option<bool>,
}
