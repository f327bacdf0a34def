//! Limits of hosts that several processes keep together, through a database.

use crate::postgres::Database;
use async_trait::async_trait;
use http::{HeaderMap, Method, StatusCode, header};
use packhorse_core::{HostError, Secret};
use packhorse_database::{Notes, Pool};
use packhorse_net::{
    Answer, Budgets, Common, Credentials, Options, Parts, Rates, Request, Transport,
    budget::{Bucket, Change, CommonError, Refill, RefusalHolds},
    clock::{Clock, System},
    stack::over,
};
use std::{
    borrow::Cow,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::task::JoinSet;
use tokio_postgres::NoTls;

struct InDatabase(Notes);

#[async_trait]
impl Common for InDatabase {
    async fn change(&self, account: &str, step: Change<'_>) -> Result<(), CommonError> {
        self.0.change(account, step).await
    }
}

const PER: Duration = Duration::from_secs(2);
const ALLOWANCE: u32 = 20;

fn rates() -> Rates {
    let toll = |_: &Method, _: &str| 1;
    let bucket = Bucket {
        name: "requests",
        allowance: ALLOWANCE,
        per: PER,
        refill: Refill::Window,
        toll,
        signals: None,
    };
    Rates {
        buckets: Cow::Owned(vec![bucket]),
        at_once: 8,
        refused_by: &[],
        refusal_holds: RefusalHolds::Credential,
        not_modified_is_free: false,
    }
}

/// Notes when it was asked; refuses the first request where that was said.
#[derive(Clone, Default)]
struct Host {
    asked: Arc<Mutex<Vec<Instant>>>,
    refuses: Arc<Mutex<bool>>,
}

#[async_trait]
impl Transport for Host {
    async fn send(&self, request: Request) -> Result<Answer, HostError> {
        self.asked.lock().unwrap().push(Instant::now());
        let refuses = std::mem::take(&mut *self.refuses.lock().unwrap());
        let (status, headers) = match refuses {
            true => {
                let wait = (header::RETRY_AFTER, "2".parse().unwrap());
                (StatusCode::TOO_MANY_REQUESTS, HeaderMap::from_iter([wait]))
            }
            false => (StatusCode::OK, HeaderMap::new()),
        };
        Ok(Answer::whole(status, headers, request.url, "[]".into(), request.operation))
    }
}

/// What a process of its own sends with: it shares nothing with others but the database.
async fn process(database: &Database, host: &Host) -> Arc<dyn Transport> {
    let notes = Notes::new(Pool::new(database.url().parse().unwrap(), NoTls).unwrap());
    let (budgets, salt) = (Budgets::default(), notes.salt().await.unwrap());
    assert!(budgets.share(Arc::new(InDatabase(notes)), salt));
    let parts = Parts {
        home: &"https://h.example/".parse().unwrap(),
        credentials: &[Credentials::Bearer(Secret::new("hunter2"))],
        rates: &rates(),
        options: &Options::default(),
        listener: Arc::new(()),
        budgets: &budgets,
    };
    let clock: Arc<dyn Clock> = Arc::new(System);
    over(&parts, host.clone(), &clock).unwrap()
}

fn request(n: usize) -> Request {
    // Each its own, so that none is answered from what is known.
    Request::get(format!("https://h.example/{n}").parse().unwrap(), "read")
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_together_keep_a_limit_and_use_it() {
    let Some(database) = Database::filled("") else { return };
    let host = Host::default();
    let mut sending = JoinSet::new();
    for process_number in 0..4 {
        let process = process(&database, &host).await;
        for n in 0..15 {
            let process = Arc::clone(&process);
            sending.spawn(async move { process.send(request(process_number * 100 + n)).await });
        }
    }

    for answer in sending.join_all().await {
        assert_eq!(answer.unwrap().status, StatusCode::OK);
    }

    let mut asked = host.asked.lock().unwrap().clone();
    asked.sort();
    assert_eq!(asked.len(), 60);
    // What was admitted is asked a little later, and on a busy machine not always as much later.
    let slack = Duration::from_millis(500);
    for (at, first) in asked.iter().enumerate() {
        let within = asked[at..].iter().filter(|it| **it - *first + slack < PER).count();
        assert!(within <= ALLOWANCE as usize, "{within} within the window");
    }
    let kept = database.psql("SELECT string_agg(name || coalesce(body, ''), ' ') FROM notes");
    assert!(kept.contains("https://h.example:443 ") && !kept.contains("hunter2"), "{kept}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_one_process_was_told_of_holds_for_all() {
    let Some(database) = Database::filled("") else { return };
    let host = Host::default();
    let (one, other) = (process(&database, &host).await, process(&database, &host).await);
    *host.refuses.lock().unwrap() = true;

    let waits = tokio::spawn(async move { one.send(request(1)).await });
    while host.asked.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The refusal is kept before the request is tried again.
    tokio::time::sleep(Duration::from_millis(300)).await;
    other.send(request(2)).await.unwrap();
    waits.await.unwrap().unwrap();

    let asked = host.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 3);
    assert!(asked[1..].iter().all(|it| *it - asked[0] >= PER), "{asked:?}");
}
