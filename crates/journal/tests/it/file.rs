//! The file: opened again, refused, shared by two processes.

use packhorse_core::{
    Fingerprint, Lane, ObjectKind, Scope, Settle, TargetId,
    job::{JobOptions, JobSpec},
    port::{Begun, Entry, Journal, JournalError, Outcome, Position, Queue, Settled},
};
use packhorse_database::SchemaError;
use packhorse_journal::SqliteJournal;
use rusqlite::Connection;
use std::{fs, path::Path, time::Duration};

const LEASE: Duration = Duration::from_secs(60);

fn spec() -> JobSpec {
    JobSpec {
        from: "local:./one".into(),
        to: "local:./two".into(),
        source_identity: "one".into(),
        sink_identity: "two".into(),
        options: JobOptions::default(),
        queued: true,
    }
}

fn refusal(error: &JournalError) -> &SchemaError {
    error.source.downcast_ref().expect("the file was looked into")
}

#[tokio::test]
async fn what_was_settled_is_there_when_the_file_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.sqlite");
    let lane = Lane::new(Scope::Shared, ObjectKind::User);
    let entry = Entry { id: "ann".into(), fingerprint: Fingerprint::from_bytes([7; 32]) };
    let settled = Settled {
        id: "ann".into(),
        fingerprint: entry.fingerprint,
        target: TargetId("4711".into()),
        outcome: Some(Outcome::Created),
        losses: Vec::new(),
    };
    let (job, claim) = {
        let journal = SqliteJournal::open(&path).unwrap();
        let job = journal.submit(&spec()).await.unwrap();
        let claim = journal.claim(Some(job), "ann", LEASE).await.unwrap().unwrap();
        journal.settle(&claim, &lane, &[settled], &[], Some(&Position::Done)).await.unwrap();
        (job, claim)
    };

    let journal = SqliteJournal::open(&path).unwrap();

    assert_eq!(journal.position(&claim, &lane).await.unwrap(), Position::Done);
    assert_eq!(journal.begin(&claim, &lane, Settle::Page, &[entry]).await.unwrap(), [Begun::Done]);
    assert_eq!(journal.jobs(None).await.unwrap()[0].id, job);
}

#[tokio::test]
async fn two_processes_see_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.sqlite");
    let (one, two) = (SqliteJournal::open(&path).unwrap(), SqliteJournal::open(&path).unwrap());
    let job = one.submit(&spec()).await.unwrap();

    let claims = tokio::join!(one.claim(None, "ann", LEASE), two.claim(None, "bob", LEASE));

    let claims = [claims.0.unwrap(), claims.1.unwrap()];
    assert_eq!(claims.iter().flatten().count(), 1);
    assert!(two.cancel(job).await.unwrap());
    assert!(one.jobs(Some(job)).await.unwrap()[0].cancelling);
}

fn check_foreign(path: &Path) {
    let before = fs::read(path).expect("the file is there");

    let error = SqliteJournal::open(path).expect_err("it is no journal");

    assert!(matches!(refusal(&error), SchemaError::Foreign { of: "journal" }), "{error:?}");
    assert_eq!(fs::read(path).expect("the file is there"), before, "it stays as it is");
}

#[test]
fn a_file_of_another_program_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (text, database) = (directory.path().join("text"), directory.path().join("database"));
    fs::write(&text, "Dear journal, today I carried a hundred packs. ".repeat(100)).unwrap();
    Connection::open(&database).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();

    check_foreign(&text);
    check_foreign(&database);
}

#[test]
fn a_file_of_a_newer_version_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.sqlite");
    drop(SqliteJournal::open(&path).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();

    let error = SqliteJournal::open(&path).expect_err("it is newer");

    assert!(matches!(refusal(&error), SchemaError::Newer { found: 99, .. }), "{error:?}");
}

#[cfg(unix)]
#[test]
fn nobody_else_reads_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.sqlite");

    drop(SqliteJournal::open(&path).unwrap());

    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
}
