//! What happens while a job runs, for whoever listens.

use crate::{
    catalogue::ObjectKind,
    port::{Counts, Stage},
    record::Scope,
};
use serde::{Deserialize, Serialize};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The run has begun; how many projects it will carry, and records in all where known.
    Started {
        /// Projects.
        projects: u64,
        /// Records, where the source could tell.
        records: Option<u64>,
    },
    /// A project has reached a stage.
    Project {
        /// Full path at the source.
        path: String,
        /// Full path at the destination.
        target: String,
        /// The stage.
        stage: Stage,
        /// Why, where it failed or differs.
        reason: Option<String>,
    },
    /// A lane has moved on.
    Progress {
        /// Where it belongs.
        scope: Scope,
        /// Its kind.
        kind: ObjectKind,
        /// Its counters so far in this run.
        counts: Counts,
        /// Bytes of repositories and blobs since the last tick.
        bytes: u64,
    },
    /// A repository is on its way.
    Transfer {
        /// Where it belongs.
        scope: Scope,
        /// Which of the project's repositories.
        kind: ObjectKind,
        /// What the servers are at.
        phase: TransferPhase,
        /// Objects that are done with in this phase, where that is told.
        done: Option<u64>,
        /// Objects of this phase in all, where that is told.
        all: Option<u64>,
        /// Bytes since the last of these events.
        bytes: u64,
    },
    /// A kind is not carried, because the destination has no place for it.
    Dropped {
        /// Where it belongs.
        scope: Scope,
        /// The kind.
        kind: ObjectKind,
        /// Number of its records, where the source could tell.
        records: Option<u64>,
        /// Why.
        why: String,
    },
    /// A record did not arrive.
    Failed {
        /// Where it belongs.
        scope: Scope,
        /// Its kind.
        kind: ObjectKind,
        /// Id of its origin; `None` when the whole lane failed.
        id: Option<String>,
        /// Why.
        reason: String,
    },
    /// The run waits, for a limit or for a host.
    Waiting {
        /// For what.
        reason: String,
        /// Until when, as RFC 3339.
        until: String,
    },
    /// Reading back has moved on.
    Verifying {
        /// Where it belongs.
        scope: Scope,
        /// Its kind.
        kind: ObjectKind,
        /// Records compared so far.
        compared: u64,
    },
    /// The run has ended.
    Ended {
        /// Whether everything arrived.
        whole: bool,
    },
}

/// What the servers are at while a repository travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferPhase {
    /// The source finds out what is missing.
    Counting,
    /// The objects flow.
    Transferring,
    /// The destination puts together what came.
    Resolving,
}

/// Somebody who wants to know. Must return at once.
pub trait Listener: Send + Sync {
    /// Hears of an event.
    fn on(&self, event: &Event);
}

/// Nobody.
impl Listener for () {
    fn on(&self, _: &Event) {}
}

/// Everybody in the list.
impl Listener for Vec<std::sync::Arc<dyn Listener>> {
    fn on(&self, event: &Event) {
        self.iter().for_each(|it| it.on(event));
    }
}
