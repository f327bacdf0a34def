//! What every sink must do with the kinds that it promises to hold.

use super::{
    compare::Allowed,
    places::{Place, blob_of, explain, lanes, read_blob, walk},
};
use crate::samples;
use bytes::Bytes;
use packhorse_core::{
    Capabilities, Carriage, HostErrorKind, Lane, Numbering, Object, ObjectKind, Origin, Record,
    Scope, Settle, TargetId,
    authored::authored,
    mark,
    model::{Markup, Text},
    port::{BlobRef, ByteStream, Sink, Written},
};
use std::collections::BTreeMap;

/// Samples of each kind.
const SAMPLES: u64 = 4;

/// Holds a sink against the contract, in one fresh place a case.
///
/// # Panics
///
/// When the sink, or the source that reads it back, breaks the contract.
pub async fn sink<P: Place>(make: impl AsyncFn() -> P) {
    nothing_can_be_finished(&make().await).await;
    every_kind_comes_back(&make().await).await;
    what_is_written_twice_is_there_once(&make().await).await;
    an_update_replaces(&make().await).await;
    what_is_numbered_and_completed_comes_back(&make().await).await;
    what_is_removed_is_gone(&make().await).await;
    long_lanes_come_back_whole(&make().await).await;
    scopes_and_kinds_are_written_side_by_side(&make().await).await;
    a_blob_that_is_not_as_announced_is_refused(&make().await).await;
    an_unknown_project_has_nothing(&make().await).await;
}

/// Writes to a place and remembers what came of it.
pub(super) struct Writer<'a> {
    sink: &'a dyn Sink,
    capabilities: Capabilities,
    written: BTreeMap<(Scope, Origin), Written>,
    sent: BTreeMap<(Scope, Origin), Record>,
}

impl<'a> Writer<'a> {
    async fn new(sink: &'a dyn Sink) -> Self {
        let capabilities = sink.probe().await.expect("the sink can be probed");
        Self { sink, capabilities, written: BTreeMap::new(), sent: BTreeMap::new() }
    }

    /// Kinds of records that the sink promises to hold.
    fn kinds(&self) -> impl Iterator<Item = ObjectKind> {
        let all = ObjectKind::ALL.iter().copied();
        let records = all.filter(|kind| kind.carriage() != Carriage::Git);
        records.filter(|kind| self.capabilities.of(*kind).is_some())
    }

    /// Makes a project, where the sink has such records.
    async fn project(&mut self, path: &str) {
        if self.kinds().any(|kind| kind == ObjectKind::Project) {
            let scope = Scope::Project(path.to_owned());
            self.write(&scope, &samples::project_at(path)).await;
        }
    }

    /// Writes a record, its blob before it, with references to what was written before.
    async fn write(&mut self, scope: &Scope, record: &Record) -> TargetId {
        self.write_as(scope, record, None).await
    }

    async fn write_as(
        &mut self,
        scope: &Scope,
        record: &Record,
        existing: Option<&TargetId>,
    ) -> TargetId {
        if let Some(blob) = blob_of(scope, record) {
            let saved = self.sink.save(&blob, bytes_of(record)).await;
            saved.unwrap_or_else(|error| panic!("{}: {}", record.origin, explain(&error)));
        }
        let record = self.prepared(scope, record);
        let written = self.sink.write(scope, &record, existing).await;
        let written =
            written.unwrap_or_else(|error| panic!("{}: {}", record.origin, explain(&error)));
        let target = written.target.clone();
        self.written.insert((scope.clone(), record.origin.clone()), written);
        self.sent.insert((scope.clone(), record.origin.clone()), record);
        target
    }

    /// Gives a record its number; whether it is still to be completed.
    async fn number(&mut self, scope: &Scope, record: &Record) -> bool {
        let record = self.prepared(scope, record);
        let numbered = self.sink.number(scope, &record).await;
        let numbered =
            numbered.unwrap_or_else(|error| panic!("{}: {}", record.origin, explain(&error)));
        let found = self.sink.find(scope, &record).await.expect("it can be looked for");
        assert_eq!(found.as_ref(), Some(&numbered.written.target), "{}: found", record.origin);
        self.written.insert((scope.clone(), record.origin.clone()), numbered.written);
        self.sent.insert((scope.clone(), record.origin.clone()), record);
        numbered.is_open
    }

    /// Does what is left of a record that has its number.
    async fn complete(&mut self, scope: &Scope, record: &Record) {
        let key = (scope.clone(), record.origin.clone());
        let target = self.written[&key].target.clone();
        let losses = self.sink.complete(scope, &self.sent[&key], &target).await;
        let losses =
            losses.unwrap_or_else(|error| panic!("{}: {}", record.origin, explain(&error)));
        self.written.entry(key).and_modify(|it| it.losses.extend(losses));
    }

    /// The record as the engine would hand it over: with what it refers to, and with its mark
    /// where the destination knows nothing of our ids.
    fn prepared(&self, scope: &Scope, record: &Record) -> Record {
        let mut record = record.clone();
        let here = self.written.iter().filter(|((it, _), _)| it == scope);
        record.links = here.map(|((_, origin), it)| (origin.clone(), it.target.clone())).collect();
        let mark = mark::of(&record.origin);
        if self.capabilities.settle == Settle::Record
            && let Some(body) = authored(&mut record.object).and_then(|it| it.body)
        {
            let (text, markup) =
                body.as_ref().map_or(("", Markup::Plain), |it| (it.as_str(), it.markup));
            *body = Some(Text::new(format!("{text}\n\n{mark}"), markup));
        }
        record
    }

    /// Writes a record that an interrupted run may have written, as the engine does.
    async fn write_again(&mut self, scope: &Scope, record: &Record) -> TargetId {
        let existing = match self.capabilities.settle {
            Settle::Page => None,
            Settle::Record => self.find(scope, record).await,
        };
        self.write_as(scope, record, existing.as_ref()).await
    }

    async fn find(&self, scope: &Scope, record: &Record) -> Option<TargetId> {
        let found = self.sink.find(scope, &self.prepared(scope, record)).await;
        found.unwrap_or_else(|error| panic!("{}: {}", record.origin, explain(&error)))
    }

    /// The record that was read back must be the one that was written.
    fn check(&self, scope: &Scope, written: &Record, found: &Record) {
        let came_of = &self.written[&(scope.clone(), written.origin.clone())];
        assert_eq!(came_of.target.0, found.origin.id, "{}: its id", written.origin);
        let allowed = Allowed {
            support: self.capabilities.of(written.origin.kind),
            keeps: self.capabilities.keeps,
            losses: &came_of.losses,
            has_markup: self.capabilities.markup.is_some(),
        };
        let surprises = allowed.surprises(&written.object, &without_mark(found));
        assert!(surprises.is_empty(), "{}: {surprises:#?}", written.origin);
    }
}

/// What was read back, as people see it.
fn without_mark(found: &Record) -> Object {
    let mut object = found.object.clone();
    if let Some(body) = authored(&mut object).and_then(|it| it.body)
        && let Some(text) = body.as_ref()
        && let Some((_, rest)) = mark::parse(text.as_str())
    {
        *body = (!rest.is_empty()).then(|| Text::new(rest.to_owned(), text.markup));
    }
    object
}

/// The bytes of a sample's blob.
fn bytes_of(record: &Record) -> ByteStream {
    let all = (0..SAMPLES).flat_map(|n| [n, 10_000 + n, 20_000 + n]).map(samples::bytes);
    let hash = blob_of(&Scope::Shared, record).and_then(|it| it.sha256);
    let bytes = all.into_iter().find(|it| Some(samples::sha256(it)) == hash);
    stream(bytes.expect("the blob is a sample's"))
}

fn stream(bytes: Vec<u8>) -> ByteStream {
    let pieces: Vec<_> = bytes.chunks(100).map(|it| Ok(Bytes::copy_from_slice(it))).collect();
    Box::pin(futures::stream::iter(pieces))
}

fn app() -> Scope {
    Scope::Project("acme/app".to_owned())
}

/// A project's record stands in a project of its own.
fn is_elsewhere(kind: ObjectKind) -> bool {
    kind == ObjectKind::Project
}

async fn nothing_can_be_finished(place: &dyn Place) {
    let sink = place.sink();

    sink.flush(&Scope::Shared).await.expect("nothing can be flushed");
    let source = place.source().await;

    let lane = Lane::new(Scope::Shared, ObjectKind::Project);
    assert_eq!(walk(&*source, &lane).await, []);
    super::source(&*source).await;
}

async fn every_kind_comes_back(place: &dyn Place) {
    let sink = place.sink();
    let mut writer = Writer::new(&*sink).await;
    writer.project("acme/app").await;
    let kinds: Vec<_> = writer.kinds().filter(|kind| !is_elsewhere(*kind)).collect();

    for &kind in &kinds {
        for n in 0..SAMPLES {
            let (scope, record) = (samples::scope(kind, n), samples::sample(kind, n));
            let target = writer.write(&scope, &record).await;
            let found = writer.find(&scope, &record).await;
            assert_eq!(found, Some(target), "{} is found before it is flushed", record.origin);
        }
    }
    sink.flush(&Scope::Shared).await.expect("it can be flushed");
    sink.flush(&app()).await.expect("it can be flushed");
    for ((scope, origin), written) in &writer.written {
        let record = &writer.sent[&(scope.clone(), origin.clone())];
        let found = sink.find(scope, record).await.expect("it can be looked for");
        assert_eq!(found.as_ref(), Some(&written.target), "{origin} is found afterwards");
    }

    let source = place.source().await;
    for &kind in &kinds {
        let scope = samples::scope(kind, 0);
        let found = walk(&*source, &Lane::new(scope.clone(), kind)).await;
        assert_eq!(found.len() as u64, SAMPLES, "{kind}");
        for n in 0..SAMPLES {
            let written = samples::sample(kind, n);
            let id = &writer.written[&(scope.clone(), written.origin.clone())].target.0;
            let found = found.iter().find(|it| it.origin.id == *id);
            writer.check(&scope, &written, found.unwrap_or_else(|| panic!("{kind} {id}")));
        }
    }
    super::source(&*source).await;
}

async fn what_is_written_twice_is_there_once(place: &dyn Place) {
    let sink = place.sink();
    let mut writer = Writer::new(&*sink).await;
    writer.project("acme/app").await;
    let kinds: Vec<_> = writer.kinds().filter(|kind| !is_elsewhere(*kind)).collect();

    for &kind in &kinds {
        let (scope, record) = (samples::scope(kind, 1), samples::sample(kind, 1));
        let first = writer.write(&scope, &record).await;
        let again = writer.write_again(&scope, &record).await;
        assert_eq!(first, again, "{kind}: written again as new");
        sink.flush(&scope).await.expect("it can be flushed");
        let again = writer.write_as(&scope, &record, Some(&first)).await;
        assert_eq!(first, again, "{kind}: written again as what it is");
        sink.flush(&scope).await.expect("it can be flushed");
    }

    let source = place.source().await;
    for &kind in &kinds {
        let scope = samples::scope(kind, 1);
        let found = walk(&*source, &Lane::new(scope.clone(), kind)).await;
        assert_eq!(found.len(), 1, "{kind}");
        writer.check(&scope, &samples::sample(kind, 1), &found[0]);
    }
}

/// Numbers come first, and what is left of each record when all have theirs, last ones first.
async fn what_is_numbered_and_completed_comes_back(place: &dyn Place) {
    let sink = place.sink();
    let mut writer = Writer::new(&*sink).await;
    let numbered = [ObjectKind::Issue, ObjectKind::ChangeRequest];
    let holds = |it: &ObjectKind| writer.capabilities.of(*it).is_some();
    if writer.capabilities.numbering != Numbering::OneRow || !numbered.iter().all(holds) {
        return;
    }
    writer.project("acme/app").await;
    let kinds: Vec<_> = writer.kinds().filter(|kind| !is_elsewhere(*kind)).collect();
    // What they are sorted by stands before them in the catalogue.
    for &kind in kinds.iter().take_while(|kind| **kind != ObjectKind::Issue) {
        for n in 0..SAMPLES {
            writer.write(&samples::scope(kind, n), &samples::sample(kind, n)).await;
        }
    }

    let mut open = Vec::new();
    for record in numbered.iter().flat_map(|kind| (0..SAMPLES).map(|n| samples::sample(*kind, n))) {
        if writer.number(&app(), &record).await {
            open.push(record);
        }
    }
    for record in open.iter().rev() {
        writer.complete(&app(), record).await;
    }
    sink.flush(&app()).await.expect("it can be flushed");
    sink.finish(&app()).await.expect("it can be finished");

    let source = place.source().await;
    for kind in numbered {
        let found = walk(&*source, &Lane::new(app(), kind)).await;
        assert_eq!(found.len() as u64, SAMPLES, "{kind}");
        for written in (0..SAMPLES).map(|n| samples::sample(kind, n)) {
            let id = &writer.written[&(app(), written.origin.clone())].target.0;
            let found = found.iter().find(|it| it.origin.id == *id);
            writer.check(&app(), &written, found.unwrap_or_else(|| panic!("{kind} {id}")));
        }
    }
}

async fn an_update_replaces(place: &dyn Place) {
    let sink = place.sink();
    let mut writer = Writer::new(&*sink).await;
    writer.project("acme/app").await;
    // What a blob is does not change, nor does a word that is its own name.
    let fixed = [ObjectKind::LfsObject, ObjectKind::Topic];
    let kinds = writer.kinds().filter(|kind| !is_elsewhere(*kind) && !fixed.contains(kind));
    let kinds: Vec<_> = kinds.collect();

    for &kind in &kinds {
        let scope = samples::scope(kind, 2);
        let target = writer.write(&scope, &samples::sample(kind, 2)).await;
        sink.flush(&scope).await.expect("it can be flushed");
        writer.write_as(&scope, &samples::changed(kind, 2), Some(&target)).await;
    }

    let source = place.source().await;
    for &kind in &kinds {
        let scope = samples::scope(kind, 2);
        let found = walk(&*source, &Lane::new(scope.clone(), kind)).await;
        assert_eq!(found.len(), 1, "{kind}");
        writer.check(&scope, &samples::changed(kind, 2), &found[0]);
    }
}

async fn what_is_removed_is_gone(place: &dyn Place) {
    let sink = place.sink();
    let mut writer = Writer::new(&*sink).await;
    writer.project("acme/app").await;
    let kinds: Vec<_> = writer.kinds().filter(|kind| !is_elsewhere(*kind)).collect();

    // Written in load order and removed in the other, as a roll-back does.
    for &kind in &kinds {
        for n in 0..3 {
            writer.write(&samples::scope(kind, n), &samples::sample(kind, n)).await;
        }
    }
    sink.flush(&app()).await.expect("it can be flushed");
    for &kind in kinds.iter().rev() {
        let (scope, record) = (samples::scope(kind, 1), samples::sample(kind, 1));
        let origin = record.origin.clone();
        let target = writer.written[&(scope.clone(), origin.clone())].target.clone();
        for _ in ["there", "gone already"] {
            let removed = sink.remove(&scope, &origin, &target).await;
            removed.unwrap_or_else(|error| panic!("{origin}: {}", explain(&error)));
        }
        let found = writer.find(&scope, &record).await;
        assert_eq!(found, None, "{origin} was removed");
    }

    let source = place.source().await;
    for &kind in &kinds {
        let scope = samples::scope(kind, 0);
        let found = walk(&*source, &Lane::new(scope, kind)).await;
        assert_eq!(found.len(), 2, "{kind}");
    }
}

/// One page exactly full, and one record more: the places where listings end early.
async fn long_lanes_come_back_whole(place: &dyn Place) {
    let sink = place.sink();
    let mut writer = Writer::new(&*sink).await;
    writer.project("acme/app").await;
    let lengths = [(ObjectKind::Label, 2000), (ObjectKind::Topic, 1001), (ObjectKind::Issue, 1000)];
    let kinds: Vec<_> = writer.kinds().collect();
    let lengths = lengths.into_iter().filter(|(kind, _)| kinds.contains(kind));
    let lengths: Vec<_> = lengths.collect();

    for &(kind, length) in &lengths {
        for n in 0..length {
            sink.write(&app(), &samples::sample(kind, n), None).await.expect("it is written");
        }
        sink.flush(&app()).await.expect("it can be flushed");
    }

    let source = place.source().await;
    for (kind, length) in lengths {
        assert_eq!(walk(&*source, &Lane::new(app(), kind)).await.len() as u64, length, "{kind}");
    }
}

async fn scopes_and_kinds_are_written_side_by_side(place: &dyn Place) {
    let sink = place.sink();
    let mut writer = Writer::new(&*sink).await;
    let scopes = ["acme/a", "acme/b"].map(|path| Scope::Project(path.to_owned()));
    for scope in &scopes {
        writer.project(scope.key()).await;
    }
    let wanted = [ObjectKind::Label, ObjectKind::Milestone, ObjectKind::Issue, ObjectKind::Release];
    let wanted: Vec<_> = writer.kinds().filter(|kind| wanted.contains(kind)).collect();
    let lanes = scopes.iter().flat_map(|it| wanted.iter().map(|kind| Lane::new(it.clone(), *kind)));
    let lanes: Vec<_> = lanes.collect();

    let to = &sink;
    let tasks = lanes.iter().map(|lane| async move {
        for n in 0..100 {
            let record = samples::sample(lane.kind, n);
            let written = to.write(&lane.scope, &record, None).await;
            written.unwrap_or_else(|error| panic!("{lane}: {}", explain(&error)));
            tokio::task::yield_now().await;
            if n % 30 == 29 {
                to.flush(&lane.scope).await.expect("it can be flushed");
            }
        }
    });
    futures::future::join_all(tasks).await;
    for scope in &scopes {
        sink.flush(scope).await.expect("it can be flushed");
    }

    let source = place.source().await;
    for lane in &lanes {
        assert_eq!(walk(&*source, lane).await.len(), 100, "{lane}");
    }
}

async fn a_blob_that_is_not_as_announced_is_refused(place: &dyn Place) {
    let sink = place.sink();
    let mut writer = Writer::new(&*sink).await;
    writer.project("acme/app").await;
    if !writer.kinds().any(|kind| kind == ObjectKind::Attachment) {
        return;
    }
    let record = samples::sample(ObjectKind::Attachment, 3);
    let good = blob_of(&app(), &record).expect("an attachment has a blob");
    let bytes = samples::bytes(3);
    let wrong_hash = BlobRef { sha256: Some(samples::sha256(b"other")), ..good.clone() };
    let wrong_size = BlobRef { size: Some(bytes.len() as u64 + 1), ..good.clone() };

    for blob in [wrong_hash, wrong_size] {
        let refused = sink.save(&blob, stream(bytes.clone())).await;
        assert!(refused.is_err(), "{blob:?} was taken");
    }
    let torn = futures::stream::iter([
        Ok(Bytes::copy_from_slice(&bytes[..50])),
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ]);
    let refused = sink.save(&good, Box::pin(torn)).await;
    assert!(refused.is_err(), "a torn stream was taken");
    for _ in ["first", "again"] {
        sink.save(&good, stream(bytes.clone())).await.expect("the right bytes are taken");
    }
    writer.write(&app(), &record).await;
    sink.flush(&app()).await.expect("it can be flushed");

    let source = place.source().await;
    let lane = Lane::new(app(), ObjectKind::Attachment);
    let found = walk(&*source, &lane).await;
    assert_eq!(found.len(), 1);
    let blob = blob_of(&app(), &found[0]).expect("an attachment has a blob");
    let read = read_blob(&*source, &blob, 0).await.expect("the blob can be opened");
    assert_eq!(read, bytes);
}

async fn an_unknown_project_has_nothing(place: &dyn Place) {
    let sink = place.sink();
    let scope = Scope::Project("nobody/has-this".to_owned());

    for lane in lanes(&scope) {
        match sink.find(&scope, &samples::sample(lane.kind, 0)).await {
            Ok(found) => assert_eq!(found, None, "{lane}"),
            Err(error) => assert_eq!(error.kind, HostErrorKind::NotFound, "{lane}"),
        }
    }
}
