//! Kinds that the server lists by themselves.

use super::{GiteaSource, Path, issue, map, settings, wire};
use crate::{
    cursor::{Progress, in_part, page, part},
    gitea::api::Listing,
};
use futures::{StreamExt, TryStreamExt, stream};
use packhorse_core::{
    Cursor, HostError, HostErrorKind, Object, Record,
    model::{Grantee, Place, Topic},
    port::Page,
};
use serde::de::DeserializeOwned;

/// Makes records of what a page brought.
pub(super) fn records<T>(
    items: Vec<T>,
    map: impl Fn(T) -> Option<(String, Object)>,
) -> Vec<Record> {
    items.into_iter().filter_map(map).map(|(id, object)| Record::new(id, object)).collect()
}

impl GiteaSource {
    /// One page of a listing that has pages.
    async fn page<T: DeserializeOwned>(
        &self,
        (path, rest): (Path<'_>, &[&str]),
        query: &[(&str, &str)],
        at: Option<&Cursor>,
        operation: &'static str,
    ) -> Result<Listing<T>, HostError> {
        self.api.list(&path.below(rest), query, page(at)?, operation).await
    }

    pub(super) async fn topics(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        // The answer is an object, so that only its emptiness tells the last page.
        let number = page(at)?;
        let (limit, text) = (self.api.limit().await?.to_string(), number.to_string());
        let query = [("limit", limit.as_str()), ("page", text.as_str())];
        let below = path.below(&["topics"]);
        let topics: wire::Topics = self.api.get_with(&below, &query, "read topics").await?;
        let names = topics.topics.unwrap_or_default();
        let next = (!names.is_empty()).then(|| Cursor((number + 1).to_string()));
        let topic = |name: String| Some((name.clone(), Object::from(Topic { name })));
        Ok(Page { records: records(names, topic), next })
    }

    /// The project's own labels, then those of its organization.
    pub(super) async fn labels(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let (name, place) = part(at, "own")?;
        let place = place.map(|it| Cursor(it.to_owned()));
        let operation = "read labels";
        let is_own = name == "own";
        let listing: Listing<wire::Label> = if is_own {
            self.page((path, &["labels"]), &[], place.as_ref(), operation).await?
        } else {
            let number = page(place.as_ref())?;
            match self.api.list(&["orgs", path.owner, "labels"], &[], number, operation).await {
                // A person owns the project.
                Err(error) if error.kind == HostErrorKind::NotFound => return Ok(Page::default()),
                other => other?,
            }
        };
        let label = |it: wire::Label| {
            let label = map::project::label(it, !is_own)?;
            Some((label.name.clone(), Object::from(label)))
        };
        let next = match (listing.next, is_own) {
            (Some(number), _) => Some(in_part(name, &number.to_string())),
            (None, true) => Some(in_part("owner", "")),
            (None, false) => None,
        };
        let mut records = records(listing.items, label);
        if !is_own {
            // A label of the project hides one of the same name above it.
            let mut kept = Vec::new();
            for record in records {
                if !self.has_own_label(path, &record.origin.id).await? {
                    kept.push(record);
                }
            }
            records = kept;
        }
        Ok(Page { records, next })
    }

    async fn has_own_label(&self, path: Path<'_>, name: &str) -> Result<bool, HostError> {
        let mut next = Some(1);
        while let Some(number) = next {
            let below = path.below(&["labels"]);
            let listing: Listing<wire::Label> =
                self.api.list(&below, &[], number, "read labels").await?;
            if listing.items.iter().any(|it| it.name.as_deref() == Some(name)) {
                return Ok(true);
            }
            next = listing.next;
        }
        Ok(false)
    }

    pub(super) async fn milestones(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let query = [("state", "all")];
        let listing = self.page((path, &["milestones"]), &query, at, "read milestones").await?;
        Ok(plain(listing, |it| {
            let milestone = map::project::milestone(it)?;
            Some((milestone.number.to_string(), Object::from(milestone)))
        }))
    }

    /// Issues, the oldest first, of a listing that begins with the newest.
    ///
    /// Places are counted from the end of the listing, where nothing moves when
    /// issues are added meanwhile. The cursor is what was read, and how many
    /// there were.
    pub(super) async fn issues(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let query = [("state", "all"), ("type", "issues")];
        let below = path.below(&["issues"]);
        let limit = self.api.limit().await?;
        let Progress { mut read, mut total } = match at {
            Some(cursor) => Progress::of(cursor)?,
            None => match self.api.count(&below, &query).await? {
                Some(total) => Progress { read: 0, total },
                // Switched off, or the project is not there.
                None => return self.repository(path).await.map(|_| Page::default()),
            },
        };
        // More than once only when issues come or go in this very moment.
        for _ in 0..4 {
            let number = total.saturating_sub(read).div_ceil(limit);
            if number == 0 {
                return Ok(Page::default());
            }
            let listing: Listing<wire::Issue> =
                self.api.list(&below, &query, number, "read issues").await?;
            let now = listing.total.unwrap_or(total);
            // What went may have been read already: some are read twice then, and none is left out.
            read = read.saturating_sub(total.saturating_sub(now));
            total = now;
            let unread = total.saturating_sub(read);
            if unread.div_ceil(limit) != number {
                continue;
            }
            let before = (number - 1) * limit;
            let n_new = usize::try_from(unread - before).unwrap_or(usize::MAX);
            let mut items = listing.items;
            items.truncate(n_new);
            items.reverse();
            let next =
                (before > 0).then(|| Progress { read: read + items.len() as u64, total }.cursor());
            let issue = |it| {
                let issue = issue::issue(it, self.host())?;
                Some((issue.number.to_string(), Object::from(issue)))
            };
            return Ok(Page { records: records(items, issue), next });
        }
        Err(HostError {
            retry: packhorse_core::Retry::After(None),
            ..HostError::new(HostErrorKind::Conflict, "read issues while they change")
        })
    }

    pub(super) async fn change_requests(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let (query, operation) = ([("state", "all"), ("sort", "oldest")], "read change requests");
        let mut listing: Listing<wire::PullRequest> =
            self.page((path, &["pulls"]), &query, at, operation).await?;
        // The list leaves out who merged, which the object itself tells.
        let items = listing.items.into_iter().map(async |it: wire::PullRequest| {
            let asks = it.merged == Some(true) && it.merged_by.is_none();
            match it.number.filter(|_| asks) {
                None => Ok(it),
                Some(number) => {
                    self.api.get(&path.below(&["pulls", &number.to_string()]), operation).await
                }
            }
        });
        listing.items = stream::iter(items).buffered(crate::walk::AT_ONCE).try_collect().await?;
        Ok(plain(listing, |it| {
            let change_request = issue::change_request(it, self.host())?;
            Some((change_request.number.to_string(), Object::from(change_request)))
        }))
    }

    pub(super) async fn comments(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let listing = self.page((path, &["issues", "comments"]), &[], at, "read comments").await?;
        Ok(plain(listing, |it| {
            let (id, comment) = issue::comment(it, self.host())?;
            Some((id.to_string(), Object::from(comment)))
        }))
    }

    /// Files of issues and change requests, then those of comments.
    pub(super) async fn attachments(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let (name, place) = part(at, "issues")?;
        let place = place.map(|it| Cursor(it.to_owned()));
        let operation = "read attachments";
        let mut records = Vec::new();
        let mut add = |assets: Option<Vec<wire::Attachment>>, subject| {
            for asset in assets.into_iter().flatten() {
                let attachment = issue::attachment(asset, &subject);
                records.extend(attachment.map(|(id, it)| Record::new(id, Object::from(it))));
            }
        };
        if name == "issues" {
            let query = [("state", "all")];
            let listing: Listing<wire::Issue> =
                self.page((path, &["issues"]), &query, place.as_ref(), operation).await?;
            for issue in listing.items {
                let subject = issue::subject(&issue);
                subject.into_iter().for_each(|it| add(issue.assets.clone(), it));
            }
            let next = match listing.next {
                Some(number) => in_part("issues", &number.to_string()),
                None => in_part("comments", ""),
            };
            return Ok(Page { records, next: Some(next) });
        }
        let listing: Listing<wire::Comment> =
            self.page((path, &["issues", "comments"]), &[], place.as_ref(), operation).await?;
        for comment in listing.items {
            if let Some(id) = comment.id {
                let id = packhorse_core::model::HostId(id.to_string());
                add(comment.assets, packhorse_core::model::Subject::Comment(id));
            }
        }
        let next = listing.next.map(|number| in_part("comments", &number.to_string()));
        Ok(Page { records, next })
    }

    /// Where a file of an issue or a comment is, below its project, and its number there.
    pub(in crate::gitea) async fn place_of_file(
        &self,
        path: Path<'_>,
        uuid: &str,
    ) -> Result<Option<(Vec<String>, i64)>, HostError> {
        let operation = "look for a file";
        let is_it = |it: &&wire::Attachment| it.uuid.as_deref() == Some(uuid);
        let mut next = Some(1);
        while let Some(number) = next {
            let listing: Listing<wire::Issue> = self
                .api
                .list(&path.below(&["issues"]), &[("state", "all")], number, operation)
                .await?;
            for issue in listing.items {
                let id = issue.assets.iter().flatten().find(is_it).and_then(|it| it.id);
                if let (Some(id), Some(number)) = (id, issue.number) {
                    return Ok(Some((vec!["issues".to_owned(), number.to_string()], id)));
                }
            }
            next = listing.next;
        }
        let mut next = Some(1);
        while let Some(number) = next {
            let below = path.below(&["issues", "comments"]);
            let listing: Listing<wire::Comment> =
                self.api.list(&below, &[], number, operation).await?;
            for comment in listing.items {
                let id = comment.assets.iter().flatten().find(is_it).and_then(|it| it.id);
                if let (Some(id), Some(comment)) = (id, comment.id) {
                    let place = ["issues", "comments", &comment.to_string()];
                    return Ok(Some((place.map(str::to_owned).to_vec(), id)));
                }
            }
            next = listing.next;
        }
        Ok(None)
    }

    /// Numbers of all change requests.
    pub(in crate::gitea) async fn change_request_numbers(
        &self,
        path: Path<'_>,
    ) -> Result<Vec<u64>, HostError> {
        let (mut numbers, mut next) = (Vec::new(), Some(1));
        while let Some(number) = next {
            let query = [("state", "all")];
            let operation = "list change requests";
            let listing: Listing<wire::PullRequest> =
                self.api.list(&path.below(&["pulls"]), &query, number, operation).await?;
            numbers.extend(listing.items.iter().filter_map(|it| it.number));
            next = listing.next;
        }
        Ok(numbers)
    }

    pub(super) async fn releases(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let listing = self.page((path, &["releases"]), &[], at, "read releases").await?;
        Ok(plain(listing, |it: wire::Release| {
            let release = settings::release(&it, self.host())?;
            Some((it.id?.to_string(), Object::from(release)))
        }))
    }

    pub(super) async fn release_assets(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let listing: Listing<wire::Release> =
            self.page((path, &["releases"]), &[], at, "read files of releases").await?;
        let assets = listing.items.into_iter().flat_map(settings::assets);
        let record = |(id, it)| Record::new(id, Object::from(it));
        let next = listing.next.map(|it| Cursor(it.to_string()));
        Ok(Page { records: assets.map(record).collect(), next })
    }

    pub(super) async fn branch_rules(&self, path: Path<'_>) -> Result<Page, HostError> {
        let below = path.below(&["branch_protections"]);
        let items = self.api.list_whole(&below, "read rules for branches").await?;
        let rule = |it| {
            let rule = settings::branch_rule(it, (path.owner, self.host()))?;
            Some((rule.pattern.clone(), Object::from(rule)))
        };
        Ok(Page { records: records(items, rule), next: None })
    }

    pub(super) async fn tag_rules(&self, path: Path<'_>) -> Result<Page, HostError> {
        let below = path.below(&["tag_protections"]);
        let items = self.api.list_whole(&below, "read rules for tags").await?;
        let rule = |it| {
            let (id, rule) = settings::tag_rule(it, (path.owner, self.host()))?;
            Some((id, Object::from(rule)))
        };
        Ok(Page { records: records(items, rule), next: None })
    }

    pub(super) async fn webhooks(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let listing = self.page((path, &["hooks"]), &[], at, "read webhooks").await?;
        Ok(plain(listing, |it| settings::webhook(it).map(|(id, it)| (id, Object::from(it)))))
    }

    pub(super) async fn deploy_keys(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let listing = self.page((path, &["keys"]), &[], at, "read deploy keys").await?;
        Ok(plain(listing, |it| settings::deploy_key(it).map(|(id, it)| (id, Object::from(it)))))
    }

    /// Locked and pinned, and archived last, for it closes all other doors.
    pub(super) async fn states(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let query = [("state", "all")];
        let listing: Result<Listing<wire::Issue>, _> =
            self.page((path, &["issues"]), &query, at, "read states").await;
        let listing = match listing {
            // Without issues and change requests there is only the project.
            Err(error) if error.kind == HostErrorKind::NotFound => Listing::default(),
            other => other?,
        };
        let mut records: Vec<_> = listing.items.iter().flat_map(issue::states).collect();
        if listing.next.is_none() {
            let archived = map::project::archived(&self.repository(path).await?);
            records.extend(archived.map(|it| Record::new("archived", Object::from(it))));
        }
        Ok(Page { records, next: listing.next.map(|it| Cursor(it.to_string())) })
    }

    /// People with a role of their own, then teams.
    pub(super) async fn members(
        &self,
        path: Path<'_>,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let operation = "read members";
        let listing: Listing<wire::User> =
            self.page((path, &["collaborators"]), &[], at, operation).await?;
        let mut records = Vec::new();
        for user in listing.items {
            let Some(who) = map::identity(&user, self.host()) else { continue };
            let below = path.below(&["collaborators", &who.login, "permission"]);
            let told: wire::Permission = self.api.get(&below, operation).await?;
            let role = map::project::role(told.permission.as_deref());
            let id = who.login.clone();
            let member = map::project::member(Place::Project, Grantee::User(who), role);
            records.push(Record::new(id, Object::from(member)));
        }
        if listing.next.is_none() {
            let below = path.below(&["teams"]);
            let teams = match self.api.list_whole::<wire::Team>(&below, operation).await {
                // A person owns the project.
                Err(error) if no_teams(error.kind) => Vec::new(),
                other => other?,
            };
            for team in teams {
                let Some(slug) = team.name else { continue };
                if team.permission.as_deref() == Some("owner") {
                    // Who owns the organization has all of its projects.
                    continue;
                }
                let id = format!("team/{slug}");
                let grantee = Grantee::Team { organization: path.owner.to_owned(), slug };
                let role = map::project::role(team.permission.as_deref());
                let member = map::project::member(Place::Project, grantee, role);
                records.push(Record::new(id, Object::from(member)));
            }
        }
        Ok(Page { records, next: listing.next.map(|it| Cursor(it.to_string())) })
    }
}

/// How a server says that a project is not an organization's.
fn no_teams(kind: HostErrorKind) -> bool {
    matches!(kind, HostErrorKind::NotFound | HostErrorKind::Unsupported)
}

/// A page of records that need nothing else.
pub(super) fn plain<T>(listing: Listing<T>, map: impl Fn(T) -> Option<(String, Object)>) -> Page {
    let next = listing.next.map(|it| Cursor(it.to_string()));
    Page { records: records(listing.items, map), next }
}
