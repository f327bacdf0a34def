//! What goes beside issues and change requests while they are made one after the other.
//!
//! Where numbers have to follow each other, issues and change requests are made one by one, and a
//! change request keeps a host busy for long. What hangs on them, or on nothing of theirs, need not
//! wait for the last of them: a batch goes as soon as all that it refers to by number is there.

use super::{Carrier, Place, batch::Batch, numbered, stage};
use crate::{EngineError, relink::wanted};
use packhorse_core::{Lane, ObjectKind, port::ItemQuery};
use std::collections::{BTreeMap, BTreeSet};

/// Ids that are waited for, by their lanes.
type Missing = BTreeMap<Lane, BTreeSet<String>>;

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
        through.extend(numbered::KINDS.iter().chain(&rest).chain(&beside));
        place.all_numbered.send_replace(false);
        let numbered = async {
            self.by_number(place).await?;
            self.side_by_side(place, rest).await?;
            place.all_numbered.send_replace(true);
            Ok(())
        };
        futures::try_join!(numbered, self.side_by_side(place, beside))?;
        Ok(())
    }

    /// Waits until everything is there that a batch refers to by number, or nothing more will come.
    pub(super) async fn await_numbered(
        &self,
        place: &Place,
        batch: &mut Batch,
    ) -> Result<(), EngineError> {
        let mut all_numbered = place.all_numbered.subscribe();
        // What is waited for itself would wait for ever.
        if *all_numbered.borrow() || stage::is_numbered(batch.lane.kind) {
            return Ok(());
        }
        let lane = batch.lane.clone();
        let context = self.preparer.context(&lane);
        let wanted = wanted(&context, &self.preparer.paths, batch.records());
        let mut missing: Missing = wanted
            .into_iter()
            .filter(|(it, _)| it.scope == lane.scope && stage::is_numbered(it.kind))
            .map(|(it, ids)| (it, ids.into_keys().collect()))
            .collect();
        // Numbers come in their order, so that the others are not asked for before the highest.
        let mut last = Missing::new();
        while !*all_numbered.borrow_and_update() {
            self.strike_arrived(&mut last).await?;
            if last.is_empty() {
                self.strike_arrived(&mut missing).await?;
                last = highest(&missing);
            }
            if last.is_empty() {
                break;
            }
            // That the other end is gone means that the run ends, and this with it.
            drop(self.run.stop.race(all_numbered.changed()).await?);
        }
        Ok(())
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
    lane.kind != ObjectKind::Snippet
}
