//! The archive as a source.

use super::{
    index::Index,
    plural,
    read::Lanes,
    support,
    survey::{self, survey},
};
use crate::container::{Archive, ArchiveError, Limits, extract};
use async_trait::async_trait;
use packhorse_core::{
    Capabilities, Cursor, GitRemote, HostError, HostErrorKind, Lane, ObjectKind, RepoKind, Scope,
    Settle,
    port::{BlobRef, ByteStream, Inventory, Page, Source},
};
use std::{
    collections::HashMap,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::{Mutex, OnceCell};

/// How far into the archive the first address is looked for.
const PEEK_MEMBERS: usize = 64;
/// … and into a record file.
const PEEK_BYTES: u64 = 4 << 10;

/// The archive as a source, or one project of it.
pub(super) struct GithubArchive {
    inner: Arc<Inner>,
    index: OnceCell<Arc<Index>>,
    version: OnceCell<String>,
    /// Repositories that are unpacked already; locked while one is being unpacked.
    unpacked: Mutex<HashMap<String, PathBuf>>,
}

struct Inner {
    archive: Arc<Archive>,
    scratch: PathBuf,
    only: Option<String>,
    lanes: Lanes,
}

/// Stable name of the archive at that path, also while there is none.
pub(super) fn identity(path: &Path) -> String {
    let parent = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let whole = path
        .canonicalize()
        .ok()
        .or_else(|| Some(parent.canonicalize().ok()?.join(path.file_name()?)));
    format!("github-archive:{}", whole.as_deref().unwrap_or(path).display())
}

/// Runs what waits for the disk on a thread that may wait.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArchiveError> + Send + 'static,
) -> Result<T, ArchiveError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(ArchiveError::System {
            operation: "finish a task",
            source: std::io::Error::other(error),
        }),
    }
}

/// The same for whoever called the source.
fn during(operation: &'static str) -> impl FnOnce(ArchiveError) -> HostError {
    move |error| {
        let mut error = HostError::from(error);
        error.operation = operation;
        error
    }
}

impl GithubArchive {
    /// Opens an archive; looks at its first bytes alone.
    pub(super) fn open(
        path: &Path,
        only: Option<String>,
        scratch: &Path,
    ) -> Result<Self, HostError> {
        let archive = Archive::open(path, Limits::of_this_run())
            .map_err(|it| during("open the archive")(it).with("path", path.display()))?;
        let archive = Arc::new(archive);
        let inner = Inner { archive, scratch: scratch.to_owned(), only, lanes: Lanes::default() };
        Ok(Self {
            inner: Arc::new(inner),
            index: OnceCell::new(),
            version: OnceCell::new(),
            unpacked: Mutex::default(),
        })
    }

    /// The index; the first caller makes it, and the others wait for it.
    async fn index(&self) -> Result<Arc<Index>, ArchiveError> {
        let make = || async {
            let inner = Arc::clone(&self.inner);
            blocking(move || survey(&inner.archive, &inner.scratch).map(Arc::new)).await
        };
        self.index.get_or_try_init(make).await.cloned()
    }

    /// Whether the location leaves that project out.
    fn leaves_out(&self, scope: &Scope) -> bool {
        matches!((&self.inner.only, scope.project()), (Some(only), Some(path)) if only != path)
    }

    async fn version(&self) -> Result<String, ArchiveError> {
        let hash = || async {
            let inner = Arc::clone(&self.inner);
            blocking(move || inner.archive.sha256()).await
        };
        self.version.get_or_try_init(hash).await.cloned()
    }

    async fn web_url(&self) -> Result<Option<String>, ArchiveError> {
        if let Some(index) = self.index.get() {
            return Ok(index.web_url.clone());
        }
        let inner = Arc::clone(&self.inner);
        blocking(move || Ok(peek(&inner.archive))).await
    }

    /// Unpacks a repository once, and makes it harmless.
    async fn unpack(&self, project: &str, repo: RepoKind) -> Result<Option<PathBuf>, HostError> {
        let fail = during("unpack a repository");
        let index = match self.index().await {
            Ok(index) => index,
            Err(error) => return Err(fail(error)),
        };
        let Some(directory) = index.repository(project, repo) else { return Ok(None) };
        let mut unpacked = self.unpacked.lock().await;
        if let Some(path) = unpacked.get(&directory) {
            return Ok(Some(path.clone()));
        }
        let inner = Arc::clone(&self.inner);
        let from = directory.clone();
        let unpacking = blocking(move || {
            let path = new_directory(&inner.scratch)?.join("repository.git");
            unpack(&inner.archive, &index, &from, &path).map(|()| path)
        });
        let path = unpacking.await.map_err(fail)?;
        packhorse_git::repository::sanitise(&path).map_err(|error| {
            HostError::new(HostErrorKind::Unavailable, "unpack a repository").because(error)
        })?;
        unpacked.insert(directory, path.clone());
        Ok(Some(path))
    }
}

/// Unpacks a repository's data into a new directory; its configuration is not taken.
pub(super) fn unpack(
    archive: &Archive,
    index: &Index,
    directory: &str,
    path: &Path,
) -> Result<(), ArchiveError> {
    let members = index.files.members(directory)?;
    extract(archive, &members, directory, path)?;
    if index.files.repository(directory).is_some_and(|it| it.is_sha256) {
        let config = "[core]\n\trepositoryformatversion = 1\n\tbare = true\n\
                      [extensions]\n\tobjectformat = sha256\n";
        std::fs::write(path.join("config"), config)
            .map_err(ArchiveError::system("unpack a repository"))?;
    }
    Ok(())
}

/// A new directory in the scratch directory, which goes with it.
fn new_directory(scratch: &Path) -> Result<PathBuf, ArchiveError> {
    let directory = tempfile::Builder::new().prefix("github-archive-").tempdir_in(scratch);
    Ok(directory.map_err(ArchiveError::system("make a directory"))?.keep())
}

/// Scheme and host of the first address, if one stands near the beginning.
fn peek(archive: &Archive) -> Option<String> {
    let mut found = None;
    let mut n_members = 0;
    let enough = || ArchiveError::OverLimit { what: "peeking".to_owned(), limit: 0 };
    let scan = archive.scan(|member, data| {
        n_members += 1;
        let plural = plural::record_file(&member.name).and_then(|(name, _)| plural::named(name));
        if plural.is_some() {
            let mut bytes = Vec::new();
            let read = data.take(PEEK_BYTES).read_to_end(&mut bytes);
            read.map_err(ArchiveError::system("read the archive"))?;
            found = first_origin(&String::from_utf8_lossy(&bytes));
        }
        if found.is_some() || n_members > PEEK_MEMBERS { Err(enough()) } else { Ok(()) }
    });
    // Whatever is wrong with the archive is found when it is read through.
    drop(scan);
    found
}

/// Scheme and host of the first `url` in the text of a record file.
fn first_origin(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("\"url\"")?;
    let url = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    survey::origin(url.split('"').next()?)
}

#[async_trait]
impl Source for GithubArchive {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        let identity = identity(self.inner.archive.path());
        let mut capabilities = Capabilities::promised(support::reads, identity);
        capabilities.settle = Settle::Page;
        capabilities.version = Some(self.version().await.map_err(during("read the archive"))?);
        capabilities.web_url = self.web_url().await.map_err(during("read the archive"))?;
        Ok(capabilities)
    }

    async fn inventory(&self, scope: &Scope) -> Result<Inventory, HostError> {
        if self.leaves_out(scope) {
            return Ok(Inventory::default());
        }
        let index = self.index().await.map_err(during("read through the archive"))?;
        Ok(match scope {
            Scope::Shared => index.shared_inventory(self.inner.only.as_deref()),
            Scope::Project(path) => index.project_inventory(path),
        })
    }

    async fn read(&self, lane: &Lane, at: Option<&Cursor>) -> Result<Page, HostError> {
        if self.leaves_out(&lane.scope) {
            return Ok(Page::default());
        }
        let index = self.index().await.map_err(during("read through the archive"))?;
        let (inner, of, at) = (Arc::clone(&self.inner), lane.clone(), at.cloned());
        blocking(move || {
            let only = inner.only.as_deref().filter(|_| of.kind == ObjectKind::Project);
            inner.lanes.page(&index, &of, at.as_ref(), only)
        })
        .await
        .map_err(|error| during("read records")(error).with("lane", lane))
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        if self.leaves_out(&Scope::Project(project.to_owned())) {
            return Ok(None);
        }
        let path = self.unpack(project, repo).await?;
        Ok(path.map(|it| GitRemote::local(&it)))
    }

    async fn open(&self, blob: &BlobRef, from: u64) -> Result<ByteStream, HostError> {
        let failed = |error| during("open a blob")(error).with("record", &blob.origin);
        let index = self.index().await.map_err(failed)?;
        let (inner, wanted) = (Arc::clone(&self.inner), blob.clone());
        let stream = blocking(move || {
            let Some(place) = index.blob(&wanted.scope, &wanted.origin) else { return Ok(None) };
            inner.archive.member(&place.member(), from).map(Some)
        })
        .await
        .map_err(failed)?;
        match stream {
            Some(stream) => Ok(Box::pin(crate::stream::blocking(stream))),
            None => {
                Err(HostError::new(HostErrorKind::NotFound, "open a blob")
                    .with("record", &blob.origin))
            }
        }
    }
}
