//! What goes beside issues and change requests while they are made one after the other.
//!
//! Where numbers have to follow each other, issues and change requests are made one by one, and a
//! change request keeps a host busy for long. What hangs on them, or on nothing of theirs, need not
//! wait for the last of them, nor do reactions wait for the last comment: a batch goes as soon as all
//! that it refers to is there. What is read slowly, because a host is asked for it once for each
//! comment, is so read while other things are written.

use super::{Carrier, Place, batch::Batch, numbered, stage};
use crate::{EngineError, relink::wanted};
use packhorse_core::{Lane, Object, ObjectKind, model::Subject, port::ItemQuery};
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::watch;

/// Ids that are waited for, by their lanes.
type Missing = BTreeMap<Lane, BTreeSet<String>>;

/// Kinds of which something may still come into a place.
pub(super) struct Coming(watch::Sender<BTreeSet<ObjectKind>>);

impl Coming {
    /// Nothing: what comes next refers to what has come.
    pub(super) fn nothing() -> Self {
        Self(watch::Sender::new(BTreeSet::new()))
    }

    /// Whether anything may still come that others wait for.
    pub(super) fn is_any(&self) -> bool {
        !self.0.borrow().is_empty()
    }

    /// These will.
    fn begin(&self, kinds: BTreeSet<ObjectKind>) {
        self.0.send_replace(kinds);
    }

    /// Something has come: who waits looks whether it is all that it waits for.
    pub(super) fn some_came(&self) {
        self.0.send_modify(|_| {});
    }

    /// Nothing more of these will come.
    fn all_came(&self, kinds: &[ObjectKind]) {
        self.0.send_modify(|it| it.retain(|kind| !kinds.contains(kind)));
    }
}

impl Carrier<'_> {
    /// Carries issues and change requests by number, what else is of their stages, and beside them
    /// what comes next; adds the kinds that are through to those that were before.
    pub(super) async fn by_number_and_beside(
        &self,
        place: &Place,
        through: &mut BTreeSet<ObjectKind>,
    ) -> Result<(), EngineError> {
        let mut rest = stage::numbered();
        rest.retain(|it| !numbered::KINDS.contains(it));
        let mut beside = stage::beside_numbered();
        beside.retain(|it| !through.contains(it));
        let all = numbered::KINDS.iter().chain(&rest).chain(&beside).copied();
        let all: BTreeSet<ObjectKind> = all.collect();
        through.extend(&all);
        place.coming.begin(all);
        let numbered = async {
            self.by_number(place).await?;
            place.coming.all_came(&numbered::KINDS);
            self.side_by_side(place, rest.clone()).await?;
            place.coming.all_came(&rest);
            Ok(())
        };
        // All of them at once: most wait for others.
        let beside = beside.into_iter().map(async |kind| {
            self.kind(place, kind).await?;
            place.coming.all_came(&[kind]);
            Ok::<_, EngineError>(())
        });
        futures::try_join!(numbered, futures::future::try_join_all(beside))?;
        Ok(())
    }

    /// Waits until everything is there that a batch refers to, or nothing more of it will come.
    pub(super) async fn await_referents(
        &self,
        place: &Place,
        batch: &mut Batch,
    ) -> Result<(), EngineError> {
        let mut coming = place.coming.0.subscribe();
        let lane = batch.lane.clone();
        // What waited for its own kind, or for what waits for it, would wait for ever.
        let may_come = |kinds: &BTreeSet<ObjectKind>, it: &Lane| {
            kinds.contains(&it.kind) && stage::is_before(it.kind, lane.kind)
        };
        if coming.borrow().is_empty() {
            return Ok(());
        }
        let context = self.preparer.context(&lane);
        let wanted = wanted(&context, &self.preparer.paths, batch.records());
        let mut missing: Missing = wanted
            .into_iter()
            .filter(|(it, _)| it.scope == lane.scope)
            .map(|(it, ids)| (it, ids.into_keys().collect()))
            .collect();
        let mut named: BTreeSet<ObjectKind> =
            batch.records().iter().filter_map(|it| named(&it.object)).collect();
        // Most come in the order of their ids, so that the others are not asked for before the highest.
        let mut last = Missing::new();
        loop {
            {
                let kinds = coming.borrow_and_update();
                missing.retain(|it, _| may_come(&kinds, it));
                named.retain(|it| kinds.contains(it));
            }
            last.retain(|it, _| missing.contains_key(it));
            self.strike_arrived(&mut last).await?;
            if last.is_empty() {
                self.strike_arrived(&mut missing).await?;
                last = highest(&missing);
            }
            if last.is_empty() && named.is_empty() {
                return Ok(());
            }
            // That the other end is gone means that the run ends, and this with it.
            drop(self.run.stop.race(coming.changed()).await?);
        }
    }

    /// Takes out what has arrived.
    async fn strike_arrived(&self, missing: &mut Missing) -> Result<(), EngineError> {
        let (journal, claim) = (&self.run.worker.journal, self.run.claim);
        let mut numbers = BTreeSet::new();
        for (lane, ids) in &mut *missing {
            let query = ItemQuery::Origins(ids.iter().cloned().collect());
            for item in journal.items(claim.route, lane, &query).await? {
                ids.remove(&item.origin.id);
                if is_number(lane) {
                    numbers.insert(item.origin.id);
                }
            }
        }
        // `#12` may stand for several things, of which no more than one is there.
        for (_, ids) in missing.iter_mut().filter(|(lane, _)| is_number(lane)) {
            ids.retain(|it| !numbers.contains(it));
        }
        missing.retain(|_, ids| !ids.is_empty());
        Ok(())
    }
}

/// The kind of what a record belongs to by a name that it has at every host, so that nobody looks it
/// up: all of that kind is waited for.
fn named(object: &Object) -> Option<ObjectKind> {
    let is_releases = if let Object::Reaction(it) = object {
        matches!(it.subject, Subject::Release(_))
    } else {
        matches!(object, Object::ReleaseAsset(_))
    };
    is_releases.then_some(ObjectKind::Release)
}

/// What is missing of the highest number.
fn highest(missing: &Missing) -> Missing {
    let Some(id) = missing.values().flatten().max_by_key(|it| it.parse::<u64>().ok()) else {
        return Missing::new();
    };
    let lanes = missing.iter().filter(|(_, ids)| ids.contains(id));
    lanes.map(|(lane, _)| (lane.clone(), BTreeSet::from([id.clone()]))).collect()
}

/// Whether the ids of a lane are numbers of the one row.
fn is_number(lane: &Lane) -> bool {
    stage::is_numbered(lane.kind) && lane.kind != ObjectKind::Snippet
}
