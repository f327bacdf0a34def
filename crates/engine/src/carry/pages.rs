//! Pages of a lane, read one ahead.

use packhorse_core::{
    Cursor, HostError, HostErrorKind, Lane, Record,
    port::{Page, Position, Source},
};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// A page that is being read; dropping it stops the reading.
struct Reading(JoinHandle<Result<Page, HostError>>);

impl Reading {
    fn begin(source: &Arc<dyn Source>, lane: &Lane, at: Option<Cursor>) -> Self {
        let (source, lane) = (source.clone(), lane.clone());
        Self(tokio::spawn(async move { source.read(&lane, at.as_ref()).await }))
    }

    async fn page(mut self) -> Result<Page, HostError> {
        match (&mut self.0).await {
            Ok(page) => page,
            Err(error) => {
                Err(HostError::new(HostErrorKind::Protocol, "read a page").because(error))
            }
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Reads a lane; while one page is being worked on, the next is read, and no more.
pub(super) struct Pages {
    source: Arc<dyn Source>,
    lane: Lane,
    reading: Option<Reading>,
    rounds: Rounds,
}

impl Pages {
    /// The lane from there on, or from its beginning.
    pub(super) fn from(source: &Arc<dyn Source>, lane: &Lane, at: Option<Cursor>) -> Self {
        Self {
            source: source.clone(),
            lane: lane.clone(),
            reading: Some(Reading::begin(source, lane, at.clone())),
            rounds: Rounds { mark: at, steps: 0, until: 1 },
        }
    }

    /// The next page's records, and where the lane stands after them; `None` after the last.
    ///
    /// # Errors
    ///
    /// The source's, or [`HostErrorKind::Protocol`] when the listing goes round in a circle
    /// or holds what does not belong there.
    pub(super) async fn next(&mut self) -> Result<Option<(Vec<Record>, Position)>, HostError> {
        let Some(reading) = self.reading.take() else { return Ok(None) };
        let page = reading.page().await?;
        let fail =
            |operation| HostError::new(HostErrorKind::Protocol, operation).with("lane", &self.lane);
        if let Some(stray) = page.records.iter().find(|it| it.object.kind() != self.lane.kind) {
            return Err(fail("read a page of one kind").with("record", &stray.origin));
        }
        let Some(next) = page.next else { return Ok(Some((page.records, Position::Done))) };
        if self.rounds.repeats(&next) {
            return Err(fail("read past a page that repeats"));
        }
        self.reading = Some(Reading::begin(&self.source, &self.lane, Some(next.clone())));
        Ok(Some((page.records, Position::At(next))))
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
