//! Bytes beside records: kept on the disk until their record comes, then uploaded.
//!
//! The server takes a file together with its name and what it belongs to, which only the record
//! says.

use super::{Done, GiteaSink, Path, Task, comment::place, issue::unnumbered};
use crate::gitea::{call::Change, wire};
use packhorse_core::{
    HostError, HostErrorKind, Origin,
    model::{Attachment, Subject},
    port::{BlobRef, ByteStream, Outcome},
};
use std::{
    collections::HashMap,
    path::{Path as FilePath, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tempfile::TempPath;

/// A file that goes away when nobody needs it any more.
#[derive(Debug)]
pub(super) struct Kept(TempPath);

impl Kept {
    pub(super) fn path(&self) -> &FilePath {
        &self.0
    }
}

/// Files that wait for their records.
#[derive(Debug)]
pub(super) struct Files {
    scratch: PathBuf,
    waiting: Mutex<HashMap<Origin, Arc<Kept>>>,
}

impl Files {
    pub(super) fn new(scratch: PathBuf) -> Self {
        Self { scratch, waiting: Mutex::default() }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Origin, Arc<Kept>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn of(&self, origin: &Origin) -> Option<Arc<Kept>> {
        self.all().get(origin).cloned()
    }

    pub(super) fn forget(&self, origin: &Origin) {
        self.all().remove(origin);
    }

    /// Keeps a blob, if it is what was announced.
    pub(super) async fn keep(&self, blob: &BlobRef, bytes: ByteStream) -> Result<(), HostError> {
        let file = crate::kept::keep(&self.scratch, blob, bytes).await?;
        self.all().insert(blob.origin.clone(), Arc::new(Kept(file)));
        Ok(())
    }
}

impl GiteaSink {
    /// A file of an issue, a change request or a comment.
    pub(super) async fn attachment(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        attachment: &Attachment,
    ) -> Done {
        let operation = "upload a file";
        let parts = task.subject(&attachment.subject).as_ref().and_then(place);
        let Some(parts) = parts else {
            return task.miss("what it belongs to is not there, or has no files");
        };
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        if let Some(existing) = task.existing {
            // Bytes do not change, and the rest the server does not hold.
            self.files.forget(&task.record.origin);
            return Ok((existing.0.clone(), Outcome::Adopted));
        }
        let Some(file) = self.files.of(&task.record.origin) else {
            return task.miss("its bytes did not arrive");
        };
        let below = path.below(&[&parts[..], &["assets"]].concat());
        let made: Result<wire::Attachment, _> =
            self.api.upload(Change::new(&below, operation), &attachment.name, file.path()).await;
        self.files.forget(&task.record.origin);
        let made = match made {
            Err(error) if error.kind == HostErrorKind::Rejected => {
                return task.drop("the server takes no files of that kind or size");
            }
            Err(error) if error.kind == HostErrorKind::NotFound => {
                return task.miss("what it belongs to is not there, or has no files");
            }
            other => other?,
        };
        let uuid = made.uuid.filter(|it| !it.is_empty());
        let uuid = uuid.ok_or_else(|| unnumbered(operation))?;
        Ok((uuid, Outcome::Created))
    }

    /// What belongs to a subject.
    pub(super) async fn files_of(
        &self,
        path: Path<'_>,
        subject: &Subject,
    ) -> Result<Vec<wire::Attachment>, HostError> {
        let Some(parts) = place(subject) else { return Ok(Vec::new()) };
        let parts: Vec<&str> = parts.iter().map(String::as_str).chain(["assets"]).collect();
        match self.api.list_whole(&path.below(&parts), "look for a file").await {
            Err(error) if error.kind == HostErrorKind::NotFound => Ok(Vec::new()),
            other => other,
        }
    }

    /// A file of Git LFS, which the server takes at the address of the repository.
    pub(super) async fn large_file(&self, _: Path<'_>, task: &mut Task<'_>) -> Done {
        self.files.forget(&task.record.origin);
        task.drop("large files go from server to server")
    }
}
