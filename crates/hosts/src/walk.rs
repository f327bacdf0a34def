//! Listings of children under each of their parents, as one listing.
//!
//! A page of ours is a page of parents with all of their children, or as many
//! parents as make it full; the cursor is the page of parents and the place on it.

use crate::cursor::Spot;
use futures::future::{BoxFuture, try_join_all};
use packhorse_core::{Cursor, HostError, HostErrorKind, Record, port::Page};

/// Parents whose children are asked for at once.
pub(crate) const AT_ONCE: usize = 8;
/// Records that make a page full.
const FULL: usize = 500;

/// One page of a listing, and where the next one begins.
#[derive(Debug)]
pub(crate) struct Listing<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<u64>,
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self { items: Vec::new(), next: None }
    }
}

/// Children of one parent, being read.
pub(crate) type Children<'a> = BoxFuture<'a, Result<Vec<Record>, HostError>>;

/// Reads children parent by parent, until the page is full.
///
/// Gives the records, and where to go on.
///
/// # Errors
///
/// The first of the children's.
pub(crate) async fn walk<'a, P>(
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

/// What was walked, as a page of a listing of its own.
pub(crate) fn paged((records, next): (Vec<Record>, Option<Spot>)) -> Page {
    Page { records, next: next.map(|it| Cursor(it.text())) }
}

/// Nothing of what went while it was listed.
///
/// # Errors
///
/// What was wrong otherwise.
pub(crate) fn there<T>(found: Result<Vec<T>, HostError>) -> Result<Vec<T>, HostError> {
    match found {
        Err(error) if error.kind == HostErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use packhorse_core::{Object, model::Topic};

    #[tokio::test]
    async fn every_child_is_given_once_however_many_there_are() {
        for sizes in [vec![], vec![0; 30], vec![3; 200], vec![1_700, 0, 499, 1, 501]] {
            let (mut ids, mut spot) = (Vec::new(), Some(Spot::START));
            while let Some(at) = spot {
                let items = sizes.iter().copied().enumerate().collect();
                let topic = |parent, child| {
                    let name = format!("{parent}.{child}");
                    Record::new(name.clone(), Object::Topic(Topic { name }))
                };
                let (records, next) =
                    walk(Listing { items, next: None }, at, |(parent, size): (usize, usize)| {
                        async move { Ok((0..size).map(|it| topic(parent, it)).collect()) }.boxed()
                    })
                    .await
                    .unwrap();
                assert!(records.len() <= FULL);
                ids.extend(records.into_iter().map(|it| it.origin.id));
                spot = next;
            }

            let expected: Vec<_> = sizes
                .iter()
                .enumerate()
                .flat_map(|(parent, size)| (0..*size).map(move |it| format!("{parent}.{it}")))
                .collect();
            assert_eq!(ids, expected);
        }
    }
}
