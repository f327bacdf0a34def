//! Ends of any format: opened, written and read back.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use async_trait::async_trait;
use packhorse_core::{
    Access, Cursor, Endpoint, HostError, HostSpec, Lane, Location, ObjectKind, OpenContext, Record,
    Scope,
    port::{Sink, Source},
};
use packhorse_testkit::suite::{Narrow, Place};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tempfile::TempDir;

/// Opens an archive of a format; what it needs on the way lies beside it.
pub(crate) fn open(
    spec: &HostSpec,
    path: &Path,
    access: Access,
    resume: bool,
) -> Result<Endpoint, HostError> {
    let location: Location = format!("{}:{}", spec.id, path.display()).parse().unwrap();
    let scratch = path.parent().unwrap().join("scratch");
    (spec.open)(&location, &OpenContext { scratch, access, resume })
}

pub(crate) fn source(spec: &HostSpec, path: &Path) -> Arc<dyn Source> {
    open(spec, path, Access::Read, false).unwrap().source.unwrap()
}

pub(crate) fn sink(spec: &HostSpec, path: &Path, resume: bool) -> Arc<dyn Sink> {
    open(spec, path, Access::Write, resume).unwrap().sink.unwrap()
}

pub(crate) fn app() -> Scope {
    Scope::Project("acme/app".to_owned())
}

/// All records of a lane.
pub(crate) async fn records(
    source: &dyn Source,
    scope: &Scope,
    kind: ObjectKind,
) -> Result<Vec<Record>, HostError> {
    let lane = Lane::new(scope.clone(), kind);
    let (mut records, mut at): (Vec<_>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page = source.read(&lane, at.as_ref()).await?;
        records.extend(page.records);
        at = page.next;
        if at.is_none() {
            return Ok(records);
        }
    }
}

/// The errors of a failure, joined.
pub(crate) fn explain(error: &HostError) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |it| it.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// An archive in a directory of its own.
pub(crate) struct Fresh {
    spec: &'static HostSpec,
    directory: TempDir,
    name: &'static str,
    sink: Arc<dyn Sink>,
}

impl Fresh {
    /// One of that name, whose sink the suite asks for those kinds.
    pub(crate) fn new(
        spec: &'static HostSpec,
        name: &'static str,
        is_asked: fn(ObjectKind) -> bool,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let sink = sink(spec, &directory.path().join(name), false);
        Self { spec, directory, name, sink: Arc::new(Narrow(sink, is_asked)) }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join(self.name)
    }
}

#[async_trait]
impl Place for Fresh {
    fn sink(&self) -> Arc<dyn Sink> {
        Arc::clone(&self.sink)
    }

    async fn source(&self) -> Arc<dyn Source> {
        self.sink.finish(&Scope::Shared).await.unwrap();
        source(self.spec, &self.path())
    }
}
