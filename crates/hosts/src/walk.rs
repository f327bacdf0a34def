//! Listings of children under each of their parents, as one listing.
//!
//! A page of ours is a page of parents with all of their children, or as many
//! parents as make it full; the cursor is the page of parents and the place on it.

use crate::{
    cursor::{At, Spot},
    filling::{FULL, Filling},
};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesOrdered};
use packhorse_core::{Cursor, HostError, Record, port::Page};

/// Parents whose children are asked for at once.
pub(crate) const AT_ONCE: usize = 16;

/// One page of a listing, and where the next one begins.
#[derive(Debug)]
pub(crate) struct Listing<T, N = u64> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<N>,
}

impl<T, N> Default for Listing<T, N> {
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
pub(crate) async fn walk<'a, T, N, P: From<N>>(
    listing: Listing<T, N>,
    at: At<P>,
    children: impl Fn(T) -> Children<'a>,
) -> Result<(Vec<Record>, Option<At<P>>), HostError> {
    let parents = listing.items.into_iter().enumerate().skip(at.parent);
    let (records, rest) = below(parents, (at.parent, at.child), children).await?;
    let next = match rest {
        Some((parent, child)) => Some(At { page: at.page, parent, child }),
        None => listing.next.map(|it| At { page: P::from(it), parent: 0, child: 0 }),
    };
    Ok((records, next))
}

/// Reads the children of parents that have keys, until the page is full; of the first, those from a
/// child on. Gives the records, and the parent and its child to go on with.
///
/// From half of a page on no further parent is asked for: what is on its way already shall find room.
///
/// # Errors
///
/// The first of the children's.
pub(crate) async fn below<'a, K: Copy + PartialEq, T>(
    parents: impl Iterator<Item = (K, T)>,
    first: (K, usize),
    children: impl Fn(T) -> Children<'a>,
) -> Result<(Vec<Record>, Option<(K, usize)>), HostError> {
    let mut filling = Filling::default();
    let mut parents = parents.peekable();
    let mut asked = FuturesOrdered::new();
    loop {
        while asked.len() < AT_ONCE
            && filling.records.len() < FULL / 2
            && let Some((parent, it)) = parents.next()
        {
            asked.push_back(children(it).map(move |found| (parent, found)));
        }
        let Some((parent, found)) = asked.next().await else { break };
        let given = if parent == first.0 { first.1 } else { 0 };
        for (child, record) in found?.into_iter().enumerate().skip(given) {
            if !filling.take(record) {
                return Ok((filling.records, Some((parent, child))));
            }
        }
    }
    Ok((filling.records, parents.peek().map(|(parent, _)| (*parent, 0))))
}

/// What was walked, as a page of a listing of its own.
pub(crate) fn paged((records, next): (Vec<Record>, Option<Spot>)) -> Page {
    Page { records, next: next.map(|it| Cursor(it.text())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::{Object, model::Topic};

    /// Parents with so many children each, walked to the end; ids as `parent.child`.
    async fn walked(sizes: &[usize]) -> (Vec<String>, usize) {
        let (mut ids, mut pages, mut spot) = (Vec::new(), 0, Some(Spot::START));
        while let Some(at) = spot {
            let items = sizes.iter().copied().enumerate().collect();
            let listing = Listing { items, next: None::<u64> };
            let (records, next) = walk(listing, at, |(parent, size)| {
                let topic = move |child| {
                    let name = format!("{parent}.{child}");
                    Record::new(name.clone(), Object::from(Topic { name }))
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
            assert!(pages <= 2 * expected.len() / FULL + 2, "{pages} pages");
        }
    }
}
