//! Packs on their way, held back until the large files that they point to have arrived.
//!
//! ```text
//! source ─▶ pack ──┬───────────────▶ all but its end ─▶ push ─ … ─▶ its end
//!                  └▶ scanner ─▶ pointers ─▶ files, from server to server ─┘
//! ```
//!
//! Hosts refuse pointers whose files they lack, and a ref must not lead to what
//! is not there. So a pack flows while the files that are found in it flow
//! beside it, and its last bytes wait for them. Servers hang up on who is
//! silent: while files are under way, a byte of the end goes out now and then.

use super::{
    History, LfsError, LfsEvent, LfsRoute, LostAt, LostFile, PackScanner, Pointer, Scanned, Side,
    batch::Operation,
    configured,
    end::End,
    spill::{self, spill},
};
use crate::{
    error::GitError,
    refs::{self, RefPolicy},
};
use bytes::Bytes;
use futures::{
    Stream, StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use packhorse_core::{HostError, HostErrorKind, model::ObjectFormat, port::ByteStream};
use std::{
    collections::VecDeque,
    fmt,
    future::ready,
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};

/// Bytes of a pack's end that are held back, at least.
const HELD: usize = 8 << 10;

/// One of them goes out in this time, which is shorter than servers' patience: nginx and Apache
/// wait for a minute, and some proxies for half of one.
const TRICKLE: Duration = Duration::from_secs(10);

/// Pieces of a pack that wait to be looked through.
const PIECES: usize = 16;

/// Holds packs back until the large files that they point to have arrived.
#[derive(Clone)]
pub struct Gate {
    shared: Arc<Shared>,
    /// What is under way; dropped, it stops.
    tasks: Arc<Mutex<JoinSet<()>>>,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}

struct Shared {
    route: LfsRoute,
    policy: RefPolicy,
    scratch: PathBuf,
    /// Whether everything that the destination's refs reach has been looked through.
    is_covered: AtomicBool,
}

/// How a pack is looked through.
struct Look {
    pieces: mpsc::Receiver<Bytes>,
    format: ObjectFormat,
    /// Whether the pack has all that its refs reach.
    is_whole: bool,
    /// Set when the pack has ended as packs do.
    has_ended: Arc<AtomicBool>,
}

impl Gate {
    /// A gate for the packs of a route; `None` where the source keeps no large files.
    ///
    /// `is_covered` says that an earlier run has looked through all that the
    /// destination has already; otherwise the whole history is looked through
    /// once, which takes a copy of it without its larger files in `scratch`.
    ///
    /// # Errors
    ///
    /// When the source's server cannot be reached.
    pub async fn of(
        route: LfsRoute,
        policy: RefPolicy,
        scratch: PathBuf,
        is_covered: bool,
    ) -> Result<Option<Self>, LfsError> {
        if !route.has_files().await? {
            return Ok(None);
        }
        let is_covered = AtomicBool::new(is_covered);
        let shared = Arc::new(Shared { route, policy, scratch, is_covered });
        Ok(Some(Self { shared, tasks: Arc::default() }))
    }

    /// Lets a pack pass; what it points to is carried meanwhile, and its end comes after that.
    ///
    /// `is_whole` says that the pack has everything that its refs reach.
    pub(crate) fn pass(
        &self,
        pack: ByteStream,
        format: ObjectFormat,
        is_whole: bool,
    ) -> ByteStream {
        let (to_scanner, pieces) = mpsc::channel(PIECES);
        let (tell, verdict) = oneshot::channel();
        let has_ended = Arc::new(AtomicBool::new(false));
        let look = Look { pieces, format, is_whole, has_ended: Arc::clone(&has_ended) };
        let shared = Arc::clone(&self.shared);
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(async move {
            // Nobody hears of it where the push has broken off; then there is another one.
            drop(tell.send(shared.look(look).await));
        });
        let passing = Passing {
            pack,
            to_scanner: Some(to_scanner),
            held: VecDeque::new(),
            n_held: 0,
            has_ended,
            verdict: Some(verdict),
        };
        Box::pin(stream::try_unfold(passing, |mut passing| async {
            Ok(passing.next().await?.map(|piece| (piece, passing)))
        }))
    }

    /// Waits for files that are under way for a pack that has broken off: the next one comes to
    /// its end the sooner.
    pub(crate) async fn settle(&self) {
        let mut tasks = {
            let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *tasks)
        };
        while tasks.join_next().await.is_some() {}
    }

    /// Carries what no pack has pointed to: files that were lost in an earlier run, and those of
    /// a history that was there before anybody looked.
    ///
    /// # Errors
    ///
    /// As [`LfsRoute::carry`].
    pub async fn close(&self, again: Vec<Pointer>) -> Result<(), LfsError> {
        self.settle().await;
        let (writer, pointers) = spill(&self.shared.scratch)?;
        let look = async {
            again.iter().for_each(|it| writer.put(it));
            let found = self.shared.look_at_history(&writer).await;
            drop(writer);
            found
        };
        let format = ObjectFormat::Sha1;
        futures::try_join!(look, self.shared.carry(pointers, format)).map(drop)
    }
}

impl Shared {
    /// Looks a pack through, and carries what it points to.
    async fn look(&self, look: Look) -> Result<(), LfsError> {
        let (writer, pointers) = spill(&self.scratch)?;
        let format = look.format;
        let looking = async {
            let Look { mut pieces, is_whole, has_ended, .. } = look;
            let scanning = tokio::task::spawn_blocking(move || {
                let mut scanner = PackScanner::new(format);
                while let Some(piece) = pieces.blocking_recv() {
                    scanner.feed(&piece, |pointer| writer.put(&pointer));
                }
                (scanner.finish(), writer)
            });
            let scanned = scanning.await.map_err(io::Error::other);
            let (scanned, writer) = scanned.map_err(LfsError::system("look through a pack"))?;
            if !has_ended.load(Ordering::Acquire) {
                return Ok(());
            }
            if self.is_seen(&scanned, is_whole) {
                self.is_covered.store(true, Ordering::Release);
                return Ok(());
            }
            self.is_covered.store(false, Ordering::Release);
            self.look_at_history(&writer).await
        };
        futures::try_join!(looking, self.carry(pointers, format)).map(drop)
    }

    /// Whether a pack and what was looked through before it leave nothing out.
    fn is_seen(&self, scanned: &Scanned, is_whole: bool) -> bool {
        scanned.is_complete() && (is_whole || self.is_covered.load(Ordering::Acquire))
    }

    /// Looks through all that the source's refs reach, unless that was done.
    async fn look_at_history(&self, writer: &spill::Writer) -> Result<(), LfsError> {
        let Some(from) = self.route.from.remote() else { return Ok(()) };
        if self.is_covered.load(Ordering::Acquire) {
            return Ok(());
        }
        let offered = refs::list(&self.route.git, from).await?;
        let wanted = self.policy.selection(&offered).at_source();
        std::fs::create_dir_all(&self.scratch)
            .map_err(GitError::system("make the scratch directory"))?;
        let history = History::of(&self.route.git, from, &wanted, &self.scratch).await?;
        history.pointers(|pointer| writer.put(&pointer)).await?;
        self.is_covered.store(true, Ordering::Release);
        Ok(())
    }

    async fn carry(
        &self,
        pointers: impl Stream<Item = Result<Pointer, LfsError>> + Send,
        format: ObjectFormat,
    ) -> Result<(), LfsError> {
        let mut pointers = Box::pin(pointers);
        // Who points to nothing asks for nothing.
        let Some(first) = pointers.try_next().await? else { return Ok(()) };
        let failure = Mutex::new(None);
        let keep = |pointer: Result<Pointer, LfsError>| {
            ready(match pointer {
                Ok(pointer) => Some(pointer),
                Err(error) => {
                    *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    None
                }
            })
        };
        let all = stream::once(ready(Ok(first))).chain(pointers).filter_map(keep);
        self.carry_all(all.boxed(), format).await?;
        failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }

    async fn carry_all(
        &self,
        pointers: BoxStream<'_, Pointer>,
        format: ObjectFormat,
    ) -> Result<(), LfsError> {
        let mut route = self.route.clone();
        // On this machine, what there is of files stands beside the repository.
        if let Side::Remote(from) = &self.route.from
            && from.url.as_path().is_none()
            && route.options.from.configured.is_none()
        {
            let url = configured::at_remote(&route.git, from, format, &self.scratch).await;
            route.options.from.configured = url;
        }
        match route.end(&route.from, &route.options.from, Operation::Download) {
            // SECURITY: whoever may commit could lead us anywhere; so their files stay there.
            Err(LfsError::Elsewhere { url, .. }) => {
                let reason = format!("history says that it is at {url}, which is another host");
                pointers
                    .for_each(|pointer| {
                        let (at, reason) = (LostAt::Source, reason.clone());
                        (route.listener)(LfsEvent::Lost(LostFile { pointer, at, reason }));
                        ready(())
                    })
                    .await;
                Ok(())
            }
            Ok(_) | Err(_) => route.carry(pointers).await.map(drop),
        }
    }
}

impl LfsRoute {
    /// Whether the source keeps large files at all.
    async fn has_files(&self) -> Result<bool, LfsError> {
        let server = match self.end(&self.from, &self.options.from, Operation::Download) {
            Ok(End::Server(server)) => server,
            Ok(End::Store(store)) => return Ok(store.is_there()),
            Ok(End::Shelf(_)) => return Ok(true),
            Err(LfsError::NoEndpoint { .. }) => return Ok(false),
            Err(error) => return Err(error),
        };
        let nothing = Pointer { sha256: "0".repeat(64), size: 1 };
        let nobody = |it: &HostError| it.kind == HostErrorKind::NotFound;
        match server.batch(Operation::Download, &[nothing]).await {
            Ok(_) => Ok(true),
            Err(LfsError::NoServer { .. } | LfsError::Protocol { .. } | LfsError::Git(_)) => {
                Ok(false)
            }
            Err(LfsError::Host(error)) if nobody(&error) => Ok(false),
            // Who refuses to say may still have them.
            Err(LfsError::Host(error)) if error.kind != HostErrorKind::Unavailable => Ok(true),
            Err(error) => Err(error),
        }
    }
}

/// A pack on its way through a gate.
struct Passing {
    pack: ByteStream,
    /// `None` when the pack has come to its end.
    to_scanner: Option<mpsc::Sender<Bytes>>,
    held: VecDeque<Bytes>,
    n_held: usize,
    has_ended: Arc<AtomicBool>,
    /// Whether the files have arrived; `None` when they have.
    verdict: Option<oneshot::Receiver<Result<(), LfsError>>>,
}

impl Passing {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        while let Some(to_scanner) = &self.to_scanner {
            match self.pack.next().await.transpose()? {
                Some(piece) => {
                    // Whoever looks through it stops early only with a verdict.
                    drop(to_scanner.send(piece.clone()).await);
                    self.n_held += piece.len();
                    self.held.push_back(piece);
                }
                None => {
                    self.has_ended.store(true, Ordering::Release);
                    self.to_scanner = None;
                }
            }
            self.look_at_verdict()?;
            let front = self.held.front().map_or(0, Bytes::len);
            if self.n_held - front >= HELD {
                return Ok(self.release());
            }
        }
        if let Some(verdict) = &mut self.verdict {
            tokio::select! {
                it = verdict => self.take_verdict(it.ok())?,
                () = tokio::time::sleep(TRICKLE), if self.n_held > 1 => {
                    return Ok(self.trickle());
                }
            }
        }
        Ok(self.release())
    }

    fn release(&mut self) -> Option<Bytes> {
        let piece = self.held.pop_front()?;
        self.n_held -= piece.len();
        Some(piece)
    }

    fn trickle(&mut self) -> Option<Bytes> {
        let front = self.held.front_mut()?;
        let byte = front.split_to(front.len().min(1));
        if front.is_empty() {
            self.held.pop_front();
        }
        self.n_held -= byte.len();
        Some(byte)
    }

    /// Ends early when the files cannot arrive.
    fn look_at_verdict(&mut self) -> io::Result<()> {
        let told = self.verdict.as_mut().map(oneshot::Receiver::try_recv);
        match told {
            Some(Ok(verdict)) => self.take_verdict(Some(verdict)),
            Some(Err(oneshot::error::TryRecvError::Closed)) => self.take_verdict(None),
            Some(Err(oneshot::error::TryRecvError::Empty)) | None => Ok(()),
        }
    }

    fn take_verdict(&mut self, verdict: Option<Result<(), LfsError>>) -> io::Result<()> {
        self.verdict = None;
        let error = match verdict {
            Some(Ok(())) => return Ok(()),
            Some(Err(error)) => HostError::from(error),
            None => HostError::new(HostErrorKind::Unavailable, "carry large files")
                .because("the task that carries them has ended"),
        };
        Err(io::Error::other(GitError::LargeFiles { source: Box::new(error) }))
    }
}

#[cfg(test)]
mod tests;
