//! The journal on PostgreSQL, held against the contract where there is a server.
//!
//! `PACKHORSE_LIVE_POSTGRES_URL` says where: a database in which schemas may be made, such as
//! `postgres://packhorse@127.0.0.1/packhorse`. Each case has a schema of its own, dropped at the
//! end.

use crate::contract::Told;
use packhorse_core::{
    job::{JobOptions, JobSpec},
    port::{Journal, Queue},
};
use packhorse_journal::{PostgresJournal, SchemaError};
use packhorse_testkit::suite;
use std::{
    collections::BTreeSet,
    io::Write,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio_postgres::{Client, Config, NoTls};

const LEASE: Duration = Duration::from_secs(60);

/// Where the server is, or a visible word that there is none.
fn server(test: &str) -> Option<Config> {
    let url = std::env::var("PACKHORSE_LIVE_POSTGRES_URL").ok();
    if url.is_none() {
        let why = format!("SKIPPED: {test}, because PACKHORSE_LIVE_POSTGRES_URL is not set\n");
        std::io::stderr().write_all(why.as_bytes()).expect("it can be said");
    }
    url.map(|it| it.parse().expect("the address of a database"))
}

async fn client(server: &Config) -> Client {
    let (client, connection) = server.connect(NoTls).await.expect("the server answers");
    tokio::spawn(async move { drop(connection.await) });
    client
}

/// A schema that nobody else uses.
struct Schemas {
    server: Config,
    made: Mutex<Vec<String>>,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Schemas {
    fn new(server: Config) -> Self {
        Self { server, made: Mutex::default() }
    }

    /// Connections that work in a new schema.
    async fn make(&self) -> Config {
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("packhorse_test_{}_{n}", std::process::id());
        let sql = format!("CREATE SCHEMA {name}");
        client(&self.server).await.batch_execute(&sql).await.expect("a schema can be made");
        self.made.lock().expect("nobody panicked").push(name.clone());
        let mut config = self.server.clone();
        config.options(format!("-c search_path={name}")).application_name(name);
        config
    }

    async fn drop_all(&self) {
        let made = std::mem::take(&mut *self.made.lock().expect("nobody panicked"));
        let client = client(&self.server).await;
        for name in made {
            let sql = format!("DROP SCHEMA {name} CASCADE");
            client.batch_execute(&sql).await.expect("a schema can be dropped");
        }
    }
}

fn journal(config: &Config) -> PostgresJournal {
    PostgresJournal::new(config.clone(), NoTls).expect("it can be connected to")
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract() {
    let Some(server) = server("the journal on PostgreSQL keeps the contract") else { return };
    let schemas = Schemas::new(server);

    suite::journal(|clock| {
        let making = || tokio::runtime::Handle::current().block_on(schemas.make());
        let config = tokio::task::block_in_place(making);
        Arc::new(journal(&config).with_clock(Arc::new(Told(clock)))) as Arc<dyn Journal>
    })
    .await;

    schemas.drop_all().await;
}

fn spec(n: usize) -> JobSpec {
    JobSpec {
        from: "local:./one".into(),
        to: "local:./two".into(),
        source_identity: "one".into(),
        // Two jobs of each route: they must not be carried at once.
        sink_identity: format!("two {}", n / 2),
        options: JobOptions::default(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_of_several_processes_never_take_one_job_or_one_route_twice() {
    let Some(server) = server("workers share a queue on PostgreSQL") else { return };
    let schemas = Schemas::new(server);
    let config = schemas.make().await;
    let first = journal(&config);
    for n in 0..40 {
        first.submit(&spec(n)).await.expect("jobs can be added");
    }

    // Nobody ends a job: so one of each route is all that there is to take.
    let mut workers = tokio::task::JoinSet::new();
    for n in 0..8 {
        let journal = journal(&config);
        workers.spawn(async move {
            let (name, mut taken) = (format!("worker {n}"), Vec::new());
            let mut misses = 0;
            while misses < 3 {
                match journal.claim(None, &name, LEASE).await.expect("the queue answers") {
                    Some(claim) => taken.push(claim),
                    None => misses += 1,
                }
            }
            taken
        });
    }
    let claims: Vec<_> = workers.join_all().await.into_iter().flatten().collect();

    let routes: BTreeSet<u64> = claims.iter().map(|it| it.route).collect();
    assert_eq!((claims.len(), routes.len()), (20, 20));
    schemas.drop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_comes_back_is_found_again() {
    let Some(server) = server("a database on PostgreSQL comes back") else { return };
    let schemas = Schemas::new(server.clone());
    let config = schemas.make().await;
    let name = config.get_application_name().map(str::to_owned);
    let journal = journal(&config);
    let job = journal.submit(&spec(0)).await.expect("a job can be added");

    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE application_name = $1";
    let cut = client(&server).await.query_one(cut, &[&name]).await.expect("connections can be cut");
    assert!(cut.get::<_, i64>(0) > 0, "there was a connection to cut");

    assert_eq!(journal.jobs(Some(job)).await.expect("it is found again").len(), 1);
    schemas.drop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_a_newer_version_are_refused() {
    let Some(server) = server("newer tables on PostgreSQL are refused") else { return };
    let schemas = Schemas::new(server);
    let config = schemas.make().await;
    journal(&config).prepare().await.expect("tables can be made");
    client(&config).await.batch_execute("UPDATE schema_version SET steps = 99").await.expect("set");

    let refused = journal(&config).prepare().await.expect_err("it is newer");

    let reason = refused.source.downcast_ref();
    assert!(matches!(reason, Some(SchemaError::Newer { found: 99, .. })), "{refused:?}");
    schemas.drop_all().await;
}
