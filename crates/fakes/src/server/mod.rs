//! A running fake: one task, one port on loopback, one store.

mod git;
mod lfs;
mod serve;

use crate::{
    access::{Access, Token},
    exchange::{Answer, Exchange, Request},
    fault::Faults,
    limit::{Limit, Limits, Meter, Standing},
    store::{self, Store},
};
use packhorse_core::{GitRemote, Record, RepoKind, Scope};
use packhorse_git::{Git, GitError};
use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{net::TcpListener, task::JoinHandle};

/// Most exchanges that a log keeps; those after are served and not kept.
const LONGEST_LOG: usize = 50_000;

/// What a host must say of itself to be faked.
///
/// Everything that hosts have in common is the frame's: connections, tokens,
/// counting limits, faults, the log, Git over HTTP, LFS.
pub trait Product: Send + Sync + 'static {
    /// The limits that it publishes for its public host.
    fn published_limits(&self) -> Vec<Limit>;

    /// The headers that tell how limits stand.
    fn limit_headers(&self, standings: &[Standing]) -> Vec<(&'static str, String)>;

    /// How it refuses a request that is too much.
    fn too_many(&self, standing: &Standing) -> Answer;

    /// How it says that something broke on its side.
    fn broken(&self) -> Answer;

    /// Answers a request of its API. Runs alone: the store is locked meanwhile.
    fn answer(&self, request: &Request, store: &mut Store) -> Answer;

    /// The project and repository that a path before `/info/refs` means, without `.git`.
    fn repository(&self, path: &str) -> (String, RepoKind) {
        let path = path.trim_start_matches('/');
        match path.strip_suffix(".wiki") {
            Some(project) => (project.to_owned(), RepoKind::Wiki),
            None => (path.to_owned(), RepoKind::Code),
        }
    }

    /// The parameter of its listings that says where a page is.
    fn page_parameter(&self) -> &'static str {
        "page"
    }

    /// How often it still tells a repository as empty that was pushed to, before it has noticed.
    fn notices_after(&self) -> u32 {
        0
    }

    /// Refs that it keeps to itself: pushes to names that begin so are refused.
    fn own_refs(&self) -> &'static str {
        "refs/pull"
    }
}

/// What a fake is like.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who may come in; a fake without tokens lets nobody write.
    pub tokens: Vec<Token>,
    /// How often it may be asked.
    pub limits: Limits,
    /// What goes wrong.
    pub faults: Faults,
    /// Whether it keeps a log of exchanges.
    pub keeps_log: bool,
}

impl Options {
    /// The token that [`Options::default`] lets in, as `alice`, who may do everything.
    pub const TOKEN: &'static str = "fake-token-of-alice";
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tokens: vec![Token::new(Self::TOKEN, "alice", Access::Admin)],
            limits: Limits::Off,
            faults: Faults::default(),
            keeps_log: true,
        }
    }
}

/// Why a fake did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No port, or no directory for repositories.
    #[error("the stand-in host could not start")]
    System(#[from] std::io::Error),
    /// Git is missing or too old.
    #[error("the stand-in host needs git")]
    Git(#[from] GitError),
}

/// What the connections of a fake share.
pub(crate) struct Inner {
    product: Box<dyn Product>,
    store: Mutex<Store>,
    meter: Mutex<Meter>,
    faults: Mutex<Faults>,
    changes: Mutex<Vec<Change>>,
    log: Mutex<Vec<Exchange>>,
    n_requests: AtomicU64,
    n_refused: AtomicU64,
    keeps_log: bool,
    tokens: Vec<Token>,
    home: String,
    git: Git,
}

/// A change of the store at a request to come.
struct Change {
    path: String,
    after: u64,
    change: Box<dyn FnOnce(&mut Store) + Send>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    /// Makes the changes whose time has come, before a request is served.
    fn change(&self, path: &str) {
        let mut due = Vec::new();
        let mut changes = locked(&self.changes);
        let mut i = 0;
        while i < changes.len() {
            if !path.contains(&changes[i].path) {
                i += 1;
            } else if changes[i].after > 0 {
                changes[i].after -= 1;
                i += 1;
            } else {
                due.push(changes.remove(i).change);
            }
        }
        drop(changes);
        let mut store = locked(&self.store);
        due.into_iter().for_each(|change| change(&mut store));
    }
}

/// A running fake. It ends when the value is dropped.
pub struct Fake {
    handle: Handle,
    task: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

/// What a test or a rehearsal does with a running fake from outside.
#[derive(Clone)]
pub struct Handle(Arc<Inner>);

impl std::ops::Deref for Fake {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fake {
    /// Starts a fake on a free port of 127.0.0.1, with nothing in it.
    ///
    /// # Errors
    ///
    /// When there is no port, no temporary directory, or no Git.
    pub async fn start(product: impl Product, options: Options) -> Result<Self, StartError> {
        Self::of(Box::new(product), options).await
    }

    /// Starts a fake of a product that is known only now; see [`Fake::start`].
    ///
    /// # Errors
    ///
    /// When there is no port, no temporary directory, or no Git.
    pub async fn of(product: Box<dyn Product>, options: Options) -> Result<Self, StartError> {
        let folder = tempfile::tempdir()?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let home = format!("http://{}", listener.local_addr()?);
        let limits = match options.limits {
            Limits::Off => Vec::new(),
            Limits::Published => product.published_limits(),
            Limits::Own(limits) => limits,
        };
        let inner = Arc::new(Inner {
            product,
            store: Mutex::new(Store::new(folder.path())),
            meter: Mutex::new(Meter::new(limits)),
            faults: Mutex::new(options.faults),
            changes: Mutex::default(),
            log: Mutex::default(),
            n_requests: AtomicU64::new(0),
            n_refused: AtomicU64::new(0),
            keeps_log: options.keeps_log,
            tokens: options.tokens,
            home,
            git: Git::find().await?,
        });
        let task = tokio::spawn(serve::run(listener, Arc::clone(&inner)));
        Ok(Self { handle: Handle(inner), task, _folder: folder })
    }
}

impl Handle {
    /// Its address, such as `http://127.0.0.1:40123`.
    pub fn url(&self) -> &str {
        &self.0.home
    }

    /// Looks into what it holds, or changes it, without its API.
    pub fn store<R>(&self, look: impl FnOnce(&mut Store) -> R) -> R {
        look(&mut locked(&self.0.store))
    }

    /// Puts records in their places, without its API.
    pub fn fill(&self, records: impl IntoIterator<Item = (Scope, Record)>) {
        self.store(|store| store.fill(records));
    }

    /// Copies a repository into it, refs and all.
    ///
    /// # Errors
    ///
    /// When Git refuses.
    pub async fn fill_repository(
        &self,
        project: &str,
        kind: RepoKind,
        from: &GitRemote,
    ) -> Result<(), GitError> {
        store::copy(from, &self.repository(project, kind)).await
    }

    /// Where a repository of it lies on this machine.
    pub fn repository(&self, project: &str, kind: RepoKind) -> PathBuf {
        locked(&self.0.store).repository(project, kind)
    }

    /// What goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        *locked(&self.0.faults) = faults;
    }

    /// How many of the planned faults have yet to come.
    pub fn n_planned(&self) -> u64 {
        locked(&self.0.faults).planned.iter().map(|it| it.times).sum()
    }

    /// Changes what it holds right before a request whose path contains `path` is served, after so
    /// many such requests: an object that changes while it is being listed.
    pub fn change_at(
        &self,
        path: &str,
        after: u64,
        change: impl FnOnce(&mut Store) + Send + 'static,
    ) {
        let change = Change { path: path.to_owned(), after, change: Box::new(change) };
        locked(&self.0.changes).push(change);
    }

    /// How many requests it has got, of its API and for Git.
    pub fn n_requests(&self) -> u64 {
        self.0.n_requests.load(Ordering::Relaxed)
    }

    /// How many requests were too much for its limits.
    pub fn n_refused(&self) -> u64 {
        self.0.n_refused.load(Ordering::Relaxed)
    }

    /// The exchanges so far over its API, and forgets them.
    pub fn take_log(&self) -> Vec<Exchange> {
        std::mem::take(&mut *locked(&self.0.log))
    }
}
