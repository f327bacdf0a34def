//! Endpoints in a directory that lasts as long as a test, and short words for what tests do.

use bytes::Bytes;
use packhorse_core::{
    Access, Cursor, Endpoint, HostError, Lane, Object, ObjectKind, OpenContext, Origin, Record,
    Scope, model,
    port::{BlobRef, ByteStream, Page, Sink, Source},
};
use packhorse_git::Git;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tempfile::TempDir;

/// A directory that lasts as long as a test.
pub(crate) struct Place {
    root: PathBuf,
    _lasts: Option<TempDir>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { root: directory.path().to_owned(), _lasts: Some(directory) }
    }

    /// Another test's directory, which that test cleans up.
    pub(crate) fn at(root: &str) -> Self {
        Self { root: root.into(), _lasts: None }
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    pub(crate) fn open(&self, location: &str, access: Access) -> Result<Endpoint, HostError> {
        let location = location.replace("{}", &self.root.to_string_lossy());
        let context = OpenContext { scratch: self.path("scratch"), access, resume: false };
        let location: packhorse_core::Location = location.parse().unwrap();
        let host = packhorse_hosts::named(&location.host);
        (host.unwrap().open)(&location, &context)
    }

    /// The store `store` in this directory.
    pub(crate) fn sink(&self) -> Arc<dyn Sink> {
        self.open("local:{}/store", Access::Write).unwrap().sink.unwrap()
    }

    pub(crate) fn source(&self) -> Arc<dyn Source> {
        self.open("local:{}/store", Access::Read).unwrap().source.unwrap()
    }
}

pub(crate) fn app() -> Scope {
    Scope::Project("acme/app".into())
}

pub(crate) fn lane(kind: ObjectKind) -> Lane {
    Lane::new(app(), kind)
}

pub(crate) fn label(name: &str, description: &str) -> Record {
    let label = model::Label {
        name: name.into(),
        description: Some(model::Text::new(description, model::Markup::Plain)),
        ..model::Label::default()
    };
    Record::new(name, Object::from(label))
}

pub(crate) fn issue(number: u64) -> Record {
    let issue = model::Issue { number, title: format!("no. {number}"), ..model::Issue::default() };
    Record::new(number.to_string(), Object::from(issue))
}

pub(crate) fn project(path: &str) -> Record {
    let project = model::Project { path: path.into(), ..model::Project::default() };
    Record::new(path, Object::from(project))
}

/// Writes records of the project `acme/app` and makes them durable.
pub(crate) async fn fill(sink: &dyn Sink, records: impl IntoIterator<Item = Record>) {
    for record in records {
        sink.write(&app(), &record, None).await.unwrap();
    }
    sink.flush(&app()).await.unwrap();
}

/// All pages of a lane.
pub(crate) async fn pages(source: &dyn Source, lane: &Lane) -> Vec<Page> {
    let mut pages = Vec::new();
    let mut at: Option<Cursor> = None;
    loop {
        let page = source.read(lane, at.as_ref()).await.unwrap();
        at.clone_from(&page.next);
        pages.push(page);
        if at.is_none() {
            return pages;
        }
    }
}

/// All records of a lane.
pub(crate) async fn all(source: &dyn Source, lane: &Lane) -> Vec<Record> {
    pages(source, lane).await.into_iter().flat_map(|page| page.records).collect()
}

pub(crate) fn ids(records: &[Record]) -> Vec<&str> {
    records.iter().map(|it| it.origin.id.as_str()).collect()
}

pub(crate) fn attachment(id: &str) -> BlobRef {
    let origin = Origin::new(ObjectKind::Attachment, id);
    BlobRef { scope: app(), origin, size: None, sha256: None }
}

pub(crate) fn stream(pieces: &[&[u8]]) -> ByteStream {
    let pieces: Vec<_> = pieces.iter().map(|it| Ok(Bytes::copy_from_slice(it))).collect();
    Box::pin(futures::stream::iter(pieces))
}

/// The words of an error and of all that it is because of.
pub(crate) fn words(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", words(source)),
        None => error.to_string(),
    }
}

/// Makes one commit in a bare repository and gives its id.
pub(crate) async fn commit(repository: &Path) -> String {
    let git = Git::find().await.unwrap();
    let run = async |arguments: &[&str], input: &[u8]| {
        let command = git.inside(repository, arguments);
        let command = command.setting("user.name", "Ann").setting("user.email", "ann@h.example");
        String::from_utf8(command.run(input).await.unwrap()).unwrap().trim().to_owned()
    };
    let blob = run(&["hash-object", "-w", "--stdin"], b"hello\n").await;
    let tree = run(&["mktree"], format!("100644 blob {blob}\tREADME\n").as_bytes()).await;
    let commit = run(&["commit-tree", &tree, "-m", "begin"], b"").await;
    run(&["update-ref", "refs/heads/main", &commit], b"").await;
    commit
}
