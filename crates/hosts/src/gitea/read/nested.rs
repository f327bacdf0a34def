//! Kinds that the server lists under each of their parents.
//!
//! A page of ours is a page of parents with all of their children, or as many
//! parents as make it full; the cursor is the page of parents and the place on it.

use super::{GiteaSource, Path, issue, map, settings, wire};
use crate::{
    cursor::{Spot, go_on, part},
    gitea::{api::Listing, map::review},
    walk::{Children, paged, walk},
};
use futures::FutureExt;
use packhorse_core::{
    Cursor, HostError, Object, Record,
    model::{HostId, Subject},
    port::Page,
};

/// A comment of a change request with the review that it was handed in with.
struct Reviewed {
    number: u64,
    comments: Vec<wire::ReviewComment>,
}

impl GiteaSource {
    /// Walks all issues and change requests.
    async fn under_issues<'a>(
        &'a self,
        path: Path<'a>,
        place: Option<&str>,
        operation: &'static str,
        children: impl Fn(Subject) -> Children<'a>,
    ) -> Result<(Vec<Record>, Option<Spot>), HostError> {
        let place = Spot::of(place)?;
        let below = path.below(&["issues"]);
        let listing: Listing<wire::Issue> =
            self.api.list(&below, &[("state", "all")], place.page, operation).await?;
        walk(listing.page(), place, |it| match issue::subject(&it) {
            Some(subject) => children(subject),
            None => async { Ok(Vec::new()) }.boxed(),
        })
        .await
    }

    /// Walks all change requests.
    async fn under_change_requests<'a>(
        &'a self,
        path: Path<'a>,
        at: Option<&Cursor>,
        operation: &'static str,
        children: impl Fn(u64) -> Children<'a>,
    ) -> Result<Page, HostError> {
        let place = Spot::of(at.map(|it| it.0.as_str()))?;
        let below = path.below(&["pulls"]);
        let query = [("state", "all"), ("sort", "oldest")];
        let listing: Listing<wire::PullRequest> =
            self.api.list(&below, &query, place.page, operation).await?;
        let walked = walk(listing.page(), place, |it| match it.number {
            Some(number) => children(number),
            None => async { Ok(Vec::new()) }.boxed(),
        });
        walked.await.map(paged)
    }

    pub(super) async fn events(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let operation = "read what happened";
        let place = at.map(|it| it.0.as_str());
        let (records, next) = self
            .under_issues(path, place, operation, |subject| {
                async move {
                    let number = issue::key(&subject);
                    let below = path.below(&["issues", &number, "timeline"]);
                    let events: Vec<wire::Event> = self.api.children(&below, operation).await?;
                    let event = |it| issue::event(it, &subject, self.host());
                    let record = |(id, it)| Record::new(id, Object::from(it));
                    Ok(events.into_iter().filter_map(event).map(record).collect())
                }
                .boxed()
            })
            .await?;
        Ok(paged((records, next)))
    }

    /// Reactions to issues and change requests, then to comments.
    pub(super) async fn reactions(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let operation = "read reactions";
        let (name, place) = part(at, "issues")?;
        if name == "issues" {
            let (records, next) = self
                .under_issues(path, place, operation, |subject| {
                    async move {
                        let number = issue::key(&subject);
                        let below = path.below(&["issues", &number, "reactions"]);
                        let list = self.api.children(&below, operation).await?;
                        Ok(self.reaction_records(list, &subject))
                    }
                    .boxed()
                })
                .await?;
            return Ok(Page { records, next: go_on(name, next, Some("comments")) });
        }
        let place = Spot::of(place)?;
        let below = path.below(&["issues", "comments"]);
        let listing: Listing<wire::Comment> =
            self.api.list(&below, &[], place.page, operation).await?;
        let (records, next) = walk(listing.page(), place, |comment| {
            async move {
                let Some(id) = comment.id.map(|it| it.to_string()) else { return Ok(Vec::new()) };
                let below = path.below(&["issues", "comments", &id, "reactions"]);
                let list = self.api.list_whole(&below, operation).await?;
                Ok(self.reaction_records(list, &Subject::Comment(HostId(id))))
            }
            .boxed()
        })
        .await?;
        Ok(Page { records, next: go_on(name, next, None) })
    }

    fn reaction_records(&self, list: Vec<wire::Reaction>, subject: &Subject) -> Vec<Record> {
        let reaction = |it| issue::reaction(it, subject, self.host());
        let record = |(id, it)| Record::new(id, Object::from(it));
        list.into_iter().filter_map(reaction).map(record).collect()
    }

    /// What builds said of the ends of branches, then of those of change requests.
    pub(super) async fn commit_statuses(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let operation = "read what builds said";
        let (name, place) = part(at, "branches")?;
        let spot = Spot::of(place)?;
        let (next, commits): (_, Vec<Option<String>>) = if name == "branches" {
            let below = path.below(&["branches"]);
            let found: Listing<wire::BranchEnd> =
                self.api.list(&below, &[], spot.page, operation).await?;
            (found.next, found.items.into_iter().map(|it| it.commit?.id).collect())
        } else {
            let query = [("state", "all"), ("sort", "oldest")];
            let found: Listing<wire::PullRequest> =
                self.api.list(&path.below(&["pulls"]), &query, spot.page, operation).await?;
            (found.next, found.items.into_iter().map(|it| it.head?.sha).collect())
        };
        // What several of them lead to is told once.
        let project = path.to_string();
        let items = commits.into_iter().enumerate().map(|(n, commit)| {
            commit.filter(|it| self.named.is_first((&project, it), (name, spot.page, n)))
        });
        let listing = crate::walk::Listing { items: items.collect(), next };
        let (records, next) = walk(listing, spot, |commit: Option<String>| {
            async move {
                let Some(commit) = commit.filter(|it| !it.is_empty()) else {
                    return Ok(Vec::new());
                };
                let below = path.below(&["commits", &commit, "statuses"]);
                let mut found: Vec<wire::Status> = self.api.children(&below, operation).await?;
                // Of each build, the last word counts.
                found.sort_by_key(|it| it.id);
                let status = |it| settings::status(it, &commit, self.host());
                Ok(found.into_iter().filter_map(status).collect())
            }
            .boxed()
        })
        .await?;
        let following = (name == "branches").then_some("pulls");
        Ok(Page { records, next: go_on(name, next, following) })
    }

    pub(super) async fn reviews(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        self.under_change_requests(path, at, "read reviews", |number| {
            async move {
                let reviews = self.reviews_of(path, number).await?;
                let review = |it| review::review(it, number, self.host());
                let record = |(id, it)| Record::new(id, Object::from(it));
                Ok(reviews.into_iter().filter_map(review).map(record).collect())
            }
            .boxed()
        })
        .await
    }

    async fn reviews_of(
        &self,
        path: Path<'_>,
        number: u64,
    ) -> Result<Vec<wire::Review>, HostError> {
        let below = number.to_string();
        self.api.children(&path.below(&["pulls", &below, "reviews"]), "read reviews").await
    }

    /// All comments of one change request.
    async fn reviewed(&self, path: Path<'_>, number: u64) -> Result<Reviewed, HostError> {
        let operation = "read review comments";
        let mut comments = Vec::new();
        for review in self.reviews_of(path, number).await? {
            let (Some(id), true) = (review.id, review.comments_count != Some(0)) else { continue };
            let (number, id) = (number.to_string(), id.to_string());
            let below = path.below(&["pulls", &number, "reviews", &id, "comments"]);
            comments.extend(self.api.list_whole::<wire::ReviewComment>(&below, operation).await?);
        }
        Ok(Reviewed { number, comments })
    }

    pub(super) async fn review_threads(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        self.under_change_requests(path, at, "read threads", |number| {
            async move {
                let Reviewed { number, comments } = self.reviewed(path, number).await?;
                let threads = review::Threads::of(comments).threads(number, self.host());
                let record = |(id, it)| Record::new(id, Object::from(it));
                Ok(threads.into_iter().map(record).collect())
            }
            .boxed()
        })
        .await
    }

    pub(super) async fn review_comments(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        self.under_change_requests(path, at, "read review comments", |number| {
            async move {
                let Reviewed { number, comments } = self.reviewed(path, number).await?;
                let comments = review::Threads::of(comments).comments(number, self.host());
                let record = |(id, it)| Record::new(id, Object::from(it));
                Ok(comments.into_iter().map(record).collect())
            }
            .boxed()
        })
        .await
    }

    /// All review comments of one change request, as they are sent.
    pub(in crate::gitea) async fn review_comments_of(
        &self,
        path: Path<'_>,
        number: u64,
    ) -> Result<Vec<wire::ReviewComment>, HostError> {
        Ok(self.reviewed(path, number).await?.comments)
    }

    /// Teams of one organization, with what they hold.
    pub(super) async fn teams_of(&self, organization: &str) -> Result<Vec<wire::Team>, HostError> {
        let path = ["orgs", organization, "teams"];
        let found = self.api.children(&path, "read teams").await;
        match found {
            // The token's owner does not belong to it; `support.rs` says so.
            Err(error) if is_closed(error.kind) => Ok(Vec::new()),
            other => other,
        }
    }

    /// Walks all organizations that are meant.
    pub(super) async fn under_organizations<'a>(
        &'a self,
        at: Option<&Cursor>,
        operation: &'static str,
        children: impl Fn(String) -> Children<'a>,
    ) -> Result<Page, HostError> {
        let place = Spot::of(at.map(|it| it.0.as_str()))?;
        let listing = self.organization_listing(place.page, operation).await?;
        let walked = walk(listing.page(), place, |it| match map::project::organization(it) {
            Some(organization) => children(organization.path),
            None => async { Ok(Vec::new()) }.boxed(),
        });
        walked.await.map(paged)
    }
}

/// Whether a listing of an organization is closed to us.
fn is_closed(kind: packhorse_core::HostErrorKind) -> bool {
    use packhorse_core::HostErrorKind::{Forbidden, NotFound};
    matches!(kind, Forbidden | NotFound)
}
