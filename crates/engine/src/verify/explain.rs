//! Which fields of a record differ.
//!
//! The journal keeps hashes, so the fields have to be read again, from both ends.
//! Each lane is gone through once for all that differ in it, and no further than
//! until they are found. What would not fit into memory is reported without
//! its fields.

use super::{
    VerifyError,
    lane::{Inspection, Pair},
    lost::Masks,
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
    masks: &Masks,
    rows: Vec<Row>,
) -> Result<Vec<Mismatch>, VerifyError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids = rows.iter().map(|it| it.id.clone()).collect();
    let found = Search::of(inspection.reader, &pair.target, ids).all().await?;
    let origins: Vec<String> = rows.iter().map(|it| it.origin.clone()).collect();
    let wanted = origins.iter().cloned().collect();
    let expected = match as_written(inspection, pair, wanted).await {
        Ok(expected) => expected,
        Err(error) => {
            let note = format!("the source cannot be read again: {}", crate::error::chain(&error));
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
                let fields = masks.of(&row.id).differences(expected, found);
                named(row.origin, fields, changed)
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
    mapped: impl Fn(Record) -> Record + Send,
) -> Result<Vec<Mismatch>, VerifyError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let origins = rows.iter().map(|it| it.origin.clone()).collect();
    let mut expected = Held::default();
    let mut search = Search::of(ends.0, &pair.origin, origins);
    while let Some(records) = search.next().await? {
        // The map may give a record another id; what is asked for is the end's own.
        let keep = |it: Record| expected.keep(it.origin.id.clone(), mapped(it).object);
        records.into_iter().for_each(keep);
    }
    let ids = rows.iter().map(|it| it.id.clone()).collect();
    let found = Search::of(ends.1, &pair.target, ids).all().await?;
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

/// Records that are looked for in a lane, a page of it at a time.
struct Search<'a> {
    pages: Pages<'a>,
    wanted: BTreeSet<String>,
}

impl<'a> Search<'a> {
    fn of(source: &'a dyn Source, lane: &'a Lane, wanted: BTreeSet<String>) -> Self {
        Self { pages: Pages::of(source, lane), wanted }
    }

    /// Those on the next page; `None` when all are found, or the lane is at its end.
    async fn next(&mut self) -> Result<Option<Vec<Record>>, HostError> {
        if self.wanted.is_empty() {
            return Ok(None);
        }
        let Some(mut records) = self.pages.next().await? else { return Ok(None) };
        records.retain(|it| self.wanted.remove(&it.origin.id));
        Ok(Some(records))
    }

    /// All that fit into memory, as they are.
    async fn all(mut self) -> Result<Held, HostError> {
        let mut held = Held::default();
        while let Some(records) = self.next().await? {
            records.into_iter().for_each(|it| held.keep(it.origin.id, it.object));
        }
        Ok(held)
    }
}

/// Objects by the id of their own end, as many as fit into memory.
#[derive(Default)]
struct Held {
    objects: BTreeMap<String, Object>,
    bytes: usize,
}

impl Held {
    fn keep(&mut self, id: String, object: Object) {
        self.bytes += exact(&object).len();
        if self.bytes <= MAX_HELD_BYTES {
            self.objects.insert(id, object);
        }
    }

    fn get(&self, id: &str) -> Option<&Object> {
        self.objects.get(id)
    }
}

/// The source's records as they were to be written.
async fn as_written(
    inspection: &Inspection<'_>,
    pair: &Pair,
    wanted: BTreeSet<String>,
) -> Result<Held, VerifyError> {
    let mut held = Held::default();
    let mut search = Search::of(inspection.source, &pair.origin, wanted);
    while let Some(records) = search.next().await? {
        for record in inspection.linked(pair, records).await? {
            let id = record.origin.id.clone();
            held.keep(id, inspection.transformed(&pair.origin.scope, record).object);
        }
    }
    Ok(held)
}
