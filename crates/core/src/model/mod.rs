//! The canonical model: what a project is made of, in no host's dialect.
//!
//! Each struct holds the union of what the hosts hold. Words are neutral: a
//! *change request* is a pull request or a merge request. References between
//! records use what people use, a number, a name, a tag, and a [`HostId`] only
//! where there is no such thing. Absent means unknown or not set.
//!
//! Records are written as canonical JSON by [`crate::fingerprint::exact`]; every
//! struct reads back with missing fields at their defaults, so that fields can
//! be added without a new format.

mod account;
mod board;
mod change_request;
mod comment;
mod discussion;
mod event;
mod file;
mod integration;
mod issue;
mod label;
mod member;
mod milestone;
mod project;
mod release;
mod repository;
mod review;
mod rule;
mod state;
mod value;

pub use account::{Email, Organization, ProfileLink, Team, User};
pub use board::{Board, BoardColumn};
pub use change_request::{
    Branch, ChangeRequest, ChangeRequestState, CloseReference, ReviewRequest,
};
pub use comment::{Comment, CommitComment, Reaction, TaskState};
pub use discussion::{Discussion, DiscussionCategory, Snippet, SnippetFile};
pub use event::Event;
pub use file::{Attachment, Blob, LfsObject};
pub use integration::{CommitState, CommitStatus, DeployKey, Variable, Webhook};
pub use issue::{Issue, OpenState};
pub use label::{Label, Topic};
pub use member::{Grantee, Member, Place, Role};
pub use milestone::Milestone;
pub use project::{Autolink, Automation, Features, MergeMethods, Pages, Project, Visibility};
pub use release::{Release, ReleaseAsset};
pub use repository::{ObjectFormat, Repository, Wiki};
pub use review::{Position, Review, ReviewComment, ReviewThread, Side, Verdict};
pub use rule::{BranchRule, Enforcement, TagRule};
pub use state::{State, StateValue};
pub use value::{HostId, Identity, IdentityKind, Markup, Subject, Text, TextBody, Time, TimeError};

/// Derives what every struct of the model has.
macro_rules! model {
    ($($(#[$meta:meta])* pub struct $Name:ident { $($body:tt)* })+) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
            #[serde(default)]
            pub struct $Name { $($body)* }
        )+
    };
}

/// Derives what every plain choice of the model has.
macro_rules! choice {
    ($($(#[$meta:meta])* pub enum $Name:ident { $($body:tt)* })+) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
            #[serde(rename_all = "snake_case")]
            pub enum $Name { $($body)* }
        )+
    };
}

use {choice, model};
