//! Archives that a host is given: read with the reader of their format, and taken into the store.
//!
//! Known to be looser than any product: everybody who is named in an archive is known.

use crate::store::{self, Store};
use futures::StreamExt as _;
use packhorse_core::{
    Access, Carriage, Cursor, HostError, HostErrorKind, HostSpec, Lane, Location, Object,
    ObjectKind, OpenContext, Origin, Record, RepoKind, Scope,
    error::chain,
    model::Project,
    port::{BlobRef, Source},
};
use packhorse_storage::{Settings, Storage};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;

/// An archive of one format.
pub(crate) struct Archive {
    spec: &'static HostSpec,
    file: PathBuf,
    scratch: TempDir,
}

/// What an archive holds.
pub(crate) struct Content {
    /// Projects, as they are called in it.
    pub(crate) projects: Vec<Project>,
    /// All other records, each in its scope.
    pub(crate) records: Vec<(Scope, Record)>,
}

fn fail(kind: HostErrorKind) -> HostError {
    HostError::new(kind, "import an archive")
}

/// A failure and what is underneath, as hosts tell of it.
pub(crate) fn explained(error: &HostError) -> String {
    chain(error)
}

/// What is at an address of plain HTTP, up to so many bytes.
pub(crate) fn fetched(url: &str, most: u64) -> Option<Vec<u8>> {
    let url: url::Url = url.parse().ok()?;
    let host = (url.host_str()?.to_owned(), url.port_or_known_default()?);
    let mut stream = TcpStream::connect((host.0.as_str(), host.1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let (target, (name, port)) = (&url[url::Position::BeforePath..], &host);
    write!(stream, "GET {target} HTTP/1.0\r\nHost: {name}:{port}\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.take(most).read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n")? + 4;
    let is_there = answer.starts_with(b"HTTP/1.") && answer.get(8..12)? == b" 200";
    is_there.then(|| answer.split_off(end))
}

/// An object of a bucket of S3, by a key that opens it.
pub(crate) fn from_bucket(
    (bucket, key): (&str, &str),
    variables: &[(&str, &str)],
) -> Option<Vec<u8>> {
    let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    let settings = Settings::of(variables.collect::<Vec<(String, String)>>());
    let (address, key) = (format!("s3://{bucket}"), key.to_owned());
    let fetch = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        runtime.block_on(async {
            let storage = Storage::open(&address, &settings).ok()?;
            let directory = tempfile::tempdir().ok()?;
            let file = directory.path().join("archive");
            storage.get_file(&key, &file).await.ok()?;
            std::fs::read(&file).ok()
        })
    };
    // A request is answered without waiting.
    std::thread::spawn(fetch).join().ok()?
}

impl Archive {
    /// The archive of a file or a directory.
    pub(crate) fn of(spec: &'static HostSpec, file: &Path) -> Result<Self, HostError> {
        let scratch =
            tempfile::tempdir().map_err(|it| fail(HostErrorKind::Unavailable).because(it))?;
        Ok(Self { spec, file: file.to_owned(), scratch })
    }

    /// A request is answered without waiting, and archives are read by those who may wait.
    fn apart<T, F>(
        &self,
        work: impl FnOnce(Arc<dyn Source>) -> F + Send + 'static,
    ) -> Result<T, HostError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, HostError>>,
    {
        let location = Location {
            host: self.spec.id.to_owned(),
            rest: self.file.to_string_lossy().into_owned(),
            project: None,
            credentials: None,
            more_credentials: Vec::new(),
        };
        let (spec, scratch) = (self.spec, self.scratch.path().to_owned());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|it| fail(HostErrorKind::Unavailable).because(it))?;
            let context = OpenContext { scratch, access: Access::Read, resume: false };
            let source = (spec.open)(&location, &context)?.source;
            runtime.block_on(work(source.ok_or_else(|| fail(HostErrorKind::NotFound))?))
        });
        thread.join().map_err(|_| fail(HostErrorKind::Unavailable))?
    }

    /// Reads all of its records.
    pub(crate) fn read(&self) -> Result<Content, HostError> {
        self.apart(|source| async move { read(&*source).await })
    }

    /// Takes repositories, records and bytes into a store, projects under other names.
    ///
    /// The projects themselves have to be there afterwards, by those who take it.
    pub(crate) fn take(
        &self,
        store: &mut Store,
        content: Content,
        called: impl Fn(&str) -> String,
    ) -> Result<(), HostError> {
        for project in &content.projects {
            for repo in [RepoKind::Code, RepoKind::Wiki] {
                let (path, to) =
                    (project.path.clone(), store.repository(&called(&project.path), repo));
                self.apart(move |source| async move {
                    if let Some(remote) = source.remote(&path, repo).await? {
                        store::copy(&remote, &to).await?;
                    }
                    Ok(())
                })?;
            }
        }
        let is_link = |it: &Object| matches!(it, Object::ReleaseAsset(it) if it.link.is_some());
        let is_blob =
            |it: &Record| it.object.kind().carriage() == Carriage::Blob && !is_link(&it.object);
        let held: Vec<(Scope, Origin)> = content
            .records
            .iter()
            .filter(|(_, it)| is_blob(it))
            .map(|(scope, it)| (scope.clone(), it.origin.clone()))
            .collect();
        let placed = |scope: &Scope| match scope.project() {
            Some(path) => Scope::Project(called(path)),
            None => Scope::Shared,
        };
        store.import(content.records.into_iter().map(|(scope, it)| (placed(&scope), it)));
        for (scope, origin) in held {
            self.blob(store, (&scope, &placed(&scope)), &origin)?;
        }
        Ok(())
    }

    /// Brings the bytes of a record to where the store keeps them.
    fn blob(
        &self,
        store: &Store,
        (from, to): (&Scope, &Scope),
        origin: &Origin,
    ) -> Result<(), HostError> {
        let Some(id) = store.id_of(to, origin) else { return Ok(()) };
        let name = if origin.kind == ObjectKind::ReleaseAsset {
            store::asset_blob(to.key(), id)
        } else if origin.kind == ObjectKind::Attachment {
            store::attachment_blob(to.key(), id)
        } else {
            format!("lfs-{}-{}", to.key(), origin.id)
        };
        let blob =
            BlobRef { scope: from.clone(), origin: origin.clone(), size: None, sha256: None };
        let bytes = self.apart(move |source| async move {
            let (mut bytes, mut stream) = (Vec::new(), source.open(&blob, 0).await?);
            while let Some(piece) = stream.next().await {
                let piece = piece.map_err(|it| fail(HostErrorKind::Unavailable).because(it))?;
                bytes.extend_from_slice(&piece);
            }
            Ok(bytes)
        })?;
        let saved = store.save_blob(&name, &bytes);
        saved.map_err(|it| fail(HostErrorKind::Unavailable).because(it))
    }
}

async fn read(source: &dyn Source) -> Result<Content, HostError> {
    let mut content = Content { projects: Vec::new(), records: Vec::new() };
    for record in lane(source, &Lane::new(Scope::Shared, ObjectKind::Project)).await? {
        if let Object::Project(it) = record.object {
            content.projects.push(*it);
        }
    }
    let scopes = content.projects.iter().map(|it| Scope::Project(it.path.clone()));
    for scope in scopes.chain([Scope::Shared]).collect::<Vec<_>>() {
        let kinds = ObjectKind::ALL.iter().copied();
        let kinds = kinds.filter(|it| *it != ObjectKind::Project && it.carriage() != Carriage::Git);
        for kind in kinds {
            let records = lane(source, &Lane::new(scope.clone(), kind)).await?;
            content.records.extend(records.into_iter().map(|it| (scope.clone(), it)));
        }
    }
    Ok(content)
}

async fn lane(source: &dyn Source, lane: &Lane) -> Result<Vec<Record>, HostError> {
    let (mut records, mut at): (Vec<_>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page = source.read(lane, at.as_ref()).await?;
        records.extend(page.records);
        at = page.next;
        if at.is_none() {
            return Ok(records);
        }
    }
}
