//! What is gone at the source: found always, removed only on request.

use super::Carrier;
use crate::EngineError;
use packhorse_core::{Carriage, Lane, ObjectKind, Scope};
use serde::{Deserialize, Serialize};

/// Items that are looked at at a time.
const PAGE: usize = 1_000;
/// Ids that are named as examples.
const EXAMPLES: usize = 5;

/// What of a lane is gone at the source and was left at the destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gone {
    pub(crate) scope: Scope,
    pub(crate) kind: ObjectKind,
    pub(crate) count: u64,
    pub(crate) examples: Vec<String>,
}

impl Carrier<'_> {
    /// Goes through a project's lanes from the last to the first, so that what refers goes first.
    pub(super) async fn deletions(
        &self,
        source: &Scope,
        target: &Scope,
    ) -> Result<Vec<Gone>, EngineError> {
        let mut left = Vec::new();
        let kinds = ObjectKind::ALL.iter().rev().copied();
        for kind in kinds.filter(|it| it.in_project() && it.carriage() != Carriage::Git) {
            let lane = Lane::new(source.clone(), kind);
            if self.is_wanted(&lane) && self.sides.sink.of(kind).is_some() {
                let gone = self.gone(&lane, target).await?;
                left.extend((gone.count > 0).then_some(gone));
            }
        }
        Ok(left)
    }

    async fn gone(&self, lane: &Lane, target: &Scope) -> Result<Gone, EngineError> {
        let (journal, claim) = (&self.run.worker.journal, self.run.claim);
        let mut gone =
            Gone { scope: lane.scope.clone(), kind: lane.kind, count: 0, examples: Vec::new() };
        let mut after: Option<String> = None;
        loop {
            self.run.stop.check()?;
            let items = journal.gone(claim, lane, after.as_deref(), PAGE).await?;
            let Some(last) = items.last() else { return Ok(gone) };
            after = Some(last.origin.id.clone());
            if !self.run.options.delete {
                gone.count += items.len() as u64;
                let room = EXAMPLES.saturating_sub(gone.examples.len());
                gone.examples.extend(items.into_iter().take(room).map(|it| it.origin.id));
                continue;
            }
            for item in &items {
                self.run.ends.sink.remove(target, &item.origin, &item.target).await?;
            }
            self.run.ends.sink.flush(target).await?;
            let ids: Vec<String> = items.into_iter().map(|it| it.origin.id).collect();
            journal.forget(claim, lane, &ids).await?;
        }
    }
}
