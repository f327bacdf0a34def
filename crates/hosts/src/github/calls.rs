//! What the adapter asks for each record; `packhorse plan` reckons with it.
//!
//! Listings have pages of 100. Reviews are listed under each change request, and reactions under
//! each thing that has some.

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

/// How often the server may be asked.
pub(super) fn rates(place: &Place) -> &'static Rates {
    if place.is_public() { &published_limits::GITHUB } else { &published_limits::GITHUB_SERVER }
}

fn of(location: &Location) -> &'static Rates {
    Place::of(location).map_or(&published_limits::GITHUB, |place| rates(&place))
}

fn homes(location: &Location) -> Vec<Url> {
    Place::of(location).map(|it| vec![it.api, it.uploads]).unwrap_or_default()
}

/// What reading a kind costs.
fn reads(kind: ObjectKind) -> &'static [Call] {
    match kind {
        ObjectKind::User | ObjectKind::Organization => {
            const { &[Call::each(Method::GET, "/users/o")] }
        }
        ObjectKind::Team => const { &[Call::page(100, "/orgs/o/teams")] },
        ObjectKind::Project => const { &[Call::each(Method::GET, "/repos/o/r")] },
        ObjectKind::Topic => const { &[Call::each(Method::GET, "/repos/o/r")] },
        ObjectKind::Member => const { &[Call::page(100, "/repos/o/r/collaborators")] },
        ObjectKind::Label
        | ObjectKind::Milestone
        | ObjectKind::Issue
        | ObjectKind::ChangeRequest
        | ObjectKind::ReviewComment
        | ObjectKind::Comment
        | ObjectKind::Event
        | ObjectKind::Release
        | ObjectKind::CommitComment
        | ObjectKind::DeployKey
        | ObjectKind::Webhook
        | ObjectKind::Variable
        | ObjectKind::State => const { &[Call::page(100, "/repos/o/r/issues")] },
        ObjectKind::ReviewThread => {
            const { &[Call::page(100, "/repos/o/r/pulls/comments"), Call::page(50, "/graphql")] }
        }
        ObjectKind::Review => {
            const { &[Call::under(ObjectKind::ChangeRequest, "/repos/o/r/pulls/1/reviews")] }
        }
        ObjectKind::Discussion | ObjectKind::DiscussionCategory => {
            const { &[Call::page(50, "/graphql")] }
        }
        ObjectKind::Reaction => {
            const {
                &[
                    Call::page(100, "/repos/o/r/issues"),
                    Call::each(Method::GET, "/repos/o/r/issues/1/reactions"),
                ]
            }
        }
        ObjectKind::CommitStatus => const { &[Call::page(1, "/repos/o/r/commits/c/statuses")] },
        ObjectKind::ReleaseAsset => {
            const { &[Call::each(Method::GET, "/repos/o/r/releases/assets/1")] }
        }
        ObjectKind::BranchRule | ObjectKind::TagRule => {
            const { &[Call::page(1, "/repos/o/r/rulesets/1")] }
        }
        ObjectKind::Repository
        | ObjectKind::Wiki
        | ObjectKind::Attachment
        | ObjectKind::LfsObject
        | ObjectKind::Board
        | ObjectKind::Snippet => &[],
    }
}

/// What writing a record costs.
fn writes(kind: ObjectKind) -> &'static [Call] {
    match kind {
        ObjectKind::Organization => const { &[Call::each(Method::GET, "/users/o")] },
        ObjectKind::Team => const { &[Call::each(Method::POST, "/orgs/o/teams")] },
        ObjectKind::Project => {
            const {
                &[
                    Call::each(Method::POST, "/orgs/o/repos"),
                    Call::each(Method::PATCH, "/repos/o/r"),
                ]
            }
        }
        ObjectKind::Member => const { &[Call::each(Method::PUT, "/repos/o/r/collaborators/u")] },
        ObjectKind::Topic => const { &[Call::each(Method::PUT, "/repos/o/r/topics")] },
        ObjectKind::Label
        | ObjectKind::Milestone
        | ObjectKind::Release
        | ObjectKind::CommitStatus
        | ObjectKind::BranchRule
        | ObjectKind::TagRule
        | ObjectKind::Webhook
        | ObjectKind::DeployKey
        | ObjectKind::Variable => const { &[Call::each(Method::POST, "/repos/o/r/labels")] },
        ObjectKind::Issue => {
            const {
                &[
                    Call::each(Method::POST, "/repos/o/r/issues"),
                    Call::each(Method::PATCH, "/repos/o/r/issues/1"),
                ]
            }
        }
        ObjectKind::ChangeRequest => {
            const {
                &[
                    Call::each(Method::POST, "/repos/o/r/pulls"),
                    Call::each(Method::PATCH, "/repos/o/r/issues/1"),
                ]
            }
        }
        ObjectKind::Review => const { &[Call::each(Method::POST, "/repos/o/r/pulls/1/reviews")] },
        ObjectKind::ReviewComment => {
            const { &[Call::each(Method::POST, "/repos/o/r/pulls/1/comments")] }
        }
        ObjectKind::ReviewThread => const { &[Call::each(Method::POST, "/graphql")] },
        ObjectKind::Comment => {
            const { &[Call::each(Method::POST, "/repos/o/r/issues/1/comments")] }
        }
        ObjectKind::CommitComment => {
            const { &[Call::each(Method::POST, "/repos/o/r/commits/c/comments")] }
        }
        ObjectKind::Reaction => {
            const { &[Call::each(Method::POST, "/repos/o/r/issues/1/reactions")] }
        }
        ObjectKind::Discussion | ObjectKind::DiscussionCategory => {
            const { &[Call::each(Method::POST, "/graphql")] }
        }
        ObjectKind::ReleaseAsset => {
            const { &[Call::each(Method::POST, "/repos/o/r/releases/1/assets")] }
        }
        ObjectKind::State => const { &[Call::each(Method::PUT, "/repos/o/r/issues/1/lock")] },
        ObjectKind::Repository
        | ObjectKind::Wiki
        | ObjectKind::User
        | ObjectKind::Event
        | ObjectKind::Attachment
        | ObjectKind::Board
        | ObjectKind::Snippet
        | ObjectKind::LfsObject => &[],
    }
}
