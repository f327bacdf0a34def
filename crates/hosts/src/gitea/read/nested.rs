//! Kinds that the server lists under each of their parents.
//!
//! A page of ours is a page of parents with all of their children, or as many
//! parents as make it full; the cursor is the page of parents and the place on it.

use super::{GiteaSource, Path, issue, map, wire};
use crate::{
    cursor::{Spot, in_part, part},
    gitea::{api::Listing, map::review},
};
use futures::{
    FutureExt,
    future::{BoxFuture, try_join_all},
};
use packhorse_core::{
    Cursor, HostError, Object, Record,
    model::{HostId, Subject},
    port::Page,
};

/// Parents whose children are asked for at once.
pub(super) const AT_ONCE: usize = 8;
/// Records that make a page full.
const FULL: usize = 500;

/// Children of one parent, being read.
type Children<'a> = BoxFuture<'a, Result<Vec<Record>, HostError>>;

/// Reads children parent by parent, until the page is full.
///
/// Gives the records, and where to go on.
async fn walk<'a, P>(
    listing: Listing<P>,
    spot: Spot,
    children: impl Fn(P) -> Children<'a>,
) -> Result<(Vec<Record>, Option<Spot>), HostError> {
    let count = listing.items.len();
    let mut parents = listing.items.into_iter().enumerate().skip(spot.parent);
    let (mut records, mut skipped) = (Vec::new(), spot.child);
    loop {
        let group: Vec<_> = parents.by_ref().take(AT_ONCE).collect();
        if group.is_empty() {
            return Ok((records, listing.next.map(|page| Spot { page, ..Spot::START })));
        }
        let indexes: Vec<_> = group.iter().map(|(index, _)| *index).collect();
        let found = try_join_all(group.into_iter().map(|(_, it)| children(it))).await?;
        for (parent, mut list) in indexes.into_iter().zip(found) {
            let mut rest = list.split_off(std::mem::take(&mut skipped).min(list.len()));
            let room = FULL - records.len();
            if rest.len() > room {
                let given = list.len() + room;
                rest.truncate(room);
                records.extend(rest);
                return Ok((records, Some(Spot { page: spot.page, parent, child: given })));
            }
            records.extend(rest);
            if records.len() == FULL && parent + 1 < count {
                let next = Spot { page: spot.page, parent: parent + 1, child: 0 };
                return Ok((records, Some(next)));
            }
        }
    }
}

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
        walk(listing, place, |it| match issue::subject(&it) {
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
        let (records, next) = walk(listing, place, |it| match it.number {
            Some(number) => children(number),
            None => async { Ok(Vec::new()) }.boxed(),
        })
        .await?;
        Ok(Page { records, next: next.map(|it| Cursor(it.text())) })
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
                    let record = |(id, it)| Record::new(id, Object::Event(it));
                    Ok(events.into_iter().filter_map(event).map(record).collect())
                }
                .boxed()
            })
            .await?;
        Ok(Page { records, next: next.map(|it| Cursor(it.text())) })
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
            let next =
                next.map_or_else(|| in_part("comments", ""), |it| in_part("issues", &it.text()));
            return Ok(Page { records, next: Some(next) });
        }
        let place = Spot::of(place)?;
        let below = path.below(&["issues", "comments"]);
        let listing: Listing<wire::Comment> =
            self.api.list(&below, &[], place.page, operation).await?;
        let (records, next) = walk(listing, place, |comment| {
            async move {
                let Some(id) = comment.id.map(|it| it.to_string()) else { return Ok(Vec::new()) };
                let below = path.below(&["issues", "comments", &id, "reactions"]);
                let list = self.api.list_whole(&below, operation).await?;
                Ok(self.reaction_records(list, &Subject::Comment(HostId(id))))
            }
            .boxed()
        })
        .await?;
        Ok(Page { records, next: next.map(|it| in_part("comments", &it.text())) })
    }

    fn reaction_records(&self, list: Vec<wire::Reaction>, subject: &Subject) -> Vec<Record> {
        let reaction = |it| issue::reaction(it, subject, self.host());
        let record = |(id, it)| Record::new(id, Object::Reaction(it));
        list.into_iter().filter_map(reaction).map(record).collect()
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
                let record = |(id, it)| Record::new(id, Object::Review(it));
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
                let record = |(id, it)| Record::new(id, Object::ReviewThread(it));
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
                let record = |(id, it)| Record::new(id, Object::ReviewComment(it));
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
        let (records, next) = walk(listing, place, |it| match map::project::organization(it) {
            Some(organization) => children(organization.path),
            None => async { Ok(Vec::new()) }.boxed(),
        })
        .await?;
        Ok(Page { records, next: next.map(|it| Cursor(it.text())) })
    }
}

/// Whether a listing of an organization is closed to us.
fn is_closed(kind: packhorse_core::HostErrorKind) -> bool {
    use packhorse_core::HostErrorKind::{Forbidden, NotFound};
    matches!(kind, Forbidden | NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::model::Topic;

    /// Parents with so many children each, walked to the end; ids as `parent.child`.
    async fn walked(sizes: &[usize]) -> (Vec<String>, usize) {
        let (mut ids, mut pages, mut spot) = (Vec::new(), 0, Some(Spot::START));
        while let Some(at) = spot {
            let items = sizes.iter().copied().enumerate().collect();
            let listing = Listing { items, next: None, total: None };
            let (records, next) = walk(listing, at, |(parent, size)| {
                let topic = move |child| {
                    let name = format!("{parent}.{child}");
                    Record::new(name.clone(), Object::Topic(Topic { name }))
                };
                async move { Ok((0..size).map(topic).collect()) }.boxed()
            })
            .await
            .unwrap();
            assert!(records.len() <= FULL);
            ids.extend(records.into_iter().map(|it| it.origin.id));
            (spot, pages) = (next, pages + 1);
        }
        (ids, pages)
    }

    #[tokio::test]
    async fn every_child_is_given_once_however_many_there_are() {
        for sizes in
            [vec![], vec![0; 30], vec![3; 200], vec![1_700, 0, 499, 1, 501], vec![500, 500]]
        {
            let (ids, pages) = walked(&sizes).await;

            let expected: Vec<_> = sizes
                .iter()
                .enumerate()
                .flat_map(|(parent, size)| (0..*size).map(move |it| format!("{parent}.{it}")))
                .collect();
            assert_eq!(ids, expected);
            assert!(pages <= expected.len() / FULL + 2, "{pages} pages");
        }
    }
}
