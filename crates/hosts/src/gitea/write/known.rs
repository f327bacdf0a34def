//! What this run has learnt of projects, so that it need not ask twice.
//!
//! Everything here can be forgotten at any time: it is asked for again.

use super::ending::End;
use packhorse_core::{Loss, Origin};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What a server tells of commits in a repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Commits {
    /// It was not asked, or another run has pushed.
    #[default]
    Unknown,
    /// That there are none, and then they were pushed.
    Pushed,
    /// That there are some, or all that it will tell.
    Told,
}

/// What is left to do of an issue or a change request that has its number.
#[derive(Debug)]
pub(super) enum Left {
    /// All labels of an issue, where some are missing, and fields.
    Issue {
        /// Ids of the labels.
        labels: Option<Vec<i64>>,
        /// Fields of the API.
        rest: Map<String, Value>,
    },
    /// What a change request is sorted by, where something of it is missing.
    Change(Option<Value>),
}

/// What is known of one project.
#[derive(Debug, Default)]
pub(super) struct Project {
    /// Labels by name, once they were listed: ids, those of the project before its owner's.
    pub(super) labels: Option<HashMap<String, i64>>,
    /// Milestones that are there, by id.
    pub(super) milestones: HashSet<u64>,
    /// Accounts that issues can be assigned to, in lower case.
    pub(super) assignable: Option<HashSet<String>>,
    /// Branches that were there when they were listed, with the commits at their ends.
    pub(super) branches: Option<HashMap<String, String>>,
    /// Releases by tag.
    pub(super) releases: HashMap<String, String>,
    /// Where each comment on code stands, once they were listed: its change request and its review.
    pub(super) review_comments: Option<HashMap<i64, (u64, i64)>>,
    /// The threads that were written, by where they are.
    pub(super) threads: HashMap<String, String>,
    /// Branch that the project shall begin with.
    pub(super) default_branch: Option<String>,
    /// What the server tells of commits in its repository.
    pub(super) commits: Commits,
    /// Whether it was archived, and opened for the time of writing.
    pub(super) was_archived: bool,
    /// Whether issues are to be switched off when all is there.
    pub(super) has_no_issues: bool,
    /// The commit of the page that nobody wrote, where its wiki was made with one.
    pub(super) made_wiki: Option<String>,
    /// Where marking a change request as merged was switched on for the time of writing: whether
    /// the project had change requests at all.
    pub(super) opened_merging: Option<bool>,
    /// What is left to do of what was made, by number.
    pub(super) begun: HashMap<String, Left>,
    /// Change requests that are still to come to their end, by number.
    pub(super) ends: BTreeMap<String, End>,
    /// Whether the project was there before, so that a run may have left some open.
    pub(super) was_retold: bool,
    /// What turned out to be lost when they came to their end.
    pub(super) late: Vec<(Origin, Loss)>,
}

impl Project {
    /// Whether there is anything that can be set only when all is there.
    pub(super) const fn is_to_be_set(&self) -> bool {
        self.default_branch.is_some()
            || self.opened_merging.is_some()
            || self.has_no_issues
            || self.was_archived
    }
}
