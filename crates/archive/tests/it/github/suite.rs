//! The suite of sinks, on archives in fresh directories.

use super::build::{app, records, sink, source};
use crate::narrowed::Without;
use async_trait::async_trait;
use packhorse_core::{
    Object, ObjectKind, Record, Scope,
    model::{State, StateValue, Subject},
    port::{Sink, Source},
};
use packhorse_testkit::suite::{self, Place};
use std::{path::PathBuf, sync::Arc};

/// An archive in a directory of its own.
struct Fresh {
    directory: tempfile::TempDir,
    sink: Arc<dyn Sink>,
}

impl Fresh {
    // The suite's samples are locked issues, and the archive knows archived projects alone.
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let sink = sink(&directory.path().join("made.tar.gz"), false);
        Self { directory, sink: Arc::new(Without(sink, &[ObjectKind::State])) }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("made.tar.gz")
    }
}

#[async_trait]
impl Place for Fresh {
    fn sink(&self) -> Arc<dyn Sink> {
        Arc::clone(&self.sink)
    }

    async fn source(&self) -> Arc<dyn Source> {
        self.sink.finish(&Scope::Shared).await.unwrap();
        source(&self.path())
    }
}

#[tokio::test]
async fn it_keeps_the_contract_of_a_sink() {
    suite::sink(async || Fresh::new()).await;
}

fn state(value: StateValue) -> Record {
    let state = State { subject: Subject::Project, value, ..State::default() };
    Record::new("project/archived", Object::State(state))
}

#[tokio::test]
async fn an_archived_project_comes_back_archived() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar.gz");
    let sink = sink(&path, false);

    let written = sink.write(&app(), &state(StateValue::Archived), None).await.unwrap();
    sink.finish(&Scope::Shared).await.unwrap();

    assert_eq!(written.losses, []);
    let found = records(&*source(&path), &app(), ObjectKind::State).await.unwrap();
    assert_eq!(found, [state(StateValue::Archived)]);
}

#[tokio::test]
async fn other_states_are_left_out_and_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.tar.gz");
    let sink = sink(&path, false);

    let written = sink.write(&app(), &state(StateValue::Pinned(None)), None).await.unwrap();
    sink.flush(&app()).await.unwrap();

    assert_eq!(written.losses[0].field, "value.pinned");
    let found = sink.find(&app(), &state(StateValue::Archived)).await.unwrap();
    assert_eq!(found, None);
}
