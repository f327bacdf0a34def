//! What goes wrong on demand.

use super::{Client, sample_records};
use packhorse_core::{Scope, model::Label};
use packhorse_testkit::fake::{
    Fake, Github, Options,
    fault::{Fault, Faults, Planned},
};
use serde_json::{Value, json};

const LABELS: &str = "/repos/acme/app/labels?per_page=2";

async fn spoilt(method: &str, fault: Fault) -> (Fake, Client) {
    let planned = Planned {
        method: method.to_owned(),
        path: "/labels".to_owned(),
        after: 0,
        times: 1,
        fault,
    };
    let faults = Faults { planned: vec![planned], ..Faults::default() };
    let fake = Fake::start(Github, Options { faults, ..Options::default() }).await.unwrap();
    fake.fill(sample_records(4));
    let client = Client::of(&fake);
    (fake, client)
}

fn names(body: &Value) -> Vec<String> {
    body.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_lost_answer_has_been_served() {
    let (fake, client) = spoilt("POST", Fault::LostAnswer).await;
    let made = json!({ "name": "new" });

    let answer = client.try_ask(http::Method::POST, "/repos/acme/app/labels", Some(made)).await;

    assert!(answer.is_err());
    let scope = Scope::Project("acme/app".to_owned());
    assert!(fake.store(|store| store.find::<Label>(&scope, |it| it.name == "new").is_some()));
}

#[tokio::test]
async fn connections_are_cut_before_and_within_an_answer() {
    for fault in [Fault::Reset, Fault::Cut] {
        let (_fake, client) = spoilt("GET", fault).await;

        assert!(client.try_ask(http::Method::GET, LABELS, None).await.is_err(), "{fault:?}");
        assert_eq!(client.get(LABELS).await.0, 200);
    }
}

#[tokio::test]
async fn refusals_and_foreign_pages_come_as_told() {
    for (fault, status) in [
        (Fault::BadGateway, 502),
        (Fault::ServerError, 500),
        (Fault::TooMany(3), 429),
        (Fault::Html, 200),
        (Fault::HalfJson, 200),
    ] {
        let (_fake, client) = spoilt("GET", fault).await;

        let (found, headers, body) = client.get(LABELS).await;

        assert_eq!(found, status, "{fault:?}");
        assert!(!body.is_array(), "{fault:?}");
        assert_eq!(headers.contains_key("retry-after"), status == 429);
    }
}

#[tokio::test]
async fn pages_come_twice_or_not_at_all() {
    let (_fake, client) = spoilt("", Fault::PageTwice).await;
    let twice = names(&client.get("/repos/acme/app/labels?per_page=2&page=2").await.2);
    assert_eq!(twice, names(&client.get(LABELS).await.2));

    let (_fake, client) = spoilt("", Fault::PageMissing).await;
    let missing = names(&client.get(LABELS).await.2);
    assert_eq!(missing, names(&client.get("/repos/acme/app/labels?per_page=2&page=2").await.2));
}

#[tokio::test]
async fn objects_change_while_they_are_listed() {
    let (fake, client) = spoilt("never", Fault::Reset).await;
    let scope = Scope::Project("acme/app".to_owned());
    fake.change_at("/labels", 1, move |store| {
        let (first, _) = store.all::<Label>(&scope).next().unwrap();
        store.remove::<Label>(&scope, first);
    });

    let first = names(&client.get(LABELS).await.2);
    let second = names(&client.get("/repos/acme/app/labels?per_page=2&page=2").await.2);

    assert_eq!((first.len(), second.len()), (2, 1));
}
