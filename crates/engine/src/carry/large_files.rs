//! Large files, where an end keeps them beside its repository and not as records.
//!
//! | from | to | how |
//! |---|---|---|
//! | records | records | as every lane |
//! | records | a server | the lane is read, and its files are sent: [`Carrier::hand_over`] |
//! | a server | records | files are found in the pack and saved before it arrives |
//! | a server | a server | files are found in the pack, and go from server to server before it arrives |
//!
//! Whatever the way, the journal notes each file in the lane of
//! [`ObjectKind::LfsObject`], by its SHA-256.

use super::{
    Carrier, Place,
    lane::progress,
    ledger::{Ledger, Lost},
    pages::Pages,
    shelf::{SinkShelf, SourceShelf},
};
use crate::EngineError;
use futures::{StreamExt, TryStreamExt, stream};
use packhorse_core::{
    Event, GitRemote, HostError, HostErrorKind, Lane, Loss, Object, ObjectKind, Record, RepoKind,
    Support,
    port::{Counts, Item},
};
use packhorse_git::lfs::{Gate, LfsEvent, LfsListener, LfsRoute, Pointer, Side};
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The kind of record that stands for a large file.
pub(super) const KIND: ObjectKind = ObjectKind::LfsObject;

/// Field of the losses that locks of large files are.
pub(crate) const LOCKS: &str = "locks";

/// What carries the large files of one repository.
pub(super) struct LargeFiles {
    /// Holds packs back until their files have arrived.
    pub(super) gate: Gate,
    /// Files that an earlier run has lost.
    again: Vec<Pointer>,
    /// The same route once more, for its locks, where both ends may have them.
    locks: Option<LfsRoute>,
    /// What becomes of each file.
    events: UnboundedReceiver<LfsEvent>,
    pub(super) ledger: Ledger,
}

/// What is left to do when the refs have arrived.
pub(super) struct Rest {
    gate: Gate,
    again: Vec<Pointer>,
    locks: Option<LfsRoute>,
}

impl LargeFiles {
    /// Takes apart what goes beside the transfer and what comes after it.
    pub(super) fn split(self) -> (Rest, (Ledger, UnboundedReceiver<LfsEvent>)) {
        let Self { gate, again, locks, events, ledger } = self;
        (Rest { gate, again, locks }, (ledger, events))
    }
}

impl Rest {
    /// Carries the files that no pack has pointed to, and the locks; what was lost of those.
    pub(super) async fn carry(self) -> Result<Vec<Loss>, HostError> {
        let Self { gate, again, locks } = self;
        Box::pin(gate.close(again)).await?;
        // Nobody says anything to the ledger any more.
        drop(gate);
        match locks {
            Some(route) => Ok(Box::pin(carry_locks(&route)).await),
            None => Ok(Vec::new()),
        }
    }
}

async fn carry_locks(route: &LfsRoute) -> Vec<Loss> {
    let carried = match route.carry_locks().await {
        Ok(carried) => carried,
        Err(error) => {
            let why = format!("could not be carried: {}", crate::error::chain(&error));
            return vec![Loss::policy(LOCKS, why)];
        }
    };
    let made = carried.made.iter().map(|it| {
        let owner = it.owner.as_deref().unwrap_or("somebody");
        format!("{} is locked in the name of who carried it, and was by {owner}", it.path)
    });
    let refused = carried.refused.iter().map(|(lock, why)| format!("{}: {why}", lock.path));
    made.chain(refused).map(|why| Loss::sink(LOCKS, why)).collect()
}

/// A listener that never makes its caller wait, and its other end.
fn listener() -> (LfsListener, UnboundedReceiver<LfsEvent>) {
    let (to, from): (UnboundedSender<LfsEvent>, _) = unbounded_channel();
    // Nobody hears of it when the run has ended.
    (Arc::new(move |event| drop(to.send(event))), from)
}

impl Carrier<'_> {
    /// What carries the large files that a repository's packs point to; `None` where they are
    /// records, are not asked for, or are not there.
    pub(super) async fn large_files(
        &self,
        place: &Place,
        item: Option<&Item>,
        (from, to): (&GitRemote, &GitRemote),
    ) -> Result<Option<LargeFiles>, EngineError> {
        let (source, sink) = (self.sides.source.of(KIND), self.sides.sink.of(KIND));
        if source != Support::WithGit || !self.run.options.wants(KIND) {
            return Ok(None);
        }
        let lane = place.lane(KIND);
        let (listener, events) = listener();
        let ledger = Ledger::new(lane.clone(), place.target.clone(), sink.is_some());
        let target = match sink {
            Support::WithGit => Side::Remote(to.clone()),
            Support::Full | Support::Partial(_) => Side::Shelf(Arc::new(SinkShelf {
                sink: Arc::clone(&self.run.ends.sink),
                journal: Arc::clone(&self.run.worker.journal),
                route: self.run.claim.route,
                lane,
                target: place.target.clone(),
            })),
            Support::None(_) => return Ok(None),
        };
        let route = LfsRoute::live(&self.git, from.clone(), target, listener)?;
        let locks = (sink == Support::WithGit)
            .then(|| LfsRoute { listener: Arc::new(|_| ()), ..route.clone() });
        let earlier = self.lost_before(item, &ledger).await?;
        let is_covered = earlier.as_ref().is_some_and(Lost::is_named);
        let again = earlier.map(Lost::pointers).unwrap_or_default();
        let ends = self.run.ends;
        let gate =
            Gate::of(route, ends.policy(self.run.options)?, ends.scratch.clone(), is_covered);
        let gate = self.run.stop.or(async { gate.await.map_err(HostError::from) }).await?;
        Ok(gate.map(|gate| LargeFiles { gate, again, locks, events, ledger }))
    }

    /// What an earlier job of the route has lost; `None` when none has looked.
    async fn lost_before(
        &self,
        item: Option<&Item>,
        ledger: &Ledger,
    ) -> Result<Option<Lost>, EngineError> {
        let Some(item) = item else { return Ok(None) };
        let kept = self.run.worker.journal.kept(item.written_by, &ledger.document()).await?;
        kept.map(serde_json::from_value).transpose().map_err(EngineError::document("of files"))
    }

    /// Sends the files of a lane to the server beside the destination's repository.
    pub(super) async fn hand_over(&self, place: &Place) -> Result<(), EngineError> {
        let (run, lane) = (self.run, place.lane(KIND));
        let count = place.count(KIND);
        let Some(project) = place.target.project().filter(|_| count != Some(0)) else {
            return self.close_lane(&lane).await;
        };
        let Some(to) = run.stop.or(run.ends.sink.remote(project, RepoKind::Code)).await? else {
            return self.drop_lane(&lane, count, "the destination has no repository").await;
        };
        let counts = Counts { source: count, ..Counts::default() };
        run.worker.tell(run.claim, progress(&lane, &counts, 0)).await?;
        let (listener, events) = listener();
        let from = Arc::new(SourceShelf::new(&run.ends.source, place.source.clone()));
        let route = LfsRoute::live(&self.git, Side::Shelf(from.clone()), to, listener)?;
        let pages = Pages::from(&run.ends.source, &lane, None);
        let failure = std::sync::Mutex::new(None);
        let pointers = pointers(pages, &from).filter_map(|it| {
            let kept = it.map_err(|error| {
                *failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(error);
            });
            std::future::ready(kept.ok())
        });
        let carrying = async {
            let carried =
                async { Box::pin(route.carry(pointers.boxed())).await.map_err(HostError::from) };
            run.stop.or(carried).await?;
            drop(route);
            Ok::<_, EngineError>(())
        };
        let mut ledger = Ledger::new(lane.clone(), place.target.clone(), false);
        ledger.expect(count);
        futures::try_join!(carrying, ledger.keep(self, events))?;
        match failure.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
            Some(error) => Err(HostError::into(error)),
            None => self.close_lane(&lane).await,
        }
    }

    /// Notes what became of a repository's large files.
    pub(super) async fn close_large_files(&self, ledger: &Ledger) -> Result<(), EngineError> {
        // Before the repository's item says that this job wrote it, for there the next one looks.
        self.run.keep(&ledger.document(), ledger.lost()).await?;
        self.close_lane(ledger.lane()).await?;
        let Lane { scope, kind } = ledger.lane().clone();
        let event = Event::Progress { scope, kind, counts: *ledger.counts(), bytes: 0 };
        self.run.worker.listener.on(&event);
        Ok(())
    }
}

/// The files of a lane.
fn pointers<'a>(
    pages: Pages,
    shelf: &'a SourceShelf,
) -> impl futures::Stream<Item = Result<Pointer, HostError>> + Send + 'a {
    let pages = stream::try_unfold(pages, |mut pages| async {
        Ok::<_, HostError>(pages.next().await?.map(|(records, _)| (records, pages)))
    });
    let records = pages
        .map_ok(|records| stream::iter(records.into_iter().map(Ok::<_, HostError>)))
        .try_flatten();
    records.and_then(move |record| std::future::ready(pointer(&record, shelf)))
}

fn pointer(record: &Record, shelf: &SourceShelf) -> Result<Pointer, HostError> {
    let unnamed = || {
        HostError::new(HostErrorKind::Protocol, "read a large file's size and hash")
            .with("record", &record.origin)
    };
    let Object::LfsObject(file) = &record.object else { return Err(unnamed()) };
    let sha256 = file.blob.sha256.as_deref().unwrap_or(&record.origin.id);
    let pointer = file.blob.size.and_then(|size| Pointer::new(sha256, size)).ok_or_else(unnamed)?;
    shelf.learn(&pointer, &record.origin);
    Ok(pointer)
}
