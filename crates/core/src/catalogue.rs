//! Every kind of object that can be carried: one row each, in load order.
//!
//! A row gives the enum, the payload enum, the list and the stable name.
//! Whatever must answer for a kind does so with an exhaustive `match`, so a new
//! row breaks every place that has to know about it, at compile time.

use crate::model::*;
use serde::{Deserialize, Serialize};

/// Declares the kinds of object.
macro_rules! catalogue {
    ($($(#[$doc:meta])* $Kind:ident = $name:literal, $carriage:ident;)+) => {
        /// Every kind of object that can be carried, in load order.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum ObjectKind { $($(#[$doc])* #[serde(rename = $name)] $Kind,)+ }

        /// One object, as the canonical model sees it. Each is in a box of its own size: records are
        /// moved a dozen times from one end to the other, by the thousand.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind", content = "value")]
        #[expect(clippy::enum_variant_names, reason = "an LFS object is called so")]
        pub enum Object { $($(#[$doc])* #[serde(rename = $name)] $Kind(Box<$Kind>),)+ }

        impl ObjectKind {
            /// All kinds, in load order.
            pub const ALL: &'static [Self] = &[$(Self::$Kind),+];

            /// Stable name, used in the journal, in archives and in reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$Kind => $name),+ }
            }

            /// The kind of that stable name.
            pub fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$Kind),)+ _ => None }
            }

            /// What has to travel for this kind to have arrived.
            pub const fn carriage(self) -> Carriage {
                match self { $(Self::$Kind => Carriage::$carriage),+ }
            }
        }

        $(impl From<$Kind> for Object {
            fn from(it: $Kind) -> Self {
                Self::$Kind(Box::new(it))
            }
        })+

        impl Object {
            /// The kind of this object.
            pub const fn kind(&self) -> ObjectKind {
                match self { $(Self::$Kind(_) => ObjectKind::$Kind),+ }
            }

            /// Writes the object's fields, without the kind around them.
            ///
            /// # Errors
            ///
            /// Whatever `serializer` answers.
            pub fn fields<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { $(Self::$Kind(it) => it.serialize(serializer)),+ }
            }

            /// Reads an object of a known kind from its JSON fields.
            ///
            /// # Errors
            ///
            /// When the bytes are not JSON, or not the fields of that kind.
            pub fn from_fields(kind: ObjectKind, json: &[u8]) -> Result<Self, serde_json::Error> {
                match kind { $(ObjectKind::$Kind => serde_json::from_slice(json).map(Self::$Kind)),+ }
            }
        }
    };
}

/// What has to travel for an object to have arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carriage {
    /// Its record alone.
    Record,
    /// A Git repository, from remote to remote.
    Git,
    /// Its record and a blob of bytes.
    Blob,
}

catalogue! {
    /// A person's or a bot's account.
    User = "user", Record;
    /// An organization, group or workspace: what owns projects.
    Organization = "organization", Record;
    /// A team within an organization.
    Team = "team", Record;
    /// The project itself: name, visibility, default branch.
    Project = "project", Record;
    /// Somebody's role in an organization, a team or a project.
    Member = "member", Record;
    /// A topic of the project.
    Topic = "topic", Record;
    /// A large file kept outside Git by Git LFS; arrives before the refs that need it.
    LfsObject = "lfs_object", Blob;
    /// The code repository.
    Repository = "repository", Git;
    /// The wiki, where it is a repository.
    Wiki = "wiki", Git;
    /// A label.
    Label = "label", Record;
    /// A milestone.
    Milestone = "milestone", Record;
    /// A file that a body refers to.
    Attachment = "attachment", Blob;
    /// An issue.
    Issue = "issue", Record;
    /// A pull request or merge request.
    ChangeRequest = "change_request", Record;
    /// A verdict on a change request.
    Review = "review", Record;
    /// A thread of review comments, with its place in the diff.
    ReviewThread = "review_thread", Record;
    /// A comment in a review thread.
    ReviewComment = "review_comment", Record;
    /// A category of discussions.
    DiscussionCategory = "discussion_category", Record;
    /// A discussion.
    Discussion = "discussion", Record;
    /// A snippet of text or code.
    Snippet = "snippet", Record;
    /// A comment on a commit.
    CommitComment = "commit_comment", Record;
    /// A comment on an issue, a change request, a discussion or a snippet.
    Comment = "comment", Record;
    /// A reaction to any of these.
    Reaction = "reaction", Record;
    /// Something that happened to an issue or a change request.
    Event = "event", Record;
    /// A build's verdict on a commit.
    CommitStatus = "commit_status", Record;
    /// A release.
    Release = "release", Record;
    /// A file of a release.
    ReleaseAsset = "release_asset", Blob;
    /// A board of cards.
    Board = "board", Record;
    /// Rules for branches.
    BranchRule = "branch_rule", Record;
    /// Rules for tags.
    TagRule = "tag_rule", Record;
    /// A webhook; its secret never travels.
    Webhook = "webhook", Record;
    /// A key that may read or write the repository.
    DeployKey = "deploy_key", Record;
    /// A variable of the project's builds, by name.
    Variable = "variable", Record;
    /// Archived, locked or pinned; comes last, for it closes doors.
    State = "state", Record;
}

impl Object {
    /// Numbers of the milestones that it is meant for.
    pub fn milestones_mut(&mut self) -> Vec<&mut u64> {
        if let Self::Issue(it) = self {
            it.milestone.iter_mut().collect()
        } else if let Self::ChangeRequest(it) = self {
            it.milestone.iter_mut().collect()
        } else if let Self::Release(it) = self {
            it.milestones.iter_mut().collect()
        } else {
            Vec::new()
        }
    }
}

impl ObjectKind {
    /// Whether records of this kind stand in a project rather than beside all projects.
    ///
    /// Members stand in both: roles in an organization are shared, roles in a
    /// project are its own. [`ObjectKind::Project`] is listed in the shared scope.
    pub const fn in_project(self) -> bool {
        !matches!(self, Self::User | Self::Organization | Self::Team | Self::Project)
    }

    /// Whether records of this kind can stand beside all projects.
    pub const fn is_shared(self) -> bool {
        matches!(self, Self::User | Self::Organization | Self::Team | Self::Member)
    }
}

impl std::fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_kind() {
        for &kind in ObjectKind::ALL {
            assert_eq!(ObjectKind::named(kind.name()), Some(kind));
        }
    }

    #[test]
    fn what_a_kind_refers_to_is_loaded_before_it() {
        let before = |a: ObjectKind, b: ObjectKind| assert!(a < b, "{a} before {b}");

        before(ObjectKind::User, ObjectKind::Team);
        before(ObjectKind::LfsObject, ObjectKind::Repository);
        before(ObjectKind::Repository, ObjectKind::ChangeRequest);
        before(ObjectKind::Label, ObjectKind::Issue);
        before(ObjectKind::Issue, ObjectKind::Comment);
        before(ObjectKind::Comment, ObjectKind::Reaction);
        before(ObjectKind::Repository, ObjectKind::BranchRule);
        before(ObjectKind::Comment, ObjectKind::State);
    }
}
