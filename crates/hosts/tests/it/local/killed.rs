//! A writer that is killed in the middle.

use crate::place::{Place, all, app, attachment, fill, issue, lane, stream};
use packhorse_core::{ObjectKind, port::Sink};
use rusqlite::Connection;
use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

/// Tells this test binary, started by itself, where to write until it is killed.
const WRITE_TO: &str = "PACKHORSE_TEST_WRITE_TO";
/// Records that are made durable together.
const BATCH: u64 = 50;

async fn write_until_killed(sink: &dyn Sink) {
    for first in (1_u64..).step_by(50) {
        let blob = attachment(&first.to_string());
        sink.save(&blob, stream(&[&first.to_le_bytes(), &[0; 100_000]])).await.unwrap();
        fill(sink, (first..first + BATCH).map(issue)).await;
        std::io::stdout().write_all(b"\nflushed\n").unwrap();
    }
}

/// Starts a writer, and kills it after so many flushes, wherever it is then.
#[expect(clippy::disallowed_methods, reason = "only a process of its own can be killed")]
fn kill_after(flushes: usize, place: &Place) {
    let mut writer = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "local::killed::what_was_flushed_survives_a_kill", "--nocapture"])
        .env(WRITE_TO, place.path(""))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    let seen = lines.map_while(Result::ok).filter(|it| it == "flushed").take(flushes).count();
    writer.kill().unwrap();
    writer.wait().unwrap();
    assert_eq!(seen, flushes);
}

#[tokio::test]
async fn what_was_flushed_survives_a_kill() {
    if let Ok(path) = std::env::var(WRITE_TO) {
        return write_until_killed(&*Place::at(&path).sink()).await;
    }
    let place = Place::new();
    let mut before = 0;

    for flushes in [1, 2, 3, 5] {
        kill_after(flushes, &place);

        let count = all(&*place.source(), &lane(ObjectKind::Issue)).await.len() as u64;
        assert_eq!(count % BATCH, 0, "a batch is there whole or not at all");
        assert!(count >= before.max(flushes as u64 * BATCH), "{count} after {flushes}");
        before = count;
        let store = Connection::open(place.path("store/store.sqlite")).unwrap();
        let check = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
        assert_eq!(store.query_row("PRAGMA integrity_check", [], check).unwrap(), "ok");
        let sink = place.sink();
        fill(&*sink, [issue(1)]).await;
        let incoming = std::fs::read_dir(place.path("store/blobs/incoming")).unwrap();
        assert_eq!(incoming.count(), 0);
        assert!(place.source().open(&attachment("1"), 0).await.is_ok());
        sink.finish(&app()).await.unwrap();
    }
}
