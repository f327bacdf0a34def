//! One lane of a job, read back and compared with what the journal says was written.

use super::{
    Finding, MAX_FINDINGS, Tallied, Verification, VerifyError, What, blob,
    explain::{Mismatch, explain},
    lost::Masks,
    mask::Mask,
    pages::Pages,
    sum::Sums,
    tally::{Matching, Outcome, Row, Rows, Tally},
};
use crate::{
    relink::link,
    transform::{PathMap, links::looks_up},
};
use packhorse_core::{
    Capabilities, Event, Lane, Listener, Loss, Object, ObjectKind, Record, Scope, Settle, TargetId,
    model::{Blob, Verdict},
    port::{Context, Item, ItemQuery, Journal, Source, Transform},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::sync::Mutex;

/// Items that are asked of the journal at a time.
const ITEMS_AT_ONCE: usize = 1_000;

/// What verifying a job needs.
pub struct Inspection<'a> {
    /// Where the job read from.
    pub source: &'a dyn Source,
    /// What the source can do.
    pub source_caps: &'a Capabilities,
    /// The destination, to be read.
    pub reader: &'a dyn Source,
    /// What can be read from the destination.
    pub reader_caps: &'a Capabilities,
    /// What can be written to the destination.
    pub sink_caps: &'a Capabilities,
    /// The steps that the job's records went through.
    pub transforms: &'a [Box<dyn Transform>],
    /// What the job wrote.
    pub journal: &'a dyn Journal,
    /// Number of the job's route.
    pub route: u64,
    /// Lanes in which records failed: what is there of them may be ours, whatever the journal has.
    pub doubtful: BTreeSet<Lane>,
    /// Which project became which.
    pub paths: Arc<PathMap>,
    /// Who wants to know how far it is.
    pub listener: &'a dyn Listener,
}

/// One lane on both sides.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    /// The lane at the source, which is also the journal's.
    pub(crate) origin: Lane,
    /// The lane at the destination.
    pub(crate) target: Lane,
    /// Which project becomes which.
    pub(crate) paths: Arc<PathMap>,
}

/// Records whose bytes are wrong.
#[derive(Default)]
struct Damaged {
    n: u64,
    /// The first of them, and what is wrong with each.
    named: Vec<(String, String)>,
}

impl Damaged {
    fn add(&mut self, id: &str, detail: String) {
        self.n += 1;
        if self.named.len() < MAX_FINDINGS {
            self.named.push((id.to_owned(), detail));
        }
    }
}

impl Inspection<'_> {
    /// Compares one lane, and notes what it finds.
    ///
    /// It is summed up first. Where the sums show that something differs, it is read again into the
    /// tally, which lanes that are looked at side by side have one after the other.
    pub(super) async fn lane(
        &self,
        pair: &Pair,
        tally: &Mutex<Tally>,
        verification: &mut Verification,
    ) -> Result<(), VerifyError> {
        if !self.may_have_written(&pair.origin).await? {
            return Ok(());
        }
        let kind = pair.origin.kind;
        let mask = self.mask(kind);
        let mut sums = Sums::default();
        let mut damaged = self.both(pair, &mask, &mut sums).await?;
        let mut held = None;
        let outcome = match sums.agreed() {
            Some(n) => Outcome { n_expected: n, n_equal: n, ..Outcome::default() },
            None => {
                // Until what differs has been looked at: that may hold some megabytes.
                let tally = held.insert(tally.lock().await);
                tally.clear()?;
                damaged = self.both(pair, &mask, &mut **tally).await?;
                let mut outcome = tally.outcome(Matching::ById, verification.room())?;
                if !mask.is_clear() {
                    self.strike_ours(pair, &mut outcome).await?;
                }
                outcome
            }
        };
        let mut tallied = counts(&outcome);
        tallied.equal = tallied.equal.saturating_sub(damaged.n);
        tallied.different += damaged.n;
        verification.count_more(damaged.n - damaged.named.len() as u64, true);
        for (id, detail) in damaged.named {
            let (scope, what) = (pair.origin.scope.clone(), What::Corrupt { detail });
            verification.find(Finding { scope, kind, id, what });
        }
        let different = outcome.different.iter().map(|it| it.id.clone()).collect::<Vec<_>>();
        let masks = self.masks(&pair.origin, &mask, different).await?;
        self.report(pair, &masks, outcome, verification).await?;
        verification.close_lane(&pair.origin.scope, kind, tallied);
        Ok(())
    }

    /// Whether anything of a lane may be ours.
    ///
    /// A lane of which nothing came is not read: it has nothing that could be missing or different,
    /// and some hosts are asked for such a kind once for each of thousands of comments.
    async fn may_have_written(&self, lane: &Lane) -> Result<bool, VerifyError> {
        if self.doubtful.contains(lane) {
            return Ok(true);
        }
        let items = self.journal.items(self.route, lane, &ItemQuery::After(None, 1)).await?;
        Ok(!items.is_empty())
    }

    /// What counts of records of a kind.
    pub(crate) fn mask(&self, kind: ObjectKind) -> Mask {
        let mask = Mask::written(self.sink_caps, kind).and(Mask::of(self.reader_caps, kind));
        match self.sink_caps.settle {
            Settle::Record if !mask.is_clear() => mask.behind_an_api(self.source_caps.of(kind)),
            Settle::Record | Settle::Page => mask,
        }
    }

    /// Goes through both sides of a lane.
    async fn both(
        &self,
        pair: &Pair,
        mask: &Mask,
        rows: &mut impl Rows,
    ) -> Result<Damaged, VerifyError> {
        if mask.is_clear() {
            self.expect_items(pair, rows).await?;
        } else {
            self.expect_records(pair, mask, rows).await?;
        }
        self.find_records(pair, mask, rows).await
    }

    /// Expects what the journal says was written.
    async fn expect_items<R: Rows>(&self, pair: &Pair, rows: &mut R) -> Result<(), VerifyError> {
        let mut after = None;
        loop {
            let query = ItemQuery::After(after, ITEMS_AT_ONCE);
            let items = self.journal.items(self.route, &pair.origin, &query).await?;
            let Some(last) = items.last() else { return Ok(()) };
            after = Some(last.origin.id.clone());
            let origins = items.iter().map(|it| it.origin.id.clone()).collect();
            let told = self.told::<R>(pair, origins).await?;
            let items = items.into_iter().filter(|it| !told.contains(&it.origin.id));
            rows.expect(items.map(|it| (it.target.0, it.origin.id, it.fingerprint)))?;
        }
    }

    /// Which of these were told to be there as something else, or not at all: their lane does not
    /// have them. Asked only where sums have shown that something is not as it should be.
    async fn told<R: Rows>(
        &self,
        pair: &Pair,
        origins: Vec<String>,
    ) -> Result<BTreeSet<String>, VerifyError> {
        if !R::TELLS {
            return Ok(BTreeSet::new());
        }
        let lost = self.journal.lost_fields(self.route, &pair.origin, &origins).await?;
        let is_told = |field: &str| matches!(field, Loss::KIND | Loss::WHOLE);
        Ok(lost.into_iter().filter(|(_, field)| is_told(field)).map(|(id, _)| id).collect())
    }

    /// Expects what the source has, as the destination should hold it.
    ///
    /// The journal's fingerprints are of whole records; a destination that holds
    /// some fields only has to be compared with the records themselves.
    async fn expect_records<R: Rows>(
        &self,
        pair: &Pair,
        mask: &Mask,
        rows: &mut R,
    ) -> Result<(), VerifyError> {
        let mut pages = Pages::of(self.source, &pair.origin);
        while let Some(records) = pages.next().await? {
            let items = self.items_of(&pair.origin, &records).await?;
            let targets = items.values().map(|it| it.target.0.clone()).collect::<Vec<_>>();
            let masks = self.masks(&pair.origin, mask, targets).await?;
            let origins = items.keys().cloned().collect();
            let told = self.told::<R>(pair, origins).await?;
            let records = self.linked(pair, records).await?;
            let mut expected = Vec::with_capacity(records.len());
            for record in records.into_iter().filter(|it| !told.contains(&it.origin.id)) {
                let Some(item) = items.get(&record.origin.id) else { continue };
                let id = record.origin.id.clone();
                let record = match self.sink_caps.settle {
                    // It tells size and hash of all bytes that it holds, also where the source
                    // does not.
                    Settle::Page => blob::completed(self.source, &pair.origin.scope, record).await,
                    Settle::Record => record,
                };
                let record = self.transformed(&pair.origin.scope, record);
                let mask = masks.of(&item.target.0);
                expected.push((item.target.0.clone(), id, mask.fingerprint(&record.object)));
            }
            rows.expect(expected)?;
        }
        Ok(())
    }

    /// The journal's items of these records, by origin id.
    pub(crate) async fn items_of(
        &self,
        lane: &Lane,
        records: &[Record],
    ) -> Result<BTreeMap<String, Item>, VerifyError> {
        let ids = records.iter().map(|it| it.origin.id.clone()).collect();
        let items = self.journal.items(self.route, lane, &ItemQuery::Origins(ids)).await?;
        Ok(items.into_iter().map(|it| (it.origin.id.clone(), it)).collect())
    }

    /// A source's records with what they refer to, as they were when they were written last.
    pub(crate) async fn linked(
        &self,
        pair: &Pair,
        mut records: Vec<Record>,
    ) -> Result<Vec<Record>, VerifyError> {
        if looks_up(self.sink_caps) {
            let (source, sink, scope) = (self.source_caps, self.sink_caps, &pair.origin.scope);
            let context = Context { source, sink, scope };
            link(self.journal, self.route, &context, &pair.paths, &mut records).await?;
        }
        Ok(records)
    }

    /// A source's record as it was to be written.
    pub(crate) fn transformed(&self, scope: &Scope, mut record: Record) -> Record {
        let context = Context { source: self.source_caps, sink: self.sink_caps, scope };
        self.transforms.apply(&context, &mut record);
        record
    }

    /// Reads the destination's lane, its bytes too; answers which records have wrong bytes.
    async fn find_records<R: Rows>(
        &self,
        pair: &Pair,
        mask: &Mask,
        rows: &mut R,
    ) -> Result<Damaged, VerifyError> {
        let (scope, kind) = (&pair.origin.scope, pair.origin.kind);
        let mut pages = Pages::of(self.reader, &pair.target);
        let (mut compared, mut damaged) = (0, Damaged::default());
        while let Some(mut records) = pages.next().await? {
            if R::TELLS {
                self.leave_out_holders(pair, &mut records).await?;
            }
            for record in &records {
                if let Some(detail) = self.damage(pair, record).await? {
                    damaged.add(&record.origin.id, detail);
                }
            }
            compared += records.len() as u64;
            let targets = records.iter().map(|it| it.origin.id.clone()).collect::<Vec<_>>();
            let masks = self.masks(&pair.origin, mask, targets).await?;
            rows.find(records.into_iter().map(|it| {
                let hash = masks.of(&it.origin.id).fingerprint(&it.object);
                (it.origin.id, hash)
            }))?;
            self.listener.on(&Event::Verifying { scope: scope.clone(), kind, compared });
        }
        Ok(damaged)
    }

    /// Leaves out reviews that the destination made by itself to hold a comment: nobody wrote them,
    /// and they say nothing.
    async fn leave_out_holders(
        &self,
        pair: &Pair,
        records: &mut Vec<Record>,
    ) -> Result<(), VerifyError> {
        let holders = records.iter().filter(|it| is_holder(&it.object));
        let holders: Vec<_> = holders.map(|it| TargetId(it.origin.id.clone())).collect();
        if holders.is_empty() {
            return Ok(());
        }
        let query = ItemQuery::Targets(holders);
        let ours = self.journal.items(self.route, &pair.origin, &query).await?;
        let ours: BTreeSet<String> = ours.into_iter().map(|it| it.target.0).collect();
        records.retain(|it| !is_holder(&it.object) || ours.contains(&it.origin.id));
        Ok(())
    }

    /// What is wrong with a record's bytes, if anything.
    ///
    /// Where the record does not say what they should be, the source's own bytes
    /// do; what cannot be read there either is the source's loss. Destinations
    /// behind an API are believed: every byte would have to travel again.
    async fn damage(&self, pair: &Pair, record: &Record) -> Result<Option<String>, VerifyError> {
        let Some(blob) = blob::blob_of(&record.object) else { return Ok(None) };
        if self.sink_caps.settle == Settle::Record {
            return Ok(None);
        }
        let found = blob::read(self.reader, &pair.target.scope, record, blob).await;
        if let (Ok((size, sha256)), Some(_)) = (&found, &blob.sha256) {
            return Ok(blob::wrong(blob, *size, sha256));
        }
        let query = ItemQuery::Targets(vec![TargetId(record.origin.id.clone())]);
        let items = self.journal.items(self.route, &pair.origin, &query).await?;
        let Some(item) = items.into_iter().next() else { return Ok(None) };
        let original = Record { origin: item.origin, ..record.clone() };
        let expected = blob::read(self.source, &pair.origin.scope, &original, blob).await;
        Ok(match (expected, found) {
            (Ok((size, sha256)), Ok(found)) => {
                let expected = Blob { size: Some(size), sha256: Some(sha256) };
                blob::wrong(&expected, found.0, &found.1)
            }
            (Ok(_), Err(detail)) => Some(detail),
            (Err(_), _) => None,
        })
    }

    /// Takes out of the extra records those that we wrote for a source that has lost them since.
    async fn strike_ours(&self, pair: &Pair, outcome: &mut Outcome) -> Result<(), VerifyError> {
        let targets = outcome.extra.iter().cloned().map(TargetId).collect();
        let items =
            self.journal.items(self.route, &pair.origin, &ItemQuery::Targets(targets)).await?;
        let ours: BTreeSet<String> = items.into_iter().map(|it| it.target.0).collect();
        let before = outcome.extra.len();
        outcome.extra.retain(|it| !ours.contains(it));
        outcome.n_extra -= (before - outcome.extra.len()) as u64;
        Ok(())
    }

    /// Turns a tally's lists into findings.
    pub(super) async fn report(
        &self,
        pair: &Pair,
        masks: &Masks,
        outcome: Outcome,
        verification: &mut Verification,
    ) -> Result<(), VerifyError> {
        let (scope, kind) = (&pair.origin.scope, pair.origin.kind);
        let finding = |id, what| Finding { scope: scope.clone(), kind, id, what };
        let listed = outcome.different.len() as u64;
        verification.count_more(outcome.n_different - listed, true);
        for Mismatch { origin, fields, note } in
            explain(self, pair, masks, outcome.different).await?
        {
            verification.find(finding(origin, What::Different { fields, note }));
        }
        verification.count_more(outcome.n_missing - outcome.missing.len() as u64, true);
        for Row { origin, .. } in outcome.missing {
            verification.find(finding(origin, What::Missing));
        }
        verification.count_more(outcome.n_doubled - outcome.doubled.len() as u64, true);
        for id in outcome.doubled {
            verification.find(finding(id, What::Doubled));
        }
        verification.count_more(outcome.n_extra - outcome.extra.len() as u64, false);
        for id in outcome.extra {
            verification.find(finding(id, What::Extra));
        }
        Ok(())
    }
}

/// Whether a record is a review without a verdict and without a word.
fn is_holder(object: &Object) -> bool {
    let Object::Review(it) = object else { return false };
    let is_silent = it.body.as_ref().is_none_or(|it| it.as_str().trim().is_empty());
    it.verdict == Verdict::Commented && is_silent
}

/// A tally's counts.
pub(super) fn counts(outcome: &Outcome) -> Tallied {
    Tallied {
        compared: outcome.n_expected,
        equal: outcome.n_equal,
        different: outcome.n_different,
        missing: outcome.n_missing,
        extra: outcome.n_extra,
    }
}

/// The lanes of a scope that travel as records or blobs.
pub(super) fn kinds_of(scope: &Scope) -> impl Iterator<Item = ObjectKind> {
    let shared = *scope == Scope::Shared;
    ObjectKind::ALL.iter().copied().filter(move |kind| {
        kind.carriage() != packhorse_core::Carriage::Git
            && if shared { kind.is_shared() } else { kind.in_project() }
    })
}
