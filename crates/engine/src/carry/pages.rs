//! Pages of a lane, read ahead.

use super::task::Task;
use packhorse_core::{
    Cursor, HostError, HostErrorKind, Lane, Record,
    port::{Position, Source},
};
use std::{collections::HashSet, sync::Arc};
use tokio::sync::mpsc;

/// Pages that are read before anybody asks for them, besides the one that is being read.
const AHEAD: usize = 1;

/// Reads a lane a page ahead; dropping it stops the reading.
pub(super) struct Pages {
    read: mpsc::Receiver<Result<(Vec<Record>, Position), HostError>>,
    reading: Task<()>,
    is_through: bool,
}

impl Pages {
    /// The lane from there on, or from its beginning.
    pub(super) fn from(source: &Arc<dyn Source>, lane: &Lane, at: Option<Cursor>) -> Self {
        Self::these(source, lane, at, None)
    }

    /// The same of these records alone, and no page behind the last of them; all of them where it
    /// is `None`.
    pub(super) fn these(
        source: &Arc<dyn Source>,
        lane: &Lane,
        at: Option<Cursor>,
        only: Option<HashSet<String>>,
    ) -> Self {
        let rounds = Rounds { mark: at.clone(), steps: 0, until: 1 };
        let listing = Listing { source: source.clone(), lane: lane.clone(), at, rounds, only };
        let (send, read) = mpsc::channel(AHEAD);
        Self { read, reading: Task::begin(listing.read(send)), is_through: false }
    }

    /// The next page's records, and where the lane stands after them; `None` after the last.
    ///
    /// # Errors
    ///
    /// The source's, or [`HostErrorKind::Protocol`] when the listing goes round in a circle
    /// or holds what does not belong there.
    pub(super) async fn next(&mut self) -> Result<Option<(Vec<Record>, Position)>, HostError> {
        if self.is_through {
            return Ok(None);
        }
        match self.read.recv().await {
            Some(page) => {
                self.is_through = !matches!(page, Ok((_, Position::At(_))));
                page.map(Some)
            }
            None => Err(self.broken_off().await),
        }
    }

    /// Why nobody reads any more.
    async fn broken_off(&mut self) -> HostError {
        let error = HostError::new(HostErrorKind::Protocol, "read a page");
        match self.reading.end().await {
            Ok(()) => error,
            Err(reason) => error.because(reason),
        }
    }
}

/// A lane at its source, and how far it is read.
struct Listing {
    source: Arc<dyn Source>,
    lane: Lane,
    at: Option<Cursor>,
    rounds: Rounds,
    /// Ids of the records that are looked for, as long as they are not met; `None` for all.
    only: Option<HashSet<String>>,
}

impl Listing {
    /// Reads page after page as long as there is room, up to the last or an error.
    async fn read(mut self, pages: mpsc::Sender<Result<(Vec<Record>, Position), HostError>>) {
        while let Ok(room) = pages.reserve().await {
            let page = self.page().await;
            let goes_on = matches!(page, Ok((_, Position::At(_))));
            room.send(page);
            if !goes_on {
                break;
            }
        }
    }

    async fn page(&mut self) -> Result<(Vec<Record>, Position), HostError> {
        let mut page = self.source.read(&self.lane, self.at.as_ref()).await?;
        let fail =
            |operation| HostError::new(HostErrorKind::Protocol, operation).with("lane", &self.lane);
        if let Some(stray) = page.records.iter().find(|it| it.object.kind() != self.lane.kind) {
            return Err(fail("read a page of one kind").with("record", &stray.origin));
        }
        if let Some(only) = &mut self.only {
            page.records.retain(|it| only.remove(&it.origin.id));
            if only.is_empty() {
                page.next = None;
            }
        }
        let Some(next) = page.next else { return Ok((page.records, Position::Done)) };
        if self.rounds.repeats(&next) {
            return Err(fail("read past a page that repeats"));
        }
        self.at = Some(next.clone());
        Ok((page.records, Position::At(next)))
    }
}

/// Notices a listing that goes round in a circle, however long, without keeping its cursors.
///
/// Each cursor is held against a marked one, and the mark moves on in growing
/// steps, so that it comes to lie in the circle with the circle's length to go.
struct Rounds {
    mark: Option<Cursor>,
    steps: u64,
    until: u64,
}

impl Rounds {
    fn repeats(&mut self, cursor: &Cursor) -> bool {
        if self.mark.as_ref() == Some(cursor) {
            return true;
        }
        self.steps += 1;
        if self.steps == self.until {
            self.mark = Some(cursor.clone());
            self.until *= 2;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pages that are read until the circle is noticed: `lead` before it, `length` in it.
    fn noticed_after(lead: usize, length: usize) -> Option<usize> {
        let mut rounds = Rounds { mark: None, steps: 0, until: 1 };
        let cursors =
            (0..lead + length).chain((lead..lead + length).cycle().take(4 * (lead + length)));
        cursors.map(|n| Cursor(n.to_string())).position(|it| rounds.repeats(&it))
    }

    #[test]
    fn circles_of_any_length_are_noticed_soon() {
        for (lead, length) in [(0, 1), (0, 2), (1, 3), (5, 1), (7, 40), (100, 3)] {
            let after = noticed_after(lead, length).unwrap();

            assert!(after <= 3 * (lead + length) + 1, "{lead} + {length}: {after}");
        }
    }

    #[test]
    fn a_listing_that_goes_on_is_no_circle() {
        let mut rounds = Rounds { mark: None, steps: 0, until: 1 };

        assert!((0..1_000).all(|n| !rounds.repeats(&Cursor(n.to_string()))));
    }
}
