//! The journal in a PostgreSQL database, held against the contract, and what is its own.

use crate::postgres::Database;
use packhorse_core::{
    job::{JobOptions, JobSpec},
    port::{Journal, Queue},
};
use packhorse_journal::{Clock, PostgresJournal, SchemaError};
use packhorse_testkit::{clock::FakeClock, suite};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::task::JoinSet;
use tokio_postgres::NoTls;

const LEASE: Duration = Duration::from_secs(60);

struct Told(FakeClock);

impl Clock for Told {
    fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }
}

fn journal(database: &Database) -> PostgresJournal {
    PostgresJournal::new(database.url().parse().unwrap(), NoTls).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_of_journals() {
    // The server stays as long as somebody has a database of it.
    let Some(_first) = Database::filled("") else { return };

    suite::journal(|clock| {
        let database = Database::filled("").expect("there is a server");
        Arc::new(journal(&database).with_clock(Arc::new(Told(clock)))) as Arc<dyn Journal>
    })
    .await;
}

fn spec(n: usize) -> JobSpec {
    JobSpec {
        from: "local:./one".into(),
        to: "local:./two".into(),
        source_identity: "one".into(),
        // Two jobs of each route: they must not be carried at once.
        sink_identity: format!("two {}", n / 2),
        options: JobOptions::default(),
        queued: true,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_of_several_processes_never_take_one_job_or_one_route_twice() {
    let Some(database) = Database::filled("") else { return };
    let first = journal(&database);
    for n in 0..40 {
        first.submit(&spec(n)).await.unwrap();
    }

    // Nobody ends a job: so one of each route is all that there is to take.
    let mut workers = JoinSet::new();
    for n in 0..4 {
        let journal = journal(&database);
        workers.spawn(async move {
            let (name, mut taken, mut misses) = (format!("worker {n}"), Vec::new(), 0);
            while misses < 3 {
                match journal.claim(None, &name, LEASE).await.unwrap() {
                    Some(claim) => taken.push(claim),
                    None => misses += 1,
                }
            }
            taken
        });
    }
    let mut claims: Vec<_> = workers.join_all().await.into_iter().flatten().collect();
    // Whoever met only rows that others were looking at may have left some.
    while let Some(claim) = first.claim(None, "the last", LEASE).await.unwrap() {
        claims.push(claim);
    }

    let routes: BTreeSet<u64> = claims.iter().map(|it| it.route).collect();
    assert_eq!((claims.len(), routes.len()), (20, 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_comes_back_is_found_again() {
    let Some(database) = Database::filled("") else { return };
    let journal = journal(&database);
    let job = journal.submit(&spec(0)).await.unwrap();

    let cut = database.psql(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );

    assert_ne!(cut.trim(), "0", "there was a connection to cut");
    assert_eq!(journal.jobs(Some(job)).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_a_newer_version_are_refused() {
    let Some(database) = Database::filled("") else { return };
    journal(&database).prepare().await.unwrap();
    database.psql("UPDATE schema_version SET steps = 99");

    let refused = journal(&database).prepare().await.unwrap_err();

    let reason = refused.source.downcast_ref();
    assert!(matches!(reason, Some(SchemaError::Newer { found: 99, .. })), "{refused:?}");
}
