//! A record on its way: where it came from, what it is, what it has lost.

use crate::{
    catalogue::{Object, ObjectKind},
    loss::Loss,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// What a record belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// No project owns it: users, organizations, teams, and the list of projects.
    Shared,
    /// The project of that full path, such as `acme/app`.
    Project(String),
}

impl Scope {
    /// The project's full path, if there is one.
    pub fn project(&self) -> Option<&str> {
        match self {
            Self::Shared => None,
            Self::Project(path) => Some(path),
        }
    }

    /// Stable text for databases and file names: the path, or nothing for the shared scope.
    pub fn key(&self) -> &str {
        self.project().unwrap_or("")
    }

    /// The scope of that [`Scope::key`].
    pub fn from_key(key: &str) -> Self {
        if key.is_empty() { Self::Shared } else { Self::Project(key.to_owned()) }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.project().unwrap_or("(shared)"))
    }
}

/// Where an object came from: its kind and the source's own id, opaque here.
///
/// Unique within a [`Scope`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// Kind of the object.
    pub kind: ObjectKind,
    /// The source's own id.
    pub id: String,
}

impl Origin {
    /// The origin of that kind and id.
    pub fn new(kind: ObjectKind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into() }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id)
    }
}

/// The id the destination gave to an object, opaque here.
///
/// Of an issue, a change request, a milestone and a discussion it is the number, on both sides:
/// records refer to these by number.
///
/// Reading the object back from that destination gives an [`Origin`] with this id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TargetId(pub String);

/// One listing: a kind in a scope.
///
/// Hosts that list a kind under each of its parents walk the parents in their
/// cursor; the engine sees one listing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane {
    /// What is listed belongs to this.
    pub scope: Scope,
    /// Kind that is listed.
    pub kind: ObjectKind,
}

impl Lane {
    /// The lane of that scope and kind.
    pub fn new(scope: Scope, kind: ObjectKind) -> Self {
        Self { scope, kind }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.kind, self.scope)
    }
}

/// Opaque place in a listing; only the host that made it can read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor(pub String);

/// One object on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Where it came from.
    pub origin: Origin,
    /// What it is.
    pub object: Object,
    /// What it could not keep, in the order the losses happened.
    pub losses: Vec<Loss>,
    /// What the objects it refers to by a host's id became at the destination.
    ///
    /// Filled by the engine for destinations that give ids of their own. References by number are
    /// told as the destination counts before a record comes to it.
    pub links: BTreeMap<Origin, TargetId>,
}

impl Record {
    /// A record that has lost nothing yet.
    pub fn new(id: impl Into<String>, object: Object) -> Self {
        let origin = Origin::new(object.kind(), id);
        Self { origin, object, losses: Vec::new(), links: BTreeMap::new() }
    }
}
