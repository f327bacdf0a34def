//! The store as a sink.
//!
//! Writes gather in memory, a buffer for each scope, until a flush makes them
//! durable in one transaction. What is being flushed stays in the buffer until
//! it is durable, so that nobody finds a record in neither place.

use super::{
    blobs,
    buffer::{Buffer, Change, Place, place},
    database::{Readers, Writer},
    error::{StoreError, blocking},
    layout::ProjectPath,
    records, repositories, source, support, webs,
};
use async_trait::async_trait;
use packhorse_core::{
    Capabilities, GitRemote, HostError, Loss, ObjectKind, Origin, Record, RepoKind, Scope,
    TargetId, Web, fingerprint,
    port::{BlobRef, ByteStream, Outcome, Sink, Written},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Mutex as AsyncMutex;

/// A buffer of that many bytes is flushed without being asked, so that memory stays bounded.
const MAX_BUFFER: usize = 16 << 20;

/// The store as a sink.
pub(super) struct LocalSink {
    readers: Arc<Readers>,
    writer: Arc<Writer>,
    desks: Mutex<HashMap<Scope, Arc<Desk>>>,
    /// Whether a scope had records of a kind before this sink wrote any: where it had none, nothing
    /// has to be looked up to know that a record is new.
    had_any: Mutex<HashMap<(Scope, ObjectKind), bool>>,
}

/// Where the records of a scope gather.
#[derive(Default)]
struct Desk {
    buffer: Mutex<Buffer>,
    /// Whose turn it is to flush: one after the other, since later changes must come later.
    turn: Arc<AsyncMutex<()>>,
}

impl Desk {
    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LocalSink {
    pub(super) fn new(readers: Arc<Readers>, writer: Writer) -> Self {
        Self {
            readers,
            writer: Arc::new(writer),
            desks: Mutex::default(),
            had_any: Mutex::default(),
        }
    }

    /// The desk of a scope; refuses projects whose path no file could have.
    fn desk(&self, scope: &Scope) -> Result<Arc<Desk>, StoreError> {
        let mut desks = self.desks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(desk) = desks.get(scope) {
            return Ok(Arc::clone(desk));
        }
        if let Some(path) = scope.project() {
            ProjectPath::parse(path)?;
        }
        Ok(Arc::clone(desks.entry(scope.clone()).or_default()))
    }

    async fn find_place(&self, scope: &Scope, place: Place) -> Result<bool, StoreError> {
        let gathered = self.desk(scope)?.buffer().change(&place).map(|it| *it != Change::Remove);
        if let Some(is_there) = gathered {
            return Ok(is_there);
        }
        let (readers, scope) = (Arc::clone(&self.readers), scope.clone());
        blocking(move || readers.read(|conn| records::contains(conn, &scope, &place))).await
    }

    /// Whether a record that the caller takes for new is there already.
    async fn is_there(&self, scope: &Scope, place: &Place) -> Result<bool, StoreError> {
        let key = (scope.clone(), place.0);
        let known = self.had_any.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
        let had_any = match known {
            Some(had_any) => had_any,
            None => {
                let (readers, scope, kind) = (Arc::clone(&self.readers), scope.clone(), place.0);
                let had_any =
                    blocking(move || readers.read(|conn| records::has_any(conn, &scope, kind)))
                        .await?;
                let mut map = self.had_any.lock().unwrap_or_else(PoisonError::into_inner);
                map.insert(key, had_any);
                had_any
            }
        };
        if had_any { self.find_place(scope, place.clone()).await } else { Ok(false) }
    }

    async fn put(&self, scope: &Scope, place: Place, body: Vec<u8>) -> Result<(), StoreError> {
        let gathered = self.desk(scope)?.buffer().put(place, body);
        if gathered > MAX_BUFFER { self.flush_scope(scope).await } else { Ok(()) }
    }

    /// Ends only after the transaction, also when nobody waits for it any more.
    async fn flush_scope(&self, scope: &Scope) -> Result<(), StoreError> {
        let desk = self.desk(scope)?;
        let turn = Arc::clone(&desk.turn).lock_owned().await;
        let Some(changes) = desk.buffer().leave() else { return Ok(()) };
        let (writer, scope) = (Arc::clone(&self.writer), scope.clone());
        blocking(move || {
            let stored = writer.write(|transaction| records::store(transaction, &scope, &changes));
            drop(changes);
            if stored.is_ok() {
                desk.buffer().left();
            }
            drop(turn);
            stored
        })
        .await
    }

    /// The store's scope stands in the database before its repository stands in the directory,
    /// so that every repository is found through the database.
    async fn make_repository(
        &self,
        project: &str,
        repo: RepoKind,
    ) -> Result<GitRemote, StoreError> {
        let scope = Scope::Project(project.to_owned());
        ProjectPath::parse(project)?;
        let (readers, writer) = (Arc::clone(&self.readers), Arc::clone(&self.writer));
        blocking(move || {
            if readers.read(|conn| records::scope_row(conn, &scope))?.is_none() {
                writer.write(|transaction| records::make_scope(transaction, &scope))?;
            }
            repositories::make(readers.layout(), scope.key(), repo)
        })
        .await
        .map(|path| GitRemote::local(&path))
    }

    async fn take_away(&self, scope: &Scope, origin: &Origin) -> Result<(), StoreError> {
        self.desk(scope)?.buffer().remove(place(origin));
        let repo =
            repositories::BOTH.into_iter().find(|&it| repositories::kind_of(it) == origin.kind);
        let (Some(repo), Some(project)) = (repo, scope.project()) else { return Ok(()) };
        let (readers, project) = (Arc::clone(&self.readers), project.to_owned());
        blocking(move || repositories::remove(readers.layout(), &project, repo)).await
    }
}

/// Whether nobody uses a desk and nothing is on it.
fn is_done_with(desk: &Arc<Desk>) -> bool {
    Arc::strong_count(desk) == 1 && desk.buffer().is_empty()
}

/// The id under which a record is kept: its origin's, but a project is called as its scope is.
fn id_here<'a>(scope: &'a Scope, kind: ObjectKind, id: &'a str) -> &'a str {
    match scope.project() {
        Some(path) if kind == ObjectKind::Project => path,
        _ => id,
    }
}

#[async_trait]
impl Sink for LocalSink {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        let readers = Arc::clone(&self.readers);
        blocking(move || source::capabilities(&readers, support::writes))
            .await
            .map_err(|error| error.during("probe the store"))
    }

    async fn find(&self, scope: &Scope, record: &Record) -> Result<Option<TargetId>, HostError> {
        let origin = &record.origin;
        let id = id_here(scope, origin.kind, &origin.id);
        let found = self
            .find_place(scope, place(&Origin::new(origin.kind, id)))
            .await
            .map_err(|error| error.during("find a record").with("record", origin))?;
        Ok(found.then(|| TargetId(id.to_owned())))
    }

    async fn remember(&self, former: &[Web]) -> Result<(), HostError> {
        let (writer, former) = (Arc::clone(&self.writer), former.to_vec());
        blocking(move || writer.write(|transaction| webs::remember(transaction, &former)))
            .await
            .map_err(|error| error.during("note where links lead"))
    }

    async fn write(
        &self,
        scope: &Scope,
        record: &Record,
        existing: Option<&TargetId>,
    ) -> Result<Written, HostError> {
        let kind = record.object.kind();
        let id = existing.map_or(&record.origin.id, |target| &target.0);
        let id = id_here(scope, kind, id);
        let writing = async {
            let place = place(&Origin::new(kind, id));
            let is_there = existing.is_some() || self.is_there(scope, &place).await?;
            self.put(scope, place, fingerprint::exact(&record.object)).await?;
            Ok(is_there)
        };
        let is_there = writing.await.map_err(|error: StoreError| {
            error.during("write a record").with("record", &record.origin)
        })?;
        let outcome = if is_there { Outcome::Updated } else { Outcome::Created };
        Ok(Written { target: TargetId(id.to_owned()), outcome, losses: Vec::new() })
    }

    async fn remove(
        &self,
        scope: &Scope,
        origin: &Origin,
        target: &TargetId,
    ) -> Result<(), HostError> {
        self.take_away(scope, &Origin::new(origin.kind, target.0.clone()))
            .await
            .map_err(|error| error.during("remove a record").with("record", origin))
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        self.make_repository(project, repo)
            .await
            .map(Some)
            .map_err(|error| error.during("make a repository").with("project", project))
    }

    async fn save(&self, blob: &BlobRef, bytes: ByteStream) -> Result<(), HostError> {
        let saving = async {
            let desk = self.desk(&blob.scope)?;
            let stored = blobs::save(self.readers.layout(), blob, bytes).await?;
            desk.buffer().link(place(&blob.origin), stored);
            Ok(())
        };
        saving
            .await
            .map_err(|error: StoreError| error.during("store a blob").with("record", &blob.origin))
    }

    async fn flush(&self, scope: &Scope) -> Result<(), HostError> {
        self.flush_scope(scope)
            .await
            .map_err(|error| error.during("make records durable").with("scope", scope))
    }

    async fn finish(&self, scope: &Scope) -> Result<Vec<(Origin, Loss)>, HostError> {
        self.flush(scope).await?;
        let mut desks = self.desks.lock().unwrap_or_else(PoisonError::into_inner);
        if desks.get(scope).is_some_and(is_done_with) {
            desks.remove(scope);
            let mut had_any = self.had_any.lock().unwrap_or_else(PoisonError::into_inner);
            had_any.retain(|(it, _), _| it != scope);
        }
        Ok(Vec::new())
    }
}
