//! A repository alone, as a sink for one project.
//!
//! What it cannot hold of the project is told as losses: the differences
//! between what was to be written and what will be read back.

use super::{Bare, source, support};
use async_trait::async_trait;
use packhorse_core::{
    Capabilities, GitRemote, HostError, HostErrorKind, Loss, Object, ObjectKind, Origin, Record,
    RepoKind, Scope, Settle, TargetId,
    fingerprint::differences,
    model::{ObjectFormat, Project},
    port::{BlobRef, ByteStream, Outcome, Sink, Written},
};
use packhorse_git::repository;
use std::{
    fs, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// A repository alone, as a sink.
pub(super) struct GitSink {
    repository: Arc<Bare>,
    /// Path of the one project that is written to it.
    project: Mutex<Option<String>>,
}

impl GitSink {
    pub(super) fn new(repository: Arc<Bare>) -> Self {
        Self { repository, project: Mutex::new(None) }
    }

    /// Keeps a second project from being written over the first.
    fn claim(&self, path: &str) -> Result<(), HostError> {
        let mut project = self.project.lock().unwrap_or_else(PoisonError::into_inner);
        let first = project.get_or_insert_with(|| path.to_owned());
        if first == path {
            return Ok(());
        }
        Err(HostError::new(HostErrorKind::Conflict, "write a second project to one repository")
            .with("project", path)
            .with("first", first))
    }

    /// Whether the repository is on this machine and not made yet.
    ///
    /// Somebody's files are not written between: a directory that is neither empty nor a bare
    /// repository is an error.
    fn is_missing(&self) -> Result<bool, HostError> {
        let Some(directory) = self.repository.address.directory() else { return Ok(false) };
        let fail = |kind| {
            let error = HostError::new(kind, "take a directory for a bare repository");
            error.with("path", directory.display())
        };
        match is_missing_or_empty(directory) {
            Err(error) => Err(fail(HostErrorKind::Unavailable).because(error)),
            Ok(false) if !repository::is_repository(directory) => {
                Err(fail(HostErrorKind::Conflict).because("it holds something else"))
            }
            Ok(is_missing) => Ok(is_missing),
        }
    }

    async fn losses(&self, project: &Project) -> Result<Vec<Loss>, HostError> {
        let wanted = project.default_branch.as_deref();
        let head = match (self.repository.address.directory(), wanted) {
            (Some(_), wanted) => wanted.map(|branch| format!("refs/heads/{branch}")),
            (None, None) => None,
            (None, Some(_)) => self.repository.refs().await?.head,
        };
        let branch = head.as_deref().and_then(|head| head.strip_prefix("refs/heads/"));
        let kept =
            source::project(&self.repository.address.project, branch.filter(|_| wanted.is_some()));
        let (expected, kept) = (Object::from(project.clone()), Object::from(kept));
        let losses = differences(&expected, &kept).into_iter();
        Ok(losses
            .map(|it| {
                let why = support::why(&it.field);
                Loss::sink(it.field, why)
            })
            .collect())
    }
}

fn is_missing_or_empty(directory: &Path) -> io::Result<bool> {
    match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        entries => Ok(entries?.next().is_none()),
    }
}

fn unsupported(operation: &'static str, origin: &Origin) -> HostError {
    HostError::new(HostErrorKind::Unsupported, operation).with("record", origin)
}

#[async_trait]
impl Sink for GitSink {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        let identity = self.repository.address.identity();
        let mut capabilities = Capabilities::promised(support::writes, identity);
        capabilities.settle = Settle::Page;
        if !self.is_missing()? {
            capabilities.version = Some(Bare::version(&self.repository.refs().await?));
        }
        Ok(capabilities)
    }

    async fn find(&self, scope: &Scope, record: &Record) -> Result<Option<TargetId>, HostError> {
        if record.origin.kind != ObjectKind::Project
            || scope.project().is_none()
            || self.is_missing()?
        {
            return Ok(None);
        }
        Ok(Some(TargetId(self.repository.address.project.clone())))
    }

    async fn write(
        &self,
        scope: &Scope,
        record: &Record,
        existing: Option<&TargetId>,
    ) -> Result<Written, HostError> {
        let (Object::Project(project), Some(path)) = (&record.object, scope.project()) else {
            return Err(unsupported("write a record to a bare repository", &record.origin));
        };
        self.claim(path)?;
        let losses = self.losses(project).await?;
        let outcome = if existing.is_some() { Outcome::Updated } else { Outcome::Created };
        let target = TargetId(self.repository.address.project.clone());
        Ok(Written { target, outcome, losses })
    }

    async fn remove(
        &self,
        _scope: &Scope,
        origin: &Origin,
        _target: &TargetId,
    ) -> Result<(), HostError> {
        Err(unsupported("remove somebody's repository", origin))
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        if repo == RepoKind::Wiki {
            return Ok(None);
        }
        self.claim(project)?;
        if let Some(directory) = self.repository.address.directory()
            && self.is_missing()?
        {
            repository::init_bare(directory, ObjectFormat::default())?;
        }
        Ok(Some(self.repository.address.remote.clone()))
    }

    async fn save(&self, blob: &BlobRef, _bytes: ByteStream) -> Result<(), HostError> {
        Err(unsupported("store a blob in a bare repository", &blob.origin))
    }

    async fn flush(&self, _scope: &Scope) -> Result<(), HostError> {
        Ok(())
    }

    async fn finish(&self, _scope: &Scope) -> Result<Vec<(Origin, Loss)>, HostError> {
        Ok(Vec::new())
    }
}
