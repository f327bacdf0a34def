//! Kinds that stand in change requests and issues, and what builds said of commits.

use super::{CloudSource, Path, map, wire};
use crate::{
    absent::there,
    bitbucket_cloud::map::talk::Talk,
    cursor::{Spot, go_on, page, part},
    walk::{AT_ONCE, Children, Listing, paged, walk},
};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use packhorse_core::{
    Cursor, HostError, HostErrorKind, Loss, Object, Record,
    model::{Attachment, Blob, ChangeRequest, Subject},
    port::Page,
};
use std::collections::BTreeMap;

/// Change requests in every state; left out, only open ones are told.
pub(super) const STATES: [(&str, &str); 4] =
    [("state", "OPEN"), ("state", "MERGED"), ("state", "DECLINED"), ("state", "SUPERSEDED")];
/// Digits of a whole object id.
const WHOLE: usize = 40;

impl CloudSource {
    async fn pulls(
        &self,
        path: Path<'_>,
        number: u64,
    ) -> Result<Listing<wire::PullRequest>, HostError> {
        let below = path.below(&["pullrequests"]);
        let order = [("sort", "id"), ("fields", "+values.reviewers,+values.participants")];
        let query = [&STATES[..], &order].concat();
        let listing = self.api.list(&below, &query, number, "read change requests");
        let mut listing: Listing<wire::PullRequest> = listing.await?;
        listing.items.sort_by_key(|it| it.id);
        Ok(listing)
    }

    /// Walks all change requests.
    async fn under_requests<'a>(
        &'a self,
        path: Path<'a>,
        at: Option<&str>,
        children: impl Fn(wire::PullRequest, u64) -> Children<'a>,
    ) -> Result<(Vec<Record>, Option<Spot>), HostError> {
        let spot = Spot::of(at)?;
        let listing = self.pulls(path, spot.page).await?;
        walk(listing, spot, |it| match it.id {
            Some(number) => children(it, number),
            None => async { Ok(Vec::new()) }.boxed(),
        })
        .await
    }

    async fn inside<T: serde::de::DeserializeOwned>(
        &self,
        path: Path<'_>,
        number: u64,
        rest: &str,
    ) -> Result<Vec<T>, HostError> {
        let number = number.to_string();
        let below = path.below(&["pullrequests", &number, rest]);
        there(self.api.children(&below, &[], "read what was said and done").await)
    }

    async fn talk(&self, path: Path<'_>, number: u64) -> Result<Talk<'_>, HostError> {
        Ok(Talk::of(number, self.inside(path, number, "comments").await?, self.host()))
    }

    pub(super) async fn change_requests(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let listing = self.pulls(path, page(at)?).await?;
        let requests = listing.items.into_iter().map(async |it: wire::PullRequest| {
            let told = match it.id.filter(|_| it.reviewers.is_none()) {
                // Some listings leave reviewers out whatever they are asked for.
                Some(number) => {
                    let number = number.to_string();
                    let below = path.below(&["pullrequests", &number]);
                    self.api.find(&below, "read a change request").await?.unwrap_or(it)
                }
                None => it,
            };
            Ok::<_, HostError>(map::request::change_request(told, self.host()))
        });
        let found: Vec<_> = stream::iter(requests).buffered(AT_ONCE).try_collect().await?;
        let found: Vec<ChangeRequest> = found.into_iter().flatten().collect();
        let records = self.with_whole_ids(path, found).await?;
        Ok(Page { records, next: listing.next.map(|it| Cursor(it.to_string())) })
    }

    /// The API tells the first twelve digits of commits; Git needs all.
    async fn with_whole_ids(
        &self,
        path: Path<'_>,
        requests: Vec<ChangeRequest>,
    ) -> Result<Vec<Record>, HostError> {
        let ids = |it: &ChangeRequest| {
            [&it.head.commit, &it.base.commit, &it.merge_commit].map(Clone::clone)
        };
        let short: std::collections::BTreeSet<String> = requests
            .iter()
            .flat_map(ids)
            .flatten()
            .filter(|it| it.len() < WHOLE && !it.is_empty())
            .collect();
        let whole = short.into_iter().map(async |it: String| {
            let below = path.below(&["commit", &it]);
            let found: Option<wire::Commit> = self.api.find(&below, "read a commit").await?;
            let hash = found.and_then(|it| it.hash);
            Ok::<_, HostError>(hash.map(|hash| (it, hash)))
        });
        let whole: Vec<_> = stream::iter(whole).buffered(AT_ONCE).try_collect().await?;
        let whole: BTreeMap<String, String> = whole.into_iter().flatten().collect();
        let record = |mut it: ChangeRequest| {
            let mut losses = Vec::new();
            let ends = [
                ("head.commit", &mut it.head.commit),
                ("base.commit", &mut it.base.commit),
                ("merge_commit", &mut it.merge_commit),
            ];
            for (field, commit) in ends {
                let Some(id) = commit.as_ref().filter(|it| it.len() < WHOLE) else { continue };
                let found = whole.get(id).cloned();
                if found.is_none() {
                    losses.push(Loss::source(field, format!("{id} is not in the repository")));
                }
                *commit = found;
            }
            let mut record = Record::new(it.number.to_string(), Object::from(it));
            record.losses = losses;
            record
        };
        Ok(requests.into_iter().map(record).collect())
    }

    /// What `taken` makes of what was said in each change request.
    pub(super) async fn talked(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
        taken: fn(&Talk<'_>) -> Vec<Record>,
    ) -> Result<Page, HostError> {
        let at = at.map(|it| it.0.as_str());
        let found = self.under_requests(path, at, |_, number| {
            async move { Ok(taken(&self.talk(path, number).await?)) }.boxed()
        });
        found.await.map(paged)
    }

    pub(super) async fn reviews(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let at = at.map(|it| it.0.as_str());
        let found = self.under_requests(path, at, |it, number| {
            async move {
                let activity: Vec<wire::Activity> = self.inside(path, number, "activity").await?;
                let talk = self.talk(path, number).await?;
                let mut records = talk.reviews(&it, &activity);
                records.extend(talk.brought());
                Ok(records)
            }
            .boxed()
        });
        found.await.map(paged)
    }

    pub(super) async fn events(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let at = at.map(|it| it.0.as_str());
        let found = self.under_requests(path, at, |_, number| {
            async move {
                let activity: Vec<wire::Activity> = self.inside(path, number, "activity").await?;
                Ok(Talk::of(number, Vec::new(), self.host()).events(&activity))
            }
            .boxed()
        });
        found.await.map(paged)
    }

    /// Comments and tasks of change requests, then comments of issues.
    pub(super) async fn comments(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let (name, place) = part(at, "requests")?;
        if name == "requests" {
            let found = self.under_requests(path, place, |_, number| {
                async move {
                    let talk = self.talk(path, number).await?;
                    let mut records = talk.comments();
                    records.extend(talk.tasks(self.inside(path, number, "tasks").await?));
                    Ok(records)
                }
                .boxed()
            });
            let (records, next) = found.await?;
            return Ok(Page { records, next: go_on(name, next, Some("issues")) });
        }
        let found = self.under_issues(path, place, |number| {
            async move {
                let list: Vec<wire::Comment> = self.of_issue(path, number, "comments").await?;
                let comment = |it| map::issue::comment(it, number, self.host());
                Ok(list.into_iter().filter_map(comment).collect())
            }
            .boxed()
        });
        let (records, next) = found.await?;
        Ok(Page { records, next: go_on(name, next, None) })
    }

    async fn issue_listing(
        &self,
        path: Path<'_>,
        number: u64,
    ) -> Result<Listing<wire::Issue>, HostError> {
        let below = path.below(&["issues"]);
        let found = self.api.list(&below, &[("sort", "id")], number, "read issues").await;
        match found {
            // Bitbucket Cloud itself has none any more, or this repository has none.
            Err(error) if error.kind == HostErrorKind::NotFound => {
                self.repository(path).await.map(|_| Listing::default())
            }
            other => other,
        }
    }

    async fn of_issue<T: serde::de::DeserializeOwned>(
        &self,
        path: Path<'_>,
        number: u64,
        rest: &str,
    ) -> Result<Vec<T>, HostError> {
        let number = number.to_string();
        let below = path.below(&["issues", &number, rest]);
        there(self.api.children(&below, &[], "read what an issue holds").await)
    }

    async fn under_issues<'a>(
        &'a self,
        path: Path<'a>,
        at: Option<&str>,
        children: impl Fn(u64) -> Children<'a>,
    ) -> Result<(Vec<Record>, Option<Spot>), HostError> {
        let spot = Spot::of(at)?;
        let listing = self.issue_listing(path, spot.page).await?;
        walk(listing, spot, |it: wire::Issue| match it.id {
            Some(number) => children(number),
            None => async { Ok(Vec::new()) }.boxed(),
        })
        .await
    }

    pub(super) async fn issues(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let mut listing = self.issue_listing(path, page(at)?).await?;
        listing.items.sort_by_key(|it| it.id);
        let issue = |it| map::issue::issue(it, self.host());
        Ok(Page {
            records: listing.items.into_iter().filter_map(issue).collect(),
            next: listing.next.map(|it| Cursor(it.to_string())),
        })
    }

    /// Files of issues.
    pub(super) async fn attachments(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let at = at.map(|it| it.0.as_str());
        let found = self.under_issues(path, at, |number| {
            async move {
                let list: Vec<wire::Attachment> =
                    self.of_issue(path, number, "attachments").await?;
                let file = |it: wire::Attachment| {
                    let name = it.name.filter(|it| !it.is_empty())?;
                    let id = format!("{number}/{name}");
                    let subject = Subject::Issue(number);
                    let file = Attachment {
                        subject,
                        name,
                        blob: Blob::default(),
                        ..Attachment::default()
                    };
                    Some(Record::new(id, Object::from(file)))
                };
                Ok(list.into_iter().filter_map(file).collect())
            }
            .boxed()
        });
        found.await.map(paged)
    }

    /// Statuses of change requests, then of the ends of branches.
    pub(super) async fn commit_statuses(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let (name, place) = part(at, "requests")?;
        let record = |it| {
            let (id, status) = map::settings::status(it)?;
            Some(Record::new(id, Object::from(status)))
        };
        if name == "requests" {
            let found = self.under_requests(path, place, |_, number| {
                async move {
                    let list = self.inside(path, number, "statuses").await?;
                    Ok(list.into_iter().filter_map(record).collect())
                }
                .boxed()
            });
            let (records, next) = found.await?;
            return Ok(Page { records, next: go_on(name, next, Some("branches")) });
        }
        let spot = Spot::of(place)?;
        let below = path.below(&["refs", "branches"]);
        let listing: Listing<wire::Branch> =
            self.api.list(&below, &[], spot.page, "read branches").await?;
        let (records, next) = walk(listing, spot, |it: wire::Branch| {
            async move {
                let Some(commit) = it.target.and_then(|it| it.hash) else { return Ok(Vec::new()) };
                let below = path.below(&["commit", &commit, "statuses"]);
                let found = self.api.children(&below, &[], "read build statuses").await;
                let list: Vec<wire::Status> = there(found)?;
                Ok(list.into_iter().filter_map(record).collect())
            }
            .boxed()
        })
        .await?;
        Ok(Page { records, next: go_on(name, next, None) })
    }
}
