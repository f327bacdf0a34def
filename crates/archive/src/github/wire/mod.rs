//! The records of the archive as they are written: names, order and types of keys.
//!
//! One struct a record type, a file a family. The fields stand in the order in
//! which GitHub writes them, so a struct is also the order that we write.
//! Everything is optional in reading, for each year's exports have other keys;
//! [`Shape`] says which keys are known, so that the unknown ones are counted
//! and not passed over.

mod account;
mod change_request;
mod discussion;
mod file;
mod issue;
mod release;
mod repository;
mod review;
mod rule;
mod shape;

pub(crate) use account::{
    Email, MemberPrivileges, Organization, OrganizationMember, RepositoryDefaults, SocialAccount,
    Team, TeamMember, TeamPermission, User,
};
pub(crate) use change_request::{CloseReference, End, PullRequest, ReviewRequest};
pub(crate) use discussion::{Discussion, DiscussionCategory, DiscussionComment};
pub(crate) use file::Attachment;
pub(crate) use issue::{CommitComment, Issue, IssueComment, IssueEvent, Milestone, Reaction};
pub(crate) use release::{Asset, Release};
pub(crate) use repository::{
    ActionsSettings, Autolink, Collaborator, GeneralSettings, Label, Page, PublicKey, Repository,
    SCANNERS, Security, Topic, Webhook,
};
pub(crate) use review::{Review, ReviewComment, ReviewThread};
pub(crate) use rule::{Check, Level, ProtectedBranch};
pub(crate) use shape::{Shape, Unknown, Wire};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::IgnoredAny};

/// Declares record types: their fields in GitHub's order, and which keys hold objects.
///
/// `lost` are keys that are known and have no place in the model.
macro_rules! wire {
    ($(
        $(#[$meta:meta])*
        struct $Name:ident {
            $($(#[$attribute:meta])* $field:ident: $Type:ty,)*
        }
        $(nested { $($key:literal: $Nested:ident),+ $(,)? })?
        $(lost { $($lost:literal),+ $(,)? })?
    )+) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub(crate) struct $Name { $($(#[$attribute])* pub(crate) $field: $Type,)* }

        impl $crate::github::wire::Wire for $Name {
            const SHAPE: $crate::github::wire::Shape = $crate::github::wire::Shape {
                keys: &[$(stringify!($field)),*],
                nested: &[$($(($key, &<$Nested as $crate::github::wire::Wire>::SHAPE)),+)?],
                lost: &[$($($lost),+)?],
            };
        }
    )+};
}
use wire;

/// A list that may be `null`.
#[derive(Clone, Debug)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Serialize> Serialize for List<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Option::deserialize(deserializer)?.unwrap_or_default()))
    }
}

impl<T> List<T> {
    /// Number of items.
    pub(crate) fn count(&self) -> u64 {
        self.0.len() as u64
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

/// A key that is always written as `null`, whatever it was.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unused;

impl Serialize for Unused {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_none()
    }
}

impl<'de> Deserialize<'de> for Unused {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// A key that is always written as an empty list, whatever it was.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct UnusedList;

impl Serialize for UnusedList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq::<[(); 0]>([])
    }
}

impl<'de> Deserialize<'de> for UnusedList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}
