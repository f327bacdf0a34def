//! Items: looked up, gone, forgotten.

use super::{
    database::AnyError,
    session::{self, Session, fence},
};
use crate::paging::beyond;
use packhorse_core::{
    Fingerprint, Lane, Origin, TargetId,
    job::JobId,
    port::{Claim, Gone, Item, ItemQuery},
};
use rusqlite::{CachedStatement, OptionalExtension, Params, Row, Transaction};
use std::collections::BTreeSet;

/// Beginning of every query for items that have been settled.
const COLUMNS: &str = "SELECT id, target, fingerprint, created_by, written_by, seen_by FROM items";
/// What all of them ask for.
const SETTLED: &str = "WHERE listing = ?1 AND fingerprint IS NOT NULL AND target IS NOT ''";
/// Without it SQLite goes through the whole lane for each target, for it takes the items of a lane,
/// which lie side by side, for few.
const BY_TARGET: &str = "INDEXED BY items_by_target";
const WITH_TARGET: &str = "AND target = ?2";

fn query(index: &str, condition: &str) -> String {
    format!("{COLUMNS} {index} {SETTLED} {condition}")
}

fn item(row: &Row<'_>, lane: &Lane) -> rusqlite::Result<Item> {
    let id: String = row.get(0)?;
    let target: Option<String> = row.get(1)?;
    Ok(Item {
        scope: lane.scope.clone(),
        target: TargetId(target.unwrap_or_else(|| id.clone())),
        origin: Origin::new(lane.kind, id),
        fingerprint: Fingerprint::from_bytes(row.get(2)?),
        created_by: row.get::<_, Option<u64>>(3)?.map(JobId),
        written_by: JobId(row.get(4)?),
        seen_by: row.get::<_, Option<u64>>(5)?.map(JobId),
    })
}

/// A query for items of a lane that have been settled.
struct Select<'a> {
    statement: CachedStatement<'a>,
    lane: &'a Lane,
}

impl<'a> Select<'a> {
    fn new(tx: &'a Transaction<'_>, lane: &'a Lane, condition: &str) -> Result<Self, AnyError> {
        Self::by("", tx, lane, condition)
    }

    /// The same by an index.
    fn by(
        index: &str,
        tx: &'a Transaction<'_>,
        lane: &'a Lane,
        condition: &str,
    ) -> Result<Self, AnyError> {
        Ok(Self { statement: tx.prepare_cached(&query(index, condition))?, lane })
    }

    /// Adds what is found to a list.
    fn add_to(&mut self, list: &mut Vec<Item>, parameters: impl Params) -> Result<(), AnyError> {
        let mut rows = self.statement.query(parameters)?;
        while let Some(row) = rows.next()? {
            list.push(item(row, self.lane)?);
        }
        Ok(())
    }
}

pub(crate) fn look_up(
    transaction: &Transaction<'_>,
    route: u64,
    lane: &Lane,
    query: &ItemQuery,
) -> Result<Vec<Item>, AnyError> {
    let Some(listing) = session::find(transaction, route, lane)? else { return Ok(Vec::new()) };
    let mut list = Vec::new();
    match query {
        ItemQuery::Origins(ids) => {
            let mut select = Select::new(transaction, lane, "AND id = ?2")?;
            for id in ids {
                select.add_to(&mut list, (listing, id))?;
            }
        }
        ItemQuery::Targets(targets) => {
            let mut same = Select::new(transaction, lane, "AND id = ?2 AND target IS NULL")?;
            let mut other = Select::by(BY_TARGET, transaction, lane, WITH_TARGET)?;
            for TargetId(target) in targets {
                same.add_to(&mut list, (listing, target))?;
                other.add_to(&mut list, (listing, target))?;
            }
        }
        ItemQuery::After(after, limit) => {
            let (beyond, after) = beyond(after.as_deref());
            let condition = format!("AND id {beyond} ?2 ORDER BY id LIMIT ?3");
            let mut select = Select::new(transaction, lane, &condition)?;
            select.add_to(&mut list, (listing, after, *limit as u64))?;
        }
    }
    Ok(list)
}

/// Fields in which records lost something, in any job of the route.
pub(crate) fn lost_fields(
    transaction: &Transaction<'_>,
    route: u64,
    lane: &Lane,
    ids: &[String],
) -> Result<Vec<(String, String)>, AnyError> {
    let Some(listing) = session::find(transaction, route, lane)? else { return Ok(Vec::new()) };
    let mut statement = transaction.prepare_cached(
        "SELECT DISTINCT field FROM losses WHERE listing = ?1 AND id = ?2 ORDER BY field",
    )?;
    let mut list = Vec::new();
    for id in ids.iter().collect::<BTreeSet<_>>() {
        let fields = statement.query_map((listing, id), |row| row.get::<_, String>(0))?;
        for field in fields {
            list.push((id.clone(), field?));
        }
    }
    Ok(list)
}

/// Items that the job has not met, once it has been through the lane.
pub(crate) fn gone(
    transaction: &Transaction<'_>,
    claim: &Claim,
    lane: &Lane,
    after: Option<&str>,
    limit: usize,
) -> Result<Gone, AnyError> {
    fence(transaction, claim)?;
    let Some(listing) = session::find(transaction, claim.route, lane)? else {
        return Ok(Vec::new());
    };
    let position: Option<String> = transaction
        .prepare_cached("SELECT position FROM lanes WHERE job = ?1 AND listing = ?2")?
        .query_row((claim.job.0, listing), |row| row.get(0))
        .optional()?;
    if position.as_deref() != Some("\"done\"") {
        return Ok(Vec::new());
    }
    let (beyond, after) = beyond(after);
    let condition = format!(
        "AND id {beyond} ?2 AND seen_by IS NOT ?3
        AND NOT EXISTS (SELECT 1 FROM failures
            WHERE job = ?3 AND failures.listing = ?1 AND origin = items.id AND was_read)
        ORDER BY id LIMIT ?4"
    );
    let mut gone = Vec::new();
    let mut select = Select::new(transaction, lane, &condition)?;
    select.add_to(&mut gone, (listing, after, claim.job.0, limit as u64))?;
    Ok(gone)
}

pub(crate) fn forget(
    session: &mut Session<'_>,
    claim: &Claim,
    lane: &Lane,
    ids: &[String],
) -> Result<(), AnyError> {
    session.fence(claim)?;
    let listing = session.enter(claim, lane)?;
    let tx = &session.transaction;
    let mut delete = tx.prepare_cached("DELETE FROM items WHERE listing = ?1 AND id = ?2")?;
    let mut take_back =
        tx.prepare_cached("DELETE FROM failures WHERE job = ?1 AND listing = ?2 AND origin = ?3")?;
    let (mut n_deleted, mut n_failed) = (0, 0);
    for id in ids {
        n_deleted += delete.execute((listing.id, id))? as u64;
        n_failed += take_back.execute((claim.job.0, listing.id, id))? as u64;
    }
    tx.prepare_cached(
        "UPDATE lanes SET n_deleted = n_deleted + ?3, n_failed = n_failed - ?4
         WHERE job = ?1 AND listing = ?2",
    )?
    .execute((claim.job.0, listing.id, n_deleted, n_failed))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::database::plan;

    #[test]
    fn a_page_begins_where_the_one_before_it_ended() {
        for after in [None, Some("7")] {
            let (beyond, _) = beyond(after);

            let plan = plan(&query("", &format!("AND id {beyond} ?2 ORDER BY id LIMIT ?3")));

            assert!(plan.contains("listing=? AND id>?"), "{plan}");
        }
    }

    #[test]
    fn a_target_is_found_without_going_through_its_lane() {
        let plan = plan(&query(BY_TARGET, WITH_TARGET));

        assert!(plan.contains("listing=? AND target=?"), "{plan}");
    }
}
