//! Files of releases: kept on the disk until their record comes, for GitHub takes a file
//! together with its name alone.

use super::Path;
use packhorse_core::{
    HostError, Origin,
    port::{BlobRef, ByteStream},
};
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tempfile::TempPath;

/// Files that wait for their records, by project and origin.
#[derive(Debug)]
pub(super) struct Files {
    scratch: PathBuf,
    waiting: Mutex<HashMap<(String, Origin), Arc<TempPath>>>,
}

fn key(project: &str, origin: &Origin) -> (String, Origin) {
    (project.to_lowercase(), origin.clone())
}

impl Files {
    pub(super) fn new(scratch: PathBuf) -> Self {
        Self { scratch, waiting: Mutex::default() }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<(String, Origin), Arc<TempPath>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a blob, if it is what was announced.
    pub(super) async fn keep(&self, blob: &BlobRef, bytes: ByteStream) -> Result<(), HostError> {
        let file = crate::kept::keep(&self.scratch, blob, bytes).await?;
        let project = blob.scope.project().unwrap_or_default();
        self.all().insert(key(project, &blob.origin), Arc::new(file));
        Ok(())
    }

    pub(super) fn of(&self, path: Path<'_>, origin: &Origin) -> Option<Arc<TempPath>> {
        self.all().get(&key(&format!("{}/{}", path.owner, path.name), origin)).cloned()
    }

    pub(super) fn forget(&self, path: Path<'_>, origin: &Origin) {
        self.all().remove(&key(&format!("{}/{}", path.owner, path.name), origin));
    }
}
