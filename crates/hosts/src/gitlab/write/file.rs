//! Bytes beside records: kept on the disk until their record comes, then uploaded.

use super::{Done, GitlabSink, Task, odd};
use crate::gitlab::call::Change;
use futures::StreamExt;
use packhorse_core::{
    HostError, HostErrorKind, Origin, Scope,
    model::Attachment,
    port::{BlobRef, ByteStream, Outcome},
};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    fmt::Write as _,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tempfile::TempPath;
use tokio::io::AsyncWriteExt;

/// What names a file that waits: two projects may have the same origins.
type Key = (Scope, Origin);

/// Files that wait for their records; each goes away when nobody needs it any more.
#[derive(Debug)]
pub(super) struct Files {
    scratch: PathBuf,
    waiting: Mutex<HashMap<Key, Arc<TempPath>>>,
}

/// Where an upload is.
#[derive(Debug, Deserialize)]
pub(super) struct Upload {
    /// Address below the project, `/uploads/SECRET/NAME`.
    pub(super) url: String,
    /// Address below the server's first page; since version 14.
    #[serde(default)]
    pub(super) full_path: Option<String>,
}

impl Files {
    pub(super) fn new(scratch: PathBuf) -> Self {
        Self { scratch, waiting: Mutex::default() }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Key, Arc<TempPath>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file of a record, which then waits no more.
    pub(super) fn take(&self, scope: &str, origin: &Origin) -> Option<Arc<TempPath>> {
        self.all().remove(&(Scope::Project(scope.to_owned()), origin.clone()))
    }

    /// Keeps a blob, if it is what was announced.
    pub(super) async fn keep(
        &self,
        blob: &BlobRef,
        mut bytes: ByteStream,
    ) -> Result<(), HostError> {
        let operation = "keep a file until it is uploaded";
        let fail = |error: std::io::Error| {
            HostError::new(HostErrorKind::Unavailable, operation)
                .with("file", &blob.origin)
                .because(error)
        };
        tokio::fs::create_dir_all(&self.scratch).await.map_err(fail)?;
        let (file, path) =
            tempfile::NamedTempFile::new_in(&self.scratch).map_err(fail)?.into_parts();
        let mut file = tokio::fs::File::from_std(file);
        let (mut size, mut hash) = (0u64, Sha256::new());
        while let Some(piece) = bytes.next().await {
            let piece = piece.map_err(fail)?;
            size += piece.len() as u64;
            hash.update(&piece);
            file.write_all(&piece).await.map_err(fail)?;
        }
        file.flush().await.map_err(fail)?;
        let mut sha256 = String::with_capacity(64);
        for byte in hash.finalize() {
            // Writing to a string cannot fail.
            write!(sha256, "{byte:02x}").ok();
        }
        let is_size = blob.size.is_none_or(|it| it == size);
        if !is_size || blob.sha256.as_ref().is_some_and(|it| *it != sha256) {
            return Err(HostError::new(HostErrorKind::Rejected, operation)
                .with("file", &blob.origin)
                .with("reason", "its bytes are not as they were announced"));
        }
        let key = (blob.scope.clone(), blob.origin.clone());
        self.all().insert(key, Arc::new(path));
        Ok(())
    }
}

impl GitlabSink {
    /// Uploads a file to a project.
    pub(super) async fn upload(
        &self,
        path: &str,
        name: &str,
        file: &std::path::Path,
    ) -> Result<Upload, HostError> {
        let below = super::below(path, &["uploads"]);
        self.api.upload(Change::new(&below, "upload a file"), name, file).await
    }

    /// A file that texts refer to; they are led here when all is there.
    pub(super) async fn attachment(
        &self,
        path: &str,
        task: &mut Task<'_>,
        it: &Attachment,
    ) -> Done {
        let file = self.files.take(path, &task.record.origin);
        if let Some(id) = task.id() {
            return Ok((id.to_owned(), Outcome::Adopted));
        }
        let Some(file) = file else { return task.miss("its bytes did not arrive") };
        let made = match self.upload(path, &it.name, &file).await {
            Err(error) if error.kind == HostErrorKind::Rejected => {
                return task.miss("the server takes no files of that kind or size");
            }
            other => other?,
        };
        let rest = made.url.strip_prefix("/uploads/").ok_or_else(|| odd("upload a file"))?;
        Ok((rest.to_owned(), Outcome::Created))
    }
}
