//! A lane, page after page.

use packhorse_core::{
    HostError, HostErrorKind, Lane, Record,
    port::{Position, Source},
};

/// Reads a lane from its beginning.
pub(crate) struct Pages<'a> {
    source: &'a dyn Source,
    lane: &'a Lane,
    at: Position,
}

impl<'a> Pages<'a> {
    /// The lane, before its first page.
    pub(crate) fn of(source: &'a dyn Source, lane: &'a Lane) -> Self {
        Self { source, lane, at: Position::Start }
    }

    /// The next page's records; `None` after the last.
    ///
    /// # Errors
    ///
    /// The source's, or [`HostErrorKind::Protocol`] when it gives a page's own
    /// cursor as the next one.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Record>>, HostError> {
        if self.at == Position::Done {
            return Ok(None);
        }
        let page = self.source.read(self.lane, self.at.cursor()).await?;
        let next = page.next.map_or(Position::Done, Position::At);
        if next == self.at {
            return Err(HostError::new(HostErrorKind::Protocol, "read past a page that repeats")
                .with("lane", self.lane));
        }
        self.at = next;
        Ok(Some(page.records))
    }
}
