//! What the adapter asks for each record; `packhorse plan` reckons with it.
//!
//! Listings have pages of 100, those of pull requests 50. All that is said about a pull request is
//! listed under it, once for each kind of it.

use super::place;
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
    &published_limits::BITBUCKET_CLOUD
}

fn homes(location: &Location) -> Vec<Url> {
    let home = location.address().0.as_str().parse().ok();
    home.and_then(|it| place::api(&it)).into_iter().collect()
}

/// What reading a kind costs.
fn reads(kind: ObjectKind) -> &'static [Call] {
    match kind {
        ObjectKind::User | ObjectKind::Organization | ObjectKind::Team => {
            const { &[Call::page(100, "/2.0/workspaces/w")] }
        }
        ObjectKind::Project => const { &[Call::each(Method::GET, "/2.0/repositories/w/r")] },
        ObjectKind::Member
        | ObjectKind::Milestone
        | ObjectKind::Issue
        | ObjectKind::Webhook
        | ObjectKind::DeployKey
        | ObjectKind::BranchRule
        | ObjectKind::Release
        | ObjectKind::ReleaseAsset => const { &[Call::page(100, "/2.0/repositories/w/r")] },
        ObjectKind::ChangeRequest => {
            const { &[Call::page(50, "/2.0/repositories/w/r/pullrequests")] }
        }
        ObjectKind::Review | ObjectKind::Event => {
            const {
                &[Call::under(
                    ObjectKind::ChangeRequest,
                    "/2.0/repositories/w/r/pullrequests/1/activity",
                )]
            }
        }
        ObjectKind::ReviewThread | ObjectKind::ReviewComment => {
            const {
                &[Call::under(
                    ObjectKind::ChangeRequest,
                    "/2.0/repositories/w/r/pullrequests/1/comments",
                )]
            }
        }
        ObjectKind::Comment => {
            const {
                &[
                    Call::under(
                        ObjectKind::ChangeRequest,
                        "/2.0/repositories/w/r/pullrequests/1/comments",
                    ),
                    Call::under(ObjectKind::Issue, "/2.0/repositories/w/r/issues/1/comments"),
                ]
            }
        }
        ObjectKind::Attachment => {
            const { &[Call::under(ObjectKind::Issue, "/2.0/repositories/w/r/issues/1/attachments")] }
        }
        ObjectKind::CommitStatus => {
            const { &[Call::page(1, "/2.0/repositories/w/r/commit/c/statuses")] }
        }
        ObjectKind::Repository
        | ObjectKind::Wiki
        | ObjectKind::TagRule
        | ObjectKind::Topic
        | ObjectKind::Label
        | ObjectKind::State
        | ObjectKind::Variable
        | ObjectKind::Reaction
        | ObjectKind::LfsObject
        | ObjectKind::CommitComment
        | ObjectKind::Discussion
        | ObjectKind::DiscussionCategory
        | ObjectKind::Snippet
        | ObjectKind::Board => &[],
    }
}

/// What writing a record costs.
fn writes(kind: ObjectKind) -> &'static [Call] {
    match kind {
        ObjectKind::Project => {
            const {
                &[
                    Call::each(Method::POST, "/2.0/repositories/w/r"),
                    Call::each(Method::PUT, "/2.0/repositories/w/r"),
                ]
            }
        }
        ObjectKind::ChangeRequest => {
            const {
                &[
                    Call::each(Method::POST, "/2.0/repositories/w/r/pullrequests"),
                    Call::each(Method::POST, "/2.0/repositories/w/r/pullrequests/1/decline"),
                ]
            }
        }
        ObjectKind::Review
        | ObjectKind::ReviewThread
        | ObjectKind::ReviewComment
        | ObjectKind::Comment => {
            const { &[Call::each(Method::POST, "/2.0/repositories/w/r/pullrequests/1/comments")] }
        }
        ObjectKind::Member
        | ObjectKind::Webhook
        | ObjectKind::DeployKey
        | ObjectKind::BranchRule
        | ObjectKind::ReleaseAsset
        | ObjectKind::CommitStatus => const { &[Call::each(Method::PUT, "/2.0/repositories/w/r")] },
        ObjectKind::Repository
        | ObjectKind::Wiki
        | ObjectKind::User
        | ObjectKind::Organization
        | ObjectKind::Team
        | ObjectKind::Milestone
        | ObjectKind::Issue
        | ObjectKind::TagRule
        | ObjectKind::Release
        | ObjectKind::Topic
        | ObjectKind::Label
        | ObjectKind::State
        | ObjectKind::Variable
        | ObjectKind::Attachment
        | ObjectKind::Reaction
        | ObjectKind::LfsObject
        | ObjectKind::CommitComment
        | ObjectKind::Discussion
        | ObjectKind::DiscussionCategory
        | ObjectKind::Snippet
        | ObjectKind::Board
        | ObjectKind::Event => &[],
    }
}
