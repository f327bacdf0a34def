//! A spool that an archive was read into, as a source.

use super::{Spool, SpoolError};
use crate::container::ArchiveError;
use async_trait::async_trait;
use data_encoding::HEXLOWER;
use packhorse_core::{
    Capabilities, Cursor, GitRemote, HostError, HostErrorKind, Lane, ObjectKind, RepoKind, Scope,
    Settle, Support,
    port::{BlobRef, ByteStream, Inventory, KindCount, Page, Source, SourceLoss},
};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::OnceCell;

/// A format whose archives are read into a spool first.
pub(crate) trait Reading: Send + Sync + 'static {
    /// What was read through, where bytes are taken from afterwards.
    type Contents: Contents;

    /// Name of the format.
    const FORMAT: &'static str;

    /// What can be read.
    fn reads(kind: ObjectKind) -> Support;
    /// What changes whenever the archive does.
    fn version(&self, path: &Path) -> Result<String, SpoolError>;
    /// Reads an archive through, into a spool below `scratch`; `only` is the project that the
    /// location names.
    fn survey(
        &self,
        path: &Path,
        only: Option<&str>,
        scratch: &Path,
    ) -> Result<Surveyed<Self::Contents>, SpoolError>;
}

/// Where the bytes of an archive are.
pub(crate) trait Contents: Send + Sync + 'static {
    /// Opens the bytes at a place that was noted in the spool, at an offset in them.
    fn open(&self, place: &str, from: u64) -> Result<Box<dyn Read + Send>, ArchiveError>;
    /// Bytes of a project's repository; `None` where it has none.
    fn repository_bytes(&self, project: &str, repo: RepoKind) -> Option<u64>;
    /// Makes a bare repository of it, at a path that is not there yet.
    fn unpack(&self, project: &str, repo: RepoKind, to: &Path) -> Result<(), SpoolError>;
}

/// What reading an archive through came to.
pub(crate) struct Surveyed<C> {
    pub(crate) spool: Mutex<Spool>,
    pub(crate) contents: C,
    /// What is lost already in reading.
    pub(crate) losses: Vec<SourceLoss>,
    /// Goes with what was read.
    pub(crate) _directory: tempfile::TempDir,
}

impl<C> Surveyed<C> {
    /// Works with the spool.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&Spool) -> T) -> T {
        work(&self.spool.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// An archive as a source, or one project of it.
pub(crate) struct SpoolSource<F: Reading> {
    format: Arc<F>,
    path: PathBuf,
    scratch: PathBuf,
    only: Option<String>,
    surveyed: OnceCell<Arc<Surveyed<F::Contents>>>,
    version: OnceCell<String>,
    unpacked: tokio::sync::Mutex<HashMap<(String, RepoKind), PathBuf>>,
}

/// Stable name of the archive at that path, also while there is none.
pub(crate) fn identity(format: &str, path: &Path) -> String {
    let parent = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let whole = path
        .canonicalize()
        .ok()
        .or_else(|| Some(parent.canonicalize().ok()?.join(path.file_name()?)));
    format!("{format}:{}", whole.as_deref().unwrap_or(path).display())
}

/// SHA-256 over the names, sizes and times of files: cheap, and another one after each change.
pub(crate) fn version_of_files(files: &[PathBuf]) -> Result<String, SpoolError> {
    let mut hash = Sha256::new();
    for file in files {
        let data = file.metadata()?;
        let changed = data.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let line = format!("{}\n{}\n{}\n", file.display(), data.len(), changed.as_nanos());
        hash.update(line);
    }
    Ok(HEXLOWER.encode(&hash.finalize()))
}

impl<F: Reading> SpoolSource<F> {
    /// The source of the archive at that path.
    pub(crate) fn new(format: F, path: &Path, only: Option<String>, scratch: &Path) -> Self {
        Self {
            format: Arc::new(format),
            path: path.to_owned(),
            scratch: scratch.to_owned(),
            only,
            surveyed: OnceCell::new(),
            version: OnceCell::new(),
            unpacked: tokio::sync::Mutex::default(),
        }
    }

    /// What the archive holds; the first caller reads it through, and the others wait for that.
    async fn surveyed(&self) -> Result<Arc<Surveyed<F::Contents>>, SpoolError> {
        let read = || async {
            let (format, path) = (Arc::clone(&self.format), self.path.clone());
            let (only, scratch) = (self.only.clone(), self.scratch.clone());
            super::sink::blocking(move || {
                format.survey(&path, only.as_deref(), &scratch).map(Arc::new)
            })
            .await
        };
        self.surveyed.get_or_try_init(read).await.cloned()
    }

    /// Works with what the archive holds, on a thread that may wait.
    async fn with<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Surveyed<F::Contents>) -> Result<T, SpoolError> + Send + 'static,
    ) -> Result<T, HostError> {
        let done = async {
            let surveyed = self.surveyed().await?;
            super::sink::blocking(move || work(&surveyed)).await
        };
        done.await.map_err(|error| error.during(operation).with("path", self.path.display()))
    }

    /// Whether the location leaves that project out.
    fn leaves_out(&self, scope: &Scope) -> bool {
        matches!((&self.only, scope.project()), (Some(only), Some(path)) if only != path)
    }
}

/// What there is in a scope.
fn inventory<C: Contents>(
    surveyed: &Surveyed<C>,
    scope: &Scope,
    only: Option<&str>,
) -> Result<Inventory, SpoolError> {
    let mut counts = surveyed.with(|spool| spool.counts(scope))?;
    let Some(project) = scope.project() else {
        let projects = surveyed.with(Spool::projects)?;
        let n = projects.iter().filter(|it| only.is_none_or(|only| only == it.path)).count();
        if n > 0 {
            let records = Some(n as u64);
            counts.push(KindCount { kind: ObjectKind::Project, records, bytes: None });
        }
        counts.sort_by_key(|it| it.kind);
        return Ok(Inventory { counts, losses: surveyed.losses.clone() });
    };
    counts.retain(|it| it.kind != ObjectKind::Project);
    let kinds = [(ObjectKind::Repository, RepoKind::Code), (ObjectKind::Wiki, RepoKind::Wiki)];
    for (kind, repo) in kinds {
        if let Some(bytes) = surveyed.contents.repository_bytes(project, repo) {
            counts.push(KindCount { kind, records: Some(1), bytes: Some(bytes) });
        }
    }
    counts.sort_by_key(|it| it.kind);
    Ok(Inventory { counts, losses: Vec::new() })
}

#[async_trait]
impl<F: Reading> Source for SpoolSource<F> {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        let identity = identity(F::FORMAT, &self.path);
        let mut capabilities = Capabilities::promised(F::reads, identity);
        capabilities.settle = Settle::Page;
        let version = || async {
            let (format, path) = (Arc::clone(&self.format), self.path.clone());
            super::sink::blocking(move || format.version(&path)).await
        };
        let version = self.version.get_or_try_init(version).await;
        let version = version
            .map_err(|it| it.during("read the archive").with("path", self.path.display()))?;
        capabilities.version = Some(version.clone());
        Ok(capabilities)
    }

    async fn inventory(&self, scope: &Scope) -> Result<Inventory, HostError> {
        if self.leaves_out(scope) {
            return Ok(Inventory::default());
        }
        let (scope, only) = (scope.clone(), self.only.clone());
        self.with("read through the archive", move |it| inventory(it, &scope, only.as_deref()))
            .await
    }

    async fn read(&self, lane: &Lane, at: Option<&Cursor>) -> Result<Page, HostError> {
        if self.leaves_out(&lane.scope) {
            return Ok(Page::default());
        }
        let (lane, at, only) = (lane.clone(), at.cloned(), self.only.clone());
        self.with("read records", move |it| {
            if lane.kind == ObjectKind::Project && lane.scope == Scope::Shared {
                return it.with(|spool| spool.project_page(at.as_ref(), only.as_deref()));
            }
            it.with(|spool| spool.page(&lane, at.as_ref()))
        })
        .await
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        if self.leaves_out(&Scope::Project(project.to_owned())) {
            return Ok(None);
        }
        let key = (project.to_owned(), repo);
        // Locked while one is being unpacked, so that nobody unpacks it twice.
        let mut unpacked = self.unpacked.lock().await;
        if let Some(path) = unpacked.get(&key) {
            return Ok(Some(GitRemote::local(path)));
        }
        let (of, scratch) = (key.clone(), self.scratch.clone());
        let path = self
            .with("unpack a repository", move |it| {
                if it.contents.repository_bytes(&of.0, of.1).is_none() {
                    return Ok(None);
                }
                let prefix = format!("{}-", F::FORMAT);
                let directory = tempfile::Builder::new().prefix(&prefix).tempdir_in(scratch)?;
                let path = directory.keep().join("repository.git");
                it.contents.unpack(&of.0, of.1, &path)?;
                packhorse_git::repository::sanitise(&path)?;
                Ok(Some(path))
            })
            .await?;
        let Some(path) = path else { return Ok(None) };
        let remote = GitRemote::local(&path);
        unpacked.insert(key, path);
        Ok(Some(remote))
    }

    async fn open(&self, blob: &BlobRef, from: u64) -> Result<ByteStream, HostError> {
        let wanted = blob.clone();
        let stream = self
            .with("open a blob", move |it| {
                let place = it.with(|spool| spool.blob_place(&wanted.scope, &wanted.origin))?;
                let Some(place) = place else { return Ok(None) };
                Ok(Some(it.contents.open(&place, from)?))
            })
            .await?;
        match stream {
            Some(stream) => Ok(Box::pin(crate::stream::blocking(stream))),
            None => {
                Err(HostError::new(HostErrorKind::NotFound, "open a blob")
                    .with("record", &blob.origin))
            }
        }
    }
}

/// Copies a stream into a new file.
pub(crate) fn copy(mut from: impl Read, to: &Path) -> io::Result<u64> {
    let mut file = std::fs::File::create(to)?;
    io::copy(&mut from, &mut file)
}
