//! Kinds that the server lists by themselves.

use super::{
    GithubSource, Page, Path, Spot, is_closed, map, plain,
    quiet::Sought,
    spot::{in_part, part},
    wire,
};
use crate::github::{
    api::Listing,
    map::{issue, project, release, settings},
};
use futures::{StreamExt, TryStreamExt, stream};
use packhorse_core::{Cursor, HostError, Object, Record};

use super::nested::AT_ONCE;

/// The oldest first.
pub(super) const OLDEST: [(&str, &str); 3] =
    [("state", "all"), ("sort", "created"), ("direction", "asc")];
/// Comments in the order of their making.
pub(super) const CREATED: [(&str, &str); 2] = [("sort", "created"), ("direction", "asc")];

/// A page of records and where the next begins.
pub(super) fn page((records, next): (Vec<Record>, Option<Spot>)) -> Page {
    Page { records, next: next.map(|it| it.cursor()) }
}

pub(super) fn spot(at: Option<&Cursor>) -> Result<Spot, HostError> {
    Spot::of(at.map(|it| it.0.as_str()))
}

fn count(reactions: Option<&wire::Reactions>) -> Option<u64> {
    reactions?.total_count
}

impl GithubSource {
    /// A page of a listing whose items are records by themselves.
    pub(super) async fn simple<T: serde::de::DeserializeOwned>(
        &self,
        (path, rest): (Path<'_>, &[&str]),
        query: &[(&str, &str)],
        (at, operation): (Option<&Cursor>, &'static str),
        map: impl Fn(T, &mut map::Notes<'_>) -> Option<(String, Object)>,
    ) -> Result<Page, HostError> {
        let spot = spot(at)?;
        let listing = self.listing((&path.below(rest), query), &spot, operation).await?;
        Ok(page(plain(self.host(), listing, spot, map)))
    }

    /// The same of what may have reactions, whose number `count` gives.
    async fn reacted<T: serde::de::DeserializeOwned>(
        &self,
        (path, rest, query): (Path<'_>, &[&str], &[(&str, &str)]),
        (spot, operation): (Spot, &'static str),
        count: impl Fn(&T) -> Option<u64>,
        map: impl Fn(T, &mut map::Notes<'_>) -> Option<(String, Object)>,
    ) -> Result<(Vec<Record>, Option<Spot>), HostError> {
        let below = path.below(rest);
        let listed = (&below[..], query);
        let listing: Listing<T> = self.listing(listed, &spot, operation).await?;
        let is_quiet = listing.items.iter().all(|it| count(it) == Some(0));
        self.heard(Sought::Reactions, (listed, &spot), (is_quiet, listing.next.as_ref()));
        Ok(plain(self.host(), listing, spot, map))
    }

    pub(super) async fn topics(&self, path: Path<'_>) -> Result<Page, HostError> {
        let topics: wire::Topics = self.api.get(&path.below(&["topics"]), "read topics").await?;
        let record = |name| {
            let (id, object) = project::topic(name);
            Record::new(id, object)
        };
        let records = topics.names.into_iter().flatten().map(record).collect();
        Ok(Page { records, next: None })
    }

    pub(super) async fn labels(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let map = |it, _: &mut map::Notes<'_>| project::label(it);
        self.simple((path, &["labels"]), &[], (at, "read labels"), map).await
    }

    pub(super) async fn milestones(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let query = [("state", "all")];
        self.simple((path, &["milestones"]), &query, (at, "read milestones"), project::milestone)
            .await
    }

    pub(super) async fn issues(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let (spot, operation) = (spot(at)?, "read issues");
        let below = path.below(&["issues"]);
        let listed = (&below[..], &OLDEST[..]);
        let listing: Listing<wire::Issue> = self.listing(listed, &spot, operation).await?;
        let is_calm = listing.items.iter().all(|it| count(it.reactions.as_ref()) == Some(0));
        let is_open = listing.items.iter().all(|it| issue::locked(it).is_none());
        for (sought, is_quiet) in [(Sought::Reactions, is_calm), (Sought::Locks, is_open)] {
            self.heard(sought, (listed, &spot), (is_quiet, listing.next.as_ref()));
        }
        let with_parts = listing.items.into_iter().map(async |it: wire::Issue| {
            let has_parts = it.sub_issues_summary.as_ref().and_then(|it| it.total) > Some(0);
            let Some(number) = it.number.filter(|_| has_parts) else {
                return Ok::<_, HostError>((it, Vec::new()));
            };
            let below = path.below(&["issues", &number.to_string(), "sub_issues"]).join("/");
            let below: Vec<&str> = below.split('/').collect();
            let found: Vec<wire::Issue> = self.api.children(&below, &[], operation).await?;
            // Parts may stand in other projects, which a number does not tell.
            let home = format!("/repos/{}/{}", path.owner, path.name);
            let is_here = |it: &wire::Issue| {
                it.repository_url.as_deref().is_none_or(|it| it.ends_with(&home))
            };
            let numbers = found.iter().filter(|it| is_here(it)).filter_map(|it| it.number);
            Ok((it, numbers.collect()))
        });
        let items = stream::iter(with_parts).buffered(AT_ONCE).try_collect().await?;
        let listing = Listing { items, next: listing.next };
        Ok(page(plain(self.host(), listing, spot, |(it, children), notes| {
            issue::issue(it, children, notes)
        })))
    }

    pub(super) async fn change_requests(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let (spot, operation) = (spot(at)?, "read change requests");
        let listing: Listing<wire::PullRequest> =
            self.listing((&path.below(&["pulls"]), &OLDEST), &spot, operation).await?;
        let ids = listing.items.iter().filter_map(|it| it.node_id.as_deref()).collect();
        let mut told = self.more_of_change_requests(ids).await?;
        let more = |number| told.as_mut().map(|it| it.remove(&number).unwrap_or_default());
        let mut items = Vec::new();
        let mut more = more;
        for item in listing.items {
            let more = match more(item.number.unwrap_or_default()) {
                Some(told) => issue::More::Told(Box::new(told)),
                None => issue::More::Silent,
            };
            items.push((item, std::cell::Cell::new(Some(more))));
        }
        let listing = Listing { items, next: listing.next };
        Ok(page(plain(self.host(), listing, spot, |(it, more), notes| {
            issue::change_request(it, more.take().unwrap_or(issue::More::Silent), notes)
        })))
    }

    /// Comments on issues and change requests, then those on discussions.
    pub(super) async fn comments(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let (name, place) = part(at, "issues")?;
        let operation = "read comments";
        if name != "issues" {
            return self.discussion_comments(path, place).await;
        }
        let spot = Spot::of(place)?;
        let listed = (path, &["issues", "comments"][..], &CREATED[..]);
        let reactions = |it: &wire::Comment| count(it.reactions.as_ref());
        let found = self.reacted(listed, (spot, operation), reactions, issue::comment).await;
        let (records, next) = match found {
            // Switched off; discussions may be on.
            Err(error) if is_closed(error.kind) && place.is_none() => {
                self.repository(path).await?;
                (Vec::new(), None)
            }
            other => other?,
        };
        let next = match next {
            Some(spot) => Some(in_part("issues", &spot.text())),
            None => self.has_discussions(path).await?.then(|| in_part("discussions", "")),
        };
        Ok(Page { records, next })
    }

    async fn has_discussions(&self, path: Path<'_>) -> Result<bool, HostError> {
        if !self.has_graph() {
            return Ok(false);
        }
        Ok(self.repository(path).await?.has_discussions == Some(true))
    }

    pub(super) async fn commit_comments(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let (listed, what) = ((path, &["comments"][..], &[][..]), "read comments on commits");
        let reactions = |it: &wire::CommitComment| count(it.reactions.as_ref());
        let found = self.reacted(listed, (spot(at)?, what), reactions, issue::commit_comment);
        Ok(page(found.await?))
    }

    pub(super) async fn review_comments(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let listed = (path, &["pulls", "comments"][..], &CREATED[..]);
        let reactions = |it: &wire::ReviewComment| count(it.reactions.as_ref());
        let what = (spot(at)?, "read review comments");
        Ok(page(self.reacted(listed, what, reactions, map::review::comment).await?))
    }

    /// What happened to issues and change requests; the newest comes first.
    pub(super) async fn events(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let what = (at, "read what happened");
        self.simple((path, &["issues", "events"]), &[], what, issue::event).await
    }

    pub(super) async fn releases(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let listed = (path, &["releases"][..], &[][..]);
        // One without reactions leaves out their number.
        let reactions =
            |it: &wire::Release| it.reactions.as_ref().map_or(Some(0), |it| it.total_count);
        let what = (spot(at)?, "read releases");
        Ok(page(self.reacted(listed, what, reactions, release::release).await?))
    }

    pub(super) async fn release_assets(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let (spot, operation) = (spot(at)?, "read files of releases");
        let listing: Listing<wire::Release> =
            self.listing((&path.below(&["releases"]), &[]), &spot, operation).await?;
        // Not more than a thousand files fit into a release, and a hundred releases on a page.
        let (records, next) = super::nested::walk(listing, spot, |release: wire::Release| {
            let tag = release.tag_name.unwrap_or_default();
            let assets = release.assets.into_iter().flatten();
            let made = assets
                .filter_map(|it| map::record(self.host(), it, |it, n| release::asset(it, &tag, n)));
            let made: Vec<Record> = made.collect();
            Box::pin(async move { Ok(made) })
        })
        .await?;
        Ok(page((records, next)))
    }

    pub(super) async fn webhooks(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        self.simple((path, &["hooks"]), &[], (at, "read webhooks"), settings::webhook).await
    }

    pub(super) async fn deploy_keys(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        self.simple((path, &["keys"]), &[], (at, "read deploy keys"), settings::deploy_key).await
    }

    /// Names of variables and secrets of builds; there are at most a few hundred.
    pub(super) async fn variables(&self, path: Path<'_>) -> Result<Page, HostError> {
        let operation = "read names of variables";
        let mut records = Vec::new();
        for (rest, is_secret) in [("variables", false), ("secrets", true)] {
            let below = path.below(&["actions", rest]);
            for name in self.api.names(&below, rest, operation).await? {
                let made = settings::variable(name, is_secret);
                records.extend(made.map(|(id, it)| Record::new(id, it)));
            }
        }
        Ok(Page { records, next: None })
    }

    /// Archived and pinned, then locked.
    pub(super) async fn states(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let spot = spot(at)?;
        let mut records = Vec::new();
        if at.is_none() {
            let found = self.repository(path).await?;
            if found.archived == Some(true) {
                let (id, object) = project::archived();
                records.push(Record::new(id, object));
            }
            records.extend(self.pinned(path).await?);
        }
        let below = path.below(&["issues"]);
        let listed = (&below[..], &OLDEST[..]);
        let Some(spot) = self.past(Sought::Locks, listed, spot) else {
            return Ok(Page { records, next: None });
        };
        let listing: Result<Listing<wire::Issue>, _> =
            self.listing(listed, &spot, "read states").await;
        let listing = match listing {
            // Without issues there is only the project.
            Err(error) if is_closed(error.kind) => return Ok(Page { records, next: None }),
            other => other?,
        };
        let (locked, next) =
            plain(self.host(), listing, spot, |it: wire::Issue, _| issue::locked(&it));
        records.extend(locked);
        Ok(page((records, next)))
    }
}
