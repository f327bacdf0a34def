//! The archive as a sink.

use super::{
    address::{Address, BASE, Site},
    export::export,
    index::Index,
    losses::{Prepared, prepare},
    map::project::webhook_id,
    seed,
    source::identity,
    spool::{Spool, SpoolError, directory, hex},
    support,
    survey::survey,
};
use crate::container::{self, Archive};
use async_trait::async_trait;
use futures::StreamExt;
use packhorse_core::{
    Capabilities, GitRemote, HostError, HostErrorKind, Limits, Loss, Object, ObjectKind, Origin,
    Record, RepoKind, Retry, Scope, Settle, TargetId,
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

/// Longest description that GitHub takes of a repository.
///
/// Source: GitHub's settings page of a repository.
const MAX_DESCRIPTION_CHARS: usize = 350;

/// The archive as a sink.
pub(super) struct GithubSink {
    path: PathBuf,
    resume: bool,
    /// Made with the first write, so that opening an archive leaves nothing behind.
    spool: Arc<Mutex<Option<Spool>>>,
    /// What the archive that was there before holds, if anybody has asked.
    complete: OnceCell<Arc<Index>>,
    scratch: PathBuf,
}

impl SpoolError {
    fn kind(&self) -> HostErrorKind {
        match self {
            Self::Foreign(_) | Self::Busy(_) => HostErrorKind::Conflict,
            Self::Announced { .. } => HostErrorKind::Rejected,
            Self::Record(..) => HostErrorKind::Protocol,
            Self::Database(_)
            | Self::Disk(_)
            | Self::Arriving(_)
            | Self::Archive(_)
            | Self::Repository(_)
            | Self::Ended => HostErrorKind::Unavailable,
        }
    }

    /// The same for whoever called the sink.
    fn during(self, operation: &'static str) -> HostError {
        let mut error = HostError::new(self.kind(), operation);
        if matches!(self, Self::Arriving(_)) {
            error.retry = Retry::After(None);
        }
        error.because(self)
    }
}

/// Runs what waits for the disk on a thread that may wait.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SpoolError> + Send + 'static,
) -> Result<T, SpoolError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| SpoolError::Ended)?
}

impl GithubSink {
    /// The sink of an archive that is, or is not yet, at that path.
    pub(super) fn new(path: &Path, scratch: &Path, resume: bool) -> Self {
        Self {
            path: path.to_owned(),
            resume,
            spool: Arc::default(),
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
            let (index, scope) = (self.complete().await?, scope.clone());
            let (kind, id) = (origin.kind, origin.id.clone());
            blocking(move || seed::find(&index, &scope, (kind, &id))).await
        };
        found.await.map_err(|error| error.during("find a record").with("record", origin))
    }

    /// What the archive that is there holds.
    async fn complete(&self) -> Result<Arc<Index>, SpoolError> {
        let read = || async {
            let (path, scratch) = (self.path.clone(), self.scratch.clone());
            blocking(move || {
                let archive = Arc::new(Archive::open(&path, container::Limits::of_this_run())?);
                Ok(Arc::new(survey(&archive, &scratch)?))
            })
            .await
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
        blocking(move || {
            if spool.is_none() {
                *spool = Some(Spool::open(&path, resume)?);
            }
            spool.as_mut().map_or(Err(SpoolError::Ended), work)
        })
        .await
    }

    /// Version of the archive as it is complete; `None` while it is not.
    async fn version(&self) -> Result<Option<String>, HostError> {
        if !self.path.exists() || !self.is_untouched().await {
            return Ok(None);
        }
        let path = self.path.clone();
        blocking(move || Ok(Archive::open(&path, container::Limits::of_this_run())?.sha256()?))
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
        let object = placed(scope, &record.object);
        let site = Site::new(scope.key());
        let mut prepared = prepare(&site, &record.origin.id, &object);
        let losses = std::mem::take(&mut prepared.losses);
        let (scope, origin) = (scope.clone(), record.origin.id.clone());
        let existing = existing.cloned();
        let mut open = self.spool.lock().await;
        if let Some(spool) = open.as_mut().filter(|it| !it.is_full()) {
            // Into memory alone, so nobody has to wait.
            return put(spool, &scope, (&origin, &object), (prepared, losses), existing);
        }
        drop(open);
        self.with(move |spool| put(spool, &scope, (&origin, &object), (prepared, losses), existing))
            .await
    }

    /// The reactions of a project to what never arrived: they stand in what they are to, and the
    /// archive has no other place for them.
    async fn strays(&self, project: &str) -> Result<Vec<(Origin, Loss)>, SpoolError> {
        if self.is_untouched().await {
            return Ok(Vec::new());
        }
        let project = project.to_owned();
        let strays = self.with(move |spool| {
            spool.flush()?;
            spool.stray_reactions(&project)
        });
        let lost = |id| {
            let loss = Loss::sink(Loss::WHOLE, "what it is a reaction to is not in the archive");
            (Origin::new(ObjectKind::Reaction, id), loss)
        };
        Ok(strays.await?.into_iter().map(lost).collect())
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
        let sha256 = hex(&sum.finalize());
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
fn placed(scope: &Scope, object: &Object) -> Object {
    match (scope.project(), object) {
        (Some(path), Object::Project(it)) => {
            Object::Project(Project { path: path.to_owned(), ..it.clone() })
        }
        _ => object.clone(),
    }
}

fn put(
    spool: &mut Spool,
    scope: &Scope,
    (origin, object): (&str, &Object),
    (mut prepared, mut losses): (Prepared, Vec<Loss>),
    existing: Option<TargetId>,
) -> Result<Written, SpoolError> {
    let kind = object.kind();
    let created = if existing.is_some() { Outcome::Updated } else { Outcome::Created };
    if prepared.is_left_out {
        if let Some(old) = existing {
            spool.remove(scope, &Origin::new(kind, origin), &old.0);
        }
        let target = TargetId(prepared.target);
        return Ok(Written { target, outcome: Outcome::Dropped, losses });
    }
    if kind == ObjectKind::Webhook {
        // Two hooks may call one address: they are told apart as the reader does it.
        let url = prepared.target.clone();
        let mut n = 1;
        while spool.is_taken(scope, kind, &prepared.target, origin)? {
            n += 1;
            prepared.target = webhook_id(&url, n);
        }
    } else if prepared.target != origin
        && spool.is_taken(scope, kind, &prepared.target, origin)?
        && existing.as_ref().is_none_or(|it| it.0 != prepared.target)
    {
        losses.push(Loss::sink(Loss::WHOLE, "another record is called like that and stays"));
        let target = TargetId(prepared.target);
        return Ok(Written { target, outcome: Outcome::Dropped, losses });
    }
    let target = TargetId(prepared.target.clone());
    if let Some(old) = existing.filter(|it| *it != target) {
        spool.remove(scope, &Origin::new(kind, origin), &old.0);
    }
    spool.put(scope, origin, object, prepared)?;
    Ok(Written { target, outcome: created, losses })
}

/// Writes the archive under a passing name, then gives it its own and removes the spool.
fn complete(path: &Path, spool: &mut Spool) -> Result<(), SpoolError> {
    spool.flush()?;
    let passing = spool.path().join("archive.tar.gz");
    export(spool, &passing)?;
    fs::rename(&passing, path)?;
    let above = path.parent().filter(|it| !it.as_os_str().is_empty());
    File::open(above.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}

#[async_trait]
impl Sink for GithubSink {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        let mut capabilities = Capabilities::promised(support::writes, identity(&self.path));
        capabilities.settle = Settle::Page;
        capabilities.web_url = Some(BASE.to_owned());
        capabilities.version = self.version().await?;
        capabilities.limits = Limits {
            label_color_hex: true,
            project_description_chars: Some(MAX_DESCRIPTION_CHARS),
            ..Limits::default()
        };
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
        let holds = |path| Address::of(Site::new(path).url()).project().as_deref() == Some(path);
        if scope.project().is_some_and(|it| !holds(it)) {
            return Err(
                HostError::new(HostErrorKind::Rejected, "write a record").with("project", scope)
            );
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
        let path = self.path.clone();
        let completed = self.with(move |spool| complete(&path, spool)).await;
        completed.map_err(|error| error.during("complete the archive"))?;
        // Closed before its file goes.
        drop(self.spool.lock().await.take());
        fs::remove_dir_all(directory(&self.path)).map_err(|error| {
            SpoolError::from(error).during("remove what the archive was made of")
        })?;
        Ok(Vec::new())
    }
}
