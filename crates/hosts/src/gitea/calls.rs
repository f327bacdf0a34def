//! What the adapter asks for each record; `packhorse plan` reckons with it.
//!
//! Listings have pages of 50. Reviews and what happened are listed under each issue and pull request.

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
    &published_limits::GITEA
}

fn homes(location: &Location) -> Vec<Url> {
    Place::of(location).map(|it| vec![it.home]).unwrap_or_default()
}

/// What reading a kind costs.
fn reads(kind: ObjectKind) -> &'static [Call] {
    match kind {
        ObjectKind::User | ObjectKind::Organization | ObjectKind::Team => {
            const { &[Call::page(50, "/api/v1/orgs")] }
        }
        ObjectKind::Project | ObjectKind::Topic => {
            const { &[Call::each(Method::GET, "/api/v1/repos/o/r")] }
        }
        ObjectKind::Member
        | ObjectKind::Label
        | ObjectKind::Milestone
        | ObjectKind::Issue
        | ObjectKind::ChangeRequest
        | ObjectKind::Comment
        | ObjectKind::Release
        | ObjectKind::ReleaseAsset
        | ObjectKind::BranchRule
        | ObjectKind::TagRule
        | ObjectKind::Webhook
        | ObjectKind::DeployKey
        | ObjectKind::State => const { &[Call::page(50, "/api/v1/repos/o/r/issues")] },
        ObjectKind::Review => {
            const { &[Call::under(ObjectKind::ChangeRequest, "/api/v1/repos/o/r/pulls/1/reviews")] }
        }
        ObjectKind::ReviewThread | ObjectKind::ReviewComment => {
            const {
                &[
                    Call::under(ObjectKind::ChangeRequest, "/api/v1/repos/o/r/pulls/1/reviews"),
                    Call::under(ObjectKind::Review, "/api/v1/repos/o/r/pulls/1/reviews/1/comments"),
                ]
            }
        }
        ObjectKind::Reaction => {
            const {
                &[
                    Call::under(ObjectKind::Issue, "/api/v1/repos/o/r/issues/1/reactions"),
                    Call::under(
                        ObjectKind::Comment,
                        "/api/v1/repos/o/r/issues/comments/1/reactions",
                    ),
                ]
            }
        }
        ObjectKind::Event => {
            const {
                &[
                    Call::under(ObjectKind::Issue, "/api/v1/repos/o/r/issues/1/timeline"),
                    Call::under(ObjectKind::ChangeRequest, "/api/v1/repos/o/r/issues/1/timeline"),
                ]
            }
        }
        ObjectKind::CommitStatus => {
            const { &[Call::under(ObjectKind::ChangeRequest, "/api/v1/repos/o/r/commits/c/statuses")] }
        }
        ObjectKind::Attachment => {
            const { &[Call::each(Method::GET, "/api/v1/repos/o/r/issues/1/assets")] }
        }
        ObjectKind::Repository
        | ObjectKind::Wiki
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
        ObjectKind::User | ObjectKind::Organization => {
            const { &[Call::each(Method::POST, "/api/v1/orgs")] }
        }
        ObjectKind::Team => const { &[Call::each(Method::POST, "/api/v1/orgs/o/teams")] },
        ObjectKind::Project => {
            const {
                &[
                    Call::each(Method::POST, "/api/v1/orgs/o/repos"),
                    Call::each(Method::PATCH, "/api/v1/repos/o/r"),
                ]
            }
        }
        ObjectKind::Member
        | ObjectKind::Topic
        | ObjectKind::Label
        | ObjectKind::Milestone
        | ObjectKind::Attachment
        | ObjectKind::CommitStatus
        | ObjectKind::Release
        | ObjectKind::ReleaseAsset
        | ObjectKind::BranchRule
        | ObjectKind::TagRule
        | ObjectKind::Webhook
        | ObjectKind::DeployKey
        | ObjectKind::State
        | ObjectKind::Comment
        | ObjectKind::Reaction
        | ObjectKind::Review
        | ObjectKind::ReviewThread
        | ObjectKind::ReviewComment => {
            const { &[Call::each(Method::POST, "/api/v1/repos/o/r/labels")] }
        }
        ObjectKind::Issue => {
            const {
                &[
                    Call::each(Method::POST, "/api/v1/repos/o/r/issues"),
                    Call::each(Method::PATCH, "/api/v1/repos/o/r/issues/1"),
                ]
            }
        }
        ObjectKind::ChangeRequest => {
            const {
                &[
                    Call::each(Method::POST, "/api/v1/repos/o/r/pulls"),
                    Call::each(Method::PATCH, "/api/v1/repos/o/r/pulls/1"),
                ]
            }
        }
        ObjectKind::Repository
        | ObjectKind::Wiki
        | ObjectKind::LfsObject
        | ObjectKind::Event
        | ObjectKind::Discussion
        | ObjectKind::DiscussionCategory
        | ObjectKind::Snippet
        | ObjectKind::Board
        | ObjectKind::CommitComment
        | ObjectKind::Variable => &[],
    }
}
