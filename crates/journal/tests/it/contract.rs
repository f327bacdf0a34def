//! The contract that every journal keeps.

use packhorse_journal::{Clock, SqliteJournal};
use packhorse_testkit::{clock::FakeClock, suite};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

struct Told(FakeClock);

impl Clock for Told {
    fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }
}

#[tokio::test]
async fn the_journal_keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    let count = AtomicUsize::new(0);

    suite::journal(|clock| {
        let name = format!("{}.sqlite", count.fetch_add(1, Ordering::Relaxed));
        let clock = Arc::new(Told(clock));
        Arc::new(SqliteJournal::open_with(&directory.path().join(name), clock).unwrap())
    })
    .await;
}
