//! Writing: chunks as they are flushed, bundles when a project is done, the manifest at the end.

mod buffer;
mod finish;
mod pen;
mod recover;

use super::{beside, layout};
use crate::container::ArchiveError;
use async_trait::async_trait;
use buffer::Buffers;
use data_encoding::HEXLOWER;
use futures::StreamExt;
use packhorse_core::{
    Capabilities, GitRemote, HostError, HostErrorKind, Loss, ObjectKind, Origin, Record, RepoKind,
    Scope, Settle, TargetId, Web,
    model::ObjectFormat,
    port::{BlobRef, ByteStream, Outcome, Sink, Written},
};
use packhorse_git::repository;
use pen::Pen;
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Where an archive is written.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) archive: PathBuf,
    pub(super) partial: PathBuf,
    /// Bare repositories and blobs on their way.
    pub(super) work: PathBuf,
}

impl Places {
    fn of(archive: &Path) -> Self {
        Self {
            archive: archive.to_owned(),
            partial: beside(archive, ".partial"),
            work: beside(archive, ".partial.d"),
        }
    }

    /// File with the name of this writing.
    pub(super) fn writing(&self) -> PathBuf {
        self.work.join("writing")
    }

    /// Bare repository of a project on its way.
    pub(super) fn repository(&self, project: &str, repo: RepoKind) -> Option<PathBuf> {
        let name = format!("{}.git", repo.name());
        Some(self.work.join("repositories").join(layout::file_name(project)?).join(name))
    }
}

/// The archive as a sink.
pub(super) struct ArchiveSink {
    places: Places,
    buffers: Mutex<Buffers>,
    pen: Arc<Mutex<Pen>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A writer that broke off writes nothing more, so nothing is lost by going on.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ArchiveSink {
    /// Opens an archive for writing; nothing is made before the first write.
    pub(super) fn open(path: &Path, resume: bool) -> Result<Self, HostError> {
        let places = Places::of(path);
        if places.archive.exists() && !resume {
            return Err(HostError::new(HostErrorKind::Conflict, "write the archive")
                .with("file", path.display())
                .because(
                    "a file of this name is there already, and an archive is written once; write \
                     to a new name and move it here when it is complete, or keep a `local:` store, \
                     which takes in differences, and export that",
                ));
        }
        let (pen, flushed) = recover::open(places.clone(), resume)?;
        let buffers = Mutex::new(Buffers::new(flushed));
        Ok(Self { places, buffers, pen: Arc::new(Mutex::new(pen)) })
    }

    /// Does something with the pen, away from the tasks that must not wait.
    async fn with_pen<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Pen) -> Result<T, ArchiveError> + Send + 'static,
    ) -> Result<T, HostError> {
        let pen = self.pen.clone();
        let done = tokio::task::spawn_blocking(move || work(&mut locked(&pen))).await;
        let done = done.map_err(|error| {
            HostError::new(HostErrorKind::Unavailable, "write the archive").because(error)
        })?;
        Ok(done?)
    }

    /// Takes a stream into a file on its way, checks it, and gives its hash and size.
    async fn receive(&self, blob: &BlobRef, mut bytes: ByteStream) -> Result<Received, HostError> {
        let fail = || ArchiveError::system("receive a file");
        let directory = self.places.work.join("blobs");
        std::fs::create_dir_all(&directory).map_err(fail())?;
        let mut file = tempfile::NamedTempFile::new_in(&directory).map_err(fail())?;
        let (mut hash, mut size) = (Sha256::new(), 0);
        while let Some(piece) = bytes.next().await {
            let piece = piece.map_err(|error| {
                HostError::new(HostErrorKind::Unavailable, "receive a file")
                    .with("object", &blob.origin)
                    .because(error)
            })?;
            hash.update(&piece);
            size += piece.len() as u64;
            file.write_all(&piece).map_err(fail())?;
        }
        let sha256 = HEXLOWER.encode(&hash.finalize());
        let is_right = blob.size.is_none_or(|it| it == size)
            && blob.sha256.as_ref().is_none_or(|it| *it == sha256);
        if !is_right {
            return Err(HostError::new(HostErrorKind::Rejected, "store a file")
                .with("object", &blob.origin)
                .because("its bytes have not the announced size or hash"));
        }
        Ok(Received { file, sha256, size })
    }
}

/// A blob on its way.
struct Received {
    file: tempfile::NamedTempFile,
    sha256: String,
    size: u64,
}

#[async_trait]
impl Sink for ArchiveSink {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        let writing = locked(&self.pen).writing.clone();
        let identity = format!("packhorse-archive:{}@{writing}", self.places.archive.display());
        let mut capabilities = Capabilities::promised(super::support::writes, identity);
        capabilities.settle = Settle::Page;
        Ok(capabilities)
    }

    async fn find(&self, scope: &Scope, record: &Record) -> Result<Option<TargetId>, HostError> {
        let is_there = locked(&self.buffers).holds(scope, &record.origin)?;
        Ok(is_there.then(|| TargetId(record.origin.id.clone())))
    }

    /// Only what is told before the first write has a place.
    async fn remember(&self, former: &[Web]) -> Result<(), HostError> {
        locked(&self.pen).addresses = former.to_vec();
        Ok(())
    }

    async fn write(
        &self,
        scope: &Scope,
        record: &Record,
        _: Option<&TargetId>,
    ) -> Result<Written, HostError> {
        // A project is called as its scope is, also when it got another path on its way.
        let id = match scope.project() {
            Some(path) if record.origin.kind == ObjectKind::Project => path,
            _ => &record.origin.id,
        };
        let origin = Origin::new(record.origin.kind, id);
        let was_there = locked(&self.buffers).put(scope, &origin, record)?;
        let outcome = if was_there { Outcome::Updated } else { Outcome::Created };
        Ok(Written { target: TargetId(origin.id), outcome, losses: Vec::new() })
    }

    async fn remove(&self, scope: &Scope, origin: &Origin, _: &TargetId) -> Result<(), HostError> {
        let mut buffers = locked(&self.buffers);
        if !buffers.take_back(scope, origin) && buffers.holds(scope, origin)? {
            buffers.remove(scope, origin);
        }
        Ok(())
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        let Some(path) = self.places.repository(project, repo) else {
            return Err(HostError::new(HostErrorKind::Rejected, "make a repository")
                .with("project", project));
        };
        locked(&self.pen).begin()?;
        if !repository::is_repository(&path) {
            repository::init_bare(&path, ObjectFormat::Sha1)?;
        }
        Ok(Some(GitRemote::local(&path)))
    }

    async fn save(&self, blob: &BlobRef, bytes: ByteStream) -> Result<(), HostError> {
        self.with_pen(Pen::begin).await?;
        let received = self.receive(blob, bytes).await?;
        let line =
            super::manifest::BlobLine { sha256: received.sha256.clone(), size: received.size };
        self.with_pen(move |pen| {
            let file =
                File::open(received.file.path()).map_err(ArchiveError::system("receive a file"))?;
            pen.blob(&received.sha256, received.size, file)
        })
        .await?;
        locked(&self.buffers).belongs(&blob.scope, &blob.origin, line);
        Ok(())
    }

    async fn flush(&self, scope: &Scope) -> Result<(), HostError> {
        let chunks = locked(&self.buffers).take(scope)?;
        if chunks.is_empty() {
            return Ok(());
        }
        let scope = scope.clone();
        self.with_pen(move |pen| pen.chunks(&scope, &chunks)).await
    }

    async fn finish(&self, scope: &Scope) -> Result<Vec<(Origin, Loss)>, HostError> {
        self.flush(scope).await?;
        match scope {
            Scope::Shared => {
                let left = locked(&self.buffers).scopes();
                for scope in left {
                    self.flush(&scope).await?;
                }
                self.with_pen(finish::archive).await?;
            }
            Scope::Project(project) => self.finish_project(project).await?,
        }
        Ok(Vec::new())
    }
}

impl ArchiveSink {
    async fn finish_project(&self, project: &str) -> Result<(), HostError> {
        for repo in [RepoKind::Code, RepoKind::Wiki] {
            let Some(path) = self.places.repository(project, repo) else { continue };
            if repository::is_repository(&path) {
                let bundled = finish::bundle(&path).await?;
                let project = project.to_owned();
                self.with_pen(move |pen| pen.repository(&project, repo, &bundled)).await?;
            }
        }
        Ok(())
    }
}
