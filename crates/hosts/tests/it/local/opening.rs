//! Opening: what is a store, what is not, and what is no longer whole.

use crate::place::{Place, fill, issue, label, lane, words};
use packhorse_core::{Access, HostError, HostErrorKind, ObjectKind};
use rusqlite::Connection;
use std::fs;

fn open(place: &Place, access: Access) -> Result<(), HostError> {
    place.open("local:{}/store", access).map(drop)
}

#[track_caller]
fn check(place: &Place, access: Access, kind: HostErrorKind, part: &str) {
    let error = open(place, access).unwrap_err();

    assert_eq!(error.kind, kind);
    assert!(words(&error).contains(part), "{}", words(&error));
    assert!(words(&error).contains("/store`"), "{}", words(&error));
}

#[test]
fn a_store_that_is_not_there_is_not_made_for_reading() {
    let place = Place::new();

    check(&place, Access::Read, HostErrorKind::NotFound, "there is no store here");
    assert!(!place.path("store").exists());
}

#[test]
fn a_directory_of_something_else_is_not_made_a_store() {
    let place = Place::new();
    fs::create_dir(place.path("store")).unwrap();
    fs::write(place.path("store/thesis.tex"), "").unwrap();

    check(&place, Access::Write, HostErrorKind::Conflict, "has other files");
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let place = Place::new();
    fs::create_dir(place.path("store")).unwrap();
    fs::write(place.path("store/store.sqlite"), "not a database ".repeat(100)).unwrap();

    check(&place, Access::Read, HostErrorKind::Conflict, "not a database");
    check(&place, Access::Write, HostErrorKind::Conflict, "not a database");
}

#[test]
fn another_programs_database_is_refused() {
    let place = Place::new();
    fs::create_dir(place.path("store")).unwrap();
    let other = Connection::open(place.path("store/store.sqlite")).unwrap();
    other.execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();

    check(&place, Access::Read, HostErrorKind::Conflict, "another program");
    check(&place, Access::Write, HostErrorKind::Conflict, "another program");
}

#[test]
fn a_newer_versions_store_is_refused() {
    let place = Place::new();
    open(&place, Access::Write).unwrap();
    let store = Connection::open(place.path("store/store.sqlite")).unwrap();
    store.pragma_update(None, "user_version", 99).unwrap();

    check(&place, Access::Read, HostErrorKind::Unsupported, "its schema is 99");
    check(&place, Access::Write, HostErrorKind::Unsupported, "its schema is 99");
}

#[test]
fn a_store_whose_making_was_cut_off_is_made_anew() {
    let place = Place::new();
    fs::create_dir(place.path("store")).unwrap();
    fs::write(place.path("store/store.sqlite"), "").unwrap();
    check(&place, Access::Read, HostErrorKind::Conflict, "is empty");

    open(&place, Access::Write).unwrap();

    open(&place, Access::Read).unwrap();
}

#[tokio::test]
async fn a_store_keeps_its_identity_wherever_it_is() {
    let place = Place::new();
    let before = place.sink().probe().await.unwrap().identity;
    assert_eq!(place.sink().probe().await.unwrap().identity, before);

    fs::rename(place.path("store"), place.path("elsewhere")).unwrap();
    let after = place.open("local:{}/elsewhere", Access::Read).unwrap().source.unwrap();

    assert_eq!(after.probe().await.unwrap().identity, before);
    assert_ne!(place.sink().probe().await.unwrap().identity, before);
    assert!(before.starts_with("local:"));
}

#[test]
fn many_may_make_the_same_store_at_once() {
    let place = Place::new();

    let results: Vec<_> = std::thread::scope(|threads| {
        let opening: Vec<_> =
            (0..8).map(|_| threads.spawn(|| open(&place, Access::Write))).collect();
        opening.into_iter().map(|it| it.join().unwrap()).collect()
    });

    assert!(results.iter().all(Result::is_ok), "{results:?}");
}

#[tokio::test]
async fn a_damaged_row_is_told_by_its_name() {
    let place = Place::new();
    fill(&*place.sink(), [issue(7), label("bug", "")]).await;
    let store = Connection::open(place.path("store/store.sqlite")).unwrap();
    store.execute("UPDATE records SET body = x'7b' WHERE kind = 'issue'", []).unwrap();
    store.execute("UPDATE records SET key = 'bug' WHERE kind = 'label'", []).unwrap();
    let source = place.source();

    for (kind, name) in [(ObjectKind::Issue, "issue 7"), (ObjectKind::Label, "label bug")] {
        let error = source.read(&lane(kind), None).await.unwrap_err();

        assert_eq!(error.kind, HostErrorKind::Protocol);
        assert!(words(&error).contains(name), "{}", words(&error));
        assert!(words(&error).contains("acme/app"), "{}", words(&error));
    }
}

#[tokio::test]
async fn a_damaged_database_is_told() {
    let place = Place::new();
    fill(&*place.sink(), (1..=2_000).map(issue)).await;
    let file = place.path("store/store.sqlite");
    let mut bytes = fs::read(&file).unwrap();
    let (_, behind) = bytes.split_at_mut(16_384);
    behind.fill(0xa5);
    fs::write(&file, bytes).unwrap();

    let opened = place.open("local:{}/store", Access::Read);

    let error = match opened {
        Err(error) => error,
        Ok(endpoint) => {
            endpoint.source.unwrap().read(&lane(ObjectKind::Issue), None).await.unwrap_err()
        }
    };
    assert_eq!(error.kind, HostErrorKind::Protocol, "{}", words(&error));
}

#[tokio::test]
async fn kinds_of_a_newer_version_are_told_as_losses() {
    let place = Place::new();
    fill(&*place.sink(), [issue(7)]).await;
    let store = Connection::open(place.path("store/store.sqlite")).unwrap();
    store.execute("UPDATE records SET kind = 'hologram'", []).unwrap();

    let inventory = place.source().inventory(&crate::place::app()).await.unwrap();

    assert_eq!(inventory.counts, []);
    assert_eq!((&*inventory.losses[0].name, inventory.losses[0].count), ("hologram", 1));
}

#[tokio::test]
async fn a_foreign_schema_runs_nothing() {
    let place = Place::new();
    fill(&*place.sink(), [issue(7)]).await;
    let store = Connection::open(place.path("store/store.sqlite")).unwrap();
    store
        .execute_batch(
            "ALTER TABLE records RENAME TO hidden;
             CREATE VIEW records AS SELECT scope, kind, key, load_extension('x') AS body FROM hidden",
        )
        .unwrap();

    let error = place.source().read(&lane(ObjectKind::Issue), None).await.unwrap_err();

    assert!(words(&error).contains("unsafe use of load_extension"), "{}", words(&error));
}

#[tokio::test]
async fn a_store_without_a_name_is_damaged() {
    let place = Place::new();
    drop(place.sink());
    let store = Connection::open(place.path("store/store.sqlite")).unwrap();
    store.execute("DELETE FROM store", []).unwrap();

    let error = place.open("local:{}/store", Access::Read).map(drop).unwrap_err();

    assert_eq!(error.kind, HostErrorKind::Protocol);
}
