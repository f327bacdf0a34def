//! Work beside what waits for it.

use tokio::task::{JoinError, JoinHandle};

/// A task of its own; dropping this ends it.
pub(super) struct Task<T>(JoinHandle<T>);

impl<T: Send + 'static> Task<T> {
    /// Begins at once.
    pub(super) fn begin(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }

    /// Whether it has ended.
    pub(super) fn is_over(&self) -> bool {
        self.0.is_finished()
    }

    /// Waits for its end.
    ///
    /// # Errors
    ///
    /// When it panicked.
    pub(super) async fn end(&mut self) -> Result<T, JoinError> {
        (&mut self.0).await
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
