//! The suite of sinks, on directories of dumps.

use super::build::{app, records, sink, source};
use crate::narrowed::Without;
use async_trait::async_trait;
use packhorse_core::{
    Object, ObjectKind, Record, RepoKind, Scope,
    model::{Event, Subject},
    port::{Outcome, Sink, Source},
};
use packhorse_testkit::{
    git, samples,
    suite::{self, Place},
};
use std::{path::PathBuf, sync::Arc};

/// A directory of dumps, in a directory of its own.
struct Fresh {
    directory: tempfile::TempDir,
    sink: Arc<dyn Sink>,
}

impl Fresh {
    // The suite's samples of events are labels that were given, which dumps do not have.
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let sink = sink(&directory.path().join("made"), false);
        Self { directory, sink: Arc::new(Without(sink, &[ObjectKind::Event])) }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("made")
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

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_of_a_sink() {
    suite::sink(async || Fresh::new()).await;
}

fn event(action: &str) -> Record {
    let event = Event {
        subject: Subject::Issue(4),
        action: action.to_owned(),
        title_before: Some("old".to_owned()).filter(|_| action == "renamed"),
        title_after: Some("new".to_owned()).filter(|_| action == "renamed"),
        created_at: "2026-01-01T00:00:00Z".parse().ok(),
        ..Event::default()
    };
    Record::new("77", Object::Event(event))
}

#[tokio::test]
async fn events_that_gitea_knows_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made");
    let sink = sink(&path, false);
    sink.write(&app(), &samples::sample(ObjectKind::Issue, 1), None).await.unwrap();

    let kept = sink.write(&app(), &event("renamed"), None).await.unwrap();
    let dropped = sink.write(&app(), &event("labeled"), None).await.unwrap();
    sink.finish(&Scope::Shared).await.unwrap();

    assert_eq!((kept.losses, dropped.outcome), (vec![], Outcome::Dropped));
    let found = records(&*source(&path), &app(), ObjectKind::Event).await.unwrap();
    assert_eq!(found, [event("renamed")]);
}

#[tokio::test]
async fn the_repository_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made");
    let sink = sink(&path, false);
    sink.write(&app(), &samples::project_at("acme/app"), None).await.unwrap();
    let remote = sink.remote("acme/app", RepoKind::Code).await.unwrap().unwrap();
    let refs = git::repository(remote.url.as_path().unwrap(), &git::Shape::default()).await;
    sink.finish(&Scope::Shared).await.unwrap();

    let source = source(&path);
    let remote = source.remote("acme/app", RepoKind::Code).await.unwrap().unwrap();

    assert_eq!(git::refs_of(remote.url.as_path().unwrap()).await.refs, refs.refs);
    assert_eq!(source.remote("acme/app", RepoKind::Wiki).await.unwrap().map(|_| ()), None);
}
