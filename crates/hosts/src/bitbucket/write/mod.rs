//! Writing to either Bitbucket.

pub(crate) mod branch;
pub(crate) mod change_request;
pub(crate) mod member;
pub(crate) mod place;
pub(crate) mod settings;
pub(crate) mod talk;

use packhorse_core::{
    HostError, HostErrorKind, Loss, ObjectKind, Origin, Record, TargetId,
    port::{Outcome, Written},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// What a write came to, in the making.
pub(crate) struct Done {
    id: String,
    outcome: Outcome,
    losses: Vec<Loss>,
}

impl Done {
    pub(crate) fn new(id: impl Into<String>, existing: Option<&TargetId>) -> Self {
        let outcome = if existing.is_some() { Outcome::Updated } else { Outcome::Created };
        Self { id: id.into(), outcome, losses: Vec::new() }
    }

    /// The same, of what may have been there without our knowing; it is nobody's to remove then.
    pub(crate) fn found_or_made(
        id: impl Into<String>,
        existing: Option<&TargetId>,
        was_there: bool,
    ) -> Self {
        let made = Self::new(id, existing);
        let is_found = was_there && made.outcome == Outcome::Created;
        let outcome = if is_found { Outcome::Adopted } else { made.outcome };
        Self { outcome, ..made }
    }

    /// Nothing was made, and why.
    pub(crate) fn dropped(id: impl Into<String>, why: impl Into<String>) -> Self {
        Self::dropped_for(id, Loss::WHOLE, why)
    }

    /// Nothing was made because of one field, and why.
    pub(crate) fn dropped_for(
        id: impl Into<String>,
        field: &'static str,
        why: impl Into<String>,
    ) -> Self {
        let losses = vec![Loss::sink(field, why)];
        Self { id: id.into(), outcome: Outcome::Dropped, losses }
    }

    /// What came of asking for it: its id, or nothing where the host refuses it.
    ///
    /// `name` stands for the id of what was refused.
    ///
    /// # Errors
    ///
    /// What is wrong with the moment, and not with what was asked for.
    pub(crate) fn unless_refused(
        made: Result<String, HostError>,
        existing: Option<&TargetId>,
        (name, losses): (&str, Vec<Loss>),
    ) -> Result<Self, HostError> {
        match made {
            Ok(id) => Ok(Self::new(id, existing).with(losses)),
            Err(error) if is_refusal(&error) => Ok(Self::dropped(name, words(&error))),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn with(mut self, losses: impl IntoIterator<Item = Loss>) -> Self {
        self.losses.extend(losses);
        self
    }
}

impl From<Done> for Written {
    fn from(done: Done) -> Self {
        Self { target: TargetId(done.id), outcome: done.outcome, losses: done.losses }
    }
}

/// The target of what a record refers to.
pub(crate) fn linked(record: &Record, kind: ObjectKind, id: &str) -> Option<String> {
    record.links.get(&Origin::new(kind, id)).map(|it| it.0.clone())
}

/// What ids of threads end with that have no place in the differences.
pub(crate) const UNPLACED: &str = "/unplaced";

/// A change request's number and what stands in it, of an id like `12/345`.
pub(crate) fn split(id: &str) -> Option<(&str, &str)> {
    let (number, within) = id.strip_suffix(UNPLACED).unwrap_or(id).split_once('/')?;
    number.parse::<u64>().ok().map(|_| (number, within))
}

/// Whether the host said that the content, and not the moment, is wrong.
pub(crate) fn is_refusal(error: &HostError) -> bool {
    match error.kind {
        HostErrorKind::NotFound
        | HostErrorKind::Conflict
        | HostErrorKind::Rejected
        | HostErrorKind::Unsupported => true,
        HostErrorKind::Unauthorized
        | HostErrorKind::Forbidden
        | HostErrorKind::RateLimited
        | HostErrorKind::Protocol
        | HostErrorKind::Unavailable => false,
    }
}

/// Whether a repository that could not be made may be there: then it need not be made, which not
/// everybody may do who may write to it.
pub(crate) fn may_be_there(error: &HostError) -> bool {
    is_refusal(error)
        || matches!(error.kind, HostErrorKind::Unauthorized | HostErrorKind::Forbidden)
}

/// What the host said, for a loss.
pub(crate) fn words(error: &HostError) -> String {
    let answer = error.context.iter().find(|(key, _)| *key == "answer");
    answer.map_or_else(|| error.to_string(), |(_, text)| text.clone())
}

/// Repositories that this run has made and that have no change requests yet: they are there, and
/// nothing of ours is to be tidied up in them.
#[derive(Default)]
pub(crate) struct Fresh(Mutex<BTreeSet<String>>);

impl Fresh {
    pub(crate) fn note(&self, repository: impl ToString) {
        self.known().insert(repository.to_string());
    }

    pub(crate) fn holds(&self, repository: impl ToString) -> bool {
        self.known().contains(&repository.to_string())
    }

    /// Forgets a repository; whether it was one.
    pub(crate) fn take(&self, repository: impl ToString) -> bool {
        self.known().remove(&repository.to_string())
    }

    fn known(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Default branches of repositories that were made before they had branches.
#[derive(Default)]
pub(crate) struct Heads(Mutex<BTreeMap<String, String>>);

impl Heads {
    /// Remembers which branch a repository shall begin with.
    pub(crate) fn note(&self, repository: String, branch: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(repository, branch.to_owned());
    }

    /// The branch that a repository shall begin with, once.
    pub(crate) fn take(&self, repository: &str) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(repository)
    }
}
