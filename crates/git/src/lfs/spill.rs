//! Pointers on their way from who finds them to who carries them.
//!
//! Whoever finds them must not wait: the pack that they are found in flows
//! through a server's connection. So they are noted in a file without a name,
//! and memory does not grow with their number.

use super::{LfsError, Pointer};
use futures::{Stream, stream};
use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Notify;

/// Bytes of a pointer in the file: its hash as text, and its size.
const ROW: usize = 64 + 8;

struct Shared {
    state: Mutex<State>,
    news: Notify,
}

struct State {
    file: File,
    /// Rows in the file.
    n_written: u64,
    is_closed: bool,
    failure: Option<io::Error>,
}

/// Where pointers are noted; the stream ends when this is dropped.
pub(super) struct Writer(Arc<Shared>);

impl Writer {
    /// Notes a pointer.
    pub(super) fn put(&self, pointer: &Pointer) {
        let mut row = [0; ROW];
        let (hash, size) = row.split_at_mut(64);
        // A pointer's hash is 64 digits, whoever made it.
        hash.copy_from_slice(&pointer.sha256.as_bytes()[..64]);
        size.copy_from_slice(&pointer.size.to_le_bytes());
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.file.write_all(&row) {
            Ok(()) => state.n_written += 1,
            Err(error) => state.failure = Some(error),
        }
        drop(state);
        self.0.news.notify_one();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).is_closed = true;
        self.0.news.notify_one();
    }
}

struct Reader {
    shared: Arc<Shared>,
    file: File,
    n_read: u64,
}

/// A way for pointers through a file below `scratch`.
pub(super) fn spill(
    scratch: &Path,
) -> Result<(Writer, impl Stream<Item = Result<Pointer, LfsError>> + Send), LfsError> {
    let failed = || LfsError::system("note large files in the scratch directory");
    std::fs::create_dir_all(scratch).map_err(failed())?;
    let file = tempfile::NamedTempFile::new_in(scratch).map_err(failed())?;
    let reading = file.reopen().map_err(failed())?;
    let state = State { file: file.into_file(), n_written: 0, is_closed: false, failure: None };
    let shared = Arc::new(Shared { state: Mutex::new(state), news: Notify::new() });
    let reader = Reader { shared: Arc::clone(&shared), file: reading, n_read: 0 };
    let pointers = stream::try_unfold(reader, move |mut reader| async move {
        let pointer = reader.next().await.map_err(failed())?;
        Ok(pointer.map(|it| (it, reader)))
    });
    Ok((Writer(shared), pointers))
}

impl Reader {
    async fn next(&mut self) -> io::Result<Option<Pointer>> {
        loop {
            let (n_written, is_closed) = {
                let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(error) = state.failure.take() {
                    return Err(error);
                }
                (state.n_written, state.is_closed)
            };
            if self.n_read < n_written {
                return self.row().map(Some);
            }
            if is_closed {
                return Ok(None);
            }
            self.shared.news.notified().await;
        }
    }

    fn row(&mut self) -> io::Result<Pointer> {
        let (mut hash, mut size) = ([0; 64], [0; 8]);
        self.file.read_exact(&mut hash)?;
        self.file.read_exact(&mut size)?;
        self.n_read += 1;
        let hash = str::from_utf8(&hash).ok();
        let pointer = hash.and_then(|it| Pointer::new(it, u64::from_le_bytes(size)));
        pointer.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{FutureExt, StreamExt, TryStreamExt};

    fn pointer(n: u64) -> Pointer {
        Pointer::new(&format!("{n:064x}"), n).unwrap()
    }

    #[tokio::test]
    async fn pointers_come_out_as_they_went_in() {
        let scratch = tempfile::tempdir().unwrap();
        let (writer, pointers) = spill(scratch.path()).unwrap();
        let given: Vec<_> = (0..1_000).map(pointer).collect();

        given.iter().for_each(|it| writer.put(it));
        drop(writer);

        assert_eq!(pointers.try_collect::<Vec<_>>().await.unwrap(), given);
        assert_eq!(scratch.path().read_dir().unwrap().count(), 0, "the file has no name");
    }

    #[tokio::test]
    async fn whoever_reads_waits_for_more() {
        let scratch = tempfile::tempdir().unwrap();
        let (writer, pointers) = spill(scratch.path()).unwrap();
        let mut pointers = Box::pin(pointers);

        writer.put(&pointer(1));
        assert_eq!(pointers.next().await.unwrap().unwrap(), pointer(1));
        assert!(pointers.next().now_or_never().is_none());
        writer.put(&pointer(2));
        assert_eq!(pointers.next().await.unwrap().unwrap(), pointer(2));
        drop(writer);
        assert!(pointers.next().await.is_none());
    }
}
