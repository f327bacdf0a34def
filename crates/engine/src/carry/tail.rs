//! Records that have their numbers, and are completed beside those that come after them.
//!
//! A host that numbers what comes gives a number with one request of the several that a record may
//! take. Only that one has to wait for its turn.

use super::{
    Carrier, Place,
    batch::{Results, concerns_one},
    prepare::Prepared,
    task::Task,
};
use crate::EngineError;
use packhorse_core::{
    HostError, Lane, Loss,
    port::{Begun, Numbered, Position, Settled},
};
use std::{collections::VecDeque, slice, sync::Arc};

/// Records that are completed at a time; a run that was killed looks for them.
pub(super) const MOST: usize = 8;

/// A record that has its number, or none because it was refused; or the end of a page.
pub(super) struct Last {
    pub(super) lane: Lane,
    /// Whether it only fills a gap.
    pub(super) is_filler: bool,
    pub(super) results: Results,
    /// Where the lane stands when this is settled.
    pub(super) to: Option<Position>,
    /// What is left to do of it.
    rest: Option<Task<Result<Vec<Loss>, HostError>>>,
}

/// What was numbered and is not settled, in the order of numbers.
#[derive(Default)]
pub(super) struct Tail(VecDeque<Last>);

impl Last {
    fn new(lane: &Lane, is_filler: bool) -> Self {
        let (lane, results) = (lane.clone(), Results::default());
        Self { lane, is_filler, results, to: None, rest: None }
    }
}

impl Tail {
    /// Notes where a lane stands when all that is in the tail is settled.
    pub(super) fn mark(&mut self, lane: &Lane, to: Position) {
        self.0.push_back(Last { to: Some(to), ..Last::new(lane, false) });
    }

    /// Forgets where lanes stand: one of those before was not settled.
    pub(super) fn unmark(&mut self) {
        self.0.iter_mut().for_each(|it| it.to = None);
    }

    /// Whether the first is to be settled now: it is complete, or more than `most` are waiting.
    fn is_due(&self, most: usize) -> bool {
        let is_complete = |it: &Last| it.rest.as_ref().is_none_or(Task::is_over);
        self.0.len() > most || self.0.front().is_some_and(is_complete)
    }
}

impl Carrier<'_> {
    /// Gives a record its number, and lets what is left of it be done beside what comes next; the
    /// number.
    pub(super) async fn number(
        &self,
        place: &Place,
        (lane, is_filler): (&Lane, bool),
        mut one: Prepared,
        tail: &mut Tail,
    ) -> Result<Option<u64>, EngineError> {
        let begun = self.begin(lane, slice::from_ref(&one)).await?.pop();
        let mut last = Last::new(lane, is_filler);
        match begun {
            Some(Begun::Fresh) if one.missing.is_none() => {
                self.begin_with_number(place, one, &mut last).await?;
            }
            // It is there already, and only found or changed.
            Some(begun) => {
                let results = &mut last.results;
                self.carry_one(lane, &place.target, &mut one, begun, results).await?;
            }
            None => {}
        }
        let became = last.results.settled.first().and_then(|it| it.target.0.parse().ok());
        tail.0.push_back(last);
        Ok(became)
    }

    async fn begin_with_number(
        &self,
        place: &Place,
        one: Prepared,
        last: &mut Last,
    ) -> Result<(), EngineError> {
        let Prepared { mut record, fingerprint, missing: _ } = one;
        let id = record.origin.id.clone();
        let sink = Arc::clone(&self.run.ends.sink);
        match self.run.stop.race(sink.number(&place.target, &record)).await? {
            Ok(Numbered { written, is_open }) => {
                let mut losses = std::mem::take(&mut record.losses);
                losses.extend(written.losses);
                let (target, outcome) = (written.target, Some(written.outcome));
                if is_open {
                    let (scope, target) = (place.target.clone(), target.clone());
                    let rest = async move { sink.complete(&scope, &record, &target).await };
                    last.rest = Some(Task::begin(rest));
                }
                last.results.settled.push(Settled { id, fingerprint, target, outcome, losses });
            }
            Err(error) if concerns_one(&error) => {
                last.results.failed.push(self.failure(&last.lane, id, &error));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Takes what is to be settled next, when it is complete: the first, if it is complete by now or
    /// more than `most` are waiting.
    pub(super) async fn next_of(
        &self,
        tail: &mut Tail,
        most: usize,
    ) -> Result<Option<Last>, EngineError> {
        if !tail.is_due(most) {
            return Ok(None);
        }
        let Some(mut last) = tail.0.pop_front() else { return Ok(None) };
        let Some(mut rest) = last.rest.take() else { return Ok(Some(last)) };
        match self.run.stop.race(rest.end()).await?? {
            Ok(losses) => {
                last.results.settled.iter_mut().for_each(|it| it.losses.extend(losses.clone()));
            }
            Err(error) if concerns_one(&error) => {
                for settled in std::mem::take(&mut last.results.settled) {
                    last.results.failed.push(self.failure(&last.lane, settled.id, &error));
                }
            }
            Err(error) => return Err(error.into()),
        }
        Ok(Some(last))
    }
}
