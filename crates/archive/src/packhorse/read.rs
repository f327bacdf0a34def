//! Reading: pages out of chunks, repositories out of bundles, blobs.

use super::{
    index::{Chunk, Index, LaneIndex, Sketch, sketch},
    layout,
    manifest::{BlobLine, Head},
};
use crate::container::{Archive, ArchiveError, Limits, Lines, Member};
use async_trait::async_trait;
use packhorse_core::{
    Capabilities, Cursor, GitRemote, HostError, HostErrorKind, Lane, Object, ObjectKind, Record,
    RepoKind, Scope, Web,
    model::Project,
    port::{BlobRef, ByteStream, Inventory, KindCount, Page, Source},
};
use packhorse_git::{Git, bundle, repository};
use serde_json::value::RawValue;
use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

/// Most records of a page.
const PAGE_RECORDS: usize = 500;
/// Most bytes of a page's lines.
const PAGE_BYTES: usize = 2 << 20;
/// Longest head, in bytes (section 3).
const MAX_HEAD: u64 = 64 << 10;
/// Lanes with revisions that are remembered: as many as are read side by side.
const REMEMBERED_LANES: usize = 8;
/// Blobs of records read lately that are remembered, so that opening them needs no search.
const REMEMBERED: usize = 16_384;

/// The archive as a source.
pub(super) struct ArchiveSource {
    inner: Arc<Inner>,
}

struct Inner {
    archive: Archive,
    only: Option<String>,
    scratch: PathBuf,
    index: OnceLock<Index>,
    /// One builder at a time; the others wait for its index.
    building: Mutex<()>,
    revisions: Mutex<HashMap<(Scope, ObjectKind), Arc<Revisions>>>,
    blobs: Mutex<HashMap<(Scope, String), BlobLine>>,
    repositories: tokio::sync::Mutex<HashMap<(String, RepoKind), PathBuf>>,
}

/// Chunk and offset of the last revision of every revised id; `None` for one that is removed.
type Revisions = HashMap<String, Option<(usize, u64)>>;

impl ArchiveSource {
    /// Opens an archive; what is in it is looked at when it is first asked for.
    pub(super) fn open(
        path: &Path,
        only: Option<String>,
        scratch: &Path,
    ) -> Result<Self, HostError> {
        let limits = Limits { max_record_bytes: 17 << 20, ..Limits::of_this_run() };
        let archive = Archive::open(path, limits)?;
        let inner = Inner {
            archive,
            only,
            scratch: scratch.to_owned(),
            index: OnceLock::new(),
            building: Mutex::default(),
            revisions: Mutex::default(),
            blobs: Mutex::default(),
            repositories: tokio::sync::Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, ArchiveError> + Send + 'static,
    ) -> Result<T, HostError> {
        let inner = self.inner.clone();
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        let done = done.map_err(|error| {
            HostError::new(HostErrorKind::Unavailable, "read the archive").because(error)
        })?;
        Ok(done?)
    }
}

impl Inner {
    /// What the first member says, which stands at the very beginning.
    fn addresses(&self) -> Vec<Web> {
        let mut head = None;
        let enough = || ArchiveError::TooMuch { what: "the head".to_owned(), limit: 1 };
        let scan = self.archive.scan(|member, data| {
            let mut text = Vec::new();
            if member.name == layout::HEAD {
                let read = data.take(MAX_HEAD).read_to_end(&mut text);
                read.map_err(ArchiveError::system("read the archive"))?;
            }
            head = serde_json::from_slice::<Head>(&text).ok();
            Err(enough())
        });
        // Whatever is wrong with the archive is found when it is read through.
        drop(scan);
        head.map(|it| it.addresses).unwrap_or_default()
    }

    fn index(&self) -> Result<&Index, ArchiveError> {
        let guard = self.building.lock().unwrap_or_else(PoisonError::into_inner);
        if self.index.get().is_none() {
            std::fs::create_dir_all(&self.scratch)
                .map_err(ArchiveError::system("make a scratch directory"))?;
            let index = Index::build(&self.archive, &self.scratch)?;
            drop(self.index.set(index));
        }
        drop(guard);
        self.index.get().ok_or_else(|| ArchiveError::NotAnArchive {
            file: self.archive.path().display().to_string(),
            detail: "its index is gone".into(),
        })
    }

    fn is_wanted(&self, project: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == project)
    }

    fn inventory(&self, scope: &Scope) -> Result<Inventory, ArchiveError> {
        let index = self.index()?;
        let mut inventory = Inventory::default();
        if *scope == Scope::Shared {
            let n = index.projects().iter().filter(|it| self.is_wanted(it)).count() as u64;
            let kind = ObjectKind::Project;
            inventory.counts.push(KindCount { kind, records: Some(n), bytes: None });
            inventory.losses.clone_from(&index.losses);
        }
        for ((_, kind), lane) in index.lanes.iter().filter(|it| it.0.0 == *scope) {
            let is_listed_above = *kind == ObjectKind::Project;
            if !is_listed_above && lane.records > 0 {
                let records = Some(lane.records);
                inventory.counts.push(KindCount { kind: *kind, records, bytes: None });
            }
        }
        for ((project, repo), entry) in &index.repositories {
            if scope.project() == Some(project) {
                let kind = match repo {
                    RepoKind::Code => ObjectKind::Repository,
                    RepoKind::Wiki => ObjectKind::Wiki,
                };
                let bytes = entry.bundle.as_ref().map(|it| it.size);
                inventory.counts.push(KindCount { kind, records: Some(1), bytes });
            }
        }
        Ok(inventory)
    }

    fn read(&self, lane: &Lane, at: Option<&Cursor>) -> Result<Page, ArchiveError> {
        if lane.kind == ObjectKind::Project && lane.scope == Scope::Shared {
            return self.projects(at);
        }
        let Some(found) = self.index()?.lanes.get(&(lane.scope.clone(), lane.kind)) else {
            return Ok(Page::default());
        };
        let (mut chunk, mut offset) = place(at)?;
        let revisions = self.revisions(lane, found)?;
        let mut page = Page::default();
        let mut bytes = 0;
        while let Some(current) = found.plain.get(chunk) {
            let data = self.archive.member(&current.member, offset)?;
            let mut lines = Lines::new(data, &current.member.name, self.archive.limits());
            while let Some(line) = lines.next()? {
                let end = offset + line.len() as u64 + 1;
                bytes += line.len();
                if let Some(record) = self.record(lane, (found, current), line, &revisions)? {
                    page.records.push(record);
                }
                offset = end;
                let is_full = page.records.len() >= PAGE_RECORDS || bytes >= PAGE_BYTES;
                if is_full && end < current.member.size {
                    page.next = Some(Cursor(format!("{chunk}:{offset}")));
                    return Ok(page);
                }
            }
            (chunk, offset) = (chunk + 1, 0);
            let is_full = page.records.len() >= PAGE_RECORDS || bytes >= PAGE_BYTES;
            if is_full && chunk < found.plain.len() {
                page.next = Some(Cursor(format!("{chunk}:0")));
                return Ok(page);
            }
        }
        Ok(page)
    }

    /// The revisions of a lane, which are looked for once.
    fn revisions(&self, lane: &Lane, found: &LaneIndex) -> Result<Arc<Revisions>, ArchiveError> {
        let key = (lane.scope.clone(), lane.kind);
        let mut remembered = self.revisions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(revisions) = remembered.get(&key) {
            return Ok(revisions.clone());
        }
        let mut revisions = Revisions::new();
        for (n, chunk) in found.revisions.iter().enumerate() {
            let name = &chunk.member.name;
            let data = self.archive.member(&chunk.member, 0)?;
            let mut lines = Lines::new(data, name, self.archive.limits());
            let mut at = 0;
            while let Some(line) = lines.next()? {
                let sketch = sketch(name, at, line)?;
                revisions.insert(sketch.id, (!sketch.removed).then_some((n, at)));
                at = lines.position();
            }
        }
        let revisions = Arc::new(revisions);
        if !found.revisions.is_empty() {
            if remembered.len() >= REMEMBERED_LANES {
                remembered.clear();
            }
            remembered.insert(key, revisions.clone());
        }
        Ok(revisions)
    }

    /// The record of a line, or of the line that has taken its place.
    fn record(
        &self,
        lane: &Lane,
        (found, chunk): (&LaneIndex, &Chunk),
        line: &[u8],
        revisions: &Revisions,
    ) -> Result<Option<Record>, ArchiveError> {
        let older = sketch(&chunk.member.name, 0, line)?;
        let Some(newer) = revisions.get(&older.id) else {
            return self.parsed(lane, chunk, older).map(Some);
        };
        let Some((n, at)) = *newer else { return Ok(None) };
        let Some(chunk) = found.revisions.get(n) else { return Ok(None) };
        let data = self.archive.member(&chunk.member, at)?;
        let mut lines = Lines::new(data, &chunk.member.name, self.archive.limits());
        let Some(line) = lines.next()? else { return Ok(None) };
        self.parsed(lane, chunk, sketch(&chunk.member.name, at, line)?).map(Some)
    }

    fn parsed(
        &self,
        lane: &Lane,
        chunk: &Chunk,
        sketch: Sketch<'_>,
    ) -> Result<Record, ArchiveError> {
        let value = sketch.value.map_or("{}", RawValue::get);
        let object = Object::from_fields(lane.kind, value.as_bytes())
            .map_err(|error| ArchiveError::malformed(&chunk.member.name, 0, error.to_string()))?;
        if let Some(blob) = sketch.blob {
            self.remember(&lane.scope, lane.kind, &sketch.id, blob);
        }
        Ok(Record::new(sketch.id, object))
    }

    fn remember(&self, scope: &Scope, kind: ObjectKind, id: &str, blob: BlobLine) {
        let mut blobs = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        if blobs.len() >= REMEMBERED {
            blobs.clear();
        }
        blobs.insert((scope.clone(), format!("{kind}/{id}")), blob);
    }

    /// Projects with their records; one without gets a record of its path alone.
    fn projects(&self, at: Option<&Cursor>) -> Result<Page, ArchiveError> {
        let index = self.index()?;
        let (from, _) = place(at)?;
        let all: Vec<String> =
            index.projects().into_iter().filter(|it| self.is_wanted(it)).collect();
        let mut page = Page::default();
        for path in all.iter().skip(from).take(PAGE_RECORDS) {
            let lane = Lane::new(Scope::Project(path.clone()), ObjectKind::Project);
            let found = self.read(&lane, None)?.records.into_iter().next();
            page.records.push(found.unwrap_or_else(|| nameless(path)));
        }
        let next = from + page.records.len();
        page.next = (next < all.len()).then(|| Cursor(format!("{next}:0")));
        Ok(page)
    }

    /// The member with a blob's bytes.
    fn blob(&self, blob: &BlobRef) -> Result<Option<Member>, ArchiveError> {
        let index = self.index()?;
        let key = (blob.scope.clone(), format!("{}/{}", blob.origin.kind, blob.origin.id));
        let remembered =
            || self.blobs.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let mut line = remembered();
        if line.is_none() {
            let lane = Lane::new(blob.scope.clone(), blob.origin.kind);
            let mut at = None;
            loop {
                let page = self.read(&lane, at.as_ref())?;
                line = remembered();
                at = page.next;
                if line.is_some() || at.is_none() {
                    break;
                }
            }
        }
        Ok(line.and_then(|it| index.blobs.get(&it.sha256).cloned()))
    }
}

fn nameless(path: &str) -> Record {
    let name = path.rsplit('/').next().unwrap_or(path).to_owned();
    let project = Project { path: path.to_owned(), name, ..Project::default() };
    Record::new(path, Object::from(project))
}

fn place(at: Option<&Cursor>) -> Result<(usize, u64), ArchiveError> {
    let Some(Cursor(text)) = at else { return Ok((0, 0)) };
    let parsed = text.split_once(':').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    parsed.ok_or_else(|| ArchiveError::malformed("a cursor", 0, "it is not one of this archive's"))
}

#[async_trait]
impl Source for ArchiveSource {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        self.with(|inner| {
            let identity = format!("packhorse-archive:{}", inner.archive.path().display());
            let mut capabilities = Capabilities::promised(super::support::reads, identity);
            capabilities.version = Some(inner.archive.sha256()?);
            capabilities.former = inner.addresses();
            Ok(capabilities)
        })
        .await
    }

    async fn inventory(&self, scope: &Scope) -> Result<Inventory, HostError> {
        let scope = scope.clone();
        self.with(move |inner| inner.inventory(&scope)).await
    }

    async fn read(&self, lane: &Lane, at: Option<&Cursor>) -> Result<Page, HostError> {
        let (lane, at) = (lane.clone(), at.cloned());
        self.with(move |inner| inner.read(&lane, at.as_ref())).await
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        let mut repositories = self.inner.repositories.lock().await;
        let key = (project.to_owned(), repo);
        if let Some(path) = repositories.get(&key) {
            return Ok(Some(GitRemote::local(path)));
        }
        let wanted = key.clone();
        let found = self.with(move |inner| Ok(inner.index()?.repositories.get(&wanted).cloned()));
        let Some(found) = found.await? else { return Ok(None) };
        let path = unpack(self, &key, found).await?;
        repositories.insert(key, path.clone());
        Ok(Some(GitRemote::local(&path)))
    }

    async fn open(&self, blob: &BlobRef, from: u64) -> Result<ByteStream, HostError> {
        let wanted = blob.clone();
        let member = self.with(move |inner| inner.blob(&wanted)).await?.ok_or_else(|| {
            HostError::new(HostErrorKind::NotFound, "open a file").with("object", &blob.origin)
        })?;
        let data = self.with(move |inner| inner.archive.member(&member, from)).await?;
        Ok(Box::pin(crate::stream::blocking(data)))
    }
}

/// Takes a repository out of its bundle into a bare one of our own making.
async fn unpack(
    source: &ArchiveSource,
    (_, repo): &(String, RepoKind),
    found: super::index::RepositoryIndex,
) -> Result<PathBuf, HostError> {
    // A directory of its own: what an earlier reader left in the scratch directory is not met.
    let directory = tempfile::tempdir_in(&source.inner.scratch)
        .map_err(ArchiveError::system("make a scratch directory"))?
        .keep();
    let path = directory.join(format!("{}.git", repo.name()));
    let state = found.state;
    let format = match state.object_format.as_str() {
        "sha256" => packhorse_core::model::ObjectFormat::Sha256,
        _ => packhorse_core::model::ObjectFormat::Sha1,
    };
    repository::init_bare(&path, format)?;
    if let Some(member) = found.bundle {
        let file = path.with_extension("bundle");
        let copy = file.clone();
        source
            .with(move |inner| {
                let fail = || ArchiveError::system("unpack a bundle");
                let mut data = inner.archive.member(&member, 0)?;
                let mut out = File::create(&copy).map_err(fail())?;
                io::copy(&mut data.by_ref(), &mut out).map(drop).map_err(fail())
            })
            .await?;
        bundle::unbundle(&Git::find().await?, &file, &path, None).await?;
        std::fs::remove_file(&file).map_err(ArchiveError::system("unpack a bundle"))?;
    }
    if let Some(head) = &state.head {
        repository::set_head(&path, head)?;
    }
    Ok(path)
}
