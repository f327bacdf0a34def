//! What the adapter asks for each record; `packhorse plan` reckons with it.
//!
//! Listings have pages of up to 1,000, but 100 is what servers give. All that is said about a pull
//! request is one listing of activities, read once for each kind of it.

use super::place::Place;
use crate::{
    calls::{Call, Calls},
    published_limits,
};
use http::Method;
use packhorse_core::{Location, ObjectKind};
use packhorse_net::Rates;
use url::Url;

/// What is asked.
pub(crate) const CALLS: Calls = Calls { rates: of, homes, reads, writes };

fn of(_: &Location) -> &'static Rates {
    &published_limits::BITBUCKET_SERVER
}

fn homes(location: &Location) -> Vec<Url> {
    Place::of(location).map(|it| vec![it.home]).unwrap_or_default()
}

/// What reading a kind costs.
fn reads(kind: ObjectKind) -> &'static [Call] {
    match kind {
        ObjectKind::User
        | ObjectKind::Organization
        | ObjectKind::Team
        | ObjectKind::Member
        | ObjectKind::Topic
        | ObjectKind::ChangeRequest
        | ObjectKind::Webhook
        | ObjectKind::DeployKey
        | ObjectKind::State
        | ObjectKind::BranchRule
        | ObjectKind::TagRule => const { &[Call::page(100, "/rest/api/1.0/projects/P/repos/r")] },
        ObjectKind::Project => {
            const { &[Call::each(Method::GET, "/rest/api/1.0/projects/P/repos/r")] }
        }
        ObjectKind::Attachment
        | ObjectKind::Review
        | ObjectKind::ReviewThread
        | ObjectKind::ReviewComment
        | ObjectKind::Comment
        | ObjectKind::Reaction
        | ObjectKind::Event => {
            const {
                &[Call::under(
                    ObjectKind::ChangeRequest,
                    "/rest/api/1.0/projects/P/repos/r/pull-requests/1/activities",
                )]
            }
        }
        ObjectKind::CommitStatus => const { &[Call::page(1, "/rest/build-status/1.0/commits/c")] },
        ObjectKind::Repository
        | ObjectKind::Wiki
        | ObjectKind::Label
        | ObjectKind::Milestone
        | ObjectKind::Issue
        | ObjectKind::Release
        | ObjectKind::ReleaseAsset
        | ObjectKind::LfsObject
        | ObjectKind::CommitComment
        | ObjectKind::Discussion
        | ObjectKind::DiscussionCategory
        | ObjectKind::Snippet
        | ObjectKind::Board
        | ObjectKind::Variable => &[],
    }
}

/// What writing a record costs.
fn writes(kind: ObjectKind) -> &'static [Call] {
    match kind {
        ObjectKind::Project => {
            const {
                &[
                    Call::each(Method::POST, "/rest/api/1.0/projects/P/repos"),
                    Call::each(Method::PUT, "/rest/api/1.0/projects/P/repos/r"),
                ]
            }
        }
        ObjectKind::Organization
        | ObjectKind::Member
        | ObjectKind::Topic
        | ObjectKind::CommitStatus
        | ObjectKind::BranchRule
        | ObjectKind::TagRule
        | ObjectKind::Webhook
        | ObjectKind::DeployKey
        | ObjectKind::State => {
            const { &[Call::each(Method::PUT, "/rest/api/1.0/projects/P/repos/r")] }
        }
        ObjectKind::ChangeRequest => {
            const {
                &[
                    Call::each(Method::POST, "/rest/api/1.0/projects/P/repos/r/pull-requests"),
                    Call::each(
                        Method::POST,
                        "/rest/api/1.0/projects/P/repos/r/pull-requests/1/decline",
                    ),
                ]
            }
        }
        ObjectKind::Review
        | ObjectKind::ReviewThread
        | ObjectKind::ReviewComment
        | ObjectKind::Comment => {
            const {
                &[Call::each(
                    Method::POST,
                    "/rest/api/1.0/projects/P/repos/r/pull-requests/1/comments",
                )]
            }
        }
        ObjectKind::Reaction => {
            const {
                &[Call::each(
                    Method::PUT,
                    "/rest/api/1.0/projects/P/repos/r/comments/1/reactions/e",
                )]
            }
        }
        ObjectKind::Repository
        | ObjectKind::Wiki
        | ObjectKind::User
        | ObjectKind::Team
        | ObjectKind::Label
        | ObjectKind::Milestone
        | ObjectKind::Issue
        | ObjectKind::Release
        | ObjectKind::ReleaseAsset
        | ObjectKind::Attachment
        | ObjectKind::LfsObject
        | ObjectKind::CommitComment
        | ObjectKind::Discussion
        | ObjectKind::DiscussionCategory
        | ObjectKind::Snippet
        | ObjectKind::Board
        | ObjectKind::Variable
        | ObjectKind::Event => &[],
    }
}
