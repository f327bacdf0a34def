//! Which fields of a record differ.
//!
//! The journal keeps hashes, so the fields have to be read again, from both ends.
//! Each lane is gone through once for all that differ in it, and no further than
//! until they are found. What would not fit into memory is reported without
//! its fields.

use super::{
    VerifyError,
    lane::{Inspection, Pair},
    mask::Mask,
    pages::Pages,
    tally::Row,
};
use packhorse_core::{
    Fingerprint, HostError, Lane, Object, Record,
    fingerprint::{Difference, exact},
    port::{ItemQuery, Source},
};
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of records that are held for one lane's explanation, on each side.
const MAX_HELD_BYTES: usize = 16 << 20;

/// Fields that are named for one record.
const MAX_FIELDS: usize = 20;

/// A record that differs.
pub(super) struct Mismatch {
    pub(super) origin: String,
    pub(super) fields: Vec<Difference>,
    pub(super) note: Option<String>,
}

/// Finds the fields in which these records differ.
pub(super) async fn explain(
    inspection: &Inspection<'_>,
    pair: &Pair,
    mask: &Mask,
    rows: Vec<Row>,
) -> Result<Vec<Mismatch>, VerifyError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids = rows.iter().map(|it| it.id.clone()).collect();
    let found = hold(inspection.reader, &pair.target, ids, |it| it).await?;
    let origins: Vec<String> = rows.iter().map(|it| it.origin.clone()).collect();
    let scope = &pair.origin.scope;
    let as_written = |record| inspection.transformed(scope, record);
    let wanted = origins.iter().cloned().collect();
    let expected = match hold(inspection.source, &pair.origin, wanted, as_written).await {
        Ok(expected) => expected,
        Err(error) => {
            let note = format!("the source cannot be read again: {}", super::blob::chain(&error));
            return Ok(rows.into_iter().map(|row| unexplained(row.origin, &note)).collect());
        }
    };
    let query = ItemQuery::Origins(origins);
    let items = inspection.journal.items(inspection.route, &pair.origin, &query).await?;
    let written: BTreeMap<String, Fingerprint> =
        items.into_iter().map(|it| (it.origin.id, it.fingerprint)).collect();
    Ok(rows
        .into_iter()
        .map(|row| match (expected.get(&row.origin), found.get(&row.id)) {
            (Some(expected), Some(found)) => {
                let changed = written.get(&row.origin) != Some(&Fingerprint::of(expected));
                named(row.origin, mask.differences(expected, found), changed)
            }
            (None, _) => unexplained(
                row.origin,
                "the source does not have it any more, or it is too large to hold",
            ),
            (_, None) => unexplained(row.origin, "it is too large to hold"),
        })
        .collect())
}

/// Two ends' records that differ, compared directly.
pub(super) async fn explain_both(
    ends: (&dyn Source, &dyn Source),
    pair: &Pair,
    rows: Vec<Row>,
    mapped: impl Fn(Record) -> Record,
) -> Result<Vec<Mismatch>, VerifyError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let origins = rows.iter().map(|it| it.origin.clone()).collect();
    let expected = hold(ends.0, &pair.origin, origins, mapped).await?;
    let ids = rows.iter().map(|it| it.id.clone()).collect();
    let found = hold(ends.1, &pair.target, ids, |it| it).await?;
    let mask = Mask::default();
    Ok(rows
        .into_iter()
        .map(|row| match (expected.get(&row.origin), found.get(&row.id)) {
            (Some(expected), Some(found)) => {
                named(row.origin, mask.differences(expected, found), false)
            }
            _ => unexplained(row.origin, "it is too large to hold"),
        })
        .collect())
}

fn named(origin: String, mut fields: Vec<Difference>, changed: bool) -> Mismatch {
    let mut note =
        changed.then(|| "the source has changed since, or was written otherwise".to_owned());
    if fields.len() > MAX_FIELDS {
        note = Some(format!("{MAX_FIELDS} of {} fields are shown", fields.len()));
        fields.truncate(MAX_FIELDS);
    }
    Mismatch { origin, fields, note }
}

fn unexplained(origin: String, note: &str) -> Mismatch {
    Mismatch { origin, fields: Vec::new(), note: Some(note.to_owned()) }
}

/// Goes through a lane until these records are found, and holds as many as fit.
async fn hold(
    source: &dyn Source,
    lane: &Lane,
    mut wanted: BTreeSet<String>,
    change: impl Fn(Record) -> Record,
) -> Result<BTreeMap<String, Object>, HostError> {
    let mut held = BTreeMap::new();
    let mut bytes = 0;
    let mut pages = Pages::of(source, lane);
    while !wanted.is_empty()
        && let Some(records) = pages.next().await?
    {
        for record in records {
            if !wanted.remove(&record.origin.id) {
                continue;
            }
            let id = record.origin.id.clone();
            let object = change(record).object;
            bytes += exact(&object).len();
            if bytes <= MAX_HELD_BYTES {
                held.insert(id, object);
            }
        }
    }
    Ok(held)
}
