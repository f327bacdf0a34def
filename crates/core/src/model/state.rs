//! States that close doors, set when everything else has arrived.

use super::{Identity, Subject, Time, model};
use serde::{Deserialize, Serialize};

/// Which state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateValue {
    /// The project takes no more writes.
    #[default]
    Archived,
    /// The subject takes no more comments; why, in the host's words.
    Locked(Option<String>),
    /// The subject is shown first; its place, from 1.
    Pinned(Option<u64>),
}

model! {
    /// A state of a project, an issue or a change request.
    pub struct State {
        /// What is in it.
        pub subject: Subject,
        /// Which.
        pub value: StateValue,
        /// Who set it.
        pub author: Option<Identity>,
        /// Since when.
        pub created_at: Option<Time>,
    }
}
