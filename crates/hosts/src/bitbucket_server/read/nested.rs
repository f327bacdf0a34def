//! Kinds that stand in change requests, and what builds said of commits.

use super::{Part, Path, ServerSource, lists::start, map, wire};
use crate::{
    absent::there,
    bitbucket_server::map::talk::Talk,
    cursor::{Spot, go_on, part},
    walk::{AT_ONCE, Listing, paged, walk},
};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use packhorse_core::{Cursor, HostError, Object, Record, port::Page};

/// All change requests that want to get into the repository, the oldest first.
const ALL: [(&str, &str); 2] = [("state", "ALL"), ("order", "OLDEST")];

impl ServerSource {
    async fn pulls(
        &self,
        path: Path<'_>,
        start: u64,
    ) -> Result<Listing<wire::PullRequest>, HostError> {
        let below = path.below(&["pull-requests"]);
        let listing = self.api.list((Part::Core, &below), &ALL, start, "read change requests");
        let mut listing: Listing<wire::PullRequest> = listing.await?;
        listing.items.sort_by_key(|it| it.id);
        Ok(listing)
    }

    async fn activities(
        &self,
        path: Path<'_>,
        number: u64,
    ) -> Result<Vec<wire::Activity>, HostError> {
        let number = number.to_string();
        let below = path.below(&["pull-requests", &number, "activities"]);
        let found = self.api.children((Part::Core, &below), &[], "read what happened").await;
        there(found)
    }

    pub(super) async fn change_requests(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let listing = self.pulls(path, start(at)?).await?;
        let requests = listing.items.into_iter().map(async |it: wire::PullRequest| {
            let is_ended = it.state.as_deref().is_some_and(|it| it != "OPEN");
            // The newest activities, among them who ended it.
            let activities: Vec<wire::Activity> = match it.id.filter(|_| is_ended) {
                None => Vec::new(),
                Some(number) => {
                    let number = number.to_string();
                    let below = path.below(&["pull-requests", &number, "activities"]);
                    let operation = "read who ended a change request";
                    let found = self.api.list((Part::Core, &below), &[], 0, operation).await;
                    there(found.map(|it| it.items))?
                }
            };
            let merge = activities.iter().find_map(|it| it.commit.as_ref()?.id.clone());
            let mut mapped =
                map::change_request::change_request(it, Talk::closer(&activities), self.host());
            if let Some(request) = &mut mapped {
                request.merge_commit = request.merge_commit.take().or(merge);
            }
            Ok::<_, HostError>(mapped)
        });
        let mapped: Vec<_> = stream::iter(requests).buffered(AT_ONCE).try_collect().await?;
        let record = |it: packhorse_core::model::ChangeRequest| {
            Record::new(it.number.to_string(), Object::from(it))
        };
        Ok(Page {
            records: mapped.into_iter().flatten().map(record).collect(),
            next: listing.next.map(|it| Cursor(it.to_string())),
        })
    }

    /// What `taken` makes of what was said and done in each change request.
    pub(super) async fn talked(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
        taken: impl Fn(&Talk<'_>) -> Vec<Record> + Send + Sync,
    ) -> Result<Page, HostError> {
        let spot = Spot::from(at.map(|it| it.0.as_str()), 0)?;
        let listing = self.pulls(path, spot.page).await?;
        let taken = &taken;
        let walked = walk(listing, spot, |it: wire::PullRequest| {
            async move {
                let Some(number) = it.id else { return Ok(Vec::new()) };
                let activities = self.activities(path, number).await?;
                Ok(Talk::of(&it, activities, self.host()).map(|it| taken(&it)).unwrap_or_default())
            }
            .boxed()
        });
        walked.await.map(paged)
    }

    /// Statuses of the ends of change requests, then of branches.
    pub(super) async fn commit_statuses(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let (name, place) = part(at, "requests")?;
        let spot = Spot::from(place, 0)?;
        let (commits, following): (Listing<Option<String>>, _) = if name == "requests" {
            let listing = self.pulls(path, spot.page).await?;
            let ends = listing.items.into_iter().map(|it| it.from_ref?.latest_commit);
            (Listing { items: ends.collect(), next: listing.next }, Some("branches"))
        } else {
            let below = path.below(&["branches"]);
            let listing: Listing<wire::Branch> =
                self.api.list((Part::Core, &below), &[], spot.page, "read branches").await?;
            let ends = listing.items.into_iter().map(|it| it.latest_commit);
            (Listing { items: ends.collect(), next: listing.next }, None)
        };
        let (records, next) = walk(commits, spot, |commit| {
            async move {
                let Some(commit) = commit else { return Ok(Vec::new()) };
                self.statuses_of(&commit).await
            }
            .boxed()
        })
        .await?;
        Ok(Page { records, next: go_on(name, next, following) })
    }

    async fn statuses_of(&self, commit: &str) -> Result<Vec<Record>, HostError> {
        let path = ["commits", commit];
        let found = self.api.children((Part::BuildStatus, &path), &[], "read build statuses").await;
        let list: Vec<wire::BuildStatus> = there(found)?;
        let record = |it| {
            let (id, status) = map::settings::status(it, commit)?;
            Some(Record::new(id, Object::from(status)))
        };
        Ok(list.into_iter().filter_map(record).collect())
    }
}
