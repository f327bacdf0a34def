//! A transaction that may write, and what the writer remembers between two.

use super::database::AnyError;
use packhorse_core::{
    Lane,
    port::{Claim, ClaimLost},
};
use rusqlite::{Connection, OptionalExtension, Transaction};
use std::collections::HashMap;

/// Listings that are remembered; beyond, all are forgotten and looked up again.
const MAX_LISTINGS: usize = 4096;

/// A lane of a route, as the tables know it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listing {
    /// Its number.
    pub(crate) id: i64,
    /// Whether it may have items; without any, nobody needs to be looked up.
    pub(crate) has_items: bool,
    /// Its mark, once this claim has begun records of it.
    pub(crate) mark: Option<Mark>,
}

/// How many records of a lane are under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    /// As many as the tables say there may be.
    pub(crate) marked: u64,
    /// Begun by this claim, and not settled.
    pub(crate) under_way: u64,
    /// Left by earlier claims, and not told as interrupted yet.
    pub(crate) doubts: u64,
}

/// What the writer remembers of the lanes of a claim.
///
/// Nobody else adds items to a route while a claim on one of its jobs is good,
/// so an answer holds as long as the claim.
#[derive(Debug, Default)]
pub(crate) struct Listings {
    claim: Option<Claim>,
    known: HashMap<Lane, Listing>,
}

impl Listings {
    pub(crate) fn clear(&mut self) {
        self.known.clear();
    }

    fn of(&mut self, claim: &Claim) -> &mut HashMap<Lane, Listing> {
        if self.claim.as_ref() != Some(claim) || self.known.len() >= MAX_LISTINGS {
            self.known.clear();
            self.claim = Some(claim.clone());
        }
        &mut self.known
    }
}

/// A transaction that may write.
pub(crate) struct Session<'a> {
    pub(crate) transaction: Transaction<'a>,
    pub(crate) listings: &'a mut Listings,
}

impl Session<'_> {
    /// Refuses a claim that is another's now.
    pub(crate) fn fence(&self, claim: &Claim) -> Result<(), AnyError> {
        fence(&self.transaction, claim)
    }

    /// The lane in the route's tables, made if need be, and its row in the job.
    pub(crate) fn enter(&mut self, claim: &Claim, lane: &Lane) -> Result<Listing, AnyError> {
        if let Some(known) = self.listings.of(claim).get(lane) {
            return Ok(*known);
        }
        let id = match find(&self.transaction, claim.route, lane)? {
            Some(id) => id,
            None => {
                self.transaction
                    .prepare_cached(
                        "INSERT INTO listings (route, scope, kind) VALUES (?1, ?2, ?3)",
                    )?
                    .execute((claim.route, lane.scope.key(), lane.kind.name()))?;
                self.transaction.last_insert_rowid()
            }
        };
        self.transaction
            .prepare_cached(
                "INSERT INTO lanes (job, listing) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )?
            .execute((claim.job.0, id))?;
        let has_items = self
            .transaction
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM items WHERE listing = ?1)")?
            .query_row([id], |row| row.get(0))?;
        let listing = Listing { id, has_items, mark: None };
        self.listings.of(claim).insert(lane.clone(), listing);
        Ok(listing)
    }

    /// Changes what is remembered of a lane that was entered.
    pub(crate) fn remember(
        &mut self,
        claim: &Claim,
        lane: &Lane,
        change: impl FnOnce(&mut Listing),
    ) {
        if let Some(listing) = self.listings.of(claim).get_mut(lane) {
            change(listing);
        }
    }
}

/// Refuses a claim that is another's now.
pub(crate) fn fence(connection: &Connection, claim: &Claim) -> Result<(), AnyError> {
    let epoch: Option<u64> = connection
        .prepare_cached("SELECT epoch FROM leases WHERE job = ?1 AND worker IS NOT NULL")?
        .query_row([claim.job.0], |row| row.get(0))
        .optional()?;
    if epoch == Some(claim.epoch) { Ok(()) } else { Err(ClaimLost { job: claim.job }.into()) }
}

/// Number of a lane in a route, if it was ever entered.
pub(crate) fn find(
    connection: &Connection,
    route: u64,
    lane: &Lane,
) -> Result<Option<i64>, AnyError> {
    Ok(connection
        .prepare_cached("SELECT id FROM listings WHERE route = ?1 AND scope = ?2 AND kind = ?3")?
        .query_row((route, lane.scope.key(), lane.kind.name()), |row| row.get(0))
        .optional()?)
}
