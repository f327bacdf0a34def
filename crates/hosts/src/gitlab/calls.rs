//! What the adapter asks for each record; `packhorse plan` reckons with it.
//!
//! Listings have pages of 100. What is said is listed under each issue and each merge request, once
//! for each kind of it.

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
    if place.is_public_service() {
        &published_limits::GITLAB
    } else {
        &published_limits::GITLAB_SELF_MANAGED
    }
}

fn of(location: &Location) -> &'static Rates {
    Place::of(location).map_or(&published_limits::GITLAB, |place| rates(&place))
}

const DISCUSSIONS: Call =
    Call::under(ObjectKind::ChangeRequest, "/api/v4/projects/1/merge_requests/1/discussions");

static OF_REVIEWS: &[Call] =
    &[Call::under(ObjectKind::ChangeRequest, "/api/v4/projects/1/merge_requests/1/approvals")];

static OF_COMMENTS: &[Call] =
    &[Call::under(ObjectKind::Issue, "/api/v4/projects/1/issues/1/discussions"), DISCUSSIONS];

static OF_REACTIONS: &[Call] = &[
    Call::under(ObjectKind::Issue, "/api/v4/projects/1/issues/1/award_emoji"),
    Call::under(ObjectKind::ChangeRequest, "/api/v4/projects/1/merge_requests/1/award_emoji"),
    Call::under(ObjectKind::Comment, "/api/v4/projects/1/issues/1/notes/1/award_emoji"),
];

/// Of each thing, what became of it and of its labels.
static OF_EVENTS: &[Call] = &[
    Call::under(ObjectKind::Issue, "/api/v4/projects/1/issues/1/resource_events"),
    Call::under(ObjectKind::Issue, "/api/v4/projects/1/issues/1/resource_events"),
    Call::under(ObjectKind::ChangeRequest, "/api/v4/projects/1/merge_requests/1/resource_events"),
    Call::under(ObjectKind::ChangeRequest, "/api/v4/projects/1/merge_requests/1/resource_events"),
];

fn homes(location: &Location) -> Vec<Url> {
    Place::of(location).map(|it| vec![it.home]).unwrap_or_default()
}

/// What reading a kind costs.
fn reads(kind: ObjectKind) -> &'static [Call] {
    match kind {
        ObjectKind::User | ObjectKind::Organization | ObjectKind::Team => {
            const { &[Call::page(100, "/api/v4/groups/1")] }
        }
        ObjectKind::Project | ObjectKind::Topic => {
            const { &[Call::each(Method::GET, "/api/v4/projects/1")] }
        }
        ObjectKind::Member
        | ObjectKind::Label
        | ObjectKind::Milestone
        | ObjectKind::Issue
        | ObjectKind::Snippet
        | ObjectKind::CommitStatus
        | ObjectKind::Release
        | ObjectKind::Board
        | ObjectKind::BranchRule
        | ObjectKind::TagRule
        | ObjectKind::Webhook
        | ObjectKind::DeployKey
        | ObjectKind::Variable
        | ObjectKind::State => const { &[Call::page(100, "/api/v4/projects/1/issues")] },
        ObjectKind::ChangeRequest => {
            const {
                &[
                    Call::page(100, "/api/v4/projects/1/merge_requests"),
                    Call::each(Method::GET, "/api/v4/projects/1/merge_requests/1"),
                ]
            }
        }
        ObjectKind::Review => OF_REVIEWS,
        ObjectKind::ReviewThread | ObjectKind::ReviewComment => const { &[DISCUSSIONS] },
        ObjectKind::Comment => OF_COMMENTS,
        ObjectKind::Reaction => OF_REACTIONS,
        ObjectKind::Event => OF_EVENTS,
        ObjectKind::Attachment => {
            const { &[Call::each(Method::GET, "/api/v4/projects/1/uploads/1")] }
        }
        ObjectKind::CommitComment => const { &[Call::page(100, "/api/v4/projects/1/events")] },
        ObjectKind::ReleaseAsset => {
            const { &[Call::each(Method::GET, "/api/v4/projects/1/releases/v/assets")] }
        }
        ObjectKind::Repository
        | ObjectKind::Wiki
        | ObjectKind::LfsObject
        | ObjectKind::Discussion
        | ObjectKind::DiscussionCategory => &[],
    }
}

/// What writing a record costs.
fn writes(kind: ObjectKind) -> &'static [Call] {
    match kind {
        ObjectKind::User => const { &[Call::each(Method::POST, "/api/v4/users")] },
        ObjectKind::Organization | ObjectKind::Team => {
            const { &[Call::each(Method::POST, "/api/v4/groups")] }
        }
        ObjectKind::Project => {
            const {
                &[
                    Call::each(Method::POST, "/api/v4/projects"),
                    Call::each(Method::PUT, "/api/v4/projects/1"),
                ]
            }
        }
        ObjectKind::Member
        | ObjectKind::Label
        | ObjectKind::Milestone
        | ObjectKind::Release
        | ObjectKind::CommitStatus
        | ObjectKind::Board
        | ObjectKind::BranchRule
        | ObjectKind::TagRule
        | ObjectKind::Webhook
        | ObjectKind::DeployKey
        | ObjectKind::Variable
        | ObjectKind::Snippet
        | ObjectKind::ReleaseAsset
        | ObjectKind::Attachment => {
            const { &[Call::each(Method::POST, "/api/v4/projects/1/labels")] }
        }
        ObjectKind::Topic | ObjectKind::State => {
            const { &[Call::each(Method::PUT, "/api/v4/projects/1")] }
        }
        ObjectKind::Issue => {
            const {
                &[
                    Call::each(Method::POST, "/api/v4/projects/1/issues"),
                    Call::each(Method::PUT, "/api/v4/projects/1/issues/1"),
                ]
            }
        }
        ObjectKind::ChangeRequest => {
            const {
                &[
                    Call::each(Method::POST, "/api/v4/projects/1/merge_requests"),
                    Call::each(Method::PUT, "/api/v4/projects/1/merge_requests/1"),
                ]
            }
        }
        ObjectKind::Review => {
            const { &[Call::each(Method::POST, "/api/v4/projects/1/merge_requests/1/notes")] }
        }
        ObjectKind::ReviewThread => {
            const { &[Call::each(Method::POST, "/api/v4/projects/1/merge_requests/1/discussions")] }
        }
        ObjectKind::ReviewComment | ObjectKind::Comment => {
            const { &[Call::each(Method::POST, "/api/v4/projects/1/issues/1/notes")] }
        }
        ObjectKind::CommitComment => {
            const { &[Call::each(Method::POST, "/api/v4/projects/1/repository/commits/c/comments")] }
        }
        ObjectKind::Reaction => {
            const { &[Call::each(Method::POST, "/api/v4/projects/1/issues/1/award_emoji")] }
        }
        ObjectKind::Repository
        | ObjectKind::Wiki
        | ObjectKind::Event
        | ObjectKind::LfsObject
        | ObjectKind::Discussion
        | ObjectKind::DiscussionCategory => &[],
    }
}
