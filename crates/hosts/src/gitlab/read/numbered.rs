//! Issues and change requests in the order of their numbers, and what stands under each.
//!
//! The server lists by dates, and an issue that was brought from elsewhere has the date that it
//! had there. What it can do in all versions is to give those of some numbers; so a listing walks
//! the numbers, a hundred at a time. That does not slow down with depth, as pages do, and nothing
//! moves when others add or remove.

use super::{GitlabSource, below};
use crate::{
    cursor,
    gitlab::{
        api::{Listing, is_closed},
        wire,
    },
    walk::{self, Children},
};
use packhorse_core::{HostError, HostErrorKind, Record};
use serde::de::DeserializeOwned;

/// Numbers that are asked for in one request: what an address may hold.
const WINDOW: u64 = 100;
/// Numbers above the newest ones that are looked through for what the server counted.
const BEYOND: u64 = 10_000;

/// What has a number in a project.
pub(super) trait Numbered: DeserializeOwned + Send {
    /// Name of the listing in addresses.
    const LIST: &'static str;

    /// The number.
    fn number(&self) -> Option<u64>;
}

impl Numbered for wire::Issue {
    const LIST: &'static str = "issues";

    fn number(&self) -> Option<u64> {
        self.iid
    }
}

impl Numbered for wire::MergeRequest {
    const LIST: &'static str = "merge_requests";

    fn number(&self) -> Option<u64> {
        self.iid
    }
}

/// How far a walk over numbers is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Walk {
    /// The next number.
    from: u64,
    /// How many were given.
    given: u64,
    /// How many there are, where the server said so.
    total: Option<u64>,
    /// The highest number among the newest.
    top: u64,
}

impl Walk {
    fn text(self) -> String {
        let total = self.total.map_or("?".to_owned(), |it| it.to_string());
        format!("{}/{}/{total}/{}", self.from, self.given, self.top)
    }

    fn of(text: &str) -> Result<Self, HostError> {
        let fail = || cursor::foreign(text);
        let parts: Vec<&str> = text.split('/').collect();
        let [from, given, total, top] = parts[..] else { return Err(fail()) };
        let number = |it: &str| it.parse::<u64>().map_err(|_| fail());
        let total = if total == "?" { None } else { Some(number(total)?) };
        Ok(Self { from: number(from)?, given: number(given)?, total, top: number(top)? })
    }
}

/// Sorted, without those that came twice and those outside of what was asked for.
fn in_order<T: Numbered>(items: Vec<T>, wanted: std::ops::Range<u64>) -> Vec<T> {
    let mut items: Vec<(u64, T)> =
        items.into_iter().filter_map(|it| Some((it.number()?, it))).collect();
    items.retain(|(number, _)| wanted.contains(number));
    items.sort_by_key(|(number, _)| *number);
    items.dedup_by_key(|(number, _)| *number);
    items.into_iter().map(|(_, it)| it).collect()
}

impl GitlabSource {
    /// The next of them, and where to go on; nothing where the part is switched off, which must
    /// not end what is read after it.
    pub(super) async fn numbered<T: Numbered>(
        &self,
        project: &str,
        at: Option<&str>,
        operation: &'static str,
    ) -> Result<(Vec<T>, Option<String>), HostError> {
        match self.window(project, at, operation).await {
            Err(error) if at.is_none() && is_closed(error.kind) => {
                self.nothing(project).await.map(|_| (Vec::new(), None))
            }
            other => other,
        }
    }

    async fn window<T: Numbered>(
        &self,
        project: &str,
        at: Option<&str>,
        operation: &'static str,
    ) -> Result<(Vec<T>, Option<String>), HostError> {
        let path = below(project, &[T::LIST]);
        let mut walk = match at {
            Some(text) => Walk::of(text)?,
            None => {
                let newest = [("state", "all"), ("order_by", "created_at"), ("sort", "desc")];
                let listing: Listing<T> = self.api.list(&path, &newest, 1, operation).await?;
                if listing.next.is_none() {
                    return Ok((in_order(listing.items, 0..u64::MAX), None));
                }
                let top = listing.items.iter().filter_map(Numbered::number).max();
                Walk { from: 1, given: 0, total: listing.total, top: top.unwrap_or_default() }
            }
        };
        let end = walk.from.saturating_add(WINDOW);
        let numbers: Vec<String> = (walk.from..end).map(|it| it.to_string()).collect();
        let mut query = vec![("state", "all")];
        query.extend(numbers.iter().map(|it| ("iids[]", it.as_str())));
        let items = self.api.select(&path, &query, operation).await?;
        let items: Vec<T> = in_order(items, walk.from..end);
        walk = Walk { from: end, given: walk.given + items.len() as u64, ..walk };
        let next = self.goes_on(&path, walk, operation).await?;
        Ok((items, next.map(Walk::text)))
    }

    /// Where to go on: up to the highest number, and to as many as the server counts.
    async fn goes_on(
        &self,
        path: &[&str],
        walk: Walk,
        operation: &'static str,
    ) -> Result<Option<Walk>, HostError> {
        let is_short = walk.total.is_some_and(|it| walk.given < it);
        if walk.from <= walk.top {
            return Ok(Some(walk));
        }
        if !is_short {
            return Ok(None);
        }
        // Some may have gone meanwhile.
        let total = self.api.count(path, &[("state", "all")]).await?;
        if total.is_none_or(|it| walk.given >= it) {
            return Ok(None);
        }
        if walk.from > walk.top.saturating_add(BEYOND) {
            return Err(HostError::new(HostErrorKind::Protocol, operation)
                .with("counted", total.unwrap_or_default())
                .with("found", walk.given)
                .with("up to number", walk.from - 1));
        }
        Ok(Some(Walk { total, ..walk }))
    }

    /// Reads children parent by parent, until the page is full.
    ///
    /// The cursor is the place in the walk over parents, the parent to go on with, and how many
    /// of its children were given.
    pub(super) async fn under<'a, T: Numbered>(
        &'a self,
        project: &'a str,
        at: Option<&str>,
        operation: &'static str,
        children: impl Fn(T) -> Children<'a>,
    ) -> Result<(Vec<Record>, Option<String>), HostError> {
        let (place, parent, child) = spot(at)?;
        let (items, next) = self.numbered::<T>(project, place.as_deref(), operation).await?;
        let items: Vec<T> = items.into_iter().filter(|it| it.number() >= Some(parent)).collect();
        let place = place.unwrap_or_default();
        let parents = items.into_iter().filter_map(|it| Some((it.number()?, it)));
        let (records, rest) = walk::below(parents, (parent, child), children).await?;
        let next = match rest {
            Some((number, given)) => Some(format!("{place}@{number}@{given}")),
            None => next.map(|it| format!("{it}@0@0")),
        };
        Ok((records, next))
    }
}

/// Reads the cursor of [`GitlabSource::under`].
fn spot(at: Option<&str>) -> Result<(Option<String>, u64, usize), HostError> {
    let Some(text) = at else { return Ok((None, 0, 0)) };
    let parts: Vec<&str> = text.split('@').collect();
    let [place, parent, child] = parts[..] else { return Err(cursor::foreign(text)) };
    let parent = parent.parse().map_err(|_| cursor::foreign(text))?;
    let child = child.parse().map_err(|_| cursor::foreign(text))?;
    Ok((Some(place.to_owned()).filter(|it| !it.is_empty()), parent, child))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_as_they_are_written() {
        for total in [None, Some(250)] {
            let walk = Walk { from: 101, given: 99, total, top: 240 };
            assert_eq!(Walk::of(&walk.text()).unwrap(), walk);
        }
        assert!(Walk::of("1/2/3").is_err() && Walk::of("a/b/c/d").is_err());
        assert_eq!(spot(Some("@7@3")).unwrap(), (None, 7, 3));
        assert_eq!(spot(Some("1/2/3/4@7@3")).unwrap(), (Some("1/2/3/4".into()), 7, 3));
        assert!(spot(Some("x")).is_err());
    }

    #[test]
    fn a_listing_is_put_in_order_whatever_the_server_sends() {
        let issue = |number| wire::Issue { iid: Some(number), ..wire::Issue::default() };
        let items = vec![issue(9), issue(2), issue(2), issue(101), wire::Issue::default()];

        let numbers: Vec<_> = in_order(items, 1..101).iter().filter_map(|it| it.iid).collect();

        assert_eq!(numbers, [2, 9]);
    }
}
