//! Large files from remote to remote.

use super::{
    EndpointOptions, History, LfsError, Pointer,
    batch::{Granted, OBJECTS_A_BATCH, Operation, Verdict},
    checked::{Fault, checked},
    download::{self, Opened},
    endpoint::Endpoint,
    server::Server,
    store::Store,
    upload::{Place, Sent, Wanted},
};
use crate::process::Git;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use packhorse_core::{GitRemote, port::ByteStream};
use packhorse_net::{Transport, clock::Clock};
use std::{
    collections::HashSet,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::mpsc;

/// Files whose passing by is remembered, so that they are asked about once.
const MAX_SEEN: usize = 50_000;

/// Files whose losses are named in the outcome; all of them are told as they happen.
const MAX_NAMED: usize = 1_000;

/// How often one file is tried.
const MAX_TRIES: u32 = 5;

/// The first wait before trying again; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// A destination that asks for a longer wait is given up instead.
const PATIENCE: Duration = Duration::from_secs(75 * 60);

/// How files travel.
#[derive(Clone, Debug)]
pub struct CarryOptions {
    /// Files under way at a time.
    pub parallel: NonZeroUsize,
    /// Where the source's files are.
    pub from: EndpointOptions,
    /// Where the destination's files are. `configured` of the source's history
    /// does not belong here: it would lead back to the source.
    pub to: EndpointOptions,
}

impl Default for CarryOptions {
    fn default() -> Self {
        let parallel = NonZeroUsize::MIN.saturating_add(7);
        Self { parallel, from: EndpointOptions::default(), to: EndpointOptions::default() }
    }
}

/// What happens while files travel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LfsEvent {
    /// Bytes have come from the source.
    Bytes(u64),
    /// A file has arrived.
    Moved(Pointer),
    /// The destination had it.
    Present(Pointer),
    /// A file does not arrive.
    Lost(LostFile),
}

/// A file that does not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostFile {
    /// What history points to.
    pub pointer: Pointer,
    /// Whose doing it is.
    pub at: LostAt,
    /// In words, for a person.
    pub reason: String,
}

/// Whose doing the loss of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostAt {
    /// The source has it no more, or never had it.
    Source,
    /// The source has something else in its place.
    Damaged,
    /// The destination does not take it.
    Destination,
}

/// What became of files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Files that have arrived, and their bytes.
    pub moved: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// Files that the destination had.
    pub present: u64,
    /// Files that do not arrive.
    pub n_lost: u64,
    /// The first 1,000 of them.
    pub lost: Vec<LostFile>,
}

/// Hears of [`LfsEvent`]s.
pub type LfsListener = Arc<dyn Fn(LfsEvent) + Send + Sync>;

/// Two remotes, and what it takes to carry files from one to the other.
#[derive(Clone)]
pub struct LfsRoute {
    /// Looks through repositories, and how programs are started.
    pub git: Git,
    /// Sends requests, without credentials of its own.
    pub transport: Arc<dyn Transport>,
    /// Tells the time, and waits.
    pub clock: Arc<dyn Clock>,
    /// Where files come from, with what opens it.
    pub from: GitRemote,
    /// Where they go.
    pub to: GitRemote,
    /// How.
    pub options: CarryOptions,
    /// Hears of each step.
    pub listener: LfsListener,
}

/// An end of a route.
pub(super) enum End {
    Store(Store),
    Server(Arc<Server>),
}

impl LfsRoute {
    /// Carries the files that these pointers point to.
    ///
    /// The destination is asked first, and what it has does not travel. To be
    /// called before refs are pushed: hosts refuse pointers whose files they
    /// lack. Calling it again carries what is still missing. Memory does not
    /// grow with the number or the size of files.
    ///
    /// # Errors
    ///
    /// [`LfsError::NoServer`] when the destination has no Git LFS while there is
    /// something to carry, and others when an end cannot be reached or refuses
    /// us. Files that the source lacks, all of them where it has no Git LFS, and
    /// those that the destination does not take are no errors: they are in
    /// [`Carried::lost`].
    pub async fn carry(
        &self,
        pointers: impl Stream<Item = Pointer> + Send,
    ) -> Result<Carried, LfsError> {
        let mut seen = HashSet::new();
        let fresh = pointers.filter(move |pointer| {
            if seen.len() >= MAX_SEEN {
                seen.clear();
            }
            std::future::ready(seen.insert(pointer.sha256.clone()))
        });
        let from = self.end(&self.from, &self.options.from, Operation::Download)?;
        let to = self.end(&self.to, &self.options.to, Operation::Upload)?;
        let tally = Tally { carried: Mutex::default(), listener: Arc::clone(&self.listener) };
        let errand = Errand { from: &from, to: &to, tally: &tally, clock: &*self.clock };
        let errand = &errand;
        fresh
            .chunks(OBJECTS_A_BATCH)
            .then(|chunk| errand.sort_out(chunk))
            .map_ok(|tasks| stream::iter(tasks).map(Ok))
            .try_flatten()
            .try_for_each_concurrent(self.options.parallel.get(), |task| errand.carry_one(task))
            .await?;
        Ok(tally.carried.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Carries every file that a history of the source points to.
    ///
    /// # Errors
    ///
    /// As [`LfsRoute::carry`]; [`LfsError::Elsewhere`] when the history names
    /// another host for its files that [`CarryOptions::from`] does not allow.
    pub async fn carry_history(&self, history: &History) -> Result<Carried, LfsError> {
        let mut route = self.clone();
        // On this machine, what there is of files stands beside the repository.
        if self.from.url.as_path().is_none() {
            let configured = &mut route.options.from.configured;
            *configured = configured.take().or_else(|| history.lfs_url.clone());
        }
        let (to, mut from) = mpsc::channel(OBJECTS_A_BATCH);
        let pointers = stream::poll_fn(move |context| from.poll_recv(context));
        let (sent, carried) = tokio::join!(history.send(to), route.carry(pointers));
        let carried = carried?;
        sent?;
        Ok(carried)
    }

    /// Opens an end of the route.
    pub(super) fn end(
        &self,
        remote: &GitRemote,
        options: &EndpointOptions,
        operation: Operation,
    ) -> Result<End, LfsError> {
        let (transport, clock) = (Arc::clone(&self.transport), Arc::clone(&self.clock));
        Ok(match Endpoint::of(remote, options)? {
            Endpoint::Store(directory) => End::Store(Store::at(directory)),
            Endpoint::Server(url) => {
                End::Server(Arc::new(Server::at(url, remote, transport, clock)?))
            }
            Endpoint::Ssh(ssh) => {
                End::Server(Arc::new(Server::over_ssh(ssh, operation, transport, clock)))
            }
        })
    }
}

impl End {
    /// What this end says of files, in their order.
    pub(super) async fn ask(
        &self,
        operation: Operation,
        files: &[Pointer],
    ) -> Result<Vec<Option<Granted>>, LfsError> {
        Ok(match self {
            Self::Store(_) => files.iter().map(|_| None).collect(),
            Self::Server(server) => {
                server.batch(operation, files).await?.into_iter().map(Some).collect()
            }
        })
    }

    /// Opens a file.
    pub(super) async fn open(
        &self,
        pointer: &Pointer,
        granted: Option<&Granted>,
    ) -> Result<Opened, LfsError> {
        match (self, granted) {
            (Self::Server(server), Some(granted)) => download::open(server, granted).await,
            (Self::Store(store), _) => Ok(match store.open(pointer).await? {
                Some(bytes) => Opened::Bytes(bytes),
                None => Opened::Missing("it is not in the repository's lfs directory".to_owned()),
            }),
            (Self::Server(_), None) => Ok(Opened::Missing("it was not asked for".to_owned())),
        }
    }
}

/// Counts, and tells.
struct Tally {
    carried: Mutex<Carried>,
    listener: LfsListener,
}

impl Tally {
    fn add(&self, event: LfsEvent) {
        {
            let mut carried = self.carried.lock().unwrap_or_else(PoisonError::into_inner);
            match &event {
                LfsEvent::Bytes(_) => (),
                LfsEvent::Moved(pointer) => {
                    carried.moved += 1;
                    carried.bytes += pointer.size;
                }
                LfsEvent::Present(_) => carried.present += 1,
                LfsEvent::Lost(lost) => {
                    carried.n_lost += 1;
                    if carried.lost.len() < MAX_NAMED {
                        carried.lost.push(lost.clone());
                    }
                }
            }
        }
        (self.listener)(event);
    }

    fn lose(&self, pointer: Pointer, at: LostAt, reason: String) {
        self.add(LfsEvent::Lost(LostFile { pointer, at, reason }));
    }
}

/// One file on its way.
struct Task {
    pointer: Pointer,
    source: Option<Granted>,
    destination: Option<Granted>,
}

struct Errand<'a> {
    from: &'a End,
    to: &'a End,
    tally: &'a Tally,
    clock: &'a dyn Clock,
}

/// What became of a try.
enum Try {
    Done(LfsEvent),
    Lost(LostAt, String),
    Again(Option<Duration>, LfsError),
}

impl Errand<'_> {
    /// Asks both ends about some files; those that have to travel.
    async fn sort_out(&self, files: Vec<Pointer>) -> Result<Vec<Task>, LfsError> {
        let mut wanted = Vec::new();
        let mut places = Vec::new();
        for (granted, pointer) in
            self.to.ask(Operation::Upload, &files).await?.into_iter().zip(files)
        {
            let is_there = match (&granted, self.to) {
                (Some(it), _) => matches!(it.verdict, Verdict::Nothing),
                (None, End::Store(store)) => store.has(&pointer),
                (None, End::Server(_)) => false,
            };
            if is_there {
                self.tally.add(LfsEvent::Present(pointer));
            } else {
                wanted.push(pointer);
                places.push(granted);
            }
        }
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let sources = match self.from.ask(Operation::Download, &wanted).await {
            Ok(sources) => sources,
            // History was readable there, so it is the files that are not.
            Err(LfsError::NoServer { url }) => {
                for pointer in wanted {
                    let reason = format!("there is no Git LFS at {url}");
                    self.tally.lose(pointer, LostAt::Source, reason);
                }
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        };
        let tasks = wanted.into_iter().zip(sources).zip(places);
        Ok(tasks
            .map(|((pointer, source), destination)| Task { pointer, source, destination })
            .collect())
    }

    /// Carries one file, with as many tries as it is worth.
    async fn carry_one(&self, mut task: Task) -> Result<(), LfsError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let (asked, error) = match self.attempt(&task).await? {
                Try::Done(event) => {
                    self.tally.add(event);
                    return Ok(());
                }
                Try::Lost(at, reason) => {
                    self.tally.lose(task.pointer, at, reason);
                    return Ok(());
                }
                Try::Again(asked, error) => (asked, error),
            };
            let wait = asked.unwrap_or(FIRST_WAIT * 2_u32.pow(tries));
            if tries >= MAX_TRIES || wait > PATIENCE {
                return Err(error);
            }
            self.clock.sleep(wait).await;
            let asked = std::slice::from_ref(&task.pointer);
            task.destination = self.to.ask(Operation::Upload, asked).await?.pop().flatten();
        }
    }

    async fn attempt(&self, task: &Task) -> Result<Try, LfsError> {
        let place = match (self.to, &task.destination) {
            (End::Server(server), Some(granted)) => {
                match Place::of(server, granted.clone()).await? {
                    Wanted::Place(place) => Some((server, place)),
                    Wanted::Not(sent) => return Ok(done(sent, &task.pointer)),
                }
            }
            (End::Store(_) | End::Server(_), _) => None,
        };
        let bytes = match self.from.open(&task.pointer, task.source.as_ref()).await? {
            Opened::Bytes(bytes) => bytes,
            Opened::Missing(reason) => return Ok(Try::Lost(LostAt::Source, reason)),
            Opened::Damaged(reason) => return Ok(Try::Lost(LostAt::Damaged, reason)),
        };
        let fault = Fault::default();
        let listener = Arc::clone(&self.tally.listener);
        let count = Box::new(move |n| listener(LfsEvent::Bytes(n)));
        let bytes = checked(bytes, &task.pointer, Arc::clone(&fault), count);
        let sent = match (self.to, place) {
            (_, Some((server, place))) => place.send(server, bytes).await?,
            (End::Store(store), None) => write(store, &task.pointer, bytes).await,
            (End::Server(_), None) => Sent::Refused("it was not asked about".to_owned()),
        };
        // Whatever the destination made of a wrong file, it is the source's doing.
        if let Some(reason) = fault.get() {
            return Ok(Try::Lost(LostAt::Damaged, reason.clone()));
        }
        Ok(done(sent, &task.pointer))
    }
}

async fn write(store: &Store, pointer: &Pointer, bytes: ByteStream) -> Sent {
    match store.write(pointer, bytes).await {
        Ok(()) => Sent::Done,
        Err(error) => Sent::Trouble(None, LfsError::system("write a large file")(error)),
    }
}

fn done(sent: Sent, pointer: &Pointer) -> Try {
    match sent {
        Sent::Done => Try::Done(LfsEvent::Moved(pointer.clone())),
        Sent::Present => Try::Done(LfsEvent::Present(pointer.clone())),
        Sent::Refused(reason) => Try::Lost(LostAt::Destination, reason),
        Sent::Trouble(wait, error) => Try::Again(wait, error),
    }
}
