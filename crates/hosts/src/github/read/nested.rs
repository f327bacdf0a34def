//! Kinds that the server lists under each of their parents.
//!
//! A page of ours is a page of parents with all of their children, or as many
//! as make it full; the cursor is the page of parents and the place on it.

use super::{
    GithubSource, Page, Path, Spot,
    lists::{CREATED, OLDEST, spot},
    map,
    quiet::Sought,
    spot::{in_part, part},
    wire,
};
use crate::github::{
    api::Listing,
    map::{issue, review, settings},
};
pub(super) use crate::walk::{AT_ONCE, Children, walk};
use futures::FutureExt;
use packhorse_core::{
    Cursor, HostError, Record,
    model::{HostId, Subject},
};
use serde::de::DeserializeOwned;

/// A listing of things that may have reactions.
struct Reacted {
    /// Its name in cursors.
    name: &'static str,
    /// Where it is, below the project.
    rest: &'static [&'static str],
    query: &'static [(&'static str, &'static str)],
    /// The listing after it.
    next: Option<&'static str>,
}

/// Everything that may have reactions.
const REACTED: [Reacted; 5] = [
    Reacted { name: "issues", rest: &["issues"], query: &OLDEST, next: Some("comments") },
    Reacted {
        name: "comments",
        rest: &["issues", "comments"],
        query: &CREATED,
        next: Some("reviews"),
    },
    Reacted {
        name: "reviews",
        rest: &["pulls", "comments"],
        query: &CREATED,
        next: Some("commits"),
    },
    Reacted { name: "commits", rest: &["comments"], query: &[], next: Some("releases") },
    Reacted { name: "releases", rest: &["releases"], query: &[], next: None },
];

/// What has reactions: what it is, where its reactions are, and how many.
struct Target {
    subject: Subject,
    below: Vec<String>,
    count: Option<u64>,
}

impl GithubSource {
    pub(super) async fn reviews(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let (place, operation) = (spot(at)?, "read reviews");
        let listing: Listing<wire::PullRequest> =
            self.listing((&path.below(&["pulls"]), &OLDEST), &place, operation).await?;
        let ids = listing.items.iter().skip(place.parent).filter_map(|it| it.node_id.as_deref());
        let bare = self.unreviewed(ids.collect()).await?;
        let found = walk(listing, place, |it: wire::PullRequest| {
            let is_bare = it.node_id.is_some_and(|it| bare.contains(&it));
            async move {
                let Some(number) = it.number.filter(|_| !is_bare) else { return Ok(Vec::new()) };
                let text = number.to_string();
                let below = path.below(&["pulls", &text, "reviews"]);
                let reviews: Vec<wire::Review> = self.api.children(&below, &[], operation).await?;
                let made = reviews.into_iter().filter_map(|it| {
                    map::record(self.host(), it, |it, notes| review::review(it, number, notes))
                });
                Ok(made.collect())
            }
            .boxed()
        })
        .await?;
        Ok(super::lists::page(found))
    }

    /// What builds said of the heads of branches.
    pub(super) async fn commit_statuses(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let (place, operation) = (spot(at)?, "read what builds said");
        let listing: Listing<wire::BranchHead> =
            self.listing((&path.below(&["branches"]), &[]), &place, operation).await?;
        let heads = listing.items.iter().skip(place.parent);
        let commits = heads.filter_map(|it| it.commit.as_ref()?.sha.as_deref()).collect();
        let bare = self.unbuilt(path, commits).await?;
        let found = walk(listing, place, |head: wire::BranchHead| {
            let commit = head.commit.and_then(|it| it.sha).filter(|it| !bare.contains(it));
            async move {
                let (Some(branch), Some(commit)) = (head.name, commit) else {
                    return Ok(Vec::new());
                };
                let below = path.below(&["commits", &commit, "statuses"]);
                let list: Vec<wire::CommitStatus> =
                    self.api.children(&below, &[], operation).await?;
                let made = list.into_iter().filter_map(|it| {
                    let at = (branch.as_str(), commit.as_str());
                    map::record(self.host(), it, |it, notes| settings::status(it, at, notes))
                });
                // The newest comes first; of each build, the last word counts.
                Ok(made.collect::<Vec<_>>().into_iter().rev().collect())
            }
            .boxed()
        })
        .await?;
        Ok(super::lists::page(found))
    }

    /// Reactions to issues and change requests, to comments of all sorts, and to releases.
    pub(super) async fn reactions(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let (name, place) = part(at, REACTED[0].name)?;
        let Some(part) = REACTED.iter().find(|it| it.name == name) else {
            return Err(super::spot::foreign(name));
        };
        let spot = Spot::of(place)?;
        let (records, next) = match part.name {
            "issues" => self.reactions_in(path, part, spot, issue_target).await,
            "releases" => self.reactions_in(path, part, spot, release_target).await,
            _ => {
                let target = |it| comment_target(part, it);
                self.reactions_in(path, part, spot, target).await
            }
        }?;
        let next = match next {
            Some(spot) => Some(in_part(part.name, &spot.text())),
            None => part.next.map(|it| in_part(it, "")),
        };
        Ok(Page { records, next })
    }

    async fn reactions_in<T: DeserializeOwned>(
        &self,
        path: Path<'_>,
        part: &Reacted,
        spot: Spot,
        target: impl Fn(T) -> Option<Target>,
    ) -> Result<(Vec<Record>, Option<Spot>), HostError> {
        let operation = "read reactions";
        let below = path.below(part.rest);
        let listed = (&below[..], part.query);
        let Some(spot) = self.past(Sought::Reactions, listed, spot) else {
            return Ok((Vec::new(), None));
        };
        let listing: Result<Listing<T>, _> = self.listing(listed, &spot, operation).await;
        let listing = match listing {
            // Issues may be switched off.
            Err(error) if super::is_closed(error.kind) => {
                self.repository(path).await?;
                return Ok((Vec::new(), None));
            }
            other => other?,
        };
        let targets = listing.items.into_iter().map(target).collect();
        let listing = Listing { items: targets, next: listing.next };
        walk(listing, spot, |target: Option<Target>| {
            async move {
                let Some(target) = target.filter(|it| it.count != Some(0)) else {
                    return Ok(Vec::new());
                };
                let rest: Vec<&str> = target.below.iter().map(String::as_str).collect();
                let below = [path.below(&rest), vec!["reactions"]].concat();
                let list: Vec<wire::Reaction> = self.api.children(&below, &[], operation).await?;
                let made = list.into_iter().filter_map(|it| {
                    map::record(self.host(), it, |it, notes| {
                        issue::reaction(it, &target.subject, notes)
                    })
                });
                Ok(made.collect())
            }
            .boxed()
        })
        .await
    }
}

fn target(
    (subject, rest): (Subject, &[&str]),
    id: u64,
    reactions: Option<wire::Reactions>,
) -> Target {
    let mut below: Vec<String> = rest.iter().map(|it| (*it).to_owned()).collect();
    below.push(id.to_string());
    Target { subject, below, count: reactions.and_then(|it| it.total_count) }
}

fn issue_target(it: wire::Issue) -> Option<Target> {
    Some(target((issue::subject(&it)?, &["issues"]), it.number?, it.reactions))
}

/// A release without reactions leaves out their number.
fn release_target(it: wire::Release) -> Option<Target> {
    let reactions = it.reactions?;
    Some(target((Subject::Release(it.tag_name?), &["releases"]), it.id?, Some(reactions)))
}

fn comment_target(part: &Reacted, it: wire::Comment) -> Option<Target> {
    let id = HostId(it.id?.to_string());
    let subject = match part.name {
        "comments" => Subject::Comment(id),
        "reviews" => Subject::ReviewComment(id),
        _ => Subject::CommitComment(id),
    };
    Some(target((subject, part.rest), it.id?, it.reactions))
}
