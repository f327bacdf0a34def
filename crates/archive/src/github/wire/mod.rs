//! The records of the archive as they are written: names, order and types of keys.
//!
//! One struct a record type, a file a family. The fields stand in the order in
//! which GitHub writes them, so a struct is also the order that we write.
//! Everything is optional in reading, for each year's exports have other keys;
//! [`crate::wire::Shape`] says which keys are known, so that the unknown ones are counted
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

pub(crate) use crate::wire::{List, Shape, Unknown, Wire, wire};
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

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::IgnoredAny};

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
