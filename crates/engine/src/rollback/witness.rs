//! Whether something at the destination is still as it was written.
//!
//! The journal keeps fingerprints of whole records. Where a destination holds a part of them only,
//! what it shows is held against the source's record as it was written, by the fields that count.

use crate::{
    Ends, EngineError,
    carry::filler_of,
    error::chain,
    plan::PathPlan,
    transform::{self, PathMap, stack},
    verify::{Inspection, Mask, Masks, Pair, Rows, Tally, VerifyError, pages::Pages},
};
use packhorse_core::{
    Capabilities, Fingerprint, Lane, ObjectKind, Record, Scope,
    job::JobView,
    port::{Item, Journal, Source, Stage, Transform},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What has become of an object since it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Since {
    /// It is as it was.
    Same,
    /// Somebody changed it.
    Changed,
    /// It cannot be told, and why.
    Unknown(String),
}

/// What is known of both ends of the job's route.
pub(super) struct Known {
    source: Capabilities,
    sink: Capabilities,
    reader: Capabilities,
    transforms: Vec<Box<dyn Transform>>,
    paths: Arc<PathMap>,
    /// Why the source cannot be asked.
    blind: Option<String>,
}

impl Known {
    /// Asks both ends; a source that does not answer leaves most undecided, and nothing fails.
    pub(super) async fn of(
        journal: &dyn Journal,
        job: &JobView,
        ends: &Ends,
        reader: &dyn Source,
    ) -> Result<Self, EngineError> {
        let sink = ends.sink.probe().await?;
        let (source, blind) = match ends.source.probe().await {
            Ok(source) => (source, None),
            Err(error) => {
                let why = format!("the source cannot be read: {}", chain(&error));
                (sink.clone(), Some(why))
            }
        };
        let mut projects = journal.history(job.id).await?.projects().await?;
        projects.retain(|it| it.stage != Stage::Blocked);
        let options = &job.spec.options;
        let pairs = projects.into_iter().map(|it| (it.source, it.target));
        let paths = Arc::new(PathMap::new(pairs.chain(PathPlan::of(options)?.mapped())));
        let route = transform::Route { options, source: &source, sink: &sink, paths: &paths };
        let transforms = stack(route)?;
        Ok(Self { reader: reader.probe().await?, source, sink, transforms, paths, blind })
    }

    /// One who tells of each lane.
    pub(super) fn witness<'a>(
        &'a self,
        (journal, route): (&'a dyn Journal, u64),
        ends: &'a Ends,
        reader: &'a dyn Source,
    ) -> Result<Witness<'a>, EngineError> {
        let inspection = Inspection {
            source: &*ends.source,
            source_caps: &self.source,
            reader,
            reader_caps: &self.reader,
            sink_caps: &self.sink,
            transforms: &self.transforms,
            journal,
            route,
            doubtful: BTreeSet::new(),
            paths: self.paths.clone(),
            listener: &(),
        };
        let (tally, directory) = Tally::open(&ends.scratch)?;
        let (mask, blind) = (Mask::default(), None);
        Ok(Witness { known: self, inspection, tally, mask, blind, _directory: directory })
    }
}

/// Tells of objects of one lane after the other whether they are as they were written.
pub(super) struct Witness<'a> {
    known: &'a Known,
    inspection: Inspection<'a>,
    /// Fingerprints of what counts, of the records that the source has as they were written.
    tally: Tally,
    mask: Mask,
    /// Why nothing can be told of the lane.
    blind: Option<String>,
    _directory: tempfile::TempDir,
}

impl Witness<'_> {
    /// Turns to a lane of the journal.
    pub(super) async fn turn_to(&mut self, lane: &Lane, target: &Scope) -> Result<(), EngineError> {
        self.mask = self.inspection.mask(lane.kind);
        self.tally.clear().map_err(VerifyError::from)?;
        self.blind = None;
        if self.mask.is_clear() {
            return Ok(());
        }
        self.blind.clone_from(&self.known.blind);
        if self.blind.is_none() {
            match self.read(lane, target).await {
                Err(EngineError::Verify(VerifyError::Host(error))) => {
                    self.blind = Some(format!("the source cannot be read: {}", chain(&error)));
                }
                done => done?,
            }
        }
        Ok(())
    }

    /// Notes what the source has of a lane.
    async fn read(&mut self, lane: &Lane, target: &Scope) -> Result<(), EngineError> {
        let is_project = lane.kind == ObjectKind::Project;
        let listed = if is_project { Scope::Shared } else { lane.scope.clone() };
        let listed = Lane::new(listed, lane.kind);
        let pair = Pair {
            origin: lane.clone(),
            target: Lane::new(target.clone(), lane.kind),
            paths: self.known.paths.clone(),
        };
        let mut pages = Pages::of(self.inspection.source, &listed);
        while let Some(mut records) = pages.next().await.map_err(VerifyError::from)? {
            let items = self.inspection.items_of(lane, &records).await?;
            records.retain(|it| items.contains_key(&it.origin.id));
            let is_found = is_project && !records.is_empty();
            let records = self.inspection.linked(&pair, records).await?;
            self.expect(&pair, &items, records).await?;
            // A project's lane has one record, somewhere in the list of all projects.
            if is_found {
                break;
            }
        }
        Ok(())
    }

    /// Notes records that are as they were written.
    async fn expect(
        &mut self,
        pair: &Pair,
        items: &BTreeMap<String, Item>,
        records: Vec<Record>,
    ) -> Result<(), EngineError> {
        let targets: Vec<_> = items.values().map(|it| it.target.0.clone()).collect();
        let masks = self.inspection.masks(&pair.origin, &self.mask, targets).await?;
        let rows = records.into_iter().filter_map(|record| {
            let item = items.get(&record.origin.id)?;
            let origin = record.origin.id.clone();
            let record = self.inspection.transformed(&pair.origin.scope, record);
            let is_same = Fingerprint::of(&record.object) == item.fingerprint;
            let target = item.target.0.clone();
            let hash = masks.of(&target).fingerprint(&record.object);
            is_same.then_some((target, origin, hash))
        });
        let rows: Vec<_> = rows.collect();
        Ok(self.tally.expect(rows).map_err(VerifyError::from)?)
    }

    /// What counts of these objects of the lane.
    pub(super) async fn masks(&self, lane: &Lane, found: &[Record]) -> Result<Masks, EngineError> {
        let ids: Vec<_> = found.iter().map(|it| it.origin.id.clone()).collect();
        Ok(self.inspection.masks(lane, &self.mask, ids).await?)
    }

    /// What has become of an object since the journal's item of it was noted.
    pub(super) fn since(
        &self,
        item: &Item,
        found: &Record,
        masks: &Masks,
    ) -> Result<Since, EngineError> {
        if self.mask.is_clear() {
            return Ok(same(item.fingerprint, Fingerprint::of(&found.object)));
        }
        let mask = masks.of(&item.target.0);
        let (target, origin) = (&item.target.0, &item.origin.id);
        let expected = match filler_of(&item.origin) {
            Some(filler) => {
                let filler = self.inspection.transformed(&item.scope, filler);
                Some(mask.fingerprint(&filler.object))
            }
            None => self.tally.expected(target, origin).map_err(VerifyError::from)?,
        };
        Ok(match (expected, &self.blind) {
            (Some(expected), _) => same(expected, mask.fingerprint(&found.object)),
            (None, Some(why)) => Since::Unknown(why.clone()),
            (None, None) => Since::Unknown(
                "the source has changed since, and does not tell any more what was written"
                    .to_owned(),
            ),
        })
    }
}

fn same(written: Fingerprint, found: Fingerprint) -> Since {
    if written == found { Since::Same } else { Since::Changed }
}
