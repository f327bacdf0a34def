//! The suite of sinks, on archives in fresh directories.

use super::build::{app, records, sink, source};
use crate::ends::Fresh;
use packhorse_archive::github::SPEC;
use packhorse_core::{
    Object, ObjectKind, Record, Scope,
    model::{State, StateValue, Subject},
};
use packhorse_testkit::suite;

#[tokio::test]
async fn it_keeps_the_contract_of_a_sink() {
    // The suite's samples are locked issues, and the archive knows archived projects alone.
    suite::sink(async || Fresh::new(&SPEC, "made.tar.gz", |it| it != ObjectKind::State)).await;
}

fn state(value: StateValue) -> Record {
    let state = State { subject: Subject::Project, value, ..State::default() };
    Record::new("project/archived", Object::from(state))
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
