//! Our own archive.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod damage;
mod document;
mod killed;
mod suite;

use packhorse_core::{
    Access, Endpoint, Lane, Location, OpenContext, Record, Scope,
    port::{Sink, Source},
};
use packhorse_testkit::suite::walk;
use std::{path::PathBuf, sync::Arc};
use tempfile::TempDir;

/// An archive in a directory of its own.
pub(crate) struct Archive {
    directory: TempDir,
}

impl Archive {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("a.packhorse")
    }

    fn open(&self, access: Access, resume: bool) -> Endpoint {
        let location: Location =
            format!("packhorse-archive:{}", self.path().display()).parse().unwrap();
        let scratch = tempfile::tempdir_in(self.directory.path()).unwrap().keep();
        let context = OpenContext { scratch, access, resume };
        (packhorse_archive::packhorse::SPEC.open)(&location, &context).unwrap()
    }

    pub(crate) fn sink(&self, resume: bool) -> Arc<dyn Sink> {
        self.open(Access::Write, resume).sink.unwrap()
    }

    pub(crate) fn source(&self) -> Arc<dyn Source> {
        self.open(Access::Read, false).source.unwrap()
    }
}

/// The project that tests write to.
pub(crate) fn project() -> Scope {
    Scope::Project("acme/widgets".into())
}

/// Writes records of one kind and flushes them.
pub(crate) async fn write(sink: &dyn Sink, records: &[Record]) {
    for record in records {
        sink.write(&project(), record, None).await.unwrap();
    }
    sink.flush(&project()).await.unwrap();
}

/// Ends an archive.
pub(crate) async fn finish(sink: &dyn Sink) {
    sink.finish(&project()).await.unwrap();
    sink.finish(&Scope::Shared).await.unwrap();
}

/// Everything in a lane.
pub(crate) async fn all(source: &dyn Source, kind: packhorse_core::ObjectKind) -> Vec<Record> {
    walk(source, &Lane::new(project(), kind)).await
}
