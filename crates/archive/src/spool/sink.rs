//! The spool as a sink, whatever the format.

use super::{
    Prepared, Shape, Spool, SpoolError, directory,
    front::{Front, Waiting},
};
use async_trait::async_trait;
use data_encoding::HEXLOWER;
use futures::StreamExt;
use packhorse_core::{
    Capabilities, GitRemote, HostError, HostErrorKind, Loss, Object, ObjectKind, Origin, Record,
    RepoKind, Retry, Scope, Settle, TargetId,
    model::{ObjectFormat, Project},
    port::{BlobRef, ByteStream, Outcome, Sink, Written},
};
use packhorse_git::repository;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{
    io::AsyncWriteExt,
    sync::{Mutex, OnceCell},
};

/// A format whose archives are made of a spool.
pub(crate) trait Layout: Send + Sync + 'static {
    /// What a complete archive holds.
    type Complete: Send + Sync + 'static;

    /// What is its own in a spool.
    fn shape(&self) -> &'static Shape;
    /// What the archive at that path can hold, its version apart.
    fn capabilities(&self, path: &Path) -> Capabilities;
    /// Why a project of that path cannot be in it; `None` where it can.
    fn refuses(&self, project: &str) -> Option<&'static str>;
    /// The object as the archive calls it, and what it refers to.
    fn placed(&self, scope: &Scope, object: &Object) -> Object {
        placed(scope, object)
    }
    /// Looks what becomes of an object of that id.
    fn prepare(&self, scope: &Scope, id: &str, object: &Object) -> Prepared;
    /// Another name for the `n`th record of one name, where several may have it.
    fn renamed(&self, kind: ObjectKind, target: &str, n: u64) -> Option<String>;
    /// What is lost of an object where a record of that kind and id is there as well.
    fn crowded(&self, _: &Object) -> Option<(ObjectKind, String, Loss)> {
        None
    }
    /// Reads through the archive that is there.
    fn open(&self, path: &Path, scratch: &Path) -> Result<Self::Complete, SpoolError>;
    /// Looks for a record in it.
    fn find(
        &self,
        complete: &Self::Complete,
        scope: &Scope,
        record: (ObjectKind, &str),
    ) -> Result<Option<TargetId>, SpoolError>;
    /// What changes whenever the archive does.
    fn version(&self, path: &Path) -> Result<String, SpoolError>;
    /// What of a project turns out to have no place.
    fn strays(&self, spool: &Spool, project: &str) -> Result<Vec<(Origin, Loss)>, SpoolError>;
    /// Makes the archive under a passing name, in the spool's directory.
    fn export(&self, spool: &Spool, to: &Path) -> Result<(), SpoolError>;
}

/// An archive as a sink.
pub(crate) struct SpoolSink<L: Layout> {
    layout: Arc<L>,
    path: PathBuf,
    resume: bool,
    /// Made with the first write, so that opening an archive leaves nothing behind.
    spool: Arc<Mutex<Option<Spool>>>,
    /// What waits to be put into it.
    front: Arc<Front>,
    /// What the archive that was there before holds, if anybody has asked.
    complete: OnceCell<Arc<L::Complete>>,
    scratch: PathBuf,
}

impl SpoolError {
    fn kind(&self) -> HostErrorKind {
        match self {
            Self::Foreign(_) | Self::Busy(_) => HostErrorKind::Conflict,
            Self::Announced { .. } | Self::Place(_) => HostErrorKind::Rejected,
            Self::Record(..) => HostErrorKind::Protocol,
            Self::Archive(error) => error.kind(),
            Self::Disk(error) if error.kind() == std::io::ErrorKind::NotFound => {
                HostErrorKind::NotFound
            }
            Self::Database(_)
            | Self::Disk(_)
            | Self::Arriving(_)
            | Self::Repository(_)
            | Self::Ended => HostErrorKind::Unavailable,
        }
    }

    /// The same for whoever called the sink.
    pub(crate) fn during(self, operation: &'static str) -> HostError {
        let mut error = HostError::new(self.kind(), operation);
        if matches!(self, Self::Arriving(_)) {
            error.retry = Retry::After(None);
        }
        error.because(self)
    }
}

/// Runs what waits for the disk on a thread that may wait.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SpoolError> + Send + 'static,
) -> Result<T, SpoolError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| SpoolError::Ended)?
}

impl<L: Layout> SpoolSink<L> {
    /// The sink of an archive that is, or is not yet, at that path.
    pub(crate) fn new(layout: L, path: &Path, scratch: &Path, resume: bool) -> Self {
        Self {
            layout: Arc::new(layout),
            path: path.to_owned(),
            resume,
            spool: Arc::default(),
            front: Arc::default(),
            complete: OnceCell::new(),
            scratch: scratch.to_owned(),
        }
    }

    /// Whether neither this run nor a killed one has begun to write.
    async fn is_untouched(&self) -> bool {
        self.spool.lock().await.is_none() && !directory(&self.path).exists()
    }

    /// Looks for a record in the archive that is there, without making a spool of it.
    async fn find_in_archive(
        &self,
        scope: &Scope,
        origin: &Origin,
    ) -> Result<Option<TargetId>, HostError> {
        if !self.path.exists() {
            return Ok(None);
        }
        let found = async {
            let (complete, scope) = (self.complete().await?, scope.clone());
            let (layout, origin) = (Arc::clone(&self.layout), origin.clone());
            blocking(move || layout.find(&complete, &scope, (origin.kind, &origin.id))).await
        };
        found.await.map_err(|error| error.during("find a record").with("record", origin))
    }

    /// What the archive that is there holds.
    async fn complete(&self) -> Result<Arc<L::Complete>, SpoolError> {
        let read = || async {
            let (path, scratch) = (self.path.clone(), self.scratch.clone());
            let layout = Arc::clone(&self.layout);
            blocking(move || layout.open(&path, &scratch).map(Arc::new)).await
        };
        self.complete.get_or_try_init(read).await.cloned()
    }

    /// Works with the spool on a thread that may wait.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Spool) -> Result<T, SpoolError> + Send + 'static,
    ) -> Result<T, SpoolError> {
        let mut spool = Arc::clone(&self.spool).lock_owned().await;
        let (path, resume) = (self.path.clone(), self.resume);
        let (shape, front) = (self.layout.shape(), Arc::clone(&self.front));
        blocking(move || {
            if spool.is_none() {
                *spool = Some(Spool::open(&path, resume, shape)?);
                front.open(true);
            }
            let spool = spool.as_mut().ok_or(SpoolError::Ended)?;
            front.empty_into(spool)?;
            work(spool)
        })
        .await
    }

    /// Version of the archive as it is complete; `None` while it is not.
    async fn version(&self) -> Result<Option<String>, HostError> {
        if !self.path.exists() || !self.is_untouched().await {
            return Ok(None);
        }
        let (layout, path) = (Arc::clone(&self.layout), self.path.clone());
        blocking(move || layout.version(&path))
            .await
            .map(Some)
            .map_err(|error| error.during("read the archive"))
    }

    async fn put(
        &self,
        scope: &Scope,
        record: &Record,
        existing: Option<&TargetId>,
    ) -> Result<Written, SpoolError> {
        let object = self.layout.placed(scope, &record.object);
        let mut prepared = self.layout.prepare(scope, &record.origin.id, &object);
        let losses = std::mem::take(&mut prepared.losses);
        let (scope, origin) = (scope.clone(), record.origin.id.clone());
        let is_called_so = prepared.target == origin
            && existing.is_none_or(|it| it.0 == origin)
            && self.layout.renamed(object.kind(), &origin, 1).is_none();
        let is_plain =
            is_called_so && !prepared.is_left_out && self.layout.crowded(&object).is_none();
        let (target, outcome) = (TargetId(prepared.target.clone()), outcome(existing));
        let waiting = Waiting { scope, origin, object, prepared };
        // Nothing is looked up for most, so that they need not wait for what is made durable.
        let waiting = if is_plain {
            match self.front.take(waiting) {
                None => return Ok(Written { target, outcome, losses }),
                Some(waiting) => waiting,
            }
        } else {
            waiting
        };
        self.put_now(waiting, losses, existing.cloned()).await
    }

    /// Puts a record into the spool, where more has to be looked up for it.
    async fn put_now(
        &self,
        record: Waiting,
        losses: Vec<Loss>,
        existing: Option<TargetId>,
    ) -> Result<Written, SpoolError> {
        let mut open = self.spool.lock().await;
        if let Some(spool) = open.as_mut().filter(|it| it.has_room(self.front.n_bytes())) {
            // Into memory alone, so nobody has to wait.
            self.front.empty_into(spool)?;
            return put(&*self.layout, spool, record, losses, existing);
        }
        drop(open);
        let layout = Arc::clone(&self.layout);
        self.with(move |spool| put(&*layout, spool, record, losses, existing)).await
    }

    /// What of a project never got what it is embedded in: the archive has no other place for it.
    async fn strays(&self, project: &str) -> Result<Vec<(Origin, Loss)>, SpoolError> {
        if self.is_untouched().await {
            return Ok(Vec::new());
        }
        let (layout, project) = (Arc::clone(&self.layout), project.to_owned());
        self.with(move |spool| {
            spool.flush()?;
            layout.strays(spool, &project)
        })
        .await
    }

    async fn receive(&self, blob: &BlobRef, mut bytes: ByteStream) -> Result<(), SpoolError> {
        let directory = self.with(|spool| Ok(spool.path().join("blobs"))).await?;
        let file = tempfile::NamedTempFile::new_in(&directory)?;
        let mut to = tokio::fs::File::from_std(file.as_file().try_clone()?);
        let (mut sum, mut size) = (Sha256::new(), 0);
        while let Some(piece) = bytes.next().await {
            let piece = piece.map_err(SpoolError::Arriving)?;
            size += piece.len() as u64;
            // SECURITY: what goes on beyond its announced size does not fill the disk.
            if blob.size.is_some_and(|it| size > it) {
                break;
            }
            sum.update(&piece);
            to.write_all(&piece).await?;
        }
        to.flush().await?;
        let sha256 = HEXLOWER.encode(&sum.finalize());
        check("bytes", blob.size, size)?;
        check("SHA-256", blob.sha256.as_deref(), sha256.as_str())?;
        let (scope, origin) = (blob.scope.clone(), blob.origin.clone());
        self.with(move |spool| {
            file.as_file().sync_all()?;
            file.persist(spool.blob(&sha256)).map_err(|it| it.error)?;
            spool.link(&scope, &origin, (sha256, size));
            Ok(())
        })
        .await
    }
}

fn check<T: PartialEq + std::fmt::Display>(
    what: &str,
    expected: Option<T>,
    found: T,
) -> Result<(), SpoolError> {
    match expected {
        Some(expected) if expected != found => Err(SpoolError::Announced {
            expected: format!("{what} {expected}"),
            found: found.to_string(),
        }),
        _ => Ok(()),
    }
}

/// A project is called as its scope is.
pub(crate) fn placed(scope: &Scope, object: &Object) -> Object {
    match (scope.project(), object) {
        (Some(path), Object::Project(it)) => {
            Object::from(Project { path: path.to_owned(), ..(**it).clone() })
        }
        _ => object.clone(),
    }
}

fn outcome(existing: Option<&TargetId>) -> Outcome {
    if existing.is_some() { Outcome::Updated } else { Outcome::Created }
}

fn put(
    layout: &impl Layout,
    spool: &mut Spool,
    record: Waiting,
    mut losses: Vec<Loss>,
    existing: Option<TargetId>,
) -> Result<Written, SpoolError> {
    let Waiting { scope, origin, object, mut prepared } = record;
    let (scope, origin, object) = (&scope, origin.as_str(), &object);
    let kind = object.kind();
    let created = outcome(existing.as_ref());
    if prepared.is_left_out {
        if let Some(old) = existing {
            spool.remove(scope, &Origin::new(kind, origin), &old.0);
        }
        let target = TargetId(prepared.target);
        return Ok(Written { target, outcome: Outcome::Dropped, losses });
    }
    if layout.renamed(kind, &prepared.target, 1).is_some() {
        // Several may be called alike: they are told apart as the reader does it.
        let first = prepared.target.clone();
        let mut n = 1;
        while spool.is_taken(scope, kind, &prepared.target, origin)? {
            n += 1;
            prepared.target = layout.renamed(kind, &first, n).unwrap_or_default();
        }
    } else if prepared.target != origin
        && spool.is_taken(scope, kind, &prepared.target, origin)?
        && existing.as_ref().is_none_or(|it| it.0 != prepared.target)
    {
        losses.push(Loss::sink(Loss::WHOLE, "another record is called like that and stays"));
        let target = TargetId(prepared.target);
        return Ok(Written { target, outcome: Outcome::Dropped, losses });
    }
    if let Some((other, id, loss)) = layout.crowded(object)
        && spool.find(scope, &Origin::new(other, id))?.is_some()
    {
        losses.push(loss);
    }
    let target = TargetId(prepared.target.clone());
    if let Some(old) = existing.filter(|it| *it != target) {
        spool.remove(scope, &Origin::new(kind, origin), &old.0);
    }
    spool.put(scope, origin, object, prepared)?;
    Ok(Written { target, outcome: created, losses })
}

/// Writes the archive under a passing name, then gives it its own and removes the spool.
fn complete(layout: &impl Layout, path: &Path, spool: &mut Spool) -> Result<(), SpoolError> {
    spool.flush()?;
    let passing = spool.path().join("archive");
    layout.export(spool, &passing)?;
    if path.is_dir() {
        // What was there goes with the spool.
        fs::rename(path, spool.path().join("before"))?;
    }
    fs::rename(&passing, path)?;
    let above = path.parent().filter(|it| !it.as_os_str().is_empty());
    File::open(above.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}

#[async_trait]
impl<L: Layout> Sink for SpoolSink<L> {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        let mut capabilities = self.layout.capabilities(&self.path);
        capabilities.settle = Settle::Page;
        capabilities.version = self.version().await?;
        Ok(capabilities)
    }

    async fn find(&self, scope: &Scope, record: &Record) -> Result<Option<TargetId>, HostError> {
        let origin = &record.origin;
        if self.is_untouched().await {
            return self.find_in_archive(scope, origin).await;
        }
        let (of, wanted) = (scope.clone(), origin.clone());
        self.with(move |spool| spool.find(&of, &wanted))
            .await
            .map(|it| it.map(TargetId))
            .map_err(|error| error.during("find a record").with("record", origin))
    }

    async fn write(
        &self,
        scope: &Scope,
        record: &Record,
        existing: Option<&TargetId>,
    ) -> Result<Written, HostError> {
        if let Some(why) = scope.project().and_then(|it| self.layout.refuses(it)) {
            let error = SpoolError::Place(why).during("write a record");
            return Err(error.with("project", scope));
        }
        self.put(scope, record, existing)
            .await
            .map_err(|error| error.during("write a record").with("record", &record.origin))
    }

    async fn remove(
        &self,
        scope: &Scope,
        origin: &Origin,
        target: &TargetId,
    ) -> Result<(), HostError> {
        let (of, gone, called) = (scope.clone(), origin.clone(), target.0.clone());
        self.with(move |spool| {
            spool.remove(&of, &gone, &called);
            Ok(())
        })
        .await
        .map_err(|error| error.during("remove a record").with("record", origin))
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        let path = project.to_owned();
        self.with(move |spool| {
            spool.know(&path)?;
            let repository = spool.repository(&path, repo);
            repository::init_bare(&repository, ObjectFormat::default())?;
            Ok(repository)
        })
        .await
        .map(|it| Some(GitRemote::local(&it)))
        .map_err(|error| error.during("make a repository").with("project", project))
    }

    async fn save(&self, blob: &BlobRef, bytes: ByteStream) -> Result<(), HostError> {
        self.receive(blob, bytes)
            .await
            .map_err(|error| error.during("store a blob").with("record", &blob.origin))
    }

    async fn flush(&self, scope: &Scope) -> Result<(), HostError> {
        if self.spool.lock().await.is_none() {
            return Ok(());
        }
        self.with(Spool::flush)
            .await
            .map_err(|error| error.during("make records durable").with("scope", scope))
    }

    async fn finish(&self, scope: &Scope) -> Result<Vec<(Origin, Loss)>, HostError> {
        if let Some(project) = scope.project() {
            return self.strays(project).await.map_err(|error| {
                error.during("look for what has no place").with("project", project)
            });
        }
        let is_done = self.path.exists() && !directory(&self.path).exists();
        if is_done {
            return Ok(Vec::new());
        }
        let (layout, path) = (Arc::clone(&self.layout), self.path.clone());
        let completed = self.with(move |spool| complete(&*layout, &path, spool)).await;
        completed.map_err(|error| error.during("complete the archive"))?;
        // Closed before its file goes.
        self.front.open(false);
        drop(self.spool.lock().await.take());
        fs::remove_dir_all(directory(&self.path)).map_err(|error| {
            SpoolError::from(error).during("remove what the archive was made of")
        })?;
        Ok(Vec::new())
    }
}
