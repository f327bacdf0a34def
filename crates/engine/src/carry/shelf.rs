//! Records and their bytes as large files: the ends that speak no Git LFS.

use async_trait::async_trait;
use packhorse_core::{
    HostError, HostErrorKind, Lane, Object, Origin, Record, Scope,
    model::{Blob, LfsObject},
    port::{BlobRef, ByteStream, ItemQuery, Journal, Sink, Source},
};
use packhorse_git::lfs::{Pointer, Shelf};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

/// The record of a large file.
pub(super) fn object(file: &Pointer) -> Object {
    let blob = Blob { size: Some(file.size), sha256: Some(file.sha256.clone()) };
    Object::from(LfsObject { blob })
}

fn reference(scope: &Scope, origin: Origin, file: &Pointer) -> BlobRef {
    let (size, sha256) = (Some(file.size), Some(file.sha256.clone()));
    BlobRef { scope: scope.clone(), origin, size, sha256 }
}

/// A lane of large files, to be read.
pub(super) struct SourceShelf {
    source: Arc<dyn Source>,
    scope: Scope,
    /// Ids that are not the file's hash, which is the exception.
    ids: Mutex<HashMap<String, String>>,
}

impl SourceShelf {
    pub(super) fn new(source: &Arc<dyn Source>, scope: Scope) -> Self {
        Self { source: Arc::clone(source), scope, ids: Mutex::default() }
    }

    /// Remembers which record a file is of.
    pub(super) fn learn(&self, file: &Pointer, origin: &Origin) {
        if origin.id != file.sha256 {
            let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
            ids.insert(file.sha256.clone(), origin.id.clone());
        }
    }

    fn origin(&self, file: &Pointer) -> Origin {
        let ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let id = ids.get(&file.sha256).unwrap_or(&file.sha256);
        Origin::new(super::large_files::KIND, id.clone())
    }
}

#[async_trait]
impl Shelf for SourceShelf {
    async fn has(&self, files: &[Pointer]) -> Result<Vec<bool>, HostError> {
        Ok(vec![true; files.len()])
    }

    async fn open(&self, file: &Pointer) -> Result<Option<ByteStream>, HostError> {
        let blob = reference(&self.scope, self.origin(file), file);
        match self.source.open(&blob, 0).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind == HostErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn write(&self, file: &Pointer, _: ByteStream) -> Result<(), HostError> {
        Err(HostError::new(HostErrorKind::Unsupported, "write to a source")
            .with("file", &file.sha256))
    }
}

/// A lane of large files, to be written.
pub(super) struct SinkShelf {
    pub(super) sink: Arc<dyn Sink>,
    pub(super) journal: Arc<dyn Journal>,
    /// The journal's number of the route.
    pub(super) route: u64,
    /// The journal's lane, which is the source's.
    pub(super) lane: Lane,
    /// The scope at the destination.
    pub(super) target: Scope,
}

#[async_trait]
impl Shelf for SinkShelf {
    async fn has(&self, files: &[Pointer]) -> Result<Vec<bool>, HostError> {
        let query = ItemQuery::Origins(files.iter().map(|it| it.sha256.clone()).collect());
        let items = self.journal.items(self.route, &self.lane, &query).await.map_err(|error| {
            HostError::new(HostErrorKind::Unavailable, "ask which files are there").because(error)
        })?;
        let there: HashSet<&str> = items.iter().map(|it| it.origin.id.as_str()).collect();
        Ok(files.iter().map(|it| there.contains(it.sha256.as_str())).collect())
    }

    async fn open(&self, _: &Pointer) -> Result<Option<ByteStream>, HostError> {
        Ok(None)
    }

    async fn write(&self, file: &Pointer, bytes: ByteStream) -> Result<(), HostError> {
        let record = Record::new(file.sha256.clone(), object(file));
        let blob = reference(&self.target, record.origin.clone(), file);
        self.sink.save(&blob, bytes).await?;
        // Content under its own name: whoever died in between writes the same again.
        self.sink.write(&self.target, &record, None).await.map(drop)
    }
}
