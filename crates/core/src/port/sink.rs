//! A place to write projects to.

use super::source::{BlobRef, ByteStream};
use crate::{
    error::HostError,
    git::{GitRemote, RepoKind},
    loss::Loss,
    record::{Origin, Record, Scope, TargetId},
    support::{Capabilities, Web},
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// How an object came to be as it is at the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Made by this write.
    Created,
    /// There already, and brought up to date.
    Updated,
    /// There already, made by an interrupted run or by others, and as it should be.
    Adopted,
    /// Not there: the destination has no place for it, and the losses say so.
    Dropped,
}

/// What a write came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The destination's id for the object.
    pub target: TargetId,
    /// How it came to be.
    pub outcome: Outcome,
    /// What the destination could not hold.
    pub losses: Vec<Loss>,
}

/// A record that has its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// What writing it came to so far.
    pub written: Written,
    /// Whether it is still to be [completed](Sink::complete).
    pub is_open: bool,
}

/// A place to write projects to.
///
/// `scope` is always the destination's: the engine has mapped project paths.
/// Implementations must be usable from several tasks at once, for different
/// scopes and for different kinds in one scope; and records may be written
/// while those written before them are being flushed.
#[async_trait]
pub trait Sink: Send + Sync {
    /// Asks the host what it can really do.
    async fn probe(&self) -> Result<Capabilities, HostError>;

    /// Looks for an object that an interrupted run may have written.
    ///
    /// The record is as it would be written, links and all, so that a host that knows nothing of
    /// foreign ids can look for its name, its key, or the [mark](crate::mark) in its text.
    /// Must see what was written and flushed, by whatever process; for
    /// destinations that settle by page it must also see what was written and
    /// not flushed by this one.
    async fn find(&self, scope: &Scope, record: &Record) -> Result<Option<TargetId>, HostError>;

    /// Remembers where texts that come from now on may lead to what they speak of; called before
    /// anything is written.
    ///
    /// A destination that is an address of its own has nothing to remember: there, links lead to it.
    async fn remember(&self, _former: &[Web]) -> Result<(), HostError> {
        Ok(())
    }

    /// Creates the record, or updates `existing`.
    ///
    /// Writing the same record again with the same `existing` must not double it.
    async fn write(
        &self,
        scope: &Scope,
        record: &Record,
        existing: Option<&TargetId>,
    ) -> Result<Written, HostError>;

    /// Creates a record that takes the next number of a [row](crate::Numbering::OneRow), as far as
    /// has to be done before the next one is created.
    ///
    /// What is left of it is done beside those that come after it. A record that was not completed
    /// is found and written like any other that an interrupted run left.
    async fn number(&self, scope: &Scope, record: &Record) -> Result<Numbered, HostError> {
        Ok(Numbered { written: self.write(scope, record, None).await?, is_open: false })
    }

    /// Does what is left of a record that has its number; what more the destination could not hold.
    async fn complete(
        &self,
        _scope: &Scope,
        _record: &Record,
        _target: &TargetId,
    ) -> Result<Vec<Loss>, HostError> {
        Ok(Vec::new())
    }

    /// Removes what we wrote. Removing what is not there is not an error.
    async fn remove(
        &self,
        scope: &Scope,
        origin: &Origin,
        target: &TargetId,
    ) -> Result<(), HostError>;

    /// The Git endpoint to push to, made if it is not there; `None` where the
    /// destination has no such repository.
    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError>;

    /// Stores a blob. Called before the record that it belongs to is written.
    ///
    /// Bytes that do not have the announced size or SHA-256 are an error and
    /// leave nothing behind. Storing the same blob twice stores it once. Several blobs may be
    /// under way at a time, also of one kind in one scope.
    async fn save(&self, blob: &BlobRef, bytes: ByteStream) -> Result<(), HostError>;

    /// Makes everything written so far in a scope durable; called before the journal settles a page.
    async fn flush(&self, scope: &Scope) -> Result<(), HostError>;

    /// Called once when every lane of a scope is done; the shared scope comes last of all and
    /// completes the whole: an archive gets its name here. Returns what turned out to have no
    /// place only now, such as a reaction to what never arrived, with the reason; the engine
    /// notes these records as [dropped](Outcome::Dropped).
    async fn finish(&self, scope: &Scope) -> Result<Vec<(Origin, Loss)>, HostError>;
}
