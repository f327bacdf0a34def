//! Where connections may lead: asked for each address, not once for a name.

use crate::{
    live::patient,
    server::{Server, answer},
};
use packhorse_core::{HostErrorKind, Retry};
use packhorse_net::{Live, Options, Reach, Redirects, Request, Transport, Unanswered};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use url::Url;

/// Answers anybody, and counts them.
async fn counting() -> (Server, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let server = Server::answering(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        answer("200 OK", &[], b"")
    })
    .await;
    (server, asked)
}

fn named(name: &str, url: &Url) -> Url {
    let mut url = url.clone();
    url.set_host(Some(name)).unwrap();
    url
}

/// A client that may connect to what is called so, and to nothing else.
fn only(name: &'static str) -> Live {
    let reach = Some(Reach::new(move |host, _| host == name));
    Live::new(&Options { reach, ..patient() }).unwrap()
}

#[track_caller]
fn check_refused(error: &packhorse_core::HostError) {
    assert!(matches!(Unanswered::of(error), Some(Unanswered::Address(_))), "{error:?}");
    assert_eq!((error.kind, error.retry), (HostErrorKind::Rejected, Retry::Never));
}

#[tokio::test]
async fn an_address_or_a_name_that_leads_where_nobody_may_go_is_never_connected_to() {
    let (server, asked) = counting().await;
    let url = server.url("/");
    let live = only("elsewhere.example");

    for url in [url.clone(), named("localhost", &url)] {
        check_refused(&live.send(Request::get(url, "read")).await.unwrap_err());
    }

    assert_eq!(asked.load(Ordering::SeqCst), 0);
    only("localhost").send(Request::get(named("localhost", &url), "read")).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_redirect_leads_no_further_than_the_request_itself() {
    let (secret, asked) = counting().await;
    let target = secret.url("/");
    let head = format!("Location: {target}");
    let front = Server::answering(move |_| answer("302 Found", &[&head], b"")).await;
    let mut request = Request::get(named("localhost", &front.url("/")), "read");
    request.redirects = Redirects::Follow;

    check_refused(&only("localhost").send(request).await.unwrap_err());

    assert_eq!(asked.load(Ordering::SeqCst), 0);
}
