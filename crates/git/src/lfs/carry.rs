//! Large files from remote to remote.

use super::{
    EndpointOptions, History, LfsError, Pointer, Side,
    batch::{Granted, OBJECTS_A_BATCH, Operation},
    checked::{Fault, checked},
    download::Opened,
    end::End,
    upload::{Place, Sent, Wanted},
};
use crate::process::Git;
use futures::{
    Stream, StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use packhorse_core::{GitRemote, HostError, HostErrorKind};
use packhorse_net::{
    Policy, Retry, Transport,
    clock::{Clock, System},
};
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
    pub from: Side,
    /// Where they go.
    pub to: Side,
    /// How.
    pub options: CarryOptions,
    /// Hears of each step.
    pub listener: LfsListener,
}

impl LfsRoute {
    /// A route over the network, with what one has who moves projects.
    ///
    /// # Errors
    ///
    /// When a certificate or proxy of the machine cannot be used.
    pub fn live(
        git: &Git,
        from: impl Into<Side>,
        to: impl Into<Side>,
        listener: LfsListener,
    ) -> Result<Self, HostError> {
        let clock = Arc::new(System);
        let network = git.network()?;
        let retry = Retry::new(network, Policy::default(), clock.clone(), Arc::new(()));
        Ok(Self {
            git: git.clone(),
            transport: Arc::new(retry),
            clock,
            from: from.into(),
            to: to.into(),
            options: CarryOptions::default(),
            listener,
        })
    }

    /// Carries the files that these pointers point to.
    ///
    /// The destination is asked first, and what it has does not travel. To be
    /// called before refs are pushed: hosts refuse pointers whose files they
    /// lack. Calling it again carries what is still missing. Memory does not
    /// grow with the number or the size of files.
    ///
    /// # Errors
    ///
    /// When an end cannot be reached or refuses us. Files that the source lacks
    /// and those that the destination does not take are no errors, nor are all of
    /// them where an end has no Git LFS: they are in [`Carried::lost`].
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
        let tasks: BoxStream<'_, Result<Task, LfsError>> = fresh
            .chunks(OBJECTS_A_BATCH)
            .then(|chunk| errand.sort_out(chunk))
            .map_ok(|tasks| stream::iter(tasks).map(Ok))
            .try_flatten()
            .boxed();
        let parallel = self.options.parallel.get();
        tasks.try_for_each_concurrent(parallel, |task| errand.carry_one(task)).await?;
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
        let stands_beside = |it: &GitRemote| it.url.as_path().is_some();
        if !self.from.remote().is_some_and(stands_beside) {
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
        let granted = match self.to.ask(Operation::Upload, &files).await {
            Ok(granted) => granted,
            Err(error) => return self.lose_all(files, LostAt::Destination, error),
        };
        let is_there = self.to.has(&files, &granted).await?;
        let (mut wanted, mut places) = (Vec::new(), Vec::new());
        for ((pointer, granted), is_there) in files.into_iter().zip(granted).zip(is_there) {
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
            Err(error) => return self.lose_all(wanted, LostAt::Source, error),
        };
        let tasks = wanted.into_iter().zip(sources).zip(places);
        Ok(tasks
            .map(|((pointer, source), destination)| Task { pointer, source, destination })
            .collect())
    }

    /// Tells files as lost where an end keeps none, or none for us; other errors go on.
    fn lose_all(
        &self,
        files: Vec<Pointer>,
        at: LostAt,
        error: LfsError,
    ) -> Result<Vec<Task>, LfsError> {
        let reason = match &error {
            LfsError::NoServer { url } => format!("there is no Git LFS at {url}"),
            LfsError::Host(it) if it.kind == HostErrorKind::Forbidden => it.to_string(),
            LfsError::NoEndpoint { .. }
            | LfsError::Elsewhere { .. }
            | LfsError::Protocol { .. }
            | LfsError::Host(_)
            | LfsError::Git(_)
            | LfsError::System { .. } => return Err(error),
        };
        for pointer in files {
            self.tally.lose(pointer, at, reason.clone());
        }
        Ok(Vec::new())
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
            (End::Store(_) | End::Shelf(_) | End::Server(_), _) => None,
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
        let sent = match place {
            Some((server, place)) => place.send(server, bytes).await?,
            None => self.to.write(&task.pointer, bytes).await?,
        };
        // Whatever the destination made of a wrong file, it is the source's doing.
        if let Some(reason) = fault.get() {
            return Ok(Try::Lost(LostAt::Damaged, reason.clone()));
        }
        Ok(done(sent, &task.pointer))
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
