//! The body of a request on its way out, and how far it is.

use bytes::Bytes;
use futures::{Stream, task::AtomicWaker};
use packhorse_core::port::ByteStream;
use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::Instant;

/// Where a body is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A piece was given out, and the host has not asked for the next.
    Handed,
    /// The host waits for us, which is not its fault.
    Awaited,
    /// All of it was given out.
    Sent,
}

/// How far an upload is; shared by the body and by who waits for the answer.
#[derive(Debug)]
pub(crate) struct Progress {
    at: Mutex<(Phase, Instant)>,
    failure: Mutex<Option<io::Error>>,
    stopped: AtomicBool,
    waker: AtomicWaker,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Progress {
    /// Of a request that has nothing to send but its head.
    pub(crate) fn sent() -> Arc<Self> {
        Self::new(Phase::Sent)
    }

    fn new(phase: Phase) -> Arc<Self> {
        Arc::new(Self {
            at: Mutex::new((phase, Instant::now())),
            failure: Mutex::new(None),
            stopped: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        })
    }

    fn reach(&self, phase: Phase) {
        *lock(&self.at) = (phase, Instant::now());
    }

    /// Stops the body where it is: nobody wants the rest.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Whether all of the body was given out.
    pub(crate) fn is_sent(&self) -> bool {
        lock(&self.at).0 == Phase::Sent
    }

    /// Why the body could not be read, if that is what ended it.
    pub(crate) fn take_failure(&self) -> Option<io::Error> {
        lock(&self.failure).take()
    }

    /// Ends when the host was silent for too long; tells whether all was sent.
    pub(crate) async fn overdue(&self, idle: Duration, first_byte: Duration) -> bool {
        loop {
            let (phase, since) = *lock(&self.at);
            let (due, is_sent) = match phase {
                Phase::Sent => (since + first_byte, true),
                Phase::Handed => (since + idle, false),
                // Looks again then; the clock of the host does not run.
                Phase::Awaited => (Instant::now() + idle, false),
            };
            if due <= Instant::now() {
                return is_sent;
            }
            tokio::time::sleep_until(due).await;
        }
    }
}

/// A body that notes how far it is.
pub(crate) struct Upload {
    bytes: ByteStream,
    left: Option<u64>,
    progress: Arc<Progress>,
}

impl Upload {
    pub(crate) fn new(bytes: ByteStream, length: Option<u64>) -> (Self, Arc<Progress>) {
        let progress = Progress::new(Phase::Handed);
        (Self { bytes, left: length, progress: Arc::clone(&progress) }, progress)
    }

    fn fail(&self, error: io::Error) -> Poll<Option<io::Result<Bytes>>> {
        let kind = error.kind();
        *lock(&self.progress.failure) = Some(error);
        Poll::Ready(Some(Err(kind.into())))
    }

    /// Counts a piece against the length that was promised.
    fn count(&mut self, piece: usize) -> io::Result<()> {
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(piece as u64).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidData, "there is more to send than was said")
            })?;
        }
        Ok(())
    }
}

impl Stream for Upload {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.progress.waker.register(cx.waker());
        if self.progress.stopped.load(Ordering::Acquire) {
            return Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())));
        }
        match self.bytes.as_mut().poll_next(cx) {
            Poll::Pending => {
                self.progress.reach(Phase::Awaited);
                Poll::Pending
            }
            Poll::Ready(Some(Ok(piece))) => {
                if let Err(error) = self.count(piece.len()) {
                    return self.fail(error);
                }
                // With a known length nobody asks once more for the end.
                let phase = if self.left == Some(0) { Phase::Sent } else { Phase::Handed };
                self.progress.reach(phase);
                Poll::Ready(Some(Ok(piece)))
            }
            Poll::Ready(Some(Err(error))) => self.fail(error),
            Poll::Ready(None) if self.left.is_some_and(|left| left > 0) => {
                let what = "there is less to send than was said";
                self.fail(io::Error::new(io::ErrorKind::UnexpectedEof, what))
            }
            Poll::Ready(None) => {
                self.progress.reach(Phase::Sent);
                Poll::Ready(None)
            }
        }
    }
}
