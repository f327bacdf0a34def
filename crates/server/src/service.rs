//! The service: what its APIs, its workers and its housekeeping share.

use crate::{
    Config, Places,
    archives::Archives,
    feed::Feeds,
    key::{KeyError, ServiceKey, Use},
    metrics::Metrics,
    native::wire::Progress,
    recent::Recent,
    running::Hands,
    scratch::{Scratch, make_private},
    starts::Starts,
    store::{Part, Request, Store, StoreError, now_ms},
    token::Caller,
};
use packhorse_core::{
    HostError, Listener, Location,
    job::{JobId, JobOptions, JobState, JobView},
    port::{Journal, JournalError},
};
use packhorse_database::Pool;
use packhorse_storage::StorageError;
use std::{io, path::Path, sync::Arc};
use tempfile::TempDir;
use tokio::sync::{Mutex, Notify, watch};

/// Name of the database below the directory of the service's state.
const DATABASE: &str = "service.sqlite";
/// Name of the key there.
const KEY: &str = "service.key";
/// Name of the directory for what is needed during a run only.
const SCRATCH: &str = "scratch";

/// Why the service cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Its database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The journal of its jobs.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A place that is read from or written to.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The place that a new job would read from.
    #[error("the source cannot be used")]
    Source(#[source] HostError),
    /// The place that a new job would write to.
    #[error("the destination cannot be used")]
    Destination(#[source] HostError),
    /// The object store of its archives.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A directory or a connection.
    #[error("could not {operation}")]
    System {
        /// What was tried.
        operation: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What happened in the operating system while something was tried.
pub(crate) fn system(operation: &'static str) -> impl FnOnce(io::Error) -> ServiceError {
    move |source| ServiceError::System { operation, source }
}

/// The database and the key below a directory, for whoever makes tokens.
///
/// # Errors
///
/// When either cannot be used.
pub fn open_state(directory: &Path) -> Result<(Store, ServiceKey), ServiceError> {
    make_private(directory).map_err(system("make the directory of the service's state"))?;
    let key = ServiceKey::open(&directory.join(KEY))?;
    Ok((Store::open(&directory.join(DATABASE))?, key))
}

/// What a service keeps in a database that other processes share, for whoever has its key.
///
/// # Errors
///
/// [`KeyError::Other`] when what is there was made with another key; or when the database cannot
/// be used.
pub async fn shared_state(
    pool: Pool,
    key: ServiceKey,
) -> Result<(Store, ServiceKey), ServiceError> {
    let store = Store::shared(pool);
    if !store.knows_key(key.sign(Use::Mark, b"")).await? {
        return Err(KeyError::Other.into());
    }
    Ok((store, key))
}

/// The service.
pub struct Service {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) key: ServiceKey,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) places: Arc<dyn Places>,
    scratch: Scratch,
    pub(crate) archives: Archives,
    /// Woken when there may be work.
    pub(crate) work: Notify,
    /// Held while a request looks whether there is room for it, and takes it.
    pub(crate) turn: Mutex<()>,
    /// How often each account has started something of late.
    pub(crate) starts: Starts,
    /// How often each account has started or planned something through the service's own API.
    pub(crate) own_starts: Starts,
    /// What is counted.
    pub(crate) metrics: Arc<Metrics>,
    /// Jobs that are being rolled back.
    pub(crate) hands: Hands,
    /// The jobs that somebody watches.
    pub(crate) feeds: Feeds,
    /// How far jobs were a moment ago.
    pub(crate) recent: Recent<JobId, Progress>,
    /// True when everything shall come to an end.
    pub(crate) stopping: watch::Sender<bool>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("state", &self.config.state).finish_non_exhaustive()
    }
}

/// A job to be added to the journal.
pub(crate) struct NewJob {
    pub(crate) from: Location,
    pub(crate) to: Location,
    pub(crate) options: JobOptions,
}

impl Service {
    /// Opens a service over what it keeps, as [`open_state`] or [`shared_state`] gave it.
    ///
    /// # Errors
    ///
    /// When something of it cannot be used.
    pub fn open(
        config: Config,
        (store, key): (Store, ServiceKey),
        journal: Arc<dyn Journal>,
        places: Arc<dyn Places>,
    ) -> Result<Arc<Self>, ServiceError> {
        make_private(&config.state).map_err(system("make a directory of the service"))?;
        let scratch = config.state.join(SCRATCH);
        let scratch = match store.is_shared() {
            false => Scratch::alone(scratch),
            true => Scratch::beside_others(&scratch),
        };
        let scratch = scratch.map_err(system("make the scratch directory"))?;
        let directories = [&config.archives, &config.bitbucket_imports, &config.bitbucket_exports];
        for directory in directories {
            make_private(directory).map_err(system("make a directory of the service"))?;
        }
        let archives = Archives::new(config.archives.clone(), config.archive_store.clone());
        archives.clear_old(config.archives_kept).map_err(system("remove old archives"))?;
        let (work, turn, starts) = (Notify::new(), Mutex::default(), Starts::default());
        let (metrics, stopping) = (Arc::default(), watch::Sender::new(false));
        Ok(Arc::new(Self {
            config,
            store,
            key,
            journal,
            places,
            scratch,
            archives,
            work,
            turn,
            starts,
            own_starts: Starts::default(),
            metrics,
            hands: Hands::default(),
            feeds: Feeds::default(),
            recent: Recent::default(),
            stopping,
        }))
    }

    /// Whoever wants to hear of waits for limits, which belong to the process and to no job.
    pub fn listener(&self) -> Arc<dyn Listener> {
        Arc::clone(&self.metrics) as Arc<dyn Listener>
    }

    /// Whether clients come over TLS, to here or to what stands before.
    pub(crate) fn is_https(&self) -> bool {
        match &self.config.external_url {
            Some(url) => url.scheme() == "https",
            None => self.config.tls.is_some(),
        }
    }

    /// A directory for one thing to do, removed with it.
    pub(crate) fn scratch(&self) -> Result<TempDir, ServiceError> {
        self.scratch.make().map_err(system("make a scratch directory"))
    }

    /// One job of the journal.
    pub(crate) async fn job(&self, id: JobId) -> Result<Option<JobView>, ServiceError> {
        Ok(self.journal.jobs(Some(id)).await?.into_iter().next())
    }

    /// Brings what is noted of a job's state in line with the journal's.
    pub(crate) async fn mirror(&self, part: &Part, state: JobState) -> Result<(), ServiceError> {
        if part.state != state.name() {
            let began = self.journal.kept(part.job, "plan").await?.is_some();
            self.store.mirror(part.id, state, began).await?;
        }
        Ok(())
    }

    /// A request, when there is one of that kind and the caller may see it.
    pub(crate) async fn request_of(
        &self,
        kind: &'static str,
        id: u64,
        caller: &Caller,
    ) -> Result<Option<Request>, ServiceError> {
        let found = self.store.request(kind, id).await?;
        Ok(found.filter(|it| caller.sees_of(&it.user)))
    }

    /// Asks all jobs of a request to stop.
    pub(crate) async fn cancel(&self, request: u64) -> Result<(), ServiceError> {
        // First the wish, which a worker that has just taken a job looks for; then the jobs.
        self.store.cancel(request).await?;
        for part in self.store.parts(request).await? {
            if part.settled_at.is_none() {
                self.cancel_part(&part).await?;
            }
        }
        self.work.notify_waiters();
        Ok(())
    }

    /// Asks one job to stop.
    pub(crate) async fn cancel_part(&self, part: &Part) -> Result<(), ServiceError> {
        // What was to be done with a job that has ended is not to be done any more.
        self.store.fulfilled(part.id).await?;
        self.journal.cancel(part.job).await?;
        // One that nobody had taken is over now, and makes room for another.
        let job = self.job(part.job).await?;
        if job.is_some_and(|it| it.state == JobState::Cancelled) {
            self.ended(part, JobState::Cancelled).await?;
        }
        Ok(())
    }

    /// Notes the end of a job, gives back what it held, and has it told.
    pub(crate) async fn ended(&self, part: &Part, state: JobState) -> Result<(), ServiceError> {
        if state != JobState::Finished {
            self.unlock_all(part.request).await?;
        }
        self.mirror(part, state).await?;
        if self.store.settle(part.id).await? && self.config.webhook.is_some() {
            self.store.deliver(part.job).await?;
        }
        Ok(())
    }

    /// Locks what a request has locks for.
    pub(crate) async fn lock_all(&self, request: u64) -> Result<(), ServiceError> {
        for lock in self.store.locks(request).await? {
            self.hold(&lock.place, &lock.project).await?;
        }
        Ok(())
    }

    /// Takes all locks of a request back.
    pub(crate) async fn unlock_all(&self, request: u64) -> Result<(), ServiceError> {
        for lock in self.store.locks(request).await? {
            self.unlock(request, &lock.project).await?;
        }
        Ok(())
    }

    /// Takes a lock of a request back; `false` when it holds none.
    pub(crate) async fn unlock(&self, request: u64, project: &str) -> Result<bool, ServiceError> {
        match self.store.unlock(request, project.to_owned()).await? {
            Some(lock) => self.hold(&lock.place, &lock.project).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// Brings a repository's lock in line with what is noted: the longest lease counts.
    pub(crate) async fn hold(&self, place: &str, project: &str) -> Result<(), ServiceError> {
        let of = (place.to_owned(), project.to_owned());
        let until = self.store.locked_until(of.0, of.1, now_ms()).await?;
        if let Ok(place) = place.parse::<Location>() {
            let held = self.places.lock(&place, project, until).await?;
            if !held && until.is_some() {
                tracing::warn!(%place, project, "this place cannot be locked; it stays open");
            }
        }
        Ok(())
    }
}
