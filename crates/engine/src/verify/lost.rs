//! What counts of each record of a lane, by what it has lost.

use super::{Inspection, VerifyError, mask::Mask};
use packhorse_core::{Lane, TargetId, port::ItemQuery};
use std::collections::{BTreeMap, BTreeSet};

/// What counts of records, by their ids at the destination.
pub(crate) struct Masks {
    plain: Mask,
    /// Those that lost something that others of their kind keep.
    others: BTreeMap<String, Mask>,
}

impl Masks {
    /// What counts of a record.
    pub(crate) fn of(&self, target: &str) -> &Mask {
        self.others.get(target).unwrap_or(&self.plain)
    }

    /// Those of others as well.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.others.extend(other.others);
        self
    }
}

impl Inspection<'_> {
    /// What counts of these records of a lane.
    ///
    /// Asked for by what they became: where two records became one, what either has lost does not
    /// count on both sides.
    pub(crate) async fn masks(
        &self,
        lane: &Lane,
        mask: &Mask,
        targets: impl IntoIterator<Item = String> + Send,
    ) -> Result<Masks, VerifyError> {
        let plain = mask.without(&BTreeSet::new());
        let mut others = BTreeMap::new();
        if mask.is_by_record() {
            let targets = targets.into_iter().map(TargetId).collect();
            let items = self.journal.items(self.route, lane, &ItemQuery::Targets(targets)).await?;
            let became: BTreeMap<String, String> =
                items.into_iter().map(|it| (it.origin.id, it.target.0)).collect();
            let origins: Vec<String> = became.keys().cloned().collect();
            let mut lost: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
            for (id, field) in self.journal.lost_fields(self.route, lane, &origins).await? {
                if let Some(target) = became.get(&id) {
                    lost.entry(target).or_default().insert(field);
                }
            }
            let masks = lost.into_iter().map(|(id, lost)| (id.to_owned(), mask.without(&lost)));
            others.extend(masks.filter(|(_, it)| *it != plain));
        }
        Ok(Masks { plain, others })
    }
}
