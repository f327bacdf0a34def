//! What was noted of one job.

use super::{Failure, JournalError, LaneView, ProjectView};
use crate::{Event, Lane, Loss, ObjectKind, Scope};
use async_trait::async_trait;
use futures::{Stream, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

/// Rows that are read at a time.
const PAGE: usize = 5_000;

/// What was noted of one job, read in pages.
#[async_trait]
pub trait History: Send + Sync {
    /// Projects, with their stages, in order of their paths at the source.
    async fn projects(&self) -> Result<Vec<ProjectView>, JournalError>;

    /// Lanes, with their counters: the shared scope first, kinds in load order.
    async fn lanes(&self) -> Result<Vec<LaneView>, JournalError>;

    /// Losses after the first `offset`, up to `limit`, in the order they were noted.
    async fn losses(&self, offset: u64, limit: usize) -> Result<Vec<NotedLoss>, JournalError>;

    /// Lanes of which records lost that field, in no order.
    async fn lanes_that_lost(&self, field: &str) -> Result<Vec<Lane>, JournalError>;

    /// Failures after the first `offset`, up to `limit`.
    async fn failures(&self, offset: u64, limit: usize) -> Result<Vec<Failure>, JournalError>;

    /// Noted events after the first `offset`, up to `limit`.
    async fn events(&self, offset: u64, limit: usize) -> Result<Vec<Event>, JournalError>;
}

impl dyn History + '_ {
    /// Every loss, in the order they were noted; read as they are asked for.
    pub fn all_losses(&self) -> impl Stream<Item = Result<NotedLoss, JournalError>> + Send + Unpin {
        Box::pin(rows(|offset| self.losses(offset, PAGE)))
    }

    /// Every failure; read as they are asked for.
    pub fn all_failures(&self) -> impl Stream<Item = Result<Failure, JournalError>> + Send + Unpin {
        Box::pin(rows(|offset| self.failures(offset, PAGE)))
    }
}

/// Row after row of what is read in pages.
fn rows<T, Read>(
    mut read: impl FnMut(u64) -> Read + Send,
) -> impl Stream<Item = Result<T, JournalError>> + Send
where
    T: Send,
    Read: Future<Output = Result<Vec<T>, JournalError>> + Send,
{
    let pages = stream::try_unfold(Some(0), move |offset| {
        let page = offset.map(|offset| (offset, read(offset)));
        async move {
            let Some((offset, page)) = page else { return Ok(None) };
            let page = page.await?;
            let next = (page.len() >= PAGE).then(|| offset + page.len() as u64);
            Ok(Some((stream::iter(page.into_iter().map(Ok)), next)))
        }
    });
    pages.try_flatten()
}

/// A loss as the journal has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotedLoss {
    /// Where the record belongs at the source.
    pub scope: Scope,
    /// Its kind.
    pub kind: ObjectKind,
    /// Id of its origin.
    pub id: String,
    /// What was lost.
    #[serde(flatten)]
    pub loss: Loss,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{job::JobId, port::ClaimLost};
    use futures::{FutureExt, StreamExt};

    #[test]
    fn rows_of_any_number_of_pages_are_read_once_each() {
        for n in [0, 1, PAGE, PAGE + 1, 2 * PAGE, 3 * PAGE - 1] {
            let read = |offset| async move {
                let offset = usize::try_from(offset).unwrap();
                Ok((offset..n.min(offset + PAGE)).collect())
            };

            let found = rows(read).try_collect::<Vec<usize>>().now_or_never().unwrap();

            assert_eq!(found.unwrap(), (0..n).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_after_what_could() {
        let read = |offset| async move {
            let source = ClaimLost { job: JobId(1) };
            let error = JournalError { operation: "read", source: source.into() };
            if offset == 0 { Ok(vec![(); PAGE]) } else { Err(error) }
        };

        let found = rows(read).collect::<Vec<_>>().now_or_never().unwrap();

        assert!(found[..PAGE].iter().all(Result::is_ok));
        assert!(matches!(found[PAGE..], [Err(_)]));
    }
}
